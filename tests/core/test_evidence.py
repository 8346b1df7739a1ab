"""The evidence pack: whole, the same for the same facts, and every change shows."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from core import evidence, orders, people, proofs
from core.errors import BadFile
from core.signing import FileSigner, known_keys, load_or_create
from tests.core.test_proofs import JPEG
from tests.living import a_depot, a_plan, a_van, an_order, at, load_and_leave, tap


@pytest.fixture
def order_id(record: Connection) -> str:
    """Delivered, with a photo that was sent and a signature that was not."""
    a_depot(record)
    a_van(record)
    made = an_order(record, "A1")
    a_plan(record, {"van1": [made]})
    load_and_leave(record, "van1", [made], at("08:00"))
    digest = proofs.take_file(record, made, JPEG, "image/jpeg", "pri_1", at("08:09"))
    shown = [{"kind": "photo", "sha256": digest}, {"kind": "signature", "sha256": "ab" * 32}]
    tap(record, "delivered", "van1", at("08:10"), made, proof=shown)
    return made


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return load_or_create(tmp_path / "keys", "")


def opened(pack: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack)) as given:
        return {name: given.read(name) for name in given.namelist()}


def closed(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return out.getvalue()


def test_a_pack_tells_the_story_and_has_the_pictures(record: Connection, order_id: str, signer: FileSigner) -> None:
    entries = opened(evidence.pack(record, order_id, signer, at("12:00")))
    told = json.loads(entries["evidence.json"])
    assert [fact["kind"] for fact in told["facts"]] == ["driver.loaded", "driver.delivered"]
    assert [p["holder"].split(":")[0] for p in told["parcels"]] == ["customer"]
    assert [p["status"] for p in told["promises"]] == ["kept"]
    files = {proof["kind"]: proof["file"] for proof in told["proofs"]}
    assert files["signature"] is None, "the device has not sent it"
    assert entries[files["photo"]] == JPEG


def test_the_same_facts_give_the_same_bytes(record: Connection, order_id: str, signer: FileSigner) -> None:
    packs = {evidence.pack(record, order_id, signer, at("12:00")) for _ in range(2)}
    assert len(packs) == 1


def test_a_whole_pack_checks_with_and_without_our_key(record: Connection, order_id: str, signer: FileSigner) -> None:
    pack = evidence.pack(record, order_id, signer, at("12:00"))
    assert evidence.check(pack) == []
    assert evidence.check(pack, known_keys(signer.folder)) == []


def _without(entries: dict[str, bytes], part: str) -> None:
    del entries[next(name for name in entries if part in name)]


CHANGES: list[tuple[Callable[[dict[str, bytes]], object], str]] = [
    (lambda e: e.update({"evidence.json": e["evidence.json"].replace(b"delivered", b"returned!")}), "was changed"),
    (lambda e: _without(e, "files/"), "is missing"),
    (lambda e: e.update({"files/extra.jpg": JPEG}), "is not in the manifest"),
    (lambda e: e.update({"manifest.json": e["manifest.json"].replace(b"files/", b"filez/")}), "is not signed"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_every_change_shows(
    record: Connection, order_id: str, signer: FileSigner, change: Callable[[dict[str, bytes]], object], said: str
) -> None:
    entries = opened(evidence.pack(record, order_id, signer, at("12:00")))
    change(entries)
    assert any(said in line for line in evidence.check(closed(entries)))


def test_a_pack_that_somebody_else_signed_is_not_ours(
    record: Connection, order_id: str, signer: FileSigner, tmp_path: Path
) -> None:
    forged = evidence.pack(record, order_id, load_or_create(tmp_path / "other", ""), at("12:00"))
    assert evidence.check(forged) == [], "in itself it is whole"
    assert "you trust" in evidence.check(forged, known_keys(signer.folder))[0]


@pytest.mark.parametrize(
    "content", [b"", b"PK no zip", closed({"evidence.json": b"{}"}), closed({"manifest.json": b"[]"})]
)
def test_what_is_no_pack_is_refused(content: bytes) -> None:
    with pytest.raises(BadFile):
        evidence.check(content)


def test_after_an_erasure_the_pack_has_no_pictures_and_no_address(
    record: Connection, order_id: str, signer: FileSigner
) -> None:
    people.erase(record, orders.get(record, order_id).person_id, at("20:00"))
    entries = opened(evidence.pack(record, order_id, signer, at("21:00")))
    told = json.loads(entries["evidence.json"])
    assert not any(name.startswith("files/") for name in entries)
    assert told["order"]["address"] is None
