from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer import options
from optimizer.checker import check
from optimizer.hours import Duty
from optimizer.insertion import first_plan
from optimizer.ortools_engine import solve
from optimizer.problem import Break, Hours, Problem, Rest, Route, Vehicle
from optimizer.schedule import Schedule, time_route
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, MINUTE, as_plan, days, few, problem, road, stop, van

EIGHT = 8 * HOUR
LUNCH = Break(id="lunch", duration_s=30 * MINUTE, windows=((12 * HOUR, 13 * HOUR),))


def driver(*, hours: Hours | None = None, breaks: tuple[Break, ...] = (), driven_min: int = 0) -> Vehicle:
    return van(shift_end_s=24 * HOUR).model_copy(
        update={"hours": hours, "breaks": breaks, "driven_s": driven_min * MINUTE, "drove_s": driven_min * MINUTE}
    )


def timed(vehicle: Vehicle, *places: int, **of_each: object) -> Route:
    matrix = road(60)
    stops = [stop(place, **of_each) for place in places]  # type: ignore[arg-type]
    day = problem(matrix, stops, [vehicle], {"v1": tuple(s.id for s in stops)})
    assert check(day, matrix, as_plan(day, matrix)) == ()
    return time_route(day, matrix, vehicle, [s.id for s in stops])


def test_a_break_comes_before_the_leg_that_would_be_too_much() -> None:
    route = timed(driver(hours=Hours()), 20, 24)
    assert route.rests == (Rest(position=2, at_s=EIGHT + 250 * MINUTE, duration_s=2700, driven_s=0),)
    assert route.end_s == EIGHT + (480 + 10 + 45) * MINUTE


def test_a_leg_that_is_too_long_by_itself_is_broken_on_the_way() -> None:
    route = timed(driver(hours=Hours(day_s=24 * HOUR)), 30)
    assert [(rest.position, rest.driven_s) for rest in route.rests] == [(0, 16_200), (1, 0), (1, 16_200)]


def test_what_was_driven_before_counts() -> None:
    rested, tired = timed(driver(hours=Hours()), 6), timed(driver(hours=Hours(), driven_min=240), 6)
    assert (rested.rests, len(tired.rests)) == ((), 1)
    assert tired.rests[0].at_s == EIGHT


def test_waiting_that_is_long_enough_is_a_break() -> None:
    route = timed(driver(hours=Hours(), driven_min=200), 2, 10, windows=((EIGHT + 100 * MINUTE, 20 * HOUR),))
    assert [(rest.position, rest.driven_s) for rest in route.rests][:1] == [(0, 1200)]
    assert route.visits[0].start_s == EIGHT + 100 * MINUTE, "which costs no time"


@pytest.mark.parametrize(
    ("places", "at"),
    [
        pytest.param((10, 12, 14, 16, 18, 20), 12 * HOUR + 5 * MINUTE, id="at the first door after it opens"),
        pytest.param((1,), None, id="home before it opens: none is needed"),
        pytest.param((22, 24), 12 * HOUR, id="before the stop that would run past its end, and at its time"),
    ],
)
def test_a_break_with_a_time_of_its_own_is_taken_in_it(places: tuple[int, ...], at: int | None) -> None:
    rests = timed(driver(breaks=(LUNCH,)), *places).rests
    assert [rest.break_id for rest in rests] == (["lunch"] if at else [])
    for rest in rests:
        assert LUNCH.windows[0][0] <= rest.at_s <= LUNCH.windows[0][1]


def test_a_break_whose_time_is_over_is_said_to_be_missed() -> None:
    matrix, late = road(4), driver(breaks=(LUNCH.model_copy(update={"windows": ((7 * HOUR, 7 * HOUR + 60),)}),))
    day = problem(matrix, [stop(1)], [late], {"v1": ("s1",)})
    assert {b.kind for b in Schedule(day, matrix).breaches(late, Schedule(day, matrix).timing(late, ("s1",)))} == {
        "break"
    }
    assert {v.kind for v in check(day, matrix, as_plan(day, matrix))} == {"break"}


@pytest.mark.parametrize(
    ("rest", "kind"),
    [
        pytest.param(None, "break", id="none at all"),
        pytest.param({"at_s": 11 * HOUR}, "break", id="before it may begin"),
        pytest.param({"duration_s": 60}, "break", id="too short"),
        pytest.param({"position": 1, "at_s": EIGHT}, "break", id="when nobody can rest"),
        pytest.param({"break_id": "nap"}, "break", id="another's"),
    ],
)
def test_the_checker_finds_breaks_that_are_none(rest: dict[str, object] | None, kind: str) -> None:
    matrix, vehicle = road(60), driver(breaks=(LUNCH,))
    day = problem(matrix, [stop(23), stop(25)], [vehicle], {"v1": ("s23", "s25")})
    plan = as_plan(day, matrix)
    right = plan.routes[0].rests[0]
    wrong = () if rest is None else (right.model_copy(update=rest),)
    bad = plan.model_copy(update={"routes": (plan.routes[0].model_copy(update={"rests": wrong}),)})
    assert kind in {v.kind for v in check(day, matrix, bad)}


def test_the_checker_finds_driving_without_a_break() -> None:
    matrix, free = road(60), driver()
    day = problem(matrix, [stop(20), stop(28)], [free], {"v1": ("s20", "s28")})
    plan, bound = as_plan(day, matrix), day.model_copy(update={"vehicles": (driver(hours=Hours()),)})
    assert {v.kind for v in check(bound, matrix, plan)} == {"hours"}


@given(days())
@few
def test_no_plan_and_no_change_of_it_breaks_the_laws_hours(made: tuple[Problem, Matrix]) -> None:
    """Random days, running ones too: what an engine plans, and what is done about any stop."""
    day, matrix = made
    broken = {v.subject for v in check(day, matrix, as_plan(day, matrix)) if v.kind == "hours"}
    for plan in (solve(day, matrix, iterations=100), first_plan(day, matrix)):
        locked = {v.id for v in day.vehicles if v.locked and day.routes.get(v.id)}
        assert {v.subject for v in check(day, matrix, plan) if v.kind == "hours"} <= locked
    worst = {v.id: _over_s(day, matrix, v.id, day.routes.get(v.id, ())) for v in day.vehicles}
    for each in day.stops:
        for option in options.options(day, matrix, each.id):
            after = options.applied(day, option)
            found = {v.subject for v in check(after, matrix, as_plan(after, matrix)) if v.kind == "hours"}
            if option.feasible:
                assert found <= broken
                for name in found:
                    assert _over_s(after, matrix, name, after.routes[name]) <= worst[name], "nor makes it worse"


def _over_s(day: Problem, matrix: Matrix, name: str, stop_ids: tuple[str, ...]) -> int:
    return Schedule(day, matrix).timing(day.vehicle(name), stop_ids).over_s


@given(st.lists(st.integers(0, 4 * HOUR), min_size=1, max_size=12), st.integers(0, 5 * HOUR))
def test_between_two_breaks_nobody_drives_longer_than_the_law(legs: list[int], before: int) -> None:
    """The law by itself, without a problem around it: stretches of driving between breaks, added up from the rests."""
    duty = Duty(driver(hours=Hours(), driven_min=before // MINUTE))
    now, driven = EIGHT, [(before // MINUTE) * MINUTE]
    for position, leg_s in enumerate(legs):
        count = len(duty.rests)
        now = duty.drive(position, now, leg_s)
        marks = [0, *(rest.driven_s for rest in duty.rests[count:]), leg_s]
        stretches = [b - a for a, b in pairwise(marks)]
        driven[-1] += stretches[0]
        driven += stretches[1:]
    assert all(each <= 16_200 for each in driven[1:])
    assert driven[0] <= max(16_200, before)
    assert duty.driving.today_s == sum(legs) + before // MINUTE * MINUTE


def test_two_waits_make_a_break_and_after_the_first_half_an_hour_is_enough() -> None:
    """Article 7: 15 minutes and later 30 are as good as 45 at once."""
    wait = ((EIGHT + 60 * MINUTE, 20 * HOUR),)
    matrix, law = road(60), Hours(day_s=24 * HOUR)
    stops = [stop(4, windows=wait), stop(24)]
    day = problem(matrix, stops, [driver(hours=law)], {"v1": ("s4", "s24")})
    rests = time_route(day, matrix, day.vehicles[0], ["s4", "s24"]).rests
    assert [(rest.position, rest.duration_s // MINUTE) for rest in rests][:2] == [(0, 15), (2, 30)]
    assert check(day, matrix, as_plan(day, matrix)) == ()
    whole = day.model_copy(update={"vehicles": (driver(hours=law.model_copy(update={"parts_s": None})),)})
    assert [rest.duration_s // MINUTE for rest in time_route(whole, matrix, whole.vehicles[0], ["s4", "s24"]).rests][
        :1
    ] == [45]
    assert "hours" in {v.kind for v in check(whole, matrix, as_plan(day, matrix))}, "what is no law there is found"


def test_who_has_had_the_first_part_needs_the_second_one_only() -> None:
    had = driver(hours=Hours(), driven_min=240).model_copy(update={"part_rested": True})
    assert [rest.duration_s // MINUTE for rest in timed(had, 6).rests] == [30]
