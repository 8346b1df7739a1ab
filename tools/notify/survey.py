"""The answer to a survey: a number from 1 to 5, kept as an event of the order. Words beside it are a conversation."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from core import events
from core.events import Event
from core.store.tables import effect, event, message, outbox

RATINGS = frozenset("12345")
OPEN_FOR = timedelta(days=7)
"""A number that comes later answers something else."""


def waiting(db: Connection, person_id: str, now: datetime) -> str | None:
    """The order whose survey went out to this person last, while it has no answer."""
    asked = db.execute(
        select(message.c.order_id)
        .join(outbox, outbox.c.message_id == message.c.id)
        .join(effect, effect.c.key == outbox.c.effect_key)
        .where(message.c.person_id == person_id, message.c.template == "survey", effect.c.status == "done")
        .where(effect.c.done_at > now - OPEN_FOR)
        .order_by(effect.c.done_at.desc(), message.c.id)
        .limit(1)
    ).scalar_one_or_none()
    if asked is None or db.execute(select(event.c.seq).where(event.c.key == _key(asked))).one_or_none() is not None:
        return None
    return str(asked)


def rate(db: Connection, person_id: str, rating: int, source: str, now: datetime) -> None:
    """Keep an answer; the first one to a survey counts."""
    order_id = waiting(db, person_id, now)
    if order_id is not None:
        fact = Event(
            key=_key(order_id), kind="customer.rated", source=source, subject=order_id, at=now,
            data={"rating": rating},
        )  # fmt: skip
        events.append(db, fact, now)


def _key(order_id: str) -> str:
    return f"rated:{order_id}"
