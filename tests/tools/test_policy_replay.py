"""A changed policy over what was decided: only what it changes differs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from core.settings import override
from core.store import db as store
from tests.living import DAY, Living, who
from tests.tools.a_case import NOW, Picks, approve, asked, case_row, late, planned, policy_file
from tools import approvals, policy, policy_replay
from tools.policy_replay import Judged


def lived(living: Living) -> dict[str, str]:
    """A day with a re-told promise, and another day that a person approved. Returns their cases by action."""
    day = planned(living)
    told = late(day, "A1")
    living.work(planner=Picks("retell"))
    moved = late(day, "B1", van="van2")
    living.work(planner=Picks("postpone"))
    approve(moved, asked(moved).digest)
    living.work()
    return {"retell": told, "postpone": moved}


def judged(tmp_path: Path, **changes: str) -> list[Judged]:
    path = policy_file(tmp_path, **changes)
    override(DOORSTEP_POLICY="")
    with store.transaction() as db:
        return list(policy_replay.replay(db, policy.load(path)))


def test_the_policy_of_the_day_changes_nothing(living: Living) -> None:
    lived(living)
    with store.transaction() as db:
        found = list(policy_replay.replay(db, policy.default()))
    assert {each.action for each in found} == {"plan.publish", "retell", "postpone"}
    assert [each for each in found if each.differs or each.why] == []


@pytest.mark.parametrize(
    ("changes", "differ"),
    [
        ({"kill_switch": "deny"}, {"plan.publish": "auto deny", "retell": "auto deny", "postpone": "ask deny"}),
        ({"retell": "1"}, {"retell": "auto ask"}),
        ({"retell": "0"}, {"retell": "auto deny"}),
        ({"extra_cost_cents": "0"}, {}),  # telling spends nothing, postponing is asked anyhow
        ({"extra_cost_cents": "100000"}, {}),
        ({"postpone": "3"}, {}),
    ],
)
def test_only_what_the_change_touches_differs(
    living: Living, tmp_path: Path, changes: dict[str, str], differ: dict[str, str]
) -> None:
    lived(living)
    found = judged(tmp_path, **changes)
    assert {each.action: f"{each.was} {each.now}" for each in found if each.differs} == differ


def test_what_was_denied_then_may_be_allowed_now(living: Living, tmp_path: Path) -> None:
    day = planned(living)
    policy_file(tmp_path, retell="0")
    case_id = late(day)
    living.work(planner=Picks("retell"))
    assert case_row(case_id).reason_code == "level.report_only"
    override(DOORSTEP_POLICY="")
    with store.transaction() as db:
        found = [each for each in policy_replay.replay(db, policy.default()) if each.action == "retell"]
    assert [(each.was, each.now, each.now_rule) for each in found] == [("deny", "auto", "retell.in_time")]


def test_a_rejection_is_judged_like_the_question_that_led_to_it(living: Living, tmp_path: Path) -> None:
    day = planned(living)
    case_id = late(day)
    living.work(planner=Picks("postpone"))
    with store.transaction() as db:
        approvals.reject(db, who(db, "dispatcher"), case_id, asked(case_id).digest, "no", NOW + timedelta(minutes=1))
    found = judged(tmp_path, kill_switch="deny")
    assert [(each.was, each.now) for each in found if each.action == "postpone"] == [("ask", "deny")]


def test_another_day_has_nothing(living: Living) -> None:
    lived(living)
    with store.transaction() as db:
        assert list(policy_replay.replay(db, policy.default(), DAY + timedelta(days=1))) == []


def test_a_gate_whose_facts_are_gone_is_named_not_guessed(living: Living) -> None:
    lived(living)
    with store.transaction() as db:
        db.execute(text("DELETE FROM blob"))
        found = [each for each in policy_replay.replay(db, policy.default()) if each.action != "plan.publish"]
    assert len(found) == 2
    assert all(each.why and not each.differs for each in found)


def test_the_changes_are_summed_by_action_with_their_cost_and_who_is_asked(living: Living, tmp_path: Path) -> None:
    lived(living)
    found = {each.action: each for each in policy_replay.changes(judged(tmp_path, kill_switch="ask"))}
    assert set(found) == {"plan.publish", "retell"}
    told = next(each for each in judged(tmp_path, kill_switch="ask") if each.action == "retell")
    assert (told.day, told.said) == (DAY.isoformat(), "auto")
    assert (found["retell"].decisions, found["retell"].days, found["retell"].people) == (1, 1, 1)
    assert found["retell"].cost_cents == told.cost_cents - told.nothing_cents < 0, "to tell saves a broken promise"


def test_the_newest_days_on_record_come_oldest_first(living: Living) -> None:
    lived(living)
    with store.transaction() as db:
        assert policy_replay.last_days(db, 5) == [DAY]
