"""The report of a day over the API: every figure of a small day, and that the world's client reads the same."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from core import cases, orders, promises
from core.store import db as store
from core.store.tables import promise
from evals.wire import DayReport
from tests.api.visitors import Visitors
from tests.living import DAY, DEPOT, a_plan, an_order, at, deliver, load_and_leave, stop_of, tap


@pytest.fixture(scope="module")
def told(visitors: Visitors) -> dict[str, Any]:
    """Of three orders one is delivered after its promise, one is moved to another day at its customer's wish, one comes
    back and its customer is still to say what becomes of it."""
    with store.transaction() as db:
        made = [an_order(db, ref, n) for n, ref in enumerate(("R-1", "R-2", "R-3"), 1)]
        a_plan(db, {"van1": made})
    visitors.living.work()
    visitors.living.to(at("12:00"))
    with store.transaction() as db:
        db.execute(update(promise).where(promise.c.order_id == made[0]).values(hi=at("08:10")))
        db.execute(update(promise).where(promise.c.order_id == made[2]).values(hi=at("11:00")))
        load_and_leave(db, "van1", [made[0], made[2]], at("08:00"))
        deliver(db, "van1", made[0], at("08:20"))
        tap(db, "arrived", "van1", at("09:00"), stop_of(db, made[2]))
        tap(db, "failed", "van1", at("09:05"), made[2], reason="nobody_home")
        facts = {"order": made[1], "requester": "customer"}
        cases.open_or_join(db, "reschedule", made[1], DEPOT, DAY, facts, at("08:00"))
        orders.set_status(db, [made[1]], "rescheduled")
        promises.release(db, made[1])
        tap(db, "finished", "van1", at("11:00"))
    answer: dict[str, Any] = visitors.a("dispatcher").get(f"/api/report/{DAY}").json()
    return answer | {"made": made}


def test_orders_end_by_whose_wish(told: dict[str, Any]) -> None:
    assert told["endings"] == {"delivered": 1, "rescheduled_by_customer": 1, "failed": 1}
    assert told["chosen_by_customers"] == [told["made"][1]]


def test_each_broken_promise_is_a_row_with_its_reason_and_no_name(told: dict[str, Any]) -> None:
    (row,) = told["broken_promises"]
    assert (row["order"], row["reason"], row["told"]) == (told["made"][0], "known_later", None)
    assert (row["hi"], row["arrived"]) == ("2026-06-02T13:10:00Z", "2026-06-02T13:20:00Z")


def test_the_goods_are_counted_against_the_scans(told: dict[str, Any]) -> None:
    goods = told["custody"]
    assert goods["parcels"] == {"customer": 1, "depot": 2}
    assert (goods["planned"], goods["loaded"], goods["left_behind"], goods["agrees"]) == (3, 2, [], True)


def test_cases_that_nobody_has_closed_are_counted_by_kind(told: dict[str, Any]) -> None:
    assert told["unfinished_cases"]["reschedule"] == 1
    assert told["spend"] == {}, "nothing was decided yet"


def test_the_worlds_client_reads_all_of_it(told: dict[str, Any]) -> None:
    read = DayReport.model_validate(told)
    assert read.custody.agrees
    assert read.broken_promises[0].reason == "known_later"
    assert DayReport.model_fields.keys() <= told.keys(), "no figure of the report is a default"
