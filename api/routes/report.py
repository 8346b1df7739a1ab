"""A day in figures, all read from the record: what the evals grade and what an ops lead reads first."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, func, select

from api.answers import shown
from api.answers_report import DayReport
from api.auth import Staff
from api.days import Day
from core import broken, clock, log, money, reconciliation, settled, spend
from core.settings import settings
from core.signing import known_keys
from core.store import db as store
from core.store.tables import case, decision, depot, effect, event, message, order, promise
from tools import planned

router = APIRouter()


@router.get("/api/report/{day}", tags=["reports"], **shown(DayReport))
def report(who: Staff, day: Day) -> dict[str, Any]:
    """A day over all depots: orders, promises, goods, money, open cases, with the log checked."""
    with store.transaction() as db:
        verdict = log.verify(db, known_keys(settings().folder / "keys").values(), None)
        mine = select(order.c.id).where(order.c.day == day)
        lo, hi = _bounds(db, day)
        endings = settled.endings(db, day)
        kinds: dict[str, dict[str, int]] = {}
        for kind, status, count in db.execute(
            select(case.c.kind, case.c.status, func.count())
            .where(case.c.day == day)
            .group_by(case.c.kind, case.c.status)
            .order_by(case.c.kind, case.c.status)
        ):
            kinds.setdefault(kind, {})[status] = count
        return {
            "currency": money.currency(),
            "orders": _counts(db, order.c.status, order.c.day == day),
            "effects": _counts(db, effect.c.status, effect.c.at >= lo, effect.c.at < hi),
            "promises": _counts(db, promise.c.status, promise.c.order_id.in_(mine)),
            "messages": _counts(
                db, message.c.template, message.c.template.is_not(None), message.c.at >= lo, message.c.at < hi
            ),
            "held_back": _counts(
                db,
                effect.c.error,
                effect.c.action == "message.send",
                effect.c.status == "failed",
                effect.c.at >= lo,
                effect.c.at < hi,
            ),
            "feedback": _counts(
                db, event.c.data["rating"].astext, event.c.kind == "customer.rated", event.c.at >= lo, event.c.at < hi
            ),
            "cases": kinds,
            "unfinished_cases": _counts(db, case.c.kind, case.c.day == day, case.c.closed_at.is_(None)),
            "endings": settled.counted(endings),
            "chosen_by_customers": settled.chosen(endings),
            "broken_promises": [each.as_json() for each in broken.of_day(db, day, lo, hi)],
            "custody": reconciliation.of_day(db, day).as_json(),
            "spend": {
                kind: {verdict: sums.as_json() for verdict, sums in by.items()}
                for kind, by in spend.of_day(db, day).items()
            },
            "plans": planned.of_day(db, day),
            "decisions": _counts(db, decision.c.verdict, decision.c.at >= lo, decision.c.at < hi),
            "outside_policy": _outside_policy(db),
            "log": {
                "seq": verdict.entries,
                "head": verdict.head,
                "verified": verdict.ok,
                "problems": [p.what for p in verdict.problems[:5]],
            },
        }


def _bounds(db: Connection, day: date) -> tuple[datetime, datetime]:
    """From the first depot's midnight before the day, when it may have been planned, to the last one's after it."""
    zones = db.execute(select(depot.c.tz)).scalars().all() or ["UTC"]
    return (
        min(clock.midnight(day - timedelta(days=1), tz) for tz in zones),
        max(clock.midnight(day + timedelta(days=1), tz) for tz in zones) + timedelta(hours=1),
    )


def _counts(db: Connection, column: Any, *where: Any) -> dict[str, int]:
    rows = db.execute(select(column, func.count()).where(*where).group_by(column).order_by(column))
    return {str(name): int(count) for name, count in rows}


def _outside_policy(db: Connection) -> int:
    """Effects that nothing stands behind: each effect's case must have a decision that let it through; a stage of a
    delivery has no case, so that its own effect must name the rule before it goes out."""
    allowed = select(decision.c.case_id).where(decision.c.verdict.in_(["auto", "approved", "undone"]))
    stage = effect.c.case_id.like("stage:%")
    unruled = stage & effect.c.rule.is_(None) & effect.c.status.in_(["sending", "done", "unknown"])
    plain = effect.c.case_id.not_in(allowed) & effect.c.case_id.not_like("plan:%") & ~stage
    plan_case = func.regexp_replace(effect.c.case_id, ":[0-9]+$", "")
    planned = effect.c.case_id.like("plan:%") & plan_case.not_in(allowed)
    return int(db.execute(select(func.count()).select_from(effect).where(plain | planned | unruled)).scalar_one())
