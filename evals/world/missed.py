"""Customers whose first attempt failed: they read what they are sent, as a phone would show it, and answer an offer.

What they want is drawn by shares (again today, tomorrow, a neighbour, pick it up); not everybody answers. An offer with
numbers is answered by the number of what they want, or of the first thing offered; another one in words.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from dataclasses import dataclass, field

from evals.client import DoorstepClient
from evals.wire import Message
from evals.world import chance
from evals.world.day import Day
from evals.world.people import Customers, Text

LOOK_EVERY_S = 300
BEATS_S = 60
"""the server's clock moves by the minute, a driver's tap has its second: an answer to it can bear an earlier time"""
GIVES_UP_S = 4 * 3600
ANSWERS_AFTER_S = (60, 900)
WORDS = {
    "again_today": ("I'm home now, please try {ref} again today", "Can you come back today with {ref}?"),
    "tomorrow": ("Please bring {ref} tomorrow instead", "Tomorrow is better for {ref}, can you deliver it tomorrow?"),
    "neighbour": ("Please leave {ref} with my neighbour", "My neighbour can take {ref}, next door"),
    "pickup": ("I'll pick {ref} up at your depot", "Can I collect {ref} at the depot myself?"),
}

CHOICE = re.compile(r"\b(\d) ([^,.;?]+)")
"""one of the numbered things in an offer"""
MEANT_BY = {
    "again_today": ("today",),
    "tomorrow": ("next day", "tomorrow", "another day"),
    "neighbour": ("neighbour",),
    "pickup": ("pick", "collect"),
}


@dataclass
class Missed:
    """Who waits for a message after a failed attempt."""

    client: DoorstepClient
    """one that may read what was sent to anybody"""
    day: Day
    customers: Customers
    due: list[tuple[int, str, int]] = field(default_factory=list)
    """when to look, whose order, when it failed"""
    chosen: Counter[str] = field(default_factory=Counter)
    """what was asked for; `no_offer`, `no_answer`"""

    def look(self, until: int) -> None:
        """Look at the phones that are due; who finds an offer will answer it in a while."""
        while self.day.missed:
            at, ref = self.day.missed.pop(0)
            heapq.heappush(self.due, (at + LOOK_EVERY_S, ref, at))
        while self.due and self.due[0][0] <= until:
            at, ref, failed_at = heapq.heappop(self.due)
            offer = self._offer(ref, failed_at)
            if offer is not None:
                self._answer(at, ref, offer)
            elif at - failed_at >= GIVES_UP_S:
                self.chosen["no_offer"] += 1
            else:
                heapq.heappush(self.due, (at + LOOK_EVERY_S, ref, failed_at))

    def _offer(self, ref: str, failed_at: int) -> str | None:
        """The newest message since then that asks something; who is given numbers to choose from looks at those."""
        person = self.day.people.get(ref)
        sent = self.client.messages(person) if person else ()
        asked = [line.body or "" for line in sent if _asks(line, failed_at)]
        return next((body for body in asked if CHOICE.search(body)), next(iter(asked), None))

    def _answer(self, at: int, ref: str, offer: str) -> None:
        seed, rates = self.day.scenario.seed, self.day.scenario.rates
        if not chance.happens(rates.answering, seed, "answers offer", ref):
            self.chosen["no_answer"] += 1
            return
        wish = chance.by_share(rates.answers, seed, "wishes", ref)
        self.chosen[wish] += 1
        plain = chance.pick(WORDS[wish], seed, "wish words", ref).format(ref=ref)
        when = at + chance.between(*ANSWERS_AFTER_S, seed, "answers offer after", ref)
        self.customers.add(Text(when, ref, 2, self.day.people[ref], number(offer, wish) or plain))


def number(offer: str, wish: str) -> str | None:
    """The number that an offer gives to a wish, else to the first thing that it has; None when it has no numbers."""
    choices = CHOICE.findall(offer)
    meant = [nth for nth, words in choices if any(word in words for word in MEANT_BY[wish])]
    return next(iter([*meant, *(nth for nth, _ in choices)]), None)


def _asks(line: Message, after: int) -> bool:
    at, body = line.at.timestamp(), line.body or ""
    return line.direction == "out" and at >= after - BEATS_S and ("?" in body or CHOICE.search(body) is not None)
