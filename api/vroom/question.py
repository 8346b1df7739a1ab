"""VROOM's input as the engine's problem: places to rows, VROOM's costs to cents."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import ceil, gcd, lcm
from typing import NamedTuple

from api.vroom.given import HOUR, Amounts, Coordinates, End, Input, Job, Vehicle
from core.errors import BadInput
from optimizer import travel
from optimizer.ortools_engine import LARGEST_CENTS
from optimizer.problem import Break, Problem, Stop
from optimizer.problem import Vehicle as Van


class Task(NamedTuple):
    """One stop of the input: a job, or one end of a shipment."""

    type: str
    """job, pickup or delivery"""
    said: Job | End
    delivery: Amounts
    pickup: Amounts
    skills: frozenset[int]
    priority: int
    field: str
    """where it stands in the input"""
    after: str | None = None

    @property
    def name(self) -> str:
        """As the engine knows it."""
        return f"{self.type}:{self.said.id}"


def tasks_of(given: Input) -> dict[str, Task]:
    found = [
        Task("job", job, job.delivery, job.pickup, job.skills, job.priority, f"jobs[{at}]")
        for at, job in enumerate(given.jobs)
    ]
    for at, each in enumerate(given.shipments):
        shared, first = (each.skills, each.priority), f"shipments[{at}]"
        found.append(Task("pickup", each.pickup, (), each.amount, *shared, f"{first}.pickup"))
        after = found[-1].name
        found.append(Task("delivery", each.delivery, each.amount, (), *shared, f"{first}.delivery", after))
    return {task.name: task for task in found}


class Question:
    """The input as the engine's problem, and the way back.

    VROOM prices travel time, not waiting or service: so what the engine takes for metres are the seconds of travel.
    The matrix has a row more than places: nowhere, 0 s from everywhere, where a route without a start begins.
    """

    def __init__(self, given: Input) -> None:
        self.given = given
        profiles = {vehicle.profile for vehicle in given.vehicles}
        self.profile = given.vehicles[0].profile
        if len(profiles) > 1:
            raise BadInput("This is not served.", "Vehicles of several profiles come later.", field="vehicles.profile")
        self.tables = given.matrices.get(self.profile)
        if self.tables is None and (given.matrices or self.profile != "car"):
            fix = "Give its matrix, or leave matrices out and use car."
            raise BadInput(f"There are no travel times for {self.profile!r}.", fix, field=f"matrices.{self.profile}")
        self.tasks = tasks_of(given)
        self.vans = {str(vehicle.id): vehicle for vehicle in given.vehicles}

    @cached_property
    def points(self) -> dict[Coordinates, int]:
        """Places without a matrix, and the row of each."""
        places = [task.said.location for task in self.tasks.values()]
        places += [place for vehicle in self.given.vehicles for place in (vehicle.start, vehicle.end)]
        return {place: row for row, place in enumerate(dict.fromkeys(p for p in places if p is not None))}

    @cached_property
    def seconds(self) -> list[list[int]]:
        found: list[list[int]] = self.tables.durations if self.tables else self._estimated.durations_s.tolist()
        return found

    @cached_property
    def matrix(self) -> travel.Matrix:
        return self._wide(self.seconds, "durations")

    @cached_property
    def metres(self) -> travel.Matrix | None:
        """Distances, where they are known: they are told, and decide nothing."""
        if self.tables is None:
            return self._wide(self._estimated.distances_m.tolist(), "distances")
        return None if self.tables.distances is None else self._wide(self.tables.distances, "distances")

    @cached_property
    def _estimated(self) -> travel.Matrix:
        return travel.great_circle([(lat, lon) for lon, lat in self.points])

    def _wide(self, rows: list[list[int]], name: str) -> travel.Matrix:
        """The table with the row and column of nowhere."""
        wide = [[*row, 0] for row in rows]
        wide.append([0] * (len(rows) + 1))
        try:
            return travel.table(wide, [(0.0, 0.0)] * (len(self.seconds) + 1), wide)
        except BadInput as error:
            raise BadInput(error.what, error.fix, field=f"matrices.{self.profile}.{name}") from None

    def row(self, location: Coordinates | None, index: int | None, field: str) -> int | None:
        if self.tables is None:
            return None if location is None else self.points[location]
        if index is not None and index >= len(self.seconds):
            fix = f"Rows count from 0 to {len(self.seconds) - 1}."
            raise BadInput(f"There is no row {index}.", fix, field=f"{field}_index")
        return index

    @cached_property
    def problem(self) -> Problem:
        stops = tuple(self._stop(task) for task in self.tasks.values())
        vans = tuple(self._van(at, vehicle) for at, vehicle in enumerate(self.given.vehicles))
        return Problem(matrix=self.matrix.hash, stops=stops, vehicles=vans)

    def _stop(self, task: Task) -> Stop:
        said = task.said
        row = self.row(said.location, said.location_index, f"{task.field}.location")
        if row is None:
            which = "location_index" if self.tables else "location"
            raise BadInput("A job needs its place.", f"Give {which}.", field=f"{task.field}.{which}")
        return Stop(
            id=task.name, location=row, service_s=said.service,
            windows=_in_order(said.time_windows, f"{task.field}.time_windows"), demand=task.delivery,
            pickup=task.pickup, after=task.after, skills=_words(task.skills), drop_penalty=self._penalty(task),
        )  # fmt: skip

    def _van(self, at: int, vehicle: Vehicle) -> Van:
        start = self.row(vehicle.start, vehicle.start_index, f"vehicles[{at}].start")
        end = self.row(vehicle.end, vehicle.end_index, f"vehicles[{at}].end")
        if start is None and end is None:
            raise BadInput("A vehicle needs a start or an end.", "Give one of them.", field=f"vehicles[{at}].start")
        ready, shift_end = vehicle.time_window or (0, self._horizon)
        percent = round(100 * vehicle.speed_factor)
        a_km = vehicle.costs.per_hour * self._unit * 5 // 18
        return Van(
            id=str(vehicle.id), start=len(self.seconds) if start is None else start, end=end, ready_s=ready,
            shift_end_s=shift_end, capacity=vehicle.capacity, max_stops=vehicle.max_tasks,
            fixed_cost=vehicle.costs.fixed * self._unit, cost_per_km=(200 * a_km + percent) // (2 * percent),
            skills=_words(vehicle.skills), speed_percent=percent, breaks=self._breaks(at, vehicle),
        )  # fmt: skip

    def _breaks(self, at: int, vehicle: Vehicle) -> tuple[Break, ...]:
        """In the order in which they are due; one without windows may be taken at any time."""
        found = []
        for number, each in enumerate(vehicle.breaks):
            windows = _in_order(each.time_windows, f"vehicles[{at}].breaks[{number}].time_windows")
            whole = vehicle.time_window or (0, self._horizon)
            found.append(Break(id=str(each.id), duration_s=each.service, windows=windows or (whole,)))
        return tuple(sorted(found, key=lambda own: own.windows[0]))

    @cached_property
    def _horizon(self) -> int:
        """No route ends later, whatever its order."""
        said, vehicles = [task.said for task in self.tasks.values()], self.given.vehicles
        rests = [each for vehicle in vehicles for each in vehicle.breaks]
        last = [vehicle.time_window[0] for vehicle in vehicles if vehicle.time_window]
        last += [closes for each in (*said, *rests) for _, closes in each.time_windows]
        slowest = min(vehicle.speed_factor for vehicle in vehicles)
        driving = ceil((len(said) + 1) * self._longest / slowest)
        return max(last, default=0) + sum(each.service for each in (*said, *rests)) + driving

    @cached_property
    def _longest(self) -> int:
        return max(map(max, self.seconds))

    @cached_property
    def _unit(self) -> int:
        """The engine's cents for one of VROOM's cost units: a rate an hour becomes a whole number a 1000 seconds."""
        return lcm(*(18 // gcd(18, vehicle.costs.per_hour) for vehicle in self.given.vehicles))

    def _penalty(self, task: Task) -> int:
        """As many jobs as possible, those of high priority first, whatever the routes then cost."""
        n, vehicles = len(self.tasks), self.given.vehicles
        rate = ceil(max(v.costs.per_hour / v.speed_factor for v in vehicles)) * self._unit
        dearest = (n + len(vehicles)) * self._longest * rate // HOUR + sum(v.costs.fixed for v in vehicles) * self._unit
        base = min(dearest + 1, LARGEST_CENTS // 101)
        step = min(n + 1, (LARGEST_CENTS // base - 1) // 100)
        return base * (1 + step * task.priority)


def _in_order(windows: tuple[tuple[int, int], ...], field: str) -> tuple[tuple[int, int], ...]:
    edges = [edge for window in windows for edge in window]
    if edges != sorted(edges):
        raise BadInput("The windows overlap or are not in order.", "Give them earliest first.", field=field)
    return windows


def _words(skills: frozenset[int]) -> tuple[str, ...]:
    return tuple(str(each) for each in sorted(skills))


def total(size: int, amounts: Sequence[Sequence[int]]) -> list[int]:
    """Figure by figure; an amount that is left out is 0."""
    return [sum(amount[d] for amount in amounts if amount) for d in range(size)]
