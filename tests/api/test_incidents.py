"""Incidents and goods that wait at the depot, over HTTP: what is said, said again, and said wrongly."""

from __future__ import annotations

from itertools import count

import pytest

from core import collecting
from core.store import db as store
from tests.api.visitors import Visitors, refused
from tests.living import DAY, a_depot, a_plan, a_van, an_order, at, load_and_leave, tap

fresh = count(1)


@pytest.fixture
def depot(visitors: Visitors) -> str:
    with store.transaction() as db:
        return a_depot(db, f"dep-inc{next(fresh)}")


def declared(visitors: Visitors, depot: str) -> str:
    said = {
        "kind": "storm",
        "depot": depot,
        "until": "2026-06-02T20:00:00Z",
        "lat": 30.2,
        "lon": -97.7,
        "radius_m": 900,
    }
    answer = visitors.a("dispatcher").post("/api/incidents", json=said)
    return str(answer.json()["incident"])


def test_an_incident_is_declared_ended_once_and_listed_as_over(visitors: Visitors, depot: str) -> None:
    dana, made = visitors.a("dispatcher"), declared(visitors, depot)
    listed = dana.get("/api/incidents", params={"depot": depot, "day": DAY.isoformat()}).json()["incidents"]
    assert [(row["id"], row["lasts"], row["ended"]) for row in listed] == [(made, True, None)]
    assert dana.post(f"/api/incidents/{made}/end").json() == {"incident": made, "ended": True}
    assert dana.post(f"/api/incidents/{made}/end").json() == {"incident": made, "ended": False}
    (row,) = dana.get("/api/incidents", params={"depot": depot, "day": DAY.isoformat()}).json()["incidents"]
    assert not row["lasts"]
    assert row["ended"] is not None


def test_an_incident_that_nobody_declared_is_not_ended(visitors: Visitors) -> None:
    refused(visitors.a("dispatcher").post("/api/incidents/inc_none/end"), 404, detail="inc_none", fix="/api/incidents")


def test_what_waits_at_the_depot_is_handed_out_once(visitors: Visitors, depot: str) -> None:
    dana = visitors.a("dispatcher")
    with store.transaction() as db:
        van = a_van(db, f"van-{depot}", depot)
        order_id = an_order(db, f"FETCH-{depot}", depot_id=depot)
        a_plan(db, {van: [order_id]}, depot_id=depot)
        load_and_leave(db, van, [order_id], at("07:00"))
        tap(db, "failed", van, at("07:01"), order_id, reason="nobody_home")
    refused(dana.post(f"/api/orders/{order_id}/collected"), 409, detail="does not wait", fix="Plan it")
    with store.transaction() as db:
        collecting.hold(db, order_id, "case_1", at("07:02"))
        tap(db, "finished", van, at("07:03"))
    assert dana.post(f"/api/orders/{order_id}/collected").json() == {"order": order_id, "collected": True}
    assert dana.post(f"/api/orders/{order_id}/collected").json() == {"order": order_id, "collected": False}
    assert dana.get(f"/api/orders/{order_id}").json()["status"] == "picked_up"


def test_a_claim_needs_a_digest_for_its_picture(visitors: Visitors, depot: str) -> None:
    wish = {"action": "damage", "order": "ANY", "photo": "my-photo.jpg"}
    refused(visitors.a("dispatcher").post("/api/cases", json=wish), 422, field="photo")
