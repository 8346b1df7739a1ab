"""How a day's orders ended, and at whose wish."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from core import cases, orders, settled
from tests.living import DAY, DEPOT, a_depot, an_order, at


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    return record


def asked(db: Connection, order_id: str, requester: str, **chose: str) -> None:
    facts = {"order": order_id, "requester": requester, **chose}
    cases.open_or_join(db, "reschedule", order_id, DEPOT, DAY, facts, at("08:00"))


@pytest.mark.parametrize(
    ("status", "requester", "ending"),
    [
        pytest.param("delivered", None, "delivered", id="the plain case"),
        pytest.param("rescheduled", "customer", "rescheduled_by_customer", id="the customer wanted another day"),
        pytest.param("rescheduled", "dispatcher", "rescheduled_by_us", id="we moved it"),
        pytest.param("rescheduled", None, "rescheduled_by_us", id="nobody asked"),
        pytest.param("cancelled", "customer", "cancelled_by_customer", id="the customer wants it no more"),
        pytest.param("cancelled", None, "cancelled_by_us", id="the client took it back"),
        pytest.param("delivered", "customer", "delivered", id="asked for another day and got it today"),
        pytest.param("returned", "customer", "returned", id="asked and nobody did it"),
    ],
)
def test_an_order_ends_by_its_status_and_by_whose_wish_it_was(
    db: Connection, status: str, requester: str | None, ending: str
) -> None:
    order_id = an_order(db, "A1")
    if requester is not None:
        asked(db, order_id, requester)
    orders.set_status(db, [order_id], status)
    found = settled.endings(db, DAY)
    assert found == {order_id: ending}
    assert settled.chosen(found) == ([order_id] if ending.endswith("by_customer") else [])


@pytest.mark.parametrize(("wish", "ending"), [("wait", "returned_by_customer"), ("again", "returned")])
def test_what_the_customer_sent_back_ended_as_agreed(db: Connection, wish: str, ending: str) -> None:
    order_id = an_order(db, "A1")
    asked(db, order_id, "customer", wish=wish)
    orders.set_status(db, [order_id], "returned")
    assert settled.endings(db, DAY) == {order_id: ending}
    assert (ending in settled.AS_AGREED) == (wish == "wait")


def test_another_days_orders_and_wishes_are_not_counted(db: Connection) -> None:
    an_order(db, "B1", day=DAY + timedelta(days=1))
    first, second = an_order(db, "A1"), an_order(db, "A2")
    orders.set_status(db, [first, second], "delivered")
    assert settled.counted(settled.endings(db, DAY)) == {"delivered": 2}
