"""Goods that a carrier collects from a van on the road: booked by the ledger, handed over by the driver's scan.

A collection has two effects a order: `carrier.book`, done when the carrier says so, and `carrier.hand_over`, done when
the driver has scanned the goods out. Until then they are on the van, and on its list.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from core import custody, effects, events, orders, scans
from core.errors import WrongState
from core.events import Event
from core.store.tables import effect, order

BOOK, HAND_OVER = "carrier.book", "carrier.hand_over"
STATUS = "with_carrier"


def wanted(db: Connection, order_id: str) -> Row[Any] | None:
    """The hand-over that an order waits for, if one does."""
    mine = (effect.c.action == HAND_OVER) & (effect.c.target == order_id) & (effect.c.status == "pending")
    return db.execute(select(effect).where(mine).order_by(effect.c.at.desc()).limit(1)).one_or_none()


def booking(db: Connection, case_id: str, order_id: str) -> Row[Any] | None:
    """The newest booking for an order in a case."""
    mine = (effect.c.action == BOOK) & (effect.c.target == order_id) & (effect.c.case_id == case_id)
    return db.execute(select(effect).where(mine).order_by(effect.c.at.desc()).limit(1)).one_or_none()


def hand_over(db: Connection, fact: Event, van: Row[Any]) -> None:
    """The driver has scanned goods out to the carrier that was booked for them. Raises WrongState for others."""
    for order_id in scans.named(fact, "The hand-over names no orders."):
        row, due = orders.get(db, order_id), wanted(db, order_id)
        booked = booking(db, due.case_id, order_id) if due is not None else None
        if due is None or booked is None or booked.status != "done":
            raise WrongState(f"No carrier comes for order {row.ref}.", "Keep it and ask the dispatcher.", field=row.id)
        carrier = str(booked.provider_ref).partition(":")[0]
        out = fact.model_copy(
            update={"key": f"{fact.key}:{row.id}", "kind": "order.to_carrier", "subject": row.id,
                    "data": {"carrier": carrier, "ref": booked.provider_ref}}
        )  # fmt: skip
        events.append(db, out, fact.at)
        there = custody.with_carrier(carrier)
        custody.move(db, row.id, custody.on_van(van.vehicle_id), there, fact.at, out.key)
        orders.set_status(db, [row.id], STATUS)
        effects.settle(db, due.key, "done", fact.at)


def give_up(db: Connection, depot_id: str, day: date, at: datetime) -> None:
    """The day is over: what no carrier has collected by now will not be."""
    mine = effect.c.action.in_([BOOK, HAND_OVER]) & effect.c.status.in_(["pending", "unknown"])
    rows = db.execute(
        select(effect.c.key)
        .join(order, order.c.id == effect.c.target)
        .where(mine, order.c.depot_id == depot_id, order.c.day == day)
        .order_by(effect.c.key)
    )
    for row in rows.all():
        effects.settle(db, row.key, "failed", at, error="day_over")
