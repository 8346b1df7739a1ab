"""Room in hand: who leaves later keeps some for what comes in until then, never more than half of what is to spare."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, update

from core.store.tables import order, plan
from optimizer.problem import Stop, Vehicle
from tests.living import DAY, a_depot, a_plan, a_van, an_order, at
from tools import room

HOUR = 3600


def van(name: str, leaves_s: int, pieces: int = 50) -> Vehicle:
    return Vehicle(id=name, start=0, end=0, ready_s=leaves_s, shift_end_s=18 * HOUR, capacity=(pieces,))


def stops(pieces: int) -> list[Stop]:
    return [Stop(id=f"s{n}", location=n + 1, service_s=60, demand=(1,)) for n in range(pieces)]


def test_only_who_leaves_after_the_first_wave_keeps_room() -> None:
    vans = [van("a", 8 * HOUR), van("b", 8 * HOUR + 1800), van("c", 11 * HOUR)]
    found = {each.id: each.capacity[0] for each in room.kept(vans, stops(100), 8)}
    # 8 of 100 come late, between 8:00 and 14:40: 45 % of them before the third van leaves at 11:00
    assert found == {"a": 50, "b": 50, "c": 47}


def test_it_is_parted_among_those_who_leave_later() -> None:
    vans = [van("a", 8 * HOUR), van("c", 13 * HOUR), van("d", 13 * HOUR)]
    assert [each.capacity[0] for each in room.kept(vans, stops(100), 16)] == [50, 44, 44]


def test_a_full_fleet_keeps_none() -> None:
    vans = [van("a", 8 * HOUR), van("c", 13 * HOUR)]
    assert room.kept(vans, stops(100), 50) == tuple(vans)
    assert [each.capacity[0] for each in room.kept(vans, stops(96), 50)] == [50, 48], "half of what it has to spare"


def test_a_fleet_of_one_wave_is_filled() -> None:
    vans = [van("a", 8 * HOUR), van("b", 8 * HOUR)]
    assert room.kept(vans, stops(10), 8) == tuple(vans)
    assert room.kept([], stops(10), 8) == ()


def test_the_share_is_that_of_the_days_before_held_near_the_usual_one(record: Connection) -> None:
    a_depot(record)
    a_van(record)
    assert room.late_percent(record, "dep", DAY + timedelta(days=1)) == room.USUAL_PERCENT
    a_plan(record, {"van1": [an_order(record, f"A{n}") for n in range(8)]})
    record.execute(update(plan).values(created_at=at("07:00")))
    record.execute(update(order).values(created_at=at("09:00")))
    grown = (100 * 8 + 8 * room.COUNTS_AS) / (8 + room.COUNTS_AS)
    assert room.late_percent(record, "dep", DAY + timedelta(days=1)) == round(grown) == 9
    assert room.late_percent(record, "dep", DAY) == room.USUAL_PERCENT, "of earlier days only"
