"""Two halves of a plan annealed side by side, put together, and OR-Tools over the routes seen."""

from __future__ import annotations

import pytest
from hypothesis import given

from core.canonical import dumps
from optimizer.checker import check
from optimizer.native import combined
from optimizer.native.engine import solve as alone
from optimizer.ortools_engine import Progress
from optimizer.problem import Problem, Stop
from optimizer.recombine import Seen, partition
from optimizer.travel import Matrix
from tests.optimizer.a_problem import days, few, problem, road, stop, van
from tests.optimizer.native.test_engine import city


def test_the_same_inputs_give_the_same_bytes_and_as_good_a_plan_as_one_search() -> None:
    day, matrix = city(80, 6)
    first = combined.solve(day, matrix, seed=3, iterations=12_000)
    assert dumps(first) == dumps(combined.solve(day, matrix, seed=3, iterations=12_000))
    assert (check(day, matrix, first), first.unassigned, first.engine) == ((), (), "combined")
    assert first.cost <= 1.02 * alone(day, matrix, seed=3, iterations=12_000).cost


def test_progress_only_gets_better_and_ends_at_the_plan() -> None:
    day, matrix = city(60, 5)
    steps: list[Progress] = []
    plan = combined.solve(day, matrix, iterations=6_000, progress=steps.append)
    assert [s.cost for s in steps] == sorted((s.cost for s in steps), reverse=True)
    assert steps[-1].cost == plan.cost


def test_pairs_stay_together_and_what_is_aboard_on_its_van_whichever_half_it_is_in() -> None:
    matrix = road(12)
    first = [Stop(id=f"a{i}", location=i, service_s=60, pickup=(3,)) for i in (1, 2, 3, 4)]
    then = [Stop(id=f"b{i}", location=12 - i, service_s=60, demand=(3,), after=f"a{i}") for i in (1, 2, 3, 4)]
    doors = [stop(6, aboard="v1"), stop(7, aboard="v2"), *first, *then]
    day = problem(matrix, doors, [van(f"v{i}", capacity=(7,)) for i in (1, 2, 3)])
    plan = combined.solve(day, matrix, iterations=3_000)
    assert (check(day, matrix, plan), plan.unassigned) == ((), ())


def test_it_ends_in_time_and_when_it_is_cancelled() -> None:
    day, matrix = city(40, 3)
    timed = combined.solve(day, matrix, time_limit_s=0.4)
    assert (timed.stopped_by, check(day, matrix, timed)) == ("time", ())
    stopped = combined.solve(day, matrix, iterations=10**7, cancelled=lambda: True)
    assert (stopped.stopped_by, check(day, matrix, stopped)) == ("cancelled", ())


@given(days())
@few
def test_every_plan_passes_the_checker_or_breaks_only_what_was_locked(made: tuple[Problem, Matrix]) -> None:
    day, matrix = made
    plan = combined.solve(day, matrix, iterations=60)
    locked = {v.id: day.routes.get(v.id, ())[: v.locked] for v in day.vehicles}
    given_up = {s for stop_ids in locked.values() for s in stop_ids} | {v for v, stop_ids in locked.items() if stop_ids}
    assert {v.subject for v in check(day, matrix, plan)} <= given_up
    assert all(route.stop_ids[: len(locked[route.vehicle_id])] == locked[route.vehicle_id] for route in plan.routes)


SEEN = [Seen(0, (1, 2), 10), Seen(0, (3, 4), 10), Seen(0, (1, 3), 4), Seen(0, (2, 4), 5), Seen(1, (2, 4), 3)]


@pytest.mark.parametrize(
    ("fleet", "chosen", "why"),
    [
        ([2, 1], [2, 4], "the cheapest routes that serve all"),
        ([2, 0], [2, 3], "nobody drives the second sort"),
        ([1, 0], None, "one van can't do more than it does"),
    ],
)
def test_routes_are_put_together_anew(fleet: list[int], chosen: list[int] | None, why: str) -> None:
    known = [0, 1] if fleet[0] > 1 else [2]
    assert partition(SEEN, dict.fromkeys((1, 2, 3, 4), 50), fleet, known, 1.0) == chosen, why


def test_a_stop_is_left_out_where_that_costs_less() -> None:
    assert partition(SEEN, {1: 1, 2: 1, 3: 50, 4: 1}, [1, 1], [0], 1.0) == [2], (
        "4 for two stops, and 2 for two left out"
    )
