"""How much one principal may ask: bursts, refills, and that nobody pays for another."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from api.limits import RATES, Limits
from core.errors import TooMany
from core.principals import Principal
from tests.api.visitors import Visitors, refused


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def a(role: str, name: str = "x") -> Principal:
    return Principal(id=f"{role}:{name}", role=role, subject=name)  # type: ignore[arg-type]


def taken(limits: Limits, who: Principal, tries: int) -> int:
    """How many of so many requests at once are let in."""
    count = 0
    for _ in range(tries):
        try:
            limits.take(who)
            count += 1
        except TooMany:
            pass
    return count


@pytest.mark.parametrize("role", sorted(RATES))
def test_a_burst_is_let_in_and_refills_at_its_rate(role: str) -> None:
    clock, rate = Clock(), RATES[role]
    limits = Limits(clock=clock)
    assert taken(limits, a(role), rate.burst + 100) == rate.burst
    clock.now += 10
    assert taken(limits, a(role), rate.burst + 100) == min(rate.burst, 10 * rate.a_second)


def test_it_says_when_to_come_back_and_then_lets_in() -> None:
    clock = Clock()
    limits, driver = Limits(clock=clock), a("driver")
    taken(limits, driver, 200)
    with pytest.raises(TooMany) as caught:
        limits.take(driver)
    clock.now += caught.value.wait_s
    limits.take(driver)


def test_nobody_pays_for_another() -> None:
    limits = Limits(clock=Clock())
    taken(limits, a("customer", "loud"), 100)
    assert taken(limits, a("customer", "quiet"), 5) == 5


def test_the_admin_has_no_limit() -> None:
    assert taken(Limits(clock=Clock()), a("admin"), 5000) == 5000


def test_only_so_many_buckets_are_kept() -> None:
    limits = Limits(clock=Clock(), most=3)
    for number in range(10):
        limits.take(a("customer", str(number)))
    assert len(limits._levels) == 3


def test_who_asks_too_often_is_told_so_by_the_api(visitors: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors.app.state, "limits", Limits())
    cora = visitors.a("customer", "in-a-hurry")
    answers = [cora.get("/api/clock") for _ in range(3 * RATES["customer"].burst)]
    late = [answer for answer in answers if answer.status_code != 200]
    assert late
    refused(late[0], 429, fix="Try again")
    assert int(late[0].headers["Retry-After"]) >= 1
