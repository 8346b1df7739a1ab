"""Times that were offered, and which one is taken: "the second", "tomorrow then", "la primera", "after 5". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from agent.understanding import dates, slots
from agent.understanding.text import fold
from tools.notify import templates

_ANY = re.compile(r"\b(?:any|either|whatever|whichever|doesnt matter|dont mind|cualquiera|la que sea|da igual)\b")
_EARLIEST = re.compile(r"\b(?:earliest|soonest|sooner|asap|la mas temprana|lo antes|cuanto antes)\b")
_LAST = re.compile(r"\b(?:the last(?: one)?|latest|last one|la ultima|el ultimo|la mas tarde)\b")


@dataclass(frozen=True)
class Window:
    """One time that was offered, local."""

    day: date
    lo: str
    hi: str

    def words(self, lang: str) -> str:
        return f"{templates.say_day(self.day.isoformat(), lang)} {self.lo}-{self.hi}"


def read(coded: str) -> tuple[Window, ...]:
    """Windows as `tools.slots_offered` codes them: DAY@LO-HI, commas between."""
    found = []
    for each in filter(None, coded.split(",")):
        day, _, times = each.partition("@")
        lo, _, hi = times.partition("-")
        found.append(Window(date.fromisoformat(day), lo, hi))
    return tuple(found)


def chosen(text: str, offered: tuple[Window, ...], today: date | None) -> Window | None:
    """The one that is taken; None when none is, or nobody can tell which."""
    plain = " ".join(fold(text).replace("'", "").split())
    if _LAST.search(plain):
        return offered[-1]
    if _EARLIEST.search(plain) or _ANY.search(plain):
        return offered[0]
    day, times = dates.read_day(text, today), dates.read_times(text)
    fitting = [w for w in offered if (day is None or w.day.isoformat() == day) and _holds(w, times)]
    if (day is not None or times) and fitting:
        return fitting[0]
    number = slots.read_choice(text)
    if number is not None and day is None and not times:
        return offered[number - 1] if number <= len(offered) else None
    return None


def _holds(window: Window, times: dict[str, str]) -> bool:
    if "at" in times:
        return window.lo <= times["at"] < window.hi
    return (window.lo >= times.get("after", "00:00") and window.hi <= times.get("before", "24:00")) or (
        times.get("after") == window.lo
    )


def question(order: str, coded: str, lang: str) -> str:
    """Which of these times suits, in the customer's language."""
    words = ", ".join(f"{at}) {window.words(lang)}" for at, window in enumerate(read(coded), 1))
    return templates.render("ask_slot", lang=lang, order=order, slots=words)
