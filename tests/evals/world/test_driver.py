"""The driver's state machine on a route shown by hand: one van, two doors, no server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest

from core import breakdowns
from evals.wire import DriverHours, DriverRoute, OrderRow, RouteOrder, RouteStop
from evals.world.day import Day
from evals.world.driver import IDLE_LOOK_S, LAST_CALL_S, LOAD_BEFORE_S, OVERTIME_S, Van
from evals.world.incidents import Breakdown, Incidents, Rest
from evals.world.rates import REASONS
from evals.world.scenario import Depot, Driver, Order, Scenario, Vehicle, local

HOME = (50.0, 4.0)
DAY = date(2026, 3, 10)
SHIFT = int(datetime(2026, 3, 10, 7, 30, tzinfo=UTC).timestamp())


def order(ref: str, lat: float, **rest: Any) -> Order:
    known: dict[str, Any] = {
        "name": "N",
        "phone": "",
        "address": ref,
        "lon": 4.0,
        "depot": "d",
        "service_s": 300,
        "pieces": 1,
    }
    return Order(ref=ref, lat=lat, **(known | rest))


ORDERS = (order("A-1", 50.01), order("A-2", 50.01), order("A-3", 50.02))


def scenario(orders: Sequence[Order] = ORDERS, failures: tuple[str, ...] = ()) -> Scenario:
    day = datetime(2026, 3, 10, tzinfo=UTC).date()
    van = Vehicle(
        id="van-01", depot="d", driver="drv-01", name="V", pieces=9, weight_kg=9, shift_start="07:30", shift_end="17:30"
    )
    return Scenario(
        name="two-doors",
        seed=1,
        day=day,
        tz="UTC",
        depots=(Depot(id="d", name="D", lat=HOME[0], lon=HOME[1], tz="UTC"),),
        vehicles=(van,),
        drivers=(Driver(id="drv-01", name="N", phone=""),),
        orders=tuple(orders),
        start=local(day, "07:00", "UTC"),
        end=local(day, "18:00", "UTC"),
        failures=failures,
    )


def row(known: Order, status: str = "planned") -> OrderRow:
    return OrderRow(
        id=f"ord_{known.ref}", ref=known.ref, client="shop", person="p", depot="d", day=DAY, status=status, stop="s",
        vehicle="van-01", place="given", windows=(), kind="delivery", priority="normal", pieces=1, weight_g=0,
        volume_ml=0, service_s=300, skills=(), crew=1,
    )  # fmt: skip


def a_van(day: Scenario | None = None, incidents: Incidents | None = None) -> Van:
    """Its driver has signed on."""
    day = day or scenario()
    van = Van.at_depot(day.vehicles[0], Day.of(day, incidents or Incidents(), [row(o) for o in day.orders]))
    van.there = True
    return van


def stop(name: str, lat: float, orders: Sequence[str], done: bool = False) -> RouteStop:
    lines = tuple(RouteOrder(id=f"ord_{ref}", ref=ref, pieces=1) for ref in orders)
    planned = datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=UTC)
    return RouteStop(stop=name, arrival=planned, orders=lines, lat=lat, lon=4.0, service_s=300, done=done)


def route(*stops: RouteStop, departed: bool = False, following: str | None = None) -> DriverRoute:
    return DriverRoute(
        vehicle="van-01", day=DAY, next=following, departed=departed, broken=False, handovers=(), breaks=(),
        hours=DriverHours(worked_s=0, rested_s=0, since_rest_s=0), stops=stops,
    )  # fmt: skip


BOTH = route(stop("s1", 50.01, ["A-1", "A-2"]), stop("s2", 50.02, ["A-3"]))


def drive(van: Van, shown: DriverRoute, *, minutes: int = 12 * 60) -> list[dict[str, Any]]:
    """Tick through the day with the same route on the phone."""
    happened = []
    for tick in range(minutes):
        now = SHIFT - 1800 + 60 * tick
        if van.looks(now + 60):
            van.hear(shown, now)
        happened += van.until(now + 60)
    return happened


def kinds(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["kind"].removeprefix("driver.") for event in events]


def test_a_day_goes_from_loading_to_the_last_door_and_home() -> None:
    van = a_van()
    events = drive(van, BOTH)
    assert kinds(events) == [
        *("loaded", "departed"),
        *("arrived", "delivered", "delivered"),
        *("arrived", "delivered"),
        "finished",
    ]
    assert events[0]["data"]["orders"] == ["ord_A-1", "ord_A-2", "ord_A-3"]
    assert events[-1]["data"]["returned"] == []
    assert all(early["at"] <= late["at"] for early, late in pairwise(events))
    assert van.state == "off"


def test_a_driver_rests_once_at_a_door_and_goes_on() -> None:
    van = a_van(incidents=Incidents(breaks={"van-01": Rest(after_s=0, minutes=20)}))
    events = drive(van, BOTH)
    assert kinds(events)[2:] == [
        *("arrived", "delivered", "delivered", "break_started", "break_ended"),
        *("arrived", "delivered"),
        "finished",
    ]
    began, ended = (datetime.fromisoformat(events[nth]["at"]) for nth in (5, 6))
    assert events[5]["data"] == {"minutes": 20}
    assert (ended - began).total_seconds() == 20 * 60
    assert datetime.fromisoformat(events[7]["at"]) > ended


def test_a_van_whose_customers_stand_ready_is_faster() -> None:
    usual, quick = drive(a_van(), BOTH), drive(a_van(incidents=Incidents(quick={"van-01": 0.5})), BOTH)
    assert quick[-1]["at"] < usual[-1]["at"]
    assert kinds(quick) == kinds(usual)


def test_every_event_has_a_key_of_its_own_that_the_next_run_repeats() -> None:
    first, again = drive(a_van(), BOTH), drive(a_van(), BOTH)
    assert first == again
    assert len({event["key"] for event in first}) == len(first)
    assert [e["key"] for e in first if e["kind"] == "driver.arrived"] == ["1:van-01:arrived:s1", "1:van-01:arrived:s2"]


def test_a_failed_order_is_not_tried_again_and_comes_back() -> None:
    events = drive(a_van(scenario(failures=("A-1",))), BOTH)
    failed = [event for event in events if event["kind"] == "driver.failed"]
    assert [event["order"] for event in failed] == ["ord_A-1"]
    assert failed[0]["data"]["reason"] in REASONS
    assert events[-1]["data"]["returned"] == ["ord_A-1"]


def test_every_delivery_has_a_proof_taken_at_the_door() -> None:
    for event in drive(a_van(), BOTH):
        if event["kind"] == "driver.delivered":
            proof = event["data"]["proof"]
            assert proof["kind"] in ("photo", "signature", "code", "note")
            assert (proof["lat"], proof["lon"]) == ((50.01 if event["stop"] == "s1" else 50.02), 4.0)
            assert (proof["kind"] in ("photo", "signature")) == (len(proof.get("sha256", "")) == 64)


def test_the_stop_that_the_phone_calls_next_comes_first() -> None:
    swapped = BOTH.model_copy(update={"next": "s2"})
    arrivals = [event["stop"] for event in drive(a_van(), swapped) if event["kind"] == "driver.arrived"]
    assert arrivals == ["s2", "s1"]


def test_a_dock_delay_holds_back_loading_and_leaving() -> None:
    usual = drive(a_van(), BOTH)
    late = drive(a_van(incidents=Incidents(dock_delay_s={"van-01": 2400})), BOTH)
    for before, after in zip(usual[:2], late[:2], strict=True):
        moved = datetime.fromisoformat(after["at"]) - datetime.fromisoformat(before["at"])
        assert moved.total_seconds() == 2400


def test_a_long_service_takes_longer_at_that_door_only() -> None:
    usual = drive(a_van(), BOTH)
    long = drive(a_van(incidents=Incidents(long_service={"A-3": 4.0})), BOTH)
    assert [event["at"] for event in long[:6]] == [event["at"] for event in usual[:6]]
    assert long[6]["at"] > usual[6]["at"]


def test_a_driver_waits_for_the_window_to_open() -> None:
    windowed = scenario((order("A-1", 50.01, window_start="11:00", window_end="13:00"),))
    events = drive(a_van(windowed), route(stop("s1", 50.01, ["A-1"])))
    assert events[2]["at"] < "2026-03-10T08:00:00Z", "arrives early"
    assert "2026-03-10T11:01:00Z" < events[3]["at"] < "2026-03-10T11:30:00Z", "serves when it opens"


@pytest.mark.parametrize(
    ("windows", "opens"),
    [
        pytest.param([("09:00", "11:00"), ("10:00", "12:00")], 10, id="what both share"),
        pytest.param([("09:00", "10:00"), ("14:00", "15:00")], 9, id="nothing shared: the earliest"),
    ],
)
def test_a_door_with_several_windows_opens_once(windows: list[tuple[str, str]], opens: int) -> None:
    orders = [order(f"A-{n}", 50.01, window_start=a, window_end=b) for n, (a, b) in enumerate(windows)]
    assert a_van(scenario(orders)).day.opens(orders) == SHIFT - 7 * 3600 - 1800 + opens * 3600


def test_an_order_cancelled_under_way_is_not_handed_over_but_comes_back() -> None:
    van = a_van()
    events = drive(van, BOTH, minutes=31)
    assert kinds(events) == ["loaded", "departed"]
    events = drive(van, route(stop("s1", 50.01, ["A-1"]), stop("s2", 50.02, [], done=True)))
    assert [event["order"] for event in events if "order" in event] == ["ord_A-1"]
    assert events[-1]["data"]["returned"] == ["ord_A-2", "ord_A-3"]


def test_a_stop_that_vanishes_while_the_van_drives_to_it_is_left_empty_handed() -> None:
    van = a_van()
    drive(van, BOTH, minutes=34)
    assert van.state in ("driving", "serving")
    assert van.stop is not None
    van.hear(route(stop("s2", 50.02, ["A-3"])), SHIFT)
    assert van.stop.orders == ()


def test_what_is_not_on_the_van_is_reported_not_delivered() -> None:
    van = a_van()
    drive(van, route(stop("s2", 50.02, ["A-3"])), minutes=35)
    assert van.departed_at is not None
    events = drive(van, BOTH)
    failed = [event for event in events if event["kind"] == "driver.failed"]
    assert {(event["order"], event["data"]["reason"]) for event in failed} == {
        ("ord_A-1", "not_on_van"),
        ("ord_A-2", "not_on_van"),
    }
    assert events[-1]["data"]["returned"] == []


def test_an_order_that_came_to_the_route_after_loading_is_loaded_before_leaving() -> None:
    van = a_van()
    first = drive(van, route(stop("s2", 50.02, ["A-3"])), minutes=27)
    assert kinds(first) == ["loaded"]
    then = drive(van, BOTH)
    assert kinds(then)[:2] == ["loaded", "departed"]
    assert then[0]["data"]["orders"] == ["ord_A-1", "ord_A-2"]
    assert first[0]["key"] != then[0]["key"]


def test_a_driver_without_work_looks_now_and_then_and_goes_home() -> None:
    van = a_van()
    looks = 0
    for tick in range(12 * 60):
        now = SHIFT - 1800 + 60 * tick
        if van.looks(now + 60):
            looks += 1
            van.hear(route(), now)
        assert van.until(now + 60) == []
    assert van.state == "off"
    assert looks <= (10 * 3600 - LAST_CALL_S) // IDLE_LOOK_S + 2
    assert van.positions(0, SHIFT + 36000) == []


def test_work_that_comes_late_is_done() -> None:
    van = a_van()
    assert drive(van, route(), minutes=120) == []
    assert kinds(drive(van, BOTH))[0] == "loaded"


def test_an_hour_over_the_shift_the_driver_goes_home_with_what_is_left() -> None:
    slow = Incidents(long_service={"A-1": 200.0})
    events = drive(a_van(incidents=slow), BOTH, minutes=60 * 40)
    assert kinds(events)[-2:] == ["delivered", "finished"]
    assert events[-1]["data"]["returned"] == ["ord_A-3"]
    assert datetime.fromisoformat(events[-2]["at"]).timestamp() > SHIFT + 36000 + OVERTIME_S


def test_positions_come_every_half_minute_along_the_line_until_home() -> None:
    van = a_van()
    positions = []
    for tick in range(12 * 60):
        now = SHIFT - 1800 + 60 * tick
        if van.looks(now + 60):
            van.hear(BOTH, now)
        van.until(now + 60)
        positions += van.positions(now, now + 60)
    times = [datetime.fromisoformat(position["at"]).timestamp() for position in positions]
    assert all(late - early == 30 for early, late in pairwise(times))
    assert van.departed_at is not None
    assert van.finished_at is not None
    assert van.departed_at <= times[0] < van.departed_at + 30
    assert van.finished_at - 30 < times[-1] <= van.finished_at
    assert {position["lon"] for position in positions} == {4.0}
    assert all(50.0 <= position["lat"] <= 50.02 for position in positions)
    moving = [position for position in positions if position["speed_kmh"]]
    assert moving
    assert all(5 < position["speed_kmh"] < 60 and position["heading"] in (0, 180) for position in moving)


def test_what_was_told_to_the_server_is_never_overtaken() -> None:
    """A driver who finishes early in a tick looks at the phone at its end, so nothing that follows is earlier."""
    van = a_van()
    for tick in range(12 * 60):
        now = SHIFT - 1800 + 60 * tick
        if van.looks(now + 60):
            van.hear(BOTH, now)
        for event in van.until(now + 60):
            assert now < datetime.fromisoformat(event["at"]).timestamp() <= now + 60


def test_a_world_that_starts_again_goes_on_with_what_is_aboard() -> None:
    van = a_van()
    left = route(stop("s1", 50.01, [], done=True), stop("s2", 50.02, ["A-3"]), departed=True, following="s2")
    rows = [row(ORDERS[0], "delivered"), row(ORDERS[1], "failed"), row(ORDERS[2], "out")]
    van.resume(left, rows, SHIFT + 7200)
    assert van.leg.b == (50.01, 4.0), "at the door that was done last"
    van.hear(left, SHIFT + 7200)
    events = van.until(SHIFT + 14400)
    van.hear(route(stop("s2", 50.02, [], done=True)), SHIFT + 14400)
    events += van.until(SHIFT + 21600)
    assert kinds(events) == ["arrived", "delivered", "finished"]
    assert events[-1]["data"]["returned"] == ["ord_A-2"]


def test_a_world_that_starts_again_before_departure_does_not_load_twice() -> None:
    van = a_van()
    van.resume(BOTH, [row(known, "out") for known in ORDERS], SHIFT - 60)
    assert kinds(drive(van, BOTH))[0] == "departed"


def test_after_the_phone_showed_it_gone_an_order_that_comes_back_is_tried_again_and_found() -> None:
    van = a_van(scenario(failures=("A-3",)))
    gone = route(stop("s1", 50.01, [], done=True), stop("s2", 50.02, [], done=True))
    anew = route(stop("s2", 50.02, ["A-3"]))
    events: list[dict[str, Any]] = []
    shown, now = BOTH, SHIFT - 1800
    while "finished" not in kinds(events) and now < SHIFT + 36000:
        if van.looks(now + 60):
            van.hear(shown, now)
        events += van.until(now + 60)
        now += 60
        if "failed" in kinds(events):  # it is taken off, and put on again while the van is on its way home
            shown = anew if shown is anew or van.state == "returning" else gone
    assert kinds(events)[-5:] == ["arrived", "failed", "arrived", "delivered", "finished"]
    assert len({event["key"] for event in events}) == len(events)


def test_an_order_that_a_newer_list_shows_again_is_loaded_and_tried_once_more() -> None:
    van = a_van(scenario(failures=("A-3",)))
    events: list[dict[str, Any]] = []
    shown = BOTH.model_copy(update={"version": 1})
    for now in range(SHIFT - 1800, SHIFT + 36000, 60):
        if van.looks(now + 60):
            van.hear(shown, now)
        events += van.until(now + 60)
        if "finished" in kinds(events):  # the customer wants it today after all, before the driver has looked again
            left = stop("s2", 50.02, ["A-3"], done="delivered" in kinds(events)[-2:-1])
            shown = route(stop("s1", 50.01, [], done=True), left).model_copy(update={"version": 2})
    assert kinds(events)[-5:] == ["loaded", "departed", "arrived", "delivered", "finished"]
    assert len({event["key"] for event in events}) == len(events)


def test_who_has_cancelled_sends_the_driver_away() -> None:
    van = a_van()
    van.day.unwanted.add("A-2")
    failed = [event for event in drive(van, BOTH) if event["kind"] == "driver.failed"]
    assert [(event["order"], event["data"]["reason"]) for event in failed] == [("ord_A-2", "refused")]
    assert van.day.missed == [], "nobody waits for another try of what was cancelled"


@pytest.mark.parametrize(("known", "told"), [(True, 60), (False, None)])
def test_a_van_that_breaks_down_says_so_stands_still_and_goes_on(known: bool, told: int | None) -> None:
    usual = drive(a_van(), BOTH)
    broken = Incidents(breakdowns={"van-01": Breakdown(after_s=30, stands_s=3600, known=known)})
    van = a_van(incidents=broken)
    events, standing = [], []
    for tick in range(12 * 60):
        now = SHIFT - 1800 + 60 * tick
        if van.looks(now + 60):
            van.hear(BOTH, now)
        events += van.until(now + 60)
        standing += [p for p in van.positions(now, now + 60) if van.broken_at and not p["speed_kmh"]]
    assert kinds(events) == [*kinds(usual[:2]), "breakdown", "repaired", *kinds(usual[2:])]
    data = events[2]["data"]
    assert (data["minutes"], data["reason"] in breakdowns.REASONS) == (told, True)
    assert HOME[0] < data["lat"] < 50.01, "between the depot and the first door"
    stood = datetime.fromisoformat(events[3]["at"]) - datetime.fromisoformat(events[2]["at"])
    assert stood.total_seconds() == 3600
    before_the_door = [p for p in standing if p["at"] < events[3]["at"]]
    assert len(before_the_door) >= 118, "two positions a minute, for an hour"
    assert len({(p["lat"], p["lon"]) for p in before_the_door}) == 1


def test_a_driver_signs_on_before_anything_else_whatever_keeps_the_van() -> None:
    van = a_van(incidents=Incidents(dock_delay_s={"van-01": 3600}))
    van.there = False
    events = drive(van, BOTH)
    assert kinds(events)[:3] == ["started", "loaded", "departed"]
    began, left = (datetime.fromisoformat(event["at"]).timestamp() for event in (events[0], events[2]))
    assert SHIFT - LOAD_BEFORE_S <= began <= SHIFT
    assert left >= began + 3600
    assert kinds(drive(a_van(), BOTH)).count("started") == 0, "once"
