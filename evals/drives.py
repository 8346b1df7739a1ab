"""Days of the simulated world without a server: planned by our optimizer, driven by the world's own drivers.

For judging predictions: at any moment of such a day the problem is the one that the engine would see, the times at
which service truly began are known, and the rest of the day can be driven again under other luck. What has happened
stays as it was then: who has left, legs, services and rests that are over, slow roads that have begun, customers who
want nothing any more. All else is drawn anew.

All that the world does to a van is in it: late docks, roads, services, breaks, a van that breaks down and goes on
later, orders that are withdrawn. What dispatching does is not: nothing is moved from van to van, and orders that come
in during the day are left out.
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

from core.incidents import Incident, NewIncident
from evals.drives_plan import Yard, made, order_rows, phones
from evals.wire import DriverRoute, OrderRow
from evals.world import fate, incidents
from evals.world.day import Day
from evals.world.driver import POSITION_S, Van
from evals.world.leg import Leg
from evals.world.people import withdrawals
from evals.world.run import TICK_S, slack
from evals.world.scenario import Point, Scenario
from evals.world.streets import Streets
from optimizer.problem import Problem, Vehicle, rebuilt
from tools import problems, roadside

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

    @property
    def leg(self) -> Leg:
        return Leg(self.a, self.b, self.left, self.arrived)


@dataclass(frozen=True)
class Pause:
    """A van stands from `at` to `until`: its driver rests at a door, or it has broken down on `leg` to `stop`."""

    at: int
    until: int
    leg: Leg | None = None
    stop: str | None = None

    def lasts(self, at: int) -> bool:
        return self.at <= at < self.until


@dataclass
class Drive:
    """What one van did."""

    van: str
    departed: int | None = None
    visits: list[Visit] = field(default_factory=list)
    rest: Pause | None = None
    breakdown: Pause | None = None

    def is_out(self, at: int) -> bool:
        return self.departed is not None and self.departed <= at

    def is_broken(self, at: int) -> bool:
        return self.breakdown is not None and self.breakdown.lasts(at)

    def is_resting(self, at: int) -> bool:
        return self.rest is not None and self.rest.lasts(at)

    def on_broken_leg(self, at: int) -> Pause | None:
        """The breakdown that is to come on the leg that the van is on."""
        trouble = self.breakdown
        return trouble if trouble is not None and trouble.leg and trouble.leg.begins <= at < trouble.at else None

    def state(self, at: int, route: Sequence[str]) -> Any:
        """The van's row as taps and positions would have it; None before it leaves."""
        if self.departed is None or at < self.departed:
            return None
        gone = [visit for visit in self.visits if visit.left <= at]
        last = gone[-1].stop if gone else None
        if (trouble := self.on_broken_leg(at)) is not None and trouble.leg is not None:
            return self._seen(trouble.leg, trouble.stop, last, at)
        if not gone:
            return self._row("driving", self.departed, route[0] if route else None, None)
        visit, before = gone[-1], gone[-2].stop if len(gone) > 1 else None
        if at >= visit.done:
            return self._row("driving", visit.done, None, visit.stop)
        if at >= visit.arrived:
            return self._row("serving", visit.arrived, visit.stop, visit.stop)
        return self._seen(visit.leg, visit.stop, before, at)

    def _seen(self, leg: Leg, to: str | None, last: str | None, at: int) -> Any:
        row = self._row("driving", leg.begins, to, last)
        seen = at - at % POSITION_S
        row.lat, row.lon = leg.at(seen)
        row.position_at = _at(seen)
        return row

    def _row(self, state: str, since: int, stop: str | None, last: str | None) -> Any:
        return SimpleNamespace(
            vehicle_id=self.van, state=state, state_at=_at(since), stop_id=stop, last_stop_id=last, lat=None, lon=None,
            position_at=None, hours=None,
        )  # fmt: skip


@dataclass(frozen=True)
class Lived:
    """A day that was driven to its end."""

    scenario: Scenario
    yards: tuple[Yard, ...]
    routes: Mapping[str, DriverRoute]
    slack_s: Mapping[str, int]
    rows: Sequence[OrderRow]
    day: Day
    withdrawn: Mapping[str, int]
    """order -> from when on its customer does not want it today"""
    drives: Mapping[str, Drive]

    @cached_property
    def began(self) -> dict[str, int]:
        """stop -> when service began, seconds since the epoch"""
        return {visit.stop: visit.began for drive in self.drives.values() for visit in drive.visits}

    def problem(self, yard: Yard, at: int) -> Problem:
        """What the engine sees of a depot at that moment."""
        here, states, goes_on, done = yard.here, {}, {}, self._not_wanted(yard, at)
        for vehicle in yard.vehicles:
            drive, route = self.drives[vehicle.id], yard.planned.get(vehicle.id, ())
            state = drive.state(at, route)
            if state is not None:
                states[vehicle.id] = state
            if drive.rest is not None and drive.is_resting(at):
                goes_on[vehicle.id] = here.seconds(_at(drive.rest.until))
            done |= {visit.stop for visit in drive.visits if visit.done <= at}
        still = here.stops.keys() - done
        found = problems.running(here, yard.vehicles, yard.planned, states, still, {}, {}, _at(at))
        zones = problems.zones_of(here, self._reported(yard, at))
        return roadside.held_up(rebuilt(found, zones=zones) if zones else found, goes_on)

    def _not_wanted(self, yard: Yard, at: int) -> set[str]:
        gone = {order for order, since in self.withdrawn.items() if since <= at}
        return {stop for stop, behind in yard.here.orders.items() if gone.issuperset(behind)}

    def _reported(self, yard: Yard, at: int) -> list[Incident]:
        """The roads that the server has been told of."""
        return [
            Incident(
                id=road.id,
                at=_at(road.reported),
                said=NewIncident(
                    kind="road_closed" if road.closed else "slow_zone", depot=yard.here.depot_id,
                    until=_at(road.zone.ends), lat=road.zone.middle[0], lon=road.zone.middle[1],
                    radius_m=road.zone.radius_m,
                ),
            )
            for road in self.day.incidents.roads
            if yard.here.depot_id in road.depots and road.reported <= at < road.zone.ends
        ]  # fmt: skip

    def moving(self, problem: Problem, at: int) -> Iterator[Vehicle]:
        """The vans whose customers are told times: not those that have broken down."""
        return (each for each in problem.vehicles if not self.drives[each.id].is_broken(at))

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
            day, withdrawn = self._other_day(van_id, at, luck * MOST_TRIES + attempt)
            van = Van.at_depot(next(v for v in self.scenario.vehicles if v.id == van_id), day)
            if drive.departed is None or drive.departed > at:
                again = follow(van, self.routes[van_id], withdrawn)
                if again.departed is None or again.departed > at:
                    return again.visits
            elif self._put_back(van, drive, drive.departed, at):
                return [visit for visit in follow(van, self.routes[van_id], withdrawn).visits if visit.began > at]
        return []

    def _other_day(self, van_id: str, at: int, luck: int) -> tuple[Day, dict[str, int]]:
        """Another luck from `at` on, for a van that is quick or not once it is out."""
        other, later = self._drawn(luck)
        mine, theirs = self.day.incidents, other.incidents
        trouble = dataclasses.replace(
            theirs,
            zones=(*(z for z in mine.zones if z.begins <= at), *(z for z in theirs.zones if z.begins > at)),
            roads=(*(r for r in mine.roads if r.zone.begins <= at), *(r for r in theirs.roads if r.zone.begins > at)),
            quick=mine.quick if self.drives[van_id].is_out(at) else theirs.quick,
        )
        day = dataclasses.replace(
            other, streets=dataclasses.replace(other.streets, zones=trouble.slow), incidents=trouble
        )
        withdrawn = {order: since for order, since in self.withdrawn.items() if since <= at}
        return day, {order: since for order, since in later.items() if since > at} | withdrawn

    def _drawn(self, luck: int) -> tuple[Day, dict[str, int]]:
        if luck not in self._days:
            seed = 1_000_003 * (luck + 1) + self.scenario.seed
            scenario = self.scenario.model_copy(update={"seed": seed})
            trouble = incidents.draw(scenario, self.slack_s)
            day = dataclasses.replace(
                self.day, scenario=scenario, incidents=trouble, streets=Streets.of(scenario), fate=fate.draw(scenario)
            )
            self._days[luck] = day, withdrawals(day, self.rows)
        return self._days[luck]

    @cached_property
    def _days(self) -> dict[int, tuple[Day, dict[str, int]]]:
        return {}

    def _put_back(self, van: Van, drive: Drive, departed: int, at: int) -> bool:
        """Set a van where it was at `at`, its luck from there on its own. False when what it does would be over by
        then."""
        route = self.routes[van.vehicle.id]
        van.route, van.departed_at, van.heard_at = route, departed, at
        van.aboard = {order.id: None for stop in route.stops for order in stop.orders}
        stops = {stop.stop: stop for stop in route.stops}
        gone = [visit for visit in drive.visits if visit.left <= at]
        behind = [order.id for visit in gone if visit.done <= at for order in stops[visit.stop].orders]
        van.tried = dict.fromkeys(behind, route.version or 0)
        # what its new luck had for the hours that are over did not happen
        rest, trouble = (of.get(van.vehicle.id) for of in (van.day.incidents.breaks, van.day.incidents.breakdowns))
        rested = drive.rest is not None and drive.rest.at <= at
        broke = drive.breakdown is not None and drive.breakdown.at <= at
        van.rested_at = at if rested or (rest is not None and van.signs_on_at + rest.after_s <= at) else None
        van.broken_at = at if broke or (trouble is not None and departed + trouble.after_s <= at) else None
        if (cut := drive.on_broken_leg(at)) is not None and cut.leg is not None:
            if cut.stop is None:
                return False
            van.stop = stops[cut.stop]
            return _under_way(van, cut.leg, at)
        if drive.rest is not None and drive.is_resting(at):
            van.leg, van.state, van.next_at = Leg(van.home, gone[-1].b, 0, at), "resting", drive.rest.until
            return True
        if not gone or gone[-1].done <= at:
            van.leg, van.state, van.next_at = Leg(van.home, gone[-1].b if gone else van.home, 0, at), "free", at
            return True
        van.stop = stops[gone[-1].stop]
        if at < gone[-1].arrived:
            return _under_way(van, gone[-1].leg, at)
        van.state, van.leg, van.next_at = "driving", gone[-1].leg, gone[-1].arrived
        van.until(gone[-1].arrived)
        return van.next_at > at


def live(scenario: Scenario, iterations: int = PLAN_ITERATIONS) -> Lived:
    """Plan the day for what is known in the morning, and drive it to its end."""
    known = {order.ref for order in scenario.orders} - fate.draw(scenario).live.keys()
    plans = [made(scenario, depot, known, iterations) for depot in scenario.depots]
    yards = tuple(yard for yard, _ in plans)
    rows = [row for _, plan in plans for row in order_rows(scenario, plan)]
    slack_s = slack([plan for _, plan in plans], rows)
    day = Day.of(scenario, incidents.draw(scenario, slack_s), rows)
    withdrawn = withdrawals(day, rows)
    routes = {van: route for yard in yards for van, route in phones(yard).items()}
    drives = {v.id: follow(Van.at_depot(v, day), routes[v.id], withdrawn) for v in scenario.vehicles}
    return Lived(scenario, yards, routes, slack_s, rows, day, withdrawn, drives)


def follow(van: Van, route: DriverRoute, withdrawn: Mapping[str, int]) -> Drive:
    """Let a van do its route to the end, looking at the phone once a tick as it does in the world."""
    drive = Drive(van.vehicle.id)
    gone = {order.id: withdrawn[order.id] for stop in route.stops for order in stop.orders if order.id in withdrawn}
    while van.state != "off":
        tick = -(-van.next_at // TICK_S) * TICK_S
        if van.looks(tick):
            van.hear(_shown(route, gone, tick), tick)
        leg, stop = van.leg, van.stop
        for sent in van.until(van.next_at):
            _note(drive, van, sent["kind"], leg, None if stop is None else stop.stop)
    drive.departed = van.departed_at
    return drive


def _shown(route: DriverRoute, withdrawn: Mapping[str, int], now: int) -> DriverRoute:
    """The phone without the orders that are not wanted any more."""
    if all(since > now for since in withdrawn.values()):
        return route
    stops = []
    for stop in route.stops:
        wanted = tuple(order for order in stop.orders if withdrawn.get(order.id, now + 1) > now)
        if wanted:
            stops.append(stop if wanted == stop.orders else stop.model_copy(update={"orders": wanted}))
    return route.model_copy(update={"stops": tuple(stops)})


def _note(drive: Drive, van: Van, kind: str, leg: Leg, stop: str | None) -> None:
    if kind == "driver.arrived" and stop is not None and van.stop is not None:
        opens = van.day.opens([van.day.orders[order.id] for order in van.stop.orders])
        began = max(leg.ends, opens)
        drive.visits.append(Visit(stop, leg.a, leg.b, leg.begins, leg.ends, began, van.next_at))
    elif kind == "driver.break_started" and van.rested_at is not None:
        drive.rest = Pause(van.rested_at, van.next_at)
    elif kind == "driver.breakdown" and van.broken_at is not None:
        drive.breakdown = Pause(van.broken_at, van.next_at, leg, stop)


def _under_way(van: Van, leg: Leg, at: int) -> bool:
    """On a leg whose rest takes the share that is left of it by the van's new luck."""
    place = van.day.scenario.depot(van.vehicle.depot)
    whole = van.day.streets.leg_s(van.vehicle.id, place.id, place.tz, leg.a, leg.b, leg.begins)
    rest = whole * (leg.ends - at) // max(leg.ends - leg.begins, 1)
    van.state, van.next_at = "driving", at + max(rest, 1)
    van.leg = dataclasses.replace(leg, ends=van.next_at)
    return True


def _at(second: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
