"""Customers who text and the dispatcher who decides what the assistant asks. (Drivers are in `driver`.)

Each says whether anything was sent, so that the run lets the server finish with one person before the next one speaks.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from evals.client import ApiError, DoorstepClient
from evals.wire import Case, OrderRow
from evals.world import chance
from evals.world.scenario import Order, Scenario

TEXT_ODDS = 0.10
ANSWER_ODDS = 0.7
FIRST_TEXT_S = 3600
"""after the first shift starts: at night nobody asks"""
LAST_TEXT_S = 3 * 3600
"""before the last shift ends"""
WHERE = (
    "Where is my order {ref}?",
    "hi, when will {ref} be here?",
    "Has order {ref} left yet? I have to go out at some point",
)
LATER = ("Can you deliver {ref} tomorrow instead?", "I'm not home today, please bring {ref} tomorrow")
HUMAN = ("I want to talk to a person", "Can someone call me about {ref}? I'd rather talk to a human")
KINDS = (WHERE, WHERE, WHERE, LATER, HUMAN)

REJECT_ODDS = 0.10
DISPATCHER_S = (120, 480)
STEPS_IN_S = 900
"""with nobody at the page, the world's dispatcher decides after a quarter of an hour, so that a day always ends"""
REASONS = ("Too many stops move for this.", "The driver knows a better way.", "I'll call the customer myself.")


@dataclass(frozen=True, order=True)
class Text:
    at: int
    ref: str
    nth: int
    person: str
    words: str


@dataclass
class Customers:
    """About one in ten texts once; some answer what they are asked back."""

    client: DoorstepClient
    seed: int
    due: list[Text]
    tokens: dict[str, str] = field(default_factory=dict)
    intents: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, client: DoorstepClient, scenario: Scenario, rows: Sequence[OrderRow]) -> Customers:
        person = {row.ref: row.person for row in rows}
        texters = [
            o for o in scenario.orders if o.ref in person and chance.happens(TEXT_ODDS, scenario.seed, "texts", o.ref)
        ]
        return cls(client, scenario.seed, sorted(_first_text(scenario, order, person[order.ref]) for order in texters))

    def speak(self, until: int) -> Iterator[str]:
        """Send each text that is due, one by one; yields the intent that the server heard."""
        while self.due and self.due[0].at <= until:
            text = heapq.heappop(self.due)
            yield self._say(text)

    def skip(self, until: int) -> None:
        """Forget what was said before this world started again."""
        while self.due and self.due[0].at <= until:
            heapq.heappop(self.due)

    def _key(self, text: Text) -> str:
        return f"{self.seed}:text:{text.ref}:{text.nth}"

    def _say(self, text: Text) -> str:
        if text.person not in self.tokens:
            self.tokens[text.person] = self.client.token("customer", text.person)
        try:
            said = self.client.acting(self.tokens[text.person]).chat(text.words, self._key(text))
        except ApiError as error:
            self.refused[f"{error.status} {error.title}"] += 1
            return "refused"
        intent = said.intent or "none"
        self.intents[intent] += 1
        answers = text.nth == 0 and said.reply.rstrip().endswith("?")
        if answers and chance.happens(ANSWER_ODDS, self.seed, "answers", text.ref):
            later = text.at + chance.between(60, 180, self.seed, "answers after", text.ref)
            heapq.heappush(self.due, Text(later, text.ref, 1, text.person, _answer(said.reply, text.ref)))
        return intent


def _first_text(scenario: Scenario, order: Order, person: str) -> Text:
    shifts = [van for van in scenario.vehicles if van.depot == order.depot]
    opens = min(scenario.at(van.depot, van.shift_start) for van in shifts).timestamp() + FIRST_TEXT_S
    closes = max(scenario.at(van.depot, van.shift_end) for van in shifts).timestamp() - LAST_TEXT_S
    at = chance.between(int(opens), max(int(closes), int(opens)), scenario.seed, "texts at", order.ref)
    kind = chance.pick(KINDS, scenario.seed, "texts about", order.ref)
    words = chance.pick(kind, scenario.seed, "words", order.ref).format(ref=order.ref)
    return Text(at, order.ref, 0, person, words)


def _answer(question: str, ref: str) -> str:
    asked = question.lower()
    if "which order" in asked or "order number" in asked:
        return ref
    if "where" in asked:
        return f"Where is order {ref}?"
    if "day" in asked or "when" in asked:
        return "Tomorrow"
    return "Yes please"


@dataclass
class Dispatcher:
    """Looks at what waits for a person; decides each proposal once, a few minutes after first seeing it."""

    client: DoorstepClient
    seed: int
    at_the_desk: bool = True
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    """(case, proposal) -> when it will be decided"""
    verdicts: Counter[str] = field(default_factory=Counter)

    def decide(self, now: int) -> Iterator[str]:
        """Give each verdict that is due, one by one; yields it."""
        for case in sorted(self.client.cases("waiting"), key=lambda case: case.id):
            if case.proposal is None:
                continue
            this = (case.id, case.proposal.digest)
            if self.seen.setdefault(this, now + self._delay(case.id)) <= now:
                yield self._verdict(case, case.proposal.digest)

    def _delay(self, case: str) -> int:
        return chance.between(*DISPATCHER_S, self.seed, "dispatcher", case) if self.at_the_desk else STEPS_IN_S

    def _verdict(self, case: Case, proposal: str) -> str:
        rejects = chance.happens(REJECT_ODDS, self.seed, "rejects", case.id, proposal)
        try:
            if rejects:
                self.client.reject(case.id, proposal, chance.pick(REASONS, self.seed, "because", case.id))
            else:
                self.client.approve(case.id, proposal)
        except ApiError as error:
            if error.status != 409:
                raise
            # stale, or decided by the person at the page: the next look shows what there is now
            self.seen.pop((case.id, proposal), None)
            verdict = f"{'reject' if rejects else 'approve'}: {error.title}"
        else:
            verdict = "rejected" if rejects else "approved"
        self.verdicts[verdict] += 1
        return verdict
