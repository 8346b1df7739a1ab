"""Days that several stories look at: lived once a run, by the real processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from evals.report import DayReport
from evals.world.result import DayResult
from evals.world.scenario import Scenario
from evals.world.synthetic import synthetic
from tests.living import copy_of
from tests.stories.house import House, a_house

SEED = 4
"""A lively day: stops that run late, customers who text, approvals and escalations."""


def city(seed: int = SEED) -> Scenario:
    return synthetic(seed, orders=60, vans=4).model_copy(update={"iterations": 2000})


@dataclass(frozen=True)
class Lived:
    """A day that is over: its processes have ended, its database and its files can be looked into."""

    house: House
    scenario: Scenario
    result: DayResult
    report: DayReport

    def copy(self, name: str) -> AbstractContextManager[str]:
        """The URL of a copy of the day's database, to do harm to."""
        return copy_of(self.house.url, name)


@pytest.fixture(scope="session")
def lived() -> Iterator[Lived]:
    scenario = city()
    with a_house(SEED) as house:
        result, report = house.live(scenario)
        house.stop()
        house.server.start()  # held by this process from here on
        yield Lived(house, scenario, result, report)
