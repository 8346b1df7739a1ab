"""Proof of delivery: what the driver's device sent, without what is personal in it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from core import orders
from tests.living import a_depot, a_plan, a_van, an_order, at, load_and_leave, tap
from tools import proof


@pytest.fixture
def order_id(record: Connection) -> str:
    """An order on its way."""
    a_depot(record)
    a_van(record)
    made = an_order(record, "A1")
    a_plan(record, {"van1": [made]})
    load_and_leave(record, "van1", [made], at("08:00"))
    return made


def facts(db: Connection, order_id: str) -> dict[str, Any]:
    return {f["name"]: f["value"] for f in proof.lookup(db, order_id)}


def test_before_the_delivery_there_is_no_proof(record: Connection, order_id: str) -> None:
    assert proof.lookup(record, order_id) == []


def test_a_proof_says_what_it_is_when_and_how_near(record: Connection, order_id: str) -> None:
    row = orders.get(record, order_id)
    given = {"kind": "photo", "sha256": "ab" * 32, "note": "with Mrs Blum", "lat": row.lat, "lon": row.lon}
    tap(record, "delivered", "van1", at("08:10"), order_id, proof=given)
    assert facts(record, order_id) == {
        "proof": "photo", "proof_at": "2026-06-02T13:10:00Z", "proof_sha256": "ab" * 32, "proof_metres_away": 0,
    }  # fmt: skip
    assert {f["source"][:6] for f in proof.lookup(record, order_id)} == {"proof "}
    assert "Blum" not in str(proof.lookup(record, order_id))


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"kind": "note", "note": "at the door"}, {"proof_sha256", "proof_metres_away"}),
        ({"kind": "signature", "sha256": "ab" * 32, "lat": "30", "lon": None}, {"proof_metres_away"}),
        ({"kind": "code", "sha256": "", "lat": 30.2}, {"proof_sha256", "proof_metres_away"}),
    ],
)
def test_what_was_not_sent_is_not_said(
    record: Connection, order_id: str, given: dict[str, Any], missing: set[str]
) -> None:
    tap(record, "delivered", "van1", at("08:10"), order_id, proof=given)
    assert not facts(record, order_id).keys() & missing
    assert facts(record, order_id)["proof"] == given["kind"]


def test_a_proof_of_another_order_proves_nothing(record: Connection, order_id: str) -> None:
    other = an_order(record, "B1", 2)
    tap(record, "delivered", "van1", at("08:10"), order_id, proof={"kind": "photo"})
    assert proof.lookup(record, other) == []
