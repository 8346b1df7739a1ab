"""Cases: one exception being worked. The row is the state of the work: whoever picks it up goes on from its status.

`version` is compare-and-set: who writes with an old one has lost a race and must look again. Statuses are ours, not
the names of graph nodes, so that a renamed node loses no open case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, queue, stream
from core.errors import NotFound, Stale
from core.store.tables import case, proposal

STATUSES = (
    "open",  # nothing looked at yet
    "diagnosed",  # facts collected
    "weighed",  # options computed and priced
    "folded",  # worked as part of an incident, whose id is in its facts
    "held",  # an order waits at the depot for a trip to share
    "offered",  # the customer is asked which option they want
    "waiting",  # a person is asked
    "approved",  # policy or a person said yes; not done yet
    "acting",  # decided, written, effects on their way
    "verified",  # the world looks as intended
    "escalated",  # a person works it
    "closed",
)
WORKABLE = ("open", "diagnosed", "weighed", "approved", "acting", "verified")
"""Statuses from which the casework goes on by itself."""


def open_or_join(
    db: Connection, kind: str, subject: str, depot_id: str, day: date, facts: Mapping[str, Any], at: datetime
) -> tuple[str, bool]:
    """Open a case, or join the open one of the same kind and subject. Returns its id and whether it is new."""
    made = canonical.short("case", kind, subject, at.isoformat())
    row = {
        "id": made, "kind": kind, "subject": subject, "depot_id": depot_id, "day": day, "status": "open", "version": 1,
        "facts": dict(facts), "options": [], "inputs": {}, "opened_at": at,
    }  # fmt: skip
    new = db.execute(insert(case).values(row).on_conflict_do_nothing().returning(case.c.id)).scalar_one_or_none()
    if new is None:
        joined = db.execute(
            select(case.c.id).where(case.c.kind == kind, case.c.subject == subject, case.c.closed_at.is_(None))
        ).scalar_one_or_none()
        return joined or made, False
    work(db, made)
    _tell(db, made, kind, subject, "open", 1)
    return made, True


def get(db: Connection, case_id: str, *, lock: bool = False) -> Row[Any]:
    query = select(case).where(case.c.id == case_id)
    found = db.execute(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound(f"There is no case {case_id}.", "List them under /api/cases.")
    return found


def open_of_kind(db: Connection, kind: str, subjects: Sequence[str]) -> dict[str, str]:
    """Subject -> its open case of this kind."""
    mine = (case.c.kind == kind) & case.c.subject.in_(subjects) & case.c.closed_at.is_(None)
    return {row.subject: row.id for row in db.execute(select(case.c.subject, case.c.id).where(mine))}


def work(db: Connection, case_id: str) -> None:
    """Ask the casework to look at a case."""
    queue.defer(db, "work_case", case_id)


def advance(db: Connection, row: Row[Any], status: str, **values: Any) -> int:
    """Set a new status if the case is still at the version that `row` was read at. Raises Stale otherwise."""
    version = int(row.version) + 1
    done = db.execute(
        update(case)
        .where(case.c.id == row.id, case.c.version == row.version)
        .values(status=status, version=version, **values)
    )
    if done.rowcount != 1:
        raise Stale(f"Case {row.id} has changed meanwhile.", "Read it again.")
    if status == "closed":
        _close_members(db, row.id, values.get("closed_at"))
    _tell(db, row.id, row.kind, row.subject, status, version)
    return version


def fold(
    db: Connection, kind: str, subject: str, depot_id: str, day: date, facts: Mapping[str, Any], into: str, at: datetime
) -> str:
    """Write an exception down as a member of an incident: it is not worked alone, and ends with the incident."""
    made = canonical.short("case", kind, subject, at.isoformat())
    row = {
        "id": made, "kind": kind, "subject": subject, "depot_id": depot_id, "day": day, "status": "folded",
        "version": 1, "facts": {**facts, "incident": into}, "options": [], "inputs": {}, "opened_at": at,
    }  # fmt: skip
    db.execute(insert(case).values(row).on_conflict_do_nothing())
    return made


def members(db: Connection, case_id: str) -> list[str]:
    query = select(case.c.id).where(case.c.facts["incident"].astext == case_id).order_by(case.c.id)
    return list(db.execute(query).scalars())


def _close_members(db: Connection, case_id: str, at: datetime | None) -> None:
    mine = (case.c.status == "folded") & (case.c.facts["incident"].astext == case_id)
    db.execute(update(case).where(mine).values(status="closed", closed_at=at, reason_code="folded"))


def wake(db: Connection, row: Row[Any]) -> None:
    """What was held is looked at again."""
    facts = dict(row.facts) | {"holds": row.facts.get("holds", 0) + 1}
    advance(db, row, "open", facts=facts, rounds=row.rounds + 1, due_by=None)
    work(db, row.id)


def wake_held(db: Connection, depot_id: str, day: date) -> None:
    """A van is back at the depot: look at the oldest order that waits there, and so at all that wait with it."""
    query = select(case).where(case.c.status == "held", case.c.depot_id == depot_id, case.c.day == day)
    row = db.execute(query.order_by(case.c.opened_at, case.c.id).limit(1).with_for_update()).one_or_none()
    if row is not None:
        wake(db, row)


def close_held(db: Connection, by: Row[Any], stops: Set[str], at: datetime) -> None:
    """Other cases of the kind that were held for these stops end with the one that sends them out."""
    mine = (case.c.kind == by.kind) & (case.c.depot_id == by.depot_id) & (case.c.day == by.day)
    rows = db.execute(select(case).where(mine, case.c.status == "held").order_by(case.c.id).with_for_update())
    for row in rows.all():
        if row.facts.get("stop", row.subject) in stops:
            advance(db, row, "closed", closed_at=at, reason_code="in_the_plan", due_by=None)


def _tell(db: Connection, case_id: str, kind: str, subject: str, status: str, version: int) -> None:
    stream.tell(db, "case", {"id": case_id, "kind": kind, "subject": subject, "status": status, "version": version})


def open_proposal(db: Connection, case_id: str) -> Row[Any] | None:
    query = select(proposal).where(proposal.c.case_id == case_id, proposal.c.status.in_(["open", "approved"]))
    return db.execute(query.order_by(proposal.c.at.desc()).limit(1)).one_or_none()


def propose(db: Connection, case_id: str, content: Mapping[str, Any], at: datetime, *, status: str = "open") -> str:
    """Put an exact action with exact arguments up for a verdict; an older open proposal of the case is replaced.

    The digest covers the case, its round, action, arguments, binds and cost band: what is approved is what was shown.
    """
    rounds = db.execute(select(case.c.rounds).where(case.c.id == case_id)).scalar_one()
    made = canonical.digest({"case": case_id, "round": rounds, **content})
    db.execute(
        update(proposal)
        .where(proposal.c.case_id == case_id, proposal.c.status.in_(["open", "approved"]))
        .values(status="replaced")
    )
    row = {"digest": made, "case_id": case_id, "status": status, "at": at, **content}
    db.execute(
        insert(proposal).values(row).on_conflict_do_update(index_elements=["digest"], set_={"status": status, "at": at})
    )
    return made


def settle_proposal(db: Connection, digest: str, frm: tuple[str, ...], to: str, by: str | None) -> bool:
    """Move a proposal on, once: False when somebody else was first."""
    done = db.execute(
        update(proposal).where(proposal.c.digest == digest, proposal.c.status.in_(frm)).values(status=to, decided_by=by)
    )
    return done.rowcount == 1
