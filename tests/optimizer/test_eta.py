from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from optimizer.eta import predict
from optimizer.problem import Problem
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, MINUTE, days, few, problem, road, stop, van

NOW = 8 * HOUR


def on_the_road(*, leg_s: int = 300, windows: tuple[tuple[int, int], ...] = ()) -> tuple[Problem, Matrix]:
    matrix = road(4)
    stops = [stop(1, windows=windows), stop(2), stop(3)]
    return problem(matrix, stops, [van(locked=1, first_leg_s=leg_s)], {"v1": ("s1", "s2", "s3")}), matrix


def test_the_expected_times_are_those_of_the_schedule() -> None:
    found = predict(*on_the_road(), "v1")
    assert [(e.stop_id, e.p50_s - NOW) for e in found] == [("s1", 300), ("s2", 1200), ("s3", 2100)]


def test_the_spread_is_the_documented_formula() -> None:
    first, second, _ = predict(*on_the_road(), "v1")
    sigma = (90**2 + (0.25 * 300) ** 2) ** 0.5
    assert first.hi_s - first.p50_s == pytest.approx(1.2816 * sigma, abs=1)
    sigma = (90**2 + (0.25 * 300) ** 2 + (0.45 * 300) ** 2 + (0.25 * 600) ** 2) ** 0.5
    assert second.hi_s - second.p50_s == pytest.approx(1.2816 * sigma, abs=1)
    assert second.p50_s - second.lo_s == pytest.approx(1.2816 * sigma, abs=1)


def test_a_van_at_the_door_is_not_expected_in_the_past() -> None:
    first = predict(*on_the_road(leg_s=0), "v1")[0]
    assert (first.lo_s, first.p50_s) == (NOW, NOW)
    assert first.hi_s == NOW + 115, "nothing is known better than to 90 s"


def test_service_does_not_start_before_its_window_however_early_the_van() -> None:
    opens = NOW + HOUR
    first, second, _ = predict(*on_the_road(windows=((opens, opens + HOUR),)), "v1")
    assert (first.lo_s, first.p50_s, first.hi_s) == (opens, opens, opens)
    alone = 1.2816 * ((0.45 * 300) ** 2 + (0.25 * 600) ** 2) ** 0.5
    assert second.hi_s - second.p50_s == pytest.approx(alone, abs=1), "the wait swallowed what came before"


def test_a_range_that_reaches_into_a_window_keeps_the_late_part() -> None:
    opens = NOW + 300 + 60
    first = predict(*on_the_road(windows=((opens, opens + HOUR),)), "v1")[0]
    assert (first.lo_s, first.p50_s) == (opens, opens)
    assert opens < first.hi_s < opens + 2 * MINUTE


def test_the_range_holds_about_four_times_in_five() -> None:
    """Drawn from the errors that the formula assumes."""
    last = predict(*on_the_road(), "v1")[-1]
    draw = np.random.default_rng(1)
    legs = sum(draw.normal(leg, 0.25 * leg, 20_000) for leg in (300, 600, 600))
    service = sum(draw.normal(300, 0.45 * 300, 20_000) for _ in range(2))
    start = NOW + legs + service + draw.normal(0, 90, 20_000)
    assert 0.78 < ((start >= last.lo_s) & (start <= last.hi_s)).mean() < 0.82


def test_a_van_without_stops_has_nothing_to_expect() -> None:
    assert predict(problem(road(2), [stop(1)]), road(2), "v1") == ()


@given(days())
@few
def test_ranges_hold_their_median_and_never_lie_in_the_past(made: tuple[Problem, Matrix]) -> None:
    day, matrix = made
    for vehicle in day.vehicles:
        found = predict(day, matrix, vehicle.id)
        assert [e.stop_id for e in found] == list(day.routes[vehicle.id])
        assert all(day.now_s <= e.lo_s <= e.p50_s <= e.hi_s for e in found)
        assert all(a.p50_s <= b.p50_s for a, b in pairwise(found))
