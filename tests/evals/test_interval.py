"""Wilson's interval, by the figures of the paper's formula worked out by hand, and at its edges."""

from __future__ import annotations

import pytest

from evals.interval import wilson


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (98, 100, 0.9300, 0.9945)],
)
def test_the_interval_is_wilsons(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson(hits, trials) == pytest.approx((low, high), abs=5e-5)


def test_more_hits_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(3, 2)
