"""Breaks as drivers tap them. What they count for is in test_driving."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from core import rests, vans
from core.errors import BadInput, WrongState
from tests.living import DAY, a_depot, a_plan, a_van, an_order, at, load_and_leave, tap


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    a_van(record)
    made = an_order(record, "A1")
    a_plan(record, {"van1": [made]})
    load_and_leave(record, "van1", [made], at("08:00"))  # it left at 08:01
    return record


def test_who_rests_is_taken_to_go_on_when_they_said(db: Connection) -> None:
    tap(db, "break_started", "van1", at("10:00"), minutes=45)
    assert rests.resting_until(db, DAY) == {"van1": at("10:45")}
    tap(db, "break_ended", "van1", at("10:20"))
    assert rests.resting_until(db, DAY) == {}


def test_without_minutes_the_usual_break_is_taken(db: Connection) -> None:
    tap(db, "break_started", "van1", at("10:00"))
    assert rests.resting_until(db, DAY) == {"van1": at("10:00") + timedelta(minutes=rests.USUAL_MIN)}


def test_a_break_begins_and_ends_once(db: Connection) -> None:
    with pytest.raises(WrongState):
        tap(db, "break_ended", "van1", at("09:00"))
    tap(db, "break_started", "van1", at("10:00"))
    with pytest.raises(WrongState):
        tap(db, "break_started", "van1", at("10:05"))
    with pytest.raises(BadInput):
        tap(db, "break_ended", "van1", at("09:59"))


@pytest.mark.parametrize("minutes", [0, -1, 10_000, "long", True])
def test_minutes_that_are_none_are_refused(db: Connection, minutes: object) -> None:
    with pytest.raises(BadInput) as refused:
        tap(db, "break_started", "van1", at("10:00"), minutes=minutes)
    assert refused.value.field == "data.minutes"


@pytest.mark.parametrize(
    ("taps", "leaves", "why"),
    [
        ([], "08:01", "it left for the door a minute after it was loaded"),
        ([("break_started", "10:00"), ("break_ended", "10:20")], "08:21", "time at rest is no slow driving"),
        (
            [
                ("break_started", "09:00"),
                ("break_ended", "09:15"),
                ("break_started", "10:00"),
                ("break_ended", "10:30"),
            ],
            "08:46",
            "both of them",
        ),
    ],
)
def test_a_leg_counts_as_begun_later_by_the_rest_on_it(
    db: Connection, taps: list[tuple[str, str]], leaves: str, why: str
) -> None:
    for kind, when in taps:
        tap(db, kind, "van1", at(when))
    state = vans.of_vehicle(db, "van1")
    assert state is not None
    assert state.state_at == at(leaves), why
