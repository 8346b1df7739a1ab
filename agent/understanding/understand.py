"""What a message wants: an intent, its slots, how sure, and what else it wants. Deterministic, no key, milliseconds.

In order: words that carriers act upon, danger to people, small words, then the classifier over the whole message and
over its clauses. What no intent claims is `out_of_scope`; with a low confidence that means "not understood: ask".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from agent.understanding import clauses, model, rules, slots
from agent.understanding.text import normal, words_of

SURE = 0.5
"""below this the planner asks"""


@dataclass(frozen=True)
class OpenSet:
    """When a wish is read as one: likely enough while "out of scope" is not; or less likely, when that is far off."""

    likely: float
    outside: float
    """at most so likely may "out of scope" be"""
    less: float
    far: float
    """at most this share of the wish's own probability"""

    def holds(self, wish: float, outside: float) -> bool:
        return (wish >= self.likely and outside < self.outside) or (wish >= self.less and outside < self.far * wish)


ASKING: dict[model.Role, OpenSet] = {
    "customer": OpenSet(likely=0.31, outside=0.41, less=0.23, far=0.65),
    "dispatcher": OpenSet(likely=0.2, outside=0.55, less=0.12, far=0.8),
}
"""for wishes that only ask; dispatchers chat about little else than their work"""
CHANGING: dict[model.Role, OpenSet] = ASKING | {
    "customer": OpenSet(likely=0.5, outside=0.42, less=0.34, far=0.4),
}
"""for wishes that change something: these had rather be asked about"""
CLAUSE = 0.7
"""how sure a clause must be to count beside the whole message"""
ALONE = 0.85
"""the same when the whole is out of scope"""
CHANGES = frozenset(
    {
        "reschedule", "change_address", "delivery_instructions", "cancel_order", "change_order", "not_received",
        "damaged_or_wrong", "opt_out", "opt_in",
    }
)  # fmt: skip
"""what changes an order, a case or what somebody is sent"""
SMALL = frozenset({"greeting", "thanks", "help", "confirm", "deny", "out_of_scope"})
"""what gives way to any wish in the same message"""
_STAFF_WORDS = {"confirm": "approve", "deny": "reject"}
STAFF_SMALL = frozenset({"greeting", "thanks", "help"})
"""of dispatchers these are out of scope, and only named beside it"""


class Understanding(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str
    intent: str
    slots: dict[str, Any]
    """what the grammar found (slots.py); `word` is an opt-out or opt-in word"""
    confidence: float
    """0 to 1, three digits"""
    also: tuple[str, ...] = ()
    """further wishes in the same message, in its order"""
    language: str = "en"


def understand(said: str, role: str = "customer", today: date | None = None) -> Understanding:
    """Read one message of a customer, or of anybody else as a dispatcher. With `today` days come as ISO dates."""
    customer = role == "customer"
    word = rules.opt_word(said)
    if word is not None and customer:
        return Understanding(text=said, intent=word[0], slots={"word": word[1]}, confidence=1.0)
    if word is not None:  # what a dispatcher wants stopped or started has to be asked
        return Understanding(text=said, intent="out_of_scope", slots={}, confidence=0.0)
    found, language = slots.read(said, today, staff=not customer), slots.language(said)
    if rules.is_danger(said):
        return Understanding(text=said, intent="safety", slots=found, confidence=1.0, language=language)
    intent, confidence, also = _wishes(said, "customer" if customer else "dispatcher")
    if customer and rules.opts_out(said) and intent != "opt_out":
        intent, confidence, also = "opt_out", 0.95, tuple(dict.fromkeys((intent, *also)))
    if not customer and intent in STAFF_SMALL:
        intent, also = "out_of_scope", (intent, *also)
    return Understanding(text=said, intent=intent, slots=found, confidence=confidence, also=also, language=language)


def _wishes(said: str, role: model.Role) -> tuple[str, float, tuple[str, ...]]:
    """The main wish, how sure, and the others."""
    intent, sure = _wish(said, role)
    parts = clauses.split(said)
    if len(parts) == 1 or (intent == "out_of_scope" and sure >= CLAUSE):
        return intent, sure, ()
    least = ALONE if intent == "out_of_scope" else CLAUSE
    wishes = [(name, p) for name, p in (_wish(part, role) for part in parts) if name not in SMALL and p >= least]
    if wishes and intent in SMALL:
        intent, sure = wishes[0] if len({name for name, _ in wishes}) == 1 else max(wishes, key=lambda wish: wish[1])
    also = tuple(name for name in dict.fromkeys(name for name, _ in wishes) if name != intent)
    return intent, sure, also


def _wish(said: str, role: model.Role) -> tuple[str, float]:
    """The intent of a message or clause taken as one, with its probability."""
    small = rules.small_talk(words_of(said))
    if small is not None:
        return _STAFF_WORDS.get(small, small) if role == "dispatcher" else small, 0.95
    words = normal(said)
    if not any(word not in "!?" for word in words):
        return "out_of_scope", 0.0
    linear = model.of_role(role)
    scores = dict(zip(linear.labels, linear.scores(words).tolist(), strict=True))
    outside = scores.pop("out_of_scope")
    best = max(sorted(scores), key=lambda name: scores[name])
    if (CHANGING if best in CHANGES else ASKING)[role].holds(scores[best], outside):
        return best, round(max(scores[best], (1 - outside) * scores[best] ** 0.5), 3)
    return "out_of_scope", round(outside, 3)
