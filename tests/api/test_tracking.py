"""Trails and compliance over HTTP. Who may ask is in test_roles.py."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from core import vans
from core.clock import iso
from core.store import db as store
from core.vans import Position
from tests.api.visitors import Visitors, refused
from tests.living import DAY, DEPOT, a_day, at, look


@pytest.fixture(scope="module")
def caller(visitors: Visitors) -> TestClient:
    """A dispatcher on a day that van1 has driven twenty minutes of; nothing here changes it."""
    a_day(visitors.living, {"van1": ["A1", "A2"]})
    with store.transaction() as db:
        seen = [
            Position(vehicle="van1", at=at("08:00") + timedelta(minutes=n), lat=30 + n / 1000, lon=-97.7, speed_kmh=30)
            for n in range(20)
        ]
        vans.take_positions(db, seen)
    look(at("08:19"))
    return visitors.a("dispatcher")


def test_a_trail_is_today_so_far_unless_told(caller: TestClient) -> None:
    trail = caller.get("/api/vans/van1/trail").json()
    assert (trail["vehicle"], trail["positions"], len(trail["points"])) == ("van1", 20, 20)
    assert (trail["from"], trail["to"]) == (iso(at("00:00")), iso(at("08:19")))
    assert trail["points"][0] == {"at": iso(at("08:00")), "lat": 30.0, "lon": -97.7, "kmh": 30.0}
    assert [each.keys() for each in trail["ahead"]] == [{"stop", "p50", "lo", "hi"}] * 2
    assert trail["dwells"] == []


def test_a_trail_is_of_the_span_and_no_longer_than_asked_for(caller: TestClient) -> None:
    span = {"from": iso(at("08:05")), "to": iso(at("08:15"))}
    trail = caller.get("/api/vans/van1/trail", params={**span, "points": "3"}).json()
    assert trail["positions"] == 11
    assert [point["at"] for point in trail["points"]] == [iso(at(t)) for t in ("08:05", "08:10", "08:15")]


def test_a_trail_that_can_not_be_is_refused_with_the_field(caller: TestClient) -> None:
    backwards = {"from": iso(at("09:00")), "to": iso(at("08:00"))}
    refused(caller.get("/api/vans/van1/trail", params=backwards), 422, field="from")
    refused(caller.get("/api/vans/van9/trail"), 404, detail="van9")
    refused(caller.get("/api/vans/van1/trail", params={"points": "1"}), 422, field="points")
    for wrong in ("2026-06-02T08:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "noon"):
        refused(caller.get("/api/vans/van1/trail", params={"from": wrong}), 422, field="from")


def test_compliance_is_told_van_by_van(caller: TestClient) -> None:
    told = caller.get(f"/api/plans/{DEPOT}/{DAY}/compliance").json()
    assert told["vans"] == [
        {
            "vehicle": "van1", "planned": 2, "served": 0, "in_order": 0, "share": None, "elsewhere": [],
            "followed": True,
        }
    ]  # fmt: skip
    refused(caller.get(f"/api/plans/nowhere/{DAY}/compliance"), 404, detail="nowhere")
