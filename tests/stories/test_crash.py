"""Story: a day on which every kind of process dies, at moments that nobody chose, and nothing is lost or done twice."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import pytest

from tests.stories import conftest
from tests.stories.house import PARTS, House, a_house, lost, sent_twice, unfinished

SEED = 11
"""of the moments; the day is the one that the other stories look at"""
KILLS = 10
CALLS = 1600
"""The world makes about 2,000 calls on this day: all moments fall into it."""
LATEST_S = 0.08
"""The blow falls so long after a call was sent: before, while or after it is served, and its work is done."""
KINDS = (*PARTS, "database")


def moments(seed: int) -> dict[int, tuple[str, float]]:
    """Number of a call -> what is killed, and how long after the call went out. Each kind at least twice."""
    draw = random.Random(seed)
    parts = [*KINDS, *KINDS, *draw.choices(KINDS, k=KILLS - 2 * len(KINDS))]
    draw.shuffle(parts)
    calls = sorted(draw.sample(range(10, CALLS), KILLS))
    return {call: (part, draw.uniform(0, LATEST_S)) for call, part in zip(calls, parts, strict=True)}


@dataclass
class Trouble(httpx.BaseTransport):
    """The line to the server, at whose calls things die."""

    house: House
    due: Mapping[int, tuple[str, float]]
    calls: int = 0
    killed: list[str] = field(default_factory=list)
    line: httpx.HTTPTransport = field(default_factory=httpx.HTTPTransport)
    under_way: list[threading.Timer] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if self.calls in self.due:
            part, after_s = self.due[self.calls]
            blow = threading.Timer(after_s, self.strike, [part])
            self.under_way.append(blow)
            blow.start()
        return self.line.handle_request(request)

    def strike(self, part: str) -> None:
        self.house.kill(part)
        self.killed.append(part)

    def close(self) -> None:
        for blow in self.under_way:
            blow.join()
        self.line.close()


@pytest.mark.timeout(300)
def test_a_day_on_which_everything_dies_ends_as_it_should() -> None:
    day = conftest.city()
    with a_house(conftest.SEED) as house:
        trouble = Trouble(house, moments(SEED))
        _, report = house.live(day, transport=trouble)
        assert len(trouble.killed) == KILLS
        assert set(trouble.killed) == set(KINDS)
        assert unfinished(house, day) == []
        assert report.orders.get("delivered", 0) >= 0.9 * len(day.orders)
        assert sent_twice(house) == []
        assert lost(house) == []
        assert report.outside_policy == 0
        verified = house.command("log", "verify")
        assert verified.returncode == 0, verified.stdout
        replayed = house.command("log", "replay")
        assert replayed.returncode == 0, replayed.stdout


def test_the_moments_are_drawn_from_the_seed_and_hit_every_kind() -> None:
    assert moments(3) == moments(3) != moments(4)
    for seed in range(20):
        hit = [part for part, _ in moments(seed).values()]
        assert len(hit) == KILLS
        assert all(hit.count(part) >= 2 for part in KINDS)
