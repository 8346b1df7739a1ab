"""A driver's phone over HTTP: loading list, skip, rest, pictures, messages, the frozen next stop, and the evidence."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from core import evidence, orders, scans
from core.clock import iso
from core.store import db as store
from core.store.tables import case
from tests.api.visitors import Visitors, refused
from tests.core.test_proofs import JPEG
from tests.living import a_depot, a_plan, a_van, an_order, at, stop_of

fresh = count(1)


class Phone:
    """A driver with three doors ahead, nothing loaded."""

    def __init__(self, visitors: Visitors) -> None:
        n = next(fresh)
        visitors.living.to(at("08:00"))
        with store.transaction() as db:
            depot = a_depot(db, f"phone{n}")
            self.van, other = a_van(db, f"phone-van{n}", depot), a_van(db, f"phone-other{n}", depot)
            self.orders = [an_order(db, f"P{n}-{place}", place, depot_id=depot) for place in (1, 2, 3)]
            self.foreign = an_order(db, f"P{n}-9", 9, depot_id=depot)
            a_plan(db, {self.van: self.orders, other: [self.foreign]}, depot_id=depot)
            self.stops = [stop_of(db, each) for each in self.orders]
        self.client = visitors.a("driver", f"{self.van}-driver")
        self.driver = f"{self.van}-driver"
        self.keys = count(1)

    def tap(self, kind: str, when: str = "08:00", **more: Any) -> dict[str, Any]:
        event = {"key": f"{self.van}-{next(self.keys)}", "kind": f"driver.{kind}", "at": iso(at(when)), **more}
        answer = self.client.post("/api/events", json={"events": [event]})
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()["results"][0]
        return found

    def out(self) -> None:
        assert self.tap("loaded", data={"orders": self.orders})["result"] == "accepted"
        assert self.tap("departed")["result"] == "accepted"

    def route(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/api/driver/route").json()
        return found


@pytest.fixture
def phone(visitors: Visitors) -> Phone:
    return Phone(visitors)


def test_the_loading_list_has_the_last_door_first(phone: Phone) -> None:
    phone.tap("started")
    shown = phone.client.get("/api/driver/loading").json()
    assert [row["order"] for row in shown["orders"]] == phone.orders[::-1]
    phone.tap("loaded", data={"orders": phone.orders[:1]})
    shown = phone.client.get("/api/driver/loading").json()
    assert [row["loaded"] for row in shown["orders"]] == [0, 0, 1]


def test_a_wrong_parcel_is_refused_with_what_to_do(phone: Phone) -> None:
    said = phone.tap("loaded", data={"orders": [phone.foreign]})
    assert said["result"] == "rejected"
    assert "goes with" in said["reason"]
    assert "Take it off" in said["fix"]
    assert said["field"] == phone.foreign


def test_goods_that_are_elsewhere_on_record_are_a_case(phone: Phone, visitors: Visitors) -> None:
    phone.out()
    admin = visitors.a("admin")
    other = phone.van.replace("van", "other")
    tap = {
        "key": f"{other}-x", "kind": "driver.delivered", "at": iso(at("08:00")), "vehicle": other,
        "order": phone.orders[0], "data": {"proof": {"kind": "note"}},
    }  # fmt: skip
    assert admin.post("/api/events", json={"events": [tap]}).json()["results"][0]["result"] == "rejected"
    with store.transaction() as db:
        found = db.execute(select(case).where(case.c.kind == scans.KIND, case.c.subject == phone.orders[0])).one()
    assert found.facts["what"] == "elsewhere"


def test_a_skipped_stop_comes_later_on_the_phone(phone: Phone) -> None:
    phone.out()
    assert phone.tap("skipped", stop=phone.stops[0])["result"] == "accepted"
    shown = phone.route()
    assert [stop["stop"] for stop in shown["stops"]] == [phone.stops[1], phone.stops[0], phone.stops[2]]
    assert shown["next"] == phone.stops[1]


def test_hours_and_breaks_are_on_the_phone(phone: Phone, visitors: Visitors) -> None:
    phone.out()
    visitors.living.to(at("10:00"))
    assert phone.tap("break_started", "10:00", data={"minutes": 30})["result"] == "accepted"
    visitors.living.to(at("10:30"))
    assert phone.tap("break_ended", "10:30")["result"] == "accepted"
    visitors.living.to(at("11:00"))
    assert phone.route()["hours"] == {
        "worked_s": 9000, "rested_s": 1800, "since_rest_s": 1800, "drove_s": 9000, "driven_s": 9000,
    }  # fmt: skip


def test_a_picture_is_sent_apart_named_in_the_tap_and_found_in_the_pack(phone: Phone, visitors: Visitors) -> None:
    phone.out()
    order = phone.orders[0]
    sent = phone.client.post(f"/api/driver/files?order={order}", content=JPEG, headers={"content-type": "image/jpeg"})
    digest = sent.json()["sha256"]
    proof = {"kind": "photo", "sha256": digest, "lat": 30.22, "lon": -97.7}
    assert phone.tap("delivered", order=order, data={"proof": proof})["result"] == "accepted"
    pack = visitors.a("dispatcher").get(f"/api/orders/{order}/evidence")
    assert pack.headers["content-type"] == "application/zip"
    assert evidence.check(pack.content) == []
    assert f"files/{digest}.jpg".encode() in pack.content


def test_a_customer_gets_the_pack_of_their_own_order_only(phone: Phone, visitors: Visitors) -> None:
    with store.transaction() as db:
        person = orders.get(db, phone.orders[0]).person_id
    customer = visitors.a("customer", person)
    assert customer.get(f"/api/orders/{phone.orders[0]}/evidence").status_code == 200
    refused(customer.get(f"/api/orders/{phone.orders[1]}/evidence"), 404)
    refused(phone.client.get(f"/api/orders/{phone.orders[0]}/evidence"), 404)


def test_pictures_of_what_was_never_aboard_and_of_what_is_none_are_refused(phone: Phone) -> None:
    phone.out()
    jpeg = {"content-type": "image/jpeg"}
    refused(
        phone.client.post(f"/api/driver/files?order={phone.foreign}", content=JPEG, headers=jpeg), 403, fix="your own"
    )
    refused(phone.client.post(f"/api/driver/files?order={phone.orders[0]}", content=b"GIF89a", headers=jpeg), 422)


def test_driver_and_dispatcher_write_to_each_other(phone: Phone, visitors: Visitors) -> None:
    desk: TestClient = visitors.a("dispatcher")
    said = phone.client.post("/api/driver/messages", json={"text": "The gate is shut", "key": "m1"}).json()
    assert phone.client.post("/api/driver/messages", json={"text": "The gate is shut", "key": "m1"}).json() == said
    assert desk.get(f"/api/cases/{said['case']}").json()["status"] == "escalated"
    assert desk.post(f"/api/drivers/{phone.driver}/messages", json={"text": "Ring 12"}).json()["closed"] == [
        said["case"]
    ]
    mine = phone.client.get("/api/driver/messages").json()["messages"]
    assert [(line["direction"], line["text"]) for line in mine] == [("in", "The gate is shut"), ("out", "Ring 12")]
    assert desk.get(f"/api/drivers/{phone.driver}/messages").json()["messages"] == mine


def test_danger_goes_first(phone: Phone, visitors: Visitors) -> None:
    said = phone.client.post("/api/driver/messages", json={"text": "I had an accident and I am hurt"}).json()
    assert visitors.a("dispatcher").get(f"/api/cases/{said['case']}").json()["reason_code"] == "safety"


def test_a_broken_van_says_so_on_the_phone(phone: Phone) -> None:
    phone.out()
    assert phone.tap("breakdown", data={"reason": "tyre", "minutes": 40})["result"] == "accepted"
    assert phone.route()["broken"] is True
    assert phone.tap("repaired", "08:00")["result"] == "accepted"
    assert phone.route()["broken"] is False
