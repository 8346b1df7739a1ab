"""Proof of delivery: photo, signature, barcode, code or note, with place and time, and the files behind the hashes.

A tap carries what the device saw; files are sent apart and found again by the hash of their bytes. Notes, codes, places
and files are personal: they go with the person, while kind, hash and metres from the address stay.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from core import canonical, custody, geo
from core.errors import BadInput, TooLarge
from core.events import Event
from core.store.tables import proof, proof_file

KINDS = ("photo", "signature", "barcode", "code", "note")
MOST = 8
"""proofs of one delivery"""
MAX_NOTE, MAX_CODE = 500, 40
MAX_FILE = 5 * 2**20
FILES: dict[str, bytes] = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}
"""media type -> how such a file begins"""
_HEX = re.compile(r"[0-9a-f]{64}")


def read(db: Connection, row: Row[Any], said: object) -> list[dict[str, Any]]:
    """The proofs of a tap, each checked. Raises BadInput with the field that is wrong."""
    given = said if isinstance(said, list) else [said]
    if not given or len(given) > MOST:
        raise BadInput(f"The delivery has {len(given)} proofs.", f"Send 1 to {MOST}.", field="data.proof")
    return [_checked(db, row, each) for each in given]


def _checked(db: Connection, row: Row[Any], given: object) -> dict[str, Any]:
    if not isinstance(given, dict) or given.get("kind") not in KINDS:
        fix = "Send data.proof with kind photo, signature, barcode, code or note."
        raise BadInput("The delivery has no proof.", fix, field="data.proof")
    digest = given.get("sha256") or None
    if digest is not None and not _HEX.fullmatch(str(digest)):
        fix = "Send the SHA-256 of the file's bytes in small hex letters."
        raise BadInput("The hash of the proof is none.", fix, field="data.proof.sha256")
    labels = given.get("barcodes")
    if labels is not None:
        _of_this_order(db, row, labels)
    return {
        "kind": given["kind"], "sha256": digest, "note": _text(given, "note", MAX_NOTE),
        "code": _text(given, "code", MAX_CODE), "barcodes": labels, **_place(row, given),
    }  # fmt: skip


def _of_this_order(db: Connection, row: Row[Any], labels: object) -> None:
    if not isinstance(labels, list) or not labels or not all(isinstance(each, str) for each in labels):
        raise BadInput("The labels are no list of texts.", 'Send barcodes: ["..."].', field="data.proof.barcodes")
    held = custody.parcels(db, row.id)
    foreign = [each for each in labels if custody.parcel_id(row.id, each) not in held]
    if foreign:
        fix = "Scan the label on this order's parcel; the one in your hand belongs to another door."
        raise BadInput(f"{foreign[0][:60]!r} is no parcel of order {row.ref}.", fix, field="data.proof.barcodes")


def _text(given: Mapping[str, Any], name: str, most: int) -> str | None:
    said = given.get(name)
    if said is None or said == "":
        return None
    if not isinstance(said, str) or len(said) > most:
        raise BadInput(
            f"The {name} of the proof is no text of up to {most} characters.", "Shorten it.", field=f"data.proof.{name}"
        )
    return said


def _place(row: Row[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Where it was taken, and how far from the address that is."""
    lat, lon = given.get("lat"), given.get("lon")
    if (
        not isinstance(lat, int | float)
        or not isinstance(lon, int | float)
        or not (-90 <= lat <= 90 and -180 <= lon <= 180)
    ):
        return {"lat": None, "lon": None, "metres_away": None}
    away = None if row.lat is None else round(geo.metres(row.lat, row.lon, float(lat), float(lon)))
    return {"lat": float(lat), "lon": float(lon), "metres_away": away}


def keep(db: Connection, row: Row[Any], proofs: Sequence[Mapping[str, Any]], fact: Event) -> None:
    for number, each in enumerate(proofs):
        made = canonical.short("prf", fact.key, *([number] if number else []))
        found = {"id": made, "order_id": row.id, "at": fact.at, "event_key": fact.key, **each}
        db.execute(insert(proof).values(found))


def labels(proofs: Sequence[Mapping[str, Any]]) -> set[str]:
    """All labels that were scanned at the door."""
    return {label for each in proofs for label in each["barcodes"] or ()}


def impersonal(said: object) -> object:
    """Of the proofs in a tap what may stand in an event: kind and hash."""
    given = said if isinstance(said, list) else [said]
    kept = [
        {name: each[name] for name in ("kind", "sha256") if name in each} for each in given if isinstance(each, dict)
    ]
    return kept if isinstance(said, list) else kept[0] if kept else None


# Files ----------------------------------------------------------------------------------------------------------------


def take_file(db: Connection, order_id: str, content: bytes, media_type: str, by: str, at: datetime) -> str:
    """Keep a picture; returns the hash of its bytes. The same file again changes nothing."""
    if media_type not in FILES:
        raise BadInput(f"{media_type[:60]!r} is no picture.", f"Send {', '.join(FILES)}.", field="content-type")
    if len(content) > MAX_FILE:
        raise TooLarge(f"The picture has {len(content)} bytes.", f"Send up to {MAX_FILE}.", field="body")
    if not content.startswith(FILES[media_type]):
        raise BadInput(f"These bytes are no {media_type}.", "Send the file as the camera wrote it.", field="body")
    made = hashlib.sha256(content).hexdigest()
    row = {"sha256": made, "order_id": order_id, "media_type": media_type, "content": content, "by": by, "at": at}
    db.execute(insert(proof_file).values(row).on_conflict_do_nothing())
    return made


def of_order(db: Connection, order_id: str) -> list[Row[Any]]:
    query = select(proof).where(proof.c.order_id == order_id)
    return list(db.execute(query.order_by(proof.c.at, proof.c.id)))


def files_of(db: Connection, order_id: str) -> list[Row[Any]]:
    query = select(proof_file).where(proof_file.c.order_id == order_id)
    return list(db.execute(query.order_by(proof_file.c.sha256)))
