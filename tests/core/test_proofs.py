"""Proof of delivery: what the device saw is checked, what is personal stays out of the event, and files are known by
their bytes."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import Connection, select

from core import custody, orders, people, proofs, scans
from core.errors import BadInput, TooLarge
from core.store.tables import case, event, proof_file
from tests.living import a_depot, a_plan, a_van, an_order, at, load_and_leave, tap

JPEG = b"\xff\xd8\xff" + b"a picture of a door"


@pytest.fixture
def order_id(record: Connection) -> str:
    """An order of two parcels, on its way."""
    a_depot(record)
    a_van(record)
    made = an_order(record, "A1", parcels=("L1", "L2"))
    a_plan(record, {"van1": [made]})
    load_and_leave(record, "van1", [made], at("08:00"))
    return made


def deliver(db: Connection, order_id: str, *proof: dict[str, Any]) -> None:
    tap(db, "delivered", "van1", at("08:10"), order_id, proof=list(proof) if len(proof) != 1 else proof[0])


def test_one_delivery_may_have_several_proofs_of_different_kinds(record: Connection, order_id: str) -> None:
    row = orders.get(record, order_id)
    deliver(
        record, order_id,
        {"kind": "photo", "sha256": "ab" * 32, "lat": row.lat, "lon": row.lon},
        {"kind": "signature", "sha256": "cd" * 32},
        {"kind": "barcode", "barcodes": ["L1", "L2"]},
        {"kind": "code", "code": "4711"},
        {"kind": "note", "note": "behind the shed"},
    )  # fmt: skip
    kept = proofs.of_order(record, order_id)
    assert sorted(row.kind for row in kept) == ["barcode", "code", "note", "photo", "signature"]
    assert {row.code for row in kept} == {None, "4711"}
    assert [row.metres_away for row in kept if row.kind == "photo"] == [0]


def test_what_is_personal_stays_out_of_the_event(record: Connection, order_id: str) -> None:
    deliver(
        record, order_id, {"kind": "code", "code": "4711", "lat": 30.2, "lon": -97.7}, {"kind": "note", "note": "x"}
    )
    data = record.execute(select(event.c.data).where(event.c.kind == "driver.delivered")).scalar_one()
    assert data == {"proof": [{"kind": "code"}, {"kind": "note"}]}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (None, "data.proof"),
        ([], "data.proof"),
        ([{"kind": "note"}] * 9, "data.proof"),
        ({"kind": "smile"}, "data.proof"),
        ({"kind": "photo", "sha256": "no hash"}, "data.proof.sha256"),
        ({"kind": "photo", "sha256": "ab"}, "data.proof.sha256"),
        ({"kind": "barcode", "barcodes": ["L9"]}, "data.proof.barcodes"),
        ({"kind": "barcode", "barcodes": "L1"}, "data.proof.barcodes"),
        ({"kind": "note", "note": "x" * 501}, "data.proof.note"),
        ({"kind": "code", "code": 4711}, "data.proof.code"),
    ],
)
def test_a_proof_that_is_none_names_its_field(record: Connection, order_id: str, given: object, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        tap(record, "delivered", "van1", at("08:10"), order_id, proof=given)
    assert refused.value.field == field
    assert custody.holders(record, order_id) == {"van:van1"}


def test_with_labels_only_what_was_scanned_is_handed_over(record: Connection, order_id: str) -> None:
    deliver(record, order_id, {"kind": "barcode", "barcodes": ["L1"]})
    held = custody.parcels(record, order_id)
    assert held[custody.parcel_id(order_id, "L2")] == "van:van1"
    assert held[custody.parcel_id(order_id, "L1")].startswith("customer:")
    facts = record.execute(select(case.c.facts).where(case.c.kind == scans.KIND)).scalar_one()
    assert facts["what"] == "door"


def test_a_file_is_known_by_its_bytes_and_kept_once(record: Connection, order_id: str) -> None:
    made = proofs.take_file(record, order_id, JPEG, "image/jpeg", "pri_1", at("08:11"))
    assert made == hashlib.sha256(JPEG).hexdigest()
    assert proofs.take_file(record, order_id, JPEG, "image/jpeg", "pri_1", at("08:12")) == made
    assert [row.at for row in proofs.files_of(record, order_id)] == [at("08:11")]


@pytest.mark.parametrize(
    ("content", "kind", "error"),
    [
        (JPEG, "text/html", BadInput),
        (b"<script>", "image/jpeg", BadInput),
        (JPEG + b"x" * proofs.MAX_FILE, "image/jpeg", TooLarge),
    ],
)
def test_what_is_no_picture_is_refused(
    record: Connection, order_id: str, content: bytes, kind: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        proofs.take_file(record, order_id, content, kind, "pri_1", at("08:11"))


def test_pictures_places_and_codes_go_with_the_person(record: Connection, order_id: str) -> None:
    proofs.take_file(record, order_id, JPEG, "image/jpeg", "pri_1", at("08:11"))
    deliver(record, order_id, {"kind": "code", "code": "4711", "lat": 30.2, "lon": -97.7})
    people.erase(record, orders.get(record, order_id).person_id, at("20:00"))
    (row,) = proofs.of_order(record, order_id)
    assert (row.code, row.lat, row.lon, row.kind) == (None, None, None, "code")
    assert row.metres_away is not None, "how far it was stays"
    assert record.execute(select(proof_file.c.content)).scalar_one() is None
