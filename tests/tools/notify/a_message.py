"""Messages to the customers of a depot where it is noon, and what the ledger says of them."""

from __future__ import annotations

from sqlalchemy import select

from core import clock, effects, orders
from core.store import db as store
from core.store.tables import effect
from tests.living import an_order, at

NOON = at("12:00")


def write(ref: str = "A1", body: str = "On its way", template: str = "promise") -> str:
    """A message to the customer of an order; returns the order."""
    with store.transaction() as db:
        row = orders.by_ref(db, ref)
        order_id = row.id if row is not None else an_order(db, ref)
        person_id = orders.get(db, order_id).person_id
        effects.queue_message(db, f"plan:{ref}", person_id, order_id, template, body, clock.now(db))
    return order_id


def ledger() -> list[tuple[str, str | None, int]]:
    with store.transaction() as db:
        rows = db.execute(select(effect.c.status, effect.c.error, effect.c.attempts).order_by(effect.c.key))
        return [(row.status, row.error, row.attempts) for row in rows]
