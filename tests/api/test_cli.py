"""The `doorstep` command as a shell sees it: what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.understanding import model
from api import cli
from core.postgres import EmbeddedPostgres, default_folder
from core.settings import settings
from core.store import db as store
from tests.api.visitors import Visitors
from tests.living import DAY, DEPOT, Living, a_depot, a_plan, a_van, an_order

Done = subprocess.CompletedProcess[bytes]
COMMANDS = {
    "": "client serve worker demo import optimize understand eval evidence vans db log policy",
    "db": "status stop",
    "log": "verify replay show export why-not sample review reviews",
    "policy": "check replay",
}
"""what the command line offers, group by group"""


def doorstep(*words: str, stdin: bytes = b"", environment: Mapping[str, str] = {}) -> Done:
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", "DOORSTEP_LOG_LEVEL": "warning", **environment}
    command = [sys.executable, "-m", "api.cli", *words]
    return subprocess.run(command, input=stdin, capture_output=True, env=env, timeout=100, check=False)


def two_lines(done: Done, *said: str) -> None:
    """An error is what happened and what to do, each on a line, and no traceback."""
    what, fix = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (2, b"")
    assert what
    assert fix.endswith(".")
    assert all(words in what + fix for words in said), (what, fix)


@pytest.mark.parametrize("group", COMMANDS)
def test_the_help_lists_every_command_with_what_it_does(group: str) -> None:
    done = doorstep(*group.split(), "--help")

    listed = [line.strip("│ ").split(maxsplit=1) for line in done.stdout.decode().splitlines() if line.startswith("│")]
    described = dict(line for line in listed if len(line) == 2)
    assert done.returncode == 0
    assert all(described.get(name, "").strip() for name in COMMANDS[group].split()), described


def test_no_command_is_hidden_from_the_list_above() -> None:
    for group, names in COMMANDS.items():
        typer_app = {"": cli.app, "db": cli.database, "log": cli.decisions, "policy": cli.rules}[group]
        commands = {c.name or c.callback.__name__ for c in typer_app.registered_commands if c.callback and not c.hidden}
        assert commands | {str(g.name) for g in typer_app.registered_groups} == set(names.split())


# Orders ---------------------------------------------------------------------------------------------------------------


def imported(folder: Path, content: str, name: str = "orders.csv", *more: str) -> Done:
    (folder / name).write_text(content)
    return doorstep("import", str(folder / name), "--depot", DEPOT, "--day", DAY.isoformat(), *more)


@pytest.mark.usefixtures("visitors")
def test_an_import_lists_bad_rows_counts_all_and_says_so_by_its_exit_code(tmp_path: Path) -> None:
    good = "ref,name,lat,lon\nCLI-1,Ada,30.2,-97.7\n"

    first, again = imported(tmp_path, good), imported(tmp_path, good + "CLI-2,,30.2,-97.7\nCLI-3,Bob,north,-97.7\n")

    assert (first.returncode, first.stdout) == (0, b"1 taken, 0 known already, 0 rejected\n")
    assert first.stderr == b""
    assert (again.returncode, again.stdout) == (1, b"0 taken, 1 known already, 2 rejected\n")
    assert again.stderr.decode().splitlines() == [
        "Not taken",
        "  row 2  name  This field is empty. Fill in name.",
        "  row 3  lat   'north' is no number. Write digits with a decimal point.",
    ]


@pytest.mark.usefixtures("visitors")
def test_the_format_of_an_import_follows_from_the_name_unless_it_is_told(tmp_path: Path) -> None:
    rows = [{"ref": "CLI-J", "name": "Jo", "lat": 30.2, "lon": -97.7}]
    loggi = {"deliveries": [{"id": "cli-l", "point": {"lng": -97.7, "lat": 30.2}, "size": 1}]}

    assert imported(tmp_path, json.dumps(rows), "orders.json").stdout.startswith(b"1 taken")
    assert imported(tmp_path, json.dumps(loggi), "loggi.json", "--format", "loggi").stdout.startswith(b"1 taken")


@pytest.mark.usefixtures("visitors")
def test_a_mapping_says_which_column_is_which_and_what_repeats_or_is_ignored_is_shown(tmp_path: Path) -> None:
    mapping = tmp_path / "theirs.yaml"
    mapping.write_text("columns: {ref: Beleg}\nconstants: {client: acme}\n")
    rows = "Beleg;Kunde;Lat;Lon;Vertreter\nMAP-1;Kim;30.3;-97.6;Max\nMAP-2;Kim;30.3;-97.6;Max\n"

    done = imported(tmp_path, rows, "orders.csv", "--mapping", str(mapping))

    assert (done.returncode, done.stdout) == (1, b"1 taken, 0 known already, 1 rejected\n")
    said = done.stderr.decode().splitlines()
    assert "  row 2  MAP-2  same contents as MAP-1 (row 1)" in said
    assert said[-1] == "Columns ignored: Vertreter"


WRONG: list[tuple[list[str], list[str], str]] = [
    (["import", "nowhere.csv", "--depot", "d", "--day", "2026-06-02"], ["nowhere.csv", "path"], "no such file"),
    (["import", __file__, "--depot", "d", "--day", "tomorrow"], ["day: 'tomorrow'", "YYYY-MM-DD"], "no date"),
    (["understand", "--as", "king"], ["'king'", "customer or dispatcher"], "nobody's role"),
    (["understand", "nowhere.txt"], ["nowhere.txt"], "no such file of messages"),
    (["log", "verify", "nowhere.jsonl"], ["nowhere.jsonl", "exported day"], "no such export"),
    (["policy", "check", "nowhere.yaml"], ["nowhere.yaml"], "no such policy"),
    (["policy", "replay", "nowhere.yaml"], ["nowhere.yaml"], "no such policy to replay"),
    (["policy", "replay", "--day", "tomorrow"], ["day: 'tomorrow'", "YYYY-MM-DD"], "no day to replay"),
    (["run", "nothing"], ["'nothing'", "web, engine or worker"], "no such process"),
]


@pytest.mark.parametrize(("words", "said", "reason"), WRONG, ids=[row[2] for row in WRONG])
def test_an_error_is_two_lines_and_no_traceback(words: list[str], said: list[str], reason: str) -> None:
    two_lines(doorstep(*words), *said)


@pytest.mark.usefixtures("visitors")
def test_a_file_that_no_reader_knows_is_two_lines(tmp_path: Path) -> None:
    two_lines(imported(tmp_path, "x", "orders.csv", "--format", "pdf"), "format", "csv, xlsx, json, loggi")
    two_lines(imported(tmp_path, "x", "orders.xlsx"), "no workbook")
    two_lines(imported(tmp_path, "", "empty.csv"), "empty")


SETTINGS: list[tuple[dict[str, str], str, str]] = [
    ({"DATABASE_URL": "mysql://here/there"}, "postgresql://", "a database of another make"),
    ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}, "DATABASE_URL", "a database that is not there"),
    ({"DOORSTEP_LOG_LEVEL": "loud"}, "debug, info", "a level that there is not"),
    ({"DOORSTEP_PORT": "many"}, "DOORSTEP_PORT", "a word for a number"),
]


@pytest.mark.parametrize(("environment", "said", "reason"), SETTINGS, ids=[row[2] for row in SETTINGS])
@pytest.mark.usefixtures("visitors")
def test_a_setting_that_cannot_be_right_is_two_lines(environment: dict[str, str], said: str, reason: str) -> None:
    two_lines(doorstep("log", "show", environment=environment), said)


# Understanding --------------------------------------------------------------------------------------------------------


def understood(text: bytes, *words: str) -> list[dict[str, Any]]:
    model.prepare()  # what make does at set-up
    done = doorstep("understand", *words, stdin=text)
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.decode().removesuffix("\n").split("\n")]


def test_each_message_is_understood_on_a_line_of_its_own() -> None:
    lines = understood("where is order ABC-123?\r\n\nStöp 😀\nbroken \u2028 line\n".encode() + b"bytes \xff\n")

    assert all(line.keys() >= {"text", "intent", "slots", "confidence"} for line in lines)
    assert [line["text"] for line in lines] == [
        "where is order ABC-123?", "", "Stöp 😀", "broken \u2028 line", "bytes \N{REPLACEMENT CHARACTER}"
    ]  # fmt: skip
    assert (lines[0]["intent"], lines[0]["slots"]) == ("where_is_order", {"order": "ABC-123"})
    assert (lines[1]["intent"], lines[1]["confidence"]) == ("out_of_scope", 0.0)


def test_a_dispatcher_means_other_things(tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text("how is the fleet doing?\n")

    [line] = understood(b"", str(tmp_path / "said.txt"), "--as", "dispatcher")

    assert line["intent"] == "fleet_status"


# The policy -----------------------------------------------------------------------------------------------------------


def test_the_policy_that_ships_is_read_with_its_version_and_every_rule() -> None:
    done = doorstep("policy", "check")

    first, *rules, last = done.stdout.decode().splitlines()
    assert (done.returncode, done.stderr) == (0, b"")
    assert first.startswith("default, version ")
    assert "wait.harmless: wait (level 2) auto" in rules
    assert last == f"{len(rules)} rules, 0 that never match, 0 gaps, 0 contradictions"


def test_a_policy_with_a_rule_that_never_matches_is_told_and_fails(tmp_path: Path) -> None:
    text = Path("tools/policies/default.yaml").read_text()
    late = "{id: wait.dead, action: wait, when: {promises_broken: {min: 2}}, verdict: deny, why: it is far too late}"
    (tmp_path / "policy.yaml").write_text(f"{text}  - {late}\n")

    done = doorstep("policy", "check", str(tmp_path / "policy.yaml"))

    assert done.returncode == 1
    assert done.stderr.decode().startswith("wait.dead never matches: wait.breaks_promise stands before it")


def test_a_policy_with_a_mistake_names_its_place(tmp_path: Path) -> None:
    text = Path("tools/policies/default.yaml").read_text().replace("spend_per_day_cents: 20000", "spend: 20000")
    (tmp_path / "policy.yaml").write_text(text)

    two_lines(doorstep("policy", "check", str(tmp_path / "policy.yaml")), "limits.spend_per_day_cents")


@pytest.mark.usefixtures("visitors")
def test_a_changed_policy_is_judged_on_the_days_that_are_on_record(tmp_path: Path) -> None:
    two_lines(doorstep("policy", "replay", "--day", "1999-01-01"), "No decision is on record on 1999-01-01")
    with store.transaction() as db:
        depot, van = a_depot(db, "dep-policy"), a_van(db, "van-policy", "dep-policy")
        a_plan(db, {van: [an_order(db, "POLICY-1", depot_id=depot)]}, depot_id=depot)
    text = Path("tools/policies/default.yaml").read_text().replace("kill_switch: off", "kill_switch: deny")
    (tmp_path / "policy.yaml").write_text(text)

    same = doorstep("policy", "replay")
    page = str(tmp_path / "page.html")
    other = doorstep("policy", "replay", str(tmp_path / "policy.yaml"), "--days", "400", "--page", page)

    assert same.stdout.decode().splitlines()[-1].startswith("0 of ")
    assert same.returncode == other.returncode == 0
    *changed, last, written = other.stdout.decode().splitlines()
    assert written.startswith("written to ")
    assert "auto (publish.whole)</td><td>deny (kill_switch.deny)" in Path(page).read_text()
    assert any("plan.publish: auto (publish.whole) -> deny (kill_switch.deny)" in line for line in changed)
    assert re.fullmatch(r"\d+ of \d+ decisions would differ: .*plan.publish auto to deny.*", last)


# Routing --------------------------------------------------------------------------------------------------------------

PROBLEM: dict[str, Any] = {
    "vehicles": [{"id": 1, "start": [2.35, 48.71]}],
    "jobs": [{"id": 7, "location": [2.4, 48.8]}],
}


def test_a_problem_is_solved_from_a_file_and_from_standard_input_alike(tmp_path: Path) -> None:
    (tmp_path / "problem.json").write_text(json.dumps(PROBLEM))

    by_name = doorstep("optimize", str(tmp_path / "problem.json"), "--seed", "3")
    by_input = doorstep("optimize", "-t", "0.2", stdin=json.dumps(PROBLEM).encode())

    assert (by_name.returncode, by_name.stderr) == (0, b"")
    assert json.loads(by_name.stdout) == json.loads(by_input.stdout)
    assert json.loads(by_name.stdout)["summary"]["routes"] == 1


def test_given_routes_are_only_timed(tmp_path: Path) -> None:
    steps = [{"type": "job", "id": 7, "service_at": 5000}]
    given = {**PROBLEM, "vehicles": [{**PROBLEM["vehicles"][0], "steps": steps}]}
    done = doorstep("optimize", "-c", stdin=json.dumps(given).encode())

    [route] = json.loads(done.stdout)["routes"]
    assert done.returncode == 0
    assert route["steps"][-1]["arrival"] + route["steps"][-1]["waiting_time"] == 5000


@pytest.mark.parametrize("engine", ["native", "combined", "ortools", "auto"])
def test_the_engine_can_be_named(engine: str) -> None:
    done = doorstep("optimize", "--engine", engine, stdin=json.dumps(PROBLEM).encode())

    assert (done.returncode, json.loads(done.stdout)["summary"]["routes"]) == (0, 1)


def test_an_engine_that_has_no_word_for_something_says_so() -> None:
    rest = {"id": 1, "service": 60, "time_windows": [[0, 10_000]]}
    given = {**PROBLEM, "vehicles": [each | {"breaks": [rest]} for each in PROBLEM["vehicles"]]}
    done = doorstep("optimize", "--engine", "native", stdin=json.dumps(given).encode())

    assert done.returncode != 0
    assert "a break with a time of its own" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize(
    ("words", "content"),
    [(["nowhere.json"], b""), ([], b"{}"), (["--engine", "vroom"], json.dumps(PROBLEM).encode())],
    ids=["no such file", "no fleet", "no such engine"],
)
def test_an_input_error_is_vrooms_code_on_standard_output_and_in_the_exit(words: list[str], content: bytes) -> None:
    done = doorstep("optimize", *words, stdin=content)

    answer = json.loads(done.stdout)
    assert (done.returncode, answer["code"], done.stderr) == (2, 2, b"")
    assert answer["error"]


# Log and database -----------------------------------------------------------------------------------------------------


def test_an_exported_day_verifies_and_a_changed_one_does_not(visitors: Visitors, tmp_path: Path) -> None:
    with store.transaction() as db:
        a_plan(db, {"van1": [an_order(db, "CLI-LOG")]})

    exported = doorstep("log", "export", DAY.isoformat())
    (tmp_path / "day.jsonl").write_bytes(exported.stdout)
    (tmp_path / "forged.jsonl").write_bytes(exported.stdout.replace(b"plan.publish", b"plan.abolish", 1))

    assert doorstep("log", "verify", str(tmp_path / "day.jsonl")).returncode == 0
    assert doorstep("log", "verify", str(tmp_path / "forged.jsonl")).returncode == 1
    shown = doorstep("log", "show", f"plan:{DEPOT}:{DAY.isoformat()}").stdout.splitlines()
    assert shown
    assert all(json.loads(line)["kind"] == "decision" for line in shown)


def test_an_empty_log_verifies_and_one_whose_anchor_was_taken_does_not(living: Living) -> None:
    assert doorstep("log", "verify").returncode == 0, "nothing was decided yet"
    with store.transaction() as db:
        a_depot(db)
        a_van(db)
        a_plan(db, {"van1": [an_order(db, "CLI-ANCHOR")]})
    assert doorstep("log", "verify").returncode == 0
    settings().anchor.unlink()
    assert "anchor file" in doorstep("log", "verify").stdout.decode()


@pytest.fixture
def a_server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """The embedded server of a data folder, as the command line finds it."""
    server = EmbeddedPostgres(default_folder(tmp_path))
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(default_folder(tmp_path).parent, ignore_errors=True)


def test_the_database_tells_its_state_and_stops_when_it_is_told(a_server: EmbeddedPostgres, tmp_path: Path) -> None:
    here = {"DOORSTEP_DATA": str(tmp_path), "DATABASE_URL": ""}

    def state() -> dict[str, str]:
        done = doorstep("db", "status", environment=here)
        assert done.returncode == 0, done.stderr
        return dict(line.split(": ", 1) for line in done.stdout.decode().splitlines())

    assert state()["running"] == "True"
    assert doorstep("db", "stop", environment=here).stdout == b"stopped\n"
    assert state()["running"] == "False"
    assert doorstep("db", "stop", environment=here).returncode == 0, "stopping what is stopped is fine"
