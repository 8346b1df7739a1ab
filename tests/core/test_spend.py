"""Cost and savings of decisions, each beside doing nothing."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from core import cases, decisions, spend
from tests.living import DAY, DEPOT, a_depot, at

PRICES = {"wait": 900, "retell": 350, "reassign:van2": 120}


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    return record


def decide(
    db: Connection, subject: str, picked: str, verdict: str = "auto", prices: dict[str, int] | None = None
) -> str:
    case_id, _ = cases.open_or_join(db, "predicted_late", subject, DEPOT, DAY, {}, at("09:00"))
    options = [{"id": name, "cost_cents": cents} for name, cents in (prices or PRICES).items()]
    given: dict[str, Any] = {"round_": 0, "action": picked.split(":")[0], "rule": "r", "inputs": {}, "cost": 0}
    return decisions.write(
        db, case_id=case_id, verdict=verdict, approver=None, outcome={"options": options}, applied={"picked": picked},
        at=at("09:00"), day=DAY, **given,
    )  # fmt: skip


def shown(db: Connection) -> dict[str, Any]:
    return {kind: {v: sums.as_json() for v, sums in by.items()} for kind, by in spend.of_day(db, DAY).items()}


def test_what_was_taken_is_priced_beside_doing_nothing_by_kind_and_verdict(db: Connection) -> None:
    decide(db, "s1", "reassign:van2")
    decide(db, "s2", "retell")
    decide(db, "s3", "retell", "approved")
    assert shown(db) == {
        "predicted_late": {
            "auto": {"decisions": 2, "cost_cents": 470, "saved_cents": 1330},
            "approved": {"decisions": 1, "cost_cents": 350, "saved_cents": 550},
        }
    }


def test_doing_nothing_saves_nothing(db: Connection) -> None:
    decide(db, "s1", "wait")
    assert shown(db)["predicted_late"]["auto"] == {"decisions": 1, "cost_cents": 900, "saved_cents": 0}


def test_a_person_may_choose_what_costs_more(db: Connection) -> None:
    decide(db, "s1", "retell", "approved", {"wait": 100, "retell": 350})
    assert shown(db)["predicted_late"]["approved"]["saved_cents"] == -250


@pytest.mark.parametrize("verdict", ["rejected", "denied", "escalated"])
def test_what_was_not_carried_out_costs_nothing(db: Connection, verdict: str) -> None:
    decide(db, "s1", "retell", verdict)
    assert shown(db) == {}


def test_a_decision_that_was_undone_is_not_counted(db: Connection) -> None:
    made = decide(db, "s1", "retell")
    decisions.mark_undone(db, made, "dec_2")
    assert shown(db) == {}


def test_a_choice_without_options_is_no_spending(db: Connection) -> None:
    decide(db, "s1", "retell", prices={"retell": 350})
    assert shown(db) == {}
