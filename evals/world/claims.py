"""Customers who have goods, as far as the record knows, and say that they never came or are damaged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from evals.world import chance
from evals.world.day import Day
from evals.world.people import CLAIM, Customers, Text

CLAIMS_AFTER_S = (600, 3 * 3600)
"""since the delivery"""
LAST_CLAIM_S = 1800
"""before the last van is expected home: later ones write the next day, which is not this one"""
WORDS = {
    "missing": ("It says delivered but I have not got {ref}", "My order {ref} never arrived"),
    "damaged": ("{ref} came damaged", "The box of {ref} is crushed and what was in it is broken"),
}


@dataclass
class Claims:
    day: Day
    customers: Customers
    made: Counter[str] = field(default_factory=Counter)
    """missing, damaged"""

    def look(self) -> None:
        """Who has got goods since the last look, and will say something about it."""
        latest = int(self.day.scenario.end.timestamp()) - LAST_CLAIM_S
        while self.day.received:
            at, ref = self.day.received.pop(0)
            what = self.day.fate.claimed.get(ref)
            person = self.day.people.get(ref)
            if what is None or person is None:
                continue
            seed = self.day.scenario.seed
            words = chance.pick(WORDS[what], seed, "claim words", ref).format(ref=ref)
            when = min(at + chance.between(*CLAIMS_AFTER_S, seed, "claims after", ref), max(latest, at + 60))
            self.made[what] += 1
            self.customers.add(Text(when, ref, CLAIM, person, words))
