"""One answer for many stops that are late by one cause."""

from __future__ import annotations

import pytest

from optimizer import what_if
from optimizer.options import Option, Scope
from optimizer.problem import Problem, Zone
from optimizer.schedule import Schedule
from tests.optimizer.a_problem import HOUR, MINUTE, problem, road, stop, van

ROAD = road(7)
SOON = 8 * HOUR + 5 * MINUTE
WEIGHTS = Problem(matrix="", stops=(), vehicles=()).weights


def late_day(due_s: int = SOON) -> Problem:
    """Two vans with three stops each; all were promised a time that only the first of each van keeps."""
    stops = [stop(n, due_s=due_s) for n in range(1, 7)]
    return problem(ROAD, stops, [van("v1"), van("v2")], {"v1": ("s1", "s2", "s3"), "v2": ("s4", "s5", "s6")})


def answers(day: Problem, *stops: str) -> dict[str, Option]:
    scope = Scope(stops=stops)
    tried = what_if.candidates(day, ROAD, "incident", ("wait", "retell", "resequence"), scope)
    return {candidate.id: what_if.evaluate(day, ROAD, candidate) for candidate in tried}


def test_doing_nothing_breaks_a_promise_for_each_and_words_move_it() -> None:
    found = answers(late_day(), "s2", "s3", "s5", "s6")
    late = set(found["retell"].retold)
    assert {"s2", "s3", "s5", "s6"} <= late
    assert found["wait"].promises_broken == len(late)
    saved = len(late) * (WEIGHTS.broken_promise - WEIGHTS.retold_promise)
    assert found["wait"].cost_cents - found["retell"].cost_cents == saved
    assert found["wait"].retold == ()
    assert set(found["retell"].arrivals) >= late


def test_a_better_order_is_offered_only_when_there_is_one() -> None:
    found = answers(late_day(), "s2", "s3", "s5", "s6")["resequence"]
    assert (found.routes, found.feasible) == ({}, False)
    assert found.broken == ("no other order of the stops costs less",)


def test_the_urgent_stop_comes_first_where_that_costs_less() -> None:
    stops = [stop(1), stop(2), stop(3, due_s=8 * HOUR + 30 * MINUTE), stop(4)]
    day = problem(ROAD, stops, [van("v1")], {"v1": ("s1", "s2", "s4", "s3")})
    found = answers(day, "s3")
    assert found["resequence"].feasible
    assert found["resequence"].routes["v1"].index("s3") < 3
    assert found["resequence"].cost_cents < found["retell"].cost_cents


# Zones


def zone(**given: object) -> Zone:
    """A circle of 100 m between place 1 (400 m west of its centre) and place 2 (400 m east)."""
    places = ((0, -5000, 0), (1, -400, 0), (2, 400, 0), (3, 400, 5000))
    fields = {"from_s": 0, "until_s": 24 * HOUR, "percent": 300, "radius_m": 100, "places": places}
    return Zone.model_validate(fields | given)


@pytest.mark.parametrize(
    ("a", "b", "crosses", "why"),
    [
        ((-400, 0), (400, 0), True, "straight through"),
        ((-400, 100), (400, 100), True, "it touches"),
        ((-400, 101), (400, 101), False, "it passes by"),
        ((-400, 0), (-101, 0), False, "it ends before"),
        ((-400, 0), (-100, 0), True, "it ends at the rim"),
        ((50, 0), (5000, 0), True, "it begins inside"),
        ((200, 0), (5000, 0), False, "it leads away"),
        ((0, 0), (0, 0), True, "it stays inside"),
        ((300, 0), (300, 0), False, "it stays outside"),
    ],
)
def test_a_leg_crosses_when_its_straight_line_touches_the_circle(
    a: tuple[int, int], b: tuple[int, int], crosses: bool, why: str
) -> None:
    assert zone().is_crossed(a, b) is crosses, why
    assert zone().is_crossed(b, a) is crosses, why


def arrivals(day: Problem) -> dict[str, int]:
    vehicle = day.vehicles[0]
    return {row[0]: row[1] for row in Schedule(day, ROAD).timing(vehicle, day.routes[vehicle.id]).visits}


def test_a_leg_through_it_takes_longer_and_everything_behind_it_comes_later() -> None:
    day = problem(ROAD, [stop(1), stop(2), stop(3)], [van("v1")], {"v1": ("s1", "s2", "s3")})
    plain, slow = arrivals(day), arrivals(day.model_copy(update={"zones": (zone(),)}))
    leg = int(ROAD.durations_s[1, 2])
    assert slow["s1"] == plain["s1"], "the leg before it ends outside"
    assert slow["s2"] == plain["s2"] + 2 * leg
    assert slow["s3"] == plain["s3"] + 2 * leg


def test_two_circles_do_not_multiply_and_one_that_is_over_does_nothing() -> None:
    day = problem(ROAD, [stop(1), stop(2), stop(3)], [van("v1")], {"v1": ("s1", "s2", "s3")})
    plain, leg = arrivals(day), int(ROAD.durations_s[1, 2])
    both = arrivals(day.model_copy(update={"zones": (zone(), zone(percent=200))}))
    assert both["s2"] == plain["s2"] + 2 * leg
    assert arrivals(day.model_copy(update={"zones": (zone(until_s=8 * HOUR),)})) == plain
