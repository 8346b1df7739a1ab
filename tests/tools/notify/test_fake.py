"""The misbehaving provider misbehaves as asked, the same way for the same seed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tools.notify.fake import FakeProvider, Odds
from tools.notify.port import Failed, Outcome, OutMessage, Sent, Unknown

SINCE = datetime(2026, 11, 20, tzinfo=UTC)


def message(n: int = 1, text: str = "Hello", to: str = "+15555550123") -> OutMessage:
    return OutMessage(key=f"k{n}", to=to, text=text)


def test_a_timeout_after_accepting_is_unknown_but_found() -> None:
    provider = FakeProvider(Odds(timeout_after=1))
    assert isinstance(provider.send(message()), Unknown)
    assert isinstance(provider.find(message(), SINCE), Sent)
    assert provider.delivered == [message()]


def test_a_timeout_before_accepting_is_unknown_and_not_found() -> None:
    provider = FakeProvider(Odds(timeout_before=1))
    assert isinstance(provider.send(message()), Unknown)
    assert provider.find(message(), SINCE) is None
    assert provider.delivered == []


def test_a_rate_limit_may_be_tried_again_and_delivers_nothing() -> None:
    provider = FakeProvider(Odds(rate_limited=1))
    outcome = provider.send(message())
    assert isinstance(outcome, Failed)
    assert (outcome.reason, outcome.retry, provider.delivered) == ("rate_limited", True, [])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (message(to="+15555550199"), "opted_out"),
        (message(text=" "), "refused"),
        (message(to=""), "refused"),
    ],
)
def test_what_it_refuses_is_final(bad: OutMessage, reason: str) -> None:
    outcome = FakeProvider(opted_out=frozenset({"+15555550199"})).send(bad)
    assert isinstance(outcome, Failed)
    assert (outcome.reason, outcome.retry) == (reason, False)


def test_a_lookup_can_be_down() -> None:
    assert isinstance(FakeProvider(Odds(lookup_down=1)).find(message(), SINCE), Unknown)


def test_without_keys_it_sends_twice_what_it_is_told_twice() -> None:
    provider = FakeProvider(dedupes=False)
    provider.send(message())
    provider.send(message())
    assert len(provider.delivered) == 2


def outcomes(provider: FakeProvider, order: list[int]) -> dict[int, Outcome]:
    return {n: provider.send(message(n)) for n in order}


def test_the_same_seed_gives_the_same_luck_in_any_order() -> None:
    odds = Odds(timeout_after=0.2, timeout_before=0.2, rate_limited=0.2)
    forward = outcomes(FakeProvider(odds, seed=7), list(range(60)))
    assert forward == outcomes(FakeProvider(odds, seed=7), list(reversed(range(60))))
    assert forward != outcomes(FakeProvider(odds, seed=8), list(range(60)))
    assert {type(outcome) for outcome in forward.values()} == {Sent, Failed, Unknown}
