"""What can be done about all stops that are left on a van which broke down: one answer for the whole van.

    wait       nothing: the van goes on when it can, nobody is told
    repair     the same, and everybody whom it makes late is told
    rescue     another van comes to the place, takes the goods over and serves the stops behind that; without a vehicle:
               the nearest few, each stop on the one where it costs least
    carrier    a carrier collects the goods from the van and delivers them today, for what it takes; when one can
    postpone   all of them leave the day

Costs are those of `optimizer.options`, over the routes that an option changes. A stop that fits on no rescuing van, or
costs more there than another day, leaves the day with that option (`Option.left`). What is not aboard the
broken van needs no meeting; only a van that has not left can take it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from core.errors import BadInput
from core.transfers import identify, service_s
from optimizer.churn import moves
from optimizer.insertion import Spot, spots
from optimizer.options import Candidate, Kind, Option, Scope
from optimizer.pricing import Change, minutes
from optimizer.problem import Problem, Stop, Vehicle, rebuilt
from optimizer.schedule import Schedule, paid_later
from optimizer.travel import Matrix

OFFERED = 3
"""rescuing vans that are offered alone: those that reach the place at the lowest cost"""
SHARING = 4
"""vans among which the stops may be split"""
PLACES = 2
"""positions of the meeting on a van's list that are tried"""

Routes = dict[str, tuple[str, ...]]


class Rescue(NamedTuple):
    """Who fetches what: the changed lists, and the stops that nobody takes."""

    routes: Routes
    taken: dict[str, str]
    """stop -> van"""
    left: tuple[str, ...]


def candidates(
    problem: Problem, matrix: Matrix, subject: str, kinds: Collection[str], scope: Scope
) -> tuple[Candidate, ...]:
    here = _Roadside(problem, matrix, scope)
    tried: list[tuple[Kind, str | None]] = [("wait", None), ("repair", None)]
    near = here.near
    tried += [("rescue", vehicle.id) for vehicle in near[:OFFERED]]
    if len(near) > 1 and len(here.stops) > 1:
        tried.append(("rescue", None))
    tried += [("carrier", None)] if scope.carrier_cents is not None else []
    tried.append(("postpone", None))
    return tuple(
        Candidate(kind=kind, stop_id=subject, scope=scope, vehicle_id=vehicle)
        for kind, vehicle in tried
        if kind in kinds
    )


def evaluate(problem: Problem, matrix: Matrix, candidate: Candidate) -> Option:
    here = _Roadside(problem, matrix, candidate.scope)
    if candidate.kind == "rescue":
        by = [problem.vehicle(candidate.vehicle_id)] if candidate.vehicle_id else here.near[:SHARING]
        return here.option(candidate, here.rescue(by))
    if candidate.kind == "carrier":
        return here.collected(candidate)
    if candidate.kind == "postpone":
        return here.option(candidate, Rescue({here.broken.id: here.kept}, {}, here.stops))
    return here.option(candidate, Rescue({}, {}, ()))


class _Roadside:
    """A broken van among the others."""

    def __init__(self, problem: Problem, matrix: Matrix, scope: Scope) -> None:
        if scope.breakdown is None or scope.vehicle is None:
            raise BadInput("the question names no breakdown", "Name breakdown and vehicle.", field="scope")
        self.problem, self.matrix, self.scope = problem, matrix, scope
        self.broken = problem.vehicle(scope.vehicle)
        route = problem.routes.get(self.broken.id, ())
        self.stops = tuple(s for s in route if s in scope.stops)
        self.kept = tuple(s for s in route if s not in scope.stops)

    @cached_property
    def present(self) -> Schedule:
        return Schedule(self.problem, self.matrix)

    # Who can come -----------------------------------------------------------------------------------------------------

    @cached_property
    def near(self) -> list[Vehicle]:
        """Vans that can come to the place, the cheapest detour first."""
        found = []
        fetched = any(s.aboard == self.broken.id for s in self.problem.stops if s.id in self.stops)
        for vehicle in self.problem.vehicles:
            if vehicle.id in (self.broken.id, *self.scope.unfit) or (vehicle.on_road and not fetched):
                continue
            best = self._meetings(vehicle)[0]
            if best.new_breaches == 0:
                found.append((best.delta_cost, vehicle.id, vehicle))
        return [vehicle for _, _, vehicle in sorted(found, key=lambda each: each[:2])]

    def _meetings(self, vehicle: Vehicle) -> list[Spot]:
        """Where on its list the van may come to the place."""
        route, meeting = self.problem.routes.get(vehicle.id, ()), self._meeting(vehicle.id, self.stops)
        return spots(self.places, vehicle, route, meeting.id)

    @cached_property
    def places(self) -> Schedule:
        """With a meeting for every van."""
        meetings = (self._meeting(vehicle.id, self.stops) for vehicle in self.problem.vehicles)
        return Schedule(rebuilt(self.problem, stops=(*self.problem.stops, *meetings)), self.matrix)

    def _meeting(self, vehicle_id: str, stop_ids: Sequence[str]) -> Stop:
        assert self.scope.breakdown is not None
        count = sum(self.scope.order_counts.get(s, 1) for s in stop_ids)
        return Stop(
            id=identify(self.scope.breakdown, vehicle_id), location=self.broken.start, service_s=service_s(count),
            aboard=vehicle_id,
        )  # fmt: skip

    def _with(self, taken: Mapping[str, str]) -> Problem:
        """The problem in which these vans have fetched these stops' goods."""
        meetings = {
            v: self._meeting(v, [s for s in self.stops if taken.get(s) == v]) for v in sorted({*taken.values()})
        }
        stops = []
        for stop in self.problem.stops:
            van = taken.get(stop.id)
            if van is not None and stop.aboard == self.broken.id:
                stop = stop.model_copy(update={"aboard": van, "met_at": meetings[van].id})
            stops.append(stop)
        return rebuilt(self.problem, stops=(*stops, *meetings.values()))

    # The rescue -------------------------------------------------------------------------------------------------------

    def rescue(self, vehicles: Sequence[Vehicle]) -> Rescue:
        """The stops, most pressing first, each where it costs least; a van joins in when that is cheaper with it."""
        schedules = {v.id: Schedule(self._with(dict.fromkeys(self.stops, v.id)), self.matrix) for v in vehicles}
        routes = {v.id: self.problem.routes.get(v.id, ()) for v in vehicles}
        known = {stop.id: stop for stop in self.problem.stops}
        taken: dict[str, str] = {}
        for stop_id in sorted(self.stops, key=lambda s: (known[s].deadline_s is None, known[s].deadline_s or 0, s)):
            fits = [(*self._placed(schedules[v.id], v, routes[v.id], stop_id), v.id) for v in vehicles]
            cheapest = min(((cost, van, route) for cost, route, van in fits if route), default=None)
            if cheapest is not None and cheapest[0] < self._put_off(stop_id) + self._joins(cheapest[1], taken):
                _, van, routes[van] = cheapest
                taken[stop_id] = van
        changed = {van: route for van, route in routes.items() if van in taken.values()}
        left = tuple(s for s in self.stops if s not in taken)
        return Rescue({self.broken.id: self.kept, **changed}, taken, left)

    def _put_off(self, stop_id: str) -> int:
        """What it costs when a stop leaves the day: each order, a message that moves a day, the time at the door."""
        weights, told = self.problem.weights, self.problem.stop(stop_id).deadline_s is not None
        put_off = weights.postponed * self.scope.order_counts.get(stop_id, 1) + weights.retold_promise * told
        return put_off + paid_later(self.problem, self.problem.stop(stop_id))

    def _joins(self, van: str, taken: Mapping[str, str]) -> int:
        """The way to the meeting is for all that it fetches there, not for the first stop alone."""
        return 0 if van in taken.values() else self.problem.weights.postponed * (len(self.stops) - len(taken) - 1)

    def _placed(
        self, schedule: Schedule, vehicle: Vehicle, route: tuple[str, ...], stop_id: str
    ) -> tuple[int, tuple[str, ...]]:
        """What the stop costs on this van and the list with it; without a list when it fits nowhere."""
        assert self.scope.breakdown is not None
        meeting, fetched = identify(self.scope.breakdown, vehicle.id), schedule.stops[stop_id].met_at is not None
        before = schedule.cost(vehicle, route)
        if meeting in route or not fetched:
            bases = [route]
        else:
            bases = [
                (*route[: s.position], meeting, *route[s.position :])
                for s in spots(schedule, vehicle, route, meeting)[:PLACES]
            ]
        found: list[tuple[int, tuple[str, ...]]] = []
        for base in bases:
            spot = spots(schedule, vehicle, base, stop_id)[0]
            if spot.new_breaches == 0:
                full = (*base[: spot.position], stop_id, *base[spot.position :])
                found.append((schedule.cost(vehicle, full) - before, full))
        return min(found, default=(0, ()))

    # A carrier --------------------------------------------------------------------------------------------------------

    def collected(self, candidate: Candidate) -> Option:
        """The stops come off the list when their goods have been handed over, so no list changes by the decision."""
        freed = self.option(candidate, Rescue({self.broken.id: self.kept}, {}, ()))
        told = tuple(sorted(s for s in self.stops if self.problem.stop(s).deadline_s is not None))
        cost = freed.cost_cents + (self.scope.carrier_cents or 0) + self.problem.weights.retold_promise * len(told)
        unchanged = {"routes": {}, "arrivals": {}, "stops_moved": 0}
        return freed.model_copy(
            update=unchanged | {"cost_cents": cost, "promises_retold": len(told), "retold": told}
        )  # fmt: skip

    # Its price --------------------------------------------------------------------------------------------------------

    def option(self, candidate: Candidate, rescue: Rescue) -> Option:
        """The figures of one answer."""
        now = {v: self.problem.routes.get(v, ()) for v in sorted({self.broken.id, *rescue.routes})}
        after_in = Schedule(self._with(rescue.taken), self.matrix)
        change, hit = Change.of(self.present, now, rescue.routes, after_in), set(self.stops)
        late, late_s = change.late(hit), sum(change.after.late.values())
        silent = len(late) if candidate.kind == "wait" else 0
        told = () if silent else tuple(sorted(late))
        meetings = {identify(self.scope.breakdown or "", van) for van in rescue.taken.values()}
        changed = {v: tuple(s for s in route if s not in meetings) for v, route in rescue.routes.items()}
        moved = sum(m.to_vehicle is not None for m in moves({v: now[v] for v in changed}, changed))
        cost = change.cost(self.problem.weights, late_s=late_s, moved=moved, told=len(told), silent=silent)
        cost += sum(map(self._put_off, rescue.left))
        broken = change.broken()
        if candidate.kind == "rescue" and not rescue.taken:
            broken = ("no van can take any of them",)
        return Option(
            id=candidate.id,
            kind=candidate.kind,
            stop_id=candidate.stop_id,
            vehicle_id=candidate.vehicle_id,
            routes=rescue.routes,
            arrivals=change.arrivals(late),
            cost_cents=cost,
            minutes_late=minutes(late_s),
            promises_broken=silent,
            promises_retold=len(told),
            retold=told,
            left=rescue.left,
            stops_moved=moved,
            others_delayed_min=change.others_delayed_min(hit),
            feasible=not broken,
            broken=broken,
        )
