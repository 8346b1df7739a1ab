"""Risky orders over HTTP: flagged at import, listed, asked about in bulk."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert

from core import orders
from core.store import db as store
from core.store.tables import attempt
from tests.api.visitors import Visitors, refused
from tests.living import DAY, DEPOT, HOME, STEP, an_order, at

LATER = DAY + timedelta(days=3)
PHONE = "+15550100511"


@pytest.fixture
def caller(visitors: Visitors) -> TestClient:
    return visitors.a("admin")


@pytest.fixture(scope="module")
def missed(visitors: Visitors) -> None:
    """Five times nobody opened to one customer."""
    with store.transaction() as db:
        for number in range(5):
            made = an_order(db, f"RISK-{number}", 6, phone=PHONE, day=DAY - timedelta(days=number + 1))
            orders.set_status(db, [made], "returned")
            row = {"id": f"att_{number}", "order_id": made, "reason": "nobody_home", "at": at("10:00")}
            db.execute(insert(attempt).values(row))


def test_an_import_flags_them_and_a_list_has_them(caller: TestClient, missed: None) -> None:
    nina, otto = f"{PHONE},{HOME[0] + 6 * STEP},{HOME[1]}", f"+15550100512,{HOME[0]},{HOME[1] + STEP}"
    rows = f"ref,name,phone,lat,lon\nRISK-9,Nina,{nina}\nSAFE-9,Otto,{otto}\n"
    done = caller.post(f"/api/imports?depot={DEPOT}&day={LATER.isoformat()}", content=rows.encode()).json()
    [risky] = done["risky"]
    assert (risky["row"], risky["percent"] >= 20) == (1, True)
    assert any("5 of 5 first attempts failed for this customer" in reason for reason in risky["reasons"])
    listed = caller.get(f"/api/risks?depot={DEPOT}&day={LATER.isoformat()}").json()["risks"]
    assert [(each["ref"], each["percent"]) for each in listed] == [("RISK-9", risky["percent"])]

    asked = caller.post("/api/confirmations", json={"depot": DEPOT, "day": LATER.isoformat()})
    assert (asked.status_code, list(asked.json()["asked"]), asked.json()["not_asked"]) == (202, [risky["order"]], {})
    by_id = {"depot": DEPOT, "day": LATER.isoformat(), "orders": ["ord_x"]}
    assert refused(caller.post("/api/confirmations", json=by_id), 422)["field"] == "orders"
