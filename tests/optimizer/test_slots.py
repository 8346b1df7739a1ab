"""Slots of one more stop: what a resident plan says is what timing every position says, and what is taken holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from optimizer import slots
from optimizer.checker import check
from optimizer.native.resident import Legs, Resident
from optimizer.problem import rebuilt
from optimizer.travel import great_circle, legs_from
from tests.optimizer.a_problem import HOUR, as_plan, few, problem, road, stop, van
from tests.optimizer.native.test_resident import Day, running

__all__ = ["Day"]


@pytest.fixture(scope="module")
def town() -> Day:
    return running(60, 5, 4)


def test_windows_are_on_round_times_between_now_and_the_last_van() -> None:
    day = problem(road(2), [stop(1)], [van(ready_s=8 * HOUR, shift_end_s=13 * HOUR)])
    assert list(slots.windows(day, 2 * HOUR)) == [(8 * HOUR, 10 * HOUR), (10 * HOUR, 12 * HOUR)]
    later = rebuilt(day, now_s=9 * HOUR + 60)
    assert list(slots.windows(later, 2 * HOUR)) == [(10 * HOUR, 12 * HOUR)]
    assert next(slots.windows(later, HOUR)) == (10 * HOUR, 11 * HOUR)
    with pytest.raises(BadInput, match="length"):
        list(slots.windows(day, 0))


@few
@given(which=st.integers(0, 9), length=st.sampled_from([HOUR, 2 * HOUR, 3 * HOUR]))
def test_a_resident_plan_says_what_timing_every_position_says(town: Day, which: int, length: int) -> None:
    day, matrix, later = town
    asked = tuple(slots.windows(day, length))
    quick = slots.on_plan(Resident(day, matrix), later[which], asked)
    slow = slots.position_by_position(day, matrix, later[which], asked)
    assert [(s.from_s, s.cost_cents) for s in quick] == [(s.from_s, s.cost_cents) for s in slow]
    assert quick == slow or len({s.cost_cents for s in quick}) == len(quick), "they differ at ties alone"


@few
@given(which=st.integers(0, 9))
def test_what_is_taken_is_served_in_its_window_and_breaks_nothing(town: Day, which: int) -> None:
    day, matrix, later = town
    resident = Resident(day, matrix)
    for slot in slots.on_plan(resident, later[which], tuple(slots.windows(day, 2 * HOUR))):
        mine = later[which].model_copy(update={"windows": ((slot.from_s, slot.until_s),), "due_s": None})
        place = next(p for p in resident.places(mine) if p.vehicle_id == slot.vehicle_id)
        route = day.routes[slot.vehicle_id]
        routes = {**day.routes, slot.vehicle_id: (*route[: place.position], mine.id, *route[place.position :])}
        there = rebuilt(day, stops=(*day.stops, mine), routes=routes)
        assert not check(there, matrix, as_plan(there, matrix))


def test_a_place_outside_the_matrix_costs_what_it_would_inside() -> None:
    points = [(30.2, -97.7), (30.24, -97.7), (30.3, -97.72), (30.25, -97.69)]
    matrix, known = great_circle(points), great_circle(points[:3])
    vans, stops = [van("v1"), van("v2")], [stop(1), stop(2)]
    routes: dict[str, tuple[str, ...]] = {"v1": ("s1",), "v2": ("s2",)}
    inside = Resident(problem(matrix, stops, vans, routes), matrix)
    outside = Resident(problem(known, stops, vans, routes), known)
    seconds, metres = legs_from(points[3], points[:3])
    seconds.setflags(write=False)
    metres.setflags(write=False)
    more = stop(3)
    assert outside.places(more.model_copy(update={"location": 0}), Legs(seconds, metres)) == inside.places(more)
    assert inside.places(more)


def test_a_day_without_a_stop_has_slots() -> None:
    matrix = road(3)
    empty = problem(matrix, [])
    found = slots.on_plan(Resident(empty, matrix), stop(1), tuple(slots.windows(empty, 2 * HOUR)))
    assert [s.from_s for s in found] == [8 * HOUR, 10 * HOUR, 12 * HOUR, 14 * HOUR, 16 * HOUR]
    assert found == slots.position_by_position(empty, matrix, stop(1), tuple(slots.windows(empty, 2 * HOUR)))
