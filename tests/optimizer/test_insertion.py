from __future__ import annotations

from hypothesis import given

from optimizer.checker import check
from optimizer.insertion import cheapest_insertion, cheapest_insertions, first_plan, without_breaches
from optimizer.problem import Problem
from optimizer.schedule import Schedule, time_route
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, days, few, problem, road, stop, van

EIGHT = 8 * HOUR


def test_a_stop_goes_where_it_is_no_detour() -> None:
    matrix = road(5)
    day = problem(matrix, [stop(1), stop(2), stop(4)], routes={"v1": ("s1", "s4")})
    found = cheapest_insertion(day, matrix, "s2", day.vehicles[0])
    assert (found.position, found.route.stop_ids) == (1, ("s1", "s2", "s4"))
    assert found.delta_cost == 300, "only its five minutes of service"
    assert found.feasible


def test_nothing_is_put_before_a_locked_stop() -> None:
    matrix = road(4)
    day = problem(matrix, [stop(1), stop(3)], [van(locked=1)], {"v1": ("s3",)})
    assert cheapest_insertion(day, matrix, "s1", day.vehicles[0]).route.stop_ids == ("s3", "s1")


def test_a_dearer_position_that_fits_wins_over_a_cheaper_one_that_breaks_a_window() -> None:
    matrix = road(5)
    soon = stop(4, windows=((EIGHT, EIGHT + 2400),))
    day = problem(matrix, [stop(2), soon], routes={"v1": ("s2",)})
    found = cheapest_insertion(day, matrix, "s4", day.vehicles[0])
    assert (found.route.stop_ids, found.broken) == (("s4", "s2"), ())


def test_what_an_insertion_breaks_is_named_but_not_what_was_broken_before() -> None:
    matrix = road(3)
    day = problem(matrix, [stop(1), stop(2, demand=(200,))], [van(shift_end_s=EIGHT)], {"v1": ("s1",)})
    found = cheapest_insertion(day, matrix, "s2", day.vehicles[0])
    assert found.broken == ("v1 is overloaded: 201, room for 100 (capacity 1)",)
    assert not found.feasible


def test_the_vehicles_come_best_first() -> None:
    matrix = road(6)
    vans = [van("far"), van("near"), van("full", capacity=(0,))]
    day = problem(matrix, [stop(1), stop(4), stop(5)], vans, {"far": ("s1",), "near": ("s4",)})
    assert [i.vehicle_id for i in cheapest_insertions(day, matrix, "s5")] == ["near", "far", "full"]


def test_a_route_is_relieved_of_what_breaks_it_but_keeps_what_is_locked() -> None:
    matrix = road(4)
    missed = stop(2, windows=((0, EIGHT),))
    day = problem(matrix, [stop(1), missed, stop(3)], [van(locked=1, max_stops=2)], {"v1": ("s1", "s2", "s3")})
    assert without_breaches(Schedule(day, matrix), day.vehicles[0], day.routes["v1"]) == ("s1", "s3")


def test_a_locked_stop_that_is_late_does_not_cost_the_others_their_van() -> None:
    matrix = road(3)
    day = problem(matrix, [stop(1, windows=((0, EIGHT),)), stop(2)], [van(locked=1)], {"v1": ("s1", "s2")})
    assert without_breaches(Schedule(day, matrix), day.vehicles[0], day.routes["v1"]) == ("s1", "s2")


@given(days(on_the_road=False))
@few
def test_a_first_plan_passes_the_checker(made: tuple[Problem, Matrix]) -> None:
    day, matrix = made
    plan = first_plan(day, matrix)
    assert check(day, matrix, plan) == ()
    assert plan == first_plan(day, matrix)


@given(days(most_stops=4))
@few
def test_no_position_is_better_than_the_one_found(made: tuple[Problem, Matrix]) -> None:
    day, matrix = made
    for vehicle in day.vehicles:
        rest = tuple(s for s in day.routes.get(vehicle.id, ()) if s != "s1")
        before = time_route(day, matrix, vehicle, rest)
        found = cheapest_insertion(day, matrix, "s1", vehicle)
        if before.broken or found.broken:
            continue
        for position in range(min(vehicle.locked, len(rest)), len(rest) + 1):
            other = time_route(day, matrix, vehicle, (*rest[:position], "s1", *rest[position:]))
            assert other.broken or other.cost - before.cost >= found.delta_cost
