"""Kinds of case about goods that a customer misses though they were delivered, or that are damaged (`tools.claims`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from optimizer.options import Scope
from tools import claims
from tools.kinds.kind import Kind
from tools.policy import Value


def _claim(db: Connection, row: Row[Any]) -> Scope:
    return Scope(claim=claims.known(db, row))


def _earlier(db: Connection, row: Row[Any], now: datetime) -> dict[str, Value]:
    return {"earlier_claims": claims.earlier(db, row)}


KINDS: dict[str, Kind] = {
    "missing_delivery": Kind(
        ("wait", "show_proof", "tell_found", "ask_driver", "redeliver", "claim"),
        about=frozenset({"delivered"}),
        scope=_claim,
        facts=_earlier,
        evidence=claims.evidence,
        awaits=frozenset({"ask_driver"}),
    ),
    "damage": Kind(
        ("wait", "bring_back", "redeliver", "claim"),
        about=frozenset({"delivered", "failed"}),
        scope=_claim,
        facts=_earlier,
        evidence=claims.evidence,
    ),
}
