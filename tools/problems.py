"""Routing problems built from the record: the first plan of a day, and the running day as it is now.

The running day is cut at what can't be taken from a driver any more: the stop a van heads to is locked, the stop it
serves is the place it starts from. Times are seconds since local midnight.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, select

from core import breakdowns, clock, fleet, geo, geofence, incidents, orders, plans, promises
from core.errors import BadInput, WrongState
from core.geofence import Circle
from core.settings import settings
from core.store.tables import matrix_place, order, parcel, van
from optimizer.problem import Problem, Stop, Vehicle, Zone, rebuilt
from optimizer.schedule import figure
from optimizer.travel import Matrix, MatrixStore, widened
from tools import buffers, roadside, room, travel_times, yard
from tools.yard import CAPACITIES

LIVE_SLACK_S = 6 * 3600
"""On a running day a window's end is not a wall but a price: promises say what lateness costs."""
LEFT_OUT = (50_000, 100_000, 200_000, 400_000)
"""Cents for leaving an order out of the plan, by its priority: low, normal, high, urgent."""
BEFORE_A_PLAN = frozenset({"wait", "postpone", "remove", "reroute"})
"""Options that need no routes."""
AGAIN_AFTER_S = 3600
"""A door where nobody was is not tried again before this long."""


@dataclass(frozen=True)
class Ground:
    """What stays the same while a depot's day runs: stops with their place, service and windows, and the matrix."""

    depot_id: str
    day: date
    tz: str
    t0: datetime
    matrix: Matrix
    home: tuple[float, float]
    points: dict[str, tuple[float, float]]
    """stop id -> (lat, lon)"""
    stops: dict[str, Stop]
    orders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """stop id -> order ids"""
    docks: int | None = None

    @cached_property
    def circles(self) -> dict[str, Circle]:
        """The doors as the geofence sees them."""
        return geofence.circles(self.points)

    @cached_property
    def places(self) -> list[tuple[float, float]]:
        """The matrix's places, row by row. Rows of a depot's own matrix that the day does not visit count as the
        depot."""
        points = [self.home] * self.matrix.size
        for stop_id, stop in self.stops.items():
            points[stop.location] = self.points[stop_id]
        return points

    def seconds(self, at: datetime) -> int:
        return int((at - self.t0).total_seconds())

    def at(self, seconds: int) -> datetime:
        return clock.at_offset(self.t0, seconds)


def matrices() -> MatrixStore:
    return MatrixStore(settings().folder / "matrices")


def ground(db: Connection, depot_id: str, day: date) -> Ground:
    """Stops and travel times of a depot's day. Raises BadInput when a stop is missing in the depot's own matrix."""
    home = fleet.get_depot(db, depot_id)
    t0 = clock.midnight(day, home.tz)
    by_stop: dict[str, list[Row[Any]]] = {}
    for row in orders.of_day(db, depot_id, day):
        if row.lat is not None:
            by_stop.setdefault(row.stop_id, []).append(row)
    ids = sorted(by_stop)
    points = ((home.lat, home.lon), *((by_stop[i][0].lat, by_stop[i][0].lon) for i in ids))
    broken = {row.id: (row.lat, row.lon) for row in breakdowns.of_day(db, depot_id, day)}
    matrix, rows = _travel(db, home, day, points, [by_stop[i][0].ref for i in ids], tuple(broken.values()))
    areas = fleet.areas_of(db, depot_id)
    stops = {
        i: stop_of(i, rows[at + 1], by_stop[i], t0, yard.areas_at(areas, *points[at + 1])) for at, i in enumerate(ids)
    }
    named = {i: tuple(row.id for row in by_stop[i]) for i in ids}
    places = dict(zip(ids, points[1:], strict=True))
    beside = dict(zip(broken, range(matrix.size - len(broken), matrix.size), strict=True))
    roadside_stops = roadside.stops(db, depot_id, day, beside)
    at_row = {row: broken[each] for each, row in beside.items()}
    stops |= roadside_stops
    places |= {each.id: at_row[each.location] for each in roadside_stops.values()}
    return Ground(depot_id, day, home.tz, t0, matrix, points[0], places, stops, named, home.docks)


def _travel(
    db: Connection,
    home: Row[Any],
    day: date,
    points: Sequence[tuple[float, float]],
    refs: Sequence[str],
    broken: Sequence[tuple[float, float]] = (),
) -> tuple[Matrix, list[int]]:
    """The travel times, and the row of each point in them; the last rows are where vans broke down."""
    if home.matrix is None:
        made = travel_times.between((*points, *broken), scope=f"{home.id}/{day}")
        matrices().put(made)
        return made, list(range(len(points)))
    known = db.execute(select(matrix_place).where(matrix_place.c.depot_id == home.id))
    places = {(round(row.lat, 5), round(row.lon, 5)): row.row for row in known}
    missing = [
        ref for ref, (lat, lon) in zip(refs, points[1:], strict=True) if (round(lat, 5), round(lon, 5)) not in places
    ]
    if missing:
        raise BadInput(
            f"The matrix of depot {home.id} has no row for {len(missing)} orders: {', '.join(missing[:5])}.",
            f"PUT /api/depots/{home.id}/matrix with every stop of the day.",
            field="matrix",
        )
    found = matrices().get(home.matrix)
    if broken:
        of_row = {row: at for at, row in places.items()}
        found = widened(found, [points[0], *(of_row.get(row, points[0]) for row in range(1, found.size))], broken)
        matrices().put(found)
    return found, [0, *(places[(round(lat, 5), round(lon, 5))] for lat, lon in points[1:])]


def stop_of(stop_id: str, location: int, rows: Sequence[Row[Any]], t0: datetime, areas: tuple[str, ...] = ()) -> Stop:
    """One stop for all orders at the door: their goods added up, their windows cut to what suits all of them, and what
    any of them needs."""

    def second(text: str) -> int:
        return int((clock.parse(text) - t0).total_seconds())

    windows: list[tuple[int, int]] = []
    for row in rows:
        own = sorted((second(lo), second(hi)) for lo, hi in row.windows)
        both = [(max(a, c), min(b, d)) for a, b in windows for c, d in own if max(a, c) <= min(b, d)]
        windows = (both or windows) if own and windows else (windows or own)
    return Stop(
        id=stop_id,
        location=location,
        service_s=max(row.service_s for row in rows),
        windows=_merged(windows),
        demand=_goods(rows, orders.BROUGHT),
        pickup=_goods(rows, orders.FETCHED),
        skills=tuple(sorted({skill for row in rows for skill in row.skills})),
        crew=max(row.crew for row in rows),
        areas=areas,
        free=all(row.kind not in orders.BROUGHT for row in rows),
        drop_penalty=sum(LEFT_OUT[row.priority] for row in rows),
    )


def _goods(rows: Sequence[Row[Any]], kinds: Set[str]) -> tuple[int, ...]:
    """What orders of these kinds weigh and take in room; nothing at all is empty."""
    goods = tuple(sum(getattr(row, name) for row in rows if row.kind in kinds) for name in CAPACITIES)
    return goods if any(goods) else ()


def _merged(windows: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for lo, hi in sorted(windows):
        if merged and lo <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(hi, merged[-1][1]))
        else:
            merged.append((lo, hi))
    return tuple(merged)


def vehicle_of(row: Row[Any], here: Ground) -> Vehicle:
    return yard.vehicle_of(row, here.day, here.tz, here.t0)


def _vehicles(db: Connection, here: Ground) -> tuple[Vehicle, ...]:
    """The depot's vehicles as its docks let them leave."""
    return yard.at_docks((vehicle_of(row, here) for row in fleet.of_depot(db, here.depot_id)), here.docks)


def first(db: Connection, here: Ground) -> Problem:
    """The day before anybody has left: every stop that has an open order, every vehicle of the depot."""
    still = orders.open_stops(db, here.depot_id, here.day)
    vehicles = _vehicles(db, here)
    if not vehicles:
        raise BadInput(f"Depot {here.depot_id} has no vehicles.", "PUT a fleet under /api/fleet.", field="depot")
    current = plans.current(db, here.depot_id, here.day)
    routes = {} if current is None else {v: tuple(s for s in r.stops if s in still) for v, r in current.routes.items()}
    stops = tuple(stop for stop_id, stop in sorted(here.stops.items()) if stop_id in still)
    quantile = fleet.get_depot(db, here.depot_id).service_quantile
    if quantile > 0.5:
        kinds: dict[str, set[str]] = {}
        for row in orders.of_day(db, here.depot_id, here.day):
            kinds.setdefault(row.stop_id, set()).add(row.kind)
        vehicles = room.kept(vehicles, stops, room.late_percent(db, here.depot_id, here.day))
        stops = buffers.with_buffers(stops, kinds, buffers.sigmas(db, here.depot_id, here.day), quantile)
    return Problem(matrix=here.matrix.hash, stops=stops, vehicles=vehicles, routes=routes, docks=here.docks)


def seen(
    db: Connection, here: Ground, current: plans.PlanVersion | None, now: datetime, stop: str, kinds: Collection[str]
) -> Problem:
    """The day around one stop: running, or not planned yet. Before there is a plan an order can stay, move or end; all
    else is about routes. Raises WrongState."""
    if current is not None:
        return live(db, here, current, now, stop)
    if not set(kinds) <= BEFORE_A_PLAN:
        what = f"Depot {here.depot_id} has no published plan for {here.day}."
        raise WrongState(what, "Plan and publish first.")
    return first(db, here)


def live(db: Connection, here: Ground, current: plans.PlanVersion, now: datetime, tried: str | None = None) -> Problem:
    """The running day: what is still to be served, from where each van is now.

    `tried` is a stop that a question is about; when its attempt has failed, it could be tried again later.
    """
    still = orders.open_stops(db, here.depot_id, here.day)
    due = promises.due_by_stop(db, here.depot_id, here.day)
    states = {row.vehicle_id: row for row in db.execute(select(van).where(van.c.day == here.day))}
    late_s = _depot_late_s(db, here, now)
    aboard = yard.held(db, here.depot_id, here.day)
    vehicles = [
        vehicle.model_copy(update={"ready_s": vehicle.ready_s + late_s, "held": aboard.get(vehicle.id, ())})
        for vehicle in _vehicles(db, here)
    ]
    planned = {vehicle_id: route.stops for vehicle_id, route in current.routes.items()}
    met = roadside.meetings(db, here)
    carried = {**_carried(db, here), **met.to}
    found = running(here, vehicles, planned, states, still, due, carried, now, current.routes, met.at)
    found = roadside.standing(db, here, found)
    if tried in here.stops and all(stop.id != tried for stop in found.stops):
        found = _once_more(db, here, found, tried, carried.get(tried))
    zones = zones_of(here, incidents.lasting(db, here.depot_id, here.day, now))
    return rebuilt(found, zones=zones) if zones else found


def running(
    here: Ground,
    vehicles: Sequence[Vehicle],
    planned: Mapping[str, Sequence[str]],
    states: Mapping[str, Row[Any]],
    still: Set[str],
    due: Mapping[str, datetime],
    carried: Mapping[str, str],
    now: datetime,
    rested: Mapping[str, plans.PlannedRoute] = MappingProxyType({}),
    met_at: Mapping[str, str] = MappingProxyType({}),
) -> Problem:
    """`live` once everything is read: `states` has rows of the table `van`, `still` the stops that are open, `rested`
    the routes with their breaks, `met_at` where a van fetches goods from another one."""
    moved, routes = [], {}
    for vehicle in vehicles:
        left = tuple(s for s in planned.get(vehicle.id, ()) if s in still and s in here.stops)
        state = states.get(vehicle.id)
        if state is not None and state.state == "serving":
            left = tuple(s for s in left if s != state.stop_id)
        on_duty = yard.on_the_road(vehicle, state, here, left, now)
        if state is not None and state.state != "idle":  # it has been out today
            done = yard.driving_so_far(on_duty, state, rested.get(vehicle.id), left, now, here.t0)
            on_duty = on_duty.model_copy(update=done)
        moved.append(on_duty)
        routes[vehicle.id] = left
    on_routes = {s for left in routes.values() for s in left}
    stops = tuple(
        live_stop(here, s, here.stops[s], due.get(s), carried.get(s), on_routes, met_at.get(s))
        for s in sorted(still & here.stops.keys())
        if s in on_routes or s not in _served_now(states)
    )
    return Problem(matrix=here.matrix.hash, stops=stops, vehicles=tuple(moved), routes=routes, now_s=here.seconds(now))


def _depot_late_s(db: Connection, here: Ground, now: datetime) -> int:
    """Seconds that the depot sends its vans out late; one that is on the road is past that."""
    lasting = incidents.lasting(db, here.depot_id, here.day, now)
    return max((60 * each.said.minutes for each in lasting if each.said.minutes is not None), default=0)


def zones_of(
    here: Ground,
    lasting: Iterable[incidents.Incident],
    more: Mapping[int, tuple[float, float]] = MappingProxyType({}),
) -> tuple[Zone, ...]:
    """Circles in which driving takes longer for a while, as somebody declared them. `more` are places that the day does
    not visit, by their row."""
    rows = {0: here.home} | {stop.location: here.points[stop_id] for stop_id, stop in here.stops.items()} | dict(more)
    return tuple(
        Zone(
            from_s=here.seconds(each.at), until_s=here.seconds(each.said.until), percent=each.percent,
            radius_m=each.said.radius_m,
            places=tuple((row, *geo.offset_m(each.said.lat, each.said.lon, *at)) for row, at in sorted(rows.items())),
        )
        for each in lasting
        if each.said.lat is not None and each.said.lon is not None and each.said.radius_m is not None
    )  # fmt: skip


def _once_more(db: Connection, here: Ground, found: Problem, stop_id: str, van_id: str | None) -> Problem:
    """With a stop whose attempt has failed: what is missing of its goods, in its customer's own windows. No promise
    holds for it, nobody rings again at once, and what is aboard is brought, no longer held."""
    stop = here.stops[stop_id]
    missed = [row for row in orders.at_stop(db, stop_id) if row.status == "failed"]
    if missed:
        stop = stop_of(stop_id, stop.location, missed, here.t0, stop.areas)
    later = found.now_s + AGAIN_AFTER_S
    windows = tuple((max(lo, later), hi) for lo, hi in stop.windows if hi > later) or ((later, later + LIVE_SLACK_S),)
    again = stop.model_copy(update={"windows": windows, "aboard": van_id})
    vehicles = tuple(_less_held(v, stop.demand) if v.id == van_id else v for v in found.vehicles)
    return rebuilt(found, stops=(*found.stops, again), vehicles=vehicles)


def _less_held(vehicle: Vehicle, brought: tuple[int, ...]) -> Vehicle:
    rest = tuple(max(0, aboard - figure(brought, d)) for d, aboard in enumerate(vehicle.held))
    return vehicle.model_copy(update={"held": rest})


def _served_now(states: Mapping[str, Row[Any]]) -> set[str]:
    return {row.stop_id for row in states.values() if row.state == "serving"}


def live_stop(
    here: Ground,
    stop_id: str,
    stop: Stop,
    due: datetime | None,
    van_id: str | None,
    on_routes: Set[str],
    met_at: str | None,
) -> Stop:
    windows = tuple((lo, hi) for lo, hi in stop.windows)
    if windows:
        windows = (*windows[:-1], (windows[-1][0], windows[-1][1] + LIVE_SLACK_S))
    due_s = None if due is None else here.seconds(due)
    if due is None and windows and stop_id not in on_routes:  # nothing is promised yet but the customer's own window
        due_s = stop.windows[-1][1]
    return stop.model_copy(update={"windows": windows, "due_s": due_s, "aboard": van_id, "met_at": met_at})


def _carried(db: Connection, here: Ground) -> dict[str, str]:
    """Stop -> van that has its goods aboard."""
    query = (
        select(order.c.stop_id, parcel.c.holder)
        .join(parcel, parcel.c.order_id == order.c.id)
        .where(order.c.depot_id == here.depot_id, order.c.day == here.day, parcel.c.holder.like("van:%"))
        .where(order.c.status.in_(orders.OPEN | {"failed"}))
        .distinct()
        .order_by(order.c.stop_id, parcel.c.holder)
    )
    return {row.stop_id: row.holder.removeprefix("van:") for row in db.execute(query)}
