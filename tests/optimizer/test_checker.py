from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from optimizer.checker import check
from optimizer.problem import Plan, Problem, Route, Unassigned
from optimizer.schedule import Schedule
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, as_plan, days, few, problem, road, stop, van, violations

EIGHT = 8 * HOUR


def a_day() -> tuple[Problem, Matrix]:
    matrix = road(4)
    routes = {"v1": ("s1", "s2"), "v2": ("s3",)}
    return problem(matrix, [stop(1), stop(2), stop(3)], [van(), van("v2")], routes), matrix


def first_route(plan: Plan, **changes: Any) -> Plan:
    return plan.model_copy(update={"routes": (plan.routes[0].model_copy(update=changes), *plan.routes[1:])})


def kinds(day: Problem, matrix: Matrix, plan: Plan) -> set[tuple[str, str]]:
    return {(v.kind, v.subject) for v in check(day, matrix, plan)}


def test_a_sound_plan_has_no_violations() -> None:
    day, matrix = a_day()
    assert check(day, matrix, as_plan(day, matrix)) == ()


def test_a_stop_that_is_nowhere_is_missing() -> None:
    day, matrix = a_day()
    plan = as_plan(day, matrix)
    gone = plan.model_copy(update={"routes": plan.routes[:1], "cost": plan.routes[0].cost})
    assert kinds(day, matrix, gone) == {("missing", "s3")}


def test_a_stop_on_a_route_and_among_the_unassigned_is_there_twice() -> None:
    day, matrix = a_day()
    plan = as_plan(day, matrix)
    left_out = (Unassigned(stop_id="s1", reason="too_big", detail=""),)
    both = plan.model_copy(update={"unassigned": left_out, "cost": plan.cost + 100_000})
    assert kinds(day, matrix, both) == {("twice", "s1")}


def test_strangers_and_unknown_reasons_are_named() -> None:
    day, matrix = a_day()
    plan = as_plan(day, matrix)
    left_out = (Unassigned(stop_id="s9", reason="tired", detail=""),)
    assert kinds(day, matrix, plan.model_copy(update={"unassigned": left_out})) == {("unknown", "s9"), ("reason", "s9")}
    assert ("vehicle", "v9") in kinds(day, matrix, first_route(plan, vehicle_id="v9"))
    assert ("twice", "v2") in kinds(day, matrix, first_route(plan, vehicle_id="v2"))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        pytest.param({"cost": 1}, ("cost", "v1"), id="a wrong price"),
        pytest.param({"end_s": 1}, ("times", "v1"), id="a wrong end"),
        pytest.param({"distance_m": 1}, ("times", "v1"), id="a wrong distance"),
    ],
)
def test_wrong_figures_of_a_route_are_found(changes: dict[str, int], kind: tuple[str, str]) -> None:
    day, matrix = a_day()
    assert kind in kinds(day, matrix, first_route(as_plan(day, matrix), **changes))


def test_a_wrong_time_at_a_stop_and_a_wrong_total_are_found() -> None:
    day, matrix = a_day()
    plan = as_plan(day, matrix)
    visits = plan.routes[0].visits
    earlier = visits[0].model_copy(update={"start_s": visits[0].start_s - 1})
    assert kinds(day, matrix, first_route(plan, visits=(earlier, *visits[1:]))) == {("times", "s1")}
    assert kinds(day, matrix, plan.model_copy(update={"cost": plan.cost - 1})) == {("cost", "")}


@pytest.mark.parametrize(
    ("day", "found"),
    [
        pytest.param(
            problem(road(2), [stop(1, windows=((0, EIGHT),))], routes={"v1": ("s1",)}), ("window", "s1"), id="window"
        ),
        pytest.param(
            problem(road(2), [stop(1, demand=(101,))], routes={"v1": ("s1",)}), ("capacity1", "v1"), id="capacity"
        ),
        pytest.param(
            problem(road(2), [stop(1)], [van(shift_end_s=EIGHT)], {"v1": ("s1",)}), ("shift", "v1"), id="shift"
        ),
        pytest.param(
            problem(road(2), [stop(1)], [van(max_stops=0)], {"v1": ("s1",)}), ("stops", "v1"), id="number of stops"
        ),
        pytest.param(
            problem(road(2), [stop(1, aboard="v2")], [van(), van("v2")], {"v1": ("s1",)}),
            ("aboard", "s1"),
            id="custody",
        ),
    ],
)
def test_each_broken_constraint_is_found(day: Problem, found: tuple[str, str]) -> None:
    assert violations(day, road(2)) == {found}


def test_a_locked_stop_that_is_not_first_is_found() -> None:
    matrix = road(3)
    day = problem(matrix, [stop(1), stop(2)], [van(locked=1)], {"v1": ("s1", "s2")})
    swapped = Schedule(day, matrix).route(day.vehicles[0], ("s2", "s1"))
    plan = as_plan(day, matrix).model_copy(update={"routes": (swapped,), "cost": swapped.cost})
    assert kinds(day, matrix, plan) == {("locked", "v1")}


@given(days())
@few
def test_checker_and_schedule_agree_on_times_prices_and_breaches(made: tuple[Problem, Matrix]) -> None:
    """Two programs that share no code, on any plan however bad."""
    day, matrix = made
    schedule = Schedule(day, matrix)
    expected = set()
    for vehicle in day.vehicles:
        timing = schedule.timing(vehicle, day.routes.get(vehicle.id, ()))
        expected |= {b.key for b in schedule.breaches(vehicle, timing)}
    assert violations(day, matrix) == expected


def test_an_empty_route_must_cost_nothing() -> None:
    matrix = road(1)
    none = problem(matrix, (), [van()])
    empty = Route(
        vehicle_id="v1",
        visits=(),
        start_s=EIGHT,
        end_s=EIGHT,
        distance_m=0,
        driving_s=0,
        waiting_s=0,
        overtime_s=0,
        cost=7,
    )
    plan = Plan(routes=(empty,), unassigned=(), cost=7, engine="x", iterations=0, stopped_by="iterations")
    assert kinds(none, matrix, plan) == {("cost", "v1")}
