"""Custody: a parcel is in one place, and leaves it only from there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update

from core import custody
from core.errors import WrongState
from core.store.tables import parcel
from tests.living import DAY, DEPOT, a_depot, an_order, at

HERE, THERE = custody.at_depot(DEPOT), custody.on_van("van1")


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    return record


def move(db: Connection, order_id: str, frm: str = HERE, to: str = THERE) -> int:
    return custody.move(db, order_id, frm, to, at("08:00"), "scan-1")


def test_all_parcels_of_an_order_move_and_remember_by_which_scan(db: Connection) -> None:
    order_id = an_order(db, "A1", parcels=("p1", "p2"))
    assert move(db, order_id) == 2
    rows = db.execute(select(parcel).where(parcel.c.order_id == order_id)).all()
    assert {(row.holder, row.since, row.event_key) for row in rows} == {(THERE, at("08:00"), "scan-1")}


def test_moving_again_moves_nothing(db: Connection) -> None:
    order_id = an_order(db, "A1")
    move(db, order_id)
    assert move(db, order_id) == 0
    assert custody.holders(db, order_id) == {THERE}


def test_a_loaded_parcel_can_not_jump_to_another_van(db: Connection) -> None:
    order_id = an_order(db, "A1")
    move(db, order_id)
    with pytest.raises(WrongState, match="van:van1, not at depot:dep"):
        move(db, order_id, HERE, custody.on_van("van2"))
    assert custody.holders(db, order_id) == {THERE}


def test_an_order_moves_as_a_whole_or_not_at_all(db: Connection) -> None:
    order_id = an_order(db, "A1", parcels=("p1", "p2"))
    one = db.execute(select(parcel.c.id).where(parcel.c.order_id == order_id).limit(1)).scalar_one()
    db.execute(update(parcel).where(parcel.c.id == one).values(holder="lost"))
    with pytest.raises(WrongState, match="lost"):
        move(db, order_id)
    assert custody.holders(db, order_id) == {HERE, "lost"}


def test_a_second_scan_loads_what_the_first_one_left(db: Connection) -> None:
    order_id = an_order(db, "A1", parcels=("p1", "p2"))
    one = db.execute(select(parcel.c.id).where(parcel.c.order_id == order_id).limit(1)).scalar_one()
    db.execute(update(parcel).where(parcel.c.id == one).values(holder=THERE))
    assert custody.van_of(db, order_id) == "van1", "one parcel on a van is enough to call it loaded"
    assert move(db, order_id) == 1
    assert custody.holders(db, order_id) == {THERE}


def test_what_is_aboard_is_listed_by_van(db: Connection) -> None:
    a1, a2, b1 = an_order(db, "A1", parcels=("x", "y")), an_order(db, "A2"), an_order(db, "B1")
    move(db, a1)
    move(db, a2)
    move(db, b1, to=custody.on_van("van2"))
    assert custody.aboard(db, "van1") == sorted([a1, a2])
    assert custody.aboard(db, "van3") == []


def test_a_day_is_reconciled_by_where_its_parcels_are(db: Connection) -> None:
    a1, a2 = an_order(db, "A1", parcels=("x", "y")), an_order(db, "A2")
    an_order(db, "A3")
    an_order(db, "B1", day=DAY + timedelta(days=1))
    move(db, a1)
    move(db, a2, to=custody.with_customer("per_1"))
    assert custody.reconcile(db, DEPOT, DAY) == {"van": 2, "customer": 1, "depot": 1}
    assert custody.reconcile(db, DEPOT, DAY + timedelta(days=1)) == {"depot": 1}
