"""Orders that name no depot: the one that reaches the door first and has a van for it; the order says why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from api.imports import take
from api.imports.answer import Imported
from core import clock, events, fleet, orders
from core.store import db as store
from core.store.tables import order
from tests.living import DAY, HOME, STEP, Living, a_depot, a_van, at
from tools import reach

NORTH = HOME[0] + 10 * STEP


@pytest.fixture
def two(living: Living) -> Living:
    """Two depots, twenty minutes and more apart; doors stand on the road between and beyond them."""
    with store.transaction() as db:
        a_depot(db, "south")
        fleet.put_depot(db, fleet.Depot(id="north", name="north", lat=NORTH, lon=HOME[1], tz="America/New_York"))
        a_van(db, "van1", "south", shift_end="18:00")
        a_van(db, "van2", "north", shift_end="18:00", skills=["cold"], crew=2)
    return living


def taken(depot: str | None = None, **row: Any) -> Imported:
    given = {"ref": "R1", "name": "Ada", "phone": "+15555550142", "lat": HOME[0] + STEP, "lon": HOME[1]}
    return take.take(json.dumps([given | row]).encode(), "json", depot, DAY)


def home_of(ref: str = "R1") -> str:
    with store.transaction() as db:
        return str(db.execute(select(order.c.depot_id).where(order.c.ref == ref)).scalar_one())


def why(ref: str = "R1") -> list[dict[str, Any]]:
    with store.transaction() as db:
        row = orders.by_ref(db, ref)
        assert row is not None
        return [dict(each) for each in reach.explained(events.of(db, row.id))]


@pytest.mark.parametrize(
    ("row", "depot", "said"),
    [
        ({"lat": HOME[0] + STEP}, "south", "the nearer one"),
        ({"lat": NORTH + STEP}, "north", "beyond the other one"),
        ({"lat": HOME[0] + STEP, "skills": "cold"}, "north", "only there a van is equipped"),
        ({"lat": HOME[0] + STEP, "crew": 2}, "north", "only there two can carry"),
        ({"lat": NORTH + STEP, "depot": "south"}, "south", "the row names it"),
    ],
)
def test_an_order_goes_from_the_depot_that_reaches_it_first_and_can(
    two: Living, row: dict[str, Any], depot: str, said: str
) -> None:
    assert taken(**row).accepted == 1
    assert home_of() == depot, said


def test_the_order_says_why(two: Living) -> None:
    taken(lat=HOME[0] + STEP, skills="cold")
    chosen, other = why()
    assert (chosen["depot"], chosen["why_not"]) == ("north", "")
    assert (other["depot"], other["why_not"]) == ("south", "not_equipped")
    assert 0 < other["seconds"] < chosen["seconds"]


def test_whose_sender_names_a_depot_is_not_explained(two: Living) -> None:
    taken("south", lat=NORTH + STEP)
    assert (home_of(), why()) == ("south", [])


def test_depots_whose_shifts_are_over_are_passed_by(two: Living) -> None:
    with store.transaction() as db:
        a_van(db, "van1", "south", shift_end="09:00")
        clock.set_simulated(db, at("10:00"))
    taken()
    assert home_of() == "north"
    assert why()[1]["why_not"] == "shift_over"


def test_the_same_again_stays_where_it_is_though_another_depot_would_be_chosen_now(two: Living) -> None:
    taken()
    with store.transaction() as db:
        a_van(db, "van1", "south", shift_end="09:00")
        clock.set_simulated(db, at("10:00"))
    assert taken().unchanged == 1
    assert home_of() == "south"


def test_times_of_a_row_are_those_at_the_depot_that_it_goes_from(two: Living) -> None:
    taken(lat=NORTH + STEP, window_start="09:00", window_end="11:00")
    with store.transaction() as db:
        row = orders.by_ref(db, "R1")
        assert row is not None
        assert row.windows == [["2026-06-02T13:00:00Z", "2026-06-02T15:00:00Z"]], "nine in New York"


@pytest.mark.parametrize(
    ("row", "words"),
    [({"skills": "crane"}, "not_equipped"), ({"pieces": 50_000}, "too_big")],
)
def test_what_no_depot_can_take_is_named(two: Living, row: dict[str, Any], words: str) -> None:
    done = taken(**row)
    assert (done.accepted, done.rejected[0].field) == (0, "depot")
    assert words in done.rejected[0].reason


def test_without_a_place_it_waits_at_the_first_depot_for_somebody_to_say_where(two: Living) -> None:
    done = taken(lat=None, lon=None, address="5 Elm St")
    assert done.unplaced[0].reason == "no_geocoder"
    assert (home_of(), why()) == ("north", [])


def test_a_van_that_keeps_to_other_areas_does_not_count(two: Living) -> None:
    with store.transaction() as db:
        ring = ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0))
        fleet.put_area(db, fleet.Area(id="sea", depot="south", polygon=ring))
        a_van(db, "van1", "south", areas=["sea"])
    taken()
    assert home_of() == "north"
    assert why()[1]["why_not"] == "outside_areas"
