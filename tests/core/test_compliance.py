"""Was the plan driven? Two stops swapped are no exception; a route driven backwards is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from core import compliance
from core.errors import NotFound
from tests.living import DAY, DEPOT, a_depot, a_plan, a_van, an_order, at, stop_of, tap


@pytest.mark.parametrize(
    ("came", "in_order", "elsewhere", "followed", "why"),
    [
        ("ABCDE", 5, "", True, "as planned"),
        ("", 0, "", True, "not begun"),
        ("AB", 2, "", True, "half way"),
        ("ACE", 3, "", True, "what was not served is not out of order"),
        ("BACDE", 4, "BA", True, "two neighbours swapped"),
        ("EBCDA", 3, "EA", True, "two stops in each other's place"),
        ("BCDEA", 4, "BCDEA", True, "one put off till last"),
        ("EDCBA", 1, "EDBA", False, "backwards"),
        ("BADCE", 3, "BADC", False, "two swaps"),
        ("XABCDE", 5, "", True, "a stop that is not of this route says nothing"),
    ],
)
def test_what_counts_as_the_plan(came: str, in_order: int, elsewhere: str, followed: bool, why: str) -> None:
    found = compliance.compare("ABCDE", list(came))
    said = (found["in_order"], "".join(found["elsewhere"]), found["followed"])
    assert said == (in_order, elsewhere, followed), why


@given(st.permutations(range(8)))
def test_the_longest_run_in_order_is_that_of_trying_all(places: list[int]) -> None:
    best = [1] * 8
    for n in range(8):
        best[n] = 1 + max((best[m] for m in range(n) if places[m] < places[n]), default=0)
    assert compliance._longest_rise(places) == max(best)


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    a_van(record)
    a_van(record, "van2")
    return record


def test_a_day_is_compared_van_by_van_in_the_order_of_first_arrivals(db: Connection) -> None:
    made = [an_order(db, f"A{n}", n) for n in (1, 2, 3)]
    stops = [stop_of(db, order_id) for order_id in made]
    a_plan(db, {"van1": made, "van2": [an_order(db, "B1", 4)]})
    tap(db, "loaded", "van1", at("08:00"), orders=made)
    tap(db, "departed", "van1", at("08:01"))
    for clock_time, nth in (("08:10", 1), ("08:30", 0), ("08:50", 1), ("09:10", 2)):
        tap(db, "arrived", "van1", at(clock_time), stops[nth])
    found: list[dict[str, Any]] = compliance.of_plan(db, DEPOT, DAY)
    assert [row["vehicle"] for row in found] == ["van1", "van2"]
    assert found[0] == {
        "vehicle": "van1", "planned": 3, "served": 3, "in_order": 2, "share": 66, "elsewhere": [stops[1], stops[0]],
        "followed": True,
    }  # fmt: skip
    assert (found[1]["served"], found[1]["share"], found[1]["followed"]) == (0, None, True)


def test_without_a_plan_there_is_nothing_to_comply_with(db: Connection) -> None:
    with pytest.raises(NotFound, match="no published plan"):
        compliance.of_plan(db, DEPOT, DAY)
