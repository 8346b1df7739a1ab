"""Taps and positions as devices send them: twice, late, reordered, wrong. Each is answered for itself, none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.event import listen

from core import events, orders
from core.clock import iso
from core.store import db as store
from core.store.tables import event, promise, van
from tests.api.visitors import Visitors, post, refused
from tests.living import a_depot, a_plan, a_van, an_order, at, stop_of, texts_to

NOW = at("12:00")
fresh = count(1)


@dataclass(frozen=True)
class Road:
    """A van that left its depot at 08:01 with three orders, and its driver's device."""

    van: str
    other: str
    orders: list[str]
    stops: list[str]
    driver: TestClient

    def send(self, *taps: dict[str, Any]) -> list[dict[str, str]]:
        answer = post(self.driver, "/api/events", {"events": list(taps)})
        assert answer.status_code == 200, answer.text
        results: list[dict[str, str]] = answer.json()["results"]
        assert [result["key"] for result in results] == [tap["key"] or "" for tap in taps]
        return results

    def delivered(self, nth: int, clock: str = "09:00", **more: Any) -> dict[str, Any]:
        proof = {"proof": {"kind": "photo", "sha256": "ab" * 32}}
        return tap("delivered", f"{self.orders[nth]}-{clock}", clock, order=self.orders[nth], data=proof, **more)

    def arrived(self, nth: int, clock: str = "08:30") -> dict[str, Any]:
        return tap("arrived", f"{self.stops[nth]}-{clock}", clock, stop=self.stops[nth])

    def status(self, nth: int) -> str:
        with store.transaction() as db:
            return str(orders.get(db, self.orders[nth]).status)

    def state(self) -> tuple[str, str | None]:
        with store.transaction() as db:
            row = db.execute(select(van).where(van.c.vehicle_id == self.van)).one()
            return row.state, row.stop_id


def tap(kind: str, key: str, clock: str = "09:00", **more: Any) -> dict[str, Any]:
    return {"key": f"{kind}-{key}", "kind": f"driver.{kind}", "at": iso(at(clock)), **more}


@pytest.fixture
def road(visitors: Visitors) -> Road:
    n = next(fresh)
    visitors.living.to(NOW)
    with store.transaction() as db:
        depot = a_depot(db, f"dep{n}")
        mine, other = a_van(db, f"mine{n}", depot), a_van(db, f"other{n}", depot)
        made = [an_order(db, f"L{n}-{place}", place, depot_id=depot) for place in (1, 2, 3)]
        elsewhere = an_order(db, f"L{n}-9", 9, depot_id=depot)
        a_plan(db, {mine: made, other: [elsewhere]}, depot_id=depot)
        stops = [stop_of(db, order_id) for order_id in [*made, elsewhere]]
    driver = visitors.a("driver", f"{mine}-driver")
    road = Road(mine, other, [*made, elsewhere], stops, driver)
    loaded, left = tap("loaded", mine, "08:00", data={"orders": made}), tap("departed", mine, "08:01")
    assert {result["result"] for result in road.send(loaded, left)} == {"accepted"}
    return road


def test_a_batch_is_one_transaction_so_that_no_work_begins_among_its_taps(road: Road) -> None:
    committed: list[str] = []
    listen(store.engine(), "commit", lambda db: committed.append("commit"))
    road.send(road.arrived(0), road.delivered(0), tap("delivered", "wrong"), road.arrived(1, "09:10"))
    assert len(committed) == 1
    assert road.status(0) == "delivered"


def facts_of(subject: str) -> list[str]:
    with store.transaction() as db:
        return [row.kind for row in events.of(db, subject)]


def test_taps_in_order_move_the_van_and_deliver_the_order(road: Road) -> None:
    assert road.state() == ("driving", road.stops[0])
    assert road.send(road.arrived(0))[0]["result"] == "accepted"
    assert road.state() == ("serving", road.stops[0])

    road.send(road.delivered(0))

    assert road.status(0) == "delivered"
    assert road.state() == ("driving", road.stops[1])


def test_a_tap_sent_twice_counts_once_in_one_batch_and_in_the_next(road: Road) -> None:
    once = road.delivered(0)

    assert [r["result"] for r in road.send(once, once)] == ["accepted", "duplicate"]
    assert [r["result"] for r in road.send(once)] == ["duplicate"]
    assert facts_of(road.orders[0]).count("driver.delivered") == 1
    with store.transaction() as db:
        assert sorted(texts_to(db, road.orders[0])) == ["delivered", "out_for_delivery_untimed", "promise"], "told once"


def test_a_known_key_with_other_contents_changes_nothing(road: Road) -> None:
    road.send(road.arrived(0))

    assert road.send(road.delivered(0) | {"key": road.arrived(0)["key"]})[0]["result"] == "duplicate"
    assert road.status(0) == "out"


def test_a_whole_batch_replayed_changes_nothing(road: Road) -> None:
    batch = [road.arrived(0), road.delivered(0), road.arrived(1, "09:20"), road.delivered(1, "09:25")]
    road.send(*batch)
    before = road.state()

    assert {r["result"] for r in road.send(*batch)} == {"duplicate"}
    assert road.state() == before == ("driving", road.stops[2])


def test_a_late_tap_counts_at_the_time_it_happened(road: Road) -> None:
    """Three hours without a network: the promise is judged by when the van stood at the door."""
    road.send(road.arrived(0, "08:10"), road.delivered(0, "08:13"))

    with store.transaction() as db:
        kept = db.execute(select(promise.c.status).where(promise.c.order_id == road.orders[0])).scalar_one()
        row = db.execute(select(event).where(event.c.key == road.arrived(0, "08:10")["key"])).one()
    assert kept == "kept"
    assert (row.at, row.received_at) == (at("08:10"), NOW)


def test_taps_in_the_wrong_order_end_as_in_the_right_one(road: Road) -> None:
    road.send(
        road.delivered(1, "09:25"), road.arrived(1, "09:20"), road.delivered(0, "08:35"), road.arrived(0, "08:30")
    )

    assert (road.status(0), road.status(1)) == ("delivered", "delivered")
    assert road.state() == ("driving", road.stops[2])


def test_an_arrival_that_comes_late_does_not_set_the_van_back(road: Road) -> None:
    road.send(road.arrived(1, "09:20"))

    assert road.send(road.arrived(0, "08:30"))[0]["result"] == "accepted"
    assert road.state() == ("serving", road.stops[1])


def wrong_taps(road: Road) -> Iterator[tuple[str, dict[str, Any], str, str]]:
    """What is wrong, the tap, the field that its answer names, words of the reason."""
    proof = {"proof": {"kind": "photo"}}
    yield "future", road.arrived(0, "12:06"), "at", "future"
    yield "the year 1", road.arrived(0) | {"at": "0001-01-01T00:00:00Z"}, "at", "long past"
    yield "the year 9999", road.arrived(0) | {"at": "9999-12-31T23:59:59Z"}, "at", "future"
    yield "unknown kind", tap("teleported", "x"), "kind", "no tap"
    yield "foreign vehicle", road.delivered(0, vehicle=road.other), "vehicle", f"You drive {road.van}"
    yield "unknown vehicle", road.delivered(0, vehicle="ghost"), "vehicle", f"You drive {road.van}"
    yield "unknown stop", tap("arrived", "x", stop="stp_nowhere"), "stop", "no stop"
    yield "no stop", tap("arrived", "x"), "stop", "no stop"
    yield "unknown order", tap("delivered", "x", order="ord_nowhere", data=proof), "", "no order"
    yield "another van's order", road.delivered(3), "order", "is planned"
    yield "no proof", tap("delivered", "x", order=road.orders[0]), "data.proof", "no proof"
    yield "a proof of no kind", road.delivered(0) | {"data": {"proof": {"kind": "word"}}}, "data.proof", "no proof"
    yield "a failure without a reason", tap("failed", "x", order=road.orders[0]), "data.reason", "no reason"
    yield "a load of nothing", tap("loaded", "x", data={"orders": []}), "data.orders", "no orders"
    yield "a load of words", tap("loaded", "x", data={"orders": "all"}), "data.orders", "no orders"
    yield "a load of the unknown", tap("loaded", "x", data={"orders": ["ord_nowhere"]}), "", "no order"
    yield "loaded again", tap("loaded", "x", data={"orders": road.orders[:1]}), road.orders[0], "is out"
    yield "too much data", tap("arrived", "x", stop=road.stops[0], data={"a": "x" * 30_000}), "data", "too much"
    yield "NUL in its data", tap("arrived", "x", stop=road.stops[0], data={"a": "\0"}), "", "NUL"
    yield "NUL in its subject", tap("arrived", "x", stop="\0"), "", "NUL"
    yield "half a character", tap("arrived", "x", stop=road.stops[0], data={"a": "\ud800"}), "data", "JSON"


def test_a_wrong_tap_is_answered_with_field_and_reason_and_the_others_count(road: Road) -> None:
    for number, (reason, wrong, field, words) in enumerate(wrong_taps(road)):
        bad = wrong | {"key": f"{road.van}-wrong-{number}"}
        good = road.arrived(0) | {"key": f"{road.van}-good-{number}"}

        refusal, result = road.send(bad, good)

        assert refusal["result"] == "rejected", reason
        assert (refusal["field"], words in refusal["reason"]) == (field, True), (reason, refusal)
        assert refusal["fix"], reason
        assert result["result"] == "accepted", reason
    assert [road.status(nth) for nth in range(4)] == ["out", "out", "out", "planned"]


def test_infinite_numbers_in_a_taps_data_are_refused(road: Road) -> None:
    """JSON has no word for infinity, but 1e999 is one all the same."""
    body = '{"events": [{"key": "%s-inf", "kind": "driver.departed", "at": "%s", "data": {"a": 1e999}}]}'
    answer = road.driver.post(
        "/api/events", content=body % (road.van, iso(NOW)), headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["results"][0]["field"]) == (200, "data")


def test_a_rejected_tap_is_taken_once_it_is_mended(road: Road) -> None:
    """Its key is still free: nothing that a device was told to correct is lost."""
    mended = road.delivered(0)

    assert road.send(mended | {"data": {}})[0]["result"] == "rejected"
    assert road.send(mended)[0]["result"] == "accepted"


def test_goods_on_another_van_are_delivered_by_nobody_else(visitors: Visitors, road: Road) -> None:
    load = tap("loaded", road.other, "08:05", data={"orders": road.orders[3:]})
    other = visitors.a("driver", f"{road.other}-driver")
    assert post(other, "/api/events", {"events": [load]}).json()["results"][0]["result"] == "accepted"

    answer = road.send(road.delivered(3))[0]

    assert (answer["result"], f"van:{road.other}" in answer["reason"]) == ("rejected", True)
    assert road.status(3) == "out"


def test_an_order_is_not_delivered_twice(road: Road) -> None:
    road.send(road.delivered(0))

    again = road.send(road.delivered(0, "09:30"))[0]

    assert (again["result"], again["field"]) == ("rejected", "order")


def test_a_driver_without_a_vehicle_is_told_so(visitors: Visitors) -> None:
    stranger = visitors.a("driver", "nobody")

    answer = stranger.post("/api/events", json={"events": [tap("departed", "stranger")]}).json()["results"][0]

    assert (answer["result"], answer["reason"]) == ("rejected", "Driver nobody has no vehicle.")
    refused(stranger.get("/api/driver/route"), 404, fix="dispatcher")
    refused(stranger.post("/api/positions", json={"positions": []}), 404)


def test_an_admin_names_the_vehicle_that_a_tap_is_of(visitors: Visitors, road: Road) -> None:
    admin = visitors.a("admin")

    def answer(**vehicle: str) -> dict[str, str]:
        taps = {"events": [road.arrived(0) | vehicle]}
        result: dict[str, str] = admin.post("/api/events", json=taps).json()["results"][0]
        return result

    assert answer()["field"] == "vehicle"
    assert answer(vehicle="ghost")["reason"] == "There is no vehicle ghost."
    assert answer(vehicle=road.van)["result"] == "accepted"


SHAPELESS: list[tuple[Any, str, str]] = [
    ({"at": "2026-06-02T09:00:00"}, "at", "a time without a zone"),
    ({"at": "yesterday"}, "at", "a word for a time"),
    ({"key": ""}, "key", "no key"),
    ({"key": None}, "key", "no key at all"),
    ({"vehicle": 7}, "vehicle", "a number for a name"),
    ({"data": []}, "data", "a list for an object"),
    ({"stopp": "x"}, "stopp", "a field of another name"),
    ({"st\ud800p": "x"}, "events", "a field whose name is no text"),
]


@pytest.mark.parametrize(("change", "field", "reason"), SHAPELESS, ids=[row[2] for row in SHAPELESS])
def test_a_tap_of_no_shape_is_answered_with_its_field_and_the_others_of_its_batch_count(
    road: Road, change: dict[str, Any], field: str, reason: str
) -> None:
    wrong, good = road.send(road.arrived(1) | change, road.arrived(0))

    assert (wrong["result"], wrong["field"]) == ("rejected", field), reason
    assert wrong["reason"]
    assert wrong["fix"]
    assert good["result"] == "accepted"


def test_a_batch_is_bounded(road: Road) -> None:
    answer = road.driver.post("/api/events", json={"events": [road.arrived(0)] * 1001})

    assert refused(answer, 422)["field"] == "events"


def test_a_drivers_route_is_what_the_plan_gives_and_the_taps_leave(road: Road) -> None:
    road.send(road.arrived(0), road.delivered(0))

    route = road.driver.get("/api/driver/route").json()

    assert (route["vehicle"], route["next"], route["departed"]) == (road.van, road.stops[1], True)
    assert [(stop["stop"], stop["done"]) for stop in route["stops"]] == list(
        zip(road.stops[:3], [True, False, False], strict=True)
    )


# Positions ------------------------------------------------------------------------------------------------------------


def position(van: str, clock: str = "11:00", **more: Any) -> dict[str, Any]:
    return {"vehicle": van, "at": iso(at(clock)), "lat": 30.2, "lon": -97.7, **more}


def place_of(van_id: str) -> tuple[float, float]:
    with store.transaction() as db:
        row = db.execute(select(van).where(van.c.vehicle_id == van_id)).one()
    return row.lat, row.lon


def test_positions_are_judged_row_by_row(visitors: Visitors, road: Road) -> None:
    soon, naive = iso(NOW + timedelta(minutes=6)), "2026-06-02T11:00:00"
    batch = [
        position(road.van), position("ghost"), position(road.other, lat=30.5), position(road.van, at=naive),
        position(road.van) | {"at": soon}, position(road.van) | {"at": "0001-01-01T00:00:00Z"}, position("\0"),
    ]  # fmt: skip
    batch[3]["at"] = naive

    answer = visitors.a("integrator").post("/api/positions", json={"positions": batch}).json()

    assert answer["accepted"] == 2
    assert [(row["row"], row["field"]) for row in answer["rejected"]] == [
        (2, "vehicle"), (4, "at"), (5, "at"), (6, "at"), (7, "vehicle")
    ]  # fmt: skip
    assert all(row["reason"] and row["fix"] for row in answer["rejected"])
    assert place_of(road.other) == (30.5, -97.7)


def test_a_driver_sends_positions_of_their_own_van_only(road: Road) -> None:
    answer = road.driver.post("/api/positions", json={"positions": [position(road.other), position(road.van)]}).json()

    assert (answer["accepted"], [row["row"] for row in answer["rejected"]]) == (1, [1])


def test_an_older_position_does_not_move_the_van_back(road: Road) -> None:
    newer, older = position(road.van, "11:30", lat=30.3), position(road.van, "11:20", lat=30.25)

    for batch in ([newer], [older], [newer, older]):
        assert road.driver.post("/api/positions", json={"positions": batch}).json()["accepted"] == len(batch)

    assert place_of(road.van) == (30.3, -97.7)


OFF_EARTH: list[tuple[dict[str, Any], str]] = [
    ({"lat": 91}, "positions.0.lat"),
    ({"lon": "east"}, "positions.0.lon"),
    ({"speed_kmh": -1}, "positions.0.speed_kmh"),
    ({"heading": 361}, "positions.0.heading"),
    ({"at": None}, "positions.0.at"),
]


@pytest.mark.parametrize(("change", "field"), OFF_EARTH, ids=[row[1] for row in OFF_EARTH])
def test_a_position_of_no_shape_is_refused_with_its_field(road: Road, change: dict[str, Any], field: str) -> None:
    answer = road.driver.post("/api/positions", json={"positions": [position(road.van) | change]})

    assert refused(answer, 422)["field"] == field
