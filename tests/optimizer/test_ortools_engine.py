from __future__ import annotations

import gzip
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.canonical import dumps
from core.errors import BadInput
from optimizer.checker import check
from optimizer.ortools_engine import LARGEST_CENTS, Progress, budget, solve
from optimizer.problem import Plan, Problem, Stop, Vehicle
from optimizer.schedule import time_route
from optimizer.travel import Matrix, great_circle, table
from tests.optimizer.a_problem import HOUR, days, few, problem, road, stop, van

EIGHT = 8 * HOUR


def planned(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {route.vehicle_id: route.stop_ids for route in plan.routes if route.visits}


def test_promises_pull_a_stop_forward_though_they_are_no_walls() -> None:
    matrix = road(4)
    stops = [stop(1), stop(2), stop(3, due_s=EIGHT + 1900)]
    plan = solve(problem(matrix, stops), matrix, iterations=2000)
    assert plan.routes[0].stop_ids[0] == "s3"
    hopeless = problem(matrix, [stop(1, due_s=0)])
    assert solve(hopeless, matrix, iterations=500).unassigned == ()


def test_goods_stay_on_the_van_that_carries_them() -> None:
    matrix = road(3)
    vehicles = [van("a"), van("b", fixed_cost=50_000)]
    plan = solve(problem(matrix, [stop(1), stop(2, aboard="b")], vehicles), matrix, iterations=1000)
    assert "s2" in planned(plan)["b"]
    gone = solve(problem(matrix, [stop(1), stop(2, aboard="x")], vehicles), matrix, iterations=1000)
    assert [(u.stop_id, u.reason) for u in gone.unassigned] == [("s2", "no_vehicle")]


def test_a_running_day_keeps_its_locked_stops_and_live_legs() -> None:
    matrix = road(6)
    stops = [stop(i) for i in range(1, 6)]
    vehicles = [van("a", locked=1, first_leg_s=100), van("b", start=5)]
    day = problem(matrix, stops, vehicles, {"a": ("s3", "s5", "s1"), "b": ("s2", "s4")})
    plan = solve(day, matrix, iterations=3000)
    assert check(day, matrix, plan) == ()
    assert plan.routes[0].stop_ids[0] == "s3"
    assert plan.routes[0].visits[0].arrival_s == EIGHT + 100


def test_it_starts_from_the_present_routes_and_never_ends_worse() -> None:
    matrix = road(9)
    stops = [stop(i) for i in range(1, 9)]
    best = {"v1": tuple(f"s{i}" for i in range(1, 9))}
    day = problem(matrix, stops, [van(), van("v2")], best)
    plan = solve(day, matrix, iterations=1)
    assert plan.cost <= time_route(day, matrix, day.vehicles[0], best["v1"]).cost


def test_present_routes_that_break_something_are_repaired() -> None:
    matrix = road(4)
    stops = [stop(1, windows=((EIGHT, EIGHT + 700),)), stop(2), stop(3, demand=(99,))]
    day = problem(matrix, stops, [van(), van("v2")], {"v1": ("s2", "s3", "s1")})
    plan = solve(day, matrix, iterations=2000)
    assert check(day, matrix, plan) == ()
    assert plan.unassigned == ()


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(problem(road(2), (), [van()]), id="nothing to do"),
        pytest.param(Problem(matrix=road(2).hash, stops=(stop(1),), vehicles=()), id="nobody to do it"),
        pytest.param(problem(road(2), [stop(1)], [van(locked=1)], {"v1": ("s1",)}), id="nothing left to decide"),
        pytest.param(problem(road(2), [stop(1)], [van(shift_end_s=0)]), id="a shift that is over"),
        pytest.param(problem(road(2), [stop(1, windows=((0, 10),))]), id="a window that is over"),
    ],
)
def test_a_day_without_choices_ends_at_once_with_a_sound_plan(day: Problem) -> None:
    plan = solve(day, road(2), iterations=200)
    assert check(day, road(2), plan) == ()
    assert plan.stopped_by in ("optimal", "iterations")


def test_it_stops_when_cancelled_and_keeps_what_it_has() -> None:
    matrix = road(20)
    day = problem(matrix, [stop(i) for i in range(1, 20)], [van(), van("v2")])
    plan = solve(day, matrix, iterations=10**9, cancelled=lambda: True)
    assert plan.stopped_by == "cancelled"
    assert check(day, matrix, plan) == ()


def test_the_safety_stop_says_that_it_was_time() -> None:
    matrix = road(20)
    day = problem(matrix, [stop(i) for i in range(1, 20)], [van(), van("v2")])
    plan = solve(day, matrix, iterations=10**9, time_limit_s=0.3)
    assert plan.stopped_by == "time"
    assert check(day, matrix, plan) == ()


def test_progress_is_told_and_only_gets_better() -> None:
    day, matrix = city(40, 4)
    steps: list[Progress] = []
    plan = solve(day, matrix, iterations=20_000, progress=steps.append)
    assert len(steps) > 2
    assert all(a.cost >= b.cost and a.iterations <= b.iterations for a, b in pairwise(steps))
    assert (steps[-1].cost, steps[-1].stops_planned) == (plan.cost, 40)


def test_a_listener_that_fails_ends_the_solve_with_its_error() -> None:
    matrix = road(5)

    def listener(step: Progress) -> None:
        raise RuntimeError(f"the pipe broke at {step.stops_planned} stops")

    with pytest.raises(RuntimeError, match="the pipe broke at 4 stops"):
        solve(problem(matrix, [stop(i) for i in range(1, 5)]), matrix, iterations=5000, progress=listener)


def test_prices_that_would_overflow_are_refused() -> None:
    with pytest.raises(BadInput, match="too large to plan with"):
        solve(problem(road(2), [stop(1, drop_penalty=LARGEST_CENTS + 1)]), road(2))


def test_vans_with_different_wages_are_told_apart() -> None:
    matrix = road(3)
    dear = van("dear").model_copy(update={"cost_per_hour": 9000})
    plan = solve(problem(matrix, [stop(1, service_min=60), stop(2)], [dear, van("cheap")]), matrix, iterations=2000)
    assert set(planned(plan)) == {"cheap"}


def city(stops: int, vans: int, seed: int = 1) -> tuple[Problem, Matrix]:
    import random

    draw = random.Random(seed)
    places = [(52.52, 13.4)] + [(52.52 + draw.gauss(0, 0.05), 13.4 + draw.gauss(0, 0.08)) for _ in range(stops)]
    matrix = great_circle(places)
    made = []
    for i in range(1, stops + 1):
        opens = draw.choice([8, 9, 10, 12, 14]) * HOUR
        once, twice = (opens, opens + HOUR), (opens + 3 * HOUR, opens + 4 * HOUR)
        windows = draw.choice([(), (once,), (once, twice)])
        made.append(stop(i, service_min=3, windows=windows, demand=(draw.randint(1, 3),)))
    size = math.ceil(stops * 2.6 / vans)
    return problem(matrix, made, [van(f"v{i}", capacity=(size,)) for i in range(vans)]), matrix


def test_the_same_inputs_give_the_same_bytes_and_another_seed_another_search() -> None:
    day, matrix = city(60, 5)
    first = solve(day, matrix, seed=3, iterations=60_000)
    assert dumps(first) == dumps(solve(day, matrix, seed=3, iterations=60_000))
    others = {dumps(solve(day, matrix, seed=seed, iterations=60_000)) for seed in range(4)}
    assert len(others) > 1
    assert check(day, matrix, first) == ()


def test_more_iterations_never_make_a_plan_worse() -> None:
    day, matrix = city(60, 5)
    costs = [solve(day, matrix, iterations=n).cost for n in (1, 1000, 10_000, 60_000)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]


@given(days(), st.integers(0, 2))
@few
def test_every_plan_passes_the_checker_or_breaks_only_what_was_locked(made: tuple[Problem, Matrix], seed: int) -> None:
    day, matrix = made
    plan = solve(day, matrix, seed=seed, iterations=300)
    locked = {v.id: day.routes[v.id][: v.locked] for v in day.vehicles}
    given_up = {s for stop_ids in locked.values() for s in stop_ids} | {v for v, stop_ids in locked.items() if stop_ids}
    assert {v.subject for v in check(day, matrix, plan)} <= given_up
    assert plan.stopped_by in ("iterations", "optimal")
    assert dumps(plan) == dumps(solve(day, matrix, seed=seed, iterations=300))


# Real days


def test_221_deliveries_in_rio_fit_seven_vans(shared_data: Path) -> None:
    case = json.loads((shared_data / "routes/loggibud/cvrp-0-rj-0.json").read_text())
    places = [(p["lat"], p["lng"]) for p in (case["origin"], *(d["point"] for d in case["deliveries"]))]
    matrix = great_circle(places)
    stops = [stop(i, service_min=0, demand=(d["size"],)) for i, d in enumerate(case["deliveries"], start=1)]
    fleet = [Vehicle(id=f"v{i}", start=0, end=0, ready_s=0, shift_end_s=10**6, capacity=(180,), cost_per_km=1000)
             for i in range(9)]  # fmt: skip
    day = problem(matrix, stops, fleet)
    plan = solve(day, matrix, iterations=700_000)
    assert check(day, matrix, plan) == ()
    assert (plan.unassigned, len(planned(plan))) == ((), 7)
    assert sum(route.distance_m for route in plan.routes) < 830_000, "787 km when this was written"


def test_a_driven_route_is_not_longer_than_the_driver_made_it(shared_data: Path) -> None:
    for name, seconds, driven in amazon(shared_data)[:2]:
        matrix = table(seconds, [(0.0, 0.0)] * len(seconds))
        van_alone = Vehicle(id="v", start=0, end=0, ready_s=0, shift_end_s=15 * HOUR, cost_per_hour=3600)
        stops = tuple(Stop(id=str(i), location=i, service_s=0) for i in range(1, len(seconds)))
        day = Problem(matrix=matrix.hash, stops=stops, vehicles=(van_alone,))
        plan = solve(day, matrix, iterations=400_000)
        assert check(day, matrix, plan) == ()
        assert plan.routes[0].driving_s <= time_route(day, matrix, van_alone, driven).driving_s, name


def amazon(shared_data: Path) -> list[tuple[str, list[list[float]], tuple[str, ...]]]:
    """Route name, seconds with the station first, and the driver's order, as row numbers."""

    def read(name: str) -> Any:
        return json.loads(gzip.decompress((shared_data / f"routes/amazon_last_mile/{name}.json.gz").read_bytes()))

    routes, times, driven = read("route_data"), read("travel_times"), read("actual_sequences")
    found = []
    for name in sorted(routes):
        order = sorted(driven[name]["actual"], key=driven[name]["actual"].__getitem__)
        seconds = [[0 if a == b else times[name][a][b] for b in order] for a in order]
        assert routes[name]["stops"][order[0]]["type"] == "Station"
        found.append((name, seconds, tuple(str(i) for i in range(1, len(order)))))
    return found


@pytest.mark.parametrize(("stops", "least", "most"), [(0, 1_500_000, 1_500_000), (300, 1_500_000, 1_500_000),
                                                      (960, 200_000, 300_000), (1300, 100_000, 200_000)])  # fmt: skip
def test_larger_days_get_fewer_iterations(stops: int, least: int, most: int) -> None:
    assert least <= budget(stops) <= most
