"""Late for the time that we told, but not for the customer's own window."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from agent import replay
from core import clock, decisions, promises
from core.store import db as store
from core.store.tables import promise
from tests.living import Living, a_depot, a_plan, a_van, an_order, at, look, stop_of, the_case
from tests.tools.a_case import case_row, decided
from tools import tracker

NOW = at("07:30")


def a_stop(living: Living, closes: str) -> str:
    """An order whose own window closes then, promised a time that is over ten minutes too early; returns it."""
    with store.transaction() as db:
        a_depot(db)
        a_van(db, "van1")
        made = an_order(db, "A1", 4, windows=[(at("08:00"), at(closes))])
        a_plan(db, {"van1": [made]})
    living.work()
    look(NOW)
    with store.transaction() as db:
        expected = tracker.expected(db, stop_of(db, made), "van1")
        assert expected is not None
        hi = clock.parse(expected["p50"]) - timedelta(minutes=10)
        db.execute(update(promise).values(lo=hi - timedelta(hours=1), hi=hi))
    living.to(NOW)
    return made


def test_a_promise_that_breaks_inside_the_window_is_told_anew(living: Living) -> None:
    order_id = a_stop(living, "12:00")
    (opened,) = look(NOW)
    row = case_row(opened)
    assert row.kind == "promise_at_risk"
    living.work()
    assert [(d.action, d.verdict) for d in decided(opened)] == [("retell", "auto")]
    assert {o["kind"] for o in case_row(opened).options} <= {"wait", "retell", "resequence", "reassign"}
    with store.transaction() as db:
        told = promises.open_of(db, order_id)
        assert told is not None
        assert told.hi <= at("12:00")
        body = decisions.body(db, decided(opened)[0].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]


def test_past_the_window_it_is_late(living: Living) -> None:
    a_stop(living, "08:35")
    with store.transaction() as db:
        db.execute(update(promise).values(hi=at("08:20")))
    living.to(at("08:30"))
    look(at("08:30"))
    with store.transaction() as db:
        assert the_case(db, "predicted_late").facts["window_holds"] is False
