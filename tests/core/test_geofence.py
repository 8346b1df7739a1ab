"""Doors as circles: no flicker at the edge, no stop for who drives past, one event a change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from core import events, geofence, vans
from core.geofence import Circle, circles, judge
from core.store.tables import fence
from core.vans import Position
from tests.living import a_depot, a_van, at

HERE = (30.0, -97.0)
METRE = 1 / geofence.METRES_A_DEGREE
"""of latitude, in degrees"""
DOORS = {"v1": {"s1": Circle(*HERE, 50), "s2": Circle(HERE[0] + 1000 * METRE, HERE[1], 50)}}
SINCE = at("00:00")


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    a_van(record, "v1")
    return record


def drive(db: Connection, *metres: float, start: str = "08:00", kmh: float | None = None) -> list[tuple[str, str, str]]:
    """Positions so many metres north of s1, one a minute, then a look."""
    seen = [
        Position(vehicle="v1", at=at(start) + timedelta(minutes=n), lat=HERE[0] + m * METRE, lon=HERE[1], speed_kmh=kmh)
        for n, m in enumerate(metres)
    ]
    vans.take_positions(db, seen)
    return geofence.watch(db, DOORS, SINCE, seen[-1].at)


@pytest.mark.parametrize(
    ("metres_apart", "radius", "why"),
    [
        (1000, geofence.WIDEST_M, "far from each other"),
        (160, 80, "half way to the neighbour"),
        (20, geofence.NARROWEST_M, "next door"),
    ],
)
def test_a_circle_is_as_wide_as_doors_are_apart(metres_apart: int, radius: int, why: str) -> None:
    made = circles({"a": HERE, "b": (HERE[0] + metres_apart * METRE, HERE[1])})
    assert [made["a"].radius_m, made["b"].radius_m] == pytest.approx([radius, radius], abs=1), why


def test_a_door_alone_has_the_widest_circle_and_no_door_has_none() -> None:
    assert circles({"a": HERE}) == {"a": Circle(*HERE, geofence.WIDEST_M)}
    assert circles({}) == {}


@pytest.mark.parametrize(
    ("inside", "metres", "kmh", "door", "why"),
    [
        (None, 49, None, "s1", "inside"),
        (None, 51, None, None, "outside"),
        (None, 10, 14.0, "s1", "rolling up"),
        (None, 10, 40.0, None, "driving past"),
        ("s1", 60, 40.0, "s1", "not clearly outside yet"),
        ("s1", 76, None, None, "left"),
        ("s1", 990, 0.0, "s2", "at the next one"),
        ("gone", 10, 0.0, "s1", "the old stop is off the route"),
    ],
)
def test_where_a_van_stands(inside: str | None, metres: float, kmh: float | None, door: str | None, why: str) -> None:
    assert judge(inside, DOORS["v1"], HERE[0] + metres * METRE, HERE[1], kmh) == door, why


def test_of_circles_that_overlap_the_nearest_door_counts() -> None:
    both = {"far": Circle(HERE[0] + 30 * METRE, HERE[1], 50), "near": Circle(HERE[0] + 10 * METRE, HERE[1], 50)}
    assert judge(None, both, *HERE, None) == "near"


def test_a_stop_is_entered_once_and_left_once_with_how_long_it_took(db: Connection) -> None:
    assert drive(db, 900, 30, 60, 10, 70, 200) == [("v1", "stop.entered", "s1"), ("v1", "stop.left", "s1")]
    told = events.of(db, "s1")
    assert [(e.kind, e.at, e.data) for e in told] == [
        ("stop.entered", at("08:01"), {}),
        ("stop.left", at("08:05"), {"dwell_s": 240}),
    ]


def test_looking_again_says_nothing_new(db: Connection) -> None:
    assert drive(db, 30) == [("v1", "stop.entered", "s1")]
    assert geofence.watch(db, DOORS, SINCE, at("08:00")) == []
    assert drive(db, 20, start="08:01") == []
    assert drive(db, 400, start="08:02") == [("v1", "stop.left", "s1")]


def test_a_position_that_comes_late_changes_nothing(db: Connection) -> None:
    drive(db, 30, start="08:10")
    assert drive(db, 500, start="08:05") == []
    assert db.execute(select(fence.c.stop_id)).scalar_one() == "s1"


def test_yesterdays_door_is_forgotten(db: Connection) -> None:
    drive(db, 30)
    vans.take_positions(db, [Position(vehicle="v1", at=at("10:00"), lat=HERE[0] + 500 * METRE, lon=HERE[1])])
    assert geofence.watch(db, DOORS, at("09:00"), at("10:00")) == [], "what was before this day is not left in it"


def test_how_long_a_van_stood_where(db: Connection) -> None:
    drive(db, 30, 30, 400, 1000, 1010)
    assert geofence.dwells(db, "v1", SINCE, at("09:00")) == [
        {"stop": "s1", "entered": "2026-06-02T13:00:00Z", "left": "2026-06-02T13:02:00Z", "seconds": 120},
        {"stop": "s2", "entered": "2026-06-02T13:03:00Z", "left": None, "seconds": None},
    ]
    assert geofence.dwells(db, "v1", at("08:03"), at("09:00"))[0]["stop"] == "s2"


def test_nobody_on_the_road_is_nothing_to_watch(db: Connection) -> None:
    assert geofence.watch(db, {}, SINCE, at("08:00")) == []
