from __future__ import annotations

import statistics

from hypothesis import given
from hypothesis import strategies as st

from evals.world import chance


@given(st.lists(st.text(max_size=8), min_size=1, max_size=20, unique=True), st.randoms(use_true_random=False))
def test_a_draw_does_not_depend_on_what_was_drawn_before(keys: list[str], shuffle: st.DrawFn) -> None:
    first = {key: chance.unit(1, key) for key in keys}
    assert {key: chance.unit(1, key) for key in reversed(keys)} == first
    assert all(0 <= value < 1 for value in first.values())


@given(st.integers(-50, 50), st.integers(0, 50), st.integers())
def test_between_includes_both_ends_and_nothing_beyond(lo: int, width: int, key: int) -> None:
    assert lo <= chance.between(lo, lo + width, key) <= lo + width


def test_between_reaches_both_ends() -> None:
    assert {chance.between(1, 3, n) for n in range(100)} == {1, 2, 3}


def test_noise_has_mean_one_and_the_spread_asked_for() -> None:
    drawn = [chance.noise(0.15, "leg", n) for n in range(20_000)]
    assert abs(statistics.fmean(drawn) - 1) < 0.005
    assert abs(statistics.stdev(drawn) - 0.15) < 0.01


def test_happens_as_often_as_its_odds() -> None:
    assert 150 < sum(chance.happens(0.02, n) for n in range(10_000)) < 250


def test_these_draws_are_the_same_on_every_machine() -> None:
    assert chance.unit(7, "leg", "van-01") == 0.9279196753605415
    assert chance.between(20, 50, 7, "dock") == 36
