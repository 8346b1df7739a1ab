"""Slots over HTTP: staff see what they cost, shops not who drives, customers the windows of their own orders alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.store import db as store
from tests.api.visitors import Visitors, refused
from tests.living import DEPOT, HOME, STEP, a_plan, an_order, customer_of
from tools.engine import Engine
from tools.wire import Server, socket_path

NEW: dict[str, Any] = {"depot": DEPOT, "lat": HOME[0] + STEP * 2.2, "lon": HOME[1], "days": 1}


@pytest.fixture(scope="module")
def planned(visitors: Visitors) -> str:
    with store.transaction() as db:
        made = [an_order(db, f"SLOT-{n}", n, client="shop") for n in (1, 2)]
        a_plan(db, {"van1": made})
        return customer_of(db, made[0]).subject


@pytest.fixture
def engine(planned: str) -> Iterator[Engine]:
    path = socket_path("engine.sock")
    server = Server(path, (made := Engine()).answer)
    server.start()
    yield made
    server.shutdown()
    server.server_close()
    path.unlink(missing_ok=True)


def test_staff_see_windows_with_what_they_cost(visitors: Visitors, engine: Engine) -> None:
    found = visitors.a("dispatcher").get("/api/v1/slots", params=NEW).json()["slots"]
    assert {tuple(sorted(slot)) for slot in found} == {
        ("cost_cents", "day", "hi", "lo", "minutes_late", "promises", "vehicle")
    }
    later = visitors.a("dispatcher").get("/api/slots", params={"order": "SLOT-1", "from": "2026-06-04", "days": 2})
    assert {slot["day"] for slot in later.json()["slots"]} == {"2026-06-04", "2026-06-05"}


def test_a_customer_sees_the_windows_of_own_orders_alone(visitors: Visitors, engine: Engine, planned: str) -> None:
    customer = visitors.a("customer", planned)
    found = customer.get("/api/slots", params={"order": "SLOT-1", "days": 1}).json()["slots"]
    assert found
    assert {tuple(sorted(slot)) for slot in found} == {("day", "hi", "lo")}
    refused(customer.get("/api/slots", params={"order": "SLOT-2"}), 404, detail="SLOT-2")
    refused(customer.get("/api/slots", params=NEW), 422, fix="order")


def test_a_shop_sees_what_a_window_costs_but_not_who_drives(visitors: Visitors, engine: Engine) -> None:
    shop, other = visitors.a("integrator", "client:shop"), visitors.a("integrator", "client:other")
    for asked in (NEW, dict[str, Any]({"order": "SLOT-2", "days": 1})):
        found = shop.get("/api/slots", params=asked).json()["slots"]
        assert {"vehicle"} & {name for slot in found for name in slot} == set()
        assert all("cost_cents" in slot for slot in found)
    refused(other.get("/api/slots", params={"order": "SLOT-2"}), 404)


def test_what_is_missing_is_named(visitors: Visitors) -> None:
    staff = visitors.a("dispatcher")
    refused(staff.get("/api/slots", params={"depot": DEPOT, "lat": 30}), 422, field="lon")
    refused(staff.get("/api/slots", params={"order": "NOBODY"}), 404)
    assert staff.get("/api/slots", params=NEW).status_code == 503, "without the engine it says so"
