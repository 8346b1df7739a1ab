"""A driver puts a stop off: a new list, no case, and the van heads to what comes next."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, select

from core import plans
from core.errors import BadInput, DoorstepError, WrongState
from core.store.tables import case, van
from tests.living import DAY, DEPOT, a_depot, a_plan, a_van, an_order, at, load_and_leave, stop_of, tap


class Road:
    """van1 is out to A1, A2 and A3."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        a_depot(db)
        a_van(db)
        made = [an_order(db, f"A{n}", n) for n in (1, 2, 3)]
        a_plan(db, {"van1": made})
        load_and_leave(db, "van1", made, at("08:00"))
        self.stops = [stop_of(db, order_id) for order_id in made]

    def route(self) -> list[int]:
        current = plans.current(self.db, DEPOT, DAY)
        assert current is not None
        return [self.stops.index(stop) + 1 for stop in current.routes["van1"].stops]

    def heads_to(self) -> int:
        return self.stops.index(self.db.execute(select(van.c.stop_id)).scalar_one()) + 1

    def skip(self, number: int, when: str = "08:10", **data: Any) -> None:
        tap(self.db, "skipped", "van1", at(when), self.stops[number - 1], **data)


@pytest.fixture
def road(record: Connection) -> Road:
    return Road(record)


def test_the_next_stop_swaps_with_the_one_behind_it(road: Road) -> None:
    road.skip(1)
    assert (road.route(), road.heads_to()) == ([2, 1, 3], 2)


def test_a_stop_may_go_to_the_end(road: Road) -> None:
    road.skip(1, places=99)
    assert (road.route(), road.heads_to()) == ([2, 3, 1], 2)


def test_a_later_stop_is_put_off_and_the_van_drives_on(road: Road) -> None:
    road.skip(2)
    assert (road.route(), road.heads_to()) == ([1, 3, 2], 1)


def test_it_is_a_version_with_the_drivers_name_and_nobodys_case(road: Road) -> None:
    road.skip(1)
    current = plans.current(road.db, DEPOT, DAY)
    assert current is not None
    assert current.made_by["driver"] == "van1"
    assert [v.arrival for v in current.routes["van1"].visits] == sorted(
        v.arrival for v in current.routes["van1"].visits
    )
    assert road.db.execute(select(case.c.id)).all() == []


def test_a_driver_who_finds_the_door_shut_leaves_it_for_later(road: Road) -> None:
    tap(road.db, "arrived", "van1", at("08:09"), road.stops[0])
    road.skip(1)
    assert road.heads_to() == 2
    assert road.db.execute(select(van.c.state)).scalar_one() == "driving"


@pytest.mark.parametrize(
    ("number", "data", "error", "field"),
    [
        (3, {}, WrongState, "stop"),
        (1, {"places": 0}, BadInput, "data.places"),
        (1, {"places": "two"}, BadInput, "data.places"),
    ],
)
def test_what_can_not_be_put_off_stays(
    road: Road, number: int, data: dict[str, Any], error: type[DoorstepError], field: str
) -> None:
    with pytest.raises(error) as refused:
        road.skip(number, **data)
    assert refused.value.field == field
    assert road.route() == [1, 2, 3]


def test_a_stop_of_another_van_is_none_of_ours(road: Road) -> None:
    with pytest.raises(WrongState, match="no stop"):
        tap(road.db, "skipped", "van1", at("08:10"), "stp_elsewhere")
