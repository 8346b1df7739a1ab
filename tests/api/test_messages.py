"""Clients' texts and people's wishes over the API: what is kept can be sent, and what is wrong is named."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from core import orders
from core.store import db as store
from tests.api.visitors import Visitors, refused
from tests.living import an_order
from tools.notify import texts

GOOD = "Ding dong! {order} is here."


@pytest.fixture(scope="module")
def staff(visitors: Visitors) -> TestClient:
    with store.transaction() as db:
        an_order(db, "M1", client="grocer")
    return visitors.a("ops_lead")


def person_of(ref: str) -> str:
    with store.transaction() as db:
        row = orders.by_ref(db, ref)
        assert row is not None
        return str(row.person_id)


def listed(staff: TestClient, lang: str = "en") -> dict[str, Any]:
    answer = staff.get("/api/templates", params={"client": "grocer", "lang": lang})
    return {each["name"]: each for each in answer.json()["templates"]}


def test_a_clients_text_is_said_until_it_is_dropped(staff: TestClient) -> None:
    ours = listed(staff)["arrived"]
    assert (ours["own"], ours["fields"], ours["stage"]) == (False, ["order"], "arrived")
    answer = staff.put("/api/templates/grocer/en/arrived", json={"text": GOOD})
    assert answer.json() == {"text": "Ding dong! ABCD-123456789012 is here.", "segments": 1, "findings": []}
    assert (listed(staff)["arrived"]["own"], listed(staff)["arrived"]["text"]) == (True, GOOD)
    assert not listed(staff, "es")["arrived"]["own"], "in that language only"
    with store.transaction() as db:
        row = orders.by_ref(db, "M1")
        assert row is not None
        assert texts.compose(db, row, "arrived", order="M1") == "Ding dong! M1 is here."
    assert staff.delete("/api/templates/grocer/en/arrived").json()["text"].startswith("We are at your door")
    refused(staff.delete("/api/templates/grocer/en/arrived"), 404)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello", "does not use 'order'"),
        ("{order} {price}", "uses 'price', which is not declared"),
        ("{order}, reply STOP to end", "invites the opt-out word"),
        ("{order} see https://evil.example/x", "link"),
        ("{order}" + " very long" * 40, "SMS segments"),
        ("{order}" + "x" * 600, "480 at most"),
        ("{order.__class__}", "which is not declared"),
        ("{order!r}", "fields stand alone"),
        ("{order", "can't be read"),
        ("{order}\nsecond line", "one line"),
    ],
)
def test_a_text_that_could_not_be_sent_is_not_kept(staff: TestClient, text: str, said: str) -> None:
    refused(staff.put("/api/templates/grocer/en/arrived", json={"text": text}), 422, detail=said, field="text")
    found = staff.post("/api/templates/preview", json={"name": "arrived", "client": "grocer", "text": text}).json()
    assert said in " ".join(found["findings"])
    assert found["text"] == ""
    assert not listed(staff)["arrived"]["own"]


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("grocer/en/reply_thanks", 422, "name"),
        ("grocer/xx/arrived", 422, "lang"),
        ("nobody/en/arrived", 404, "client"),
    ],
)
def test_only_what_is_sent_unasked_for_clients_that_are_known(
    staff: TestClient, path: str, status: int, field: str
) -> None:
    refused(staff.put(f"/api/templates/{path}", json={"text": GOOD}), status, field=field)


def test_a_preview_takes_the_facts_that_it_is_given(staff: TestClient) -> None:
    ask = {"name": "next", "lang": "es", "facts": {"order": "A1", "stops_ahead": "2", "lo": "10:00", "hi": "10:15"}}
    found = staff.post("/api/templates/preview", json=ask).json()
    assert found["text"].startswith("Su pedido A1 está cerca.")
    assert found["segments"] == 2
    refused(staff.post("/api/templates/preview", json=ask | {"facts": {"day": "2026-01-01"}}), 422, field="day")


def test_a_person_is_opted_out_and_in_by_staff(staff: TestClient) -> None:
    path = f"/api/people/{person_of('M1')}/contact"
    assert staff.put(path, json={"opted_out": True, "lang": "es", "tz": "Europe/Madrid"}).json() == {
        "person": person_of("M1"), "opted_out": True, "lang": "es", "tz": "Europe/Madrid",
    }  # fmt: skip
    assert staff.put(path, json={"opted_out": False, "lang": ""}).json()["lang"] is None
    assert staff.put(path, json={}).json()["tz"] == "Europe/Madrid", "what is not given stays"


@pytest.mark.parametrize(("ask", "field"), [({"lang": "xx"}, "lang"), ({"tz": "Mars/Olympus"}, "tz")])
def test_a_wish_that_can_not_be_met_is_refused(staff: TestClient, ask: dict[str, str], field: str) -> None:
    refused(staff.put(f"/api/people/{person_of('M1')}/contact", json=ask), 422, field=field)


def test_nobody_has_no_wishes(staff: TestClient) -> None:
    refused(staff.put("/api/people/per_nobody/contact", json={"opted_out": True}), 404)
