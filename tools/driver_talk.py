"""Messages between drivers and dispatchers: a driver's thread, and a case until somebody has answered.

Words are personal and live in the message row; the case and the log carry ids.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from core import cases, fleet, principals, threads, vans
from core.clock import iso
from core.errors import NotFound
from core.principals import Principal
from core.store.tables import driver, message
from tools import desk

KIND = "driver_message"
SHOWN = 50


def said(db: Connection, who: Principal, text: str, key: str | None, now: datetime, *, danger: bool) -> dict[str, Any]:
    """A driver writes: the line is kept, and a person on duty has it as a case. The same key again is the same line."""
    heard = threads.hear(threads.open_of(db, who, now), text, now, key)
    if (known := heard.reply or threads.answered(db, who, heard)) is not None:
        return known
    vehicle = fleet.of_driver(db, who.subject)
    day = vans.local_day(now, fleet.get_depot(db, vehicle.depot_id).tz)
    facts = {"vehicle": vehicle.id, "by": who.id, "message": heard.id}
    subject = f"{vehicle.id}:danger" if danger else vehicle.id
    case_id, new = cases.open_or_join(db, KIND, subject, vehicle.depot_id, day, facts, now)
    row = cases.get(db, case_id, lock=True)
    if new:
        desk.escalate(db, row, "safety" if danger else KIND, now)
        row = cases.get(db, case_id)
    reply = {"message": heard.id, "case": case_id, "answer_by": iso(row.due_by) if row.due_by else None}
    threads.answer(db, who, heard, reply)
    return reply


def answer(db: Connection, driver_id: str, text: str, now: datetime) -> dict[str, Any]:
    """A dispatcher writes to a driver; what the driver asked is settled by it."""
    whom = of(db, driver_id)
    vehicle = fleet.of_driver(db, driver_id)
    open_cases = cases.open_of_kind(db, KIND, [vehicle.id, f"{vehicle.id}:danger"])
    about = next(iter(sorted(open_cases.values())), None)
    line = threads.open_of(db, whom, now).say("out", text, now, about)[0]
    for case_id in sorted(open_cases.values()):
        cases.advance(db, cases.get(db, case_id, lock=True), "closed", closed_at=now, reason_code="answered")
    return {"message": line, "closed": sorted(open_cases.values())}


def lines(db: Connection, whom: Principal) -> list[dict[str, Any]]:
    """The newest lines, oldest first; `in` is the driver's."""
    newest = select(message).where(message.c.thread == whom.id).order_by(message.c.at.desc()).limit(SHOWN)
    return [
        {"id": row.id, "at": iso(row.at), "direction": row.direction, "text": row.body, "case": row.case_id}
        for row in reversed(db.execute(newest).all())
    ]


def of(db: Connection, driver_id: str) -> Principal:
    if db.execute(select(driver.c.id).where(driver.c.id == driver_id)).one_or_none() is None:
        raise NotFound(f"There is no driver {driver_id[:60]!r}.", "See the fleet under /api/fleet.", field="driver")
    return principals.ensure(db, "driver", driver_id)
