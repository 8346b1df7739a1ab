"""Set-up, kinds and profiles of vehicles, limits on driving and distance, tolls, breaks for light vans: each held by
the exact pass, the engine and the checker alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.errors import BadInput
from optimizer import ortools_engine
from optimizer.checker import check
from optimizer.limits import refinements
from optimizer.problem import Break, Plan, Problem, Stop, Vehicle
from optimizer.schedule import Schedule
from optimizer.travel import NO_ROAD_S, Matrix
from tests.optimizer.a_problem import HOUR, as_plan, problem, road, stop, van, violations


def with_(thing: Any, **changes: object) -> Any:
    return type(thing).model_validate({**dict(thing), **changes})


def solved(day: Problem, matrix: Matrix) -> Plan:
    plan = ortools_engine.solve(day, matrix, iterations=2000)
    assert check(day, matrix, plan) == ()
    return plan


def test_set_up_is_done_once_at_a_door_whatever_is_done_there() -> None:
    matrix = road(3)
    stops = [with_(stop(1, name=name), setup_s=600) for name in ("a", "b")]
    day = problem(matrix, [*stops, stop(2)], routes={"v1": ("a", "b", "s2")})
    [route] = as_plan(day, matrix).routes
    assert [v.departure_s - v.start_s for v in route.visits] == [900, 300, 300]
    plan = solved(problem(matrix, [stops[0], stop(2), stops[1]]), matrix)
    ids = plan.routes[0].stop_ids
    assert abs(ids.index("a") - ids.index("b")) == 1, "apart they would need two set-ups"


def test_a_vehicle_of_a_kind_takes_its_own_time() -> None:
    matrix = road(2)
    place = with_(stop(1), by_kind={"bike": (0, 30)})
    fleet = [van("slow"), with_(van("quick"), kind="bike")]
    plan = solved(problem(matrix, [place], fleet), matrix)
    assert [route.stop_ids for route in plan.routes] == [(), ("s1",)]
    assert plan.routes[1].visits[0].departure_s - plan.routes[1].visits[0].start_s == 30


def test_a_profile_has_its_own_roads_and_tolls() -> None:
    cars, bikes = road(2), road(2, minutes=2)
    tolls = np.array([[0, 5000], [5000, 0]])
    matrix = Matrix(cars.durations_s, cars.distances_m, "test", profiles={"bike": bikes, "ferry": Matrix(
        bikes.durations_s, bikes.distances_m, "test", tolls=tolls)})  # fmt: skip
    fleet = [van("car"), with_(van("bike"), profile="bike"), with_(van("ferry"), profile="ferry")]
    day = problem(matrix, [stop(1)], fleet)
    plan = solved(day, matrix)
    assert [len(route.visits) for route in plan.routes] == [0, 1, 0], "the bike is quick, the ferry dear"
    schedule = Schedule(day, matrix)
    prices = {v.id: schedule.cost(v, ("s1",)) for v in day.vehicles}
    assert prices["ferry"] == prices["bike"] + 10_000
    assert prices["car"] > prices["bike"]


def test_a_profile_that_the_matrix_lacks_is_refused() -> None:
    matrix = road(2)
    day = problem(matrix, [stop(1)], [with_(van(), profile="boat")])
    with pytest.raises(BadInput, match="boat"):
        Schedule(day, matrix)
    with pytest.raises(BadInput, match="3 places"):
        Matrix(matrix.durations_s, matrix.distances_m, "test", profiles={"boat": road(3)})


LIMITS: list[tuple[dict[str, int], str, str]] = [
    ({"max_driving_s": 3 * 1200}, "driving", "three places there and back are more than an hour"),
    ({"max_distance_m": 29_999}, "distance", "and 30 km"),
]


@pytest.mark.parametrize(("limit", "kind", "reason"), LIMITS, ids=[row[1] for row in LIMITS])
def test_a_limit_is_kept_and_said_why(limit: dict[str, int], kind: str, reason: str) -> None:
    matrix = road(4)
    limit = {name: value - 1 if name == "max_driving_s" else value for name, value in limit.items()}
    fleet = [with_(van(), **limit)]
    day = problem(matrix, [stop(1), stop(2), stop(3)], fleet, {"v1": ("s1", "s2", "s3")})
    assert (kind, "v1") in violations(day, matrix), reason
    plan = solved(problem(matrix, day.stops, fleet), matrix)
    assert [u.stop_id for u in plan.unassigned] == ["s3"]
    assert plan.unassigned[0].reason == "too_far"


def test_hours_on_the_road_and_at_the_door_have_prices_of_their_own() -> None:
    matrix = road(2)
    plain = Vehicle(id="v1", start=0, end=0, ready_s=0, shift_end_s=HOUR, cost_per_driving_hour=6000)
    day = problem(matrix, [stop(1)], [plain], {"v1": ("s1",)})
    assert as_plan(day, matrix).routes[0].cost == 2000, "20 minutes of driving at 60 an hour"
    both = problem(matrix, [stop(1)], [with_(plain, cost_per_task_hour=1200)], {"v1": ("s1",)})
    assert as_plan(both, matrix).routes[0].cost == 2100, "and 5 minutes at the door at 12"
    assert violations(both, matrix) == set()


def test_a_break_waits_until_the_van_is_light_enough() -> None:
    matrix = road(4)
    rest = Break(id="b", duration_s=900, windows=((8 * HOUR, 10 * HOUR),), max_load=(1,))
    day = problem(matrix, [stop(n) for n in (1, 2, 3)], [with_(van(), breaks=(rest,))], {"v1": ("s1", "s2", "s3")})
    plan = as_plan(day, matrix)
    assert [r.position for r in plan.routes[0].rests] == [2], "three aboard, then two, then one"
    assert check(day, matrix, plan) == ()


def test_a_break_that_no_light_moment_allows_is_missed() -> None:
    matrix = road(3)
    rest = Break(id="b", duration_s=900, windows=((8 * HOUR, 8 * HOUR + 300),), max_load=(0,))
    day = problem(matrix, [stop(1), stop(2)], [with_(van(), breaks=(rest,))], {"v1": ("s1", "s2")})
    assert ("break", "v1") in violations(day, matrix)
    assert any("break" in words for words in as_plan(day, matrix).routes[0].broken)


def test_where_no_road_leads_a_stop_is_left_out_and_says_so() -> None:
    matrix = road(3)
    seconds, metres = matrix.durations_s.copy(), matrix.distances_m.copy()
    for table in (seconds, metres):
        table[2, :2] = table[:2, 2] = NO_ROAD_S
    island = Matrix(seconds, metres, "test")
    plan = solved(problem(island, [stop(1), Stop(id="isle", location=2, service_s=0)]), island)
    assert [(u.stop_id, u.reason) for u in plan.unassigned] == [("isle", "no_road")]
    assert plan.routes[0].stop_ids == ("s1",)


def test_a_route_that_may_leave_later_is_as_long_as_from_then_on() -> None:
    matrix = road(3)
    late = stop(1, windows=((12 * HOUR, 13 * HOUR),))
    fleet = [with_(van(), max_route_s=50 * 60)]
    day = problem(matrix, [late, stop(2)], fleet, {"v1": ("s1", "s2")})
    assert violations(day, matrix) == set(), "40 min on the road and 10 at doors, away at 11:50"
    assert solved(problem(matrix, day.stops, fleet), matrix).unassigned == ()
    short = problem(matrix, day.stops, [with_(van(), max_route_s=50 * 60 - 1)], {"v1": ("s1", "s2")})
    assert violations(short, matrix) == {("duration", "v1")}
    assert any("is out for 3000 s" in words for words in as_plan(short, matrix).routes[0].broken)


def test_what_a_problem_has_beyond_the_plain_is_named() -> None:
    matrix = road(2)
    assert refinements(problem(matrix, [stop(1)])) == ()
    rest = Break(id="b", duration_s=1, windows=((0, 1),), max_load=(1,))
    fleet = [with_(van(), cost_per_task_hour=5, max_route_s=60, profile="", breaks=(rest,))]
    assert refinements(problem(matrix, [with_(stop(1), setup_s=5)], fleet)) == (
        "set-up times", "prices of driving or of work", "limits on driving, distance or length",
        "breaks for light vans",
    )  # fmt: skip
