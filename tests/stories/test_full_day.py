"""Story: a short day of an example operation at its own rates, lived twice by the real processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from evals.report import DayReport
from evals.report_judge import judge
from evals.world import operation
from evals.world.synthetic import city
from tests.stories.house import a_house

KIND = operation.read("pharmacy")
DAY = city(KIND, KIND.seed, orders=30, vans=3).model_copy(update={"iterations": 500})


def live(_: int) -> DayReport:
    with a_house(DAY.seed) as house:
        return house.live(DAY)[1]


@pytest.fixture(scope="module")
def days() -> Iterator[list[DayReport]]:
    with ThreadPoolExecutor(2) as both:
        yield list(both.map(live, range(2)))


@pytest.mark.timeout(400)
def test_the_rates_of_the_operation_are_what_happens(days: list[DayReport]) -> None:
    report = days[0]
    assert report.rates == KIND.rates
    assert report.world.live == {"taken": 6}, "20 % of 30 come during the day"
    assert report.world.breakdowns_min.keys() <= {van.id for van in DAY.vehicles}
    assert len(report.world.breakdowns_min) == 1
    assert sum(report.world.roads.values()) == 1
    assert report.world.texts


@pytest.mark.timeout(400)
def test_the_day_ends_whole_and_its_goods_reconcile(days: list[DayReport]) -> None:
    failed = [line.what for line in judge(days[0]) if not line.passed]
    assert not set(failed) & {
        "orders in no final state",
        "orders that the server counts",
        "the decision log",
        "effects that are unknown",
        "decisions outside policy",
        "vans that came home",
        "custody reconciles",
    }
    assert sum(days[0].endings.values()) == len(DAY.orders)


@pytest.mark.timeout(400)
def test_a_day_with_live_orders_and_a_breakdown_is_the_same_day_again(days: list[DayReport]) -> None:
    first, again = days
    assert again.log == first.log
    assert again.to_json() == first.to_json()
