"""Canonical JSON and the digests made of it. Everything that is hashed, chained or compared goes through here."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from pydantic import BaseModel


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"not JSON: {type(value).__name__}")


def dumps(value: Any) -> bytes:
    """One byte string for one value: sorted keys, no spaces, UTF-8, no NaN. Floats are refused where money or time is
    meant by keeping those integers; a float that remains is written by `repr`, which round-trips."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
    ).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, hex."""
    return hashlib.sha256(dumps(value)).hexdigest()


def short(prefix: str, *parts: object) -> str:
    """A stable id from what identifies the thing: `short("ord", client, ref)` -> `ord_3f9c...` (80 bits)."""
    return f"{prefix}_{hashlib.sha256(dumps([str(p) for p in parts])).hexdigest()[:20]}"


def salted(salt: bytes, value: Any) -> str:
    """Digest of personal data: HMAC-SHA256 under the person's own salt. With the salt erased it says nothing."""
    return hmac.new(salt, dumps(value), hashlib.sha256).hexdigest()
