"""The note that one shift leaves to the next: what is open and whose it is, promises at risk, what was decided.

Read from the record alone, ids and counts only; the same moment gives the same note.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from core import money, principals, promises, vans
from core.clock import iso
from core.store.tables import case, decision, live_route, order
from tools.tracker import late_stops

SHIFT = timedelta(hours=8)
"""how far back "the last shift" goes"""


def note(db: Connection, now: datetime, since: datetime | None = None) -> dict[str, Any]:
    """The note as data."""
    since = since or now - SHIFT
    return {
        "at": iso(now), "since": iso(since), "currency": money.currency(), "open_cases": _open(db),
        "at_risk": _at_risk(db, now), "decided": _decided(db, since, now),
    }  # fmt: skip


def _open(db: Connection) -> list[dict[str, Any]]:
    """Cases that somebody, or the casework, still has in hand; those with the earliest by-when first."""
    query = select(case).where(case.c.closed_at.is_(None), case.c.status != "folded")
    rows = db.execute(query.order_by(case.c.due_by.asc().nulls_last(), case.c.opened_at, case.c.id)).all()
    names = principals.names(db, [row.owner for row in rows if row.owner])
    return [
        {
            "case": row.id, "kind": row.kind, "subject": row.subject, "status": row.status, "owner": row.owner,
            "owner_name": names.get(row.owner), "reason": row.reason_code,
            "due_by": iso(row.due_by) if row.due_by else None,
        }
        for row in rows
    ]  # fmt: skip


def _at_risk(db: Connection, now: datetime) -> list[dict[str, Any]]:
    """Promises that break when nothing is done: their stop is expected after the time that was told."""
    late = {stop for _, day in vans.active_days(db, now) for stop in late_stops(db, day)}
    refs = {row.id: row.ref for row in db.execute(select(order.c.id, order.c.ref).where(order.c.stop_id.in_(late)))}
    expected = {
        each["stop"]: each["p50"] for row in db.execute(select(live_route.c.etas)) for each in row.etas
    }  # fmt: skip
    told = promises.open_by_stop(db, late)
    return [
        {"order": refs[row.order_id], "promised": iso(row.hi), "expected": expected.get(stop)}
        for stop in sorted(told)
        for row in told[stop]
    ]


def _decided(db: Connection, since: datetime, now: datetime) -> list[dict[str, Any]]:
    """Decisions of the shift, counted by what was done and who said so, with what they cost."""
    rows = list(db.execute(select(decision).where(decision.c.at >= since, decision.c.at <= now)))
    counts = Counter((row.action, row.verdict) for row in rows)
    cost: Counter[tuple[str, str]] = Counter()
    for row in rows:
        cost[row.action, row.verdict] += row.cost
    return [
        {"action": action, "verdict": verdict, "count": count, "cost_cents": cost[action, verdict]}
        for (action, verdict), count in sorted(counts.items())
    ]


def as_text(found: dict[str, Any]) -> str:
    """The note as a person reads it aloud. Times stand as they are recorded, in UTC."""
    cases, risks, done = found["open_cases"], found["at_risk"], found["decided"]
    lines = [f"Hand-over at {found['at']}, since {found['since']}", "", f"Open cases: {len(cases)}"]
    lines += [
        f"  {c['kind']} {c['case']} {c['status']}, {c['owner_name'] or 'nobody'} by {c['due_by'] or 'no time'}"
        f"{': ' + c['reason'] if c['reason'] else ''}"
        for c in cases
    ]
    lines += ["", f"Promises at risk: {len(risks)}"]
    lines += [f"  {r['order']} promised by {r['promised']}, expected {r['expected'] or 'unknown'}" for r in risks]
    lines += ["", f"Decided: {sum(d['count'] for d in done)}"]
    lines += [
        f"  {d['count']} {d['action']} ({d['verdict']}), {money.say(d['cost_cents'], found['currency'])}" for d in done
    ]
    return "\n".join(lines) + "\n"
