"""Cheapest insertion: where one more stop costs least on a route. Adds a live order, and plans when no engine can.

Every position is timed in full with `schedule`; nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from optimizer.problem import Plan, Problem, Route, Vehicle
from optimizer.reasons import explain_unassigned
from optimizer.schedule import Schedule, costs
from optimizer.travel import Matrix


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
    known = {breach.key for breach in schedule.breaches(vehicle, before)}
    price = costs(schedule.problem.weights, vehicle, before).total
    found = []
    for position in range(min(vehicle.locked, len(rest)), len(rest) + 1):
        timing = schedule.timing(vehicle, (*rest[:position], stop_id, *rest[position:]))
        added = sum(breach.key not in known for breach in schedule.breaches(vehicle, timing))
        found.append(Spot(added, costs(schedule.problem.weights, vehicle, timing).total - price, position))
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
    left_out = [stop for stop in schedule.problem.stops if stop.id not in planned]
    for stop in sorted(left_out, key=lambda s: (-s.drop_penalty, s.deadline_s is None, s.deadline_s or 0, s.id)):
        best: tuple[Spot, str] | None = None
        for vehicle in schedule.problem.vehicles:
            spot = spots(schedule, vehicle, routes.get(vehicle.id, ()), stop.id)[0]
            better = best is None or (spot.delta_cost, vehicle.id) < (best[0].delta_cost, best[1])
            if spot.new_breaches == 0 and better:
                best = spot, vehicle.id
        if best is not None and best[0].delta_cost < stop.drop_penalty:
            rest, position = routes.get(best[1], ()), best[0].position
            routes[best[1]] = (*rest[:position], stop.id, *rest[position:])
    return routes


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
    known = {breach.key for breach in schedule.breaches(vehicle, schedule.timing(vehicle, rest))}
    broken = (b for b in schedule.breaches(vehicle, schedule.timing(vehicle, stop_ids)) if b.key not in known)
    route = schedule.route(vehicle, stop_ids)
    return Insertion(vehicle.id, spot.position, route, spot.delta_cost, tuple(b.words for b in broken))
