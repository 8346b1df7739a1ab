"""Is a phrased reply grounded? Every number, time, day, amount, place, name, link and status in it must be in a fact.

Runs outside the model, on the words alone. It is strict on purpose: what it refuses by mistake goes out as the
template, which costs a turn of phrase; what it let through by mistake would be a promise that nobody made.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

Value: TypeAlias = int | str | bool
Kind: TypeAlias = Literal["number", "time", "day", "money", "place", "name", "link", "status"]


class Ungrounded(BaseModel):
    """Something that a reply says and no fact does."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Kind
    token: str

    def __str__(self) -> str:
        return f"{self.kind} {self.token!r} is in no fact"


_UNITS = "minute|hour|day|week|month|stop|block|mile|kilometer|kilometre|km|meter|metre|dollar|euro|cent"
_LINK = re.compile(r"https?://\S+|www\.\S+|\b[\w.-]+\.(?:com|net|org|io|co|app|me|ly|info)\b\S*|\S+@\S+\.\w+", re.I)
_MONEY = re.compile(
    r"[$€£]\s?(\d[\d,]*(?:\.\d+)?)|\b(\d[\d,]*(?:\.\d+)?)\s?(?:dollars?|bucks|usd|eur|euros?|gbp|pounds?)\b", re.I
)
_TIME = re.compile(
    r"\b(\d{1,2})[:.h](\d{2})\s?([ap](?:m\b|\.m\.))?|\b(\d{1,2})\s?([ap](?:m\b|\.m\.))|\b(\d{1,2})\s?o'?clock\b", re.I
)
_ISO_DAY = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?")


def _listed(words: str) -> list[str]:
    return words.split()


_MONTHS = _listed("january february march april may june july august september october november december")
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" if month[3:] else month for month in _MONTHS)
_MONTH_DAY = re.compile(
    rf"\b({_MONTH})\.?\s(\d{{1,2}})(?:st|nd|rd|th)?\b|\b(\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?({_MONTH})\b", re.I
)
_WEEKDAYS = _listed("monday tuesday wednesday thursday friday saturday sunday")
_DAY_WORD = re.compile(
    rf"\b(?:{'|'.join(_WEEKDAYS)}|today|tonight|tomorrow|yesterday|weekend|(?<!good )(?:morning|afternoon|evening)"
    r"|midnight|noon|midday|next week|next month|later this week)\b",
    re.I,
)
_COUNT_WORDS = _listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_COUNT_WORD = re.compile(
    rf"\b(?:{'|'.join(_COUNT_WORDS)}|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|dozen|half|twice|"
    rf"couple|first|second|third)\b|\b(?:an?|few|several|next)\s(?:{_UNITS})s?\b",
    re.I,
)
_DIGITS = re.compile(r"(?<![\w-])[#+]?\d[\d,]*(?:\.\d+)?%?|\b\w*\d[\w-]*\b")
_STATUS: dict[str, re.Pattern[str]] = {
    name: re.compile(rf"\b(?:{words})\b", re.I)
    for name, words in {
        "out": r"out for delivery|on (?:its|the|his|her|their) way|en route|on the van|loaded|arriving|nearly there",
        "delivered": r"delivered|dropped off|handed (?:over|to)|left (?:at|with|by|in|it|your)|signed|received",
        "failed": r"failed|missed|unsuccessful|attempted|could(?:n't| not) deliver|nobody (?:was )?home",
        "cancelled": r"cancell?ed|cancellation",
        "rescheduled": r"rescheduled|rebooked|moved to|postponed|new date",
        "returned": r"returned|back at the depot|sent back",
        "planned": r"planned|scheduled|booked",
        "late": r"late|delay(?:ed)?|behind schedule|running behind|on time|on schedule|early",
        "lost": r"lost|missing|stolen|damaged|broken",
        "refunded": r"refund(?:ed)?|compensat\w+|credit(?:ed)?|voucher|discount|free of charge",
        "promised": r"guarantee[ds]?|promise[ds]?",
    }.items()
}
_PLACE = re.compile(
    r"\b(?:street|avenue|road|lane|boulevard|square|plaza|building|apartment|unit|suite|floor|porch|doorstep|locker|"
    r"reception|lobby|garage|mailbox|mailroom|neighbou?r|pick-?up point|warehouse|depot|hub|office|post office|station|"
    r"store|shop|concierge|front door|back door|gate|shed|upstairs|downstairs|downtown)s?\b",
    re.I,
)
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ\d'’_-]+")
_OPENERS = frozenset(
    _listed(
        """
        a about all also an and any anything apologies are around as at because between but by can could delivery do
        don't for from good got has have he hello her here here's hi his how i i'd i'll i'm i've if in is it it's its
        just let let's many may no not now of okay on once one or our please reply right she so sorry sure thank
        thanks that that's the their them then there there's these they they're this those to unfortunately until up
        was we we'd we'll we're we've welcome what when where which while who why will with would yes you you'll
        you're you've your order orders parcel parcels package packages driver dispatcher expect van stop stops text
        sms doorstep
        """
    )
)
"""words that may stand with a capital and name nobody and no place"""


def check(text: str, facts: Mapping[str, Value]) -> list[Ungrounded]:
    """What the text says beyond the facts, in the order of kinds; empty when it is grounded."""
    known = _Known(facts)
    found: list[Ungrounded] = []
    text = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    rest = text
    for kind, pattern, grounded in known.readers():
        rest = _take(rest, kind, pattern, grounded, found)
    found += _statuses(text, known)
    found += [Ungrounded(kind="place", token=m[0]) for m in _PLACE.finditer(rest) if not known.has_words(m[0])]
    found += _names(rest, known)
    return found


class _Known:
    """The facts, taken apart the same way as the text."""

    def __init__(self, facts: Mapping[str, Value]) -> None:
        values = {name: value for name, value in facts.items() if not isinstance(value, bool)}
        self.words = " " + " ".join(_plain(str(value)) for value in values.values()) + " "
        self.strings = [str(value) for value in values.values()]
        joined = " | ".join(self.strings)
        # an instant is in UTC and so no time that anybody may be told
        self.times = {_minutes(m) for m in _TIME.finditer(_INSTANT.sub(";", joined))}
        self.times.discard(-1)
        # the calendar alone is no fact about an order, or every reply could say "it comes today"
        told = " | ".join(str(value) for name, value in values.items() if name != "today")
        self.days = {day for m in _ISO_DAY.finditer(told) if (day := _day(m))}
        self.today = _first_day(str(facts.get("today", "")))
        self.cents = {v for n, v in values.items() if n.endswith("_cents") and isinstance(v, int)}
        self.cents |= {_cents(m) for m in _MONEY.finditer(joined)}
        plain = (v for n, v in values.items() if not n.endswith("_cents"))
        self.numbers = {_number(m[0]) for v in plain for m in _DIGITS.finditer(_without_days_and_times(str(v)))}

    def readers(self) -> Iterator[tuple[Kind, re.Pattern[str], Callable[[re.Match[str]], bool]]]:
        """Read the long forms first: what one pattern takes, the next does not see."""
        yield "link", _LINK, lambda m: m[0].rstrip(".,") in " ".join(self.strings)
        yield "money", _MONEY, lambda m: _cents(m) in self.cents
        yield "day", _ISO_DAY, lambda m: _day(m) in self.days
        yield "day", _MONTH_DAY, self._month_day
        yield "time", _TIME, lambda m: _minutes(m) in self.times
        yield "day", _DAY_WORD, self._day_word
        yield "number", _COUNT_WORD, self._count_word
        yield "number", _DIGITS, lambda m: _number(m[0]) in self.numbers

    def has_words(self, words: str) -> bool:
        return f" {_plain(words)} " in self.words

    def _month_day(self, m: re.Match[str]) -> bool:
        month, number = (m[1], m[2]) if m[1] else (m[4], m[3])
        return any(d.day == int(number) and _MONTHS[d.month - 1].startswith(month.lower()[:3]) for d in self.days)

    def _day_word(self, m: re.Match[str]) -> bool:
        word = m[0].lower()
        if self.has_words(word):
            return True
        if word in _WEEKDAYS:
            return any(day.weekday() == _WEEKDAYS.index(word) for day in self.days)
        ahead = {"today": 0, "tomorrow": 1, "yesterday": -1}.get(word)
        if ahead is None or self.today is None:
            return False
        return any((day - self.today).days == ahead for day in self.days)

    def _count_word(self, m: re.Match[str]) -> bool:
        word = m[0].lower()
        return self.has_words(word) or (word in _COUNT_WORDS and str(_COUNT_WORDS.index(word)) in self.numbers)


def _take(
    text: str,
    kind: Kind,
    pattern: re.Pattern[str],
    grounded: Callable[[re.Match[str]], bool],
    found: list[Ungrounded],
) -> str:
    """Note what this pattern finds ungrounded and blank out all that it finds."""

    def blank(m: re.Match[str]) -> str:
        if not grounded(m):
            found.append(Ungrounded(kind=kind, token=m[0].strip()))
        return ";"

    return pattern.sub(blank, text)


def _statuses(text: str, known: _Known) -> Iterator[Ungrounded]:
    for status, pattern in _STATUS.items():
        if status in known.words.split() or pattern.search(known.words):
            continue
        yield from (Ungrounded(kind="status", token=m[0]) for m in pattern.finditer(text))


def _names(text: str, known: _Known) -> Iterator[Ungrounded]:
    """Words with a capital, or of another script, that neither open a sentence the usual way nor stand in a fact."""
    for m in _WORD.finditer(text):
        word = m[0]
        odd = word[0].isupper() or not _LATIN.fullmatch(word)
        if odd and word.lower().replace("’", "'") not in _OPENERS and not known.has_words(word):
            yield Ungrounded(kind="name", token=word)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_:.]+", text.lower()))


def _without_days_and_times(text: str) -> str:
    return _TIME.sub(";", _ISO_DAY.sub(";", _INSTANT.sub(";", text)))


def _minutes(m: re.Match[str]) -> int:
    """Minutes since midnight; -1 for what is no time, which then equals no fact."""
    hour = int(m[1] or m[4] or m[6])
    half = (m[3] or m[5] or "").lower()[:1]
    minute = int(m[2] or 0)
    if half and not 1 <= hour <= 12:
        return -1
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour * 60 + minute if hour < 24 and minute < 60 else -1


def _cents(m: re.Match[str]) -> int:
    return round(float((m[1] or m[2]).replace(",", "")) * 100)


def _number(token: str) -> str:
    return token.strip("#+").replace(",", "").lower()


def _day(m: re.Match[str]) -> date | None:
    return _first_day(m[0])


def _first_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
