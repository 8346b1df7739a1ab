"""Goods that stayed at the depot when their van left: a person looks for them, and their customer is left in peace."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from core import cases, clock
from core.store import db as store
from core.store.tables import case, promise
from tests.living import Living, load_and_leave, look
from tests.tools.a_case import NOW, planned
from tools import tracker


def test_who_waits_for_goods_that_stayed_behind_is_not_told_again_and_again(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders["A2"]], NOW)
        mine = cases.open_of_kind(db, "custody_mismatch", [f"van1:{NOW.date()}"])
    look(NOW + timedelta(minutes=1))
    with store.transaction() as db:
        coming = tracker.expected(db, day.stops["A1"], "van1")
        assert coming is not None
        hi = clock.parse(coming["p50"]) - timedelta(minutes=10)
        told = (promise.c.order_id == day.orders["A1"]) & (promise.c.status == "open")
        db.execute(update(promise).where(told).values(lo=hi - timedelta(hours=1), hi=hi))
    assert [look(NOW + timedelta(minutes=n)) for n in (2, 3, 60)] == [[], [], []], "a person looks for the goods"
    with store.transaction() as db:
        rows = db.execute(select(case.c.status, case.c.facts).where(case.c.kind == "predicted_late")).all()
        assert [(row.status, row.facts["incident"]) for row in rows] == [("folded", mine[f"van1:{NOW.date()}"])]
