"""The next attempt at an order: the same once more on another day, under its reference with the attempt's number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, orders
from core.clock import iso, parse
from core.store.tables import order, parcel


def second_attempt(
    db: Connection, row: Row[Any], day: date, zone: ZoneInfo, at: datetime, window: Sequence[str] = ()
) -> str:
    """The order again on another day, under its reference with the attempt's number; its parcels follow it. It keeps
    the times of its windows, unless its customer has chosen one (`window`: from, to)."""
    ref, made = next_attempt(db, row)
    shift = timedelta(days=(day - row.day).days)

    def same_time(text: str) -> str:  # by the clock on the wall, also when it is changed in between
        return iso(parse(text).astimezone(zone) + shift)

    again = row._asdict() | {
        "id": made, "ref": ref, "day": day, "status": "new", "created_at": at,
        "stop_id": orders.door(made, row.depot_id, day, row.lat, row.lon),
        "windows": [list(window)] if window else [[same_time(lo), same_time(hi)] for lo, hi in row.windows],
        "source": canonical.digest({"again": row.id, "day": day.isoformat()}),
    }  # fmt: skip
    db.execute(insert(order).values(again))
    db.execute(update(parcel).where(parcel.c.order_id == row.id).values(order_id=made))
    return made


def next_attempt(db: Connection, row: Row[Any]) -> tuple[str, str]:
    """Reference and id of the next attempt: A1, A1/2, A1/3 ... A number that the client has taken is left out."""
    base, _, number = row.ref.rpartition("/")
    base, attempt = (base, int(number)) if base and number.isdecimal() else (row.ref, 1)
    while True:
        attempt += 1
        made = canonical.short("ord", row.client, f"{base}/{attempt}")
        if db.execute(select(order.c.id).where(order.c.id == made)).one_or_none() is None:
            return f"{base}/{attempt}", made
