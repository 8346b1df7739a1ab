"""Windows as people write them, and on the days the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.imports.windows import from_wall, read
from core.errors import BadInput

DAY = date(2026, 6, 2)
TZ = "America/Chicago"
SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)


def local(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=ZoneInfo(TZ)).astimezone(UTC)


TWO = ((local(9), local(12)), (local(14), local(16)))
WRITTEN: list[tuple[dict[str, Any], tuple[tuple[datetime, datetime], ...], str]] = [
    ({}, (), "none"),
    ({"window_start": "9:30", "window_end": "12:00"}, ((local(9, 30), local(12)),), "wall clock of the depot"),
    ({"window_start": "09:00:00", "window_end": "12:00"}, TWO[:1], "with seconds"),
    ({"window_start": "20:00", "window_end": "24:00"}, ((local(20), local(0, day=3)),), "to the end of the day"),
    ({"window_start": "2026-06-02T09:00", "window_end": "2026-06-02T12:00"}, TWO[:1], "a date without a zone"),
    ({"window_start": "2026-06-02T14:00Z", "window_end": "2026-06-02T12:00-05:00"}, TWO[:1], "a zone is kept"),
    ({"window_start": "9am", "window_end": "12 PM"}, TWO[:1], "an English clock"),
    ({"window_start": "9:00 a.m.", "window_end": "12:00 p.m."}, TWO[:1], "an English clock in full"),
    ({"window_start": "9h", "window_end": "12h00"}, TWO[:1], "a French one"),
    ({"windows": "09:00-12:00; 14:00-16:00"}, TWO, "two in a cell"),
    ({"windows": "9am to 12pm, 2pm – 4pm"}, TWO, "two in words"),
    ({"windows": "14:00 bis 16:00 | 09:00 bis 12:00"}, TWO, "the later one first, in German"),
    ({"windows": [["09:00", "12:00"], {"start": "14:00", "end": "16:00"}]}, TWO, "lists and objects of JSON"),
    ({"windows": "2026-06-02T09:00/2026-06-02T12:00"}, TWO[:1], "an ISO interval"),
    (
        {"window_start": "09:00", "window_end": "12:00", "window_start_2": "14:00", "window_end_2": "16:00"},
        TWO, "two pairs of columns",
    ),
    ({"window_start": "09:00", "window_end": "12:00", "windows": "14:00-16:00"}, TWO, "columns and a cell"),
    ({"windows": "09:00-11:00; 10:30-12:00"}, TWO[:1], "those that overlap are one"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "windows", "why"), WRITTEN, ids=[row[2] for row in WRITTEN])
def test_windows_are_read(row: dict[str, Any], windows: object, why: str) -> None:
    assert read(row, DAY, TZ) == windows, why


def wall(at: datetime, tz: str = TZ) -> str:
    return at.astimezone(ZoneInfo(tz)).strftime("%H:%M")


def test_on_the_day_the_clocks_go_forward_a_window_is_wall_clock_and_an_hour_shorter() -> None:
    [(lo, hi)] = read({"windows": "01:00-08:00"}, SPRING, TZ)
    assert (wall(lo), wall(hi), hi - lo) == ("01:00", "08:00", timedelta(hours=6))


def test_a_time_that_the_clocks_skip_is_refused_with_the_two_that_there_are() -> None:
    with pytest.raises(BadInput) as caught:
        read({"window_start": "02:30", "window_end": "05:00"}, SPRING, TZ)
    assert caught.value.field == "window_start"
    assert "from 02:00 to 03:00" in caught.value.what
    assert caught.value.fix == "Write 02:00 or 03:00."


def test_the_moment_of_the_change_may_be_named_by_either_clock() -> None:
    [(_, by_old)] = read({"windows": "00:30-02:00"}, SPRING, TZ)
    [(_, by_new)] = read({"windows": "00:30-03:00"}, SPRING, TZ)
    assert by_old == by_new


def test_a_day_that_begins_at_one_in_the_morning_can_be_ended_at_midnight() -> None:
    """In Santiago the clocks go forward at midnight: that day has no 00:00, but the one before has its 24:00."""
    [(lo, hi)] = read({"windows": "20:00-24:00"}, date(2026, 9, 5), "America/Santiago")
    assert hi - lo == timedelta(hours=4)


def test_a_time_that_comes_twice_is_the_first_for_a_start_and_the_second_for_an_end() -> None:
    [(lo, hi)] = read({"windows": "01:30-01:45"}, AUTUMN, TZ)
    assert (wall(lo), wall(hi), hi - lo) == ("01:30", "01:45", timedelta(minutes=75))
    [(lo, hi)] = read({"windows": "00:30-01:30"}, AUTUMN, TZ)
    assert hi - lo == timedelta(hours=2)
    [(lo, hi)] = read({"windows": "08:00-10:00"}, AUTUMN, TZ)
    assert hi - lo == timedelta(hours=2)


CHANGES = {
    "America/Chicago": (SPRING, AUTUMN),
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "Australia/Lord_Howe": (date(2026, 10, 4), date(2026, 4, 5)),
    "America/Santiago": (date(2026, 9, 6), date(2026, 4, 4)),
    "Africa/Cairo": (date(2026, 4, 24), date(2026, 10, 29)),
    "Asia/Kathmandu": (SPRING, AUTUMN),
}
"""zone -> days on which its clocks go forward and back (Kathmandu's never do)"""


@settings(max_examples=400, derandomize=True, database=None, deadline=None)
@given(
    tz=st.sampled_from(sorted(CHANGES)),
    which=st.integers(0, 1),
    near=st.integers(-1, 1),
    minute=st.integers(0, 24 * 60 - 1),
    ends=st.booleans(),
)
def test_a_time_is_shown_by_the_clocks_of_its_zone_or_refused(
    tz: str, which: int, near: int, minute: int, ends: bool
) -> None:
    naive = datetime.combine(CHANGES[tz][which] + timedelta(days=near), datetime.min.time()) + timedelta(minutes=minute)
    zone = ZoneInfo(tz)
    shown = [naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    real = sorted({at for at in shown if at.astimezone(zone).replace(tzinfo=None) == naive})
    try:
        at = from_wall(naive, tz, "window_start", ends=ends)
    except BadInput:
        assert real == [], "only what no clock shows is refused"
        return
    if real:
        assert at == (real[-1] if ends else real[0])
    else:  # the moment of the change, named by the old clock: a second before it that clock still went
        before = (at - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        assert before == naive - timedelta(seconds=1)


@settings(max_examples=200, derandomize=True, database=None, deadline=None)
@given(
    tz=st.sampled_from(sorted(CHANGES)),
    which=st.integers(0, 1),
    lo=st.integers(0, 24 * 60 - 1),
    length=st.integers(1, 12 * 60),
)
def test_a_window_on_such_a_day_is_as_long_as_its_hours_there_really_are(
    tz: str, which: int, lo: int, length: int
) -> None:
    hi = min(lo + length, 24 * 60)
    text = f"{lo // 60:02}:{lo % 60:02}-{hi // 60:02}:{hi % 60:02}"
    if lo == hi:
        return
    try:
        [(start, end)] = read({"windows": text}, CHANGES[tz][which], tz)
    except BadInput as refused:
        words = refused.what
    else:
        words = ""
        assert timedelta(minutes=-60) <= (end - start) - timedelta(minutes=hi - lo) <= timedelta(minutes=60)
        assert end > start
    assert not words or (which == 0 and ("There is no" in words or "not after" in words)), "skipped, or nothing is left"
