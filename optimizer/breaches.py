"""Hard constraints that are broken, and which of them a change breaks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Breach(NamedTuple):
    """A hard constraint that a route breaks. Two breaches are the same one when kind and subject are."""

    kind: str
    """window, shift, capacity, stops, driving, distance, duration, locked, pair, transfer, hours, break; or `unfit`"""
    subject: str
    """stop or vehicle id"""
    words: str
    amount: int = 0
    """how far the law is broken: more of it is worse, also where it was broken before"""

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.subject


def added(before: Iterable[Breach], after: Iterable[Breach]) -> list[Breach]:
    """What is broken after a change and was not before, or not as far."""
    known = {breach.key: breach.amount for breach in before}
    return [breach for breach in after if breach.key not in known or breach.amount > known[breach.key]]
