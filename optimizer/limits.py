"""A vehicle's own limits on a route: driving, distance, and how long it is out; which refinements a problem uses.

How long a route takes counts from leaving to its end, when the van leaves as late as it can without ending later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from optimizer.problem import Problem, Stop, Vehicle


def refinements(problem: Problem) -> tuple[str, ...]:
    """What the problem has beyond hours, kilometres, windows and capacities, in words: an engine that searches without
    one of these may find plans that the exact pass then breaks up."""
    vans, stops = problem.vehicles, problem.stops
    has = {
        "set-up times": any(stop.setup_s for stop in stops),
        "times by kind of vehicle": any(stop.by_kind for stop in stops),
        "profiles": any(van.profile for van in vans),
        "prices of driving or of work": any(van.cost_per_driving_hour or van.cost_per_task_hour for van in vans),
        "limits on driving, distance or length": any(
            (van.max_driving_s, van.max_distance_m, van.max_route_s) != (None, None, None) for van in vans
        ),
        "breaks for light vans": any(own.max_load for van in vans for own in van.breaks),
    }
    return tuple(words for words, there in has.items() if there)


class Timed(Protocol):
    """What is asked of `schedule.Timing`."""

    @property
    def visits(self) -> list[tuple[str, int, int, int, int]]: ...
    @property
    def end_s(self) -> int: ...
    @property
    def driving_s(self) -> int: ...
    @property
    def distance_m(self) -> int: ...


def broken(vehicle: Vehicle, stops: Sequence[Stop], timing: Timed) -> Iterator[tuple[str, str]]:
    """(kind, words) of each limit that a route with stops breaks."""
    name = vehicle.id
    if not stops:
        return
    if vehicle.max_driving_s is not None and timing.driving_s > vehicle.max_driving_s:
        yield "driving", f"{name} drives {timing.driving_s} s, {vehicle.max_driving_s} s is its limit"
    if vehicle.max_distance_m is not None and timing.distance_m > vehicle.max_distance_m:
        yield "distance", f"{name} drives {timing.distance_m} m, {vehicle.max_distance_m} m is its limit"
    if vehicle.max_route_s is not None:
        took_s = shortest_s(vehicle, stops, timing)
        if took_s > vehicle.max_route_s:
            yield "duration", f"{name} is out for {took_s} s, {vehicle.max_route_s} s is its limit"


def shortest_s(vehicle: Vehicle, stops: Sequence[Stop], timing: Timed) -> int:
    """What a route that leaves when the van is ready waits at its doors is waited before leaving instead, as far as the
    windows on the way allow."""
    rows = timing.visits
    leaves = [vehicle.ready_s, *(row[3] for row in rows)]
    latest = rows[-1][2]
    for at in range(len(rows) - 1, -1, -1):
        latest = _within(stops[at], latest) - (rows[at][1] - leaves[at])
        if at:
            latest -= rows[at - 1][3] - rows[at - 1][2]
    return timing.end_s - latest


def _within(stop: Stop, at_s: int) -> int:
    """The latest start of service up to this second."""
    return max((min(at_s, closes) for opens, closes in stop.windows if opens <= at_s), default=at_s)
