"""Time windows as people and spreadsheets write them -> instants in UTC.

Times are wall clock at the depot. On the day the clocks go forward, a time that its clocks skip is refused, but for the
moment of the change itself; on the day they go back, a time that comes twice is the first one where a window starts and
the second one where it ends, so that the window holds whatever the customer meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.clock import iso
from core.errors import BadInput

Window = tuple[datetime, datetime]
NEAR = timedelta(days=2)
"""a window further from the day of delivery than this is a slip"""
WALL = re.compile(r"([01]?\d|2[0-4])(?::|h)([0-5]\d)?(?::([0-5]\d))?", re.IGNORECASE)
HALF_DAY = re.compile(r"(1[0-2]|0?[1-9])(?::([0-5]\d))?(?::([0-5]\d))?\s*([ap])\.?m\.?", re.IGNORECASE)
TO = re.compile(r"\s*(?:[-–—]|\b(?:to|until|bis|a|à|até|hasta)\b)\s*", re.IGNORECASE)
MOST = 9


def read(row: Mapping[str, Any], day: date, tz: str) -> tuple[Window, ...]:
    """All windows of a row, in order; those that touch or overlap are one. Raises BadInput naming the field."""
    found = sorted(_window(lo, hi, starts, ends, day, tz) for lo, hi, starts, ends in _written(row))
    merged: list[Window] = []
    for lo, hi in found:
        if merged and lo <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(hi, merged[-1][1]))
        else:
            merged.append((lo, hi))
    return tuple(merged)


def _written(row: Mapping[str, Any]) -> Iterator[tuple[Any, Any, str, str]]:
    """(start, end, field of the start, field of the end) of each window that a row writes down."""
    for number in range(1, MOST + 1):
        end = "" if number == 1 else f"_{number}"
        starts, ends = f"window_start{end}", f"window_end{end}"
        if starts in row or ends in row:
            for name in (starts, ends):
                if name not in row:
                    raise BadInput("A window needs both ends.", f"Fill in {name}.", field=name)
            yield row[starts], row[ends], starts, ends
    given = row.get("windows", ())
    for each in re.split(r"[;,|\n]+", given) if isinstance(given, str) else given:
        if str(each).strip():
            yield (*_ends(each), "windows", "windows")


def _ends(window: Any) -> tuple[Any, Any]:
    match window:
        case {"start": start, "end": end} | [start, end]:
            return start, end
        case str() if len(parts := window.split("/") if "/" in window else TO.split(window.strip())) == 2:
            return parts[0], parts[1]
    raise BadInput(f"{str(window)[:60]!r} is no window.", "Write 09:00-12:00; 14:00-16:00.", field="windows")


def _window(start: Any, end: Any, starts: str, ends: str, day: date, tz: str) -> Window:
    lo, hi = instant(start, starts, day, tz, ends=False), instant(end, ends, day, tz, ends=True)
    if hi <= lo:
        raise BadInput(f"The window ends at {iso(hi)}, not after it starts.", "Swap them or correct one.", field=ends)
    return lo, hi


def instant(given: Any, field: str, day: date, tz: str, *, ends: bool) -> datetime:
    """A time of day at the depot, or a date with one. Raises BadInput when it can't be."""
    text = str(given).strip()
    seconds = _wall_seconds(text)
    if seconds is not None:
        return from_wall(datetime.combine(day, time()) + timedelta(seconds=seconds), tz, field, ends=ends)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is no time.", "Write 09:30 or 2026-03-10T09:30.", field=field) from None
    if abs(at.replace(tzinfo=None) - datetime.combine(day, time())) > NEAR:
        raise BadInput(f"{text} is not on {day}.", "Correct it, or import the row for its day.", field=field)
    return at.astimezone(UTC) if at.tzinfo else from_wall(at, tz, field, ends=ends)


def _wall_seconds(text: str) -> int | None:
    half = HALF_DAY.fullmatch(text)
    if half:
        hours, minutes, seconds = (int(part or 0) for part in half.groups()[:3])
        return (hours % 12 + (12 if half.group(4) in "pP" else 0)) * 3600 + minutes * 60 + seconds
    wall = WALL.fullmatch(text)
    if wall is None or (wall.group(2) is None and "h" not in text.casefold()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in wall.groups())
    return hours * 3600 + minutes * 60 + seconds


def from_wall(wall: datetime, tz: str, field: str, *, ends: bool) -> datetime:
    """The instant at which the clocks of a zone show `wall`."""
    first, second = (wall.replace(tzinfo=ZoneInfo(tz), fold=fold) for fold in (0, 1))
    skipped = _skipped(wall, tz)
    if skipped and _skipped(wall - timedelta(seconds=1), tz):
        before = _last_before_gap(wall, tz)
        after = before + (second.utcoffset() or timedelta()) - (first.utcoffset() or timedelta())
        raise BadInput(
            f"There is no {wall:%H:%M} on {wall.date()} in {tz}: the clocks go from {before:%H:%M} to {after:%H:%M}.",
            f"Write {before:%H:%M} or {after:%H:%M}.",
            field=field,
        )
    return (second if ends and not skipped else first).astimezone(UTC)


def _skipped(wall: datetime, tz: str) -> bool:
    """Whether the clocks of a zone never show this time: there and back it is another one."""
    there = wall.replace(tzinfo=ZoneInfo(tz)).astimezone(UTC)
    return there.astimezone(ZoneInfo(tz)).replace(tzinfo=None) != wall


def _last_before_gap(wall: datetime, tz: str) -> datetime:
    at = wall.replace(second=0, microsecond=0)
    while _skipped(at - timedelta(seconds=1), tz):
        at -= timedelta(minutes=1)
    return at
