"""Goods that a customer fetches at the depot after a failed attempt: handed over there, on a person's word."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from core import custody, events, orders
from core.errors import WrongState
from core.events import Event

HELD = "order.held"
COLLECTED = "order.collected"


def hold(db: Connection, order_id: str, case_id: str, at: datetime) -> None:
    """It waits for its customer once the van has brought it back."""
    fact = Event(key=f"{HELD}:{case_id}", kind=HELD, source="casework", subject=order_id, at=at, data={"case": case_id})
    events.append(db, fact, at)


def collect(db: Connection, order_id: str, by: str, at: datetime) -> bool:
    """It was handed to its customer at the depot. False when that is known already.

    Raises WrongState for one that nobody said would be fetched, or that is not back yet.
    """
    row = orders.get(db, order_id)
    if row.status == "picked_up":
        return False
    if not any(fact.kind == HELD for fact in events.of(db, row.id)):
        raise WrongState(f"Order {row.ref} does not wait to be fetched.", "Plan it for a day instead.", field="order")
    here = custody.holders(db, row.id) == {custody.at_depot(row.depot_id)}
    if row.status != "returned" and not (row.status == "failed" and here):
        raise WrongState(f"Order {row.ref} is {row.status}.", "Wait until its van is back.", field="order")
    key = f"{COLLECTED}:{row.id}"
    custody.move(db, row.id, custody.at_depot(row.depot_id), custody.with_customer(row.person_id), at, key)
    events.append(db, Event(key=key, kind=COLLECTED, source=by, subject=row.id, at=at), at)
    orders.set_status(db, [row.id], "picked_up")
    return True
