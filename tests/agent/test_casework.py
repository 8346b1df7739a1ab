"""The casework graph on a real case: every node may be run twice, every way out is taken, and a case goes on from
wherever it was left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from agent import casework
from agent.casework import State, Tools
from agent.embedded.planner import EmbeddedPlanner
from agent.planner import Choose, Escalate, Planner
from api import worker
from core import cases, clock, decisions, orders, promises
from core.errors import Unavailable
from core.store import db as store
from core.store.tables import case, person, plan
from optimizer.options import Candidate, Option
from optimizer.problem import Problem
from tests.living import DAY, DEPOT, Day, Living, load_and_leave
from tests.tools.a_case import (
    NOW,
    Picks,
    Says,
    approve,
    asked,
    case_row,
    decided,
    late,
    planned,
    policy_file,
    world,
)
from tools import kinds
from tools.notify import outbox
from tools.optimizer import Local, Question

DOCS = Path(__file__).parents[2] / "docs" / "casework.md"
NODES = ("triage", "diagnose", "options", "gate", "act", "verify", "close")


@pytest.fixture
def day(living: Living) -> Day:
    return planned(living)


# Node by node ---------------------------------------------------------------------------------------------------------


class ByHand:
    """The graph's work, one node at a time, as far as a test wants it."""

    def __init__(self, living: Living, case_id: str, planner: Planner | None = None) -> None:
        self.living = living
        self.state: State = {"case_id": case_id, "tools": Tools(planner or EmbeddedPlanner(), Local())}

    def run(self, node: str) -> None:
        if node == "verify":
            outbox.drain(self.living.phone)
        step: Callable[[State], State] = getattr(casework, node)
        self.state.update(step(self.state))
        if node == "options":
            question = self.state["question"]
            priced = [casework.price({**self.state, "candidate": c})["priced"][0] for c in question.candidates]
            self.state["priced"] = priced

    def up_to(self, node: str) -> None:
        for each in NODES[: NODES.index(node)]:
            self.run(each)


def everything(case_id: str) -> dict[str, Any]:
    """All that a node may have written."""
    tables = ("decision", "proposal", "effect", "message", "promise", "plan", "plan_route", "outbox", "log_entry")
    with store.transaction() as db:
        found: dict[str, Any] = {t: sorted(str(row) for row in db.execute(text(f"SELECT * FROM {t}"))) for t in tables}  # noqa: S608
        return found | {"case": cases.get(db, case_id)}


@pytest.mark.parametrize("node", NODES)
def test_a_node_that_is_run_twice_has_run_once(living: Living, day: Day, node: str) -> None:
    case_id = late(day)
    hand = ByHand(living, case_id)
    hand.up_to(node)
    hand.run(node)
    once = everything(case_id)
    hand.run(node)
    assert everything(case_id) == once


@pytest.mark.parametrize("node", NODES)
def test_a_case_left_before_any_node_goes_on_to_the_same_end(living: Living, day: Day, node: str) -> None:
    case_id = late(day)
    ByHand(living, case_id).up_to(node)
    living.work()
    row = case_row(case_id)
    assert (row.status, row.reason_code, row.rounds) == ("closed", "done", 0)
    assert [(d.verdict, d.action) for d in decided(case_id)] == [("auto", "retell")]
    assert [m.key.split(":")[0] for m in living.phone.delivered].count(case_id) == 1
    with store.transaction() as db:
        assert list(decisions.body(db, decided(case_id)[0].id)["outcome"]["options"]) == row.options


def test_every_status_that_goes_on_by_itself_has_a_node_and_no_row_knows_its_name() -> None:
    assert set(casework.NODE_OF) == set(cases.WORKABLE)
    assert not set(casework.NODE_OF.values()) & set(cases.STATUSES), "a status named like a node would hide a rename"


def test_doing_nothing_is_always_among_the_options(living: Living, day: Day) -> None:
    case_id = late(day)
    living.work()
    assert "wait" in {option["id"] for option in case_row(case_id).options}
    assert all("wait" in kind.tried for kind in kinds.KINDS.values())


def test_a_customer_whose_wish_comes_too_late_is_told_so(living: Living, day: Day) -> None:
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], NOW)
    facts = {"order": day.orders["A1"], "stop": day.stops["A1"], "day": "2026-06-03", "requester": "customer"}
    case_id = opened("reschedule", day.orders["A1"], **facts)
    living.work()
    assert [(d.verdict, d.action) for d in decided(case_id)] == [("auto", "decline")], "the van is on its way there"
    assert "can no longer be changed" in [m.text for m in living.phone.delivered][-1]
    with store.transaction() as db:
        assert promises.open_of(db, day.orders["A1"]) is not None, "the time that it was told stands"


# Ways out -------------------------------------------------------------------------------------------------------------


def opened(kind: str, subject: str, **facts: Any) -> str:
    with store.transaction() as db:
        return cases.open_or_join(db, kind, subject, DEPOT, DAY, facts, clock.now(db))[0]


@pytest.mark.parametrize(
    ("kind", "reason", "why"),
    [
        ("road_closed", "road_closed", "a kind that nobody has taught it"),
        ("effect_unknown", "effect_unknown", "a message that the provider can't account for"),
        ("human", "asked_for_human", "somebody asked for a person"),
    ],
)
def test_a_kind_that_is_not_ours_goes_to_a_person(living: Living, day: Day, kind: str, reason: str, why: str) -> None:
    case_id = opened(kind, "a subject")
    living.work()
    row = case_row(case_id)
    assert (row.status, row.reason_code) == ("escalated", reason), why
    assert row.owner is not None
    assert row.due_by > NOW
    assert [d.verdict for d in decided(case_id)] == ["escalated"]


def test_what_has_ended_meanwhile_is_closed_with_that_reason(living: Living, day: Day) -> None:
    case_id = late(day)
    with store.transaction() as db:
        orders.set_status(db, [day.orders["A1"]], "cancelled")
    living.work()
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("closed", "orders_ended")
    assert decided(case_id) == []


def test_what_is_on_time_again_is_closed_with_that_reason(living: Living, day: Day) -> None:
    case_id = late(day)
    with store.transaction() as db:
        db.execute(text("UPDATE live_route SET late = '[]'"))
    living.work()
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("closed", "on_time_again")


@pytest.mark.parametrize(
    ("planner", "reason", "why"),
    [
        (Picks("reassign:nobody"), "no_feasible_option", "an option that is not there"),
        (Says(Escalate(reason_code="no_feasible_option", summary="none will do")), "no_feasible_option", "it gives up"),
        (Says(Choose(option_id="", why="")), "no_feasible_option", "it says nothing"),
    ],
)
def test_without_an_option_that_can_be_done_a_person_gets_it(
    living: Living, day: Day, planner: Planner, reason: str, why: str
) -> None:
    case_id = late(day)
    before = world()
    assert casework.work(case_id, Local(), planner) == "escalated"
    assert case_row(case_id).reason_code == reason, why
    assert world() == before


def test_what_policy_denies_goes_to_a_person_under_its_rule(living: Living, day: Day) -> None:
    policy_file(living.folder, kill_switch="deny")
    case_id = late(day)
    before = world()
    assert casework.work(case_id, Local()) == "escalated"
    row = case_row(case_id)
    assert row.facts["packet"]["verdict"]["verdict"] == "deny"
    assert row.reason_code == row.facts["packet"]["verdict"]["rule"]
    assert world() == before


def test_a_plan_that_is_gone_leaves_nothing_to_weigh(living: Living, day: Day) -> None:
    case_id = late(day)
    with store.transaction() as db:
        db.execute(update(plan).values(status="draft"))
    assert casework.work(case_id, Local()) == "escalated"
    assert case_row(case_id).reason_code == "no_options"


def test_what_nobody_foresaw_hands_the_case_to_a_person(living: Living, day: Day) -> None:
    case_id = opened("reschedule", "ord_gone", order="ord_gone", stop="stop_gone", day="2026-06-09")
    worker.work_case(case_id)
    row = case_row(case_id)
    assert (row.status, row.reason_code) == ("escalated", "internal_error")
    assert row.facts["packet"] == {"error": "NotFound"}, "the kind of error, and nothing that was in it"


class Down:
    """An engine that is being restarted."""

    def ask(self, *args: object) -> Question:
        raise Unavailable("The engine process does not answer.", "Try again.")

    def evaluate(self, problem: Problem, candidate: Candidate) -> Option:
        raise AssertionError("nothing was asked")


def test_an_engine_that_is_down_leaves_the_case_for_later(living: Living, day: Day) -> None:
    case_id = late(day)
    with pytest.raises(Unavailable):
        casework.work(case_id, Down())
    assert case_row(case_id).status == "diagnosed"
    living.work()
    assert case_row(case_id).status == "closed"


# Loops ----------------------------------------------------------------------------------------------------------------


def _promise_anew(day: Day) -> None:
    """The promise that a proposal rests on is another by now, as by a message from elsewhere."""
    with store.transaction() as db:
        told = promises.open_of(db, day.orders["A1"])
        assert told is not None
        sooner = timedelta(minutes=1)
        promises.make(db, told.order_id, told.lo - sooner, told.hi - sooner, "msg_elsewhere", clock.now(db))


def test_a_proposal_whose_ground_shifts_is_weighed_again(living: Living, day: Day) -> None:
    case_id = late(day)
    ByHand(living, case_id).up_to("act")
    first = asked(case_id).digest
    _promise_anew(day)
    assert casework.work(case_id, Local()) == "acting"
    row = case_row(case_id)
    assert row.rounds == 1
    assert asked(case_id).digest != first
    assert len(decided(case_id)) == 1
    with store.transaction() as db:
        assert db.execute(text("SELECT status FROM proposal WHERE digest = :d"), {"d": first}).scalar_one() == "stale"


def test_ground_that_keeps_shifting_ends_with_a_person(living: Living, day: Day) -> None:
    case_id = late(day)
    with store.transaction() as db:
        db.execute(update(case).where(case.c.id == case_id).values(rounds=casework.MAX_ROUNDS))
    ByHand(living, case_id).up_to("act")
    _promise_anew(day)
    assert casework.work(case_id, Local()) == "escalated"
    assert case_row(case_id).reason_code == "ground_keeps_shifting"
    assert [d.verdict for d in decided(case_id)] == ["escalated"]


def test_a_message_that_failed_is_a_mismatch_and_goes_to_a_person(living: Living, day: Day) -> None:
    case_id = late(day)
    with store.transaction() as db:
        whose = orders.get(db, day.orders["A1"]).person_id
        db.execute(update(person).where(person.c.id == whose).values(opted_out=True))
    living.work()
    row = case_row(case_id)
    assert (row.status, row.reason_code) == ("escalated", "effect_failed")
    assert [d.verdict for d in decided(case_id)] == ["auto", "escalated"]


def test_a_plan_that_is_not_as_decided_is_a_mismatch_and_goes_to_a_person(living: Living, day: Day) -> None:
    case_id = late(day)
    hand = ByHand(living, case_id, Picks("resequence"))
    policy_file(living.folder, stops_moved="99", minutes_late_others="999", extra_cost_cents="99999")
    hand.up_to("verify")
    if case_row(case_id).status == "waiting":
        approve(case_id, asked(case_id).digest)
        hand.run("act")
    assert "version" in _applied(case_id)
    with store.transaction() as db:
        db.execute(update(plan).where(plan.c.version == _applied(case_id)["version"]).values(status="draft"))
    living.work()
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("escalated", "not_as_decided")


def _applied(case_id: str) -> dict[str, Any]:
    with store.transaction() as db:
        applied: dict[str, Any] = decisions.body(db, decided(case_id)[-1].id)["applied"]
        return applied


def test_a_case_whose_messages_are_on_their_way_waits_for_them(living: Living, day: Day) -> None:
    case_id = late(day)
    assert casework.work(case_id, Local()) == "acting", "sent from the outbox, not from here"
    assert not any(m.key.startswith(case_id) for m in living.phone.delivered)
    living.work()
    assert case_row(case_id).status == "closed"


def test_what_came_of_a_case_is_a_row_of_its_own_that_points_at_the_decision(living: Living, day: Day) -> None:
    case_id = late(day)
    living.work()
    with store.transaction() as db:
        bodies = db.execute(text("SELECT body FROM log_entry WHERE kind = 'outcome'")).scalars().all()
        statuses = db.execute(select(case.c.status)).scalars().all()
    assert len(bodies) == 1
    assert decided(case_id)[0].id in bodies[0]
    assert statuses == ["closed"]


# The picture ----------------------------------------------------------------------------------------------------------


def test_the_picture_in_the_docs_is_the_graph_that_runs() -> None:
    drawn = casework.graph().get_graph().draw_mermaid()
    assert f"```mermaid\n{drawn.strip()}\n```" in DOCS.read_text("utf-8"), (
        "put casework.graph().get_graph().draw_mermaid() there"
    )
