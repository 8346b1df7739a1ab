"""Story: the day is over. Everybody can check it: the log verifies, every decision comes out again from its inputs, and
whatever is changed afterwards is found. A customer is forgotten, and the log still verifies. One seed is one day: the
same report to the byte and the same head of the log, however the processes ran."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, NullPool, create_engine, text

from agent import replay
from core import canonical, log
from core.signing import load_or_create
from core.store import db as store
from evals.client import ApiError
from evals.report import DayReport
from tests.living import instance_on
from tests.stories.conftest import SEED, Lived, city
from tests.stories.house import House, a_house

WITHHELD = ("case_", "proposal", "decision", "effect", "message", "outbox", "plan", "plan_route", "promise", "order_")
"""Everything that came of the decisions. What is left is the log with its stored outputs, and the inputs by hash."""


@pytest.mark.timeout(400)
def test_every_decision_of_the_day_comes_out_again_to_the_byte(lived: Lived) -> None:
    done = lived.house.command("log", "replay", "--day", lived.scenario.day.isoformat())
    assert done.returncode == 0, done.stdout
    recomputable = [e for e in _decisions(lived) if e.body["inputs"]]
    assert f"{len(recomputable)} decisions came out the same, 0 did not" in done.stdout
    assert {e.body["action"] for e in recomputable} >= {"plan.publish", "retell"}


@pytest.mark.timeout(400)
def test_they_come_out_again_with_all_stored_outputs_withheld(lived: Lived) -> None:
    recorded = {e.seq: canonical.dumps(e.body["outcome"]) for e in _decisions(lived) if e.body["inputs"]}
    with lived.copy("withheld") as url, instance_on(url, lived.house.data, lived.scenario.end):
        with store.transaction() as db:
            db.execute(text(f"TRUNCATE {', '.join(WITHHELD)} CASCADE"))
        with store.snapshot() as db:
            inputs = {e.seq: e.body["inputs"] for e in log.entries(db, log.Filter(kind="decision"))}
            again = {seq: canonical.dumps(replay.recompute(db, inputs[seq])) for seq in recorded}
    assert again == recorded


def _decisions(lived: Lived) -> list[log.Entry]:
    with lived.house.database() as db:
        return list(log.entries(db, log.Filter(kind="decision")))


# The log as a person at the machine sees it ---------------------------------------------------------------------------


@pytest.mark.timeout(400)
def test_the_log_verifies_up_to_a_signed_end(lived: Lived) -> None:
    done = lived.house.command("log", "verify")
    assert done.returncode == 0, done.stdout
    assert f"{lived.report.log.seq} entries" in done.stdout
    assert lived.report.log.head[:16] in done.stdout


@pytest.mark.timeout(400)
def test_show_prints_what_is_known_about_one_case(lived: Lived) -> None:
    case_id = next(e.body["case"] for e in _decisions(lived) if e.body["case"].startswith("case_"))
    shown = lived.house.command("log", "show", case_id)
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert rows
    assert all(case_id in json.dumps(row["body"]) for row in rows)


Harm = Callable[[Connection], object]


def _sql(*statements: str) -> Harm:
    return lambda db: [db.execute(text(statement)) for statement in statements]


CUT = "(SELECT max(seq) - 2 FROM log_entry)"
TAMPERED: list[tuple[str, Harm, str]] = [
    (
        "a_changed_byte",
        _sql("UPDATE log_entry SET body = overlay(body placing 'x' from 5 for 1) WHERE seq = 5"),
        "one letter of one body",
    ),
    (
        "a_truncation",
        _sql(
            f"DELETE FROM log_head WHERE seq > {CUT}",  # noqa: S608
            f"DELETE FROM log_entry WHERE seq > {CUT}",  # noqa: S608
            "UPDATE log_tip SET (seq, hash) = (SELECT seq, hash FROM log_entry ORDER BY seq DESC LIMIT 1)",
        ),
        "the end is cut off and every trace of it in the database too: only the anchor file knows",
    ),
    (
        "a_reordering",
        _sql(
            "UPDATE log_entry SET seq = -1 WHERE seq = 5",
            "UPDATE log_entry SET seq = 5 WHERE seq = 6",
            "UPDATE log_entry SET seq = 6 WHERE seq = -1",
        ),
        "two neighbours change places",
    ),
    (
        "a_swapped_day",
        _sql("UPDATE log_entry SET day = day + 1 WHERE seq = 5"),
        "a decision is passed off as the next day's",
    ),
]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("name", "harm", "reason"), TAMPERED, ids=[row[0] for row in TAMPERED])
def test_what_was_changed_in_the_database_is_found(lived: Lived, name: str, harm: Harm, reason: str) -> None:
    with lived.copy(name) as url:
        _do(url, harm)
        done = lived.house.command("log", "verify", DATABASE_URL=url)
    assert done.returncode == 1, reason
    assert "DOES NOT VERIFY" in done.stdout


@pytest.mark.timeout(400)
def test_another_key_is_found(lived: Lived, tmp_path: Path) -> None:
    stranger = load_or_create(tmp_path / "keys")

    def sign(db: Connection) -> None:
        at = next(log.entries(db)).at
        db.execute(text("DELETE FROM log_head"))
        log.sign_head(db, stranger, at)

    with lived.copy("another_key") as url:
        _do(url, sign)
        done = lived.house.command("log", "verify", DATABASE_URL=url)
    assert done.returncode == 1
    assert "key" in done.stdout


def _do(url: str, harm: Harm) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as db:
        harm(db)


# A day as a file ------------------------------------------------------------------------------------------------------


def _swap_lines(lines: list[str]) -> list[str]:
    return [*lines[:2], lines[3], lines[2], *lines[4:]]


def _other_day(lines: list[str]) -> list[str]:
    head = json.loads(lines[0])
    return [json.dumps(head | {"day": "2026-01-01"}, separators=(",", ":"), sort_keys=True), *lines[1:]]


FILES: list[tuple[str, Callable[[list[str]], list[str]], str]] = [
    ("a_changed_byte", lambda lines: [*lines[:2], lines[2].replace("a", "b", 1), *lines[3:]], "one letter of an entry"),
    ("a_truncation", lambda lines: lines[:-2], "the end with its signature is gone"),
    ("a_hole", lambda lines: [*lines[:2], *lines[3:]], "an entry is left out"),
    ("a_reordering", _swap_lines, "two entries change places"),
    ("a_swapped_day", _other_day, "the file is passed off as another day's"),
]


@pytest.mark.timeout(400)
def test_an_exported_day_proves_itself_and_shows_any_change(lived: Lived, tmp_path: Path) -> None:
    exported = lived.house.command("log", "export", lived.scenario.day.isoformat()).stdout
    whole = tmp_path / "whole.jsonl"
    whole.write_text(exported, "utf-8")
    for name, harm, _ in FILES:
        (tmp_path / f"{name}.jsonl").write_text("\n".join(harm(exported.splitlines())) + "\n", "utf-8")
    keyless = tmp_path / "elsewhere"
    shutil.copytree(lived.house.data, keyless, ignore=shutil.ignore_patterns("keys", "postgres*", "matrices"))
    load_or_create(keyless / "keys")

    with ThreadPoolExecutor(2) as two:
        good = two.submit(lived.house.command, "log", "verify", str(whole))
        bad = {
            name: two.submit(lived.house.command, "log", "verify", str(tmp_path / f"{name}.jsonl"))
            for name, _, _ in FILES
        }
        strange = two.submit(lived.house.command, "log", "verify", str(whole), DOORSTEP_DATA=str(keyless))
        assert good.result().returncode == 0, good.result().stdout
        assert {name: done.result().returncode for name, done in bad.items()} == dict.fromkeys(bad, 1)
        assert strange.result().returncode == 1, "signed by a key that this reader does not trust"


# Forgotten: last, since it changes the day that the others look at


@dataclass(frozen=True)
class Customer:
    """Somebody who lives alone behind their door, and whose orders have ended."""

    id: str
    stop: str
    phone: str
    address: str


@pytest.mark.timeout(400)
def test_a_customer_is_forgotten_and_the_log_still_verifies(lived: Lived) -> None:
    house = lived.house
    house.start()
    try:
        customer = _somebody(house)
        assert customer.stop in house.command("log", "show").stdout
        sent_before = house.sent()
        with house.admin() as client:
            client.api.erase_person(customer.id)
            with pytest.raises(ApiError, match="404"):
                client.api.erase_person("per_00000000000000000000")
        _nothing_is_left(house, customer)
        for check in ("verify", "replay"):
            assert house.command("log", check).returncode == 0
        shown = house.command("log", "show").stdout
        assert '"erased"' in shown
        assert customer.stop not in shown
        # What a provider was handed is the provider's to forget: the console sender's file is left as it is.
        assert house.sent() == sent_before
        assert any(row["to"] == customer.phone for row in sent_before)
    finally:
        house.stop()
        house.server.start()


def _somebody(house: House) -> Customer:
    found = house.rows(
        "SELECT p.id, o.stop_id AS stop, p.phone, o.address FROM person p JOIN order_ o ON o.person_id = p.id"
        " JOIN message m ON m.person_id = p.id AND m.thread IS NOT NULL WHERE o.status = 'delivered'"
        " AND (SELECT count(*) FROM order_ n WHERE n.person_id = p.id OR n.stop_id = o.stop_id) = 1 ORDER BY p.id"
    )
    return Customer(**found[0])


def _nothing_is_left(house: House, customer: Customer) -> None:
    gone = house.rows("SELECT name, phone, email, salt FROM person WHERE id = :id", id=customer.id)
    assert gone == [{"name": None, "phone": None, "email": None, "salt": None}]
    assert house.rows("SELECT id FROM message WHERE person_id = :id AND body IS NOT NULL", id=customer.id) == []
    place = "SELECT id FROM order_ WHERE person_id = :id AND coalesce(address, notes, lat::text, lon::text) IS NOT NULL"
    assert house.rows(place, id=customer.id) == []
    turns = "SELECT key FROM turn t JOIN principal p ON p.id = t.principal_id WHERE p.subject = :id"
    assert house.rows(turns, id=customer.id) == []
    words = {"phone": customer.phone, "digits": customer.phone[-10:], "address": customer.address}
    for table in _tables(house):
        text = "convert_from(t.body, 'UTF8')" if table == "blob" else "t::text"
        knows = " OR ".join(f"strpos({text}, :{word}) > 0" for word in words)
        found = house.rows(f"SELECT {text} AS row FROM {table} t WHERE {knows}", **words)  # noqa: S608
        assert found == [], f"{table} still knows the number or the address"


def _tables(house: House) -> list[str]:
    rows = house.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return sorted(row["tablename"] for row in rows)


# One seed, one day ---------------------------------------------------------------------------------------------------


OTHER = SEED + 1


def a_day(seed: int, workers: int, hours: int | None = None) -> DayReport:
    """A day, or its first hours."""
    scenario = city(seed)
    with a_house(seed, DOORSTEP_WORKERS=str(workers)) as house:
        return house.live(scenario, scenario.start + timedelta(hours=hours) if hours else None)[1]


@pytest.fixture(scope="module")
def reports(lived: Lived) -> Iterator[dict[str, DayReport]]:
    """The day again, with a worker more, and another seed's morning beside it, which takes the machine from it as
    others' work would."""
    with ThreadPoolExecutor(2) as both:
        again, other = both.submit(a_day, SEED, 2), both.submit(a_day, OTHER, 1, 3)
        yield {"first": lived.report, "again": again.result(), "other": other.result()}


@pytest.mark.timeout(400)
def test_two_runs_with_one_seed_give_the_same_bytes_and_the_same_head(reports: dict[str, DayReport]) -> None:
    first, again = reports["first"], reports["again"]
    assert again.log == first.log
    assert again.to_json() == first.to_json()


@pytest.mark.timeout(400)
def test_the_day_that_is_compared_is_one_in_which_things_happen(reports: dict[str, DayReport]) -> None:
    first = reports["first"]
    assert len(first.cases) >= 3
    assert first.decisions.get("auto", 0) >= 10
    assert first.decisions.get("approved", 0) >= 1
    assert first.world.texts.get("reschedule", 0) >= 1


@pytest.mark.timeout(400)
def test_another_seed_gives_another_day_and_another_head(reports: dict[str, DayReport]) -> None:
    first, other = reports["first"], reports["other"]
    assert other.log.head != first.log.head
    assert (other.orders, other.plans) != (first.orders, first.plans)
    assert other.log.verified
