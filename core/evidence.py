"""The evidence pack of an order: what is known of it, its files, and a signed list of hashes. One zip that anybody can
check without us: `check` does, and so does `sha256sum` with the public key beside it.

    evidence.json    what happened, who had the goods when, what was promised, what proves the delivery
    files/HASH.EXT   the pictures, named by the hash of their bytes
    manifest.json    the hash of each of these
    signature.json   the installation's signature over the bytes of manifest.json
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from core import canonical, events, orders, proofs
from core.clock import iso
from core.errors import BadFile
from core.signing import PublicKey, Signer
from core.store.tables import parcel, promise

FORMAT = "doorstep-evidence-1"
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""the one date that every entry has: the same facts give the same bytes"""
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


def pack(db: Connection, order_id: str, signer: Signer, now: datetime) -> bytes:
    """The pack of one order, as it stands now."""
    files = {
        f"files/{row.sha256}.{ENDINGS[row.media_type]}": bytes(row.content)
        for row in proofs.files_of(db, order_id)
        if row.content is not None
    }
    entries = {"evidence.json": canonical.dumps(told(db, order_id, now)), **files}
    manifest = canonical.dumps({name: hashlib.sha256(content).hexdigest() for name, content in entries.items()})
    signature = {
        "key_id": signer.public.key_id,
        "public_key": signer.public.raw.hex(),
        "signature": signer.sign(manifest),
    }
    return _zipped({**entries, "manifest.json": manifest, "signature.json": canonical.dumps(signature)})


def told(db: Connection, order_id: str, now: datetime) -> dict[str, Any]:
    """What is known of an order."""
    row = orders.get(db, order_id)
    held = db.execute(select(parcel).where(parcel.c.order_id == order_id).order_by(parcel.c.id))
    made = db.execute(select(promise).where(promise.c.order_id == order_id).order_by(promise.c.made_at, promise.c.id))
    files = {each.sha256: each.media_type for each in proofs.files_of(db, order_id) if each.content is not None}
    return {
        "format": FORMAT, "made_at": iso(now),
        "order": {
            "id": row.id, "ref": row.ref, "client": row.client, "day": row.day.isoformat(), "status": row.status,
            "address": row.address, "lat": row.lat, "lon": row.lon,
        },
        "facts": [_fact(each) for each in events.of(db, order_id)],
        "parcels": [
            {"id": p.id, "holder": p.holder, "since": iso(p.since), "by": p.event_key} for p in held
        ],
        "promises": [
            {"from": iso(p.lo), "to": iso(p.hi), "told_at": iso(p.made_at), "status": p.status} for p in made
        ],
        "proofs": [_proof(each, files) for each in proofs.of_order(db, order_id)],
    }  # fmt: skip


def _fact(row: Row[Any]) -> dict[str, Any]:
    return {
        "kind": row.kind, "at": iso(row.at), "received_at": iso(row.received_at), "source": row.source,
        "vehicle": row.vehicle_id, "key": row.key, "data": row.data,
    }  # fmt: skip


def _proof(row: Row[Any], files: Mapping[str, str]) -> dict[str, Any]:
    """With the name of its file, or None when the device has not sent it (yet)."""
    sent = row.sha256 in files
    return {
        "kind": row.kind, "at": iso(row.at), "sha256": row.sha256, "metres_away": row.metres_away, "lat": row.lat,
        "lon": row.lon, "code": row.code, "note": row.note, "barcodes": row.barcodes, "by": row.event_key,
        "file": f"files/{row.sha256}.{ENDINGS[files[row.sha256]]}" if sent else None,
    }  # fmt: skip


def _zipped(entries: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as made:
        for name, content in sorted(entries.items()):
            made.writestr(zipfile.ZipInfo(name, FIRST_DAY), content)
    return out.getvalue()


# Checking -------------------------------------------------------------------------------------------------------------


def check(content: bytes, keys: Mapping[str, PublicKey] | None = None) -> list[str]:
    """What is wrong with a pack; empty when it is as it was signed. Without `keys` the one in the pack is taken: that
    shows damage, not forgery."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as given:
            entries = {name: given.read(name) for name in given.namelist()}
        manifest, signature = json.loads(entries["manifest.json"]), json.loads(entries["signature.json"])
        own = PublicKey(bytes.fromhex(signature["public_key"]))
        said = str(signature["signature"])
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, NotImplementedError) as error:
        raise BadFile("This is no evidence pack.", "Send the zip as it was exported.", field="file") from error
    wrong = (
        [] if own.verifies(said, entries["manifest.json"]) else ["the manifest is not signed by the key in the pack"]
    )
    if keys is not None and own.key_id not in keys:
        wrong.append(f"the key {own.key_id} is not among those that you trust")
    listed = {name: content for name, content in entries.items() if name not in ("manifest.json", "signature.json")}
    for name in sorted(manifest.keys() | listed.keys()):
        if name not in listed:
            wrong.append(f"{name} is missing")
        elif name not in manifest:
            wrong.append(f"{name} is not in the manifest")
        elif hashlib.sha256(listed[name]).hexdigest() != manifest[name]:
            wrong.append(f"{name} was changed")
    return wrong
