"""Small problems to test with: stops along one straight road, and random ones for properties."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from optimizer.checker import Violation, check
from optimizer.problem import Break, Hours, Plan, Problem, Stop, Unassigned, Vehicle, Weights
from optimizer.schedule import Schedule
from optimizer.travel import Matrix

MINUTE = 60
HOUR = 3600
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""for properties: a random day is large, and a busy machine is not a failure"""


def road(places: int, minutes: int = 10, metres: int = 5000) -> Matrix:
    """Places 0, 1, 2 ... along a road, the depot first; from one to the next it takes so many minutes."""
    steps = np.abs(np.subtract.outer(np.arange(places), np.arange(places)))
    return Matrix(steps * minutes * MINUTE, steps * metres, "test:road")


def stop(
    place: int,
    *,
    name: str = "",
    service_min: int = 5,
    windows: tuple[tuple[int, int], ...] = (),
    due_s: int | None = None,
    demand: tuple[int, ...] = (1,),
    drop_penalty: int = 100_000,
    aboard: str | None = None,
    free: bool = False,
) -> Stop:
    return Stop(
        id=name or f"s{place}", location=place, service_s=service_min * MINUTE, windows=windows, due_s=due_s,
        demand=demand, drop_penalty=drop_penalty, aboard=aboard, free=free,
    )  # fmt: skip


def van(
    name: str = "v1",
    *,
    start: int = 0,
    end: int | None = 0,
    ready_s: int = 8 * HOUR,
    shift_end_s: int = 18 * HOUR,
    capacity: tuple[int, ...] = (100,),
    fixed_cost: int = 1000,
    max_stops: int | None = None,
    locked: int = 0,
    first_leg_s: int | None = None,
    on_road: bool = False,
) -> Vehicle:
    return Vehicle(
        id=name, start=start, end=end, ready_s=ready_s, shift_end_s=shift_end_s, capacity=capacity,
        fixed_cost=fixed_cost, cost_per_hour=3600, cost_per_km=100, max_stops=max_stops, locked=locked,
        first_leg_s=first_leg_s, on_road=on_road,
    )  # fmt: skip


def problem(
    matrix: Matrix,
    stops: Sequence[Stop],
    vehicles: Sequence[Vehicle] = (),
    routes: dict[str, tuple[str, ...]] | None = None,
    now_s: int = 8 * HOUR,
) -> Problem:
    fleet = tuple(vehicles) or (van(),)
    return Problem(matrix=matrix.hash, stops=tuple(stops), vehicles=fleet, routes=routes or {}, now_s=now_s)


def as_plan(problem: Problem, matrix: Matrix) -> Plan:
    """The present routes of a problem as a plan; what is on none counts as postponed."""
    schedule = Schedule(problem, matrix)
    routes = tuple(schedule.route(v, problem.routes.get(v.id, ())) for v in problem.vehicles)
    left_out = [s for s in problem.stops if problem.place_of(s.id) is None]
    return Plan(
        routes=routes,
        unassigned=tuple(Unassigned(stop_id=s.id, reason="postponed", detail="") for s in left_out),
        cost=sum(r.cost for r in routes) + sum(s.drop_penalty for s in left_out),
        engine="test", iterations=0, stopped_by="iterations",
    )  # fmt: skip


def violations(problem: Problem, matrix: Matrix) -> set[tuple[str, str]]:
    found: tuple[Violation, ...] = check(problem, matrix, as_plan(problem, matrix))
    return {(v.kind, v.subject) for v in found}


@st.composite
def matrices(draw: st.DrawFn, places: int) -> Matrix:
    """Any legs, longer one way than the other, with no regard for the triangle inequality."""
    legs = st.lists(st.integers(0, 2 * HOUR), min_size=places * places, max_size=places * places)
    seconds = np.array(draw(legs)).reshape(places, places)
    np.fill_diagonal(seconds, 0)
    return Matrix(seconds, seconds * 7, "test:random")


@st.composite
def stops(draw: st.DrawFn, number: int, vans: list[str]) -> Stop:
    edges = sorted(draw(st.lists(st.integers(6 * HOUR, 20 * HOUR), min_size=4, max_size=4, unique=True)))
    windows = draw(st.sampled_from([(), ((edges[0], edges[3]),), ((edges[0], edges[1]), (edges[2], edges[3]))]))
    return Stop(
        id=f"s{number}",
        location=number,
        service_s=draw(st.integers(0, HOUR)),
        setup_s=draw(st.sampled_from([0, 0, 300])),
        by_kind=draw(st.sampled_from([{}, {}, {"big": (60, 900)}])),
        windows=windows,
        due_s=draw(st.none() | st.integers(8 * HOUR, 18 * HOUR)),
        demand=(draw(st.integers(0, 40)), draw(st.integers(0, 40))),
        drop_penalty=draw(st.sampled_from([0, 500, 100_000])),
        pickup=(draw(st.integers(0, 40)),) if draw(st.booleans()) else (),
        skills=draw(st.sampled_from([(), (), ("lift",), ("cold", "lift")])),
        crew=draw(st.sampled_from([1, 1, 1, 2])),
        areas=draw(st.sampled_from([(), ("north",), ("north", "south")])),
        free=draw(st.booleans()),
        aboard=draw(st.none() | st.none() | st.sampled_from(vans)),
    )


@st.composite
def vans(draw: st.DrawFn, name: str) -> Vehicle:
    ready = draw(st.integers(6 * HOUR, 10 * HOUR))
    return Vehicle(
        id=name,
        start=0,
        end=draw(st.sampled_from([0, None])),
        ready_s=ready,
        shift_end_s=ready + draw(st.integers(HOUR, 10 * HOUR)),
        capacity=(draw(st.integers(10, 100)), 80)[: draw(st.integers(0, 2))],
        fixed_cost=draw(st.integers(0, 5000)),
        cost_per_hour=draw(st.integers(0, 4000)),
        cost_per_km=draw(st.integers(0, 100)),
        max_stops=draw(st.none() | st.integers(0, 4)),
        skills=draw(st.sampled_from([("cold", "lift"), ("lift",), ()])),
        crew=draw(st.sampled_from([2, 2, 1])),
        areas=draw(st.sampled_from([None, None, ("north",), ("south", "east")])),
        speed_percent=draw(st.sampled_from([100, 100, 70, 133])),
        held=draw(st.sampled_from([(), (), (8,)])),
        kind=draw(st.sampled_from(["", "big"])),
        cost_per_driving_hour=draw(st.sampled_from([0, 0, 1234])),
        cost_per_task_hour=draw(st.sampled_from([0, 0, 777])),
        max_driving_s=draw(st.none() | st.integers(0, 6 * HOUR)),
        max_distance_m=draw(st.none() | st.integers(0, 100_000)),
        hours=draw(st.none() | st.just(Hours()) | st.just(Hours(drive_s=HOUR, break_s=1200, day_s=3 * HOUR))),
        driven_s=draw(st.sampled_from([0, 0, 3000, 5 * HOUR])),
        part_rested=draw(st.booleans()),
        drove_s=draw(st.sampled_from([0, 0, 5000])),
        breaks=draw(breaks(ready)),
    )


@st.composite
def breaks(draw: st.DrawFn, ready_s: int) -> tuple[Break, ...]:
    found, at = [], ready_s
    for number in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at += draw(st.integers(0, 3 * HOUR))
        wide = draw(st.integers(0, 2 * HOUR))
        windows = [(at, at + wide)] + ([(at + wide + HOUR, at + wide + 2 * HOUR)] if draw(st.booleans()) else [])
        limit = draw(st.sampled_from([(), (), (20,), (30, 10)]))
        seconds = draw(st.sampled_from([900, 2700]))
        found.append(Break(id=f"b{number}", duration_s=seconds, windows=tuple(windows), max_load=limit))
        at += wide
    return tuple(found)


@st.composite
def days(draw: st.DrawFn, most_stops: int = 6, on_the_road: bool = True) -> tuple[Problem, Matrix]:
    """A problem with its matrix; on the road, the vans have routes and some stops are locked."""
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    count = draw(st.integers(1, most_stops))
    matrix = draw(matrices(count + 1))
    found = [draw(stops(i, names)) for i in range(1, count + 1)]
    if count > 2 and draw(st.booleans()):  # what is fetched at the first is for the second
        amount = found[0].pickup or (5,)
        found[0] = found[0].model_copy(update={"pickup": amount, "demand": ()})
        found[1] = found[1].model_copy(update={"after": found[0].id, "demand": amount, "aboard": None})
    fleet = [draw(vans(name)) for name in names]
    routes: dict[str, tuple[str, ...]] = {}
    if on_the_road:
        held = draw(st.lists(st.sampled_from([*names, ""]), min_size=count, max_size=count))
        order = draw(st.permutations([s.id for s in found]))
        routes = {n: tuple(s for s, name in zip(order, held, strict=True) if name == n) for n in names}
        locked = {n: draw(st.integers(0, min(1, len(routes[n])))) for n in names}
        legs = {n: draw(st.none() | st.integers(0, HOUR)) if locked[n] else None for n in names}
        fleet = [v.model_copy(update={"locked": locked[v.id], "first_leg_s": legs[v.id]}) for v in fleet]
    made = Problem(
        matrix=matrix.hash, stops=tuple(found), vehicles=tuple(fleet), routes=routes, now_s=8 * HOUR, weights=Weights()
    )
    return made, matrix
