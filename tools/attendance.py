"""Drivers who are not there: a van with work, and twenty minutes into its shift nothing has been heard of its driver.

The goods are at the depot still, so that other vans which have not left can take them: no meeting, no transfer.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from core import cases, clock, fleet, plans, timers, vans
from core.store.tables import event
from optimizer.options import Scope

KIND = "driver_missing"
GRACE = timedelta(minutes=20)
TIMER = "driver_due"


def expect(db: Connection, draft: plans.PlanVersion) -> None:
    """A timer for every van that has work."""
    tz = fleet.get_depot(db, draft.depot_id).tz
    for vehicle_id, route in sorted(draft.routes.items()):
        if route.stops:
            begins = clock.at_second(draft.day, tz, fleet.get_vehicle(db, vehicle_id).shift_start_s)
            timers.put(db, TIMER, f"{vehicle_id} {draft.day}", begins + GRACE)


def look(db: Connection, vehicle_id: str, day: date, now: datetime) -> str | None:
    """Open a case when it has work and nobody has tapped. Returns the case."""
    depot_id = fleet.get_vehicle(db, vehicle_id).depot_id
    left = vans.open_route(db, vehicle_id, depot_id, day)
    if not left or is_there(db, vehicle_id, day):
        return None
    facts = {"vehicle": vehicle_id, "stops": left}
    return cases.open_or_join(db, KIND, vehicle_id, depot_id, day, facts, now)[0]


def is_there(db: Connection, vehicle_id: str, day: date) -> bool:
    """Any tap of the day will do."""
    tz = fleet.get_depot(db, fleet.get_vehicle(db, vehicle_id).depot_id).tz
    since = clock.midnight(day, tz)
    query = select(event.c.seq).where(
        event.c.vehicle_id == vehicle_id, event.c.at >= since, event.c.kind.like("driver.%")
    )
    return db.execute(query.limit(1)).one_or_none() is not None


# The case -------------------------------------------------------------------------------------------------------------


def scope(db: Connection, row: Row[Any]) -> Scope:
    """All that is on its list; nothing has to be fetched from it."""
    left = vans.open_route(db, row.subject, row.depot_id, row.day)
    return Scope(stops=tuple(left), breakdown=f"missing:{row.subject}", vehicle=row.subject)


def settled(db: Connection, row: Row[Any]) -> str | None:
    if is_there(db, row.subject, row.day):
        return "driver_came"
    return None if vans.open_route(db, row.subject, row.depot_id, row.day) else "nothing_left"
