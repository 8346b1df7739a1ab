"""Taps: each counts once, late and reordered ones change only what they still can, and what can't be true is refused
with nothing moved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from core import custody, events, orders, promises, vans
from core.errors import BadInput, DoorstepError, NotFound, WrongState
from core.events import Event
from core.store.tables import promise, proof, van
from core.taps import AHEAD, TAPS, take
from tests.living import DAY, a_depot, a_plan, a_van, an_order, at, deliver, load_and_leave, stop_of, tap

PHOTO = {"kind": "photo", "sha256": "ab" * 32}


class Road:
    """Two vans: van1 has A1, A2 and A3 in this order, van2 has B1. All are planned and promised."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        a_depot(db)
        a_van(db, "van1")
        a_van(db, "van2")
        self.a1, self.a2, self.a3 = (an_order(db, f"A{n}", n) for n in (1, 2, 3))
        self.b1 = an_order(db, "B1", 4)
        a_plan(db, {"van1": [self.a1, self.a2, self.a3], "van2": [self.b1]})

    def leave(self) -> None:
        load_and_leave(self.db, "van1", [self.a1, self.a2, self.a3], at("08:00"))

    def status(self, order_id: str) -> str:
        return str(orders.get(self.db, order_id).status)

    def where(self, order_id: str) -> set[str]:
        return custody.holders(self.db, order_id)

    def van(self, van_id: str = "van1") -> tuple[str, str | None]:
        row = self.db.execute(select(van).where(van.c.vehicle_id == van_id)).one()
        return row.state, row.stop_id

    def promised(self, order_id: str) -> list[str]:
        query = select(promise.c.status).where(promise.c.order_id == order_id)
        return list(self.db.execute(query).scalars())


@pytest.fixture
def road(record: Connection) -> Road:
    return Road(record)


# A day as it should be


def test_a_load_scan_puts_the_goods_on_the_van(road: Road) -> None:
    tap(road.db, "loaded", "van1", at("07:50"), orders=[road.a1, road.a2])
    assert road.where(road.a1) == road.where(road.a2) == {"van:van1"}
    assert road.where(road.a3) == {"depot:dep"}
    assert (road.status(road.a1), road.status(road.a3)) == ("out", "planned")
    assert road.van() == ("idle", None), "it has not left yet"


def test_a_load_scan_is_a_fact_about_each_of_its_orders(road: Road) -> None:
    tap(road.db, "loaded", "van1", at("07:50"), orders=[road.a1, road.a2])
    assert [e.kind for e in events.of(road.db, road.a1)] == ["driver.loaded"]


def test_a_van_that_leaves_heads_to_its_first_stop(road: Road) -> None:
    road.leave()
    assert road.van() == ("driving", stop_of(road.db, road.a1))


def test_a_van_that_arrives_serves_the_stop_and_keeps_the_promise(road: Road) -> None:
    road.leave()
    tap(road.db, "arrived", "van1", at("08:15"), stop_of(road.db, road.a1))
    assert road.van() == ("serving", stop_of(road.db, road.a1))
    assert road.promised(road.a1) == ["kept"]
    assert road.promised(road.a2) == ["open"]


def test_a_delivery_hands_the_goods_over_and_the_van_drives_on(road: Road) -> None:
    road.leave()
    deliver(road.db, "van1", road.a1, at("08:15"))
    person_id = orders.get(road.db, road.a1).person_id
    assert (road.status(road.a1), road.where(road.a1)) == ("delivered", {f"customer:{person_id}"})
    assert road.van() == ("driving", stop_of(road.db, road.a2))


def test_a_delivery_keeps_its_proof_and_how_far_away_it_was_taken(road: Road) -> None:
    road.leave()
    place = {"lat": orders.get(road.db, road.a1).lat + 0.001, "lon": orders.get(road.db, road.a1).lon}
    tap(road.db, "delivered", "van1", at("08:18"), road.a1, proof=PHOTO | place)
    row = road.db.execute(select(proof).where(proof.c.order_id == road.a1)).one()
    assert (row.kind, row.sha256, row.metres_away, row.at) == ("photo", "ab" * 32, 111, at("08:18"))


def test_a_van_waits_at_a_door_until_its_last_order_is_done(record: Connection) -> None:
    a_depot(record)
    a_van(record)
    first, second, next_door = an_order(record, "A1"), an_order(record, "A2"), an_order(record, "A3", 2)
    a_plan(record, {"van1": [first, second, next_door]})
    load_and_leave(record, "van1", [first, second, next_door], at("08:00"))
    deliver(record, "van1", first, at("08:10"))
    here = record.execute(select(van)).one()
    assert (here.state, here.stop_id) == ("serving", stop_of(record, first))
    tap(record, "failed", "van1", at("08:15"), second, reason="nobody_home")
    assert record.execute(select(van)).one().stop_id == stop_of(record, next_door)


def test_a_failed_order_stays_aboard_and_can_be_delivered_at_a_second_try(road: Road) -> None:
    road.leave()
    tap(road.db, "failed", "van1", at("08:15"), road.a1, reason="nobody_home")
    assert (road.status(road.a1), road.where(road.a1)) == ("failed", {"van:van1"})
    tap(road.db, "delivered", "van1", at("11:00"), road.a1, proof=PHOTO)
    assert road.status(road.a1) == "delivered"


def test_the_end_of_the_route_returns_what_is_still_aboard(road: Road) -> None:
    road.leave()
    deliver(road.db, "van1", road.a1, at("08:15"))
    tap(road.db, "failed", "van1", at("08:30"), road.a2, reason="nobody_home")
    tap(road.db, "finished", "van1", at("09:30"))
    assert [road.status(o) for o in (road.a1, road.a2, road.a3)] == ["delivered", "failed", "returned"], (
        "one is still asked about"
    )
    assert road.where(road.a2) == road.where(road.a3) == {"depot:dep"}
    assert road.promised(road.a3) == ["broken"]
    assert road.van() == ("finished", None)
    assert custody.aboard(road.db, "van1") == []


def test_a_van_that_finds_its_stop_settled_heads_on(road: Road) -> None:
    road.leave()
    orders.set_status(road.db, [road.a1], "cancelled")
    tap(road.db, "arrived", "van1", at("08:15"), stop_of(road.db, road.a1))
    assert road.van() == ("driving", stop_of(road.db, road.a2))


@pytest.mark.parametrize(
    ("after_it_ends", "came"),
    [(timedelta(hours=-2), "kept"), (timedelta(0), "kept"), (timedelta(seconds=1), "broken")],
    ids=["early", "just", "late"],
)
def test_a_promise_is_kept_until_its_last_minute(road: Road, after_it_ends: timedelta, came: str) -> None:
    told = promises.open_of(road.db, road.a1)
    assert told is not None
    load_and_leave(road.db, "van1", [road.a1], at("06:00"))
    tap(road.db, "arrived", "van1", told.hi + after_it_ends, stop_of(road.db, road.a1))
    assert road.promised(road.a1) == [came]


# Twice, late, out of order


def test_the_same_tap_twice_is_one(road: Road) -> None:
    road.leave()
    assert tap(road.db, "delivered", "van1", at("08:15"), road.a1, key="k1", proof=PHOTO) == "accepted"
    assert tap(road.db, "delivered", "van1", at("08:15"), road.a1, key="k1", proof=PHOTO) == "duplicate"
    assert len(events.of(road.db, road.a1)) == 2, "loaded and delivered"


def test_a_key_seen_before_changes_nothing_whatever_comes_with_it(road: Road) -> None:
    road.leave()
    tap(road.db, "arrived", "van1", at("08:15"), stop_of(road.db, road.a1), key="k1")
    assert tap(road.db, "finished", "van1", at("08:16"), key="k1") == "duplicate"
    assert road.van()[0] == "serving"


def test_a_refused_tap_leaves_no_trace_and_may_come_again_when_it_is_true(road: Road) -> None:
    with pytest.raises(WrongState):
        tap(road.db, "delivered", "van1", at("08:15"), road.a1, key="k1", proof=PHOTO)
    assert events.of(road.db, road.a1) == []
    road.leave()
    assert tap(road.db, "delivered", "van1", at("08:15"), road.a1, key="k1", proof=PHOTO) == "accepted"


def test_an_arrival_that_comes_after_the_delivery_changes_nothing(road: Road) -> None:
    road.leave()
    tap(road.db, "delivered", "van1", at("08:18"), road.a1, proof=PHOTO)
    tap(road.db, "arrived", "van1", at("08:15"), stop_of(road.db, road.a1))
    assert road.van() == ("driving", stop_of(road.db, road.a2))
    assert road.promised(road.a1) == ["kept"]


def test_a_delivery_that_comes_late_counts_but_does_not_turn_the_van_round(road: Road) -> None:
    road.leave()
    tap(road.db, "arrived", "van1", at("08:40"), stop_of(road.db, road.a2))
    tap(road.db, "delivered", "van1", at("08:18"), road.a1, proof=PHOTO)
    assert road.status(road.a1) == "delivered"
    assert road.van() == ("serving", stop_of(road.db, road.a2))


def test_a_load_scan_that_comes_after_the_departure_still_loads(road: Road) -> None:
    tap(road.db, "departed", "van1", at("08:01"))
    tap(road.db, "loaded", "van1", at("08:00"), orders=[road.a1])
    assert (road.status(road.a1), road.van()[0]) == ("out", "driving")


def test_a_departure_counts_although_a_position_was_newer(road: Road) -> None:
    place = vans.Position(vehicle="van1", at=at("08:02"), lat=30.2, lon=-97.7)
    vans.take_positions(road.db, [place])
    tap(road.db, "departed", "van1", at("08:01"))
    assert road.van() == ("driving", stop_of(road.db, road.a1))


def test_a_second_departure_changes_nothing(road: Road) -> None:
    road.leave()
    tap(road.db, "arrived", "van1", at("08:15"), stop_of(road.db, road.a1))
    tap(road.db, "departed", "van1", at("08:16"))
    assert road.van()[0] == "serving"


def test_the_end_of_yesterdays_route_takes_nothing_off_todays_van(road: Road) -> None:
    road.leave()
    tap(road.db, "finished", "van1", at("18:00") - timedelta(days=1))
    assert road.where(road.a1) == {"van:van1"}
    assert (road.status(road.a1), road.van()[0]) == ("out", "driving")


def test_yesterdays_departure_does_not_send_todays_van_off(road: Road) -> None:
    tap(road.db, "loaded", "van1", at("07:50"), orders=[road.a1])
    tap(road.db, "departed", "van1", at("08:00") - timedelta(days=1))
    assert road.van() == ("idle", None)


def test_a_new_day_starts_the_van_idle(road: Road) -> None:
    road.leave()
    tap(road.db, "departed", "van1", at("08:01") + timedelta(days=1))
    row = road.db.execute(select(van).where(van.c.vehicle_id == "van1")).one()
    assert row.day == DAY + timedelta(days=1)


# What can't be true

Bad = Callable[[Road], object]


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        (lambda r: tap(r.db, "danced", "van1", at("08:15")), BadInput, "no tap"),
        (lambda r: tap(r.db, "arrived", "van9", at("08:15"), stop_of(r.db, r.a1)), NotFound, "no vehicle van9"),
        (lambda r: tap(r.db, "arrived", "van1", at("08:15"), "stp_x"), BadInput, "no stop stp_x"),
        (lambda r: tap(r.db, "delivered", "van1", at("08:15"), "ord_x", proof=PHOTO), NotFound, "no order ord_x"),
        (lambda r: tap(r.db, "delivered", "van1", at("08:15"), r.a1), BadInput, "no proof"),
        (lambda r: tap(r.db, "delivered", "van1", at("08:15"), r.a1, proof={"kind": "hunch"}), BadInput, "no proof"),
        (lambda r: tap(r.db, "delivered", "van1", at("08:15"), r.a1, proof=["photo"]), BadInput, "no proof"),
        (lambda r: tap(r.db, "delivered", "van1", at("08:15"), r.b1, proof=PHOTO), WrongState, "is planned"),
        (lambda r: tap(r.db, "delivered", "van2", at("08:15"), r.a1, proof=PHOTO), WrongState, "at van:van1"),
        (lambda r: tap(r.db, "failed", "van1", at("08:15"), r.a1), BadInput, "no reason"),
        (lambda r: tap(r.db, "failed", "van1", at("08:15"), r.b1, reason="x"), WrongState, "is planned"),
        (lambda r: tap(r.db, "failed", "van2", at("08:15"), r.a1, reason="x"), WrongState, "not on van2"),
        (lambda r: tap(r.db, "loaded", "van1", at("08:15")), BadInput, "names no orders"),
        (lambda r: tap(r.db, "loaded", "van1", at("08:15"), orders=[]), BadInput, "names no orders"),
        (lambda r: tap(r.db, "loaded", "van1", at("08:15"), orders="all"), BadInput, "names no orders"),
        (lambda r: tap(r.db, "loaded", "van2", at("08:15"), orders=[r.b1, "ord_x"]), NotFound, "no order ord_x"),
        (lambda r: tap(r.db, "loaded", "van2", at("08:15"), orders=[r.b1, r.a1]), WrongState, "is out"),
    ],
)
def test_what_can_not_be_true_is_refused_and_nothing_moves(
    road: Road, bad: Bad, error: type[DoorstepError], says: str
) -> None:
    road.leave()
    before = [(road.status(o), road.where(o)) for o in (road.a1, road.a2, road.b1)], road.van()
    with pytest.raises(error, match=says):
        bad(road)
    assert ([(road.status(o), road.where(o)) for o in (road.a1, road.a2, road.b1)], road.van()) == before


def test_what_was_delivered_is_not_delivered_again(road: Road) -> None:
    road.leave()
    deliver(road.db, "van1", road.a1, at("08:15"))
    with pytest.raises(WrongState, match="was delivered before"):
        tap(road.db, "delivered", "van1", at("09:00"), road.a1, key="another", proof=PHOTO)
    assert len(road.db.execute(select(proof).where(proof.c.order_id == road.a1)).all()) == 1


def test_what_was_delivered_can_not_fail_afterwards(road: Road) -> None:
    road.leave()
    deliver(road.db, "van1", road.a1, at("08:15"))
    with pytest.raises(WrongState):
        tap(road.db, "failed", "van1", at("08:30"), road.a1, reason="nobody_home")
    assert road.status(road.a1) == "delivered"


def test_what_was_cancelled_on_the_way_is_not_delivered(road: Road) -> None:
    road.leave()
    orders.set_status(road.db, [road.a1], "cancelled")
    with pytest.raises(WrongState, match="is cancelled"):
        tap(road.db, "delivered", "van1", at("08:15"), road.a1, proof=PHOTO)
    assert road.where(road.a1) == {"van:van1"}


def test_goods_of_another_depot_are_not_loaded_here(road: Road) -> None:
    a_depot(road.db, "dep2")
    far = an_order(road.db, "Z1", 5, depot_id="dep2")
    with pytest.raises(WrongState, match="from dep2"):
        tap(road.db, "loaded", "van1", at("08:00"), orders=[far])


@pytest.mark.parametrize(
    ("ahead", "taken"), [(timedelta(0), True), (AHEAD, True), (AHEAD + timedelta(seconds=1), False)], ids=str
)
def test_a_device_may_run_ahead_a_little_and_no_more(road: Road, ahead: timedelta, taken: bool) -> None:
    now = at("08:00")
    if taken:
        assert tap(road.db, "departed", "van1", now + ahead, now=now) == "accepted"
    else:
        with pytest.raises(BadInput, match="in the future"):
            tap(road.db, "departed", "van1", now + ahead, now=now)
        assert road.db.execute(select(van)).all() == []


def test_a_tap_names_its_vehicle(road: Road) -> None:
    fact = Event(key="k", kind="driver.departed", source="x", subject="x", at=at("08:00"))
    with pytest.raises(BadInput, match="needs its vehicle"):
        take(road.db, fact, at("08:00"))


def test_every_kind_of_tap_is_tried_above() -> None:
    assert {kind.removeprefix("driver.") for kind in TAPS} == {
        "loaded", "departed", "arrived", "delivered", "failed", "finished",
        "answered",  # tests/agent/cases/test_claims.py
        "fetched",  # tests/stories/test_fetching.py
        "breakdown", "repaired", "gave", "took",  # tests/agent/cases/test_breakdown.py
        "gave_to_carrier",  # tests/tools/carriers/test_bookings.py
        "started", "skipped", "break_started", "break_ended",  # test_driver_missing.py, test_skips.py, test_rests.py
    }  # fmt: skip
