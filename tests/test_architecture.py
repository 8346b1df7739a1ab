"""The rules of the house hold, and each of them bites: a planted violation is found, its lawful neighbour is not."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from tests import architecture as rules
from tests.architecture import House, Module, Rule

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def house() -> House:
    return rules.read_house(ROOT)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule: Rule, house: House) -> None:
    assert "\n".join(rule(house)) == ""


def test_the_tables_allow_nothing_that_is_not_used(house: House) -> None:
    assert "\n".join(rules.stale_permissions(house)) == ""


def test_every_room_is_read(house: House) -> None:
    assert {module.room for module in house} >= rules.ROOMS | {"tests"}


LONG_FUNCTION = "def story() -> None:\n" + "    pass\n" * 60
PLANTED: list[tuple[Rule, str, str, str]] = [
    # rule, file, source, why it is wrong
    (rules.imports_go_one_way, "core/a.py", "import optimizer.problem", "a fact can't know a cost"),
    (rules.imports_go_one_way, "core/a.py", "from api import app", "nor the wire"),
    (rules.imports_go_one_way, "optimizer/a.py", "from tools.desk import Desk", "a cost has no side effect"),
    (rules.imports_go_one_way, "tools/a.py", "from agent.planner import Step", "an effect makes no choice"),
    (rules.imports_go_one_way, "agent/a.py", "from api.app import app", "a choice knows no wire format"),
    (rules.imports_go_one_way, "agent/a.py", "from evals.world import streets", "nothing imports evals"),
    (rules.imports_go_one_way, "api/a.py", "import evals.bench", "the command line starts it as a program"),
    (rules.imports_go_one_way, "tools/a.py", "from tests import architecture", "nothing imports tests"),
    (rules.imports_go_one_way, "api/a.py", "import prompts", "only agent and tools read texts"),
    (rules.imports_go_one_way, "prompts/a.py", "from agent import planner", "texts choose nothing"),
    (rules.imports_go_one_way, "evals/a.py", "from api import app", "evals talk HTTP to the API"),
    (rules.imports_go_one_way, "evals/world/a.py", "from tools import desk", "the world is outside"),
    (rules.imports_go_one_way, "evals/world/deep/a.py", "import agent.planner", "also its sub-folders"),
    (rules.imports_go_one_way, "core/store/a.py", "from ...api import app", "a relative import is one too"),
    (rules.imports_go_one_way, "core/a.py", "def f():\n    from tools import desk", "a lazy one too"),
    (rules.imports_go_one_way, "core/a.py", "import importlib\nimportlib.import_module('api.app')", "by name too"),
    (rules.one_room_per_vendor, "optimizer/a.py", "from ortools.sat.python import cp_model", "not the engine's file"),
    (rules.one_room_per_vendor, "agent/a.py", "import openai", "not the hosted planner"),
    (rules.one_room_per_vendor, "optimizer/a.py", "import sqlalchemy", "the optimizer has no database"),
    (rules.one_room_per_vendor, "core/a.py", "from fastapi import HTTPException", "the wire is the API's"),
    (rules.one_room_per_vendor, "core/a.py", "import pandas", "a package that is in no table"),
    (rules.the_clock_is_a_port, "core/a.py", "from datetime import datetime\ndatetime.now()", "the system's clock"),
    (rules.the_clock_is_a_port, "tools/a.py", "import datetime\ndatetime.datetime.now()", "spelt in full"),
    (rules.the_clock_is_a_port, "tools/a.py", "import datetime\nf = datetime.datetime.utcnow", "passed on, not called"),
    (rules.the_clock_is_a_port, "agent/a.py", "from datetime import date\ndate.today()", "a day is a time"),
    (rules.the_clock_is_a_port, "api/a.py", "import time\ntime.time()", "seconds are a time"),
    (rules.the_clock_is_a_port, "api/a.py", "from time import time", "under another name"),
    (rules.the_clock_is_a_port, "core/a.py", "from sqlalchemy import func\nx = func.now()", "the database's clock"),
    (rules.the_clock_is_a_port, "core/a.py", "sql = 'select 1 where due_at < NOW()'", "the same in SQL"),
    (rules.the_clock_is_a_port, "core/a.py", "d = text('CURRENT_TIMESTAMP')", "the same as a default"),
    (rules.the_clock_is_a_port, "tools/a.py", "from core import clock\nclock.system_now()", "around the port"),
    (rules.the_clock_is_a_port, "tools/a.py", "from core.clock import system_now", "around the port, by name"),
    (rules.chance_is_injected, "optimizer/a.py", "import random\nrandom.shuffle([1])", "the shared generator"),
    (rules.chance_is_injected, "evals/a.py", "import numpy as np\nnp.random.rand()", "numpy's shared generator"),
    (rules.chance_is_injected, "core/a.py", "import uuid\nuuid.uuid4()", "an id that no replay finds again"),
    (rules.no_patching, "tests/test_a.py", "from unittest.mock import patch", "patched code is not what runs"),
    (rules.no_patching, "tests/test_a.py", "from unittest import mock", "the same"),
    (rules.no_patching, "core/a.py", "import unittest.mock", "the same, in a room"),
    (rules.no_bare_print, "tools/a.py", "print('sent')", "a log line that nobody can filter"),
    (rules.files_are_short, "core/a.py", "x = 1\n" * 401, "401 lines"),
    (rules.files_are_short, "tests/test_a.py", "x = 1\n" * 401, "tests too"),
    (rules.functions_are_short, "core/a.py", LONG_FUNCTION, "61 lines"),
    (rules.functions_are_short, "core/a.py", LONG_FUNCTION.replace("def", "async def", 1), "async too"),
]
LAWFUL: list[tuple[Rule, str, str, str]] = [
    # rule, file, source, why it is right
    (rules.imports_go_one_way, "api/a.py", "from agent import planner\nfrom core import log", "downhill"),
    (rules.imports_go_one_way, "agent/a.py", "import prompts", "the agent reads texts"),
    (rules.imports_go_one_way, "evals/a.py", "from tools import policy", "a grader may"),
    (rules.imports_go_one_way, "tests/evals/test_a.py", "from evals import bench", "tests import what they test"),
    (rules.imports_go_one_way, "core/store/a.py", "from .. import clock", "stays in core"),
    (rules.one_room_per_vendor, "optimizer/ortools_engine.py", "import ortools", "its one file"),
    (rules.one_room_per_vendor, "core/a.py", "import json\nimport pydantic", "standard library; anywhere"),
    (rules.one_room_per_vendor, "tests/a.py", "import ortools", "a test may compare with a vendor"),
    (rules.the_clock_is_a_port, "core/clock.py", "from datetime import datetime\ndatetime.now()", "the port"),
    (rules.the_clock_is_a_port, "core/a.py", '"""Never SQL now()."""', "a docstring speaks of it"),
    (rules.the_clock_is_a_port, "core/a.py", "from core import clock\nclock.now(db)", "domain time"),
    (rules.the_clock_is_a_port, "core/a.py", "import time\ntime.monotonic()", "a duration, not a time"),
    (rules.the_clock_is_a_port, "evals/a.py", "import time\ntime.time()", "evals measure"),
    (rules.chance_is_injected, "core/a.py", "import random\nrandom.Random(7).random()", "seeded"),
    (rules.chance_is_injected, "api/a.py", "import uuid\nuuid.uuid4()", "a number to quote in a bug report"),
    (rules.no_bare_print, "api/cli.py", "print('ready')", "the command line"),
    (rules.no_bare_print, "tools/a.py", "import sys\nprint('sms', file=sys.stderr)", "says where to"),
    (rules.files_are_short, "core/a.py", "x = 1\n" * 400, "400 lines"),
    (rules.files_are_short, "core/store/migrations/versions/a.py", "x = 1\n" * 401, "a migration is a record"),
    (rules.files_are_short, "evals/wire.py", "x = 1\n" * 401, "nobody writes it by hand"),
    (rules.functions_are_short, "core/a.py", LONG_FUNCTION.removesuffix("    pass\n"), "60 lines"),
    (rules.functions_are_short, "tests/test_a.py", LONG_FUNCTION, "a story may be long"),
]


@pytest.mark.parametrize(("rule", "path", "source", "why"), PLANTED)
def test_a_planted_violation_is_found(rule: Rule, path: str, source: str, why: str, tmp_path: Path) -> None:
    found = list(rule(planted(tmp_path, path, source)))
    assert found, why
    assert found[0].startswith(f"{path}:")


@pytest.mark.parametrize(("rule", "path", "source", "why"), LAWFUL)
def test_its_lawful_neighbour_is_not(rule: Rule, path: str, source: str, why: str, tmp_path: Path) -> None:
    assert list(rule(planted(tmp_path, path, source))) == [], why


def planted(root: Path, path: str, source: str) -> House:
    file = root / path
    file.parent.mkdir(parents=True)
    file.write_text(source, "utf-8")
    return rules.read_house(root)


def test_every_rule_is_proven_to_bite() -> None:
    assert {rule for rule, *_ in PLANTED} == set(rules.RULES)


def test_a_permission_that_nobody_uses_is_found() -> None:
    reader = "from datetime import datetime\nimport ortools\ndatetime.now()\n"
    house = [Module(path, reader) for path in [*rules.REAL_CLOCK, "optimizer/ortools_engine.py", "agent/hosted.py"]]
    stale = list(rules.stale_permissions(house))
    assert "VENDORS allows openai in agent/hosted.py, where nothing imports it" in stale
    assert not any("ortools" in line or "REAL_CLOCK" in line for line in stale)
    assert not any("networkx" in line for line in stale)  # its file is not there yet
    assert any("core/clock.py" in line for line in rules.stale_permissions(house[1:]))
    assert any("core/clock.py" in line for line in rules.stale_permissions([Module("core/clock.py", ""), *house[1:]]))


@pytest.mark.parametrize("room", sorted(rules.ROOMS))
def test_no_installed_package_hides_a_room(room: str) -> None:
    spec = importlib.util.find_spec(room)
    assert spec is not None
    assert [Path(place).resolve() for place in dict.fromkeys(spec.submodule_search_locations or [])] == [ROOT / room]


def test_every_decision_names_what_enforces_it() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert records
    wrong = []
    for record in records:
        line = re.search(r"^Enforced by: (.+(?:\n.+)*)", record.read_text("utf-8"), re.MULTILINE)
        named = re.findall(r"`([^`]+\.py)`", line[1]) if line else []
        wrong += [f"{record.name} names {path}, which does not exist" for path in named if not (ROOT / path).exists()]
        wrong += [] if named else [f"{record.name} has no line 'Enforced by:' that names a file"]
    assert "\n".join(wrong) == ""
