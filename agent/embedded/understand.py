"""What a message wants, by rules: an intent, its slots and how sure. Deterministic, no key, microseconds.

The rules are few and meant to be wrong in one direction only: what they do not know is `unknown`, and is asked about.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from agent.planner import Frozen, Role

SURE = 0.5
"""below this the planner asks"""


class Understanding(Frozen):
    text: str
    intent: str
    slots: dict[str, str]
    """order: a reference as written; day: ISO date when `today` is known, else the words; word: an opt-out word"""
    confidence: float


OPT_OUT = frozenset("stop stopall unsubscribe cancel end quit revoke optout".split())  # noqa: SIM905 (read as a list)
OPT_IN = frozenset({"start", "unstop"})
_OPT_OUT_SAID = r"\b(?:unsubscribe|opt(?:ing)? out|(?:stop|quit) (?:texting|messaging|sending me|contacting))\b"
_SAFETY = (
    r"\b(?:injur\w+|hurt|bleeding|ambulance|accident|crash(?:ed)?|on fire|fire|smoke|smoking engine|explo\w+|gas leak|"
    r"threat\w*|gun|knife|weapon|shoot\w*|attack\w*|assault\w*|violen\w+|drunk|intoxicated|impaired|high on|"
    r"unconscious|kill\w*|ran over|hit (?:my|a|the) (?:car|child|kid|dog|person|man|woman|fence|house))\b"
)
_HUMAN = (
    r"\b(?:human|real person|live (?:person|agent)|representative|operator|supervisor|someone real|customer service)\b"
    r"|\b(?:talk|speak|chat|connect me|put me through|call me)\b.{0,25}\b(?:person|someone|somebody|agent|dispatcher|"
    r"manager|you guys|staff)\b|\b(?:agent|manager) please\b"
)
_MOVE = (
    r"\b(?:re-?schedul\w+|postpone|(?:an)?other day|different day|new date|change the (?:day|date)|delay (?:it|my))\b"
    r"|\b(?:bring|deliver|come|drop|send|move|get)\b.{0,40}\b(?:instead|another time)\b"
    r"|\b(?:move|push|change|switch)\b.{0,40}\b(?:to|till|until|for) (?:{DAY})"
    r"|\b(?:can|could|please|would)\b.{0,30}\b(?:bring|deliver|come|drop)\b.{0,30}\b(?:{DAY})"
    r"|\b(?:won'?t|will not|not going to|not gonna|can'?t) be (?:home|in|there|here|around)\b"
    r"|\b(?:not|nobody|no one)(?: is| will be| are)? (?:home|in) (?:{DAY})"
)
_WHERE = (
    r"\bwhere(?:'s|s| is| are| r)?\b.{0,40}\b(?:order|parcel|package|delivery|stuff|driver|van|it|box|item|things?)\b"
    r"|\bwhere.{0,15}(?:#|\d|\border\b)|\btrack\w*\b|\b(?:eta|status)\b|\bwhen\b.{0,50}\b(?:arriv\w+|com(?:e|ing)|here|"
    r"deliver\w*|get|be there|due|order|parcel|package)\b|\bhow (?:long|far|many stops)\b|\bwhat time\b"
    r"|\b(?:still waiting|on its way|out for delivery|has it (?:left|shipped)|any (?:news|update))\b"
)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = (
    r"day after tomorrow|tomorrow|tmrw|tmr|tomorow|today|tonight|in \d{1,2} days?|\d{4}-\d{2}-\d{2}"
    r"|mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
)
_SMALL = ("help", "thanks", "greeting", "confirm", "deny", "out_of_scope")
_RULES: dict[str, str] = {
    "opt_out": _OPT_OUT_SAID,
    "safety": _SAFETY,
    "talk_to_human": _HUMAN,
    "cancel_order": r"\bcancel\w*\b.{0,30}\b(?:order|delivery|parcel|package|it)\b|\bdon'?t want (?:it|the order) any",
    "change_address": r"\b(?:chang\w+|new|wrong|different|other|update)\b.{0,20}\baddress\b|\bi(?:'ve| have)? moved\b",
    "refund": r"\brefund\w*\b|\bmoney back\b|\bcompensat\w+\b",
    "not_received": r"\b(?:never|not|n'?t|didn'?t) (?:get|got|received?|arrived?|come|came|here)\b.{0,40}\bdelivered\b"
    r"|\bsays? (?:it was |it'?s )?delivered\b|\b(?:never|didn'?t) (?:received?|got|get|arrive\w*|show\w* up)\b"
    r"|\bstolen\b",
    "damaged": r"\b(?:damaged|broken|crushed|smashed|torn|leaking|wet)\b",
    "reschedule": _MOVE.replace("{DAY}", _DAY),
    "where_is_order": _WHERE,
    "help": r"^(?:help|info)\W*$|\bwhat can (?:you|i)\b.{0,10}\b(?:do|ask|help)\b",
    "thanks": r"\b(?:thanks?(?: you| u)?|thx|ty|cheers|appreciate it)\b|^(?:bye|goodbye|good night)\b",
    "greeting": r"^(?:hi|hiya|hello|hey|good (?:morning|afternoon|evening)|yo)\b",
    "confirm": r"^(?:yes|yep|yeah|yup|ok|okay|sure|correct|right|confirm(?:ed)?|sounds good|fine|perfect)\b",
    "deny": r"^(?:no|nope|nah|don'?t|never mind|nevermind|wrong)\b",
    "out_of_scope": r"\b(?:weather|joke|football|recipe|bitcoin|stocks?|president|poem|song|movie|translate)\b",
}
_STAFF_RULES: dict[str, str] = {
    "safety": _SAFETY,
    "why": r"\bwhy\b|\bexplain\b|\breason for\b",
    "fleet_status": r"\b(?:fleet|vans?|drivers?|routes?)\b.{0,40}\b(?:status|doing|going|late|behind|out)\b"
    r"|\bhow (?:is|are|'s) (?:it|we|the day|things|everything|the fleet|everyone)\b|\b(?:who|what)(?:'s| is) late\b"
    r"|\bstatus\b|\boverview\b",
    "where_is_order": _WHERE,
    **{name: _RULES[name] for name in _SMALL[:-1]},
}
_COMPILED = {
    "customer": {name: re.compile(rule, re.I | re.S) for name, rule in _RULES.items()},
    "staff": {name: re.compile(rule, re.I | re.S) for name, rule in _STAFF_RULES.items()},
}
FIRST = ("opt_out", "safety", "talk_to_human")
"""these win over all others"""
CHANGES = frozenset({"cancel_order", "change_address", "refund", "not_received", "damaged", "reschedule"})
"""these want something done; two of them in one message is a question, not an answer"""
_ORDER = re.compile(
    r"#\s*(?P<hash>[\w-]*\d[\w/-]*)|\b(?:order|parcel|package|tracking|number|ref(?:erence)?)\s*(?:is|:|number|no\.?|\s)*"
    r"\b(?P<said>[a-z][\w-]*\d[\w/-]*|\d{3,12})\b|\b(?P<bare>[a-z]{1,6}(?:-\d{1,12}|\d{3,12})(?:[-/]\d+)*|\d{5,12})\b",
    re.I,
)
_DAY_SAID = re.compile(rf"\b(?:(?:next|this|on|coming) )*(?P<day>{_DAY})\b", re.I)
_NOT_ORDER = re.compile(rf"\+?\d[\d ()-]{{8,}}\d|{_DAY}", re.I)


def understand(text: str, role: Role = "customer", today: date | None = None) -> Understanding:
    """The intent of one message. With `today` days come as ISO dates."""
    plain = " ".join(text.replace("’", "'").split())
    found = {"order": read_order(plain), "day": read_day(plain, today)}
    slots = {name: value for name, value in found.items() if value}
    word = re.sub(r"\W+", "", plain).lower()
    if role == "customer" and word in OPT_OUT:
        return Understanding(text=text, intent="opt_out", slots={"word": word.upper()}, confidence=1.0)
    if role == "customer" and word in OPT_IN:
        return Understanding(text=text, intent="opt_in", slots={"word": word.upper()}, confidence=1.0)
    rules = _COMPILED["customer" if role == "customer" else "staff"]
    intent, confidence = _pick([name for name, rule in rules.items() if rule.search(plain)])
    return Understanding(text=text, intent=intent, slots=slots, confidence=confidence)


def read_order(text: str) -> str | None:
    """The order reference in a message, when there is one."""
    days = [m.span() for m in _NOT_ORDER.finditer(text)]
    for m in _ORDER.finditer(text):
        start, end = m.span(m.lastgroup or 0)
        if not any(a <= start and end <= b for a, b in days):
            return m[m.lastgroup or 0]
    return None


def read_day(text: str, today: date | None) -> str | None:
    """The day that is asked for: ISO when `today` is known, else in its own words.

    Of several the last one counts, and today only when it stands alone: "not home today, bring it tomorrow".
    """
    said = [found["day"].lower() for found in _DAY_SAID.finditer(text)]
    later = [words for words in said if not words.startswith(("tod", "ton"))]
    if not said:
        return None
    words = (later or said)[-1]
    return words if today is None else _resolve(words, today)


def _pick(found: list[str]) -> tuple[str, float]:
    if first := [name for name in FIRST if name in found]:
        return first[0], 1.0
    changes = [name for name in found if name in CHANGES]
    if len(changes) > 1:
        return changes[0], 0.4
    if asks := changes or [name for name in found if name not in _SMALL]:
        return asks[0], 0.9 if len(asks) == 1 else 0.7
    return (found[0], 0.9) if found else ("unknown", 0.0)


def _resolve(words: str, today: date) -> str | None:
    """A weekday is the next one after today."""
    for name, ahead in (("day after tomorrow", 2), ("tom", 1), ("tm", 1), ("tod", 0), ("ton", 0)):
        if words.startswith(name):
            return (today + timedelta(days=ahead)).isoformat()
    try:
        if words.startswith("in "):
            return (today + timedelta(days=int(words.split()[1]))).isoformat()
        if words[0].isdigit():
            return date.fromisoformat(words).isoformat()
    except ValueError:
        return None
    at = next(at for at, weekday in enumerate(_DAYS) if words.startswith(weekday))
    return (today + timedelta(days=(at - today.weekday() - 1) % 7 + 1)).isoformat()
