"""Conversations: one thread a principal, its lines are messages, and at most one question of ours is open in it.

A message may carry a key of its sender's. The same key again is the same message: it gets the reply that it got.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, people, stream
from core.errors import BadInput
from core.principals import Principal
from core.store.tables import message, person, thread, turn

NEWEST = 10
"""lines that a reply is thought out from"""
# Said once here, since half of the time of a small statement is its making.
_WHOSE = message.c.thread == bindparam("who")
LOCK = (
    select(thread.c.question, person.c.salt)
    .outerjoin(person, person.c.id == bindparam("person"))
    .where(thread.c.principal_id == bindparam("who"))
    .with_for_update(of=thread)
)
NEWEST_FIRST = (
    select(message, select(func.count()).where(_WHOSE).scalar_subquery().label("spoken"))
    .where(_WHOSE)
    .order_by(message.c.at.desc())
    .limit(NEWEST)
)
WRITE = insert(message)


@dataclass
class Talk:
    """A principal's conversation, ours alone until the transaction ends: messages that one principal sends at once are
    written down in turn, since a line is numbered by those before."""

    db: Connection
    who: Principal
    question: str | None
    """the slot that we asked for last"""
    salt: bytes | None
    """of the customer's person; None once that is erased"""
    lines: Sequence[Row[Any]]
    """the newest when it was opened, oldest first"""
    count: int = field(init=False)
    last: datetime | None = field(init=False)

    def __post_init__(self) -> None:
        self.count = self.lines[-1].spoken if self.lines else 0
        self.last = self.lines[-1].at if self.lines else None

    @property
    def erased(self) -> bool:
        return self.who.role == "customer" and self.salt is None

    def say(
        self, direction: str, text: str, at: datetime, case_id: str | None = None, *, channel: str = "chat",
        template: str | None = None,
    ) -> tuple[str, datetime]:  # fmt: skip
        """Write one line down. Text is personal: it lives in the message row only. Returns the line's id, and when it
        was said: a simulated clock may stand still, but each line comes after the last."""
        at = at if self.last is None else max(at, self.last + timedelta(microseconds=1))
        made = canonical.short("msg", self.who.id, self.count, direction)
        row = {
            "id": made, "person_id": self.who.subject if self.who.role == "customer" else None, "thread": self.who.id,
            "case_id": case_id, "direction": direction, "channel": channel, "template": template, "body": text,
            "digest": self.digest(text), "at": at,
        }  # fmt: skip
        self.db.execute(WRITE, row)
        stream.tell(self.db, "message", {"id": made, "thread": self.who.id, "direction": direction})
        self.count, self.last = self.count + 1, at
        return made, at

    def digest(self, text: str) -> str:
        return people.digest(self.salt, text) if self.who.role == "customer" else canonical.digest([self.who.id, text])

    def ask(self, slot: str | None, at: datetime) -> None:
        """From now on this is our open question; None when there is none."""
        if slot != self.question:
            mine = thread.c.principal_id == self.who.id
            self.db.execute(update(thread).where(mine).values(question=slot, at=at))
            self.question = slot


def open_of(db: Connection, who: Principal, at: datetime) -> Talk:
    """Somebody's conversation; whoever opens it second waits until the first one's transaction has ended."""
    whose = {"who": who.id, "person": who.subject if who.role == "customer" else None}
    found = db.execute(LOCK, whose).one_or_none()
    if found is None:
        db.execute(insert(thread).values(principal_id=who.id, question=None, at=at).on_conflict_do_nothing())
        found = db.execute(LOCK, whose).one()
    return Talk(db, who, found.question, found.salt, db.execute(NEWEST_FIRST, whose).all()[::-1])


@dataclass(frozen=True)
class Heard:
    """A message of somebody's as it was first taken down."""

    id: str
    key: str | None = None
    reply: dict[str, Any] | None = None
    """what it was answered, when it was answered before"""
    before: Sequence[Row[Any]] = ()
    """the lines that were there then, oldest first"""


def hear(talk: Talk, text: str, at: datetime, key: str | None = None, channel: str = "chat") -> Heard:
    """Take a message down, once a key."""
    if key is None:
        return Heard(talk.say("in", text, at, channel=channel)[0], before=talk.lines)
    known = talk.db.execute(select(turn.c.message_id, turn.c.reply).where(_turn(talk.who, key))).one_or_none()
    if known is None:
        made = talk.say("in", text, at, channel=channel)[0]
        talk.db.execute(insert(turn).values(principal_id=talk.who.id, key=key, message_id=made))
        return Heard(made, key, before=talk.lines)
    line = talk.db.execute(select(message).where(message.c.id == known.message_id)).one()
    if line.digest != talk.digest(text):
        raise BadInput("Another message was sent with this key.", "Give each message a key of its own.", field="key")
    earlier = select(message).where(message.c.thread == talk.who.id, message.c.at < line.at)
    before = talk.db.execute(earlier.order_by(message.c.at.desc()).limit(NEWEST)).all()[::-1]
    return Heard(line.id, key, known.reply, before)


def _turn(who: Principal, key: str | None) -> Any:
    return (turn.c.principal_id == who.id) & (turn.c.key == key)


def answered(db: Connection, who: Principal, heard: Heard) -> dict[str, Any] | None:
    """The reply that this message has by now; while there is none, nobody else can answer it until our transaction
    ends."""
    if heard.key is None:
        return None
    mine = select(turn.c.reply).where(_turn(who, heard.key)).with_for_update()
    reply: dict[str, Any] | None = db.execute(mine).scalar_one_or_none()
    return reply


def answer(db: Connection, who: Principal, heard: Heard, reply: Mapping[str, Any]) -> None:
    """Keep the reply for when the message is sent again."""
    if heard.key is not None:
        db.execute(update(turn).where(_turn(who, heard.key)).values(reply=dict(reply)))
