"""Days of the simulated world without a server: planned by our optimizer, driven by the world's own drivers.

For judging predictions: at any moment of such a day the problem is the one that the engine would see, the times at
which service truly began are known, and the rest of the day can be driven again under other luck. What has happened
stays as it was then: who has left, legs and services that are over, slow zones that have begun. All else is drawn anew.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from core import clock, fleet, orders
from evals.wire import (
    DriverHours,
    DriverRoute,
    OrderRow,
    Plan,
    PlanFigures,
    PlannedRoute,
    PlannedStop,
    Promise,
    RouteOrder,
    RouteStop,
)
from evals.world import incidents
from evals.world.day import Day
from evals.world.driver import POSITION_S, Van
from evals.world.leg import Leg
from evals.world.run import TICK_S, slack
from evals.world.scenario import Depot, Order, Point, Scenario
from evals.world.streets import Streets
from optimizer import plan as planning
from optimizer.figures import Figures
from optimizer.problem import Plan as Solved
from optimizer.problem import Problem, Vehicle
from optimizer.travel import great_circle
from tools import problems
from tools.problems import Ground
from tools.telling import promised_range

PLAN_ITERATIONS = 30_000
MOST_TRIES = 400
"""draws of the luck of what is under way, until one fits that it is not over yet"""


@dataclass(frozen=True)
class Visit:
    """One stop of a drive, seconds since the epoch: the leg to it, arrival, start of service, departure."""

    stop: str
    a: Point
    b: Point
    left: int
    arrived: int
    began: int
    done: int


NONE = PlanFigures.model_validate(Figures().model_dump() | {"worked_percent": 0})
"""a drive is judged by what was driven"""


@dataclass
class Drive:
    """What one van did."""

    van: str
    departed: int | None = None
    visits: list[Visit] = field(default_factory=list)

    def state(self, at: int, route: Sequence[str]) -> Any:
        """The van's row as taps and positions would have it; None before it leaves."""
        if self.departed is None or at < self.departed:
            return None
        gone = [visit for visit in self.visits if visit.left <= at]
        if not gone:
            return self._row("driving", self.departed, route[0] if route else None, None)
        visit, before = gone[-1], gone[-2].stop if len(gone) > 1 else None
        if at >= visit.done:
            return self._row("driving", visit.done, None, visit.stop)
        if at >= visit.arrived:
            return self._row("serving", visit.arrived, visit.stop, visit.stop)
        row = self._row("driving", visit.left, visit.stop, before)
        seen = at - at % POSITION_S
        row.lat, row.lon = Leg(visit.a, visit.b, visit.left, visit.arrived).at(seen)
        row.position_at = _at(seen)
        return row

    def _row(self, state: str, since: int, stop: str | None, last: str | None) -> Any:
        return SimpleNamespace(
            vehicle_id=self.van, state=state, state_at=_at(since), stop_id=stop, last_stop_id=last, lat=None, lon=None,
            position_at=None, hours=None,
        )  # fmt: skip


@dataclass(frozen=True)
class Yard:
    """A depot's day: its ground and its plan."""

    here: Ground
    vehicles: tuple[Vehicle, ...]
    planned: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Lived:
    """A day that was driven to its end."""

    scenario: Scenario
    yards: tuple[Yard, ...]
    routes: Mapping[str, DriverRoute]
    slack_s: Mapping[str, int]
    day: Day
    drives: Mapping[str, Drive]

    @cached_property
    def began(self) -> dict[str, int]:
        """stop -> when service began, seconds since the epoch"""
        return {visit.stop: visit.began for drive in self.drives.values() for visit in drive.visits}

    def problem(self, yard: Yard, at: int) -> Problem:
        """What the engine sees of a depot at that moment."""
        states, done = {}, set()
        for vehicle in yard.vehicles:
            drive, route = self.drives[vehicle.id], yard.planned.get(vehicle.id, ())
            state = drive.state(at, route)
            if state is not None:
                states[vehicle.id] = state
            done |= {visit.stop for visit in drive.visits if visit.done <= at}
        still = yard.here.stops.keys() - done
        return problems.running(yard.here, yard.vehicles, yard.planned, states, still, {}, {}, _at(at))

    def moments(self, every_s: int) -> Iterator[int]:
        """From the start of the day until the last service has begun."""
        yield from range(int(self.scenario.start.timestamp()), max(self.began.values(), default=0), every_s)

    def again(self, van_id: str, at: int, lucks: int) -> dict[str, list[int]]:
        """Stop -> start of service when this van's day is driven on from `at`, once for each of so many lucks."""
        found: dict[str, list[int]] = defaultdict(list)
        for luck in range(lucks):
            for visit in self._once_more(van_id, at, luck):
                found[visit.stop].append(visit.began)
        return found

    def _once_more(self, van_id: str, at: int, luck: int) -> list[Visit]:
        drive = self.drives[van_id]
        for attempt in range(MOST_TRIES):
            day = self._other_day(at, luck * MOST_TRIES + attempt)
            van = Van.at_depot(next(v for v in self.scenario.vehicles if v.id == van_id), day)
            if drive.departed is None or at < drive.departed:
                again = follow(van, self.routes[van_id])
                if again.departed is None or again.departed > at:
                    return again.visits
            elif _put_back(van, drive, self.routes[van_id], at):
                return [visit for visit in follow(van, self.routes[van_id]).visits if visit.began > at]
        return []

    def _other_day(self, at: int, luck: int) -> Day:
        other = self._drawn(luck)
        zones = [zone for zone in self.day.incidents.zones if zone.begins <= at]
        zones += [zone for zone in other.incidents.zones if zone.begins > at]
        return dataclasses.replace(
            other,
            streets=dataclasses.replace(other.streets, zones=zones),
            incidents=dataclasses.replace(other.incidents, zones=tuple(zones)),
        )

    def _drawn(self, luck: int) -> Day:
        if luck not in self._days:
            seed = 1_000_003 * (luck + 1) + self.scenario.seed
            scenario = self.scenario.model_copy(update={"seed": seed})
            trouble = incidents.draw(scenario, self.slack_s)
            self._days[luck] = dataclasses.replace(
                self.day, scenario=scenario, incidents=trouble, streets=Streets.of(scenario, trouble.zones)
            )
        return self._days[luck]

    @cached_property
    def _days(self) -> dict[int, Day]:
        return {}


def live(scenario: Scenario, iterations: int = PLAN_ITERATIONS) -> Lived:
    """Plan the day and drive it to its end."""
    made = [_plan(scenario, depot, iterations) for depot in scenario.depots]
    yards = tuple(yard for yard, _ in made)
    rows = [row for yard, plan in made for row in _order_rows(scenario, yard, plan)]
    slack_s = slack([plan for _, plan in made], rows)
    day = Day.of(scenario, incidents.draw(scenario, slack_s), rows)
    routes = {van: route for yard in yards for van, route in _phones(yard).items()}
    drives = {v.id: follow(Van.at_depot(v, day), routes[v.id]) for v in scenario.vehicles}
    return Lived(scenario, yards, routes, slack_s, day, drives)


def follow(van: Van, route: DriverRoute) -> Drive:
    """Let a van do its route to the end, looking at the phone once a tick as it does in the world."""
    drive = Drive(van.vehicle.id)
    while van.state != "off":
        van.hear(route, -(-van.next_at // TICK_S) * TICK_S)
        leg, stop = van.leg, van.stop
        for sent in van.until(van.next_at):
            if sent["kind"] == "driver.arrived" and stop is not None:
                arrived = van.leg.ends
                opens = van.day.opens([van.day.orders[order.id] for order in stop.orders])
                drive.visits.append(
                    Visit(stop.stop, leg.a, leg.b, leg.begins, arrived, max(arrived, opens), van.next_at)
                )
    drive.departed = van.departed_at
    return drive


def _put_back(van: Van, drive: Drive, route: DriverRoute, at: int) -> bool:
    """Set a van where it was at `at`, its luck from there on its own. False when what it does would be over by then."""
    van.departed_at, van.state = drive.departed, "free"
    van.aboard = {order.id: None for stop in route.stops for order in stop.orders}
    stops = {stop.stop: stop for stop in route.stops}
    gone = [visit for visit in drive.visits if visit.left <= at]
    behind = [order.id for visit in gone if visit.done <= at for order in stops[visit.stop].orders]
    van.tried = dict.fromkeys(behind, route.version or 0)
    van.hear(route, at)
    if not gone or gone[-1].done <= at:
        return True
    visit = gone[-1]
    van.stop, van.state = stops[visit.stop], "driving"
    van.leg, van.next_at = Leg(visit.a, visit.b, visit.left, visit.arrived), visit.arrived
    if at >= visit.arrived:
        van.until(visit.arrived)
        return van.next_at > at
    place = van.day.scenario.depot(van.vehicle.depot)
    whole = van.day.streets.leg_s(van.vehicle.id, place.id, place.tz, visit.a, visit.b, visit.left)
    rest = whole * (visit.arrived - at) // max(visit.arrived - visit.left, 1)
    van.next_at = at + max(rest, 1)
    van.leg = dataclasses.replace(van.leg, ends=van.next_at)
    return True


# -- the plan, as the server makes it and shows it


def _plan(scenario: Scenario, depot: Depot, iterations: int) -> tuple[Yard, Plan]:
    doors: dict[str, list[Order]] = defaultdict(list)
    for order in scenario.orders:
        if order.depot == depot.id:
            doors[orders.stop_id(depot.id, scenario.day, order.lat, order.lon)].append(order)
    ids = sorted(doors)
    points = (depot.point, *(doors[i][0].point for i in ids))
    t0, matrix = clock.midnight(scenario.day, depot.tz), great_circle(points)
    stops = {i: problems.stop_of(i, row, [_row(scenario, o) for o in doors[i]], t0) for row, i in enumerate(ids, 1)}
    here = Ground(
        depot.id, scenario.day, depot.tz, t0, matrix, depot.point, dict(zip(ids, points[1:], strict=True)), stops,
        {i: tuple(order.ref for order in doors[i]) for i in ids},
    )  # fmt: skip
    vehicles = tuple(_vehicle(row, here) for row in scenario.fleet()["vehicles"] if row["depot"] == depot.id)
    problem = Problem(matrix=matrix.hash, stops=tuple(stops.values()), vehicles=vehicles)
    solved = planning.solve(problem, matrix, seed=scenario.seed, iterations=iterations)
    planned = {route.vehicle_id: route.stop_ids for route in solved.routes}
    return Yard(here, vehicles, planned), _as_told(here, solved)


def _vehicle(row: Mapping[str, Any], here: Ground) -> Vehicle:
    known = fleet.Vehicle.model_validate(row)
    start, end = known.shift_s
    kept = known.model_dump() | {
        "shift_start_s": start, "shift_end_s": end, "weight_g": int(known.weight_kg * 1000),
        "volume_ml": int(known.volume_l * 1000), "co2_g_km": known.co2_g_km, "loading_s": 60 * known.loading_min,
        "breaks": known.breaks_s,
    }  # fmt: skip
    like_stored: Any = SimpleNamespace(**kept)
    return problems.vehicle_of(like_stored, here)


def _row(scenario: Scenario, order: Order) -> Any:
    lo, hi = order.window_start, order.window_end
    windows = [[clock.iso(scenario.at(order.depot, each)) for each in (lo, hi)]] if lo and hi else []
    weight_g = round(1000 * (order.weight_kg or 0))
    return SimpleNamespace(
        windows=windows,
        service_s=order.service_s,
        pieces=order.pieces,
        weight_g=weight_g,
        volume_ml=0,
        priority=1,
        kind="delivery",
        skills=(),
        crew=1,
    )


def _as_told(here: Ground, solved: Solved) -> Plan:
    routes = tuple(
        PlannedRoute(
            vehicle=route.vehicle_id, digest="", distance_m=route.distance_m, driving_s=route.driving_s,
            cost=route.cost, start=here.at(route.start_s), end=here.at(route.end_s), figures=None, breaks=(),
            stops=tuple(
                PlannedStop(
                    stop=v.stop_id, orders=here.orders[v.stop_id], lat=here.points[v.stop_id][0],
                    lon=here.points[v.stop_id][1], arrival=here.at(v.start_s), departure=here.at(v.departure_s),
                )
                for v in route.visits
            ),
        )
        for route in solved.routes
    )  # fmt: skip
    return Plan(
        version=1, digest="", published=True, cost=solved.cost, made_by={}, routes=routes, unassigned=(), figures=NONE
    )  # fmt: skip


def _order_rows(scenario: Scenario, yard: Yard, plan: Plan) -> Iterator[OrderRow]:
    arrival = {order: stop.arrival for route in plan.routes for stop in route.stops for order in stop.orders}
    for order in scenario.orders:
        if order.ref in arrival:
            lo, hi = promised_range(_row(scenario, order).windows, arrival[order.ref])
            yield OrderRow(
                id=order.ref, ref=order.ref, client=order.client, person="", depot=order.depot, day=scenario.day,
                status="planned", stop="", place="given", windows=(), kind="delivery", priority="normal",
                pieces=order.pieces, weight_g=0, volume_ml=0, service_s=order.service_s, skills=(), crew=1,
                promise=Promise(lo=lo, hi=hi),
            )  # fmt: skip


def _phones(yard: Yard) -> dict[str, DriverRoute]:
    here = yard.here
    return {
        vehicle.id: DriverRoute(
            vehicle=vehicle.id, day=here.day, departed=False, breaks=(), broken=False, handovers=(),
            hours=DriverHours(worked_s=0, rested_s=0, since_rest_s=0),
            stops=tuple(
                RouteStop(
                    stop=stop, arrival=here.t0, done=False,
                    orders=tuple(RouteOrder(id=order, ref=order, pieces=1) for order in here.orders[stop]),
                    lat=here.points[stop][0], lon=here.points[stop][1], service_s=here.stops[stop].service_s,
                )
                for stop in yard.planned.get(vehicle.id, ())
            ),
        )
        for vehicle in yard.vehicles
    }  # fmt: skip


def _at(second: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
