"""The kind of case about a provider that is down: its messages wait, or go another way."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from core import clock
from optimizer.options import Scope
from tools.kinds.kind import Kind
from tools.notify import outages


def _held_up(db: Connection, row: Row[Any]) -> Scope:
    return Scope(outage=outages.measured(db, clock.now(db)))


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
