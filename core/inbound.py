"""Texts from outside, from the moment a provider hands them over until they are answered.

The provider's id of a text is its key: handed over twice it is taken once. Words are personal and stay here only until
they are a line of the conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from core import queue
from core.principals import Principal
from core.store.tables import inbound


def take(
    db: Connection, key: str, who: Principal, channel: str, body: str, pictures: Sequence[str], at: datetime
) -> bool:
    """Keep a text and ask for its answer; False when it was taken before. `pictures` are addresses at the provider."""
    row = {"id": key, "principal_id": who.id, "channel": channel, "body": body, "pictures": list(pictures), "at": at}
    new = insert(inbound).values(row).on_conflict_do_nothing().returning(inbound.c.id)
    if db.execute(new).scalar_one_or_none() is None:
        return False
    queue.defer(db, "answer_texts", who.id)
    return True


def oldest(db: Connection, principal_id: str) -> Row[tuple[object, ...]] | None:
    """The first text of somebody's that nobody has answered."""
    waiting = select(inbound).where(inbound.c.principal_id == principal_id, inbound.c.done_at.is_(None))
    return db.execute(waiting.order_by(inbound.c.seq).limit(1)).one_or_none()


def done(db: Connection, key: str, at: datetime) -> None:
    db.execute(update(inbound).where(inbound.c.id == key).values(done_at=at, body=None, pictures=[]))
