"""An independent check of a plan: is it what the problem asks for, and are its figures right?

It times routes again in its own plain way and shares no code with `schedule` or any engine, so that a mistake there
shows here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from optimizer.problem import Frozen, Plan, Problem, Route, Stop, Vehicle
from optimizer.reasons import REASONS
from optimizer.travel import Matrix


class Violation(Frozen):
    kind: str
    subject: str
    """stop or vehicle id; empty for the plan as a whole"""
    words: str


def check(problem: Problem, matrix: Matrix, plan: Plan) -> tuple[Violation, ...]:
    """Everything that is wrong with the plan; empty when it can be driven and adds up."""
    found = list(_every_stop_once(problem, plan))
    vehicles = {v.id: v for v in problem.vehicles}
    stops = {s.id: s for s in problem.stops}
    for route in plan.routes:
        if route.vehicle_id not in vehicles:
            found.append(_violation("vehicle", route.vehicle_id, "a route of a vehicle that the problem does not have"))
        elif all(visit.stop_id in stops for visit in route.visits):
            visited = [stops[visit.stop_id] for visit in route.visits]
            found += _route(problem, matrix, vehicles[route.vehicle_id], visited, route)
    left_out = {u.stop_id for u in plan.unassigned}
    total = sum(r.cost for r in plan.routes) + sum(s.drop_penalty for s in problem.stops if s.id in left_out)
    if total != plan.cost:
        found.append(_violation("cost", "", f"the plan says it costs {plan.cost}, its parts are {total}"))
    return tuple(found)


def _violation(kind: str, subject: str, words: str) -> Violation:
    return Violation(kind=kind, subject=subject, words=words)


def _every_stop_once(problem: Problem, plan: Plan) -> Iterator[Violation]:
    seen = Counter(visit.stop_id for route in plan.routes for visit in route.visits)
    seen.update(u.stop_id for u in plan.unassigned)
    known = {stop.id for stop in problem.stops}
    for stop_id in sorted(known - seen.keys()):
        yield _violation("missing", stop_id, "neither on a route nor among the unassigned")
    for stop_id in sorted(seen.keys() - known):
        yield _violation("unknown", stop_id, "not a stop of the problem")
    for stop_id in sorted(s for s, times in seen.items() if times > 1):
        yield _violation("twice", stop_id, f"in the plan {seen[stop_id]} times")
    for vehicle_id, times in sorted(Counter(route.vehicle_id for route in plan.routes).items()):
        if times > 1:
            yield _violation("twice", vehicle_id, f"has {times} routes")
    for unassigned in plan.unassigned:
        if unassigned.reason not in REASONS:
            yield _violation("reason", unassigned.stop_id, f"{unassigned.reason} is not a reason")


def _route(problem: Problem, matrix: Matrix, vehicle: Vehicle, stops: list[Stop], route: Route) -> Iterator[Violation]:
    yield from _limits(problem, vehicle, stops)
    clock, metres, late_s = vehicle.ready_s, 0, 0
    locked = list(problem.routes.get(vehicle.id, ())[: vehicle.locked])
    place = vehicle.start
    for position, (stop, visit) in enumerate(zip(stops, route.visits, strict=True)):
        leg_s, leg_m = int(matrix.durations_s[place, stop.location]), int(matrix.distances_m[place, stop.location])
        if position == 0 and vehicle.first_leg_s is not None and locked[:1] == [stop.id]:
            leg_s, leg_m = vehicle.first_leg_s, 0
        arrival = clock + leg_s
        open_later = [max(arrival, lo) for lo, hi in stop.windows if hi >= arrival]
        start = min(open_later, default=arrival)
        if stop.windows and not open_later:
            yield _violation("window", stop.id, f"served at {start}, its windows are {stop.windows}")
        clock = start + stop.service_s
        if (visit.arrival_s, visit.start_s, visit.departure_s) != (arrival, start, clock):
            yield _violation("times", stop.id, f"the plan says {visit.start_s}, it is {start}")
        limit = stop.due_s if stop.due_s is not None else max((hi for _, hi in stop.windows), default=start)
        late_s += max(0, start - limit)
        metres, place = metres + leg_m, stop.location
    if stops and vehicle.end is not None:
        clock += int(matrix.durations_s[place, vehicle.end])
        metres += int(matrix.distances_m[place, vehicle.end])
    if stops and clock > vehicle.shift_end_s:
        yield _violation("shift", vehicle.id, f"ends at {clock}, its shift at {vehicle.shift_end_s}")
    if (route.end_s, route.distance_m) != (clock, metres):
        words = f"the plan ends at {route.end_s} after {route.distance_m} m, it is {clock} after {metres} m"
        yield _violation("times", vehicle.id, words)
    price = _price(problem, vehicle, clock, metres, late_s) if stops else 0
    if price != route.cost:
        yield _violation("cost", vehicle.id, f"the plan says {route.cost}, it is {price}")


def _limits(problem: Problem, vehicle: Vehicle, stops: list[Stop]) -> Iterator[Violation]:
    ids = [stop.id for stop in stops]
    locked = list(problem.routes.get(vehicle.id, ())[: vehicle.locked])
    if ids[: len(locked)] != locked:
        yield _violation("locked", vehicle.id, f"must begin with {locked}")
    if vehicle.max_stops is not None and len(stops) > vehicle.max_stops:
        yield _violation("stops", vehicle.id, f"{len(stops)} stops, at most {vehicle.max_stops}")
    for dimension, room in enumerate(vehicle.capacity):
        load = sum(stop.demand[dimension] for stop in stops if len(stop.demand) > dimension)
        if load > room:
            yield _violation(f"capacity{dimension + 1}", vehicle.id, f"{load} loaded, room for {room}")
    for at, stop in enumerate(stops):
        if stop.met_at is not None and all(before.id != stop.met_at for before in stops[:at]):
            yield _violation("transfer", stop.id, f"on {vehicle.id} before its goods are fetched at {stop.met_at}")
    for stop in stops:
        if stop.aboard not in (None, vehicle.id):
            yield _violation("aboard", stop.id, f"on {vehicle.id}, but its goods are on {stop.aboard}")
        if stop.aboard is None and vehicle.on_road:
            yield _violation("aboard", stop.id, f"on {vehicle.id}, which left the depot without its goods")


def _price(problem: Problem, vehicle: Vehicle, end_s: int, metres: int, late_s: int) -> int:
    overtime_s = max(0, end_s - vehicle.shift_end_s)
    parts = (
        (vehicle.cost_per_hour * (end_s - vehicle.ready_s), 3600),
        (vehicle.cost_per_km * metres, 1000),
        (problem.weights.overtime_minute * overtime_s, 60),
        (problem.weights.late_minute * late_s, 60),
    )
    return vehicle.fixed_cost + sum((amount + unit // 2) // unit for amount, unit in parts)
