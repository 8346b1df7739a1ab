"""Nobody has heard of a driver: vans that have not left take the stops, or the driver comes and all is well."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.store import db as store
from core.store.tables import case
from tests.living import Living, a_day, at, load_and_leave, tap
from tests.tools.a_case import approve, asked, case_row, routes
from tools import attendance

VANS = {"van1": ["A1", "A2"], "van2": ["B1"]}
PLACES = {"A1": 1, "A2": 2, "B1": 3}


def missing() -> list[str]:
    with store.transaction() as db:
        query = select(case.c.id).where(case.c.kind == "driver_missing").order_by(case.c.subject)
        return list(db.execute(query).scalars())


def test_twenty_minutes_into_the_shift_a_van_without_a_tap_is_a_case(living: Living) -> None:
    day = a_day(living, VANS, PLACES)
    with store.transaction() as db:
        tap(db, "started", "van2", at("07:55"))
    living.pulse(at("08:19"))
    assert missing() == []
    living.pulse(at("08:20"))
    (case_id,) = missing()
    row = case_row(case_id)
    assert row.subject == "van1"
    assert row.facts["stops"] == [day.stops["A1"], day.stops["A2"]]
    assert {"wait", "rescue:van2", "postpone"} == {o["id"] for o in row.options}


def test_another_van_takes_the_stops_from_the_depot_and_nothing_changes_hands(living: Living) -> None:
    day = a_day(living, VANS, PLACES)
    with store.transaction() as db:
        tap(db, "started", "van2", at("07:55"))
    with store.transaction() as db:
        tap(db, "started", "van2", at("07:55"))
    living.pulse(at("08:20"))
    (case_id,) = missing()
    if case_row(case_id).status == "waiting":
        approve(case_id, asked(case_id).digest)
        living.work()
    assert case_row(case_id).reason_code == "done"
    assert set(routes()["van2"]) == set(day.stops.values())
    assert routes()["van1"] == ()


def test_who_taps_is_there(living: Living) -> None:
    a_day(living, VANS, PLACES)
    with store.transaction() as db:
        tap(db, "started", "van1", at("08:10"))
        tap(db, "started", "van2", at("08:19"))
    living.pulse(at("08:20"))
    assert missing() == []


def test_a_driver_who_comes_closes_the_case(living: Living) -> None:
    a_day(living, {"van1": ["A1"]}, {"A1": 1})
    living.to(at("08:20"))
    with store.transaction() as db:
        case_id = attendance.look(db, "van1", at("08:20").date(), at("08:20"))
        assert case_id is not None
        tap(db, "started", "van1", at("08:20"))
    living.work()
    assert case_row(case_id).reason_code == "driver_came"


@pytest.mark.parametrize("van", ["van2"])
def test_a_van_that_has_left_can_not_take_what_lies_at_the_depot(living: Living, van: str) -> None:
    day = a_day(living, VANS, PLACES)
    with store.transaction() as db:
        load_and_leave(db, van, [day.orders["B1"]], at("08:00"))
    living.pulse(at("08:20"))
    (case_id,) = missing()
    assert {"wait", "postpone"} == {o["id"] for o in case_row(case_id).options}
