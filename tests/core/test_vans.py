"""Vans: the newest position counts, a new day starts idle, and old positions go while new ones always have a place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, select, text

from core import orders, vans
from core.errors import NotFound
from core.store.tables import van
from core.vans import Position
from tests.living import DAY, DEPOT, a_depot, a_plan, a_van, an_order, at, stop_of, tap


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    a_van(record)
    return record


def seen(clock_time: str, lat: float = 30.3, van: str = "van1") -> Position:
    return Position(vehicle=van, at=at(clock_time), lat=lat, lon=-97.7)


def place(db: Connection, van_id: str = "van1") -> tuple[float, datetime]:
    row = db.execute(select(van).where(van.c.vehicle_id == van_id)).one()
    return row.lat, row.position_at


def test_a_van_is_where_it_was_seen_last(db: Connection) -> None:
    assert vans.take_positions(db, [seen("08:00", 30.1), seen("08:02", 30.3), seen("08:01", 30.2)]) == 3
    assert place(db) == (30.3, at("08:02"))


def test_a_position_that_comes_late_is_kept_but_moves_nothing(db: Connection) -> None:
    vans.take_positions(db, [seen("08:02", 30.3)])
    vans.take_positions(db, [seen("08:01", 30.2)])
    assert place(db) == (30.3, at("08:02"))
    assert [row.lat for row in vans.trail(db, "van1", at("08:00"), at("09:00"))] == [30.2, 30.3]


def test_a_batch_of_many_vans_moves_each(db: Connection) -> None:
    a_van(db, "van2")
    vans.take_positions(db, [seen("08:00", 30.1), seen("08:00", 30.4, "van2")])
    assert (place(db)[0], place(db, "van2")[0]) == (30.1, 30.4)
    assert vans.take_positions(db, []) == 0


def test_a_position_does_not_change_what_the_van_does(db: Connection) -> None:
    tap(db, "departed", "van1", at("08:00"))
    vans.take_positions(db, [seen("08:05")])
    assert db.execute(select(van.c.state)).scalar_one() == "driving"


def test_an_unknown_vehicle_has_no_van(db: Connection) -> None:
    with pytest.raises(NotFound, match="van9"):
        vans.ensure(db, "van9", at("08:00"))


@pytest.mark.parametrize(
    ("clock_time", "day", "why"),
    [("00:30", DAY, "it is the depot's day"), ("23:30", DAY, "although it is tomorrow in UTC")],
)
def test_a_van_belongs_to_the_day_of_its_depot(db: Connection, clock_time: str, day: date, why: str) -> None:
    assert vans.ensure(db, "van1", at(clock_time)).day == day, why


def test_a_new_day_starts_idle_and_yesterday_does_not_come_back(db: Connection) -> None:
    tap(db, "departed", "van1", at("08:00"))
    tomorrow = vans.ensure(db, "van1", at("08:00") + timedelta(days=1))
    assert (tomorrow.state, tomorrow.day) == ("idle", DAY + timedelta(days=1))
    assert vans.ensure(db, "van1", at("09:00")).day == DAY + timedelta(days=1)


def test_the_open_route_is_what_is_left_of_the_published_one(db: Connection) -> None:
    one, two, three = (an_order(db, f"A{n}", n) for n in (1, 2, 3))
    assert vans.open_route(db, "van1", DEPOT, DAY) == [], "nothing is published"
    a_plan(db, {"van1": [three, one, two]})
    orders.set_status(db, [one], "delivered")
    assert vans.open_route(db, "van1", DEPOT, DAY) == [stop_of(db, three), stop_of(db, two)]
    assert vans.open_route(db, "van9", DEPOT, DAY) == []


# Where positions lie


def tables_of(db: Connection) -> list[str]:
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'position'::regclass"
    return sorted(name for name in db.execute(text(query)).scalars() if name != "position_default")


def test_each_day_ahead_has_a_table_however_often_it_is_asked_for(db: Connection) -> None:
    vans.ensure_partitions(db, DAY)
    vans.ensure_partitions(db, DAY)
    assert tables_of(db) == ["position_20260602", "position_20260603", "position_20260604"]


def test_positions_that_came_before_their_days_table_are_not_lost(db: Connection) -> None:
    vans.take_positions(db, [seen("08:00"), seen("08:01")])
    vans.ensure_partitions(db, DAY)
    vans.take_positions(db, [seen("08:02")])
    assert vans.count_positions(db) == 3
    assert len(vans.trail(db, "van1", at("07:00"), at("09:00"))) == 3
    assert db.execute(text("SELECT count(*) FROM position_20260602")).scalar_one() == 3


def test_days_that_are_over_are_dropped_with_their_positions(db: Connection) -> None:
    vans.ensure_partitions(db, DAY)
    vans.take_positions(db, [seen("08:00")])
    now = datetime(2026, 6, 5, 12, tzinfo=UTC)
    assert vans.drop_partitions(db, now, keep_days=3) == []
    assert vans.drop_partitions(db, now, keep_days=2) == ["position_20260602"]
    assert vans.count_positions(db) == 0
    assert tables_of(db) == ["position_20260603", "position_20260604"]


def test_positions_of_no_table_of_their_own_are_kept_too(db: Connection) -> None:
    vans.take_positions(db, [seen("08:00")])
    assert vans.drop_partitions(db, at("12:00"), keep_days=14) == []
    assert vans.count_positions(db) == 1


@pytest.mark.parametrize(
    "wrong", [{"lat": 91}, {"lon": -181}, {"lat": float("nan")}, {"speed_kmh": -1}, {"heading": 361}, {"x": 1}], ids=str
)
def test_a_position_that_can_not_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Position.model_validate({"vehicle": "van1", "at": at("08:00"), "lat": 30.2, "lon": -97.7} | wrong)


def test_a_trail_is_of_one_van_and_one_span(db: Connection) -> None:
    a_van(db, "van2")
    vans.take_positions(db, [seen(f"08:0{n}", 30 + n / 100) for n in range(5)] + [seen("08:02", 31.0, "van2")])
    assert [row.lat for row in vans.trail(db, "van1", at("08:01"), at("08:03"))] == [30.01, 30.02, 30.03]


@pytest.mark.parametrize(
    ("given", "most", "kept"),
    [(5, 5, [0, 1, 2, 3, 4]), (5, 3, [0, 2, 4]), (100, 2, [0, 99]), (10, 4, [0, 3, 6, 9]), (0, 2, []), (1, 2, [0])],
)
def test_a_trail_is_thinned_evenly_from_its_first_point_to_its_last(given: int, most: int, kept: list[int]) -> None:
    assert vans.thinned(range(given), most) == kept
