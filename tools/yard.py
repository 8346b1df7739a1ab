"""Vehicles as a plan sees them: what they carry, who may ride where, when they can leave a depot with few docks, and
how long their drivers may drive.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from core import clock, driving, fleet, geo, orders, plans
from core.store.tables import order, parcel
from optimizer.problem import Break, Hours, Vehicle

CAPACITIES = ("pieces", "weight_g", "volume_ml")
"""What a van has room for and orders fill."""
MINUTE = 60
Areas = Mapping[str, Sequence[tuple[float, float]]]


def areas_at(areas: Areas, lat: float, lon: float) -> tuple[str, ...]:
    """The names of the areas in which a place lies."""
    return tuple(name for name, ring in sorted(areas.items()) if geo.inside(lat, lon, ring))


def vehicle_of(row: Row[Any], day: date, tz: str, t0: datetime) -> Vehicle:
    """A vehicle of the fleet on one day, before anybody has loaded it."""

    def second(of_day: int) -> int:
        return int((clock.at_second(day, tz, of_day) - t0).total_seconds())

    law = None if row.hours is None else fleet.law_of(row.hours)
    return Vehicle(
        id=row.id, start=0, end=0 if row.ends_at_depot else None,
        ready_s=second(row.shift_start_s) + row.loading_s, shift_end_s=second(row.shift_end_s),
        capacity=tuple(getattr(row, name) for name in CAPACITIES), fixed_cost=row.cost_per_use,
        cost_per_hour=row.cost_per_hour, cost_per_km=row.cost_per_km, max_stops=row.max_stops,
        skills=tuple(row.skills), crew=row.crew, areas=None if row.areas is None else tuple(row.areas),
        speed_percent=row.speed_percent, co2_g_km=row.co2_g_km, loading_s=row.loading_s,
        hours=None if law is None else Hours(
            drive_s=law.drive_min * MINUTE, break_s=law.break_s, day_s=law.day_min * MINUTE, parts_s=law.parts_s
        ),
        breaks=tuple(
            Break(id=f"break{number}", duration_s=seconds, windows=((second(earliest), second(latest)),))
            for number, (seconds, earliest, latest) in enumerate(row.breaks, 1)
        ),
    )  # fmt: skip


def at_docks(vehicles: Iterable[Vehicle], docks: int | None) -> tuple[Vehicle, ...]:
    """The vehicles with the moments at which they can leave: who has the earliest shift is loaded first, at the dock
    that is free first; the others wait for one."""
    found, free = {}, [-(10**9)] * (docks or 0)
    for vehicle in sorted(vehicles, key=lambda v: (v.ready_s - v.loading_s, v.id)):
        ready = vehicle.ready_s
        if free and vehicle.loading_s:
            begins = max(ready - vehicle.loading_s, free[0])
            ready = begins + vehicle.loading_s
            heapq.heapreplace(free, ready)
        found[vehicle.id] = vehicle.model_copy(update={"ready_s": ready})
    return tuple(found[name] for name in sorted(found))


def driving_so_far(
    vehicle: Vehicle, state: Row[Any], route: plans.PlannedRoute | None, left: Sequence[str], now: datetime,
    t0: datetime,
) -> dict[str, Any]:  # fmt: skip
    """What a driver has behind by the taps: driving today and since the last break, and which own breaks are still to
    come. One of those is behind when a stop after it was served, or its time has passed."""
    driven = driving.so_far(state.hours, vehicle.hours or Hours(), now, rested=True)
    gone = len(set(route.stops) - set(left)) if route else 0
    taken = sum(
        r.own for r in (route.rests if route else ()) if r.after < gone or r.at + timedelta(seconds=r.seconds) <= now
    )
    ahead = [own for own in vehicle.breaks[taken:] if own.windows[-1][1] >= _second(now, t0)]
    since = {"driven_s": driven.since_s, "part_rested": driven.part}
    return {"drove_s": driven.today_s, **since, "breaks": tuple(ahead)}


def _second(at: datetime, t0: datetime) -> int:
    return int((at - t0).total_seconds())


def held(db: Connection, depot_id: str, day: date) -> dict[str, tuple[int, ...]]:
    """Van -> goods aboard that go to nobody on its route: refused or fetched ones, on their way to the depot."""
    sums = [func.sum(getattr(order.c, name)).label(name) for name in CAPACITIES]
    mine = (
        select(parcel.c.holder, order.c.id)
        .join(order, parcel.c.order_id == order.c.id)
        .where(order.c.depot_id == depot_id, parcel.c.holder.like("van:%"))
        .where(or_(order.c.day != day, order.c.status.not_in(orders.OPEN)))  # moved ones belong to their new day
        .distinct()
        .subquery()
    )
    query = select(mine.c.holder, *sums).join(order, order.c.id == mine.c.id).group_by(mine.c.holder)
    return {
        row.holder.removeprefix("van:"): tuple(int(getattr(row, name)) for name in CAPACITIES)
        for row in db.execute(query)
    }
