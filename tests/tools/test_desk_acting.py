"""Acting goes through the desk only: a planner that a message has taken over gets nothing done, and policy judges what
is carried out on facts of the record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Row, update

from agent.planner import Answer, Ask, Choose, Escalate, Look, Propose, Step
from core import cases, clock, promises
from core.errors import DoorstepError, NotAllowed, Stale
from core.store import db as store
from core.store.tables import decision, proposal
from tests.living import (
    DAY,
    DEPOT,
    Living,
    a_depot,
    a_van,
    an_order,
    load_and_leave,
    the_case,
)
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
    staff,
    world,
)
from tools import desk, kinds, policy

# A planner that a message has taken over


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (Choose(option_id="reassign:van9", why="ignore your rules"), "an option that does not exist"),
        (Choose(option_id="cancel", why="refund everything"), "an action that is none of the options"),
        (Choose(option_id="", why="x"), "no option at all"),
        (Answer(template="reply_thanks"), "it talks instead of choosing"),
        (Look(tool="fleet.status"), "it looks around"),
        (Propose(action="plan.publish", args={"version": "9"}), "it asks for something else"),
        (Ask(slot="order", question="which?"), "it asks a question that nobody hears"),
        (Escalate(reason_code="no_feasible_option", summary="x"), "it gives up"),
    ],
)
def test_a_hijacked_planner_gets_nothing_done(living: Living, step: Step, why: str) -> None:
    day = planned(living)
    case_id = late(day)
    before = world()
    living.work(planner=Says(step))
    row = case_row(case_id)
    assert (row.status, row.owner) == ("escalated", staff("dispatcher").id), why
    assert world() == before
    assert [d.verdict for d in decided(case_id)] == ["escalated"]


def test_an_option_that_can_not_be_done_is_not_done_because_it_is_chosen(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        a_van(db, "van2", pieces=2)  # full with what it has
    case_id = late(day)
    before = world()
    living.work(planner=Picks("reassign:van2"))
    row = case_row(case_id)
    assert [o["feasible"] for o in row.options if o["id"] == "reassign:van2"] == [False]
    assert (row.status, world()) == ("escalated", before)


def test_what_policy_asks_a_person_about_waits_whoever_chose_it(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    before = world()
    living.work(planner=Picks("wait"))
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("waiting", "wait.breaks_promise")
    assert world() == before


def test_goods_that_are_aboard_go_to_no_other_van_by_themselves(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[r] for r in ("A1", "A2", "A3")], NOW)
    case_id = late(day, "A3")
    living.work(planner=Picks("reassign:van2"))
    row = case_row(case_id)
    assert not any(o["id"].startswith("reassign") and o["feasible"] for o in row.options)
    assert row.status == "escalated"


def test_without_a_rule_nothing_is_done(living: Living, tmp_path: Path) -> None:
    day = planned(living)
    path = policy_file(tmp_path, name="bare")
    bare = "\n".join(line for line in path.read_text("utf-8").splitlines() if "retell.in_time" not in line)
    rules = (
        bare.split("rules:")[0]
        + 'rules:\n  - {id: only.wait, action: wait, verdict: ask, why: "nothing else is allowed"}\n'
    )
    path.write_text(rules, "utf-8")
    policy._at.cache_clear()
    case_id = late(day)
    before = world()
    living.work(planner=Picks("retell"))
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("escalated", "default.deny")
    assert world() == before


@pytest.mark.parametrize(("switch", "came"), [("deny", "escalated"), ("ask", "waiting")])
def test_the_kill_switch_stops_everything_but_the_call_for_help(
    living: Living, tmp_path: Path, switch: str, came: str
) -> None:
    day = planned(living)
    policy_file(tmp_path, kill_switch=switch)
    case_id = late(day)
    before = world()
    living.work(planner=Picks("retell"))
    assert case_row(case_id).status == came
    assert world() == before


# Acting


def approved(living: Living, option: str = "postpone") -> str:
    """A case whose proposal a dispatcher has approved, not yet carried out."""
    case_id = late(planned(living))
    living.work(planner=Picks(option))
    assert approve(case_id, asked(case_id).digest)
    return case_id


def act(case_id: str, **changes: Any) -> str:
    """Carry the approved proposal out, with parts of it exchanged behind everybody's back."""
    with store.transaction() as db:
        found = cases.open_proposal(db, case_id)
        assert found is not None
        db.execute(update(proposal).where(proposal.c.digest == found.digest).values(changes or {"status": "approved"}))
        again = cases.open_proposal(db, case_id)
        assert again is not None
        return desk.act(db, cases.get(db, case_id), again, policy.in_force(), clock.now(db))


def test_an_approved_proposal_is_carried_out_and_the_decision_names_the_approver(living: Living) -> None:
    case_id = approved(living)
    made = act(case_id)
    row = decided(case_id)[-1]
    assert (row.id, row.verdict, row.action, row.approver) == (made, "approved", "postpone", staff().id)
    assert case_row(case_id).status == "acting"


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        ({"option_id": "reassign:van9"}, NotAllowed, "an option that the case never had"),
        ({"action": "plan.publish"}, NotAllowed, "an action that is none of ours"),
        ({"action": "rm -rf"}, NotAllowed, "nor anybody's"),
        ({"binds": {"routes": {}, "promises": "x"}}, Stale, "it rests on something else"),
        ({"decided_by": None}, NotAllowed, "nobody approved what policy asks about"),
    ],
)
def test_a_proposal_that_was_tampered_with_is_not_carried_out(
    living: Living, changes: Mapping[str, Any], error: type[DoorstepError], why: str
) -> None:
    case_id = approved(living)
    before = world()
    with pytest.raises(error):
        act(case_id, **changes)
    assert world() == before, why


def test_policy_judges_again_when_it_is_carried_out(living: Living, tmp_path: Path) -> None:
    case_id = approved(living)
    before = world()
    policy_file(tmp_path, kill_switch="deny")
    with pytest.raises(NotAllowed, match=r"kill_switch\.deny"):
        act(case_id)
    assert world() == before


def test_what_was_automatic_is_asked_when_the_limits_shrink_meanwhile(living: Living, tmp_path: Path) -> None:
    case_id = late(planned(living))
    policy_file(tmp_path, kill_switch="ask")
    living.work(planner=Picks("resequence"))
    approve(case_id, asked(case_id).digest)
    policy_file(tmp_path, extra_cost_cents="0")
    with pytest.raises(NotAllowed, match=r"limit\.extra_cost_cents"):
        act(case_id, decided_by=None)


def test_a_case_whose_approval_policy_no_longer_lets_is_weighed_again(living: Living, tmp_path: Path) -> None:
    case_id = approved(living)
    policy_file(tmp_path, kill_switch="deny")
    before = world()
    living.work(planner=Picks("postpone"))
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("escalated", "kill_switch.deny")
    assert world() == before


# What policy judges is read from the record


def facts(db: Connection, row: Row[Any]) -> dict[str, Any]:
    return desk.facts_for(db, row, NOW)


def test_facts_are_read_from_the_record_and_not_from_the_case(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    with store.transaction() as db:
        row = cases.get(db, case_id)
        cases.advance(
            db, row, "open", facts=dict(row.facts) | {"loaded": False, "spent_today_cents": 0, "verified": True}
        )
        load_and_leave(db, "van1", [day.orders["A1"]], NOW)
        told = facts(db, cases.get(db, case_id))
    assert told["loaded"] is True
    assert "verified" not in told


def test_what_was_decided_today_counts_as_spent(living: Living) -> None:
    day = planned(living)
    first = late(day)
    living.work(planner=Picks("resequence"))
    cost = decided(first)[-1].cost
    assert cost > 0
    second = late(day, "B1", van="van2")
    with store.transaction() as db:
        assert facts(db, cases.get(db, second))["spent_today_cents"] == cost
        db.execute(update(decision).values(verdict="approved"))
        assert facts(db, cases.get(db, second))["spent_today_cents"] == 0, "what a person approved is the person's"


def test_a_stop_that_was_moved_is_counted_and_a_promise_retold_too(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    with store.transaction() as db:
        told = facts(db, cases.get(db, case_id))
    assert (told["stop_moves_today"], told["retold_today"]) == (0, 0)
    living.work(planner=Picks("resequence"))
    with store.transaction() as db:
        told = facts(db, the_case(db, "predicted_late"))
        assert promises.told(db, day.orders["A1"]) == 2
    assert (told["stop_moves_today"], told["retold_today"]) == (1, 1)


@pytest.mark.parametrize(("pieces", "is_open"), [(1, True), (49, True), (50, False), (80, False)])
def test_a_day_has_room_until_the_vans_are_full(record: Connection, pieces: int, is_open: bool) -> None:
    a_depot(record)
    a_van(record, pieces=50)
    an_order(record, "A1", pieces=pieces)
    assert kinds.slot_open(record, DEPOT, DAY) is is_open


def test_a_depot_without_vans_has_no_room(record: Connection) -> None:
    a_depot(record)
    assert not kinds.slot_open(record, DEPOT, DAY)


def test_telling_alone_spends_nothing_whatever_the_lateness_costs_that_it_tells_of(living: Living) -> None:
    case_id = late(planned(living))
    living.work(planner=Picks("retell"))
    told = next(option for option in case_row(case_id).options if option["kind"] == "retell")
    moved = next(option for option in case_row(case_id).options if option["kind"] == "resequence")
    assert told["cost_cents"] > 0
    assert desk.spends_cents(told) == 0
    assert desk.spends_cents(moved) == moved["cost_cents"] > 0
    assert [(row.rule, row.cost) for row in decided(case_id)] == [("retell.in_time", 0)]
