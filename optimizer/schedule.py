"""The exact forward pass: when a van reaches each stop of its route, what that costs, and what it breaks.

Engines may approximate while they search; what they return is timed and priced here. One rule for windows: service
starts at the earliest moment at or after arrival inside some window; with none left it starts at arrival, and that is
a breach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from core.errors import BadInput
from optimizer import limits
from optimizer.breaches import Breach
from optimizer.hours import Duty
from optimizer.problem import Problem, Rest, Route, Stop, Vehicle, Visit, Weights, unfit
from optimizer.travel import NO_ROAD_S, Matrix


class Costs(NamedTuple):
    """Cents of one route, part by part."""

    use: int
    hours: int
    km: int
    overtime: int
    late: int

    @property
    def total(self) -> int:
        return sum(self)


class Timing(NamedTuple):
    """A timed route as plain numbers: what a search over thousands of routes can afford."""

    visits: list[tuple[str, int, int, int, int]]
    """stop id, arrival, start, departure, seconds late"""
    end_s: int
    distance_m: int
    driving_s: int
    waiting_s: int
    overtime_s: int
    late_s: int
    resting_s: int = 0
    rests: tuple[Rest, ...] = ()
    missed: tuple[str, ...] = ()
    """breaks that are not taken in their windows"""
    over_s: int = 0
    """driving beyond what a day may have"""
    task_s: int = 0
    """set-up and service"""
    tolls: int = 0


class Roads(NamedTuple):
    """Seconds, metres and tolls of a leg, for one profile. `.item` gives Python integers: int32 sums would overflow
    silently."""

    seconds: Callable[[int, int], int]
    metres: Callable[[int, int], int]
    tolls: Callable[[int, int], int] | None


def time_route(problem: Problem, matrix: Matrix, vehicle: Vehicle, stop_ids: Sequence[str]) -> Route:
    return Schedule(problem, matrix).route(vehicle, stop_ids)


def start_of_service(stop: Stop, arrival_s: int) -> int:
    for opens, closes in stop.windows:
        if arrival_s <= closes:
            return max(arrival_s, opens)
    return arrival_s


def misses_window(stop: Stop, start_s: int) -> bool:
    return bool(stop.windows) and not any(opens <= start_s <= closes for opens, closes in stop.windows)


def clock(seconds: int) -> str:
    """Seconds since the day's midnight as hours and minutes."""
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"


def per(rate: int, amount: int, unit: int) -> int:
    """rate x amount / unit in whole cents, halves up."""
    return (2 * rate * amount + unit) // (2 * unit)


class Schedule:
    """Times and prices routes of one problem. Build it once where many routes are tried."""

    def __init__(self, problem: Problem, matrix: Matrix) -> None:
        _same_ground(problem, matrix)
        self.problem, self.matrix = problem, matrix
        self.stops = {stop.id: stop for stop in problem.stops}
        self._roads = {profile: _roads(matrix.of(profile)) for profile in {v.profile for v in problem.vehicles}}
        self._first_of = {stop.after: stop.id for stop in problem.stops if stop.after is not None}
        self._fetched = {stop.id: stop.met_at for stop in problem.stops if stop.met_at is not None}
        # stops that not every van can serve: the others need no look, which is half of the time of a pass
        self._choosy = {s.id for s in problem.stops if s.aboard is not None or s.skills or s.crew > 1}
        self._varies = any(s.setup_s or s.by_kind for s in problem.stops)
        self._zones = [(zone, {row: (x, y) for row, x, y in zone.places}) for zone in problem.zones]

    def route(self, vehicle: Vehicle, stop_ids: Sequence[str]) -> Route:
        timing = self.timing(vehicle, stop_ids)
        return Route(
            vehicle_id=vehicle.id,
            visits=tuple(_visit(row) for row in timing.visits),
            start_s=vehicle.ready_s,
            end_s=timing.end_s,
            distance_m=timing.distance_m,
            driving_s=timing.driving_s,
            waiting_s=timing.waiting_s,
            resting_s=timing.resting_s,
            overtime_s=timing.overtime_s,
            cost=costs(self.problem.weights, vehicle, timing).total,
            rests=timing.rests,
            broken=tuple(breach.words for breach in self.breaches(vehicle, timing)),
        )

    def cost(self, vehicle: Vehicle, stop_ids: Sequence[str]) -> int:
        return costs(self.problem.weights, vehicle, self.timing(vehicle, stop_ids)).total

    def timing(self, vehicle: Vehicle, stop_ids: Sequence[str]) -> Timing:
        """The pass itself. A van without stops stays where it is, or drives home when it is out."""
        if not vehicle.breaks:
            timing = self._pass(vehicle, stop_ids, None)
            law = vehicle.hours
            if law is None or not timing.visits:
                return timing
            driven_s = timing.driving_s
            if driven_s + vehicle.driven_s <= law.drive_s and driven_s + vehicle.drove_s <= law.day_s:
                return timing  # no break is due: nearly all routes of a city
        return self._pass(vehicle, stop_ids, Duty(vehicle))

    def _pass(self, vehicle: Vehicle, stop_ids: Sequence[str], duty: Duty | None) -> Timing:
        now, here, roads = vehicle.ready_s, vehicle.start, self._roads[vehicle.profile]
        aboard = self._aboard(vehicle, stop_ids) if duty is not None and duty.weighs else None
        visits: list[tuple[str, int, int, int, int]] = []
        distance = driving = waiting = resting = late_total = handling = tolls = 0
        for position, stop_id in enumerate(stop_ids):
            stop = self._stop(stop_id)
            leg_s, leg_m = self._leg(vehicle, roads, here, stop, now, first=not visits)
            takes_s = stop.takes_s(vehicle.kind, here == stop.location) if self._varies else stop.service_s
            arrival = now + leg_s
            start = start_of_service(stop, arrival)
            if duty is not None:
                duty.load = aboard[position] if aboard is not None else ()
                leaves = duty.before(position, now, arrival, start, start + takes_s)
                arrival = duty.drive(position, leaves, leg_s)
                resting += arrival - now - leg_s
                start = start_of_service(stop, arrival)
                duty.wait(position, leg_s, arrival, start)
            late = max(0, start - stop.deadline_s) if stop.deadline_s is not None else 0
            if roads.tolls is not None:
                tolls += roads.tolls(here, stop.location)
            now, here = start + takes_s, stop.location
            handling += takes_s
            visits.append((stop_id, arrival, start, now, late))
            distance, driving = distance + leg_m, driving + leg_s
            waiting, late_total = waiting + start - arrival, late_total + late
        if (visits or vehicle.on_road) and vehicle.end is not None:
            leg_s = vehicle.drive_s(self._slowed(roads.seconds(here, vehicle.end), here, vehicle.end, now))
            home = now + leg_s
            if duty is not None:
                duty.load = aboard[-1] if aboard is not None else ()
                home = duty.drive(len(visits), duty.before_home(len(visits), now, home), leg_s)
                resting += home - now - leg_s
            now = home
            driving += leg_s
            distance += roads.metres(here, vehicle.end)
            tolls += roads.tolls(here, vehicle.end) if roads.tolls else 0
        overtime = max(0, now - vehicle.shift_end_s) if visits or vehicle.on_road else 0
        if duty is None or not visits:
            return Timing(visits, now, distance, driving, waiting, overtime, late_total, task_s=handling, tolls=tolls)
        duty.over(now)
        return Timing(
            visits, now, distance, driving, waiting, overtime, late_total, resting, tuple(duty.rests),
            tuple(duty.missed), duty.over_s, handling, tolls,
        )  # fmt: skip

    def _aboard(self, vehicle: Vehicle, stop_ids: Sequence[str]) -> list[tuple[int, ...]]:
        """What is aboard before each stop and after the last one, a figure a dimension."""
        stops = [self._stop(stop_id) for stop_id in stop_ids]
        size = max(len(own.max_load) for own in vehicle.breaks)
        loads = [figure(vehicle.held, d) + sum(figure(s.demand, d) for s in stops if s.after is None)
                 for d in range(size)]  # fmt: skip
        found = [tuple(loads)]
        for stop in stops:
            loads = [n + figure(stop.pickup, d) - figure(stop.demand, d) for d, n in enumerate(loads)]
            found.append(tuple(loads))
        return found

    def has_no_road(self, vehicle: Vehicle, stop_ids: Sequence[str]) -> bool:
        """Is there a leg on the route that no road leads?"""
        return self.timing(vehicle, stop_ids).driving_s * vehicle.speed_percent >= NO_ROAD_S * 100

    def breaches(self, vehicle: Vehicle, timing: Timing) -> tuple[Breach, ...]:
        found: list[Breach] = []
        choosy = vehicle.on_road or vehicle.areas is not None
        for stop_id, _, start, _, _ in timing.visits:
            stop = self.stops[stop_id]
            if stop.windows and misses_window(stop, start):
                found.append(_window_breach(stop, start))
            kind = unfit(vehicle, stop) if choosy or stop_id in self._choosy else None
            if kind is not None:
                found.append(Breach(kind, stop_id, unfit_words(vehicle, stop, kind)))
        if self._fetched:
            found += self._transfer_breaches([row[0] for row in timing.visits])
        found += self._vehicle_breaches(vehicle, timing)
        return tuple(found)

    def _transfer_breaches(self, stop_ids: Sequence[str]) -> list[Breach]:
        """Goods that are fetched on the way can't be delivered before."""
        found: list[Breach] = []
        seen: set[str] = set()
        for stop_id in stop_ids:
            first = self._fetched.get(stop_id)
            if first is not None and first not in seen:
                found.append(Breach("transfer", stop_id, f"{stop_id} comes before its goods are fetched at {first}"))
            seen.add(stop_id)
        return found

    def _stop(self, stop_id: str) -> Stop:
        if stop_id not in self.stops:
            raise BadInput(f"no stop {stop_id} in this problem", "Use an open stop of the day.", field="stop")
        return self.stops[stop_id]

    def _leg(
        self, vehicle: Vehicle, roads: Roads, here: int, stop: Stop, leaves_s: int, first: bool
    ) -> tuple[int, int]:
        """Seconds and metres. The live first leg is known in seconds only, and only for the stop that it leads to."""
        live = first and vehicle.locked > 0 and self.problem.routes.get(vehicle.id, ())[:1] == (stop.id,)
        if live and vehicle.first_leg_s is not None:
            return self._slowed(vehicle.first_leg_s, here, stop.location, leaves_s), 0
        seconds = self._slowed(roads.seconds(here, stop.location), here, stop.location, leaves_s)
        return vehicle.drive_s(seconds), roads.metres(here, stop.location)

    def _slowed(self, seconds: int, here: int, there: int, leaves_s: int) -> int:
        """A leg that begins while a zone lasts and touches it takes longer, by the slowest of them."""
        if not self._zones:
            return seconds
        percents = [
            zone.percent
            for zone, places in self._zones
            if zone.lasts_at(leaves_s) and zone.is_crossed(places[here], places[there])
        ]
        return seconds * max(percents) // 100 if percents else seconds

    def _vehicle_breaches(self, vehicle: Vehicle, timing: Timing) -> list[Breach]:
        name, found = vehicle.id, []
        stop_ids = tuple(row[0] for row in timing.visits)
        locked = self.problem.routes.get(name, ())[: vehicle.locked]
        if stop_ids[: len(locked)] != locked:
            found.append(Breach("locked", name, f"{name} is on its way to {' and '.join(locked)}: that stays first"))
        stops = [self.stops[stop_id] for stop_id in stop_ids]
        for dimension, limit in enumerate(vehicle.capacity):
            load = most_aboard(vehicle, stops, dimension)
            if load > limit:
                words = f"{name} is overloaded: {load}, room for {limit} (capacity {dimension + 1})"
                found.append(Breach(f"capacity{dimension + 1}", name, words))
        found += self._pair_breaches(stop_ids)
        if vehicle.max_stops is not None and len(stop_ids) > vehicle.max_stops:
            words = f"{name} has {len(stop_ids)} stops, {vehicle.max_stops} is its limit"
            found.append(Breach("stops", name, words))
        found += [Breach(kind, name, words) for kind, words in limits.broken(vehicle, stops, timing)]
        if timing.overtime_s and stop_ids:
            words = f"{name} ends at {clock(timing.end_s)}, its shift at {clock(vehicle.shift_end_s)}"
            found.append(Breach("shift", name, words))
        if timing.over_s and vehicle.hours is not None:
            words = (
                f"{name} drives {timing.over_s // 60 + 1} min more than the {vehicle.hours.day_s // 3600} h of a day"
            )
            found.append(Breach("hours", name, words, timing.over_s))
        found += [Breach("break", name, f"{name} has its break {each} too late") for each in timing.missed[:1]]
        return found

    def _pair_breaches(self, stop_ids: tuple[str, ...]) -> list[Breach]:
        """Goods that are fetched on the way: the same van fetches them first, and brings what it has fetched."""
        if not self._first_of:
            return []
        at, found = {stop_id: position for position, stop_id in enumerate(stop_ids)}, []
        for stop_id in stop_ids:
            first, then = self.stops[stop_id].after, self._first_of.get(stop_id)
            if first is not None and at.get(first, len(at)) > at[stop_id]:
                found.append(Breach("pair", stop_id, f"{stop_id} comes before {first}, where its goods are fetched"))
            if then is not None and then not in at:
                found.append(Breach("pair", stop_id, f"{stop_id} is fetched for {then}, which is not on the route"))
        return found


def costs(weights: Weights, vehicle: Vehicle, timing: Timing) -> Costs:
    """A van that is not used costs nothing; one that is used is paid from the moment it could leave, one that is out
    until it is home, whatever is left on its list."""
    if not timing.visits and not vehicle.on_road:
        return Costs(0, 0, 0, 0, 0)
    return Costs(
        use=vehicle.fixed_cost,
        hours=per(vehicle.cost_per_hour, timing.end_s - vehicle.ready_s, 3600)
        + per(vehicle.cost_per_driving_hour, timing.driving_s, 3600)
        + per(vehicle.cost_per_task_hour, timing.task_s, 3600),
        km=per(vehicle.cost_per_km, timing.distance_m, 1000) + timing.tolls,
        overtime=per(weights.overtime_minute, timing.overtime_s, 60),
        late=per(weights.late_minute, timing.late_s, 60),
    )


def paid_later(problem: Problem, stop: Stop) -> int:
    """What the time at a door costs that is not served now: put off, it is paid all the same, at the least that an hour
    of any van costs. Without it the longest jobs would be the cheapest to put off."""
    an_hour = min((vehicle.cost_per_hour for vehicle in problem.vehicles), default=0)
    return per(an_hour, stop.service_s, 3600)


def _window_breach(stop: Stop, start_s: int) -> Breach:
    closed = clock(stop.windows[-1][1])
    return Breach("window", stop.id, f"{stop.id} misses its window: served at {clock(start_s)}, closed at {closed}")


def unfit_words(vehicle: Vehicle, stop: Stop, kind: str) -> str:
    """Why this vehicle can't serve the stop, as a dispatcher reads it."""
    if kind == "skills":
        return f"{stop.id} needs {', '.join(sorted(set(stop.skills) - set(vehicle.skills)))}: {vehicle.id} lacks it"
    if kind == "crew":
        return f"{stop.id} takes {stop.crew} persons, {vehicle.id} has {vehicle.crew}"
    if kind == "area":
        return f"{stop.id} lies outside the areas of {vehicle.id}"
    where = f"aboard {stop.aboard}" if stop.aboard else f"at the depot, which {vehicle.id} has left"
    return f"{stop.id} is {where}: {vehicle.id} can't deliver it"


def most_aboard(vehicle: Vehicle, stops: Sequence[Stop], dimension: int) -> int:
    """The largest load of a route in one dimension: what the depot loads, less what is handed over, plus what is
    fetched on the way."""
    load, fetches = figure(vehicle.held, dimension), False
    for stop in stops:
        if stop.after is None and dimension < len(stop.demand):
            load += stop.demand[dimension]
        fetches = fetches or bool(stop.pickup)
    most = load
    for stop in stops if fetches else ():
        load += figure(stop.pickup, dimension) - figure(stop.demand, dimension)
        most = max(most, load)
    return most


def figure(amounts: tuple[int, ...], dimension: int) -> int:
    """One dimension of an amount; what is left out is 0."""
    return amounts[dimension] if dimension < len(amounts) else 0


def _visit(row: tuple[str, int, int, int, int]) -> Visit:
    # the numbers were made here: validating each again would double the time of the pass
    stop_id, arrival, start, departure, late = row
    return Visit.model_construct(stop_id=stop_id, arrival_s=arrival, start_s=start, departure_s=departure, late_s=late)


def _roads(matrix: Matrix) -> Roads:
    tolls = None if matrix.tolls is None else matrix.tolls.item
    return Roads(matrix.durations_s.item, matrix.distances_m.item, tolls)


def _same_ground(problem: Problem, matrix: Matrix) -> None:
    if problem.matrix != matrix.hash:
        raise BadInput(
            f"the problem was built on travel times {problem.matrix[:12]}, these are {matrix.hash[:12]}",
            "Load the matrix that the problem names.",
            field="matrix",
        )
    rows = [s.location for s in problem.stops]
    rows += [row for v in problem.vehicles for row in (v.start, v.end) if row is not None]
    if rows and max(rows) >= matrix.size:
        raise BadInput(
            f"row {max(rows)} is not in the matrix of {matrix.size} places",
            "Make the matrix for all places.",
            field="location",
        )
