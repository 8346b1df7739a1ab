"""Days and times of the day in words, English and Spanish. The calendar is passed in; nothing here reads a clock.

A weekday is the next one after today. An hour without am or pm is one at which parcels are delivered: 1 to 7 are in the
afternoon, 8 to 12 before it. Dates in figures are month/day, unless that is none.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from agent.understanding.text import fold

_WEEKDAYS = (
    ("mon", "lunes"), ("tue", "martes"), ("wed", "miercoles"), ("thu", "jueves"), ("fri", "viernes"),
    ("sat", "sabado"), ("sun", "domingo"),
)  # fmt: skip
_MONTHS = (
    ("jan", "enero"), ("feb", "febrero"), ("mar", "marzo"), ("apr", "abril"), ("may", "mayo"), ("jun", "junio"),
    ("jul", "julio"), ("aug", "agosto"), ("sep", "septiembre"), ("oct", "octubre"), ("nov", "noviembre"),
    ("dec", "diciembre"),
)  # fmt: skip
_AHEAD = {
    "day after tomorrow": 2, "pasado manana": 2, "tomorrow": 1, "tomorow": 1, "tommorow": 1, "tommorrow": 1, "tmrw": 1,
    "tmrow": 1, "tmr": 1, "tmw": 1, "2moro": 1, "2morrow": 1, "manana": 1, "today": 0, "2day": 0, "tonight": 0,
    "tonite": 0, "hoy": 0, "esta noche": 0, "esta tarde": 0,
}  # fmt: skip
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre"
    r"|diciembre)"
)
_DAY = re.compile(
    rf"(?P<iso>\b\d{{4}}-\d{{2}}-\d{{2}}\b)|\b(?P<month>{_MONTH})\.? (?P<of>\d{{1,2}})(?:st|nd|rd|th)?\b"
    rf"|\b(?P<on>\d{{1,2}})(?:st|nd|rd|th)? (?:of |de )?(?P<after>{_MONTH})\b"
    r"|\b(?P<m>\d{1,2})/(?P<d>\d{1,2})(?:/\d{2,4})?\b"
    r"|\b(?:in|en|dentro de) (?P<count>\d{1,2}|a|one|two|three|una?|dos|tres) (?P<unit>days?|dias?|weeks?|semanas?)\b"
    r"|\b(?P<week>next week|la (?:proxima semana|semana que viene|otra semana))\b"
    r"|\b(?P<end>(?:this |next )?weekend|fin de semana)\b"
    r"|\b(?:the |el (?:dia )?)(?P<nth>\d{1,2})(?:st|nd|rd|th)?\b(?! ?(?:[ap]m|o'?clock|:|st\b|ave|floor|piso))"
    rf"|\b(?P<word>{'|'.join(sorted(_AHEAD, key=len, reverse=True))})\b"
    r"|\b(?P<weekday>mon(?:days?)?|tues?(?:days?)?|wed(?:s|nesdays?)?|thu(?:rs?)?(?:days?)?|fri(?:days?)?"
    r"|sat(?:urdays?)?|sun(?:days?)?|lunes|martes|miercoles|jueves|viernes|sabados?|domingos?)\b"
)
_MORNING = re.compile(r"\b(?:por|en|de|a) la manana\b")
_COUNTS = {"a": 1, "one": 1, "un": 1, "una": 1, "two": 2, "dos": 2, "three": 3, "tres": 3}

_HOUR = r"(\d{1,2})(?:[:.h](\d{2}))? ?([ap]\.?m\.?)?|(noon|midday|mediodia|midnight)"
_END = r"(?=\W|$)"
_LAS = r"(?:(?:a |de |las |la |el )*)"
_BETWEEN = re.compile(
    rf"\b(?:between|from|entre|de|desde) {_LAS}(?:{_HOUR}) ?(?:and|to|-|till|until|y|a|hasta) ?{_LAS}(?:{_HOUR}){_END}"
    rf"|\b(?:(\d{{1,2}})(?:[:.h](\d{{2}}))? ?([ap]\.?m\.?)?)()(?: ?- ?| to )(?:(\d{{1,2}})(?:[:.h](\d{{2}}))? ?"
    r"([ap]\.?m\.?|tonight|today))()(?=\W|$)"
)
_AFTER = re.compile(
    rf"\b(?:after|past|from|not before|dont come before|despues de|a partir de|desde) {_LAS}(?:{_HOUR}){_END}"
)
_BEFORE = re.compile(rf"\b(?:before|by|until|till|no later than|antes de|hasta) {_LAS}(?:{_HOUR})(?=\W|$)")
_AT = re.compile(
    rf"\b(?:at|around|about|a) (?:las |la |el )?(?:{_HOUR}){_END}"
    rf"|\b(\d{{1,2}})(?:[:.h](\d{{2}}))? ?([ap]\.?m\.?)(){_END}"
)
_PARTS = (
    (re.compile(r"\b(?:in the|this|tomorrow|day) mornings?\b|\bpor la manana\b"), "08:00", "12:00"),
    (re.compile(r"\bafternoons?\b|\b(?:por|en|esta|de) la tarde\b|\besta tarde\b"), "12:00", "17:00"),
    (re.compile(r"\bevenings?\b|\btonight\b|\bafter work\b|\b(?:por|en) la noche\b|\besta noche\b"), "17:00", "21:00"),
)


def read_day(text: str, today: date | None) -> str | None:
    """The day that is asked for: ISO when `today` is known, else in its own words.

    Of several the last one counts, and today only when it stands alone: "not home today, bring it tomorrow".
    """
    plain = _MORNING.sub(" ", " ".join(fold(text).split()))
    said = list(_DAY.finditer(plain))
    later = [m for m in said if _AHEAD.get(m["word"] or "") != 0]
    if not said:
        return None
    last = (later or said)[-1]
    if today is None:
        return last[0].strip()
    try:
        return _resolve(last, today).isoformat()
    except ValueError:
        return None


def _resolve(m: re.Match[str], today: date) -> date:
    """Raises ValueError for a day that no calendar has."""
    if m["iso"]:
        return date.fromisoformat(m["iso"])
    if m["word"]:
        return today + timedelta(days=_AHEAD[m["word"]])
    if m["count"]:
        count = int(m["count"]) if m["count"].isdigit() else _COUNTS[m["count"]]
        return today + timedelta(days=count * (7 if m["unit"].startswith(("w", "s")) else 1))
    if m["week"]:
        return today + timedelta(days=7 - today.weekday())
    if m["end"]:
        return _next_weekday(today, 5)
    if m["weekday"]:
        return _next_weekday(today, next(at for at, names in enumerate(_WEEKDAYS) if m["weekday"].startswith(names)))
    if m["nth"]:
        return _next_with(today, None, int(m["nth"]))
    if m["m"]:
        month, day = int(m["m"]), int(m["d"])
        return _next_with(today, day if month > 12 else month, month if month > 12 else day)
    name = m["month"] or m["after"]
    number = next(at for at, names in enumerate(_MONTHS, 1) if name.startswith(names))
    return _next_with(today, number, int(m["of"] or m["on"]))


def _next_weekday(today: date, weekday: int) -> date:
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _next_with(today: date, month: int | None, day: int) -> date:
    """The next date from today on with this day of the month, in this month when one is named."""
    for ahead in range(13):
        at = today.month - 1 + ahead
        year, number = today.year + at // 12, at % 12 + 1
        if month not in (None, number):
            continue
        try:
            found = date(year, number, day)
        except ValueError:
            continue
        if found >= today:
            return found
    raise ValueError(f"no month has a day {day}")


def read_times(text: str) -> dict[str, str]:
    """Times of the day as local HH:MM: `after`, `before`, both for a window, or `at`; empty when none is said."""
    plain = " ".join(fold(text).split())
    if m := _BETWEEN.search(plain):
        return _window(m.groups()[:8] if any(m.groups()[:8]) else m.groups()[8:])
    found: dict[str, str] = {}
    for name, pattern in (("after", _AFTER), ("before", _BEFORE)):
        if (m := pattern.search(plain)) and (time := _time(*m.groups()[:4])):
            found[name] = time
    if not found and (m := _AT.search(plain)):
        groups = m.groups()[:4] if any(m.groups()[:4]) else m.groups()[4:]
        if time := _time(*groups):
            found["at"] = time
    if not found:
        part = next(((lo, hi) for pattern, lo, hi in _PARTS if pattern.search(plain)), None)
        found = {"after": part[0], "before": part[1]} if part else {}
    return found


def _window(groups: tuple[str | None, ...]) -> dict[str, str]:
    """Both ends; "2 to 4pm" means pm at both."""
    lo, hi = list(groups[:4]), list(groups[4:])
    if hi[2] and not lo[2] and hi[2][0] in "ap" and lo[0] and hi[0] and int(lo[0]) <= int(hi[0]):
        lo[2] = hi[2]
    after, before = _time(*lo), _time(*(g if g not in ("tonight", "today") else "pm" for g in hi))
    return {"after": after, "before": before} if after and before and after < before else {}


def _time(hour: str | None, minute: str | None, half: str | None, word: str | None) -> str | None:
    if word:
        return "00:00" if word == "midnight" else "12:00"
    if hour is None:
        return None
    h, m = int(hour), int(minute or 0)
    if h > 23 or m > 59:
        return None
    if half and half[0] in "ap" and 1 <= h <= 12:
        h = h % 12 + (12 if half[0] == "p" else 0)
    elif not half and 1 <= h <= 7:
        h += 12
    return f"{h:02}:{m:02}"
