"""VROOM's input as the engine's problem: places to rows, VROOM's costs to cents."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import ceil
from typing import NamedTuple

import numpy as np

from api.vroom.given import HOUR, Amounts, Coordinates, Door, Input, Vehicle
from api.vroom.tables import Tables
from core.errors import BadInput
from optimizer import travel
from optimizer.ortools_engine import LARGEST_CENTS
from optimizer.problem import Break, Problem, Stop
from optimizer.problem import Vehicle as Van
from optimizer.schedule import Schedule

FINE = 100
"""cents for one of VROOM's cost units where a rate does not come to whole units a second and metre"""


class Task(NamedTuple):
    """One stop of the input: a job, or one end of a shipment."""

    type: str
    """job, pickup or delivery"""
    said: Door
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
        Task("job", job, job.delivery or job.amount, job.pickup, job.skills, job.priority, f"jobs[{at}]")
        for at, job in enumerate(given.jobs)
    ]
    for at, each in enumerate(given.shipments):
        shared, first = (each.skills, each.priority), f"shipments[{at}]"
        found.append(Task("pickup", each.pickup, (), each.amount, *shared, f"{first}.pickup"))
        after = found[-1].name
        found.append(Task("delivery", each.delivery, each.amount, (), *shared, f"{first}.delivery", after))
    return {task.name: task for task in found}


class Question:
    """The input as the engine's problem, and the way back. Its matrix has a row more than places: see `Tables`."""

    def __init__(self, given: Input) -> None:
        self.given = given
        self.tasks = tasks_of(given)
        self.vans = {str(vehicle.id): vehicle for vehicle in given.vehicles}
        for profile in sorted({vehicle.profile for vehicle in given.vehicles}):
            if profile not in given.matrices and (given.matrices or profile != "car"):
                fix = "Give its matrix, or leave matrices out and use car."
                raise BadInput(f"There are no travel times for {profile!r}.", fix, field=f"matrices.{profile}")

    @cached_property
    def points(self) -> dict[Coordinates, int]:
        """Places without a matrix, and the row of each."""
        places = [task.said.location for task in self.tasks.values()]
        places += [place for vehicle in self.given.vehicles for place in (vehicle.start, vehicle.end)]
        return {place: row for row, place in enumerate(dict.fromkeys(p for p in places if p is not None))}

    @cached_property
    def tables(self) -> dict[str, Tables]:
        if self.given.matrices:
            return self.given.matrices
        estimated = travel.great_circle([(lat, lon) for lon, lat in self.points])
        seconds, metres = (np.pad(each, (0, 1)) for each in (estimated.durations_s, estimated.distances_m))
        return {"car": Tables(seconds, metres, None)}

    @property
    def knows_distances(self) -> bool:
        return all(self.tables[vehicle.profile].distances is not None for vehicle in self.given.vehicles)

    @property
    def nowhere(self) -> int:
        return next(iter(self.tables.values())).places

    @cached_property
    def matrix(self) -> travel.Matrix:
        """The first vehicle's profile; the others' are its profiles."""
        made = {name: self._one(self.tables[name]) for name in dict.fromkeys(v.profile for v in self.given.vehicles)}
        first = made.pop(self.given.vehicles[0].profile)
        if not made:
            return first
        return travel.Matrix(first.durations_s, first.distances_m, "table", tolls=first.tolls, profiles=made)

    def _one(self, tables: Tables) -> travel.Matrix:
        metres = tables.durations if tables.distances is None else tables.distances
        tolls = None
        if tables.costs is not None:
            if int(tables.costs.max()) * self._unit > travel.INT32_MAX:
                what = f"A leg that costs {int(tables.costs.max())} is too dear to count."
                raise BadInput(what, f"Use at most {travel.INT32_MAX // self._unit}.", field="matrices.costs")
            tolls = tables.costs * np.int32(self._unit) if self._unit > 1 else tables.costs
        return travel.Matrix(tables.durations, metres, "table", tolls=tolls)

    def row(self, location: Coordinates | None, index: int | None, field: str) -> int | None:
        if not self.given.matrices:
            return None if location is None else self.points[location]
        if index is not None and index >= self.nowhere:
            fix = f"Rows count from 0 to {self.nowhere - 1}."
            raise BadInput(f"There is no row {index}.", fix, field=f"{field}_index")
        return index

    def row_of(self, task: Task) -> int:
        row = self.row(task.said.location, task.said.location_index, f"{task.field}.location")
        if row is None:
            which = "location_index" if self.given.matrices else "location"
            raise BadInput("A job needs its place.", f"Give {which}.", field=f"{task.field}.{which}")
        return row

    def ends_of(self, at: int, vehicle: Vehicle) -> tuple[int | None, int | None]:
        start = self.row(vehicle.start, vehicle.start_index, f"vehicles[{at}].start")
        end = self.row(vehicle.end, vehicle.end_index, f"vehicles[{at}].end")
        if start is None and end is None:
            raise BadInput("A vehicle needs a start or an end.", "Give one of them.", field=f"vehicles[{at}].start")
        return start, end

    @cached_property
    def problem(self) -> Problem:
        """Raises BadInput where the input does not fit together, or a route of `steps` breaks something."""
        stops = tuple(self._stop(task) for task in self.tasks.values())
        vans = tuple(self._van(at, vehicle) for at, vehicle in enumerate(self.given.vehicles))
        routes = {van.id: stop_ids for van, stop_ids in zip(vans, self.routed, strict=True) if stop_ids}
        made = Problem(matrix=self.matrix.hash, stops=stops, vehicles=vans, routes=routes)
        schedule = Schedule(made, self.matrix)
        for at, van in enumerate(vans):
            broken = schedule.breaches(van, schedule.timing(van, routes.get(van.id, ())))
            if broken:
                fix = "Correct the steps, leave them out, or ask for their times alone (-c)."
                raise BadInput(f"{broken[0].words}.", fix, field=f"vehicles[{at}].steps")
        return made

    @cached_property
    def routed(self) -> list[tuple[str, ...]]:
        """The tasks of each vehicle's `steps`, by the engine's names."""
        found: list[tuple[str, ...]] = []
        seen: set[str] = set()
        for at, vehicle in enumerate(self.given.vehicles):
            names = []
            for number, step in enumerate(vehicle.steps):
                name, field = f"{step.type}:{step.id}", f"vehicles[{at}].steps[{number}].id"
                if step.type not in ("job", "pickup", "delivery"):
                    continue
                if name not in self.tasks:
                    raise BadInput(f"There is no {step.type} {step.id}.", "Use one of the input.", field=field)
                if name in seen:
                    raise BadInput(f"The {step.type} {step.id} has two places.", "Give it one.", field=field)
                seen.add(name)
                names.append(name)
            found.append(tuple(names))
        return found

    def _stop(self, task: Task) -> Stop:
        said = task.said
        kinds = sorted(said.setup_per_type.keys() | said.service_per_type.keys())
        return Stop(
            id=task.name, location=self.row_of(task), service_s=said.service, setup_s=said.setup,
            by_kind={kind: said.takes_s(kind) for kind in kinds},
            windows=self._since(in_order(said.time_windows, f"{task.field}.time_windows")), demand=task.delivery,
            pickup=task.pickup, after=task.after, skills=_words(task.skills), drop_penalty=self._penalty(task),
        )  # fmt: skip

    def _van(self, at: int, vehicle: Vehicle) -> Van:
        start, end = self.ends_of(at, vehicle)
        [(ready, shift_end)] = self._since((vehicle.time_window or (self._t0, self._horizon),))
        costs, first = vehicle.costs, self.given.vehicles[0]
        by_hour = self.tables[vehicle.profile].costs is None
        return Van(
            id=str(vehicle.id), start=self.nowhere if start is None else start, end=end, ready_s=ready,
            shift_end_s=shift_end, capacity=vehicle.capacity, max_stops=vehicle.max_tasks,
            fixed_cost=costs.fixed * self._unit, cost_per_km=costs.per_km * self._unit,
            cost_per_driving_hour=costs.per_hour * self._unit if by_hour else 0,
            cost_per_task_hour=costs.per_task_hour * self._unit, kind=vehicle.type,
            profile="" if vehicle.profile == first.profile else vehicle.profile,
            max_driving_s=vehicle.max_travel_time, max_distance_m=vehicle.max_distance,
            skills=_words(vehicle.skills), speed_percent=round(100 * vehicle.speed_factor),
            breaks=self._breaks(at, vehicle),
        )  # fmt: skip

    def _breaks(self, at: int, vehicle: Vehicle) -> tuple[Break, ...]:
        """In the order in which they are due; one without windows may be taken at any time."""
        found = []
        for number, each in enumerate(vehicle.breaks):
            windows = in_order(each.time_windows, f"vehicles[{at}].breaks[{number}].time_windows")
            whole = vehicle.time_window or (self._t0, self._horizon)
            found.append(
                Break(
                    id=str(each.id),
                    duration_s=each.service,
                    windows=self._since(windows or (whole,)),
                    max_load=each.max_load or (),
                )
            )
        return tuple(sorted(found, key=lambda own: own.windows[0]))

    @cached_property
    def _t0(self) -> int:
        """The engine's second 0, so that timestamps are no larger to it than a day: early enough to be anywhere when
        the first window opens."""
        opens = [opens for opens, _ in self._windows]
        opens += [vehicle.time_window[0] for vehicle in self.given.vehicles if vehicle.time_window]
        return max(0, min(opens, default=0) - ceil(self._longest_s / min(v.speed_factor for v in self.given.vehicles)))

    def _since(self, windows: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        return tuple((opens - self._t0, closes - self._t0) for opens, closes in windows)

    @cached_property
    def _windows(self) -> list[tuple[int, int]]:
        """Of tasks and breaks."""
        found = [window for task in self.tasks.values() for window in task.said.time_windows]
        return found + [window for v in self.given.vehicles for own in v.breaks for window in own.time_windows]

    @cached_property
    def _horizon(self) -> int:
        """No route ends later, whatever its order."""
        said, vehicles = [task.said for task in self.tasks.values()], self.given.vehicles
        rests = [each for vehicle in vehicles for each in vehicle.breaks]
        last = [vehicle.time_window[0] for vehicle in vehicles if vehicle.time_window]
        last += [closes for _, closes in self._windows]
        slowest = min(vehicle.speed_factor for vehicle in vehicles)
        driving = ceil((len(said) + 1) * self._longest_s / slowest)
        busy = sum(each.service for each in rests)
        busy += sum(
            max([each.setup, *each.setup_per_type.values()]) + max([each.service, *each.service_per_type.values()])
            for each in said
        )
        return max(last, default=self._t0) + busy + driving

    @cached_property
    def _longest_s(self) -> int:
        return max(int(each.durations.max()) for each in self.tables.values())

    @cached_property
    def _unit(self) -> int:
        """The engine's cents for one of VROOM's cost units."""
        rates = [(v.costs.per_hour, v.costs.per_task_hour, v.costs.per_km) for v in self.given.vehicles]
        whole = all(hour % HOUR == 0 and task % HOUR == 0 and km % 1000 == 0 for hour, task, km in rates)
        return 1 if whole else FINE

    @cached_property
    def _dearest(self) -> int:
        """Cents: more than any plan costs."""
        legs, tasks = len(self.tasks) + len(self.given.vehicles), max(1, len(self.tasks))
        most = 0
        for vehicle in self.given.vehicles:
            tables, costs = self.tables[vehicle.profile], vehicle.costs
            leg = ceil(self._longest_s / vehicle.speed_factor) * costs.per_hour // HOUR + 1
            leg += int(tables.distances.max()) * costs.per_km // 1000 if tables.distances is not None else 0
            leg = int(tables.costs.max()) if tables.costs is not None else leg
            longest = max((sum(task.said.takes_s(vehicle.type)) for task in self.tasks.values()), default=0)
            most = max(most, legs * leg + tasks * longest * costs.per_task_hour // HOUR)
        return (most + sum(vehicle.costs.fixed for vehicle in self.given.vehicles)) * self._unit

    def _penalty(self, task: Task) -> int:
        """As many jobs as possible, those of high priority first, whatever the routes then cost."""
        base = min(self._dearest + 1, LARGEST_CENTS // 101)
        step = min(len(self.tasks) + 1, (LARGEST_CENTS // base - 1) // 100)
        return base * (1 + step * task.priority)


def in_order(windows: tuple[tuple[int, int], ...], field: str) -> tuple[tuple[int, int], ...]:
    edges = [edge for window in windows for edge in window]
    if edges != sorted(edges):
        raise BadInput("The windows overlap or are not in order.", "Give them earliest first.", field=field)
    return windows


def _words(skills: frozenset[int]) -> tuple[str, ...]:
    return tuple(str(each) for each in sorted(skills))


def total(size: int, amounts: Sequence[Sequence[int]]) -> list[int]:
    """Figure by figure; an amount that is left out is 0."""
    return [sum(amount[d] for amount in amounts if amount) for d in range(size)]
