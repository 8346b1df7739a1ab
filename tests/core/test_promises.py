"""Promises: at most one binds, it ends kept or broken, and whoever relies on them sees when they change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from core import promises
from core.store.tables import promise
from tests.living import DAY, DEPOT, a_depot, an_order, at, stop_of

LO, HI = at("10:00"), at("12:00")


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    return record


def told(db: Connection, order_id: str, message: str = "msg_1", at_time: str = "07:00") -> str:
    return promises.make(db, order_id, LO, HI, message, at(at_time))


def statuses(db: Connection, order_id: str) -> list[str]:
    query = select(promise.c.status).where(promise.c.order_id == order_id).order_by(promise.c.made_at)
    return list(db.execute(query).scalars())


def test_a_new_time_takes_the_place_of_the_one_before(db: Connection) -> None:
    order_id = an_order(db, "A1")
    told(db, order_id)
    second = told(db, order_id, "msg_2", "09:00")
    assert statuses(db, order_id) == ["superseded", "open"]
    row = promises.open_of(db, order_id)
    assert row is not None
    assert row.id == second
    assert promises.told(db, order_id) == 2


def test_the_same_message_promises_once(db: Connection) -> None:
    order_id = an_order(db, "A1")
    assert told(db, order_id) == told(db, order_id)
    assert statuses(db, order_id) == ["open"], "it still binds"


@pytest.mark.parametrize(
    ("arrived", "came"),
    [(LO - timedelta(hours=1), "kept"), (HI, "kept"), (HI + timedelta(seconds=1), "broken")],
    ids=["early", "just in time", "late"],
)
def test_a_promise_is_kept_when_the_van_is_there_by_its_end(db: Connection, arrived: object, came: str) -> None:
    order_id = an_order(db, "A1")
    told(db, order_id)
    assert promises.settle(db, order_id, arrived) == came  # type: ignore[arg-type]
    assert statuses(db, order_id) == [came]


def test_a_promise_is_settled_once(db: Connection) -> None:
    order_id = an_order(db, "A1")
    told(db, order_id)
    promises.settle(db, order_id, HI)
    assert promises.settle(db, order_id, HI + timedelta(hours=1)) is None
    assert statuses(db, order_id) == ["kept"]


def test_without_a_promise_there_is_nothing_to_keep(db: Connection) -> None:
    assert promises.settle(db, an_order(db, "A1"), HI) is None


def test_a_released_promise_binds_no_more(db: Connection) -> None:
    order_id = an_order(db, "A1")
    told(db, order_id)
    promises.release(db, order_id)
    assert promises.open_of(db, order_id) is None
    assert statuses(db, order_id) == ["released"]


def test_what_ended_is_not_released_afterwards(db: Connection) -> None:
    order_id = an_order(db, "A1")
    told(db, order_id)
    promises.settle(db, order_id, HI)
    promises.release(db, order_id, "broken")
    assert statuses(db, order_id) == ["kept"]


def test_promises_are_found_by_stop(db: Connection) -> None:
    a1, a2, b1 = an_order(db, "A1"), an_order(db, "A2"), an_order(db, "B1", 2)
    for order_id in (a1, a2, b1):
        told(db, order_id, f"msg_{order_id}")
    promises.settle(db, a2, HI)
    assert promises.due_by_stop(db, DEPOT, DAY)[stop_of(db, a1)] == HI
    found = promises.open_by_stop(db, {stop_of(db, a1)})
    assert {stop: [row.order_id for row in rows] for stop, rows in found.items()} == {stop_of(db, a1): [a1]}


def test_each_order_is_named_with_its_open_promise_or_none(db: Connection) -> None:
    a1, b1 = an_order(db, "A1"), an_order(db, "B1", 2)
    first = told(db, a1, "msg_a")
    assert promises.open_ids(db, [b1, a1]) == {a1: first, b1: ""}
    second = told(db, a1, "msg_b")
    told(db, b1, "msg_c")
    assert promises.open_ids(db, [a1]) == {a1: second}, "others' promises are not ours"


def test_the_promise_before_is_found(db: Connection) -> None:
    order_id = an_order(db, "A1")
    first = told(db, order_id)
    second = told(db, order_id, "msg_2", "09:00")
    now, before = promises.with_previous(db, second)
    assert before is not None
    assert (now.id, before.id) == (second, first)
    assert promises.with_previous(db, first)[1] is None
