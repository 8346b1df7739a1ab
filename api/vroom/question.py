"""VROOM's input as the engine's problem: places to rows, VROOM's costs to cents."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import gcd, lcm

from api.vroom.given import HOUR, Coordinates, Input, Job, Vehicle
from core.errors import BadInput
from optimizer import travel
from optimizer.ortools_engine import LARGEST_CENTS
from optimizer.problem import Problem, Stop
from optimizer.problem import Vehicle as Van

NOBODY = "nobody"
"""carries the jobs that need a skill no vehicle has: they come back unassigned"""


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
        self.jobs = {str(job.id): job for job in given.jobs}
        self.vans = {str(vehicle.id): vehicle for vehicle in given.vehicles}

    @cached_property
    def points(self) -> dict[Coordinates, int]:
        """Places without a matrix, and the row of each."""
        places = [job.location for job in self.given.jobs]
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
        stops = tuple(self._stop(at, job) for at, job in enumerate(self.given.jobs))
        vans = tuple(self._van(at, vehicle) for at, vehicle in enumerate(self.given.vehicles))
        return Problem(matrix=self.matrix.hash, stops=stops, vehicles=vans)

    def _stop(self, at: int, job: Job) -> Stop:
        row = self.row(job.location, job.location_index, f"jobs[{at}].location")
        if row is None:
            which = "location_index" if self.tables else "location"
            raise BadInput("A job needs its place.", f"Give {which}.", field=f"jobs[{at}].{which}")
        edges = [edge for window in job.time_windows for edge in window]
        if edges != sorted(edges):
            fix = "Give them earliest first."
            raise BadInput("The windows overlap or are not in order.", fix, field=f"jobs[{at}].time_windows")
        return Stop(
            id=str(job.id), location=row, service_s=job.service, windows=job.time_windows,
            demand=tuple(total(len(self.given.vehicles[0].capacity), [job.delivery, job.pickup])),
            drop_penalty=self._penalty(job), aboard=self._only_van(at, job),
        )  # fmt: skip

    def _only_van(self, at: int, job: Job) -> str | None:
        able = [vehicle for vehicle in self.given.vehicles if job.skills <= vehicle.skills]
        if 1 < len(able) < len(self.given.vehicles):
            what = "Skills that some vehicles have and others lack are not served."
            raise BadInput(what, "They come later; one, all or no vehicle may have them.", field=f"jobs[{at}].skills")
        if not able:
            return NOBODY
        return str(able[0].id) if len(able) < len(self.given.vehicles) else None

    def _van(self, at: int, vehicle: Vehicle) -> Van:
        start = self.row(vehicle.start, vehicle.start_index, f"vehicles[{at}].start")
        end = self.row(vehicle.end, vehicle.end_index, f"vehicles[{at}].end")
        if start is None and end is None:
            raise BadInput("A vehicle needs a start or an end.", "Give one of them.", field=f"vehicles[{at}].start")
        ready, shift_end = vehicle.time_window or (0, self._horizon)
        return Van(
            id=str(vehicle.id), start=len(self.seconds) if start is None else start, end=end, ready_s=ready,
            shift_end_s=shift_end, capacity=vehicle.capacity, max_stops=vehicle.max_tasks,
            fixed_cost=vehicle.costs.fixed * self._unit, cost_per_km=vehicle.costs.per_hour * self._unit * 5 // 18,
        )  # fmt: skip

    @cached_property
    def _horizon(self) -> int:
        """No route ends later, whatever its order."""
        jobs = self.given.jobs
        last = [vehicle.time_window[0] for vehicle in self.given.vehicles if vehicle.time_window]
        last += [closes for job in jobs for _, closes in job.time_windows]
        return max(last, default=0) + sum(job.service for job in jobs) + (len(jobs) + 1) * self._longest

    @cached_property
    def _longest(self) -> int:
        return max(map(max, self.seconds))

    @cached_property
    def _unit(self) -> int:
        """The engine's cents for one of VROOM's cost units: a rate an hour becomes a whole number a 1000 seconds."""
        return lcm(*(18 // gcd(18, vehicle.costs.per_hour) for vehicle in self.given.vehicles))

    def _penalty(self, job: Job) -> int:
        """As many jobs as possible, those of high priority first, whatever the routes then cost."""
        n, vehicles = len(self.given.jobs), self.given.vehicles
        rate = max(v.costs.per_hour for v in vehicles) * self._unit
        dearest = (n + len(vehicles)) * self._longest * rate // HOUR + sum(v.costs.fixed for v in vehicles) * self._unit
        base = min(dearest + 1, LARGEST_CENTS // 101)
        step = min(n + 1, (LARGEST_CENTS // base - 1) // 100)
        return base * (1 + step * job.priority)


def total(size: int, amounts: Sequence[Sequence[int]]) -> list[int]:
    """Figure by figure; an amount that is left out is 0."""
    return [sum(amount[d] for amount in amounts if amount) for d in range(size)]
