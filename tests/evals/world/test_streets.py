from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.world.scenario import Matrix, Point
from evals.world.streets import DETOUR, SlowZone, Streets, Table, drive_s, heading, metres

A: Point = (39.90, -75.90)
B: Point = (39.95, -75.95)
TZ = "America/New_York"
NOON = int(datetime(2026, 3, 10, 16, tzinfo=UTC).timestamp())
"""12:00 local"""
POINTS = st.tuples(st.floats(39, 41).map(lambda x: round(x, 5)), st.floats(-76, -74).map(lambda x: round(x, 5)))


@given(st.lists(st.tuples(POINTS, POINTS), min_size=2, max_size=10, unique=True), st.integers(0, 100))
def test_a_leg_takes_as_long_whatever_was_driven_before_it(legs: list[tuple[Point, Point]], seed: int) -> None:
    streets = Streets(seed)
    there = [streets.leg_s("van-01", "dep-a", TZ, a, b, NOON) for a, b in legs]
    back = [Streets(seed).leg_s("van-01", "dep-a", TZ, a, b, NOON) for a, b in reversed(legs)]
    assert there == back[::-1]


def test_luck_is_of_the_seed_the_van_and_the_direction() -> None:
    def leg(seed: int = 1, van: str = "van-01", a: Point = A, b: Point = B) -> int:
        return Streets(seed).leg_s(van, "dep-a", TZ, a, b, NOON)

    assert len({leg(), leg(seed=2), leg(van="van-02"), leg(a=B, b=A)}) == 4
    assert leg() == leg()


def test_times_scatter_around_the_detour_at_the_hours_speed() -> None:
    plain = drive_s(metres(A, B), 12)
    drawn = [Streets(seed).leg_s("van-01", "dep-a", TZ, A, B, NOON) / plain for seed in range(2000)]
    assert abs(fmean(drawn) - 1) < 0.02
    assert abs(stdev(drawn) - 0.15) < 0.02


@pytest.mark.parametrize(
    ("road_km", "kmh"),
    [
        pytest.param(0.1, 20.1, id="around the corner: parking and turning"),
        pytest.param(1.0, 24.1, id="through the quarter"),
        pytest.param(3.8, 37.6, id="on the main road"),
        pytest.param(30.0, 61.0, id="out to the depot"),
    ],
)
def test_short_legs_are_slower_than_long_ones(road_km: float, kmh: float) -> None:
    assert road_km * 3600 / drive_s(road_km * 1000 / DETOUR, 12) == pytest.approx(kmh, abs=0.1)


def test_the_morning_peak_is_slower_than_the_night() -> None:
    eight, three = (NOON - 4 * 3600, NOON - 9 * 3600)
    streets = Streets(1)
    assert streets.leg_s("v", "d", TZ, A, B, eight) > 1.5 * streets.leg_s("v", "d", TZ, A, B, three)


def test_hours_are_local() -> None:
    streets = Streets(1)
    assert streets.leg_s("v", "d", TZ, A, B, NOON) != streets.leg_s("v", "d", "Asia/Tokyo", A, B, NOON)


def test_staying_takes_no_time() -> None:
    assert Streets(1).leg_s("v", "d", TZ, A, A, NOON) == 0


@pytest.mark.parametrize(
    ("middle", "at", "slow"),
    [
        pytest.param(A, NOON, True, id="it starts in the zone"),
        pytest.param(B, NOON, True, id="it ends in the zone"),
        pytest.param((39.925, -75.925), NOON, True, id="it passes through"),
        pytest.param((39.80, -75.90), NOON, False, id="the zone is elsewhere"),
        pytest.param(A, NOON - 1, False, id="a second before it begins"),
        pytest.param(A, NOON + 3600, False, id="it has just ended"),
    ],
)
def test_a_slow_zone_slows_what_touches_it_while_it_lasts(middle: Point, at: int, slow: bool) -> None:
    zone = SlowZone(middle, 1500, NOON, NOON + 3600, 2.0)
    usual, today = Streets(1), Streets(1, (zone,))
    took, takes = (streets.leg_s("v", "d", TZ, A, B, at) for streets in (usual, today))
    assert takes == (pytest.approx(2 * took, abs=2) if slow else took)


def test_zones_that_overlap_count_once() -> None:
    zone = SlowZone(A, 1500, NOON, NOON + 3600, 1.5)
    assert Streets(1, (zone, replace(zone, factor=2.0))).slowness(A, B, NOON) == 2.0


def test_a_depots_own_matrix_is_used_with_its_asymmetry_and_the_same_luck() -> None:
    table = Table.of(Matrix(locations=(A, B), durations_s=((0, 1000), (4000, 0))))
    streets = Streets(1, matrices={"dep-a": table})
    there, back = (streets.leg_s("v", "dep-a", TZ, *leg, NOON) for leg in ((A, B), (B, A)))
    assert 600 < there < 1700
    assert 2400 < back < 6800
    assert streets.leg_s("v", "dep-b", TZ, A, B, NOON) == Streets(1).leg_s("v", "dep-b", TZ, A, B, NOON)


def test_a_place_that_the_matrix_lacks_falls_back_on_the_straight_line() -> None:
    streets = Streets(1, matrices={"dep-a": Table.of(Matrix(locations=(A,), durations_s=((0,),)))})
    assert streets.leg_s("v", "dep-a", TZ, A, B, NOON) == Streets(1).leg_s("v", "dep-a", TZ, A, B, NOON)


def test_a_degree_of_latitude_is_111_km() -> None:
    assert metres((0, 0), (1, 0)) == pytest.approx(111_195, abs=1)


@pytest.mark.parametrize(
    ("to", "degrees"),
    [((1, 0), 0), ((0, 1), 90), ((-1, 0), 180), ((0, -1), 270)],
    ids=["north", "east", "south", "west"],
)
def test_headings_are_clockwise_from_north(to: Point, degrees: int) -> None:
    assert heading((0, 0), to) == degrees
