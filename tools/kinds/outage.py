"""The kind of case about a provider that is down: what is for it waits, or goes another way."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from core import clock
from optimizer.options import Scope
from tools import outages
from tools.carriers import bookings
from tools.geocoder import waiting
from tools.kinds.kind import Kind
from tools.notify import outages as messages


def _held_up(db: Connection, row: Row[Any]) -> Scope:
    if row.subject.startswith(bookings.PREFIX):
        return Scope(outage=bookings.measured(db))
    measured = waiting.measured if row.subject.startswith(waiting.PREFIX) else messages.measured
    return Scope(outage=measured(db, clock.now(db)))


def _answers_again(db: Connection, row: Row[Any]) -> str | None:
    return None if outages.is_down(db, row.subject) else "answers_again"


KINDS: dict[str, Kind] = {
    "provider_down": Kind(
        ("wait", "reroute"),
        actions={"wait": "hold_messages"},
        about=frozenset(),
        scope=_held_up,
        settled=_answers_again,
    ),
}
