"""The end of a day in goods, on a small made-up day: two vans, three orders."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, update

from core import cases, orders, reconciliation
from core.reconciliation import Reconciliation
from core.store.tables import parcel
from tests.living import DAY, DEPOT, a_depot, a_plan, a_van, an_order, at, deliver, load_and_leave, tap


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    a_van(record, "van1")
    return record


@pytest.fixture
def day(db: Connection) -> list[str]:
    """Planned on one van, loaded, and the first one delivered."""
    made = [an_order(db, ref, n) for n, ref in enumerate(("A1", "A2", "A3"), 1)]
    a_plan(db, {"van1": made})
    load_and_leave(db, "van1", made, at("08:00"))
    deliver(db, "van1", made[0], at("08:20"))
    return made


def now(db: Connection) -> Reconciliation:
    return reconciliation.of_day(db, DAY)


def test_goods_on_a_van_with_nobody_looking_after_them_do_not_reconcile(db: Connection, day: list[str]) -> None:
    found = now(db)
    assert found.parcels == {"customer": 1, "van_without_case": 2}
    assert (found.planned, found.loaded, found.left_behind, found.mismatches) == (3, 3, (), ())
    assert not found.agrees


def test_a_case_about_what_is_left_aboard_makes_it_known(db: Connection, day: list[str]) -> None:
    facts = {"aboard": day[1:], "at_depot": []}
    cases.open_or_join(db, "left_over", f"{DEPOT}:{DAY}", DEPOT, DAY, facts, at("23:00"))
    found = now(db)
    assert found.parcels == {"customer": 1, "van_with_case": 2}
    assert found.agrees


def test_what_came_back_is_at_the_depot(db: Connection, day: list[str]) -> None:
    tap(db, "finished", "van1", at("12:00"))
    found = now(db)
    assert found.parcels == {"customer": 1, "depot": 2}
    assert found.agrees


def test_an_order_of_the_plan_that_was_never_scanned_was_left_behind(db: Connection) -> None:
    made = [an_order(db, ref, n) for n, ref in enumerate(("A1", "A2", "A3"), 1)]
    a_plan(db, {"van1": made})
    load_and_leave(db, "van1", made[:1], at("08:00"))
    orders.set_status(db, made[2:], "cancelled")
    found = now(db)
    assert found.left_behind == (made[1],), "what was cancelled is not missed"
    assert (found.planned, found.loaded) == (3, 1)


def test_lost_goods_count_by_whether_somebody_looks_for_them(db: Connection, day: list[str]) -> None:
    tap(db, "finished", "van1", at("12:00"))
    db.execute(update(parcel).where(parcel.c.order_id == day[2]).values(holder="lost"))
    assert now(db).parcels["lost_without_case"] == 1
    cases.open_or_join(db, "human", day[2], DEPOT, DAY, {}, at("13:00"))
    assert now(db).parcels["lost_with_case"] == 1


@pytest.mark.parametrize(
    ("status", "holder", "said"),
    [
        ("delivered", "depot:dep", "delivered, but a parcel is at depot"),
        ("returned", "customer:per_1", "returned, but a parcel is with the customer"),
    ],
)
def test_a_status_that_contradicts_where_the_goods_are_is_named(
    db: Connection, day: list[str], status: str, holder: str, said: str
) -> None:
    tap(db, "finished", "van1", at("12:00"))
    orders.set_status(db, [day[1]], status)
    db.execute(update(parcel).where(parcel.c.order_id == day[1]).values(holder=holder))
    found = now(db)
    assert found.mismatches == ((day[1], said),)
    assert not found.agrees


def test_what_was_delivered_without_a_load_scan_is_named(db: Connection) -> None:
    order_id = an_order(db, "A1")
    orders.set_status(db, [order_id], "delivered")
    db.execute(update(parcel).where(parcel.c.order_id == order_id).values(holder="customer:per_1"))
    assert now(db).mismatches == ((order_id, "delivered, but never scanned onto a van"),)
