"""Story: one seed, one day. The same report to the byte and the same head of the log, however the processes ran."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from evals.report import DayReport
from tests.stories.conftest import SEED, Lived, city
from tests.stories.house import a_house

OTHER = SEED + 1


def a_day(seed: int, workers: int) -> DayReport:
    with a_house(seed, DOORSTEP_WORKERS=str(workers)) as house:
        return house.live(city(seed))[1]


@pytest.fixture(scope="module")
def reports(lived: Lived) -> Iterator[dict[str, DayReport]]:
    """The day again, and another seed's, side by side: they take the machine from one another as others' work would,
    and one has a worker more."""
    with ThreadPoolExecutor(2) as both:
        again, other = both.submit(a_day, SEED, 2), both.submit(a_day, OTHER, 1)
        yield {"first": lived.report, "again": again.result(), "other": other.result()}


@pytest.mark.timeout(400)
def test_two_runs_with_one_seed_give_the_same_bytes_and_the_same_head(reports: dict[str, DayReport]) -> None:
    first, again = reports["first"], reports["again"]
    assert again.log == first.log
    assert again.to_json() == first.to_json()


@pytest.mark.timeout(400)
def test_the_day_that_is_compared_is_one_in_which_things_happen(reports: dict[str, DayReport]) -> None:
    first = reports["first"]
    assert len(first.cases) >= 3
    assert first.decisions.get("auto", 0) >= 10
    assert first.decisions.get("approved", 0) >= 1
    assert first.world.texts.get("reschedule", 0) >= 1


@pytest.mark.timeout(400)
def test_another_seed_gives_another_day_and_another_head(reports: dict[str, DayReport]) -> None:
    first, other = reports["first"], reports["other"]
    assert other.log.head != first.log.head
    assert (other.orders, other.plans) != (first.orders, first.plans)
    assert other.log.verified
