"""What every engine does, whichever way it searches."""

from __future__ import annotations

import pytest

from optimizer.plan import Engine, solve
from optimizer.problem import Plan
from tests.optimizer.a_problem import HOUR, problem, road, stop, van

EIGHT = 8 * HOUR
ENGINES: tuple[Engine, ...] = ("native", "ortools")

pytestmark = pytest.mark.parametrize("engine", ENGINES)


def planned(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {route.vehicle_id: route.stop_ids for route in plan.routes if route.visits}


def test_one_van_drives_a_road_out_and_home(engine: Engine) -> None:
    matrix = road(6)
    plan = solve(problem(matrix, [stop(i) for i in (4, 2, 5, 1, 3)]), matrix, engine=engine, iterations=2000)
    assert plan.cost == 1000 + 6000 + 1500 + 5000, "fixed, 100 min of driving, 25 of service, 50 km"
    assert (plan.engine, plan.stopped_by, plan.iterations) == (engine, "iterations", 2000)


def test_windows_decide_the_order_and_a_second_window_is_used(engine: Engine) -> None:
    matrix = road(4)
    stops = [
        stop(1, windows=((EIGHT - 60, EIGHT), (EIGHT + 4500, EIGHT + 5000))),
        stop(2, windows=((EIGHT, EIGHT + 1300),)),
        stop(3),
    ]
    plan = solve(problem(matrix, stops), matrix, engine=engine, iterations=2000)
    assert planned(plan) == {"v1": ("s2", "s3", "s1")}
    assert plan.routes[0].visits[-1].start_s == EIGHT + 4500


def test_a_van_more_is_used_only_when_it_must_be(engine: Engine) -> None:
    matrix = road(5)
    stops = [stop(i, demand=(10,)) for i in range(1, 5)]
    roomy = solve(problem(matrix, stops, [van("a"), van("b")]), matrix, engine=engine, iterations=2000)
    tight = [van("a", capacity=(20,)), van("b", capacity=(20,))]
    assert len(planned(roomy)) == 1
    assert len(planned(solve(problem(matrix, stops, tight), matrix, engine=engine, iterations=2000))) == 2


def test_each_hard_limit_leaves_out_what_does_not_fit_and_says_why(engine: Engine) -> None:
    matrix = road(3)
    stops = [stop(1), stop(2, drop_penalty=50_000)]
    for limited in (van(max_stops=1), van(capacity=(1,)), van(shift_end_s=EIGHT + 1600)):
        plan = solve(problem(matrix, stops, [limited]), matrix, engine=engine, iterations=500)
        assert planned(plan) == {"v1": ("s1",)}
        assert [u.stop_id for u in plan.unassigned] == ["s2"]
        assert plan.cost == plan.routes[0].cost + 50_000


def test_a_stop_that_costs_more_than_its_penalty_stays_out(engine: Engine) -> None:
    matrix = road(3)
    plan = solve(problem(matrix, [stop(1), stop(2, drop_penalty=100)]), matrix, engine=engine, iterations=500)
    assert planned(plan) == {"v1": ("s1",)}
