"""Everything that shall happen later, as rows with a domain time. The queue never sleeps on one; when the clock passes
`due_at`, the timer's job is deferred."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, queue
from core.store.tables import timer


def put(db: Connection, kind: str, subject: str, due_at: datetime) -> str:
    """Set a timer. The same kind, subject and time is one timer."""
    made = canonical.short("tim", kind, subject, due_at.isoformat())
    row = {"id": made, "kind": kind, "subject": subject, "due_at": due_at}
    db.execute(insert(timer).values(row).on_conflict_do_nothing())
    return made


def next_due(db: Connection, until: datetime) -> datetime | None:
    query = select(func.min(timer.c.due_at)).where(timer.c.done_at.is_(None), timer.c.due_at <= until)
    due: datetime | None = db.execute(query).scalar_one()
    return due


def fire(db: Connection, now: datetime) -> int:
    """Mark what is due as done and defer its job, in one transaction. Returns how many."""
    due = db.execute(
        select(timer)
        .where(timer.c.done_at.is_(None), timer.c.due_at <= now)
        .order_by(timer.c.due_at, timer.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    for row in due:
        db.execute(update(timer).where(timer.c.id == row.id).values(done_at=now))
        queue.defer(db, row.kind, row.subject)
    return len(due)
