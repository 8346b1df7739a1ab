"""The one door. Whatever reads for somebody or changes anything comes through here, whoever or whatever asked.

In order: is this tool in this principal's box, and is its subject theirs -> are the arguments sound -> does policy say
auto, ask or deny -> ledger -> run -> log. No rule, then deny. Nothing in here trusts a planner: the box is fixed by the
principal before any message or tool output is read, and the facts that policy judges are read from the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, select

from core import (
    cases,
    clock,
    custody,
    decisions,
    effects,
    faults,
    fleet,
    orders,
    people,
    principals,
    promises,
    timers,
)
from core.errors import BadInput, NotAllowed, NotFound, Stale, WrongState
from core.principals import STAFF, Principal
from core.store.tables import decision, depot
from tools import (
    autonomy,
    instructions,
    offers,
    policy,
    tracker,
    wishes,
)
from tools.acting import ACTIONS
from tools.binding import holds
from tools.job import Args, Job
from tools.kinds import KINDS
from tools.kinds.kind import case_orders
from tools.looking import TOOLS, Fact, find_order
from tools.policy import Action, Policy, Value, Verdict

OWNER_ANSWERS_WITHIN = timedelta(minutes=15)
NEVER_MOVED_MIN = 24 * 60
BY_WHEN_STEPS = timedelta(minutes=5)


# The box --------------------------------------------------------------------------------------------------------------


PROPOSALS: dict[str, frozenset[str]] = {
    "reschedule": STAFF | {"customer"},
    "cancel": STAFF | {"customer", "integrator"},
    "missing_delivery": STAFF | {"customer", "integrator"},
    "damage": STAFF | {"customer", "integrator"},
    "choose": frozenset({"customer"}),
    "instruct": frozenset({"customer"}),
} | wishes.ROLES
"""Actions that a conversation may ask for, and who may; each opens a case, none runs at once."""

CLAIMS = frozenset({"missing_delivery", "damage"})
"""of these, those that are about what was delivered"""


def box(who: Principal) -> tuple[str, ...]:
    """Everything this principal may use, fixed before anything is read."""
    looks = [tool.name for tool in TOOLS.values() if who.role in tool.roles]
    return tuple(sorted(looks + [action for action, roles in PROPOSALS.items() if who.role in roles]))


def look(db: Connection, who: Principal, name: str, args: Mapping[str, str], now: datetime) -> list[Fact]:
    """Run a reading tool for a principal."""
    tool = TOOLS.get(name)
    if tool is None or who.role not in tool.roles:
        raise NotAllowed(f"A {who.role} has no tool {name!r}.", f"In the box: {', '.join(box(who)) or 'nothing'}.")
    return tool.run(db, who, args, now)


# Asking for something -------------------------------------------------------------------------------------------------


def propose(
    db: Connection, who: Principal, action: str, args: Mapping[str, str], now: datetime, *, to_approve: bool = False
) -> str:
    """Open (or join) the case that works a principal's wish. Nothing is done yet; returns the case id, of words for
    the driver nothing: they are kept at once. With
    `to_approve` nothing is done by itself either: what comes of it is shown and waits for a yes."""
    if who.role not in PROPOSALS.get(action, frozenset()):
        raise NotAllowed(
            f"A {who.role} may not ask for {action!r}.", f"In the box: {', '.join(box(who)) or 'nothing'}."
        )
    if action in wishes.PREPARED:
        raise WrongState(f"{action!r} opens no case.", "It is shown in a conversation, and done on a yes there.")
    if action in wishes.OPEN:
        return wishes.OPEN[action](db, who, args, now)
    if action == "choose":
        return offers.choose(db, who, args.get("choice", ""), now)
    row = find_order(db, who, args.get("order", ""))
    if row is None:
        raise NotFound(
            f"There is no order {args.get('order', '')[:40]!r} of yours.", "Check the reference.", field="order"
        )
    if action == instructions.ACTION:
        instructions.leave(db, who, row, args.get("words", ""), now)
        return ""
    claimed = action in CLAIMS
    if claimed and row.status != "delivered":
        raise WrongState(f"Order {row.ref} is {row.status}.", "Only what was delivered is missed.", field="order")
    if not claimed and row.status in orders.FINAL:
        raise WrongState(f"Order {row.ref} is {row.status}.", "Nothing can be moved any more.", field="order")
    facts = {"order": row.id, "stop": row.stop_id, "requester": who.role, "by": who.id}
    if claimed and args.get("photo"):
        facts["photo"] = args["photo"]
    if action == "reschedule":
        facts["day"] = _later_day(row, args.get("day", "")).isoformat()
        if args.get("lo") and args.get("hi"):
            facts["window"] = _window(db, row, facts["day"], args["lo"], args["hi"])
    if to_approve:
        return wishes.ask(db, action, row.id, row.depot_id, row.day, facts | {"to_approve": True}, now)
    case_id, _ = cases.open_or_join(db, action, row.id, row.depot_id, row.day, facts, now)
    return case_id


def _later_day(row: Row[Any], said: str) -> date:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        raise BadInput(f"{said!r} is no date.", "Give it as YYYY-MM-DD.", field="day") from None
    if day <= row.day:
        raise BadInput(f"{day} is not after {row.day}.", "Name a later day.", field="day")
    return day


def _window(db: Connection, row: Row[Any], day: str, lo: str, hi: str) -> list[str]:
    """The time of that day that was chosen, as instants. Raises BadInput for what is none."""
    tz = fleet.get_depot(db, row.depot_id).tz
    try:
        ends = [datetime.fromisoformat(f"{day}T{end}").replace(tzinfo=ZoneInfo(tz)) for end in (lo, hi)]
    except ValueError:
        raise BadInput(f"{lo[:10]} to {hi[:10]} is no time.", "Give both as HH:MM.", field="lo") from None
    if ends[0] >= ends[1]:
        raise BadInput(f"{lo} is not before {hi}.", "Give the beginning first.", field="lo")
    return [clock.iso(end) for end in ends]


def hand_over(db: Connection, who: Principal, reason_code: str, subject: str, now: datetime) -> tuple[str, datetime]:
    """A person is wanted: a case with owner and by-when. Returns its id and by when somebody answers."""
    depot_id, day = people.home_of(db, who.subject) if who.role == "customer" else any_depot(db, now)
    due_by = by_when(now)
    facts = {"by": who.id, "reason": reason_code} | ({"person": who.subject} if who.role == "customer" else {})
    case_id, new = cases.open_or_join(db, "human", subject, depot_id, day, facts, now)
    row = cases.get(db, case_id, lock=True)
    if new:
        escalate(db, row, reason_code, now)
        return case_id, due_by
    return case_id, row.due_by or due_by


def any_depot(db: Connection, now: datetime) -> tuple[str, date]:
    row = db.execute(select(depot.c.id, depot.c.tz).order_by(depot.c.id).limit(1)).one_or_none()
    if row is None:
        raise WrongState("There is no depot yet.", "PUT a fleet under /api/fleet.")
    return row.id, now.astimezone(ZoneInfo(row.tz)).date()


def by_when(now: datetime) -> datetime:
    """When the owner of an escalation must have answered, on a round clock time."""
    return tracker.outward(now, now + OWNER_ANSWERS_WITHIN, int(BY_WHEN_STEPS.total_seconds() // 60))[1]


def escalate(
    db: Connection, row: Row[Any], reason_code: str, now: datetime, packet: Mapping[str, Any] | None = None
) -> None:
    """Hand a case to whoever is on duty: reason code, owner, by-when, what they need. Itself a decision."""
    owner = principals.on_duty(db)
    facts = dict(row.facts) | ({"packet": dict(packet)} if packet else {})
    decisions.write(
        db, case_id=row.id, round_=row.rounds, action="escalate", verdict="escalated", rule=reason_code, approver=None,
        outcome={"reason_code": reason_code, "owner": owner}, inputs={}, applied={}, cost=0, at=now, day=row.day,
    )  # fmt: skip
    due_by = by_when(now)
    cases.advance(
        db, row, "escalated", reason_code=reason_code, owner=owner, due_by=due_by, facts=facts, rounds=row.rounds + 1
    )
    timers.put(db, "look_again", row.id, due_by)


def wait_for_person(db: Connection, row: Row[Any], reason_code: str, now: datetime) -> None:
    """A proposal is up: somebody on duty owns it, with a by-when after which the next one does."""
    due_by = by_when(now)
    cases.advance(db, row, "waiting", owner=principals.on_duty(db), due_by=due_by, reason_code=reason_code)
    timers.put(db, "look_again", row.id, due_by)


# Judging --------------------------------------------------------------------------------------------------------------


def facts_for(db: Connection, row: Row[Any], now: datetime) -> dict[str, Value]:
    """What policy judges besides the option itself, read from the record and from nothing that anybody said."""
    subject_orders = [o for o in case_orders(db, row) if o.status in orders.OPEN | {"failed"}]
    today = datetime.combine(row.day, datetime.min.time(), now.tzinfo)
    spent = select(func.coalesce(func.sum(decision.c.cost), 0)).where(
        decision.c.at >= today, decision.c.verdict == "auto"
    )
    stops = {o.stop_id for o in subject_orders}
    moved = effects.stop_moves(db, stops).values()
    moved_at = max((at for _, at in moved), default=None)
    facts: dict[str, Value] = {
        "minutes_since_move": NEVER_MOVED_MIN if moved_at is None else int((now - moved_at).total_seconds() // 60),
        "loaded": any(custody.van_of(db, o.id) is not None for o in subject_orders),
        "retold_today": max([promises.told(db, o.id) - 1 for o in subject_orders], default=0),
        "stop_moves_today": max((count for count, _ in moved), default=0),
        "spent_today_cents": max(0, int(db.execute(spent).scalar_one())),
        "requester": str(row.facts.get("requester", "system")),
    }
    whose = {o.client for o in subject_orders}
    facts |= {"client": min(whose)} if len(whose) == 1 else {}
    kind = KINDS.get(row.kind)
    return facts | (kind.facts(db, row, now) if kind else {})


# Acting ---------------------------------------------------------------------------------------------------------------


def option_facts(option: Mapping[str, Any]) -> dict[str, Value]:
    """The part of an option that policy judges."""
    return {
        "extra_cost_cents": spends_cents(option),
        "minutes_late_others": int(option["others_delayed_min"]),
        "stops_left_out": len(option.get("left", ())),
        "stops_moved": int(option["stops_moved"]),
        "promises_broken": int(option["promises_broken"]),
        "promises_retold": int(option["promises_retold"]),
    }


def spends_cents(option: Mapping[str, Any]) -> int:
    """What an option spends. Words alone move no van: what they tell of is late whether it is told or not."""
    only_tells = option["kind"] == "retell" and not option["routes"]
    return 0 if only_tells else max(0, int(option["cost_cents"]))


def judge(rules: Policy, action: str, subject: str, facts: Mapping[str, Value], option: Mapping[str, Any]) -> Verdict:
    """The verdict of policy on one option. Pure, so that it can be recomputed."""
    return judge_facts(rules, action, subject, {**facts, **option_facts(option)})


def judge_facts(rules: Policy, action: str, subject: str, facts: Mapping[str, Value]) -> Verdict:
    return policy.decide(rules, Action(kind=action, subject=subject), facts)


def judge_undo(db: Connection, row: Row[Any], facts: Mapping[str, Value]) -> Verdict:
    return policy.decide(autonomy.in_force(db), Action(kind="undo", subject=row.subject), facts)


def act(db: Connection, row: Row[Any], asked: Row[Any], rules: Policy, now: datetime) -> str:
    """Carry out an approved proposal: policy again on fresh facts, then everything in one transaction.

    Raises Stale when routes or promises have changed since it was proposed, NotAllowed when policy no longer lets it.
    """
    args = Args.model_validate(asked.args)
    if not holds(db, row, args, asked.binds):
        raise Stale("The routes or promises it rests on have changed.", "The options are computed again.")
    run = ACTIONS.get(asked.action)
    option = next((o for o in row.options if o["id"] == asked.option_id), None)
    if run is None or option is None:
        raise NotAllowed(f"There is no action {asked.action!r} on this case.", "Choose one of its options.")
    verdict = judge(rules, asked.action, row.subject, facts_for(db, row, now), option)
    if verdict.verdict == "deny" or (verdict.verdict == "ask" and asked.decided_by is None):
        raise NotAllowed(f"Policy {verdict.rule}: {verdict.reason}.", "Ask a person, or change the policy.")
    said = "auto" if asked.decided_by is None else "approved"
    made = decisions.identify(row.id, row.rounds, asked.action, said, asked.decided_by)
    applied = run(Job(db, row, made, args, now))
    decisions.write(
        db,
        case_id=row.id,
        round_=row.rounds,
        action=asked.action,
        verdict=said,
        rule=verdict.rule,
        approver=asked.decided_by,
        outcome=row.inputs["outcome"],
        inputs=row.inputs["hashes"],
        applied={"picked": asked.option_id, "proposal": asked.digest, **applied},
        cost=0 if "until" in applied else spends_cents(option),  # what is put off spends nothing yet
        at=now,
        day=row.day,
    )
    cases.advance(db, row, "acting")
    faults.reached("commit.before")
    return made


def pass_on(db: Connection, row: Row[Any], now: datetime) -> None:
    """Nobody answered in time: the next person on duty gets it, with a new by-when."""
    due_by = by_when(now)
    cases.advance(db, row, row.status, owner=principals.next_on_duty(db, row.owner), due_by=due_by)
    timers.put(db, "look_again", row.id, due_by)
