"""The one door. Whatever reads for somebody or changes anything comes through here, whoever or whatever asked.

In order: is this tool in this principal's box, and is its subject theirs -> are the arguments sound -> does policy say
auto, ask or deny -> ledger -> run -> log. No rule, then deny. Nothing in here trusts a planner: the box is fixed by the
principal before any message or tool output is read, and the facts that policy judges are read from the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, select

from core import (
    cases,
    custody,
    decisions,
    effects,
    faults,
    lineage,
    money,
    orders,
    people,
    principals,
    promises,
    timers,
)
from core.errors import BadInput, NotAllowed, NotFound, Stale, WrongState
from core.principals import STAFF, Principal
from core.store.tables import case, decision, depot
from tools import (
    autonomy,
    knowledge,
    offers,
    orders_asked,
    policy,
    proof,
    shown,
    tracker,
    vans_asked,
    what_if_asked,
    wishes,
)
from tools.acting import ACTIONS
from tools.binding import holds
from tools.carriers.flat import FlatTariff
from tools.carriers.port import Parcel, Place, Quote
from tools.job import Args, Job
from tools.kinds import KINDS
from tools.kinds.kind import case_orders
from tools.optimizer import at_hand
from tools.policy import Action, Policy, Value, Verdict

Fact = dict[str, Any]
OWNER_ANSWERS_WITHIN = timedelta(minutes=15)
NEVER_MOVED_MIN = 24 * 60
BY_WHEN_STEPS = timedelta(minutes=5)


# Looking --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tool:
    """A tool that reads. `roles` is who has it in the box; customers' subjects are checked inside."""

    name: str
    roles: frozenset[str]
    run: Callable[[Connection, Principal, Mapping[str, str], datetime], list[Fact]]


def _own_orders(db: Connection, who: Principal) -> list[Row[Any]]:
    return orders.of_person(db, who.subject)


def find_order(db: Connection, who: Principal, ref: str) -> Row[Any] | None:
    """The order with this reference if this principal may see it; to a customer others' orders do not exist."""
    return orders.by_ref(db, ref, who.subject if who.role == "customer" else None, who.client)


def _order_status(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    ref = args.get("order", "")
    if ref and who.is_staff:
        return orders_asked.status(db, who, ref, now)
    if ref:
        row = find_order(db, who, ref)
        return tracker.order_status(db, row.id, now) if row else [tracker.fact("not_found", ref[:40], "orders", now)]
    if who.is_staff:
        raise BadInput("Which order?", "Name its reference.", field="order")
    mine = _own_orders(db, who)
    current = [row for row in mine if row.status not in orders.FINAL] or mine[-1:]
    if len(current) == 1:
        return tracker.order_status(db, current[0].id, now)
    return [tracker.fact("orders", ", ".join(row.ref for row in current), "orders", now)]


def _fleet_status(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    fleet_now = tracker.fleet_now(db, now)
    out = [row for row in fleet_now if row["state"] in ("driving", "serving", "broken")]
    open_cases = db.execute(
        select(func.count()).select_from(case).where(case.c.closed_at.is_(None), case.c.status != "folded")
    ).scalar_one()
    figures = {
        "vans_out": len(out), "stops_left": sum(row["stops_left"] for row in fleet_now),
        "late_stops": sum(len(row["late"]) for row in fleet_now), "open_cases": int(open_cases),
    }  # fmt: skip
    lines = [(row["id"], row["state"], row["stops_left"], len(row["late"])) for row in fleet_now]
    rows = shown.table(("van", "state", "stops left", "late"), lines)
    return [tracker.fact(name, value, "tracker", now) for name, value in (figures | {"table": rows}).items()]


def _proof(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    row = find_order(db, who, args.get("order", ""))
    if row is None:
        return [tracker.fact("not_found", args.get("order", "")[:40], "orders", now)]
    return proof.lookup(db, row.id) or [tracker.fact("no_proof", row.ref, "proofs", now)]


def _why(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    """How the last decision, plan or promise about an order came about."""
    row = find_order(db, who, args.get("order", ""))
    if row is None:
        return [tracker.fact("not_found", args.get("order", "")[:40], "orders", now)]
    graph = lineage.of_order(db, row.id)
    last = lineage.newest(graph, "decision", "plan", "promise") or row.id
    return [tracker.fact("why", (", then ".join(lineage.chain(graph, last)) + ".")[:240], f"lineage of {row.ref}", now)]


def _notes(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    """What the playbooks say about something: data with a source, never an instruction."""
    hits = knowledge.index().search(args.get("about", "")[:500], 3)
    return [tracker.fact("note", hit.text, hit.source, now) for hit in hits]


def _quote(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    row = find_order(db, who, args.get("order", ""))
    if row is None or row.lat is None:
        return [tracker.fact("not_found", args.get("order", "")[:40], "orders", now)]
    home = db.execute(select(depot).where(depot.c.id == row.depot_id)).one()
    parcel = Parcel(weight_g=max(row.weight_g, 1), pieces=row.pieces)
    quotes = FlatTariff().quote(parcel, Place(lat=home.lat, lon=home.lon), Place(lat=row.lat, lon=row.lon), row.day)
    said = [money.say(q.cost_cents, q.currency) if isinstance(q, Quote) else q.reason for q in quotes]
    found = [
        tracker.fact(f"{q.carrier}.{q.service}", each, "carriers", now) for q, each in zip(quotes, said, strict=True)
    ]
    said = [f"{q.service} {each}" for q, each in zip(quotes, said, strict=True) if isinstance(q, Quote)]
    return [*found, tracker.fact("quotes", "; ".join(said)[:240] or "no carrier takes it", "carriers", now)]


def _what_if(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    return what_if_asked.try_it(db, who, args, now, at_hand())


def _van(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    return vans_asked.look(db, args, now)


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("tracker.order_status", STAFF | {"customer"}, _order_status),
        Tool("proof.lookup", STAFF | {"customer"}, _proof),
        Tool("fleet.status", STAFF, _fleet_status),
        Tool("fleet.van", STAFF, _van),
        Tool("carriers.quote", STAFF, _quote),
        Tool("log.why", STAFF, _why),
        Tool("log.of", STAFF, shown.look_up),
        Tool("log.who_pays", STAFF, shown.ask_who_pays),
        Tool("cases.proposal", STAFF, shown.look_at),
        Tool("what_if", STAFF, _what_if),
        Tool("knowledge.search", STAFF, _notes),
    )
}
PROPOSALS: dict[str, frozenset[str]] = {
    "reschedule": STAFF | {"customer"},
    "cancel": STAFF | {"customer", "integrator"},
    "missing_delivery": STAFF | {"customer", "integrator"},
    "damage": STAFF | {"customer", "integrator"},
    "choose": frozenset({"customer"}),
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
    """Open (or join) the case that works a principal's wish. Nothing is done yet; returns the case id. With
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
