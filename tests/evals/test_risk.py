from __future__ import annotations

import pytest

from evals import risk


def test_on_towns_that_nobody_learned_from_it_fails_as_often_as_was_said() -> None:
    found = risk.judge([101, 102, 103])
    assert found.gates() == []
    assert found.loss < 0.95 * found.base_loss
    assert sum(count for _, count, *_ in found.table) == 3 * (risk.DAYS - risk.BURN_IN) * risk.A_DAY
    assert any(lo >= 20 and count > 500 for lo, count, *_ in found.table), "and it finds the risky ones"


def test_a_town_is_the_same_again_and_eight_percent_fail() -> None:
    one, again = list(risk.live(7)), list(risk.live(7))
    assert one == again
    assert sum(said.truth for said in one) / len(one) == pytest.approx(0.08, abs=0.03)


def test_the_gates_see_a_figure_that_is_off() -> None:
    bad = risk.Judged(0.3, 0.2, 0.1, 0.1, [(20, 1000, 0.24, 0.30, 0.30), (30, 10, 0.4, 0.9, 0.9)])
    assert bad.gates() == ["20 % and more: said 24.0%, failed 30.0%", "no better than the base rate"]
