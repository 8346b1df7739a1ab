"""How fast the live plan answers, in process, and how good first plans are: a city of 3,000 stops with 120 vans.

`python -m evals.bench_live`. Nothing else runs in the process; the questions are drawn by a seed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from rich.console import Console

from core.transfers import service_s
from evals.bench_figures import Figure, milliseconds, percentile, show
from optimizer import checker
from optimizer.native.engine import solve
from optimizer.native.rescue import collect
from optimizer.native.resident import Resident
from optimizer.ortools_engine import Progress
from optimizer.problem import Plan, Problem, Stop, Vehicle
from optimizer.schedule import Schedule
from optimizer.travel import Matrix, great_circle

STOPS, VANS = 3000, 120
PLACES = 500
"""places more in the matrix, where questions are about"""
HOUR = 3600
SIDE_DEG = 0.3
QUESTIONS, BREAKDOWNS, WHAT_IFS = 2000, 60, 10_000
SEED = 7


def city(stops: int = STOPS, vans: int = VANS, seed: int = SEED) -> tuple[Problem, Matrix, tuple[Stop, ...]]:
    """(the day, its matrix, stops that nobody has ordered yet): clustered doors, a third with two hours' windows,
    two depots."""
    draw = np.random.default_rng(seed)
    count = stops + PLACES
    hearts = draw.uniform(0, SIDE_DEG, (25, 2))
    near = hearts[draw.integers(0, len(hearts), count)] + draw.normal(0, 0.015, (count, 2))
    at = np.where(draw.random((count, 1)) < 0.7, near, draw.uniform(0, SIDE_DEG, (count, 2)))
    depots = [(30.2 + SIDE_DEG / 4, -97.8 + SIDE_DEG / 4), (30.2 + 3 * SIDE_DEG / 4, -97.8 + 3 * SIDE_DEG / 4)]
    points = [*depots, *((30.2 + float(y), -97.8 + float(x)) for y, x in at)]
    matrix = great_circle(points)
    made = tuple(_stop(n, draw) for n in range(count))
    fleet = tuple(_van(n, stops // vans) for n in range(vans))
    return Problem(matrix=matrix.hash, stops=made[:stops], vehicles=fleet), matrix, made[stops:]


def _stop(number: int, draw: np.random.Generator) -> Stop:
    opens = int(draw.integers(16, 32)) * HOUR // 2
    windows = ((opens, opens + 2 * HOUR),) if draw.random() < 1 / 3 else ()
    return Stop(
        id=f"s{number}", location=2 + number, service_s=int(draw.integers(2, 8)) * 60, windows=windows,
        demand=(int(draw.integers(1, 6)),), drop_penalty=100_000,
    )  # fmt: skip


def _van(number: int, stops: int) -> Vehicle:
    depot = number % 2
    return Vehicle(
        id=f"v{number:03d}", start=depot, end=depot, ready_s=8 * HOUR, shift_end_s=18 * HOUR, capacity=(stops * 4,),
        fixed_cost=8000, cost_per_hour=2800, cost_per_km=45,
    )  # fmt: skip


def timed(times: list[float], act: Callable[[], object]) -> None:
    began = time.perf_counter()
    act()
    times.append(time.perf_counter() - began)


def first_plans(seconds: float) -> tuple[list[Figure], Problem, Matrix, Plan, tuple[Stop, ...]]:
    """A plan for the city, and when the first whole one was there."""
    problem, matrix, later = city()
    steps: list[Progress] = []
    solve(problem, matrix, iterations=1)  # loads what is compiled
    plan = solve(problem, matrix, seed=SEED, time_limit_s=seconds, progress=steps.append)
    wrong = len(checker.check(problem, matrix, plan))
    figures = [
        Figure(name="first whole plan", value=milliseconds(steps[0].at_s), unit="ms", aim=300,
               note=f"{steps[0].stops_planned} of {len(problem.stops)} stops"),
        Figure(name=f"plan after {seconds:.0f} s", value=plan.cost / 100, unit="$", peer="the first whole plan",
               peer_value=steps[0].cost / 100, note=f"{plan.iterations:,} iterations, {wrong} violations"),
    ]  # fmt: skip
    return figures, problem, matrix, plan, later


def insertions(resident: Resident, later: Sequence[Stop]) -> list[Figure]:
    """Five alternatives for one more stop; every fourth is put in, and taken out again."""
    asked: list[float] = []
    applied: list[float] = []
    for n in range(QUESTIONS):
        stop = later[n % len(later)]
        began = time.perf_counter()
        places = resident.places(stop)
        asked.append(time.perf_counter() - began)
        if n % 4 == 0 and places:
            timed(applied, lambda stop=stop, place=places[0]: resident.insert(stop, place))  # type: ignore[misc]
            resident.remove(stop.id)
    return [
        Figure(name="insertion, five alternatives, p95", value=milliseconds(percentile(asked, 95)), unit="ms", aim=0.5),
        Figure(name="insertion, five alternatives, p99", value=milliseconds(percentile(asked, 99)), unit="ms", aim=2),
        Figure(name="putting it in, p95", value=milliseconds(percentile(applied, 95)), unit="ms"),
    ]


def questions(resident: Resident, later: Sequence[Stop]) -> Figure:
    many = [later[n % len(later)].model_copy(update={"windows": ()}) for n in range(WHAT_IFS)]
    began = time.perf_counter()
    resident.what_ifs(many)
    return Figure(
        name="best-insertion what-ifs", value=WHAT_IFS / (time.perf_counter() - began), unit="/s", aim=10_000,
        better="higher", note=f"{len(resident.problem.stops):,} open stops",
    )  # fmt: skip


def breakdowns(problem: Problem, matrix: Matrix) -> list[Figure]:
    """The fullest vans break down, one a time, each on the whole plan; their goods are free."""
    took: list[float] = []
    sizes, left = [], 0
    fullest = sorted(problem.routes, key=lambda v: (-len(problem.routes[v]), v))
    resident = Resident(problem, matrix)
    for vehicle_id in fullest[:BREAKDOWNS]:
        spare = resident.fork()
        sizes.append(len(problem.routes[vehicle_id]))
        began = time.perf_counter()
        rescue = spare.break_down(vehicle_id)
        took.append(time.perf_counter() - began)
        left += len(rescue.left)
    note = f"{min(sizes)} to {max(sizes)} stops a van, {left} of {sum(sizes)} left over"
    return [
        Figure(name="breakdown of a van, p95", value=milliseconds(percentile(took, 95)), unit="ms", aim=5, note=note)
    ]


def with_goods(problem: Problem, matrix: Matrix) -> Figure:
    """The same vans at their first stops: what is on their lists is aboard, so others come for it."""
    aboard = {s: v for v, stops in problem.routes.items() for s in stops}
    stops = tuple(s.model_copy(update={"aboard": aboard[s.id]}) if s.id in aboard else s for s in problem.stops)
    vans = tuple(v.model_copy(update={"on_road": True, "fixed_cost": 0}) for v in problem.vehicles)
    out = problem.model_copy(update={"stops": stops, "vehicles": vans})
    resident, known = Resident(out, matrix), {s.id: s for s in stops}
    took: list[float] = []
    left = hit = parts = 0
    for vehicle_id in sorted(out.routes, key=lambda v: (-len(out.routes[v]), v))[:BREAKDOWNS]:
        place = known[out.routes[vehicle_id][0]].location
        count = len(out.routes[vehicle_id])
        meeting = Stop(id="meeting", location=place, service_s=service_s(count))
        began = time.perf_counter()
        found = collect(resident, matrix, known, vehicle_id, meeting)
        took.append(time.perf_counter() - began)
        left, hit, parts = left + len(found.left), hit + count, parts + len(found.parts)
    note = f"{parts / len(took):.1f} vans come, {left} of {hit} stops left over"
    return Figure(
        name="breakdown with goods aboard, p95", value=milliseconds(percentile(took, 95)), unit="ms", note=note
    )


def polished(problem: Problem, matrix: Matrix, seconds: float) -> Figure:
    """What polishing saves on a plan from which the busiest van has gone, a second at a time."""
    resident = Resident(problem, matrix)
    resident.break_down(max(problem.routes, key=lambda v: len(problem.routes[v])))
    schedule = Schedule(problem, matrix)
    before = sum(schedule.cost(v, resident.routes[v.id]) for v in problem.vehicles)
    until, gained, n = time.perf_counter() + seconds, 0, 0
    while time.perf_counter() < until:
        n += 1
        offer = resident.polish(2000, seed=n)
        if offer is not None:
            gained += offer.gain_cents
            resident.adopt(offer)
    return Figure(
        name=f"polishing for {seconds:.1f} s after it", value=100 * gained / before, unit="% saved", better="higher"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.bench_live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="search for the first plan")
    options = parser.parse_args()
    out = Console(highlight=False)
    figures, problem, matrix, plan, later = first_plans(options.seconds)
    day = problem.model_copy(update={"routes": {r.vehicle_id: r.stop_ids for r in plan.routes}})
    resident = Resident(day, matrix)
    figures += [*insertions(resident, later), questions(resident, later), *breakdowns(day, matrix)]
    figures += [with_goods(day, matrix), polished(day, matrix, 0.5)]
    show(figures, out, f"{len(problem.stops):,} stops, {len(problem.vehicles)} vans, in one process on one core")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
