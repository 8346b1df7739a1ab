"""Why an attempt failed: a code of a closed list. What a driver writes beside it is personal and stays in a row apart.

Codes are what events, messages and reports are made of; a driver's own words reach neither another person nor the log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from core import canonical
from core.store.tables import attempt

REASONS: dict[str, str] = {
    "nobody_home": "nobody there to take it",
    "refused": "the customer did not want it",
    "wrong_address": "it is not the customer's address",
    "no_access": "the driver could not get to the door",
    "damaged": "the goods are damaged",
    "closed": "the business is closed",
    "too_big": "it does not fit through or into the place it is for",
    "not_on_van": "scanned, but not found on the van",
    "other": "none of these: the driver's words are in the note",
}
CASE = "failed_attempt"
"""the kind of case in which is settled what becomes of the order"""
MAX_NOTE = 500


def read(data: dict[str, Any]) -> tuple[str, str | None]:
    """Code and note of a tap's data. Words that are no code are `other`, and are kept in the note."""
    said, note = str(data.get("reason", "")).strip(), str(data.get("note") or "").strip()
    code = "_".join(said.casefold().replace("-", " ").replace("_", " ").split())
    if code in REASONS:
        return code, note[:MAX_NOTE] or None
    return "other", " / ".join(words for words in (said, note) if words)[:MAX_NOTE] or None


def keep(db: Connection, order_id: str, data: dict[str, Any], at: datetime, event_key: str) -> str:
    """Write down why; returns the code."""
    code, note = read(data)
    row = {"id": canonical.short("att", event_key), "order_id": order_id, "reason": code, "note": note, "at": at}
    db.execute(insert(attempt).values(row).on_conflict_do_nothing())
    return code


def last_reason(db: Connection, order_id: str) -> str | None:
    """The code of an order's newest failed attempt."""
    query = select(attempt.c.reason).where(attempt.c.order_id == order_id).order_by(attempt.c.at.desc(), attempt.c.id)
    return db.execute(query.limit(1)).scalar_one_or_none()
