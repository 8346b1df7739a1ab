"""Orders: the same one twice is one, a door on a day is a stop, and a search never matches more than it says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection, select

from core import custody, orders, promises
from core.errors import BadInput, NotFound, WrongState
from core.orders import Address, NewOrder, Place
from core.store.tables import parcel
from tests.living import DAY, DEPOT, HOME, a_depot, an_order, at, stop_of


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    return record


def an_order_as_sent(**given: object) -> NewOrder:
    fields = {"ref": "A1", "name": "Ana Gil", "phone": "+15550100100", "lat": HOME[0], "lon": HOME[1]}
    return NewOrder.model_validate(fields | given)


def test_the_same_order_twice_changes_nothing(db: Connection) -> None:
    first = orders.add(db, an_order_as_sent(), DEPOT, DAY, at("07:00"))
    again = orders.add(db, an_order_as_sent(), DEPOT, DAY, at("09:00"))
    assert (first[1], again) == (True, (first[0], False))
    assert len(orders.of_day(db, DEPOT, DAY)) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"pieces": 2}, "another number of pieces"),
        ({"address": "Elm 5"}, "another address"),
        ({"notes": "ring twice"}, "another note"),
        ({"parcels": ("x",)}, "another parcel"),
    ],
)
def test_a_known_reference_with_other_contents_is_refused(db: Connection, change: dict[str, object], why: str) -> None:
    made, _ = orders.add(db, an_order_as_sent(), DEPOT, DAY, at("07:00"))
    before = orders.get(db, made)
    with pytest.raises(BadInput, match="A1 is in already") as refused:
        orders.add(db, an_order_as_sent(**change), DEPOT, DAY, at("07:00"))
    assert refused.value.field == "ref", why
    assert orders.get(db, made) == before


def test_a_known_reference_for_another_day_is_refused(db: Connection) -> None:
    orders.add(db, an_order_as_sent(), DEPOT, DAY, at("07:00"))
    with pytest.raises(BadInput):
        orders.add(db, an_order_as_sent(), DEPOT, DAY + timedelta(days=1), at("07:00"))


def test_two_clients_may_use_one_reference(db: Connection) -> None:
    one, _ = orders.add(db, an_order_as_sent(client="one"), DEPOT, DAY, at("07:00"))
    two, new = orders.add(db, an_order_as_sent(client="two"), DEPOT, DAY, at("07:00"))
    assert new
    assert one != two


@pytest.mark.parametrize(
    ("lat", "same", "why"),
    [
        (30.20000, True, "the same point"),
        (30.200001, True, "within a metre"),
        (30.20002, False, "two metres on is the next door"),
    ],
)
def test_one_door_on_one_day_is_one_stop(lat: float, same: bool, why: str) -> None:
    here = orders.stop_id(DEPOT, DAY, 30.2, -97.7)
    assert (orders.stop_id(DEPOT, DAY, lat, -97.7) == here) is same, why


def test_the_same_door_on_another_day_or_from_another_depot_is_another_stop() -> None:
    here = orders.stop_id(DEPOT, DAY, 30.2, -97.7)
    assert orders.stop_id(DEPOT, DAY + timedelta(days=1), 30.2, -97.7) != here
    assert orders.stop_id("other", DAY, 30.2, -97.7) != here


def test_every_parcel_starts_at_the_depot(db: Connection) -> None:
    many, _ = orders.add(db, an_order_as_sent(parcels=("p1", "p2", "p3")), DEPOT, DAY, at("07:00"))
    one = an_order(db, "A2")
    assert custody.holders(db, many) == {f"depot:{DEPOT}"}
    rows = list(db.execute(select(parcel.c.order_id).where(parcel.c.order_id.in_([many, one]))).scalars())
    assert sorted(rows) == sorted([many] * 3 + [one]), "an order that names no parcels has one"


@pytest.mark.parametrize(
    ("asked", "found", "why"),
    [
        ("AB_1", True, "as it is written"),
        ("ab_1", True, "in any case"),
        ("AB%", False, "a percent sign is no wildcard"),
        ("ABX1", False, "nor does its underscore match"),
        ("AB_", False, "the beginning is not enough"),
        ("AB\\", False, "a backslash at the end"),
        ("\\AB_1", False, "a backslash escapes nothing"),
        ("", False, "nothing"),
    ],
)
def test_an_order_is_found_by_its_reference_and_nothing_else(db: Connection, asked: str, found: bool, why: str) -> None:
    made = an_order(db, "AB_1")
    row = orders.by_ref(db, asked)
    assert (row is not None and row.id == made) is found, why


def test_a_reference_with_a_backslash_is_found(db: Connection) -> None:
    made = an_order(db, "A\\1")
    row = orders.by_ref(db, "a\\1")
    assert row is not None
    assert row.id == made


def test_of_two_orders_with_one_reference_the_newest_counts(db: Connection) -> None:
    an_order(db, "A1", client="one")
    newer = an_order(db, "A1", client="two", day=DAY + timedelta(days=1))
    row = orders.by_ref(db, "A1")
    assert row is not None
    assert row.id == newer


def test_a_person_finds_their_own_orders_only(db: Connection) -> None:
    mine, theirs = an_order(db, "A1"), an_order(db, "B1")
    me = orders.get(db, mine).person_id
    assert orders.by_ref(db, "B1", me) is None
    assert [row.id for row in orders.of_person(db, me)] == [mine]
    assert orders.by_ref(db, "B1", orders.get(db, theirs).person_id) is not None


@pytest.mark.parametrize("status", sorted(orders.OPEN | orders.FINAL | {"failed"}))
def test_only_what_is_still_to_be_served_keeps_a_stop_open(db: Connection, status: str) -> None:
    order_id = an_order(db, "A1")
    orders.set_status(db, [order_id], status)
    assert (stop_of(db, order_id) in orders.open_stops(db, DEPOT, DAY)) is (status in orders.OPEN)


def test_a_stop_is_open_while_one_of_its_orders_is(db: Connection) -> None:
    first, second = an_order(db, "A1"), an_order(db, "A2")
    assert stop_of(db, first) == stop_of(db, second)
    orders.set_status(db, [first], "delivered")
    assert orders.open_stops(db, DEPOT, DAY) == {stop_of(db, second)}


def test_no_status_is_both_open_and_final() -> None:
    assert not orders.OPEN & orders.FINAL


def test_an_unknown_order_is_said_to_be_unknown(db: Connection) -> None:
    with pytest.raises(NotFound, match="no order ord_x"):
        orders.get(db, "ord_x")


@pytest.mark.parametrize(
    ("field", "value"),
    [("lat", 91), ("lon", -181), ("lat", float("nan")), ("pieces", 0), ("service_s", -1), ("ref", ""), ("name", "")],
)
def test_an_order_that_can_not_be_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        an_order_as_sent(**{field: value})


def test_the_goods_of_a_pickup_are_with_the_customer_at_first(db: Connection) -> None:
    for kind in ("pickup", "return"):
        made, _ = orders.add(db, an_order_as_sent(ref=kind, kind=kind), DEPOT, DAY, at("07:00"))
        assert custody.holders(db, made) == {f"customer:{orders.get(db, made).person_id}"}, kind


def test_an_order_without_a_place_is_in_and_no_door_of_anybody(db: Connection) -> None:
    given = {"lat": None, "lon": None, "address": "Nowhere Lane 5"}
    one, _ = orders.add(db, an_order_as_sent(**given), DEPOT, DAY, at("07:00"))
    two, _ = orders.add(db, an_order_as_sent(**given, ref="A2"), DEPOT, DAY, at("07:00"))
    rows = [orders.get(db, each) for each in (one, two)]
    assert [(row.lat, row.place, row.status) for row in rows] == [(None, "none", "new")] * 2
    assert rows[0].stop_id != rows[1].stop_id


def test_a_place_that_was_found_is_kept_with_how_it_is_known(db: Connection) -> None:
    sent = an_order_as_sent(lat=None, lon=None, address="5 Elm St", parts=Address(line1="5 Elm St"))
    found = Place(lat=30.21, lon=-97.71, known="interpolated")
    made, _ = orders.add(db, sent, DEPOT, DAY, at("07:00"), found)
    row = orders.get(db, made)
    assert (row.lat, row.lon, row.place, row.address_parts) == (30.21, -97.71, "interpolated", {"line1": "5 Elm St"})
    assert row.stop_id == orders.stop_id(DEPOT, DAY, 30.21, -97.71)
    assert orders.add(db, sent, DEPOT, DAY, at("09:00")) == (made, False), "where it was found is no part of the order"


def test_a_person_places_what_no_plan_has(db: Connection) -> None:
    made, _ = orders.add(db, an_order_as_sent(lat=None, lon=None, address="Elm"), DEPOT, DAY, at("07:00"))
    orders.put_place(db, made, Place(lat=30.22, lon=-97.7, known="person"))
    assert orders.get(db, made).stop_id == orders.stop_id(DEPOT, DAY, 30.22, -97.7)
    orders.set_status(db, [made], "planned")
    with pytest.raises(WrongState, match="planned"):
        orders.put_place(db, made, Place(lat=30.23, lon=-97.7, known="person"))


ALIKE: list[tuple[dict[str, object], bool, str]] = [
    ({}, True, "the same under another reference"),
    ({"notes": "ring twice"}, True, "a note makes it no other order"),
    ({"name": "A. Gil"}, True, "the number is the person"),
    ({"phone": "+15550100999"}, False, "another person"),
    ({"lat": HOME[0] + 0.01}, False, "another door"),
    ({"pieces": 2}, False, "other goods"),
    ({"kind": "return"}, False, "one to bring, one to fetch"),
    ({"client": "acme"}, False, "two clients sell the same"),
    ({"windows": ((at("09:00"), at("10:00")),)}, False, "at another time"),
]


@pytest.mark.parametrize(("change", "same", "why"), ALIKE, ids=[row[2] for row in ALIKE])
def test_an_order_that_came_twice_under_two_references_is_found(
    db: Connection, change: dict[str, object], same: bool, why: str
) -> None:
    first, _ = orders.add(db, an_order_as_sent(), DEPOT, DAY, at("07:00"))
    second, _ = orders.add(db, an_order_as_sent(ref="B7", **change), DEPOT, DAY, at("07:00"))
    found = orders.alike(db, second)
    assert (found is not None and found.id == first) is same, why


def test_without_a_contact_the_name_at_the_door_tells_what_came_twice(db: Connection) -> None:
    first, _ = orders.add(db, an_order_as_sent(phone=""), DEPOT, DAY, at("07:00"))
    other, _ = orders.add(db, an_order_as_sent(ref="A2", phone="", name="Ben"), DEPOT, DAY, at("07:00"))
    again, _ = orders.add(db, an_order_as_sent(ref="A3", phone=""), DEPOT, DAY, at("07:00"))
    tomorrow, _ = orders.add(db, an_order_as_sent(ref="A4", phone=""), DEPOT, DAY + timedelta(days=1), at("07:00"))
    found = orders.alike(db, again)
    assert found is not None
    assert found.id == first
    assert orders.alike(db, other) is orders.alike(db, tomorrow) is None


def test_what_was_cancelled_does_not_count_as_having_come(db: Connection) -> None:
    first, _ = orders.add(db, an_order_as_sent(), DEPOT, DAY, at("07:00"))
    orders.set_status(db, [first], "cancelled")
    again, _ = orders.add(db, an_order_as_sent(ref="B7"), DEPOT, DAY, at("07:00"))
    assert orders.alike(db, again) is None


def test_an_order_goes_somewhere() -> None:
    with pytest.raises(ValidationError, match="needs both"):
        an_order_as_sent(lon=None)
    with pytest.raises(ValidationError, match="address or coordinates"):
        an_order_as_sent(lat=None, lon=None)


@pytest.mark.parametrize(
    ("hours", "stops"),
    [
        pytest.param([(9, 12), (11, 14)], 1, id="an hour suits both"),
        pytest.param([(9, 12), (13, 15)], 2, id="no time suits both: two visits"),
        pytest.param([(9, 12), None], 1, id="one comes at any time"),
        pytest.param([(9, 12), (11, 14), (8, 10)], 2, id="the third suits the first, not both"),
    ],
)
def test_orders_at_one_door_are_one_stop_unless_no_time_suits_all(
    db: Connection, hours: list[tuple[int, int] | None], stops: int
) -> None:
    made = set()
    for number, each in enumerate(hours):
        windows = [(at(f"{each[0]:02d}:00"), at(f"{each[1]:02d}:00"))] if each else []
        made.add(stop_of(db, an_order(db, f"A{number}", 1, windows=windows)))
    assert len(made) == stops


@pytest.mark.parametrize(("opens", "closes", "stops"), [("08:30", "10:00", 1), ("13:00", "15:00", 2)])
def test_an_order_that_comes_later_does_not_move_what_the_door_was_promised(
    db: Connection, opens: str, closes: str, stops: int
) -> None:
    first = an_order(db, "A1", 1)
    promises.make(db, first, at("08:00"), at("09:15"), "msg_1", at("07:00"))
    second = an_order(db, "A2", 1, windows=[(at(opens), at(closes))])
    assert len({stop_of(db, first), stop_of(db, second)}) == stops
