"""Inputs by content hash: what a decision rested on (situation, problem, matrix, policy), stored once, as bytes.

A row's key is the SHA-256 of its body, so a decision that records the hash has recorded the input.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from core import canonical
from core.errors import BadInput, LogBroken, NotFound
from core.store.tables import blob


def put(db: Connection, value: Any) -> str:
    """Store a JSON value or a model once; its hash. The same value gives the same hash on every machine."""
    return put_bytes(db, encode(value))


def put_bytes(db: Connection, body: bytes) -> str:
    key = hashlib.sha256(body).hexdigest()
    db.execute(insert(blob).values(hash=key, body=body).on_conflict_do_nothing())
    return key


def get(db: Connection, key: str) -> Any:
    """The value stored under a hash, checked against it."""
    body = get_bytes(db, key)
    try:
        return json.loads(body)
    except ValueError as error:
        raise BadInput(f"The input {key} is not JSON.", "Read it with `get_bytes`.", field="hash") from error


def get_bytes(db: Connection, key: str) -> bytes:
    row = db.execute(select(blob.c.body).where(blob.c.hash == key)).one_or_none()
    if row is None:
        raise NotFound(
            f"No input with the hash {key} is stored.",
            "Check the hash in `doorstep log show`; restore the database's backup if the input was deleted.",
        )
    body = bytes(row.body)
    if hashlib.sha256(body).hexdigest() != key:
        raise LogBroken(
            f"The input {key} was changed after it was stored: its bytes no longer give its hash.",
            "Restore it from a backup; decisions that rest on it can't be replayed until then.",
        )
    return body


def encode(value: Any) -> bytes:
    """The canonical bytes of a value that reads back as itself. A key that is not a string would be written as one
    and sorted as the other, and then hash differently when read back, so it is refused."""
    try:
        body = canonical.dumps(value)
        # the keys of a model are strings; reading a day's problem back to find that out would take most of the time
        same = isinstance(value, BaseModel) or canonical.dumps(json.loads(body)) == body
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"Not a value that JSON can hold: {error}.", "Use text, numbers, lists, objects.") from error
    if not same:
        raise BadInput("An object has keys that are not strings.", "Turn its keys into strings first.")
    return body
