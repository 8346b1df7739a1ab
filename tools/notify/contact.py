"""What follows when a person opts out of messages, or in again: the fact, the dispatcher told, and a case where silence
would break a promise."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from core import cases, orders, preferences, promises
from tools import tracker


def opted_out(db: Connection, person_id: str, source: str, now: datetime) -> bool:
    """Nothing more is sent. A person has to call where an order is on its way to break what was promised."""
    if not preferences.set_opted_out(db, person_id, True, source, now):
        return False
    for row in orders.of_person(db, person_id):
        told = promises.open_of(db, row.id) if row.status in orders.OPEN else None
        if told is not None and (told.hi <= now or tracker.is_late(db, row.stop_id)):
            facts = {"order": row.id, "person": person_id, "promise": told.id}
            cases.open_or_join(db, "opted_out_waiting", row.id, row.depot_id, row.day, facts, now)
    return True


def opted_in(db: Connection, person_id: str, source: str, now: datetime) -> bool:
    """Messages are welcome again; those that were held back stay unsent."""
    return preferences.set_opted_out(db, person_id, False, source, now)
