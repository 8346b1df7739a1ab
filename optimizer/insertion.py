"""Cheapest insertion: where one more stop costs least on a route. Adds a live order, and plans when no engine can.

Every position is timed in full with `schedule`; nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from optimizer.breaches import added
from optimizer.problem import Plan, Problem, Route, Stop, Vehicle, may_carry
from optimizer.reasons import explain_unassigned
from optimizer.schedule import Schedule, costs
from optimizer.travel import Matrix

PAIRS = 6
"""places tried for the first stop of two that go together, and for the second after each"""


class Insertion(NamedTuple):
    vehicle_id: str
    position: int
    route: Route
    """the route with the stop in it"""
    delta_cost: int
    """cents more than without the stop"""
    broken: tuple[str, ...]
    """hard constraints that only the new stop breaks, in words; empty when it fits"""

    @property
    def feasible(self) -> bool:
        return not self.broken


class Spot(NamedTuple):
    """One position for a stop, ordered: what breaks least, then what costs least, then what comes first."""

    new_breaches: int
    delta_cost: int
    position: int


def cheapest_insertion(problem: Problem, matrix: Matrix, stop_id: str, vehicle: Vehicle) -> Insertion:
    """The best position on one vehicle, behind what is locked. It may break something: see `broken`."""
    return _best(Schedule(problem, matrix), stop_id, vehicle)


def cheapest_insertions(problem: Problem, matrix: Matrix, stop_id: str) -> tuple[Insertion, ...]:
    """The best position on every vehicle, best vehicle first."""
    schedule = Schedule(problem, matrix)
    found = [_best(schedule, stop_id, vehicle) for vehicle in problem.vehicles]
    return tuple(sorted(found, key=lambda i: (len(i.broken), i.delta_cost, i.vehicle_id)))


def spots(schedule: Schedule, vehicle: Vehicle, rest: Sequence[str], stop_id: str) -> list[Spot]:
    """Every position for the stop on a route that is without it, best first."""
    before = schedule.timing(vehicle, rest)
    known = schedule.breaches(vehicle, before)
    price = costs(schedule.problem.weights, vehicle, before).total
    found = []
    for position in range(min(vehicle.locked, len(rest)), len(rest) + 1):
        timing = schedule.timing(vehicle, (*rest[:position], stop_id, *rest[position:]))
        new = len(added(known, schedule.breaches(vehicle, timing)))
        found.append(Spot(new, costs(schedule.problem.weights, vehicle, timing).total - price, position))
    return sorted(found)


def without_breaches(schedule: Schedule, vehicle: Vehicle, stop_ids: Sequence[str]) -> tuple[str, ...]:
    """The route with stops taken out until it breaks nothing: those that break something themselves, then from its
    end. Locked stops stay, and what they miss is nobody else's fault."""
    locked, movable = tuple(stop_ids[: vehicle.locked]), list(stop_ids[vehicle.locked :])
    while movable:
        breaches = schedule.breaches(vehicle, schedule.timing(vehicle, (*locked, *movable)))
        subjects = {breach.subject for breach in breaches} - set(locked)
        if not subjects:
            break
        movable.remove(next((s for s in movable if s in subjects), movable[-1]))
    return (*locked, *movable)


def insert_all(schedule: Schedule, routes: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The routes with every stop put in that fits and costs less than leaving it out; most pressing first."""
    routes = dict(routes)
    planned = {stop_id for stop_ids in routes.values() for stop_id in stop_ids}
    second = {stop.after for stop in schedule.problem.stops if stop.after is not None}
    left_out = [stop for stop in schedule.problem.stops if stop.id not in planned and stop.id not in second]
    for stop in sorted(left_out, key=lambda s: (-s.drop_penalty, s.deadline_s is None, s.deadline_s or 0, s.id)):
        pair = (schedule.stops[stop.after],) if stop.after else ()
        if pair and pair[0].id in planned:
            continue
        saved = stop.drop_penalty + sum(first.drop_penalty for first in pair)
        best: tuple[int, str, tuple[str, ...]] | None = None
        for vehicle in schedule.problem.vehicles:
            if not all(may_carry(vehicle, each) for each in (stop, *pair)):
                continue
            found = _with(schedule, vehicle, routes.get(vehicle.id, ()), stop)
            if found is not None and (best is None or (found[0], vehicle.id) < best[:2]):
                best = found[0], vehicle.id, found[1]
        if best is not None and best[0] < saved:
            routes[best[1]] = best[2]
    return routes


def _with(
    schedule: Schedule, vehicle: Vehicle, rest: tuple[str, ...], stop: Stop
) -> tuple[int, tuple[str, ...]] | None:
    """(cents more, the route) with the stop, and before it the one where its goods are fetched; None: it breaks
    something. Of two, the first one's best places are tried, each with the best one for the second."""
    if stop.after is None:
        spot = spots(schedule, vehicle, rest, stop.id)[0]
        return None if spot.new_breaches else (spot.delta_cost, _put(rest, spot.position, stop.id))
    before = schedule.timing(vehicle, rest)
    known, price = schedule.breaches(vehicle, before), costs(schedule.problem.weights, vehicle, before).total
    first = [_put(rest, s.position, stop.after) for s in spots(schedule, vehicle, rest, stop.after)[:PAIRS]]
    both = [_put(held, s.position, stop.id) for held in first for s in spots(schedule, vehicle, held, stop.id)[:PAIRS]]
    timed = [(schedule.timing(vehicle, each), each) for each in both]
    fit = [(costs(schedule.problem.weights, vehicle, t).total - price, each) for t, each in timed
           if not added(known, schedule.breaches(vehicle, t))]  # fmt: skip
    return min(fit, default=None)


def _put(rest: tuple[str, ...], position: int, stop_id: str) -> tuple[str, ...]:
    return (*rest[:position], stop_id, *rest[position:])


def first_plan(problem: Problem, matrix: Matrix) -> Plan:
    """A plan without an engine: what the present routes hold and fits, then one stop after the other."""
    schedule = Schedule(problem, matrix)
    kept = {v.id: without_breaches(schedule, v, problem.routes.get(v.id, ())) for v in problem.vehicles}
    routes = insert_all(schedule, kept)
    return assemble(schedule, matrix, routes, engine="insertion", iterations=0, stopped_by="iterations")


def assemble(
    schedule: Schedule,
    matrix: Matrix,
    routes: dict[str, tuple[str, ...]],
    *,
    engine: str,
    iterations: int,
    stopped_by: str,
) -> Plan:
    """The plan of these routes: timed, priced, with a reason for every stop that is on none."""
    problem = schedule.problem
    timed = tuple(schedule.route(v, routes.get(v.id, ())) for v in problem.vehicles)
    planned = {visit.stop_id for route in timed for visit in route.visits}
    left_out = [stop for stop in problem.stops if stop.id not in planned]
    return Plan(
        routes=timed,
        unassigned=tuple(explain_unassigned(problem, matrix, stop, timed) for stop in left_out),
        cost=sum(route.cost for route in timed) + sum(stop.drop_penalty for stop in left_out),
        engine=engine,
        iterations=iterations,
        stopped_by=stopped_by,
    )


def _best(schedule: Schedule, stop_id: str, vehicle: Vehicle) -> Insertion:
    rest = tuple(s for s in schedule.problem.routes.get(vehicle.id, ()) if s != stop_id)
    spot = spots(schedule, vehicle, rest, stop_id)[0]
    stop_ids = (*rest[: spot.position], stop_id, *rest[spot.position :])
    known = schedule.breaches(vehicle, schedule.timing(vehicle, rest))
    broken = added(known, schedule.breaches(vehicle, schedule.timing(vehicle, stop_ids)))
    route = schedule.route(vehicle, stop_ids)
    return Insertion(vehicle.id, spot.position, route, spot.delta_cost, tuple(b.words for b in broken))
