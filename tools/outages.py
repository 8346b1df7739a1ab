"""A provider that keeps failing, whatever it does for us: the facts about it, and one case for all that waits for it.

Messages have a ledger from which their outage is told (tools/notify/outages.py). What has none, a geocoder or a
carrier, is counted here: so many failures in a row, and it is down until it answers again.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select

from core import cases, events
from core.clock import iso
from core.events import Event
from core.store.tables import case, depot, event

KIND = "provider_down"
ASK_AGAIN = timedelta(minutes=30)
"""what was decided about an outage holds for this long"""
LOOK_AGAIN = timedelta(minutes=2)
"""between two tries of a provider that is down"""
IN_A_ROW = 3
"""failures without an answer between them: it is down"""
DOWN, UP, FAILED = "provider.down", "provider.up", "provider.failed"


def state(db: Connection, provider: str) -> Row[Any] | None:
    """The newest fact about it."""
    query = select(event).where(event.c.subject == provider).order_by(event.c.at.desc(), event.c.seq.desc())
    return db.execute(query.limit(1)).one_or_none()


def is_down(db: Connection, provider: str) -> bool:
    found = state(db, provider)
    return found is not None and found.kind not in (UP, FAILED)


def counted(db: Connection, provider: str, failures: int, now: datetime, source: str) -> bool:
    """It failed so many times in a row. True when it is down by now."""
    if is_down(db, provider):
        return True
    note(db, provider, FAILED, now, source, {"count": failures})
    if _in_a_row(db, provider) < IN_A_ROW:
        return False
    note(db, provider, DOWN, now, source)
    return True


def _in_a_row(db: Connection, provider: str) -> int:
    failures = 0
    for fact in events.of(db, provider):
        failures = failures + int(fact.data["count"]) if fact.kind == FAILED else 0
    return failures


def answered(db: Connection, provider: str, now: datetime, source: str) -> bool:
    """It answered. True when it was down: its case is closed, and what waits can go on."""
    found = state(db, provider)
    if found is None or found.kind == UP:
        return False
    note(db, provider, UP, now, source)
    close_case(db, provider, now)
    return bool(found.kind != FAILED)


def note(
    db: Connection, provider: str, kind: str, now: datetime, source: str, data: dict[str, Any] | None = None
) -> None:
    """Write a fact about it down."""
    key = f"{kind}:{provider}:{len(events.of(db, provider))}"
    events.append(db, Event(key=key, kind=kind, source=source, subject=provider, at=now, data=data or {}), now)


def open_case(db: Connection, provider: str, depot_id: str, day: date, now: datetime) -> None:
    """One for the whole outage; what was decided about it is asked again when it lasts."""
    lately = (case.c.kind == KIND) & (case.c.subject == provider) & (case.c.opened_at > now - ASK_AGAIN)
    if db.execute(select(case.c.id).where(lately).limit(1)).one_or_none() is None:
        facts = {"provider": provider, "since": iso(now)}
        cases.open_or_join(db, KIND, provider, depot_id, day, facts, now)


def close_case(db: Connection, provider: str, now: datetime) -> None:
    """It is over, unless somebody is carrying out what was decided."""
    for case_id in cases.open_of_kind(db, KIND, [provider]).values():
        row = cases.get(db, case_id, lock=True)
        if row.status not in ("approved", "acting", "verified"):
            cases.advance(db, row, "closed", closed_at=now, reason_code="answers_again")


def anywhere(db: Connection, now: datetime) -> tuple[str, date]:
    """A depot and its day for an outage that is nobody's: it has to be somebody's."""
    home = db.execute(select(depot.c.id, depot.c.tz).order_by(depot.c.id).limit(1)).one()
    return str(home.id), now.astimezone(ZoneInfo(home.tz)).date()
