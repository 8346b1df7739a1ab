"""Cases: duplicates join, a write on an old version is refused, and a proposal is settled once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Connection, select

from core import cases
from core.errors import NotFound, Stale
from core.store import db as store
from core.store.tables import proposal
from tests.living import DAY, DEPOT, Living, at

ASKED: dict[str, Any] = {
    "option_id": "retell", "action": "retell", "args": {"option": "retell"}, "binds": {"promises": "x"},
    "cost_lo": 100, "cost_hi": 200,
}  # fmt: skip


def opened(db: Connection, subject: str = "stp_1", kind: str = "predicted_late", when: str = "09:00") -> str:
    return cases.open_or_join(db, kind, subject, DEPOT, DAY, {"vehicle": "van1"}, at(when))[0]


def test_a_new_case_is_open_and_asks_to_be_worked(living: Living) -> None:
    with store.transaction() as db:
        case_id = opened(db)
        row = cases.get(db, case_id)
    assert (row.status, row.version, row.facts, row.closed_at) == ("open", 1, {"vehicle": "van1"}, None)
    assert living.jobs() == [("work_case", case_id)]


def test_the_same_exception_joins_the_open_case(record: Connection) -> None:
    first = opened(record)
    again = cases.open_or_join(record, "predicted_late", "stp_1", DEPOT, DAY, {"vehicle": "van2"}, at("09:30"))
    assert again == (first, False)
    assert cases.get(record, first).facts == {"vehicle": "van1"}, "the case keeps what it was opened with"


@pytest.mark.parametrize(
    ("kind", "subject"), [("predicted_late", "stp_2"), ("unassigned", "stp_1")], ids=["other stop", "other kind"]
)
def test_another_exception_is_another_case(record: Connection, kind: str, subject: str) -> None:
    assert opened(record) != opened(record, subject, kind)


def test_after_a_case_is_closed_the_same_exception_is_a_new_one(record: Connection) -> None:
    first = opened(record)
    cases.advance(record, cases.get(record, first), "closed", closed_at=at("09:10"))
    assert opened(record, when="10:00") != first


def test_who_writes_on_an_old_version_has_lost(record: Connection) -> None:
    case_id = opened(record)
    seen = cases.get(record, case_id)
    assert cases.advance(record, seen, "diagnosed") == 2
    with pytest.raises(Stale, match="changed meanwhile"):
        cases.advance(record, seen, "escalated")
    assert cases.get(record, case_id).status == "diagnosed"


def test_of_two_who_open_the_same_case_at_once_one_opens_it(living: Living) -> None:
    gate, found = threading.Barrier(4), []

    def open_it() -> None:
        gate.wait()
        with store.transaction() as db:
            found.append(cases.open_or_join(db, "predicted_late", "stp_1", DEPOT, DAY, {}, at("09:00")))

    run_together([open_it] * 4)
    assert len({case_id for case_id, _ in found}) == 1
    assert sorted(new for _, new in found) == [False, False, False, True]


def test_of_two_who_advance_at_once_one_wins(living: Living) -> None:
    with store.transaction() as db:
        seen = cases.get(db, opened(db))
    gate, came = threading.Barrier(2), []

    def advance(status: str) -> None:
        gate.wait()
        try:
            with store.transaction() as db:
                cases.advance(db, seen, status)
            came.append("won")
        except Stale:
            came.append("lost")

    run_together([lambda: advance("diagnosed"), lambda: advance("escalated")])
    assert sorted(came) == ["lost", "won"]


def run_together(work: list[Any]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def test_what_is_worked_on_by_itself_is_a_part_of_what_a_case_can_be() -> None:
    assert set(cases.WORKABLE) < set(cases.STATUSES)
    assert not {"waiting", "escalated", "closed"} & set(cases.WORKABLE), "a person has these"


def test_an_unknown_case_is_said_to_be_unknown(record: Connection) -> None:
    with pytest.raises(NotFound, match="no case case_x"):
        cases.get(record, "case_x")


# Proposals


def by_status(db: Connection, case_id: str) -> dict[str, str]:
    rows = db.execute(select(proposal.c.digest, proposal.c.status).where(proposal.c.case_id == case_id))
    return {row.digest: row.status for row in rows}


@pytest.mark.parametrize(
    "change",
    [
        {"option_id": "wait"},
        {"action": "wait"},
        {"args": {"option": "retell", "day": "2026-06-03"}},
        {"binds": {"promises": "y"}},
        {"cost_hi": 201},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_in_a_proposal_changes_its_digest(record: Connection, change: dict[str, Any]) -> None:
    case_id = opened(record)
    assert cases.propose(record, case_id, ASKED, at("09:00")) != cases.propose(
        record, case_id, ASKED | change, at("09:00")
    )


def test_the_same_proposal_of_another_case_has_another_digest(record: Connection) -> None:
    one, two = opened(record), opened(record, "stp_2")
    assert cases.propose(record, one, ASKED, at("09:00")) != cases.propose(record, two, ASKED, at("09:00"))


def test_the_same_proposal_in_another_round_has_another_digest(record: Connection) -> None:
    case_id = opened(record)
    first = cases.propose(record, case_id, ASKED, at("09:00"))
    cases.advance(record, cases.get(record, case_id), "open", rounds=1)
    assert cases.propose(record, case_id, ASKED, at("09:05")) != first


def test_a_new_proposal_takes_the_place_of_the_open_one(record: Connection) -> None:
    case_id = opened(record)
    first = cases.propose(record, case_id, ASKED, at("09:00"))
    second = cases.propose(record, case_id, ASKED | {"action": "wait"}, at("09:05"))
    assert by_status(record, case_id) == {first: "replaced", second: "open"}
    asked = cases.open_proposal(record, case_id)
    assert asked is not None
    assert asked.digest == second


def test_what_was_replaced_can_be_put_up_again(record: Connection) -> None:
    case_id = opened(record)
    first = cases.propose(record, case_id, ASKED, at("09:00"))
    cases.propose(record, case_id, ASKED | {"action": "wait"}, at("09:05"))
    assert cases.propose(record, case_id, ASKED, at("09:10")) == first
    asked = cases.open_proposal(record, case_id)
    assert asked is not None
    assert (asked.digest, asked.at) == (first, at("09:10"))


def test_a_proposal_is_settled_once(record: Connection) -> None:
    case_id = opened(record)
    digest = cases.propose(record, case_id, ASKED, at("09:00"))
    assert cases.settle_proposal(record, digest, ("open",), "approved", "pri_ana")
    assert not cases.settle_proposal(record, digest, ("open",), "rejected", "pri_ben")
    row = record.execute(select(proposal).where(proposal.c.digest == digest)).one()
    assert (row.status, row.decided_by) == ("approved", "pri_ana")
