"""Facts, append-only. The key makes a fact arrive once, however often it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from core.store.tables import event


class Event(BaseModel):
    """Something that happened: source says who told us, `at` when it happened, `subject` what it is about."""

    model_config = ConfigDict(frozen=True)

    key: str
    kind: str
    source: str
    subject: str
    at: datetime
    vehicle_id: str | None = None
    data: Mapping[str, Any] = {}


def append(db: Connection, fact: Event, received_at: datetime) -> bool:
    """Write it down. False when this key is known already."""
    row = fact.model_dump() | {"data": dict(fact.data), "received_at": received_at}
    written = db.execute(
        insert(event).values(row).on_conflict_do_nothing(index_elements=["key"]).returning(event.c.seq)
    )
    return written.scalar_one_or_none() is not None


def of(db: Connection, subject: str) -> list[Row[Any]]:
    """Everything known of one subject, in the order it happened."""
    return list(db.execute(select(event).where(event.c.subject == subject).order_by(event.c.at, event.c.seq)))
