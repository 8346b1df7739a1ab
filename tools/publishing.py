"""Publishing a plan: from now on drivers see it, and customers are promised the times it gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, select

from core import (
    blobs,
    canonical,
    carriage,
    cases,
    clock,
    custody,
    decisions,
    fleet,
    orders,
    plans,
    promises,
    reconciliation,
    scans,
    timers,
    transfers,
)
from core.errors import NotAllowed, WrongState
from core.principals import Principal
from core.store.tables import van
from optimizer.problem import Plan
from tools import attendance, autonomy, policy
from tools.notify import accounts
from tools.policy import Action
from tools.telling import promise_by_message, promised_range

URGENT = orders.PRIORITIES.index("urgent")


def plan_outcome(plan: Plan) -> dict[str, Any]:
    """What of a plan a replay must get again: who visits what in which order, what is left out, and the cost."""
    return {
        "routes": {r.vehicle_id: [v.stop_id for v in r.visits] for r in plan.routes if r.visits},
        "unassigned": [u.model_dump(mode="json") for u in plan.unassigned],
        "cost": plan.cost,
        "stopped_by": plan.stopped_by,
    }


def publish(db: Connection, who: Principal, depot_id: str, day: date, version: int, now: datetime) -> dict[str, Any]:
    """Publish a draft, for a person who says so. One transaction: decision, plan, order states, promises, messages."""
    draft = plans.get(db, depot_id, day, version)
    if draft.status == "published":
        return {"version": version, "digest": draft.digest, "promises": 0}
    _nobody_out(db, depot_id, day)
    facts = {"violations": int(draft.made_by["violations"]), "unassigned": len(draft.unassigned)}
    verdict = policy.decide(autonomy.in_force(db), Action(kind="plan.publish", subject=f"{depot_id}/{day}"), facts)
    if verdict.verdict == "deny":
        raise NotAllowed(f"Policy {verdict.rule}: {verdict.reason}", "Correct what it names and plan again.")
    subject = f"plan:{depot_id}:{day}"
    said = "auto" if verdict.verdict == "auto" else "approved"
    approver = None if said == "auto" else who.id
    made = decisions.identify(subject, version, "plan.publish", said, approver)
    plans.publish(db, draft, made)
    told = _promise_all(db, draft, f"{subject}:{version}", now)
    decisions.write(
        db,
        case_id=subject,
        round_=version,
        action="plan.publish",
        verdict=said,
        rule=verdict.rule,
        approver=approver,
        outcome=draft.made_by["outcome"],
        inputs=_inputs(db, draft),
        applied={"version": version, "digest": draft.digest, "by": who.id},
        cost=0,
        at=now,
        day=day,
    )
    _left_out(db, draft, now)
    attendance.expect(db, draft)
    timers.put(
        db, "close_day", f"{depot_id} {day}", clock.midnight(day + timedelta(days=1), fleet.get_depot(db, depot_id).tz)
    )
    return {"version": version, "digest": draft.digest, "promises": told}


def _inputs(db: Connection, draft: plans.PlanVersion) -> dict[str, Any]:
    by = draft.made_by
    return {
        "problem": by["problem"], "matrix": by["matrix"],
        "solve": {"engine": by["engine"], "seed": by["seed"], "iterations": by["iterations"]},
        "policy": blobs.put(db, autonomy.in_force(db).model_dump(mode="json", by_alias=True)),
    }  # fmt: skip


def _nobody_out(db: Connection, depot_id: str, day: date) -> None:
    mine = [row.id for row in fleet.of_depot(db, depot_id)]
    out = (
        select(func.count()).select_from(van).where(van.c.vehicle_id.in_(mine), van.c.day == day, van.c.state != "idle")
    )
    if int(db.execute(out).scalar_one()):
        raise WrongState(
            "Vans are out on the present plan.",
            "A running day is changed by cases, or by a what-if draft; not as a whole.",
        )


def _promise_all(db: Connection, draft: plans.PlanVersion, case_id: str, now: datetime) -> int:
    """Every order of the plan is planned; who has no promise, or one that the plan breaks, is told a time."""
    zone = ZoneInfo(fleet.get_depot(db, draft.depot_id).tz)
    by_stop: dict[str, list[Row[Any]]] = {}
    for row in orders.of_day(db, draft.depot_id, draft.day):
        if row.status in ("new", "planned", "unassigned"):
            by_stop.setdefault(row.stop_id, []).append(row)
    planned, told = [], 0
    for _, route in sorted(draft.routes.items()):
        for visit in route.visits:
            for row in by_stop.get(visit.stop, []):
                planned.append(row.id)
                told += _promise(db, case_id, row, visit.arrival, zone, now)
    orders.set_status(db, planned, "planned")
    return told


def _promise(db: Connection, case_id: str, row: Row[Any], arrival: datetime, zone: ZoneInfo, now: datetime) -> int:
    before = promises.open_of(db, row.id)
    if (before is not None and before.lo <= arrival <= before.hi) or not accounts.tells(row.client, "promise"):
        return 0
    lo, hi = promised_range(row.windows, arrival)
    promise_by_message(db, case_id, row, "promise", lo, hi, zone, now)
    return 1


def _left_out(db: Connection, draft: plans.PlanVersion, now: datetime) -> None:
    for row in draft.unassigned:
        orders.set_status(db, row["orders"], "unassigned")
        facts: Mapping[str, Any] = {"reason": row["reason"], "detail": row["detail"]}
        cases.open_or_join(db, "unassigned", row["stop"], draft.depot_id, draft.day, facts, now)


def came_late(db: Connection, depot_id: str, day: date, order_ids: Iterable[str], now: datetime) -> list[str]:
    """Orders that came in while their day's plan is published: each is a case, which finds it a place. Returns the
    ids of the cases. Before there is a plan there is nothing to do: the plan takes them in."""
    if plans.current_version(db, depot_id, day) is None:
        return []
    opened = []
    for order_id in order_ids:
        row = orders.get(db, order_id)
        facts = {"order": row.id, "stop": _visit_of_its_own(db, row), "reason": "came_late"}
        kind = "urgent" if row.priority == URGENT else "unassigned"
        opened.append(cases.open_or_join(db, kind, row.id, depot_id, day, facts, now)[0])
    return opened


def _visit_of_its_own(db: Connection, row: Row[Any]) -> str:
    """The stop of an order that came late. A van that has left visits its doors without these goods: they need a visit
    of their own."""
    current = plans.current(db, row.depot_id, row.day)
    stop = str(row.stop_id)
    assert current is not None
    out = set(db.execute(select(van.c.vehicle_id).where(van.c.day == row.day, van.c.state != "idle")).scalars())
    taken = {each for vehicle, route in current.routes.items() if vehicle in out for each in route.stops}
    while stop in taken:
        stop = canonical.short("stp", stop, "again")
    orders.put_at_stop(db, row.id, stop)
    return stop


def close_day(db: Connection, depot_id: str, day: date, now: datetime) -> list[str]:
    """The day is over: what never left the depot is written down as returned, its promise as broken, and a person is
    told of it, and of what is still on a van, in one case. What does not add up and has no case yet gets one. Returns
    the orders that were left."""
    left = [row for row in orders.of_day(db, depot_id, day) if row.status not in orders.FINAL]
    at_depot = [row.id for row in left if custody.van_of(db, row.id) is None]
    for order_id in at_depot:
        promises.release(db, order_id, "broken")
    orders.set_status(db, at_depot, "returned")
    if left:
        aboard = sorted(row.id for row in left if row.id not in at_depot)
        facts = {"at_depot": sorted(at_depot), "aboard": aboard}
        cases.open_or_join(db, "left_over", f"{depot_id}:{day}", depot_id, day, facts, now)
    transfers.give_up(db, depot_id, day, now)
    carriage.give_up(db, depot_id, day, now)
    for line in reconciliation.of_day(db, day).lines:
        row = orders.get(db, line.order)
        if line.case is None and row.depot_id == depot_id:
            scans.open_case(db, row.id, depot_id, day, line.what, [row.id], now)
    return [row.id for row in left]
