"""The clock: a simulated one goes forward only, a real one can't be set, and wall-clock times hold on DST days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, update

from core import clock
from core.errors import WrongState
from core.store.tables import instance
from tests.living import at


def real(db: Connection) -> Connection:
    db.execute(update(instance).values(mode="real", sim_now=None))
    return db


def test_a_simulated_clock_moves_forward(record: Connection) -> None:
    clock.set_simulated(record, at("07:30"), speed=60)
    assert clock.read(record) == clock.Reading(at("07:30"), simulated=True, speed=60, paused=False)


def test_a_simulated_clock_never_goes_back(record: Connection) -> None:
    clock.set_simulated(record, at("06:59"), speed=10)
    assert clock.now(record) == at("07:00")
    assert clock.read(record).speed == 10, "the speed is taken all the same"


def test_a_simulated_day_can_be_paused_and_resumed(record: Connection) -> None:
    clock.set_paused(record, True)
    assert clock.read(record).paused
    clock.set_paused(record, False)
    assert not clock.read(record).paused


def test_a_real_clock_can_be_neither_set_nor_paused(record: Connection) -> None:
    real(record)
    with pytest.raises(WrongState):
        clock.set_simulated(record, at("23:00"))
    with pytest.raises(WrongState):
        clock.set_paused(record, True)


def test_a_real_clock_says_what_the_machine_says(record: Connection) -> None:
    before = datetime.now(UTC)
    assert before <= clock.now(real(record)) <= datetime.now(UTC)
    assert not clock.read(record).simulated


HOUR = 3600


@pytest.mark.parametrize(
    ("day", "tz", "seconds", "utc", "why"),
    [
        (date(2026, 6, 2), "UTC", 8 * HOUR, "2026-06-02T08:00:00Z", "no zone, no shift"),
        (date(2026, 6, 2), "America/Chicago", 8 * HOUR, "2026-06-02T13:00:00Z", "summer time"),
        (date(2026, 1, 2), "America/Chicago", 8 * HOUR, "2026-01-02T14:00:00Z", "winter time"),
        (date(2026, 3, 29), "Europe/Madrid", 0, "2026-03-28T23:00:00Z", "the spring day begins on winter time"),
        (date(2026, 3, 29), "Europe/Madrid", 8 * HOUR, "2026-03-29T06:00:00Z", "08:00 is 08:00 after the hour is lost"),
        (date(2026, 10, 25), "Europe/Madrid", 8 * HOUR, "2026-10-25T07:00:00Z", "and after the hour that comes twice"),
        (date(2026, 10, 25), "Europe/Madrid", 5 * HOUR // 2, "2026-10-25T00:30:00Z", "of two 02:30 it is the first"),
        (date(2026, 3, 29), "Europe/Madrid", 5 * HOUR // 2, "2026-03-29T01:30:00Z", "02:30 that never was is 03:30"),
        (date(2026, 3, 29), "Europe/Madrid", 24 * HOUR, "2026-03-29T22:00:00Z", "24:00 is the next midnight"),
        (date(2026, 6, 2), "Asia/Kolkata", 8 * HOUR, "2026-06-02T02:30:00Z", "half-hour zones"),
    ],
)
def test_a_wall_clock_time_is_that_time_on_every_day(day: date, tz: str, seconds: int, utc: str, why: str) -> None:
    assert clock.iso(clock.at_second(day, tz, seconds)) == utc, why


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 6, 2), 24), (date(2026, 10, 25), 25)], ids=str
)
def test_a_day_has_as_many_hours_as_it_has(day: date, hours: int) -> None:
    starts, ends = clock.midnight(day, "Europe/Madrid"), clock.midnight(day + timedelta(days=1), "Europe/Madrid")
    assert ends - starts == timedelta(hours=hours)


def test_offsets_count_elapsed_seconds_and_not_the_hands_of_the_clock() -> None:
    t0 = clock.midnight(date(2026, 3, 29), "Europe/Madrid")
    assert clock.at_offset(t0, 8 * HOUR) == clock.at_second(date(2026, 3, 29), "Europe/Madrid", 9 * HOUR)


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_what_is_written_reads_back_as_the_same_moment(moment: datetime) -> None:
    assert clock.parse(clock.iso(moment)) == moment


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-06-02T08:00:00Z", "2026-06-02T08:00:00Z"),
        ("2026-06-02T08:00:00-05:00", "2026-06-02T13:00:00Z"),
        ("2026-06-02T08:00:00.250000Z", "2026-06-02T08:00:00.250000Z"),
    ],
)
def test_times_are_written_in_utc(text: str, said: str) -> None:
    assert clock.iso(clock.parse(text)) == said


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="give a time zone"):
        clock.parse("2026-06-02T08:00:00")
