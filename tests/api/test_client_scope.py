"""An integrator who acts for one client: its own orders, and nothing of anybody else's."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from core.store import db as store
from tests.api.test_roles import CLOSED, address
from tests.api.visitors import Visitors, post, refused
from tests.living import DAY, DEPOT, an_order

IMPORT = f"/api/imports?depot={DEPOT}&day={DAY}&format=csv"
OPEN_TO_ONE_CLIENT = {
    ("POST", "/api/imports"), ("GET", "/api/orders"), ("GET", "/api/orders/{order_id}"),
    ("GET", "/api/orders/{order_id}/evidence"), ("GET", "/api/slots"),
    ("PUT", "/api/orders/{order_id}/place"), ("POST", "/api/cases"), ("GET", "/api/clock"),
}  # fmt: skip


@pytest.fixture
def shop(visitors: Visitors) -> TestClient:
    return visitors.a("integrator", "client:shop")


def rows(*lines: str) -> bytes:
    return "\n".join(["ref,client,name,phone,address,lat,lon", *lines]).encode()


def refs(client: TestClient) -> set[str]:
    answer = client.get("/api/orders", params={"depot": DEPOT, "day": str(DAY)})
    assert answer.status_code == 200
    return {f"{row['client']}/{row['ref']}" for row in answer.json()["orders"]}


def test_what_it_imports_is_its_clients(visitors: Visitors, shop: TestClient) -> None:
    content = rows(
        "SC-1,,Ana Ruiz,+15125550181,1 Oak St,30.31,-97.7", "SC-2,shop,Bo Lang,+15125550182,2 Oak St,30.32,-97.7",
        "SC-3,other,Cy Moss,+15125550183,3 Oak St,30.33,-97.7",
    )  # fmt: skip
    taken = shop.post(IMPORT, content=content).json()
    assert taken["accepted"] == 2
    assert [(row["row"], row["field"]) for row in taken["rejected"]] == [(3, "client")]
    assert {"shop/SC-1", "shop/SC-2"} <= refs(shop)


def test_others_orders_do_not_exist_to_it(visitors: Visitors, shop: TestClient) -> None:
    with store.transaction() as db:
        theirs = an_order(db, "SC-9", 2)
    assert "default/SC-9" in refs(visitors.a("integrator"))
    assert "default/SC-9" not in refs(shop)
    refused(shop.get(f"/api/orders/{theirs}/evidence"), 404)
    refused(shop.get(f"/api/orders/{theirs}"), 404)
    answer = shop.put(f"/api/orders/{theirs}/place", json={"lat": 30.0, "lon": -97.0})
    refused(answer, 404)
    refused(post(shop, "/api/cases", {"action": "cancel", "order": "SC-9"}), 404)


def test_it_may_cancel_its_own_order_whoever_has_one_of_that_name(visitors: Visitors, shop: TestClient) -> None:
    shop.post(IMPORT, content=rows("SC-20,,Di Roe,+15125550184,4 Oak St,30.34,-97.7"))
    content = rows("SC-20,other,Ed Poe,+15125550185,5 Oak St,30.35,-97.7")
    visitors.a("integrator").post(IMPORT, content=content)
    case_id = post(shop, "/api/cases", {"action": "cancel", "order": "SC-20"}).json()["case"]
    [case] = [c for c in visitors.a("dispatcher").get("/api/cases").json()["cases"] if c["id"] == case_id]
    assert shop.get(f"/api/orders/{case['subject']}").json()["client"] == "shop"


def test_all_other_routes_are_closed_to_it(shop: TestClient) -> None:
    let_in = {
        (method, path) for method, path in CLOSED
        if path != "/api/stream" and shop.request(method, address(path), json={}).status_code != 403
    }  # fmt: skip
    assert let_in == OPEN_TO_ONE_CLIENT
