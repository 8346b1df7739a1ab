"""Customers who text or cancel, and the dispatcher who decides what the assistant asks. (Drivers are in `driver`.)

Each says whether anything was sent, so that the run lets the server finish with one person before the next one speaks.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from evals.client import ApiError, DoorstepClient
from evals.wire import Case, OrderRow
from evals.world import chance
from evals.world.day import Day
from evals.world.scenario import Order, Scenario

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
CANCEL = ("Please cancel my order {ref}", "I don't need it any more, cancel order {ref} please")
CANCELS_UNTIL_S = 4 * 3600
"""after the first shift starts, where no time was promised"""

DISAGREES_ODDS = 0.10
"""a dispatcher who does not do what is proposed, unless its customer asked for it: takes the next best way, or says no
and calls them"""
DISPATCHER_S = (120, 480)
STEPS_IN_S = 900
"""with nobody at the page, the world's dispatcher decides after a quarter of an hour, so that a day always ends"""
WORKED_BY_PHONE = ("human",)
"""kinds of escalation that a call settles"""
NOTES = ("Called back and settled it.", "Called; the customer knows now.", "Answered by phone.")
NO = "I'll call the customer myself."
LEAVES_IT = ("wait", "neighbour", "pickup")
"""options that no dispatcher takes instead: nothing is done, or it is for the customer to wish"""


@dataclass(frozen=True, order=True)
class Text:
    at: int
    ref: str
    nth: int
    person: str
    words: str


CLAIM = 4
OPENINGS = (0, 2, CLAIM)
"""texts of a customer's own accord, answers to an offer, claims; the numbers between answer what was asked back"""


@dataclass
class Customers:
    """About one in ten texts once, some cancel; most answer what they are asked back."""

    client: DoorstepClient
    day: Day
    due: list[Text]
    tokens: dict[str, str] = field(default_factory=dict)
    intents: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    where_s: list[float] = field(default_factory=list)
    """how long each question where an order is took to be answered, on the wall's clock"""

    @classmethod
    def of(cls, client: DoorstepClient, day: Day, rows: Sequence[OrderRow]) -> Customers:
        return cls(client, day, _of_their_own_accord(day, rows))

    def add(self, text: Text) -> None:
        heapq.heappush(self.due, text)

    def speak(self, until: int) -> Iterator[str]:
        """Send each text that is due, one by one; yields the intent that the server heard."""
        while self.due and self.due[0].at <= until:
            text = heapq.heappop(self.due)
            if not self._is_moot(text):
                yield self._say(text)

    def skip(self, until: int) -> None:
        """Forget what was said before this world started again."""
        while self.due and self.due[0].at <= until:
            self._is_moot(heapq.heappop(self.due))

    def _is_moot(self, text: Text) -> bool:
        """Nobody cancels what has been at the door; whose customer has cancelled is not wanted there any more."""
        if text.nth > 0 or text.ref not in self.day.fate.cancelled:
            return False
        if self.day.attempts[text.ref] == 0:
            self.day.unwanted.add(text.ref)
            return False
        return True

    def _key(self, text: Text) -> str:
        return f"{self.day.scenario.seed}:text:{text.ref}:{text.nth}"

    def _say(self, text: Text) -> str:
        seed, rates = self.day.scenario.seed, self.day.scenario.rates
        if text.person not in self.tokens:
            self.tokens[text.person] = self.client.token("customer", text.person)
        began = time.monotonic()
        try:
            said = self.client.acting(self.tokens[text.person]).chat(text.words, self._key(text))
        except ApiError as error:
            self.refused[f"{error.status} {error.title}"] += 1
            return "refused"
        intent = said.intent or "none"
        self.intents[intent] += 1
        if intent == "where_is_order":
            self.where_s.append(time.monotonic() - began)
        answers = text.nth in OPENINGS and said.reply.rstrip().endswith("?")
        if answers and chance.happens(rates.answering, seed, "answers", text.ref):
            later = text.at + chance.between(60, 180, seed, "answers after", text.ref)
            self.add(Text(later, text.ref, text.nth + 1, text.person, _answer(said.reply, text)))
        return intent


def withdrawals(day: Day, rows: Sequence[OrderRow]) -> dict[str, int]:
    """Order -> when its customer says that it is not wanted today: cancelled, or rather tomorrow."""
    said = {text.ref: text.at for text in _of_their_own_accord(day, rows) if _withdraws(day, text.ref)}
    return {row.id: said[row.ref] for row in rows if row.ref in said}


def _withdraws(day: Day, ref: str) -> bool:
    return ref in day.fate.cancelled or _about(day.scenario, ref) is LATER


def _of_their_own_accord(day: Day, rows: Sequence[OrderRow]) -> list[Text]:
    """What the customers of these orders text without being asked, in the order of time."""
    scenario, row_of = day.scenario, {row.ref: row for row in rows}
    known = [order for order in scenario.orders if order.ref in row_of]
    cancelling = [order for order in known if order.ref in day.fate.cancelled]
    others = [order.ref for order in known if order.ref not in day.fate.cancelled]
    texting = chance.some(round(scenario.rates.texting * len(known)), others, scenario.seed, "texts")
    texts = [_first_text(scenario, o, row_of[o.ref].person) for o in known if o.ref in texting]
    return sorted([*texts, *(_cancels(scenario, o, row_of[o.ref]) for o in cancelling)])


def _about(scenario: Scenario, ref: str) -> tuple[str, ...]:
    """What a customer who texts wants, as the words for it."""
    return chance.pick(KINDS, scenario.seed, "texts about", ref)


def _first_text(scenario: Scenario, order: Order, person: str) -> Text:
    shifts = [van for van in scenario.vehicles if van.depot == order.depot]
    opens = min(scenario.at(van.depot, van.shift_start) for van in shifts).timestamp() + FIRST_TEXT_S
    closes = max(scenario.at(van.depot, van.shift_end) for van in shifts).timestamp() - LAST_TEXT_S
    at = chance.between(int(opens), max(int(closes), int(opens)), scenario.seed, "texts at", order.ref)
    words = chance.pick(_about(scenario, order.ref), scenario.seed, "words", order.ref).format(ref=order.ref)
    return Text(at, order.ref, 0, person, words)


def _cancels(scenario: Scenario, order: Order, row: OrderRow) -> Text:
    """At some time between the morning and the time that was promised, so that some are out by then."""
    opens = int(scenario.start.timestamp()) + 60
    closes = int(row.promise.lo.timestamp()) if row.promise else opens + CANCELS_UNTIL_S
    at = chance.between(opens, max(closes, opens), scenario.seed, "cancels at", order.ref)
    words = chance.pick(CANCEL, scenario.seed, "cancel words", order.ref).format(ref=order.ref)
    return Text(at, order.ref, 0, row.person, words)


def _answer(question: str, text: Text) -> str:
    asked = question.lower()
    if "which order" in asked or "order number" in asked:
        return text.ref
    if "where" in asked:
        return f"Where is order {text.ref}?"
    if "day" in asked or "when" in asked:
        return "Today" if "today" in text.words and "tomorrow" not in text.words else "Tomorrow"
    return "Yes please"


@dataclass
class Dispatcher:
    """Looks at what waits for a person: decides each proposal once, and calls who wants a person, each a few minutes
    after first seeing it."""

    client: DoorstepClient
    seed: int
    at_the_desk: bool = True
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    """(case, proposal or `call`) -> when it will be decided"""
    verdicts: Counter[str] = field(default_factory=Counter)

    def decide(self, now: int) -> Iterator[str]:
        """Give each verdict that is due, one by one; yields it."""
        for case in sorted(self.client.cases("waiting"), key=lambda case: case.id):
            if case.proposal is not None and self._is_due(case, case.proposal.digest, now):
                yield self._verdict(case, case.proposal.digest)
        for case in sorted(self.client.cases("escalated"), key=lambda case: case.id):
            if worked_by_phone(case) and self._is_due(case, "call", now):
                yield self._called(case)

    def _is_due(self, case: Case, what: str, now: int) -> bool:
        return self.seen.setdefault((case.id, what), now + self._delay(case.id)) <= now

    def busy(self) -> bool:
        """Whether something still waits for a decision or a call."""
        waiting = any(case.proposal for case in self.client.cases("waiting"))
        return waiting or any(worked_by_phone(case) for case in self.client.cases("escalated"))

    def _delay(self, case: str) -> int:
        return chance.between(*DISPATCHER_S, self.seed, "dispatcher", case) if self.at_the_desk else STEPS_IN_S

    def _verdict(self, case: Case, proposal: str) -> str:
        verdict = "approved"
        try:
            if is_their_wish(case) or not chance.happens(DISAGREES_ODDS, self.seed, "disagrees", case.id, proposal):
                self.client.approve(case.id, proposal)
            elif (other := other_way(case)) is not None:
                verdict = "another way"
                self.client.approve(case.id, self.client.edit(case.id, proposal, other))
            else:
                verdict = "rejected"
                self.client.reject(case.id, proposal, NO)
        except ApiError as error:
            if error.status != 409:
                raise
            # stale, or decided by the person at the page: the next look shows what there is now
            self.seen.pop((case.id, proposal), None)
            verdict = f"{verdict}: {error.title}"
        self.verdicts[verdict] += 1
        return verdict

    def _called(self, case: Case) -> str:
        try:
            self.client.settle(case.id, chance.pick(NOTES, self.seed, "note", case.id), called=True)
        except ApiError as error:
            if error.status != 409:
                raise
            verdict = f"call: {error.title}"  # somebody at the page was faster
        else:
            verdict = "called"
        self.verdicts[verdict] += 1
        return verdict


def other_way(case: Case) -> str | None:
    """The best of the options besides the proposed one that does something."""
    assert case.proposal is not None
    rest = [o for o in case.options if o["feasible"] and o["id"] != case.proposal.option and o["kind"] not in LEAVES_IT]
    return next((str(each["id"]) for each in rest), None)


def is_their_wish(case: Case) -> bool:
    """The customer asked for it: no dispatcher overrules that for reasons of their own."""
    return case.facts.get("requester") == "customer"


def worked_by_phone(case: Case) -> bool:
    """Somebody wants a person, or the dispatcher said no and works it: what is left is a call."""
    return case.kind in WORKED_BY_PHONE or case.reason_code == "rejected"
