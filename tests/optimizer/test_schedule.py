from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.errors import BadInput
from optimizer.problem import Problem, Vehicle
from optimizer.schedule import Schedule, clock, costs, per, start_of_service, time_route
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, MINUTE, days, few, problem, road, stop, van

EIGHT = 8 * HOUR


def test_a_plain_route_is_timed_stop_by_stop_and_home_again() -> None:
    matrix = road(4)
    day = problem(matrix, [stop(1), stop(3)])
    route = time_route(day, matrix, day.vehicles[0], ("s1", "s3"))
    assert [(v.arrival_s - EIGHT, v.departure_s - EIGHT) for v in route.visits] == [(600, 900), (2100, 2400)]
    assert (route.end_s - EIGHT, route.driving_s, route.distance_m, route.waiting_s) == (4200, 3600, 30_000, 0)
    assert route.cost == 1000 + 4200 + 3000
    assert route.broken == ()


def test_a_route_that_ends_at_its_last_stop_is_not_driven_home() -> None:
    matrix = road(3)
    day = problem(matrix, [stop(2)], [van(end=None)])
    route = time_route(day, matrix, day.vehicles[0], ("s2",))
    assert (route.end_s, route.distance_m) == (route.visits[0].departure_s, 10_000)


def test_a_van_that_stays_at_home_costs_nothing() -> None:
    matrix = road(2)
    day = problem(matrix, [stop(1)], [van(shift_end_s=0)])
    route = time_route(day, matrix, day.vehicles[0], ())
    assert (route.cost, route.overtime_s, route.distance_m, route.broken) == (0, 0, 0, ())


def test_a_van_that_is_out_pays_its_way_home_whatever_is_left_on_its_list() -> None:
    matrix = road(4)
    out = van(start=3, on_road=True, fixed_cost=0)
    day = problem(matrix, [stop(3)], [out])
    home = time_route(day, matrix, out, ())
    assert (home.end_s - EIGHT, home.driving_s, home.distance_m, home.cost) == (1800, 1800, 15_000, 1800 + 1500)
    served = time_route(day, matrix, out, ("s3",))
    assert served.cost - home.cost == 300, "its last stop, on the way, costs its service and nothing else"
    late = van(start=3, on_road=True, fixed_cost=0, shift_end_s=EIGHT)
    assert Schedule(day, matrix).cost(late, ()) == 1800 + 1500 + 30 * day.weights.overtime_minute
    assert time_route(day, matrix, late, ()).broken == (), "no stop is to blame"


TWO = ((1000, 2000), (3000, 4000))


@pytest.mark.parametrize(
    ("arrival", "start"),
    [
        pytest.param(500, 1000, id="early: waits"),
        pytest.param(1000, 1000, id="as it opens"),
        pytest.param(1500, 1500, id="inside"),
        pytest.param(2000, 2000, id="the last second counts"),
        pytest.param(2001, 3000, id="between two windows: waits for the second"),
        pytest.param(4001, 4001, id="too late: starts at once"),
    ],
)
def test_service_starts_at_the_earliest_moment_inside_some_window(arrival: int, start: int) -> None:
    assert start_of_service(stop(1, windows=TWO), arrival) == start


def test_waiting_is_counted_and_paid() -> None:
    matrix = road(2)
    day = problem(matrix, [stop(1, windows=((9 * HOUR, 10 * HOUR),))])
    route = time_route(day, matrix, day.vehicles[0], ("s1",))
    assert route.waiting_s == 50 * MINUTE
    assert route.cost == 1000 + (HOUR + 15 * MINUTE) + 1000


def test_lateness_is_priced_by_the_minute_after_what_was_promised() -> None:
    matrix = road(2)
    day = problem(matrix, [stop(1, due_s=EIGHT + 6 * MINUTE)])
    late = time_route(day, matrix, day.vehicles[0], ("s1",))
    assert late.visits[0].late_s == 4 * MINUTE
    assert late.cost == 1000 + 25 * MINUTE + 1000 + 4 * 25
    assert late.broken == ()


@pytest.mark.parametrize(
    ("day", "stop_ids", "says"),
    [
        pytest.param(
            problem(road(2), [stop(1, windows=((0, EIGHT),))]), ("s1",),
            "s1 misses its window: served at 08:10, closed at 08:00", id="window",
        ),
        pytest.param(
            problem(road(3), [stop(1, demand=(1, 60)), stop(2, demand=(1, 70))], [van(capacity=(5, 100))]),
            ("s1", "s2"),
            "v1 is overloaded: 130, room for 100 (capacity 2)", id="capacity",
        ),
        pytest.param(
            problem(road(2), [stop(1)], [van(shift_end_s=EIGHT)]), ("s1",),
            "v1 ends at 08:25, its shift at 08:00", id="shift",
        ),
        pytest.param(
            problem(road(3), [stop(1), stop(2)], [van(max_stops=1)]), ("s1", "s2"),
            "v1 has 2 stops, 1 is its limit", id="number of stops",
        ),
        pytest.param(
            problem(road(2), [stop(1, aboard="v2")], [van(), van("v2")]), ("s1",),
            "s1 is aboard v2: v1 can't deliver it", id="goods on another van",
        ),
        pytest.param(
            problem(road(3), [stop(1), stop(2)], [van(locked=1)], {"v1": ("s2", "s1")}), ("s1", "s2"),
            "v1 is on its way to s2: that stays first", id="the stop it is driving to",
        ),
    ],
)  # fmt: skip
def test_a_broken_constraint_is_named_in_words(day: Problem, stop_ids: tuple[str, ...], says: str) -> None:
    route = time_route(day, road(max(s.location for s in day.stops) + 1), day.vehicles[0], stop_ids)
    assert route.broken == (says,)


def test_demand_without_a_matching_capacity_has_no_limit() -> None:
    matrix = road(2)
    day = problem(matrix, [stop(1, demand=(1, 999))], [van(capacity=(5,))])
    assert time_route(day, matrix, day.vehicles[0], ("s1",)).broken == ()


def live(locked: int = 1, leg_s: int | None = 90) -> Problem:
    vehicle = van(locked=locked, first_leg_s=leg_s)
    return problem(road(4), [stop(1), stop(2), stop(3)], [vehicle], {"v1": ("s2", "s1", "s3")})


def test_the_live_first_leg_replaces_the_matrix_and_counts_no_metres() -> None:
    day = live()
    route = time_route(day, road(4), day.vehicles[0], ("s2", "s1"))
    assert route.visits[0].arrival_s == EIGHT + 90
    assert (route.driving_s, route.distance_m) == (90 + 1200, 10_000)


@pytest.mark.parametrize(
    ("day", "stop_ids"),
    [
        pytest.param(live(leg_s=None), ("s2", "s1"), id="no live leg is known"),
        pytest.param(live(locked=0), ("s2", "s1"), id="nothing is locked"),
        pytest.param(live(), ("s1", "s2"), id="it was measured to another stop"),
    ],
)
def test_else_the_first_leg_comes_from_the_matrix(day: Problem, stop_ids: tuple[str, ...]) -> None:
    leg = {"s1": 600, "s2": 1200}[stop_ids[0]]
    assert time_route(day, road(4), day.vehicles[0], stop_ids).visits[0].arrival_s == EIGHT + leg


def test_a_matrix_other_than_the_problems_is_refused() -> None:
    day = problem(road(3), [stop(1)])
    with pytest.raises(BadInput, match="was built on travel times"):
        Schedule(day, road(3, minutes=11))


def test_a_place_outside_the_matrix_is_refused() -> None:
    with pytest.raises(BadInput, match="row 5 is not in the matrix of 3"):
        Schedule(problem(road(3), [stop(5)]), road(3))


def test_an_unknown_stop_is_refused() -> None:
    day = problem(road(3), [stop(1)])
    with pytest.raises(BadInput, match="no stop s2"):
        time_route(day, road(3), day.vehicles[0], ("s2",))


def test_sums_do_not_wrap_at_32_bits() -> None:
    matrix = road(3, minutes=15_000_000)
    day = problem(matrix, [stop(1), stop(2)])
    assert time_route(day, matrix, day.vehicles[0], ("s1", "s2")).end_s > 2**31


@pytest.mark.parametrize(
    ("rate", "amount", "unit", "cents"),
    [(100, 30, 60, 50), (1, 30, 60, 1), (1, 29, 60, 0), (3, -30, 60, -1), (0, 99, 60, 0)],
)
def test_cents_are_rounded_halves_up(rate: int, amount: int, unit: int, cents: int) -> None:
    assert per(rate, amount, unit) == cents


def test_a_clock_reads_hours_and_minutes_past_midnight_too() -> None:
    assert (clock(9 * HOUR + 5 * MINUTE), clock(25 * HOUR)) == ("09:05", "25:00")


Day = tuple[Problem, Matrix]


def a_route(day: Problem, data: st.DataObject) -> tuple[Vehicle, tuple[str, ...]]:
    vehicle = data.draw(st.sampled_from(day.vehicles))
    order = data.draw(st.permutations([s.id for s in day.stops]))
    return vehicle, tuple(order[: data.draw(st.integers(0, len(order)))])


@given(days(), st.data())
@few
def test_time_never_runs_back_and_service_waits_for_its_window(made: Day, data: st.DataObject) -> None:
    day, matrix = made
    vehicle, stop_ids = a_route(day, data)
    route = time_route(day, matrix, vehicle, stop_ids)
    moment, here = vehicle.ready_s, vehicle.start
    for visit in route.visits:
        place = day.stop(visit.stop_id)
        assert moment <= visit.arrival_s <= visit.start_s <= visit.departure_s
        assert visit.departure_s - visit.start_s == place.takes_s(vehicle.kind, here == place.location)
        inside = any(lo <= visit.start_s <= hi for lo, hi in place.windows)
        assert inside or not place.windows or any(w.startswith(f"{place.id} misses") for w in route.broken)
        moment, here = visit.departure_s, place.location
    assert route.end_s >= moment


@given(days(), st.data())
@few
def test_a_routes_time_and_price_are_the_sums_of_their_parts(made: Day, data: st.DataObject) -> None:
    day, matrix = made
    vehicle, stop_ids = a_route(day, data)
    schedule = Schedule(day, matrix)
    route, timing = schedule.route(vehicle, stop_ids), schedule.timing(vehicle, stop_ids)
    service = sum(v.departure_s - v.start_s for v in route.visits)
    assert service == timing.task_s
    assert route.end_s - route.start_s == route.driving_s + route.waiting_s + route.resting_s + service
    parts = costs(day.weights, vehicle, timing)
    assert min(parts) >= 0
    assert route.cost == sum(parts) == parts.total == schedule.cost(vehicle, stop_ids)
    assert parts.late == per(day.weights.late_minute, sum(v.late_s for v in route.visits), 60)


@given(days(), st.data())
@few
def test_leaving_later_never_arrives_earlier(made: Day, data: st.DataObject) -> None:
    day, matrix = made
    vehicle, stop_ids = a_route(day, data)
    # a break that only a light van may take can fall into a later window for who is early
    assume(not any(own.max_load for own in vehicle.breaks))
    later = vehicle.model_copy(update={"ready_s": vehicle.ready_s + data.draw(st.integers(0, HOUR))})
    schedule = Schedule(day, matrix)
    pairs = zip(schedule.route(vehicle, stop_ids).visits, schedule.route(later, stop_ids).visits, strict=True)
    assert all(a.start_s <= b.start_s for a, b in pairs)
