"""A carrier that behaves badly in the ways that real ones do: loses answers after booking, or before; refuses for now;
can't be asked. Drawn from a seed by key and try, so that it does the same whatever else happens."""

from __future__ import annotations

import random
from collections import Counter

from pydantic import BaseModel, ConfigDict, Field

from core import canonical
from tools.carriers.port import Booked, Collection, Declined, Outcome, Unclear


class Odds(BaseModel):
    """How often each thing happens, of 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lost_after: float = Field(0, ge=0, le=1)
    """books, then the answer is lost"""
    lost_before: float = Field(0, ge=0, le=1)
    """the request is lost"""
    unavailable: float = Field(0, ge=0, le=1)
    declined: float = Field(0, ge=0, le=1)
    """for good"""
    lookup_down: float = Field(0, ge=0, le=1)


class FakeCarrier:
    carrier = "fake"

    def __init__(self, odds: Odds | None = None, *, seed: int = 0) -> None:
        self.odds = odds or Odds()
        self.seed = seed
        self.booked: list[Collection] = []
        """in the order they came; one that is there twice was booked twice"""
        self._tries: Counter[str] = Counter()

    def book(self, wanted: Collection) -> Outcome:
        luck = self._luck("book", wanted.key)
        for odds, outcome in (
            (self.odds.unavailable, Declined(key=wanted.key, reason="unavailable", retry=True)),
            (self.odds.declined, Declined(key=wanted.key, reason="refused")),
            (self.odds.lost_before, Unclear(key=wanted.key)),
        ):
            if luck < odds:
                return outcome
            luck -= odds
        self.booked.append(wanted)  # it knows no keys: whoever asks twice is collected from twice
        return Unclear(key=wanted.key) if luck < self.odds.lost_after else self._as_booked(wanted.key)

    def find(self, key: str) -> Booked | Unclear | None:
        if self._luck("find", key) < self.odds.lookup_down:
            return Unclear(key=key)
        return self._as_booked(key) if any(each.key == key for each in self.booked) else None

    def _as_booked(self, key: str) -> Booked:
        return Booked(key=key, ref=canonical.short("fak", key))

    def _luck(self, what: str, key: str) -> float:
        self._tries[what + key] += 1
        return random.Random(f"{self.seed}:{what}:{key}:{self._tries[what + key]}").random()
