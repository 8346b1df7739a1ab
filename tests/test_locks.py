"""The lock files: by hash, of no registry, and in step with pyproject.toml and with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "requirements"


def pins(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    text = (LOCKS / f"{name}.lock").read_text()
    for package, version in re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", text, re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


@pytest.mark.parametrize("name", ["bootstrap", "run", "test", "bench"])
def test_a_lock_pins_by_hash_and_names_no_registry(name: str) -> None:
    text = (LOCKS / f"{name}.lock").read_text()
    assert "://" not in text
    assert str(Path.home()) not in text
    blocks = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = {"run": project["project"]["dependencies"] + project["dependency-groups"]["build"]}
    asked |= {name: project["dependency-groups"][name] for name in ("bootstrap", "test", "bench")}
    names = {lock: {re.split(r"[\[<>=~! ]", line)[0] for line in lines} for lock, lines in asked.items()}
    assert {lock: sorted(wanted - set(pins(lock))) for lock, wanted in names.items() if wanted - set(pins(lock))} == {}


@pytest.mark.parametrize("group", ["test", "bench"])
def test_a_group_pins_what_it_shares_with_run_alike(group: str) -> None:
    run = pins("run")
    assert {package: both for package, both in pins(group).items() if package in run and not both <= run[package]} == {}
