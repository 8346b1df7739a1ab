"""Driving and breaks by the taps: what the law counts, however late and in whatever order they come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from core import driving, orders
from core.driving import Driving
from core.fleet import Law
from core.store.tables import van
from tests.living import a_depot, a_plan, a_van, an_order, at, deliver, load_and_leave, stop_of, tap

LAW = Law()
MINUTE = 60


# The law by itself ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rests", "since", "why"),
    [
        ([45], 0, "at once"),
        ([44], 60, "a minute short"),
        ([15, 30], 0, "in two parts"),
        ([30, 15], 60, "the longer one comes second"),
        ([30, 30], 0, "the first may be longer"),
        ([15, 15, 15], 60, "not in three"),
        ([14, 31], 60, "the first is too short, and the second one is a first part"),
        ([15, 29], 60, "the second is too short"),
        ([20, 45], 0, "whole after a part"),
    ],
)
def test_a_break_is_whole_or_has_two_parts_in_their_order(rests: list[int], since: int, why: str) -> None:
    day = Driving(since_s=60 * MINUTE)
    for minutes in rests:
        day.rests(minutes * MINUTE, LAW)
    assert day.since_s == since * MINUTE, why


def test_a_part_before_any_driving_counts_for_nothing() -> None:
    day = Driving()
    day.rests(15 * MINUTE, LAW)
    day.drives(60 * MINUTE)
    day.rests(30 * MINUTE, LAW)
    assert day.since_s == 60 * MINUTE


def test_after_a_whole_break_a_new_one_has_its_first_part_first() -> None:
    day = Driving(since_s=1)
    day.rests(45 * MINUTE, LAW)
    day.drives(60)
    day.rests(30 * MINUTE, LAW)
    assert (day.since_s, day.part, day.owed_s(LAW)) == (60, True, 30 * MINUTE)


def test_a_law_without_parts_knows_whole_breaks_only() -> None:
    day, whole = Driving(since_s=60), Law(split_min=None)
    for minutes in (15, 30):
        day.rests(minutes * MINUTE, whole)
    assert (day.since_s, day.owed_s(whole)) == (60, 45 * MINUTE)


def test_parts_that_are_no_whole_break_are_refused() -> None:
    with pytest.raises(ValueError, match="split_min"):
        Law(break_min=60, split_min=(20, 30))
    assert Law(break_min=60).parts_s is None, "the usual parts are none of a longer break"


SPANS = st.lists(st.tuples(st.booleans(), st.integers(0, 120)), max_size=40)


@given(SPANS)
def test_who_stops_when_a_break_is_due_never_drives_longer_than_the_law(spans: list[tuple[bool, int]]) -> None:
    """Random days of driving (True) and resting minutes. Between two whole breaks, as a second and plainer reading of
    the article finds them, nobody drives more than four and a half hours."""
    day = Driving()
    done: list[tuple[bool, int]] = []
    for drives, minutes in spans:
        if drives:
            room = LAW.drive_min - day.since_s // MINUTE
            if minutes > room:
                day.rests(day.owed_s(LAW), LAW)
                done.append((False, 30 if _part_had(done) else 45))
            day.drives(minutes * MINUTE)
        else:
            day.rests(minutes * MINUTE, LAW)
        done.append((drives, minutes))
    assert all(total <= LAW.drive_min for total in _between_breaks(done))
    assert day.today_s == MINUTE * sum(minutes for drives, minutes in done if drives)


def _between_breaks(done: list[tuple[bool, int]]) -> list[int]:
    totals, had = [0], False
    for drives, minutes in done:
        if drives:
            totals[-1] += minutes
        elif minutes >= 45 or (had and minutes >= 30):
            totals.append(0)
            had = False
        elif minutes >= 15 and totals[-1]:
            had = True
    return totals


def _part_had(done: list[tuple[bool, int]]) -> bool:
    """Was a first part taken since the last whole break?"""
    had, driven = False, False
    for drives, minutes in done:
        if drives:
            driven = driven or minutes > 0
        elif minutes >= 45 or (had and minutes >= 30):
            had = driven = False
        elif minutes >= 15 and driven:
            had = True
    return had


# By the taps ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def out(record: Connection) -> Connection:
    a_depot(record)
    a_van(record)
    made = [an_order(record, ref, place) for place, ref in enumerate(("A1", "A2"), 1)]
    a_plan(record, {"van1": made})
    load_and_leave(record, "van1", made, at("08:00"))  # it left at 08:01
    return record


def orders_of(db: Connection) -> list[str]:
    return [row.id for ref in ("A1", "A2") if (row := orders.by_ref(db, ref)) is not None]


def hours(db: Connection, when: str) -> dict[str, int]:
    kept = db.execute(select(van.c.hours).where(van.c.vehicle_id == "van1")).scalar_one()
    return {name: seconds // MINUTE for name, seconds in driving.hours(kept, LAW, at(when)).items()}


def test_before_a_van_has_left_nothing_was_worked(record: Connection) -> None:
    assert set(driving.hours(None, LAW, at("07:30")).values()) == {0}


def test_breaks_are_not_work(out: Connection) -> None:
    tap(out, "break_started", "van1", at("10:00"), minutes=45)
    assert hours(out, "10:20") == {
        "worked_s": 119, "rested_s": 20, "since_rest_s": 0, "drove_s": 119, "driven_s": 119,
    }  # fmt: skip
    tap(out, "break_ended", "van1", at("10:40"))
    assert hours(out, "12:01") == {
        "worked_s": 200, "rested_s": 40, "since_rest_s": 81, "drove_s": 200, "driven_s": 200,
    }  # fmt: skip


def test_a_break_in_two_parts_is_one(out: Connection) -> None:
    for begins, ends in (("09:00", "09:15"), ("10:00", "10:30")):
        tap(out, "break_started", "van1", at(begins), minutes=30)
        tap(out, "break_ended", "van1", at(ends))
    assert hours(out, "11:00")["driven_s"] == 30
    assert hours(out, "11:00")["drove_s"] == 59 + 45 + 30


def test_at_a_door_nobody_drives(out: Connection) -> None:
    deliver(out, "van1", orders_of(out)[0], at("08:20"))  # until 08:23
    assert hours(out, "08:22")["drove_s"] == 19
    assert hours(out, "08:33")["drove_s"] == 19 + 10


def test_a_door_that_is_not_open_yet_gives_a_break(record: Connection) -> None:
    a_depot(record)
    a_van(record)
    window = (at("10:00"), at("12:00"))
    made = an_order(record, "A1", windows=[window])
    a_plan(record, {"van1": [made]})
    load_and_leave(record, "van1", [made], at("08:00"))
    tap(record, "arrived", "van1", at("09:10"), stop_of(record, made))
    assert hours(record, "10:00") == {
        "worked_s": 119, "rested_s": 0, "since_rest_s": 119, "drove_s": 69, "driven_s": 0,
    }  # fmt: skip


def test_a_break_that_goes_on_is_as_long_as_the_driver_said_for_what_is_planned(out: Connection) -> None:
    tap(out, "break_started", "van1", at("10:00"), minutes=45)
    kept = out.execute(select(van.c.hours)).scalar_one()
    assert driving.so_far(kept, LAW, at("10:05")).since_s == 119 * MINUTE
    assert driving.so_far(kept, LAW, at("10:05"), rested=True).since_s == 0


def test_a_breakdown_is_no_rest(out: Connection) -> None:
    tap(out, "breakdown", "van1", at("09:01"), reason="engine", minutes=60)
    tap(out, "repaired", "van1", at("10:31"))
    assert hours(out, "10:41")["driven_s"] == 70


def test_taps_count_by_when_they_happened_not_by_when_they_came(out: Connection) -> None:
    taps: list[tuple[str, datetime, dict[str, Any]]] = [
        ("break_started", at("09:00"), {"minutes": 15}),
        ("break_ended", at("09:15"), {}),
        ("break_started", at("10:00"), {"minutes": 30}),
        ("break_ended", at("10:30"), {}),
    ]
    for kind, when, data in taps:
        tap(out, kind, "van1", when, now=at("11:00"), **data)
    in_order = hours(out, "11:00")
    stop = stop_of(out, orders_of(out)[0])
    tap(out, "arrived", "van1", at("08:30"), stop, now=at("11:00"))
    assert hours(out, "11:00")["drove_s"] == in_order["drove_s"] - 30, "at the door from 08:30 until the break at 09:00"


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(0, 90)), min_size=1, max_size=8))
def test_random_days_of_taps_add_up(legs: list[tuple[int, int]]) -> None:
    """Drives of so many minutes, each followed by a break of so many: the taps and the law by itself count alike."""
    now, taps, law = at("00:00"), [], Driving()
    taps.append(_Tap("driver.departed", now))
    for drive, rest in legs:
        law.drives(drive * MINUTE)
        law.rests(rest * MINUTE, LAW)
        now += timedelta(minutes=drive)
        taps.append(_Tap("driver.break_started", now, {"minutes": max(rest, 1)}))
        now += timedelta(minutes=rest)
        taps.append(_Tap("driver.break_ended", now))
    day = driving.walk(taps, {}, LAW)  # type: ignore[arg-type]
    assert driving.so_far(day.kept(), LAW, now) == law


class _Tap:
    def __init__(self, kind: str, at: datetime, data: dict[str, Any] | None = None) -> None:
        self.kind, self.at, self.data, self.subject = kind, at, data or {}, "van1"
