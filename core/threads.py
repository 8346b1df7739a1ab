"""Conversations: one thread a principal, its lines are messages, and at most one question of ours is open in it.

A message may carry a key of its sender's. The same key again is the same message: it gets the reply that it got.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, people, stream
from core.errors import BadInput
from core.principals import Principal
from core.store.tables import message, thread, turn


@dataclass(frozen=True)
class Heard:
    """A message of somebody's as it was first taken down."""

    id: str
    at: datetime
    key: str | None = None
    reply: dict[str, Any] | None = None
    """what it was answered, when it was answered before"""


def hear(db: Connection, who: Principal, text: str, at: datetime, key: str | None = None) -> Heard:
    """Take a message down, once a key."""
    if key is None:
        return Heard(*_say(db, who, "in", text, at))
    _one_at_a_time(db, who, at)
    mine = (turn.c.principal_id == who.id) & (turn.c.key == key)
    known = db.execute(select(turn.c.message_id, turn.c.reply).where(mine)).one_or_none()
    if known is None:
        made, at = _say(db, who, "in", text, at)
        db.execute(insert(turn).values(principal_id=who.id, key=key, message_id=made))
        return Heard(made, at, key)
    line = db.execute(select(message).where(message.c.id == known.message_id)).one()
    if line.digest != _digest(db, who, text):
        raise BadInput("Another message was sent with this key.", "Give each message a key of its own.", field="key")
    return Heard(line.id, line.at, key, known.reply)


def answered(db: Connection, who: Principal, heard: Heard) -> dict[str, Any] | None:
    """The reply that this message has by now; while there is none, nobody else can answer it until our transaction
    ends."""
    if heard.key is None:
        return None
    mine = (turn.c.principal_id == who.id) & (turn.c.key == heard.key)
    reply: dict[str, Any] | None = db.execute(select(turn.c.reply).where(mine).with_for_update()).scalar_one_or_none()
    return reply


def answer(db: Connection, who: Principal, heard: Heard, reply: Mapping[str, Any]) -> None:
    """Keep the reply for when the message is sent again."""
    if heard.key is not None:
        mine = (turn.c.principal_id == who.id) & (turn.c.key == heard.key)
        db.execute(update(turn).where(mine).values(reply=dict(reply)))


def say(db: Connection, who: Principal, direction: str, text: str, at: datetime, case_id: str | None = None) -> str:
    """Write one line down. Text is personal: it lives in the message row only."""
    return _say(db, who, direction, text, at, case_id)[0]


def _say(
    db: Connection, who: Principal, direction: str, text: str, at: datetime, case_id: str | None = None
) -> tuple[str, datetime]:
    """The line's id, and when it was said: a simulated clock may stand still, but each line comes after the last."""
    _one_at_a_time(db, who, at)
    before = select(func.count(), func.max(message.c.at)).where(message.c.thread == who.id)
    count, last = db.execute(before).one()
    at = at if last is None else max(at, last + timedelta(microseconds=1))
    made = canonical.short("msg", who.id, count, direction)
    row = {
        "id": made, "person_id": who.subject if who.role == "customer" else None, "thread": who.id,
        "case_id": case_id, "direction": direction, "channel": "chat", "body": text,
        "digest": _digest(db, who, text), "at": at,
    }  # fmt: skip
    db.execute(insert(message).values(row))
    stream.tell(db, "message", {"id": made, "thread": who.id, "direction": direction})
    return made, at


def _digest(db: Connection, who: Principal, text: str) -> str:
    return people.salted(db, who.subject, text) if who.role == "customer" else canonical.digest([who.id, text])


def _one_at_a_time(db: Connection, who: Principal, at: datetime) -> None:
    """Messages that one principal sends at once are written down in turn: a line is numbered by those before."""
    locked = select(thread.c.at).where(thread.c.principal_id == who.id).with_for_update()
    if db.execute(locked).one_or_none() is None:
        db.execute(insert(thread).values(principal_id=who.id, question=None, at=at).on_conflict_do_nothing())
        db.execute(locked)


def lines(db: Connection, who: Principal, limit: int = 10, until: Heard | None = None) -> list[Row[Any]]:
    """The newest lines, oldest first; those before `until`, when it is given."""
    query = select(message).where(message.c.thread == who.id).order_by(message.c.at.desc())
    if until is not None:
        query = query.where(message.c.at <= until.at, message.c.id != until.id)
    return list(db.execute(query.limit(limit)))[::-1]


def question(db: Connection, who: Principal) -> str | None:
    return db.execute(select(thread.c.question).where(thread.c.principal_id == who.id)).scalar_one_or_none()


def set_question(db: Connection, who: Principal, slot: str | None, at: datetime) -> None:
    row = {"principal_id": who.id, "question": slot, "at": at}
    db.execute(
        insert(thread)
        .values(row)
        .on_conflict_do_update(index_elements=["principal_id"], set_={"question": slot, "at": at})
    )
