"""Casework: how one exception is worked, as an explicit graph.

triage -> diagnose -> options (one branch a candidate) -> gate -> act -> verify -> close, with its loops: a stale
proposal goes back to options, a world that does not look as intended goes to a person. The case row is the state: the
graph is entered anew at the node that the row's status asks for, so a crash, a deploy or a renamed node loses nothing.
Every node is idempotent on the row; no framework checkpoint is kept.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypedDict

import structlog
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from sqlalchemy import Connection, Row, select, update

import prompts
from agent import weigh
from agent.embedded.planner import EmbeddedPlanner
from agent.planner import Fact, Planner, Situation
from agent.weigh import Inputs
from core import blobs, cases, clock, decisions, effects, faults, log, orders, promises, timers
from core.clock import iso, parse
from core.errors import DoorstepError, NotAllowed, Stale, WrongState
from core.store import db as store
from core.store.tables import plan, proposal
from optimizer.options import Candidate, Option
from tools import approvals, autonomy, desk, incidents, offers, tracker
from tools.kinds import KINDS
from tools.kinds.kind import case_orders
from tools.optimizer import Optimizer, Question

logger = structlog.get_logger("casework")

MAX_ROUNDS = 3
"""A case whose ground shifts this often under it goes to a person."""


class Tools:
    """What the nodes work with: planner and optimizer are ports."""

    def __init__(self, planner: Planner, optimizer: Optimizer) -> None:
        self.planner = planner
        self.optimizer = optimizer


class State(TypedDict, total=False):
    case_id: str
    question: Question
    candidate: Candidate
    priced: Annotated[list[Option], operator.add]
    tools: Tools


NODE_OF: dict[str, str] = {
    "open": "triage",
    "diagnosed": "options",
    "weighed": "gate",
    "approved": "act",
    "acting": "verify",
    "verified": "close",
}
"""Case status -> the node that goes on from it. The only place that knows node names."""


def work(case_id: str, optimizer: Optimizer, planner: Planner | None = None) -> str:
    """Work a case as far as it goes by itself; returns the status it stopped at."""
    graph().invoke(
        {"case_id": case_id, "tools": Tools(planner or EmbeddedPlanner(), optimizer)}, {"recursion_limit": 60}
    )
    with store.snapshot() as db:
        return str(cases.get(db, case_id).status)


@cache
def graph() -> Any:
    """The compiled graph. Its picture in the docs is drawn from this."""
    built = StateGraph(State)
    for name, node in (("triage", triage), ("diagnose", diagnose), ("options", options), ("price", price),
                       ("gate", gate), ("act", act), ("verify", verify), ("close", close)):  # fmt: skip
        built.add_node(name, node)
    nodes = sorted({*NODE_OF.values(), "diagnose"})
    built.add_conditional_edges(START, enter, [*nodes, END])
    built.add_conditional_edges("triage", _next, ["diagnose", END])
    built.add_edge("diagnose", "options")
    built.add_conditional_edges("options", fan_out, ["price", END])
    built.add_edge("price", "gate")
    for name, onward in (("gate", ["act"]), ("act", ["verify", "triage"]), ("verify", ["close"])):
        built.add_conditional_edges(name, _onward(onward), [*onward, END])
    built.add_edge("close", END)
    return built.compile()


def enter(state: State) -> str:
    """Where the case row says to go on."""
    with store.snapshot() as db:
        return NODE_OF.get(cases.get(db, state["case_id"]).status, END)


def _onward(nodes: list[str]) -> Callable[[State], str]:
    """Where a node may lead. A case that has to wait stays as it is and ends this run."""

    def route(state: State) -> str:
        node = enter(state)
        return node if node in nodes else END

    return route


def _next(state: State) -> str:
    with store.snapshot() as db:
        return "diagnose" if cases.get(db, state["case_id"]).status == "open" else END


# Nodes ----------------------------------------------------------------------------------------------------------------


def triage(state: State) -> State:
    """Is it still an exception, and is it ours to work? What has settled itself is closed with that reason."""
    with store.transaction() as db:
        row, now = cases.get(db, state["case_id"], lock=True), clock.now(db)
        if row.status != "open":
            return {}
        if row.kind not in KINDS:
            desk.escalate(db, row, row.kind if row.kind != "human" else "asked_for_human", now)
        elif row.rounds - row.facts.get("holds", 0) > MAX_ROUNDS:
            desk.escalate(db, row, "ground_keeps_shifting", now)
        elif (reason := _settled(db, row)) is not None:
            cases.advance(db, row, "closed", closed_at=now, reason_code=reason)
    return {}


def _settled(db: Connection, row: Row[Any]) -> str | None:
    kind = KINDS[row.kind]
    if kind.about and not any(o.status in kind.about | orders.OPEN for o in case_orders(db, row)):
        return "orders_ended"
    return kind.settled(db, row)


def diagnose(state: State) -> State:
    """Collect what is known, each figure with its source."""
    with store.transaction() as db:
        row, now = cases.get(db, state["case_id"], lock=True), clock.now(db)
        if row.status == "open":
            diagnosed(db, row, now)
    return {}


def diagnosed(db: Connection, row: Row[Any], now: datetime) -> Row[Any]:
    facts = dict(row.facts) | {"known": _known(db, row)} | {"known_at": iso(now)}
    cases.advance(db, row, "diagnosed", facts=facts)
    return cases.get(db, row.id, lock=True)


def _known(db: Connection, row: Row[Any]) -> list[dict[str, Any]]:
    """Facts of a case. Ids, times and counts only: they go into the decision, so nothing personal."""
    mine = [o for o in case_orders(db, row) if o.status in KINDS[row.kind].about]
    opened = iso(row.opened_at)
    known = [{"name": "orders", "value": len(mine), "source": "orders", "at": opened}]
    figures = [name for name in KINDS[row.kind].known if name in row.facts]
    known += [{"name": name, "value": row.facts[name], "source": f"case {row.id}", "at": opened} for name in figures]
    known += KINDS[row.kind].evidence(db, row)
    for order_row in mine:
        told = promises.open_of(db, order_row.id)
        if told is not None:
            known.append(
                {
                    "name": f"promised_to {order_row.id}",
                    "value": iso(told.hi),
                    "source": f"promise {told.id}",
                    "at": iso(told.made_at),
                }
            )
    vehicle = row.facts.get("vehicle")
    live = tracker.expected(db, row.subject, vehicle) if vehicle else None
    if live is not None:
        for name in ("p50", "lo", "hi", "ahead"):
            known.append({"name": f"expected_{name}", "value": live[name], "source": "tracker", "at": live["at"]})
    return known


def options(state: State) -> State:
    """Freeze the question. Doing nothing is always an answer to it."""
    with store.snapshot() as db:
        row, now = cases.get(db, state["case_id"]), clock.now(db)
        if row.status != "diagnosed":
            return {}
        stop, kind = row.facts.get("stop", row.subject), KINDS[row.kind]
        scope = kind.scope(db, row)
    try:
        return {"question": state["tools"].optimizer.ask(row.depot_id, row.day, stop, kind.tried, now, scope)}
    except (WrongState, DoorstepError) as error:
        if error.status >= 500:
            raise
        with store.transaction() as db:
            desk.escalate(db, cases.get(db, row.id, lock=True), "no_options", now, {"why": str(error)})
        return {}


def fan_out(state: State) -> list[Send] | str:
    if "question" not in state:
        return END
    return [
        Send(
            "price",
            {"case_id": state["case_id"], "question": state["question"], "candidate": c, "tools": state["tools"]},
        )
        for c in state["question"].candidates
    ]


def price(state: State) -> State:
    """One candidate, priced by the optimizer's what-if."""
    return {"priced": [state["tools"].optimizer.evaluate(state["question"].problem, state["candidate"])]}


def gate(state: State) -> State:
    """The planner chooses, policy judges: act by itself, ask a person, or hand over."""
    with store.transaction() as db:
        row, now = cases.get(db, state["case_id"], lock=True), clock.now(db)
        if row.status == "diagnosed":
            row = _weigh(db, row, state)
        if row.status != "weighed":
            return {}
        if offers.can_be_asked(db, row, row.options) and offers.put(db, row, row.options, now):
            return {}
        outcome = row.inputs["outcome"]
        option = next((o for o in row.options if o["id"] == outcome["picked"]), None)
        verdict = outcome["verdict"]
        if option is None or verdict is None or verdict["verdict"] == "deny":
            code = outcome["step"].get("reason_code") or (verdict["rule"] if verdict else "no_feasible_option")
            desk.escalate(db, row, code, now, {"step": outcome["step"], "verdict": verdict})
        elif verdict["verdict"] == "auto" and not _is_to_show(row, option):
            approvals.put_up(db, row, option, now, status="approved")
            cases.advance(db, row, "approved")
        else:
            approvals.put_up(db, row, option, now)
            desk.wait_for_person(db, row, verdict["rule"], now)
    return {}


def _is_to_show(row: Row[Any], option: Mapping[str, Any]) -> bool:
    """Staff asked for it in a conversation: whatever changes something is shown first, and waits for their yes."""
    return bool(row.facts.get("to_approve")) and option["kind"] != "wait"


def _weigh(db: Connection, row: Row[Any], state: State) -> Row[Any]:
    return weighed(db, row, state["question"], state["priced"], state["tools"].planner)


def weighed(
    db: Connection, row: Row[Any], asked: Question, found: Sequence[Option], planner: Planner, picked: str | None = None
) -> Row[Any]:
    """Decide on the priced options and keep everything that a replay needs, by content hash. `picked`: what a person
    takes."""
    inputs = Inputs(
        case=row.id, kind=row.kind, problem=asked.problem, stop=asked.stop, scope=asked.scope,
        situation=_situation(row), policy=autonomy.in_force(db), facts=desk.facts_for(db, row, clock.now(db)),
    )  # fmt: skip
    priced = weigh.priced(row.kind, asked.problem, found)
    inputs = inputs.model_copy(update={"picked": picked or _wished(row, priced)})
    outcome = weigh.decide(inputs, priced, planner).model_dump(mode="json")
    hashes = keep(db, inputs) | {"planner": planner.name, "planner_version": planner.version}
    kept = {"hashes": hashes, "outcome": outcome, "t0": iso(asked.t0), "version": asked.version}
    cases.advance(db, row, "weighed", options=list(priced), inputs=kept)
    return cases.get(db, row.id, lock=True)


def _wished(row: Row[Any], priced: Sequence[Mapping[str, Any]]) -> str | None:
    """What the customer chose, while it can be done."""
    wish = row.facts.get("wish")
    return next((str(o["id"]) for o in priced if o["kind"] == wish and o["feasible"]), None)


def keep(db: Connection, inputs: Inputs) -> dict[str, Any]:
    """Each input by its own hash, so that a replay can be shown which one made the difference."""
    return {
        "case": inputs.case,
        "kind": inputs.kind,
        "stop": inputs.stop,
        "scope": inputs.scope.model_dump(mode="json"),
        "matrix": inputs.problem.matrix,
        "picked": inputs.picked,
        "problem": blobs.put(db, inputs.problem),
        "situation": blobs.put(db, inputs.situation),
        "policy": blobs.put(db, inputs.policy.model_dump(mode="json", by_alias=True)),
        "facts": blobs.put(db, inputs.facts),
        "prompts": inputs.situation.prompt_version,
    }


def _situation(row: Row[Any]) -> Situation:
    known = tuple(Fact(**fact) for fact in row.facts.get("known", []))
    return Situation(
        kind="case", role="system", channel="case", facts=known, allowed_tools=KINDS[row.kind].tried,
        prompt_version=prompts.version(), today=row.day.isoformat(),
    )  # fmt: skip


def act(state: State) -> State:
    """Carry the approved proposal out, or find that its ground has shifted and weigh again."""
    try:
        with store.transaction() as db:
            row, now = cases.get(db, state["case_id"], lock=True), clock.now(db)
            asked = cases.open_proposal(db, row.id)
            if row.status != "approved" or asked is None:
                return {}
            desk.act(db, row, asked, autonomy.in_force(db), now)
        faults.reached("commit.after")
    except (Stale, NotAllowed) as error:
        logger.info("act.stale", case=state["case_id"], why=type(error).__name__)
        _weigh_again(state["case_id"])
    return {}


def _weigh_again(case_id: str) -> None:
    with store.transaction() as db:
        row = cases.get(db, case_id, lock=True)
        if row.status == "approved":
            db.execute(
                update(proposal)
                .where(proposal.c.case_id == case_id, proposal.c.status.in_(["open", "approved"]))
                .values(status="stale")
            )
            cases.advance(db, row, "open", rounds=row.rounds + 1)


def verify(state: State) -> State:
    """Look at the world again: every effect done, every changed route as decided. A mismatch goes to a person."""
    with store.transaction() as db:
        row, now = cases.get(db, state["case_id"], lock=True), clock.now(db)
        if row.status != "acting":
            return {}
        states = {e.key: e.status for e in effects.of_case(db, row.id)}
        if any(status in effects.OPEN for status in states.values()):
            return {}  # it is looked at again when the outbox has settled them
        wrong = sorted(key for key, status in states.items() if status != "done")
        decided = decisions.last_on(db, row.id)
        if decided is None or not _plan_stands(db, row, decisions.body(db, decided.id)["applied"]):
            desk.escalate(db, row, "not_as_decided", now)
        elif wrong:
            desk.escalate(db, row, "effect_failed", now, {"effects": wrong})
        else:
            cases.advance(db, row, "verified")
    return {}


def _plan_stands(db: Connection, row: Row[Any], applied: Mapping[str, Any]) -> bool:
    """Is the version that the decision made on record, and published?"""
    if "version" not in applied:
        return True
    found = select(plan.c.status).where(
        plan.c.depot_id == row.depot_id, plan.c.day == row.day, plan.c.version == applied["version"]
    )
    return db.execute(found).scalar_one_or_none() == "published"


def close(state: State) -> State:
    """Done, or put off. What came of it is measured when the day's facts are in, as a row of its own in the log."""
    with store.transaction() as db:
        row, now = cases.get(db, state["case_id"], lock=True), clock.now(db)
        if row.status == "verified":
            if offers.waits_for_answer(db, row, now):
                return {}
            decided = decisions.last_on(db, row.id)
            until = decisions.body(db, decided.id)["applied"].get("until") if decided else None
            if until:
                _hold(db, row, parse(until))
                return {}
            incidents.next_batch(db, row, tracker.late_stops(db, row.day), now)
            cases.advance(db, row, "closed", closed_at=now, reason_code="done")
            body = {"case": row.id, "decision": decided.id if decided else "", "outcome": "carried_out"}
            log.append(db, "outcome", body, now, row.day)
    return {}


def _hold(db: Connection, row: Row[Any], until: datetime) -> None:
    """The case stays: it is looked at again by then, or when a van is back, or an order comes that shares its trip."""
    cases.advance(db, row, "held", due_by=until)
    timers.put(db, "look_again", row.id, until)
