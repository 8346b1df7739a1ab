"""How a person wants to be written to: opted in or out, in which language, and in which zone their nights are.

Opting out and in are facts, kept as events whoever told us; the row says how it stands now.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import Connection, select, update

from core import events, stream
from core.errors import BadInput, NotFound
from core.events import Event
from core.store.tables import person

OPTED = {True: "customer.opted_out", False: "customer.opted_in"}


def of(db: Connection, person_id: str) -> dict[str, Any]:
    """How it stands."""
    known = select(person.c.opted_out, person.c.lang, person.c.tz).where(person.c.id == person_id)
    row = db.execute(known).one_or_none()
    if row is None:
        raise _nobody(person_id)
    return {"person": person_id, **row._asdict()}


def set_opted_out(db: Connection, person_id: str, out: bool, source: str, at: datetime) -> bool:
    """A person wants no more messages, or wants them again. False when that is how it stood before."""
    known = db.execute(select(person.c.opted_out).where(person.c.id == person_id).with_for_update()).one_or_none()
    if known is None:
        raise _nobody(person_id)
    if known.opted_out == out:
        return False
    db.execute(update(person).where(person.c.id == person_id).values(opted_out=out))
    kind = OPTED[out]
    turns = len([fact for fact in events.of(db, person_id) if fact.kind in OPTED.values()])
    fact = Event(key=f"{kind}:{person_id}:{turns}", kind=kind, source=source, subject=person_id, at=at)
    events.append(db, fact, at)
    stream.tell(db, "person", {"id": person_id, "opted_out": out})
    return True


def set_zone(db: Connection, person_id: str, tz: str) -> None:
    """Where the person is; empty: where their order's depot is."""
    if tz and tz not in available_timezones():
        raise BadInput(f"There is no time zone {tz!r}.", "Write it as Europe/Madrid.", field="tz")
    _set(db, person_id, "tz", tz)


def set_language(db: Connection, person_id: str, lang: str) -> None:
    """The language to write in; empty: the client's. The caller knows which there are texts in."""
    _set(db, person_id, "lang", lang)


def _set(db: Connection, person_id: str, column: str, value: str) -> None:
    if not db.execute(update(person).where(person.c.id == person_id).values({column: value or None})).rowcount:
        raise _nobody(person_id)


def _nobody(person_id: str) -> NotFound:
    return NotFound(f"There is no person {person_id[:60]}.", "Look the id up on one of their orders.")
