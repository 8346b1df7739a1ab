"""An independent check of a plan: is it what the problem asks for, and are its figures right?

It times routes again in its own plain way and shares no code with `schedule` or any engine, so that a mistake there
shows here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from optimizer.problem import Frozen, Plan, Problem, Rest, Route, Stop, Vehicle
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
    used = [vehicles[r.vehicle_id] for r in plan.routes if r.visits and r.vehicle_id in vehicles]
    found += _docks(problem, used)
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
    clock, metres, late_s, roads = vehicle.ready_s, 0, 0, matrix.of(vehicle.profile)
    driven_s = tasks_s = tolls = 0
    locked = list(problem.routes.get(vehicle.id, ())[: vehicle.locked])
    place, driver = vehicle.start, _Driver(vehicle, route.rests)
    driver.loads = [[loads[at] for loads in _all_loads(vehicle, stops)] for at in range(len(stops) + 1)]
    for position, (stop, visit) in enumerate(zip(stops, route.visits, strict=True)):
        leg_s, leg_m = _leg_s(roads, vehicle, place, stop.location), int(roads.distances_m[place, stop.location])
        if position == 0 and vehicle.first_leg_s is not None and locked[:1] == [stop.id]:
            leg_s, leg_m = vehicle.first_leg_s, 0
        arrival = driver.arrives(position, clock, leg_s, visit.arrival_s)
        open_later = [max(arrival, lo) for lo, hi in stop.windows if hi >= arrival]
        start = min(open_later, default=arrival)
        driver.waits(position, arrival, start)
        if stop.windows and not open_later:
            yield _violation("window", stop.id, f"served at {start}, its windows are {stop.windows}")
        settle_s, serve_s = stop.by_kind.get(vehicle.kind) or (stop.setup_s, stop.service_s)
        here_s = serve_s + (0 if place == stop.location else settle_s)
        clock, tasks_s, driven_s = start + here_s, tasks_s + here_s, driven_s + leg_s
        tolls += int(roads.tolls[place, stop.location]) if roads.tolls is not None else 0
        if (visit.arrival_s, visit.start_s, visit.departure_s) != (arrival, start, clock):
            yield _violation("times", stop.id, f"the plan says {visit.start_s}, it is {start}")
        limit = stop.due_s if stop.due_s is not None else max((hi for _, hi in stop.windows), default=start)
        late_s += max(0, start - limit)
        metres, place = metres + leg_m, stop.location
    used = bool(stops) or vehicle.on_road
    if used and vehicle.end is not None:
        leg_s = _leg_s(roads, vehicle, place, vehicle.end)
        clock, driven_s = driver.arrives(len(stops), clock, leg_s, route.end_s), driven_s + leg_s
        metres += int(roads.distances_m[place, vehicle.end])
        tolls += int(roads.tolls[place, vehicle.end]) if roads.tolls is not None else 0
    if stops:
        yield from driver.verdict(clock)
    if stops and clock > vehicle.shift_end_s:
        yield _violation("shift", vehicle.id, f"ends at {clock}, its shift at {vehicle.shift_end_s}")
    yield from _lengths(vehicle, driven_s, metres) if stops else ()
    if stops and vehicle.max_route_s is not None and clock - _latest(roads, vehicle, stops) > vehicle.max_route_s:
        yield _violation("duration", vehicle.id, f"out for more than {vehicle.max_route_s} s")
    if (route.end_s, route.distance_m) != (clock, metres):
        words = f"the plan ends at {route.end_s} after {route.distance_m} m, it is {clock} after {metres} m"
        yield _violation("times", vehicle.id, words)
    worked = (vehicle.cost_per_driving_hour * driven_s, vehicle.cost_per_task_hour * tasks_s)
    price = _price(problem, vehicle, clock, metres, late_s, worked) + tolls if used else 0
    if price != route.cost:
        yield _violation("cost", vehicle.id, f"the plan says {route.cost}, it is {price}")


def _leg_s(matrix: Matrix, vehicle: Vehicle, here: int, there: int) -> int:
    scaled = int(matrix.durations_s[here, there]) * 100
    return scaled // vehicle.speed_percent + (2 * (scaled % vehicle.speed_percent) >= vehicle.speed_percent)


class _Driver:
    """Holds a driver's breaks, as the plan puts them, to the law and to their own times."""

    def __init__(self, vehicle: Vehicle, rests: Sequence[Rest]) -> None:
        self.vehicle, self.rests = vehicle, sorted(rests, key=lambda rest: (rest.position, rest.at_s))
        self.since_s, self.today_s, self.longest_s = vehicle.driven_s, vehicle.drove_s, 0
        self.first_part = vehicle.part_rested
        self.wrong: list[str] = []
        self.loads: list[list[int]] = []
        """aboard before each stop and on the way home"""

    def arrives(self, position: int, leaves_s: int, leg_s: int, said_s: int) -> int:
        """When the van is there: what it drives, and the breaks that end before the arrival that the plan says."""
        clock, behind_s = leaves_s, 0
        for rest in [r for r in self.rests if r.position == position and r.at_s + r.duration_s <= said_s]:
            clock += rest.driven_s - behind_s
            if not behind_s <= rest.driven_s <= leg_s or rest.at_s < clock:
                self.wrong.append(f"nobody can rest at {rest.at_s}, before stop {position}")
            self._drives(rest.driven_s - behind_s)
            self._rests(rest)
            clock, behind_s = rest.at_s + rest.duration_s, rest.driven_s
        self._drives(leg_s - behind_s)
        return clock + leg_s - behind_s

    def waits(self, position: int, arrival_s: int, start_s: int) -> None:
        for rest in [r for r in self.rests if r.position == position and r.at_s >= arrival_s]:
            if rest.at_s + rest.duration_s > start_s:
                self.wrong.append(f"the break at {rest.at_s} does not fit into the wait for stop {position}")
            self._rests(rest)

    def _drives(self, seconds: int) -> None:
        self.since_s, self.today_s = self.since_s + seconds, self.today_s + seconds
        self.longest_s = max(self.longest_s, self.since_s if seconds else 0)

    def _rests(self, rest: Rest) -> None:
        own = {each.id: each for each in self.vehicle.breaks}.get(rest.break_id)
        law = self.vehicle.hours
        if own is not None and rest.duration_s != own.duration_s:
            self.wrong.append(f"break {own.id} takes {rest.duration_s} s, not {own.duration_s}")
        if own is not None and any(n > most for n, most in zip(self.loads[rest.position], own.max_load, strict=False)):
            self.wrong.append(f"break {own.id} is taken with {self.loads[rest.position]} aboard")
        if own is not None and not any(lo <= rest.at_s <= hi for lo, hi in own.windows):
            self.wrong.append(f"break {own.id} begins at {rest.at_s}, its windows are {own.windows}")
        whole = law is None or rest.duration_s >= law.break_s
        parts = None if law is None else law.parts_s
        if whole or (self.first_part and parts is not None and rest.duration_s >= parts[1]):
            self.since_s, self.first_part = 0, False
        elif parts is not None and self.since_s > 0 and rest.duration_s >= parts[0]:
            self.first_part = True

    def verdict(self, end_s: int) -> Iterator[Violation]:
        name, law = self.vehicle.id, self.vehicle.hours
        taken = Counter(rest.break_id for rest in self.rests if rest.break_id)
        untaken = [b.id for b in self.vehicle.breaks if not taken[b.id] and end_s > max(hi for _, hi in b.windows)]
        self.wrong += [f"break {each} is not taken" for each in untaken]
        strange = sorted(taken.keys() - {each.id for each in self.vehicle.breaks})
        odd = [each for each in taken if taken[each] > 1 or each in strange]
        self.wrong += [f"break {each} is not the driver's, or taken twice" for each in odd]
        if self.wrong:
            yield _violation("break", name, "; ".join(self.wrong))
        if law is not None and self.longest_s > law.drive_s:
            yield _violation("hours", name, f"{self.longest_s} s of driving without a break, {law.drive_s} at most")
        elif law is not None and self.today_s > law.day_s:
            yield _violation("hours", name, f"{self.today_s} s of driving in a day, {law.day_s} at most")


def _limits(problem: Problem, vehicle: Vehicle, stops: list[Stop]) -> Iterator[Violation]:
    ids = [stop.id for stop in stops]
    locked = list(problem.routes.get(vehicle.id, ())[: vehicle.locked])
    if ids[: len(locked)] != locked:
        yield _violation("locked", vehicle.id, f"must begin with {locked}")
    if vehicle.max_stops is not None and len(stops) > vehicle.max_stops:
        yield _violation("stops", vehicle.id, f"{len(stops)} stops, at most {vehicle.max_stops}")
    for dimension, room in enumerate(vehicle.capacity):
        load = max(_loads(vehicle, stops, dimension))
        if load > room:
            yield _violation(f"capacity{dimension + 1}", vehicle.id, f"{load} loaded, room for {room}")
    yield from _pairs(problem, ids)
    for at, stop in enumerate(stops):
        if stop.met_at is not None and all(before.id != stop.met_at for before in stops[:at]):
            yield _violation("transfer", stop.id, f"on {vehicle.id} before its goods are fetched at {stop.met_at}")
    for stop in stops:
        yield from _fits(vehicle, stop)


def _loads(vehicle: Vehicle, stops: list[Stop], dimension: int) -> list[int]:
    """What is aboard when the van leaves, and after each stop."""

    def figure(amounts: tuple[int, ...]) -> int:
        return amounts[dimension] if len(amounts) > dimension else 0

    loads = [figure(vehicle.held) + sum(figure(stop.demand) for stop in stops if stop.after is None)]
    for stop in stops:
        loads.append(loads[-1] - figure(stop.demand) + figure(stop.pickup))
    return loads


def _all_loads(vehicle: Vehicle, stops: list[Stop]) -> list[list[int]]:
    size = max((len(own.max_load) for own in vehicle.breaks), default=0)
    return [_loads(vehicle, stops, dimension) for dimension in range(size)]


def _pairs(problem: Problem, ids: list[str]) -> Iterator[Violation]:
    for stop in problem.stops:
        if stop.after is None or not {stop.id, stop.after} & set(ids):
            continue
        if stop.after not in ids:
            yield _violation("pair", stop.id, f"its goods are fetched at {stop.after}, which is not on the route")
        elif stop.id not in ids:
            yield _violation("pair", stop.after, f"what is fetched there is for {stop.id}, which is not on the route")
        elif ids.index(stop.after) > ids.index(stop.id):
            yield _violation("pair", stop.id, f"comes before {stop.after}, where its goods are fetched")


def _fits(vehicle: Vehicle, stop: Stop) -> Iterator[Violation]:
    """The first thing that keeps the vehicle from this stop."""
    if stop.aboard not in (None, vehicle.id):
        yield _violation("aboard", stop.id, f"on {vehicle.id}, but its goods are on {stop.aboard}")
    elif stop.aboard is None and vehicle.on_road and not stop.free:
        yield _violation("aboard", stop.id, f"on {vehicle.id}, which left the depot without its goods")
    elif any(skill not in vehicle.skills for skill in stop.skills):
        yield _violation("skills", stop.id, f"needs {stop.skills}, {vehicle.id} has {vehicle.skills}")
    elif vehicle.crew < stop.crew:
        yield _violation("crew", stop.id, f"takes {stop.crew} persons, {vehicle.id} has {vehicle.crew}")
    elif vehicle.areas is not None and not any(area in vehicle.areas for area in stop.areas):
        yield _violation("area", stop.id, f"lies in {stop.areas}, {vehicle.id} may go to {vehicle.areas}")


def _docks(problem: Problem, used: list[Vehicle]) -> Iterator[Violation]:
    """No more vans at the depot's docks than there are."""
    loading = [v for v in used if v.loading_s and not v.on_road]
    for vehicle in loading if problem.docks is not None else ():
        begins = vehicle.ready_s - vehicle.loading_s
        beside = sum(v.ready_s - v.loading_s <= begins < v.ready_s for v in loading)
        if beside > (problem.docks or 0):
            yield _violation("docks", vehicle.id, f"{beside} vans are loaded at {begins}, {problem.docks} docks")


def _latest(roads: Matrix, vehicle: Vehicle, stops: list[Stop]) -> int:
    """When it can leave at the latest without ending later; breaks, which move with it, are left out."""

    def done(leaves: int) -> int:
        clock, place = leaves, vehicle.start
        for stop in stops:
            clock += _leg_s(roads, vehicle, place, stop.location)
            clock = min(
                (max(clock, lo) for lo, hi in stop.windows if hi >= clock), default=10**9 if stop.windows else clock
            )
            settle_s, serve_s = stop.by_kind.get(vehicle.kind) or (stop.setup_s, stop.service_s)
            clock, place = clock + serve_s + (0 if place == stop.location else settle_s), stop.location
        return clock

    early, late = vehicle.ready_s, done(vehicle.ready_s)
    while early < late:
        between = (early + late + 1) // 2
        early, late = (between, late) if done(between) <= done(vehicle.ready_s) else (early, between - 1)
    return early


def _lengths(vehicle: Vehicle, driven_s: int, metres: int) -> Iterator[Violation]:
    if vehicle.max_driving_s is not None and driven_s > vehicle.max_driving_s:
        yield _violation("driving", vehicle.id, f"{driven_s} s on the road, at most {vehicle.max_driving_s}")
    if vehicle.max_distance_m is not None and metres > vehicle.max_distance_m:
        yield _violation("distance", vehicle.id, f"{metres} m, at most {vehicle.max_distance_m}")


def _price(problem: Problem, vehicle: Vehicle, end_s: int, metres: int, late_s: int, worked: tuple[int, int]) -> int:
    overtime_s = max(0, end_s - vehicle.shift_end_s)
    parts = (
        (vehicle.cost_per_hour * (end_s - vehicle.ready_s), 3600),
        (vehicle.cost_per_km * metres, 1000),
        (problem.weights.overtime_minute * overtime_s, 60),
        (problem.weights.late_minute * late_s, 60),
        *((amount, 3600) for amount in worked),
    )
    return vehicle.fixed_cost + sum((amount + unit // 2) // unit for amount, unit in parts)
