"""Drivers' breaks as they tap them. What they count for is said by `core.driving`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical
from core.errors import BadInput, WrongState
from core.events import Event
from core.store.tables import event, rest
from core.store.tables import van as van_table

USUAL_MIN = 30
LONGEST_MIN = 12 * 60


def begin(db: Connection, fact: Event, van: Row[Any]) -> None:
    """The driver rests, for `data.minutes` as far as they say."""
    _minutes(fact.data.get("minutes", USUAL_MIN))
    if open_of(db, van.vehicle_id) is not None:
        raise WrongState(
            f"The driver of {van.vehicle_id} rests already.", "Tap the break's end first.", field="vehicle"
        )
    made = canonical.short("rst", van.vehicle_id, fact.key)
    db.execute(insert(rest).values(id=made, vehicle_id=van.vehicle_id, day=van.day, began_at=fact.at, ended_at=None))


def end(db: Connection, fact: Event, van: Row[Any]) -> None:
    row = open_of(db, van.vehicle_id)
    if row is None:
        raise WrongState(
            f"The driver of {van.vehicle_id} does not rest.", "Tap the break's start first.", field="vehicle"
        )
    if fact.at < row.began_at:
        raise BadInput("The break ends before it began.", "Set the device's clock.", field="at")
    db.execute(update(rest).where(rest.c.id == row.id).values(ended_at=fact.at))
    _leave_later(db, van, fact.at - max(row.began_at, van.state_at))


def _leave_later(db: Connection, van: Row[Any], rested: timedelta) -> None:
    """The leg before the driver counts as begun so much later, or the time at rest would pass for slow driving."""
    if van.state == "driving" and rested > timedelta(0):
        mine = van_table.c.vehicle_id == van.vehicle_id
        db.execute(update(van_table).where(mine).values(state_at=van_table.c.state_at + rested))


def _minutes(said: object) -> None:
    if isinstance(said, bool) or not isinstance(said, int) or not 1 <= said <= LONGEST_MIN:
        fix = f"Send whole minutes, 1 to {LONGEST_MIN}."
        raise BadInput(f"{str(said)[:40]!r} is no number of minutes.", fix, field="data.minutes")


def open_of(db: Connection, vehicle_id: str) -> Row[Any] | None:
    query = select(rest).where(rest.c.vehicle_id == vehicle_id, rest.c.ended_at.is_(None))
    return db.execute(query.order_by(rest.c.began_at.desc()).limit(1)).one_or_none()


def resting_until(db: Connection, day: date) -> dict[str, datetime]:
    """Vehicle -> when its driver, who rests now, is taken to go on: as they said, else after the usual time."""
    said = select(event.c.vehicle_id, event.c.at, event.c.data["minutes"].as_integer().label("minutes"))
    rows = db.execute(
        said.join(rest, (rest.c.vehicle_id == event.c.vehicle_id) & (rest.c.began_at == event.c.at))
        .where(event.c.kind == "driver.break_started", rest.c.day == day, rest.c.ended_at.is_(None))
        .order_by(event.c.vehicle_id)
    )
    return {row.vehicle_id: row.at + timedelta(minutes=row.minutes or USUAL_MIN) for row in rows}
