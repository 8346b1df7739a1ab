"""Decisions: written once, in the log and indexed by it, and undone at most once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from core import decisions, log
from core.errors import NotFound
from tests.living import DAY, at


def write(db: Connection, **changes: Any) -> str:
    given: dict[str, Any] = {
        "case_id": "case_1", "round_": 0, "action": "retell", "verdict": "auto", "rule": "retell.in_time",
        "approver": None, "outcome": {"picked": "retell"}, "inputs": {"problem": "abc"},
        "applied": {"promises": ["prm_1"]}, "cost": 150, "at": at("09:00"), "day": DAY,
    }  # fmt: skip
    return decisions.write(db, **{**given, **changes})


def test_a_decision_is_in_the_log_and_the_index_points_at_it(record: Connection) -> None:
    made = write(record)
    index = decisions.get(record, made)
    entry = next(e for e in log.entries(record) if e.seq == index.seq)
    assert (entry.kind, entry.day, entry.at) == ("decision", DAY, at("09:00"))
    assert entry.body == decisions.body(record, made)
    assert (index.verdict, index.rule, index.cost, index.undone_by) == ("auto", "retell.in_time", 150, None)


def test_a_decision_holds_what_it_takes_to_make_it_again_and_to_take_it_back(record: Connection) -> None:
    body = decisions.body(record, write(record))
    assert body["inputs"] == {"problem": "abc"}
    assert body["outcome"] == {"picked": "retell"}
    assert body["applied"] == {"promises": ["prm_1"]}


def test_its_id_is_known_before_it_is_written(record: Connection) -> None:
    made = write(record, verdict="approved", approver="pri_ana")
    assert made == decisions.identify("case_1", 0, "retell", "approved", "pri_ana")


@pytest.mark.parametrize(
    "change",
    [{"case_id": "case_2"}, {"round_": 1}, {"action": "wait"}, {"verdict": "approved"}, {"approver": "pri_ana"}],
    ids=lambda change: next(iter(change)),
)
def test_another_verdict_is_another_decision(record: Connection, change: dict[str, Any]) -> None:
    assert write(record) != write(record, **change)


def test_the_same_verdict_is_not_written_twice(record: Connection) -> None:
    made = write(record)
    with pytest.raises(IntegrityError), record.begin_nested():
        write(record, cost=0)
    assert decisions.get(record, made).cost == 150
    assert len([e for e in log.entries(record) if e.kind == "decision"]) == 1, "nor is a second entry left in the log"


def test_the_decisions_of_a_case_come_in_the_order_they_were_made(record: Connection) -> None:
    first, second = write(record), write(record, round_=1, at=at("08:00"))
    write(record, case_id="case_2")
    assert [row.id for row in decisions.of_case(record, "case_1")] == [first, second]
    last = decisions.last_on(record, "case_1")
    assert last is not None
    assert last.id == second
    assert decisions.last_on(record, "case_9") is None


def test_a_decision_is_undone_once(record: Connection) -> None:
    made = write(record)
    assert decisions.mark_undone(record, made, "dec_a")
    assert not decisions.mark_undone(record, made, "dec_b")
    assert decisions.get(record, made).undone_by == "dec_a"


def test_undoing_leaves_the_log_as_it_is(record: Connection) -> None:
    made = write(record)
    before = decisions.body(record, made)
    decisions.mark_undone(record, made, "dec_a")
    assert decisions.body(record, made) == before


def test_an_unknown_decision_is_said_to_be_unknown(record: Connection) -> None:
    with pytest.raises(NotFound):
        decisions.get(record, "dec_x")
    with pytest.raises(NotFound):
        decisions.body(record, "dec_x")
