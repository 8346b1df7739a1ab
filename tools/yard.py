"""Vehicles as a plan sees them: what they carry, who may ride where, when they can leave a depot with few docks, where
they are on the running day, and how long their drivers may drive.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, or_, select

from core import clock, driving, fleet, geo, orders, plans
from core.store.tables import order, parcel
from optimizer import wave
from optimizer.problem import Break, Hours, Vehicle
from optimizer.schedule import start_of_service

if TYPE_CHECKING:
    from tools.problems import Ground

CAPACITIES = ("pieces", "weight_g", "volume_ml")
"""What a van has room for and orders fill."""
MINUTE = 60
DEPARTING_SHARE = 4
"""A van that stands at a door stays there for another quarter of the expected service at least: of doors that take
longer than expected, that is what the middle one takes (log-normal service with a sigma of 0.35: 0.23)."""
PACE_KNOWN_S = 120
"""The pace of the present leg counts as much as the expected one once half of it lies behind, and at least this much
driving: three minutes at a red light say little about the hour that follows."""
SLOWEST_PACE = 3.0
"""A van that stands still says little about how fast it will drive."""
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


def on_the_road(vehicle: Vehicle, state: Row[Any] | None, here: Ground, left: Sequence[str], now: datetime) -> Vehicle:
    """The vehicle as it is now: where its remaining route starts, when, and what is locked."""
    now_s = here.seconds(now)
    if state is None or state.state == "idle":
        return vehicle.model_copy(update={"ready_s": max(vehicle.ready_s, now_s)})
    if state.state == "finished":
        ready_s = max(now_s, here.seconds(state.state_at) + wave.RELOAD_S)
        return vehicle.model_copy(update={"fixed_cost": 0, "ready_s": ready_s})
    started = {"fixed_cost": 0, "ready_s": now_s, "on_road": True}
    if state.state == "broken":
        stands = here.stops.get(state.last_stop_id or "")
        return vehicle.model_copy(update=started | {"start": 0 if stands is None else stands.location})
    place = here.stops.get(state.last_stop_id or "")
    start = 0 if place is None else place.location
    if state.state == "serving" and place is not None:
        began = start_of_service(place, here.seconds(state.state_at))
        leaves = max(began + place.service_s, now_s + place.service_s // DEPARTING_SHARE)
        return vehicle.model_copy(update=started | {"start": start, "ready_s": leaves})
    locked = int(bool(left) and left[0] == state.stop_id)
    leg = _rest_of_leg(state, here, start, now_s) if locked else None
    return vehicle.model_copy(update=started | {"start": start, "locked": locked, "first_leg_s": leg})


def _rest_of_leg(state: Row[Any], here: Ground, start: int, now_s: int) -> int:
    """Seconds left to the stop it heads to: the leg's time, by the share of its distance that is still ahead, at the
    pace of the part that is behind, which weighs against driving as expected (`PACE_KNOWN_S`)."""
    to, left_s = here.stops[state.stop_id], here.seconds(state.state_at)
    whole = int(here.matrix.durations_s[start, to.location])
    fresh = state.position_at is not None and state.position_at >= state.state_at
    if not fresh or state.lat is None:
        return max(whole - (now_s - left_s), 0)
    stop_point = here.points[state.stop_id]
    leg = geo.metres(*here.points.get(state.last_stop_id or "", here.home), *stop_point)
    if leg < 1:
        return whole
    share = min(geo.metres(state.lat, state.lon, *stop_point) / leg, 1.5)
    seen_s = here.seconds(state.position_at)
    expected_s = max(PACE_KNOWN_S, whole // 2)
    pace = (seen_s - left_s + expected_s) / (whole * max(1 - share, 0) + expected_s)
    return max(round(whole * share * min(pace, SLOWEST_PACE)) - (now_s - seen_s), 0)


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
