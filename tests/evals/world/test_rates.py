from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from evals.world import operation
from evals.world.rates import ANSWERS, CALM, CLAIMS, REASONS, Rates

DOCS = (Path(__file__).parents[3] / "docs" / "world.md").read_text("utf-8")


def shown(value: object) -> str:
    return " to ".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}"


def test_every_rate_stands_in_the_docs_with_its_default() -> None:
    rates = Rates()
    plain = {name: getattr(rates, name) for name in Rates.model_fields if name not in ("reasons", "answers", "claimed")}
    rows = [f"| `{name}` | {shown(value)} |" for name, value in {**plain, **REASONS, **ANSWERS, **CLAIMS}.items()]
    assert [row for row in rows if row not in DOCS] == []


def test_every_operation_stands_in_the_docs_with_its_size() -> None:
    kinds = [operation.read(name) for name in operation.names()]
    rows = [f"| `{kind.name}` | {kind.orders.count}, {kind.fleet.vans} |" for kind in kinds]
    assert [row for row in rows if row not in DOCS] == []


def test_at_double_intensity_everything_goes_wrong_twice_as_often() -> None:
    twice = Rates().times(2)
    assert (twice.failed_attempts, twice.cancelled, twice.live, twice.texting) == (0.16, 0.10, 0.16, 0.20)
    assert (twice.breakdowns, twice.incidents, twice.slow_zones) == (2, 2, 4)
    assert (twice.urgent, twice.claims, twice.quick_vans, twice.breaks) == (0.02, 0.02, 2, 0.2)
    assert (twice.late_docks, twice.long_services) == (0.40, 0.02)
    assert (twice.answering, twice.service_sigma, twice.breakdown_min) == (0.70, 0.35, (40, 180)), (
        "these are not trouble"
    )


def test_a_share_never_passes_one() -> None:
    assert Rates(late_docks=0.6).times(3).late_docks == 1.0


def test_at_single_intensity_nothing_changes() -> None:
    assert CALM.times(1) == CALM


@pytest.mark.parametrize(("field", "value"), [("live", 1.2), ("failed_attempts", -0.1), ("breakdowns", -1)])
def test_an_impossible_rate_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ValidationError, match=field):
        Rates.model_validate({field: value})
