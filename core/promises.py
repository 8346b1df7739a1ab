"""Promises: every time that a customer was told, with the message that told it. They constrain what comes next."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, Connection, Row, Text, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical
from core.store.tables import order, promise

RETELLS_A_DAY = 2
"""A customer is told a new time at most this often."""


def make(db: Connection, order_id: str, lo: datetime, hi: datetime, message_id: str, at: datetime) -> str:
    """Promise arrival between `lo` and `hi`; an open promise of the order is superseded."""
    made = canonical.short("prm", order_id, message_id)
    db.execute(
        update(promise)
        .where(promise.c.order_id == order_id, promise.c.status == "open", promise.c.id != made)
        .values(status="superseded")
    )
    row = {
        "id": made,
        "order_id": order_id,
        "lo": lo,
        "hi": hi,
        "message_id": message_id,
        "made_at": at,
        "status": "open",
    }
    db.execute(insert(promise).values(row).on_conflict_do_nothing())
    return made


def open_of(db: Connection, order_id: str) -> Row[Any] | None:
    return db.execute(select(promise).where(promise.c.order_id == order_id, promise.c.status == "open")).one_or_none()


def open_by_stop(db: Connection, stops: Collection[str]) -> dict[str, list[Row[Any]]]:
    """Open promises of the orders at these stops."""
    found: dict[str, list[Row[Any]]] = {}
    # one array, not a parameter a stop: with hundreds of those the prepared plan takes eight times as long
    these = func.unnest(cast(sorted(stops), ARRAY(Text))).table_valued("id").render_derived()
    query = (
        select(promise, order.c.stop_id)
        .join(order, order.c.id == promise.c.order_id)
        .join(these, these.c.id == order.c.stop_id)
        .where(promise.c.status == "open")
        .order_by(promise.c.order_id)
    )
    for row in db.execute(query):
        found.setdefault(row.stop_id, []).append(row)
    return found


def due_by_stop(db: Connection, depot_id: str, day: date) -> dict[str, datetime]:
    """Until when the first of the open promises at each stop of a depot's day holds."""
    mine = (order.c.depot_id == depot_id) & (order.c.day == day) & (promise.c.status == "open")
    query = select(order.c.stop_id, func.min(promise.c.hi)).join(promise, promise.c.order_id == order.c.id).where(mine)
    return {row.stop_id: row[1] for row in db.execute(query.group_by(order.c.stop_id))}


def last_of(db: Connection, order_id: str) -> Row[Any] | None:
    """The newest promise of an order, open or not."""
    query = select(promise).where(promise.c.order_id == order_id).order_by(promise.c.made_at.desc(), promise.c.id)
    return db.execute(query.limit(1)).one_or_none()


def told(db: Connection, order_id: str) -> int:
    """How often this order's customer was told a time; the first telling counts."""
    return int(db.execute(select(func.count()).where(promise.c.order_id == order_id)).scalar_one())


def settle(db: Connection, order_id: str, arrived: datetime) -> str | None:
    """The van stood at the door: the open promise is kept or broken. Returns which; None when there was none."""
    row = open_of(db, order_id)
    if row is None:
        return None
    status = "kept" if arrived <= row.hi else "broken"
    db.execute(update(promise).where(promise.c.id == row.id).values(status=status))
    return status


def release(db: Connection, order_id: str, status: str = "released") -> None:
    """The promise no longer binds: `released` when the customer agreed, `broken` when the day ended without us."""
    db.execute(update(promise).where(promise.c.order_id == order_id, promise.c.status == "open").values(status=status))


def open_ids(db: Connection, order_ids: Collection[str]) -> dict[str, str]:
    """Order id -> its open promise, or nothing: what a proposal binds to."""
    mine = promise.c.order_id.in_(order_ids) & (promise.c.status == "open")
    found = {row.order_id: row.id for row in db.execute(select(promise.c.order_id, promise.c.id).where(mine))}
    return {order_id: found.get(order_id, "") for order_id in sorted(order_ids)}


def with_previous(db: Connection, promise_id: str) -> tuple[Row[Any], Row[Any] | None]:
    """A promise and the one that it superseded."""
    told = db.execute(select(promise).where(promise.c.id == promise_id)).one()
    earlier = (
        select(promise)
        .where(promise.c.order_id == told.order_id, promise.c.made_at <= told.made_at, promise.c.id != told.id)
        .order_by(promise.c.made_at.desc(), promise.c.id)
        .limit(1)
    )
    return told, db.execute(earlier).one_or_none()
