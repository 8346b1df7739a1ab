"""An import: every good row becomes an order, every bad one is kept with its reason; the same file
twice changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from api.imports import rows
from api.imports.files import READERS
from core import canonical, clock, fleet, orders
from core.errors import BadFile, BadInput, DoorstepError, TooLarge
from core.store.tables import import_batch, import_row
from tools import publishing

MAX_BYTES = 50_000_000


class Rejected(BaseModel):
    model_config = ConfigDict(frozen=True)

    row: int
    field: str
    reason: str
    fix: str


class Imported(BaseModel):
    """`row` counts from 1, the header not included."""

    model_config = ConfigDict(frozen=True)

    id: str
    accepted: int
    unchanged: int
    rejected: tuple[Rejected, ...]


def take(db: Connection, content: bytes, kind: str, depot: str, day: date) -> Imported:
    if kind not in READERS:
        raise BadInput(f"There is no format {kind!r}.", f"Use one of {', '.join(READERS)}.", field="format")
    if len(content) > MAX_BYTES:
        raise TooLarge(f"The file has {len(content)} bytes.", f"Split it: {MAX_BYTES} at most.", field="file")
    found = READERS[kind](content)
    if not found:
        raise BadFile("The file has no orders.", "Send at least one row.", field="file")
    now = clock.now(db)
    batch = canonical.short("imp", hashlib.sha256(content).hexdigest(), depot, day.isoformat(), now.isoformat())
    accepted, unchanged, bad = 0, 0, []
    for number, raw in enumerate(found, 1):
        try:
            new = _one(db, number, raw, depot, day, now)
            accepted, unchanged = accepted + new, unchanged + (not new)
        except DoorstepError as error:
            bad.append((_rejected(number, error), raw))
    _keep(db, batch, now, accepted, unchanged, bad)
    return Imported(id=batch, accepted=accepted, unchanged=unchanged, rejected=tuple(each for each, _ in bad))


def _rejected(number: int, error: DoorstepError) -> Rejected:
    said = {"field": error.field, "reason": error.what, "fix": error.fix}
    return Rejected(row=number, **{name: str(_writable(text)) for name, text in said.items()})


def _one(db: Connection, number: int, raw: Mapping[str, Any], depot: str, day: date, now: Any) -> bool:
    home = fleet.get_depot(db, str(rows.filled(raw).get("depot", depot)).strip())
    read = rows.read(number, raw, home.id, day, home.tz)
    with db.begin_nested():
        order_id, new = orders.add(db, read.order, home.id, day, now)
        publishing.came_late(db, home.id, day, [order_id] if new else [], now)
        return new


def _keep(
    db: Connection, batch: str, now: Any, accepted: int, unchanged: int, bad: list[tuple[Rejected, Mapping[str, Any]]]
) -> None:
    row = {"id": batch, "at": now, "accepted": accepted, "unchanged": unchanged}
    db.execute(insert(import_batch).values(row).on_conflict_do_nothing())
    for each, raw in bad:
        db.execute(
            insert(import_row).values(batch_id=batch, **each.model_dump(), raw=_storable(raw)).on_conflict_do_nothing()
        )


def _storable(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The row as it came, but for what JSONB can't hold."""
    return {str(_writable(str(key))): _writable(value) for key, value in raw.items()}


def _writable(value: Any) -> Any:
    match value:
        case str():
            return rows.UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", value)
        case list() | tuple():
            return [_writable(each) for each in value]
        case dict():
            return _storable(value)
        case int() | None:
            return value
        case _:
            return str(value)


def rejected(db: Connection, batch: str) -> list[dict[str, Any]]:
    """The rows of a batch that were not taken, with what they held."""
    found = db.execute(select(import_row).where(import_row.c.batch_id == batch).order_by(import_row.c.row))
    return [{"row": r.row, "field": r.field, "reason": r.reason, "fix": r.fix, "raw": r.raw} for r in found]
