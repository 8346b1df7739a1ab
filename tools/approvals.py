"""What people do with a proposal: approve, reject, edit, and undo what was done. Each verdict counts once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from core import canonical, cases, clock, custody, decisions, orders, plans, promises
from core.errors import AlreadyDecided, BadInput, NotAllowed, NotFound, Stale, WrongState
from core.principals import Principal
from core.store.tables import order, parcel, proposal
from tools import carrying, claims, desk, roadside_case
from tools.acting import ACTIONS
from tools.binding import binds, holds
from tools.job import Args, Job
from tools.kinds import action_kind
from tools.kinds.kind import case_orders
from tools.rerouting import put_routes_back
from tools.telling import promise_by_message, say

WHOLE_VAN = ("breakdown", "driver_missing")
"""kinds about all that a van has left; another case of many stops is about those whose customers it tells"""


def approve(db: Connection, who: Principal, case_id: str, digest: str) -> bool:
    """Say yes to an exact proposal. False when what it rests on has changed: the case is then computed again.

    Raises AlreadyDecided, naming them, when somebody else was first.
    """
    row, asked = _asked(db, who, case_id, digest)
    if not holds(db, row, Args.model_validate(asked.args), asked.binds):
        cases.settle_proposal(db, digest, ("open",), "stale", None)
        cases.advance(db, row, "open", rounds=row.rounds + 1)
        cases.work(db, row.id)
        return False
    cases.settle_proposal(db, digest, ("open",), "approved", who.id)
    cases.advance(db, row, "approved")
    cases.work(db, row.id)
    return True


def reject(db: Connection, who: Principal, case_id: str, digest: str, reason: str, now: datetime) -> str:
    """Say no, with a reason. Nothing is done; the case is the rejecter's to work. Returns the decision's id."""
    if not reason.strip():
        raise BadInput("A rejection needs a reason.", "Say why in a few words.", field="reason")
    row, asked = _asked(db, who, case_id, digest)
    cases.settle_proposal(db, digest, ("open",), "rejected", who.id)
    made = decisions.write(
        db, case_id=row.id, round_=row.rounds, action=asked.action, verdict="rejected", rule="person.rejected",
        approver=who.id, outcome=row.inputs["outcome"], inputs=row.inputs["hashes"],
        applied={"proposal": digest, "reason_digest": canonical.digest(reason)}, cost=0, at=now, day=row.day,
    )  # fmt: skip
    cases.advance(
        db, row, "escalated", reason_code="rejected", owner=who.id, due_by=desk.by_when(now),
        facts=dict(row.facts) | {"rejected_because": reason}, rounds=row.rounds + 1,
    )  # fmt: skip
    return made


def edit(db: Connection, who: Principal, case_id: str, digest: str, option_id: str, now: datetime) -> str:
    """Take another of the case's options: a new proposal with its own digest, to be approved. Returns that digest."""
    row, _ = _asked(db, who, case_id, digest)
    option = next((o for o in row.options if o["id"] == option_id), None)
    if option is None or not option["feasible"]:
        known = ", ".join(o["id"] for o in row.options if o["feasible"])
        raise BadInput(f"{option_id!r} is no option that can be done.", f"Choose one of {known}.", field="option")
    return put_up(db, row, option, now)


def put_up(db: Connection, row: Row[Any], option: dict[str, Any], now: datetime, *, status: str = "open") -> str:
    """Make the exact proposal of one option of a case."""
    args = arguments(db, row, option)
    band = max(200, abs(int(option["cost_cents"])) // 5)
    content = {
        "option_id": option["id"], "action": action_kind(row.kind, option), "args": args.model_dump(mode="json"),
        "binds": binds(db, row, args), "cost_lo": option["cost_cents"] - band, "cost_hi": option["cost_cents"] + band,
    }  # fmt: skip
    return cases.propose(db, row.id, content, now, status=status)


def arguments(db: Connection, row: Row[Any], option: dict[str, Any]) -> Args:
    """An option spelled out: routes, arrival times as instants, and the orders that it is about."""
    t0 = clock.parse(row.inputs["t0"])
    told, whole = set(option["retold"]), "stops" not in row.facts or row.kind in WHOLE_VAN
    mine = [o.id for o in case_orders(db, row) if o.status in orders.OPEN | {"failed"} and (whole or o.stop_id in told)]
    if option["kind"] == "serve":  # whose orders go out together
        stops = sorted({stop for route in option["routes"].values() for stop in route})
        mine = [o.id for stop in stops for o in orders.at_stop(db, stop) if o.status in ("new", "unassigned")]
    return Args(
        option=option["id"],
        routes={v: tuple(stops) for v, stops in option["routes"].items()},
        arrivals={s: clock.iso(clock.at_offset(t0, second)) for s, second in option["arrivals"].items()},
        retold=tuple(option["retold"]),
        orders=tuple(mine),
        day=str(row.facts.get("day", "")),
        window=tuple(row.facts.get("window", ())),
        left=tuple(o for o in mine if orders.get(db, o).stop_id in option.get("left", ())),
        until="" if option["until_s"] is None else clock.iso(clock.at_offset(t0, option["until_s"])),
    )


def close(db: Connection, who: Principal, case_id: str, note: str, now: datetime, *, called: bool = False) -> None:
    """An escalated case is settled by the person who worked it; `called`: its customers heard it from them."""
    if not who.is_staff:
        raise NotAllowed(f"A {who.role} can't close cases.", "Ask a dispatcher.")
    row = cases.get(db, case_id, lock=True)
    if row.status != "escalated":
        raise WrongState(f"The case is {row.status}.", "Only an escalated case is closed by hand.")
    facts = dict(row.facts) | {"settled_by": who.id, "note": note, "called": called}
    cases.advance(db, row, "closed", closed_at=now, facts=facts)


def _asked(db: Connection, who: Principal, case_id: str, digest: str) -> tuple[Row[Any], Row[Any]]:
    """Case and open proposal, both locked, for somebody who may decide."""
    if not who.is_staff:
        raise NotAllowed(f"A {who.role} can't decide cases.", "Ask a dispatcher.")
    row = cases.get(db, case_id, lock=True)
    asked = db.execute(
        select(proposal).where(proposal.c.digest == digest, proposal.c.case_id == case_id).with_for_update()
    ).one_or_none()
    if asked is None:
        raise NotFound("This case has no such proposal.", "Read the case again.", field="proposal")
    if asked.decided_by is not None:
        raise AlreadyDecided(f"{asked.decided_by} has {asked.status} this already.", "Look at the decision.")
    if asked.status != "open" or row.status != "waiting":
        raise Stale(f"This proposal is {asked.status}.", "Read the case again: it shows the present one.")
    return row, asked


# Undo -----------------------------------------------------------------------------------------------------------------


def undo(db: Connection, who: Principal, decision_id: str, now: datetime) -> dict[str, Any]:
    """Take a decision back where the world allows, else compensate; the answer says which.

    Routes go back when nothing has touched them since; orders moved to another day come back while that day has not
    planned them. A message can't be unsent: a correction follows it.
    """
    index = decisions.get(db, decision_id)
    body = decisions.body(db, decision_id)
    if index.verdict not in ("auto", "approved") or index.action not in ACTIONS:
        raise WrongState(f"A decision that was {index.verdict} changed nothing.", "There is nothing to undo.")
    row, applied = cases.get(db, index.case_id, lock=True), body["applied"]
    current = plans.current(db, row.depot_id, row.day)
    untouched = all(
        current is not None and current.routes[v].digest == digest for v, digest in applied.get("after", {}).items()
    )
    rule = _may_undo(db, who, row, now, reversible=untouched)
    made = decisions.identify(row.id, row.rounds, "undo", "undone", f"{who.id}:{decision_id}")
    if not decisions.mark_undone(db, decision_id, made):
        raise AlreadyDecided("This decision was undone before.", "Look at the case.")
    if not untouched:
        raise Stale("The routes were changed again since.", "Look at the present plan and decide anew.")
    job = Job(db, row, made, Args(option="undo"), now)
    result = {"undone": _taken_back(job, applied), "compensated": _compensated(job, applied)}
    decisions.write(
        db,
        case_id=row.id,
        round_=row.rounds,
        action="undo",
        verdict="undone",
        rule=rule,
        approver=f"{who.id}:{decision_id}",
        outcome=result,
        inputs={},
        applied={"undoes": decision_id},
        cost=0,
        at=now,
        day=row.day,
    )
    return {"decision": made, **result}


def _may_undo(db: Connection, who: Principal, row: Row[Any], now: datetime, *, reversible: bool) -> str:
    """The rule of policy that lets it through."""
    facts = {
        "requester": who.role,
        "reversible": reversible,
        "extra_cost_cents": 0,
        "promises_broken": 0,
        "spent_today_cents": desk.facts_for(db, row, now)["spent_today_cents"],
    }
    verdict = desk.judge_undo(db, row, facts)
    if verdict.verdict == "deny":
        raise NotAllowed(f"Policy {verdict.rule}: {verdict.reason}.", "Ask a dispatcher.")
    return verdict.rule


def _taken_back(job: Job, applied: dict[str, Any]) -> list[str]:
    return [
        *_orders_back(job.db, applied),
        *_wanted_again(job.db, applied),
        *_failed_still(job.db, applied),
        *claims.not_made(job.db, applied),
        *carrying.taken_back(job, applied),
        *roadside_case.call_off(job, applied),
        *put_routes_back(job, applied),
    ]


def _compensated(job: Job, applied: dict[str, Any]) -> list[str]:
    """What was said can't be unsaid: a correction follows each message."""
    again = applied.get("again", [])
    compensated = [_nobody_comes(job, order_id) for order_id in again]
    told = [p for p in applied.get("promises", []) if promises.with_previous(job.db, p)[0].order_id not in again]
    compensated += [_correct(job, promise_id) for promise_id in told]
    compensated += [claims.disregard(job, order_id) for order_id in applied.get("told", [])]
    off_the_day = sorted({**applied.get("moved", {}), **applied.get("cancelled", {})})
    compensated += [_keep_today(job, order_id) for order_id in off_the_day]
    return compensated


def _orders_back(db: Connection, applied: dict[str, Any]) -> list[str]:
    """Second attempts that nobody has planned yet are taken back."""
    back = []
    for old, again in applied.get("moved", {}).items():
        if orders.get(db, again).status != "new":
            raise Stale("The order is planned on its new day already.", "Move it from there instead.")
        db.execute(update(parcel).where(parcel.c.order_id == again).values(order_id=old))
        db.execute(order.delete().where(order.c.id == again))
        before = orders.get(db, old)
        planned = "new" if plans.current_version(db, before.depot_id, before.day) is None else "planned"
        orders.set_status(db, [old], "out" if custody.van_of(db, old) else planned)
        back.append(f"order {old} is back on its day")
    return back


def _wanted_again(db: Connection, applied: dict[str, Any]) -> list[str]:
    """Cancelled orders are as they were, while their goods have not been brought back."""
    for order_id, status in applied.get("cancelled", {}).items():
        if orders.get(db, order_id).status != "cancelled" or _came_back(db, order_id, status):
            raise Stale("The goods are back at the depot already.", "Take the order in again for another day.")
        orders.set_status(db, [order_id], status)
    return [f"order {order_id} is to be delivered again" for order_id in sorted(applied.get("cancelled", {}))]


def _failed_still(db: Connection, applied: dict[str, Any]) -> list[str]:
    """Orders that were to be tried again are not, while the driver has not rung there a second time."""
    for order_id in applied.get("again", []):
        if orders.get(db, order_id).status not in ("out", "planned"):
            raise Stale("The door was tried again already.", "Look at what came of it.")
        promises.release(db, order_id)
        orders.set_status(db, [order_id], "failed")
    return [f"order {order_id} is not tried again today" for order_id in applied.get("again", [])]


def _came_back(db: Connection, order_id: str, status: str) -> bool:
    """It was aboard when it was cancelled, and no van has it now."""
    return status in ("out", "failed") and custody.van_of(db, order_id) is None


def _keep_today(job: Job, order_id: str) -> str:
    """The customer was told of another day: tell the time that held before."""
    row, told = orders.get(job.db, order_id), promises.last_of(job.db, order_id)
    if told is None:
        return f"order {row.ref} had no time before"
    promise_by_message(job.db, job.case.id, row, "correction", told.lo, told.hi, job.tz, job.now)
    return f"a correction tells the customer of {row.ref} the time before"


def _nobody_comes(job: Job, order_id: str) -> str:
    """The customer was promised a second try today: there was no time before it to go back to."""
    row = orders.get(job.db, order_id)
    say(job, row, "not_again", order=row.ref)
    return f"a correction tells the customer of {row.ref} that nobody comes again today"


def _correct(job: Job, promise_id: str) -> str:
    """The customer was told a time by the undone decision: tell the one before it again."""
    told, before = promises.with_previous(job.db, promise_id)
    row = orders.get(job.db, told.order_id)
    if before is None or row.status not in orders.OPEN:
        return f"promise {promise_id} stands"
    promise_by_message(job.db, job.case.id, row, "correction", before.lo, before.hi, job.tz, job.now)
    return f"a correction follows message {told.message_id}"
