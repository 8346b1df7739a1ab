"""A provider that misbehaves the way real ones do, by a seed: for tests, crash tests and the demo's bad days.

Whether it accepted a message and whether it says so are two things here. `delivered` is the truth on the phone.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from core import canonical
from tools.notify.port import Channel, Failed, Outcome, OutMessage, Sent, Unknown


class Odds(BaseModel):
    """How often it does what, in 0..1 a send. What is left over works."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    timeout_after: float = Field(0, ge=0, le=1)
    """accepts, then the answer is lost"""
    timeout_before: float = Field(0, ge=0, le=1)
    """the request is lost"""
    rate_limited: float = Field(0, ge=0, le=1)
    lookup_down: float = Field(0, ge=0, le=1)
    """a `find` that gets no answer"""


class FakeProvider:
    """`dedupes=True` knows keys as mail and some SMS providers do; False sends twice what it is told twice."""

    name = "fake"
    settle_s = 0

    def __init__(
        self,
        odds: Odds | None = None,
        *,
        seed: int = 0,
        opted_out: frozenset[str] = frozenset(),
        dedupes: bool = True,
        channel: Channel = "sms",
    ) -> None:
        self.odds = odds or Odds()
        self.seed = seed
        self.opted_out = set(opted_out)
        self.dedupes = dedupes
        self.delivered: list[OutMessage] = []
        self._channel: Channel = channel
        self._tries: Counter[str] = Counter()

    @property
    def channel(self) -> Channel:
        return self._channel

    def send(self, message: OutMessage) -> Outcome:
        luck = self._luck("send", message.key)
        if message.to in self.opted_out:
            return Failed(key=message.key, reason="opted_out", detail="the recipient has opted out")
        if not message.text.strip() or not message.to.strip():
            return Failed(key=message.key, reason="refused", detail="empty text or address")
        if luck < self.odds.rate_limited:
            return Failed(key=message.key, reason="rate_limited", detail="too many requests", retry=True)
        luck -= self.odds.rate_limited
        if luck < self.odds.timeout_before:
            return Unknown(key=message.key, reason="timeout", detail="no answer")
        known = self._accept(message)
        if luck - self.odds.timeout_before < self.odds.timeout_after:
            return Unknown(key=message.key, reason="timeout", detail="no answer")
        return Sent(key=message.key, provider_id=_provider_id(message.key), duplicate=known)

    def find(
        self, message: OutMessage, since: datetime, claimed: frozenset[str] = frozenset()
    ) -> Sent | Unknown | None:
        if self._luck("find", message.key) < self.odds.lookup_down:
            return Unknown(key=message.key, reason="lookup_failed", detail="no answer")
        if any(sent.key == message.key for sent in self.delivered):
            return Sent(key=message.key, provider_id=_provider_id(message.key))
        return None

    def _accept(self, message: OutMessage) -> bool:
        known = self.dedupes and any(sent.key == message.key for sent in self.delivered)
        if not known:
            self.delivered.append(message)
        return known

    def _luck(self, what: str, key: str) -> float:
        """The same for the same seed, key and try, in whatever order the messages come."""
        self._tries[what + key] += 1
        return random.Random(f"{self.seed}:{what}:{key}:{self._tries[what + key]}").random()


def _provider_id(key: str) -> str:
    return canonical.short("fake", key)
