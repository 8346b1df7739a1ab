from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given

from core.errors import BadInput
from optimizer import eta
from optimizer.eta import Learned, Situation, Spread
from optimizer.problem import Problem
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, MINUTE, days, few, problem, road, stop, van

NOW = 8 * HOUR
NORMAL = Spread(leg_percent=25, service_percent=45, common_percent=0, floor_s=90, lo=(1282,), hi=(1282,))


def known(spread: Spread = NORMAL) -> Learned:
    return Learned(source={}, spreads=dict.fromkeys(get_args(Situation), spread))


def predict(day: Problem, matrix: Matrix, vehicle: str, spread: Spread = NORMAL) -> tuple[eta.Eta, ...]:
    return eta.predict(day, matrix, vehicle, known=known(spread))


def on_the_road(*, leg_s: int = 300, windows: tuple[tuple[int, int], ...] = ()) -> tuple[Problem, Matrix]:
    matrix = road(4)
    stops = [stop(1, windows=windows), stop(2), stop(3)]
    driving = van(locked=1, first_leg_s=leg_s, on_road=True)
    return problem(matrix, stops, [driving], {"v1": ("s1", "s2", "s3")}), matrix


def spread_of(found: eta.Eta) -> int:
    return found.hi_s - found.p50_s


def test_the_expected_times_are_those_of_the_schedule() -> None:
    found = predict(*on_the_road(), "v1")
    assert [(e.stop_id, e.p50_s - NOW) for e in found] == [("s1", 300), ("s2", 1200), ("s3", 2100)]


def test_the_spread_is_the_documented_formula() -> None:
    first, second, _ = predict(*on_the_road(), "v1")
    sigma = (90**2 + (0.25 * 300) ** 2) ** 0.5
    assert spread_of(first) == pytest.approx(1.2816 * sigma, abs=1)
    sigma = (90**2 + (0.25 * 300) ** 2 + (0.45 * 300) ** 2 + (0.25 * 600) ** 2) ** 0.5
    assert spread_of(second) == pytest.approx(1.2816 * sigma, abs=1)
    assert second.p50_s - second.lo_s == pytest.approx(1.2816 * sigma, abs=1)


def test_what_a_whole_drive_shares_adds_up_instead_of_evening_out() -> None:
    shared = NORMAL.model_copy(update={"leg_percent": 0, "service_percent": 0, "common_percent": 10, "floor_s": 1})
    first, second, third = predict(*on_the_road(), "v1", shared)
    for found, before in ((first, 300), (second, 1200), (third, 2100)):
        assert spread_of(found) == pytest.approx(1.2816 * (1 + (0.1 * before) ** 2) ** 0.5, abs=1)


def test_each_end_has_a_factor_of_its_own_that_changes_with_the_lead() -> None:
    flat = {"leg_percent": 0, "service_percent": 0, "floor_s": 100, "lead_s": (600, 1200)}
    spread = NORMAL.model_copy(update=flat | {"lo": (1000, 2000, 3000), "hi": (1500, 2500, 3500)})
    found = predict(*on_the_road(), "v1", spread)
    assert [(e.p50_s - e.lo_s, spread_of(e)) for e in found] == [(100, 150), (300, 350), (300, 350)]
    earlier = predict(*on_the_road(leg_s=1199 - 900), "v1", spread)[1]
    assert (earlier.p50_s - earlier.lo_s, spread_of(earlier)) == (200, 250), "a second less ahead"


@pytest.mark.parametrize(
    ("vehicle", "does"),
    [
        (van(ready_s=NOW + 60), "early"),
        (van(ready_s=NOW), "overdue"),
        (van(ready_s=NOW, on_road=True, locked=1), "driving"),
        (van(ready_s=NOW + 60, on_road=True), "serving"),
    ],
)
def test_what_a_van_does_says_which_spread_counts(vehicle: Any, does: Situation) -> None:
    spreads = {name: NORMAL.model_copy(update={"floor_s": 600}) for name in get_args(Situation)}
    spreads[does] = NORMAL.model_copy(update={"floor_s": 1, "leg_percent": 0})
    day = problem(road(2), [stop(1)], [vehicle], {"v1": ("s1",)}, now_s=NOW)
    assert eta.situation(vehicle, NOW) == does
    assert spread_of(eta.predict(day, road(2), "v1", known=Learned(source={}, spreads=spreads))[0]) == 1


def test_a_van_at_the_door_is_not_expected_in_the_past() -> None:
    first = predict(*on_the_road(leg_s=0), "v1")[0]
    assert (first.lo_s, first.p50_s) == (NOW, NOW)
    assert first.hi_s == NOW + 115, "nothing is known better than to 90 s"


def test_service_does_not_start_before_its_window_however_early_the_van() -> None:
    opens = NOW + HOUR
    first, second, _ = predict(*on_the_road(windows=((opens, opens + HOUR),)), "v1")
    assert (first.lo_s, first.p50_s, first.hi_s) == (opens, opens, opens)
    alone = 1.2816 * ((0.45 * 300) ** 2 + (0.25 * 600) ** 2) ** 0.5
    assert spread_of(second) == pytest.approx(alone, abs=1), "the wait swallowed what came before"


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


def test_what_ships_was_learned_and_says_from_what() -> None:
    shipped = eta.learned()
    assert set(shipped.spreads) == set(get_args(Situation))
    assert shipped.source["seeds"]
    assert shipped.source["command"] == "python -m evals.calibration --write"
    assert all(min(*s.lo, *s.hi) >= 0 and max(s.hi) > 0 for s in shipped.spreads.values())


def test_figures_with_a_factor_too_few_are_refused() -> None:
    with pytest.raises(BadInput, match="1 factors for 1 leads"):
        Spread.model_validate_json(json.dumps(NORMAL.model_dump() | {"lead_s": [600]}))


@given(days())
@few
def test_ranges_hold_their_median_and_never_lie_in_the_past(made: tuple[Problem, Matrix]) -> None:
    day, matrix = made
    for vehicle in day.vehicles:
        found = eta.predict(day, matrix, vehicle.id)
        assert [e.stop_id for e in found] == list(day.routes[vehicle.id])
        assert all(day.now_s <= e.lo_s <= e.p50_s <= e.hi_s for e in found)
        assert all(a.p50_s <= b.p50_s for a, b in pairwise(found))
