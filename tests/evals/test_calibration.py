"""The calibration: quantiles that hold, gates that miss, and a command that learns, tests and writes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from evals import calibration
from evals.calibration import Figures, Judged
from optimizer import eta

SMALL = ["--orders", "30", "--vans", "3", "--lucks", "9"]


def test_the_quantile_is_that_of_the_next_error_not_of_the_last_ones() -> None:
    assert calibration._quantile(np.arange(1.0, 10.0)) == 9, "9 errors: ten with the next one, nine tenths are all"
    assert calibration._quantile(np.arange(1.0, 100.0)) == 90
    assert calibration._quantile(np.full(20, -math.inf)) == 0, "nothing was ever beyond: no room is needed"
    assert calibration._quantile(np.array([])) == 0


def test_a_factor_of_few_errors_is_that_of_all() -> None:
    off = np.concatenate([np.ones(calibration.FEWEST), np.full(3, 50.0)])
    steps = np.concatenate([np.zeros(calibration.FEWEST, dtype=int), np.full(3, 4)])
    found = calibration._by_step(off, steps)
    assert (found[0], found[4]) == (1.0, 1.0)


def test_width_costs_its_share_and_what_lies_beyond_costs_in_full() -> None:
    off, sigma = np.array([-math.inf, 1.0, 3.0]), np.array([10.0, 10.0, 10.0])
    assert calibration._loss(off, sigma, np.full(3, 2.0)) == pytest.approx(3 * 10 * 0.1 * 2 + 10 * 1)


def judged(lead_s: int, *, held: bool = True, width_s: int = 600, true_s: float | None = 500) -> Judged:
    return Judged("driving", lead_s, width_s, held, true_s)


def test_leads_are_judged_apart() -> None:
    found = [judged(s) for s in (0, 1799, 1800, 7199, 7200, 90_000)]
    assert [each.predictions for each in calibration.by_lead(found)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("held", "width_s", "passes", "why"),
    [
        (80, 600, True, "four in five, a fifth wider than need be"),
        (76, 600, False, "too narrow"),
        (77, 600, True, "just"),
        (84, 600, False, "too wide to be 80 % ranges"),
        (80, 650, True, "at 1.3"),
        (80, 651, False, "too wide for what could be known"),
    ],
)
def test_a_gate_is_missed_on_either_side(held: int, width_s: int, passes: bool, why: str) -> None:
    found = [judged(60, held=n < held, width_s=width_s) for n in range(100)]
    assert calibration.figures(found, "x").passes is passes, why


def test_nothing_to_judge_passes_nothing() -> None:
    nothing = calibration.figures([], "x")
    assert nothing == Figures("x", 0, nothing.holds, nothing.width_s, nothing.ratio)
    assert not nothing.passes


def test_seeds_are_named_one_by_one_or_from_to() -> None:
    assert calibration.seeds("1-3,7") == [1, 2, 3, 7]
    assert calibration.seeds("none") == []


def test_what_was_learned_on_cannot_test_it() -> None:
    with pytest.raises(SystemExit, match="share a seed"):
        calibration.main(["--learn", "1-3", "--test", "3"])


def test_it_learns_tests_says_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "spread.json"
    asked = [*SMALL, "--learn", "1", "--test", "2", "--write", str(file)]
    code = calibration.main(asked)
    told, first = capsys.readouterr().out, file.read_text("utf-8")
    assert ("MISSED" in told) is (code == 1)
    assert [line.split()[0] for line in told.splitlines()[1:4]] == ["under", "30", "over"]
    made = eta.Learned.model_validate_json(first)
    assert (made.source["seeds"], made.source["world"]) == (
        [1],
        "the default operation at its rates, 30 orders, 3 vans",
    )
    calibration.main(asked)
    assert file.read_text("utf-8") == first, "the same seeds teach the same"


def test_the_ranges_that_ship_hold_on_a_day_that_nobody_learned_from(capsys: pytest.CaptureFixture[str]) -> None:
    """One day of the gates' ten is no gate: a van or two that leave late move all of their stops. But figures that were
    learned wrongly are far off."""
    calibration.main(["--learn", "none", "--test", "207", "--lucks", "3", "--true-every", "40"])
    rows = [line.replace("%", "").split() for line in capsys.readouterr().out.splitlines()[1:4]]
    predicted, held = ([float(row[row.index("all") + n]) for row in rows] for n in (1, 2))
    share = sum(n * percent for n, percent in zip(predicted, held, strict=True)) / sum(predicted)
    assert 60 < share < 95, held
