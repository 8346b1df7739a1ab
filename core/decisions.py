"""Decisions: one log entry a verdict, written once, in the transaction that carries it out.

The entry holds what is needed to recompute it: the hashes of its inputs (`core.blobs`), seed, planner and prompt
versions, and what came out (options, gate, choice). The `decision` table is only an index over the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, log
from core.errors import NotFound
from core.store.tables import decision, log_entry

VERDICTS = ("auto", "approved", "rejected", "denied", "escalated", "undone")


def identify(case_id: str, round_: int, action: str, verdict: str, approver: str | None) -> str:
    """The id of a decision, known before it is written: what it changes can carry it."""
    return canonical.short("dec", case_id, round_, action, verdict, approver or "")


def write(
    db: Connection,
    *,
    case_id: str,
    round_: int,
    action: str,
    verdict: str,
    rule: str,
    approver: str | None,
    outcome: Mapping[str, Any],
    inputs: Mapping[str, Any],
    applied: Mapping[str, Any],
    cost: int,
    at: datetime,
    day: date,
) -> str:
    """Append a decision and index it. `outcome` is what a replay must recompute from `inputs`;
    `applied` is what was changed (versions, digests), for undo."""
    made = identify(case_id, round_, action, verdict, approver)
    body = {
        "id": made, "case": case_id, "round": round_, "action": action, "verdict": verdict, "rule": rule,
        "approver": approver, "inputs": dict(inputs), "outcome": dict(outcome), "applied": dict(applied),
    }  # fmt: skip
    entry = log.append(db, "decision", body, at, day)
    db.execute(
        insert(decision).values(
            id=made, case_id=case_id, seq=entry.seq, verdict=verdict, rule=rule, action=action, approver=approver,
            cost=cost, at=at,
        )
    )  # fmt: skip
    return made


def get(db: Connection, decision_id: str) -> Row[Any]:
    found = db.execute(select(decision).where(decision.c.id == decision_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no decision {decision_id}.", "List them under /api/decisions.")
    return found


def body(db: Connection, decision_id: str) -> dict[str, Any]:
    """The decision as the log holds it."""
    text = db.execute(
        select(log_entry.c.body).join(decision, decision.c.seq == log_entry.c.seq).where(decision.c.id == decision_id)
    ).scalar_one_or_none()
    if text is None:
        raise NotFound(f"There is no decision {decision_id}.", "List them under /api/decisions.")
    found: dict[str, Any] = json.loads(text)
    return found


def of_case(db: Connection, case_id: str) -> list[Row[Any]]:
    return list(db.execute(select(decision).where(decision.c.case_id == case_id).order_by(decision.c.seq)))


def last_on(db: Connection, case_id: str) -> Row[Any] | None:
    rows = of_case(db, case_id)
    return rows[-1] if rows else None


def mark_undone(db: Connection, decision_id: str, by: str) -> bool:
    """Once only: False when it was undone before."""
    done = db.execute(
        update(decision).where(decision.c.id == decision_id, decision.c.undone_by.is_(None)).values(undone_by=by)
    )
    return done.rowcount == 1
