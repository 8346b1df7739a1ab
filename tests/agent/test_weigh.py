"""Options, choice and gate are one pure function of recorded inputs: each of them counts, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent import weigh
from agent.embedded.planner import EmbeddedPlanner
from agent.planner import Answer, Choose, Escalate, Fact, Planner, Situation
from agent.weigh import Inputs
from core import canonical
from optimizer.options import Scope
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, MINUTE, problem, road, stop, van
from tests.tools.a_case import Picks, Says
from tools import desk, kinds, policy

ROAD = road(7)
SLOW = road(7, minutes=12)
FACTS: dict[str, policy.Value] = {
    "loaded": False, "retold_today": 0, "stop_moves_today": 0,
    "minutes_since_move": 1440, "spent_today_cents": 0, "requester": "system",
}  # fmt: skip
DUE = 8 * HOUR + 30 * MINUTE
"""the third stop of v1 is reached ten minutes after this"""


def situation(**changes: Any) -> Situation:
    known = Fact(name="orders", value=1, source="orders", at="2026-06-02T12:00:00Z")
    seen = Situation(
        kind="case", role="system", channel="case", facts=(known,),
        allowed_tools=kinds.tried("predicted_late"), prompt_version="p1", today="2026-06-02",
    )  # fmt: skip
    return seen.model_copy(update=changes)


def inputs(matrix: Matrix = ROAD, due_s: int = DUE, **changes: Any) -> Inputs:
    """A stop that is late on its own van, and another van that could serve it."""
    day = problem(
        matrix, [stop(1), stop(2), stop(3, due_s=due_s), stop(4), stop(5)], [van("v1"), van("v2")],
        {"v1": ("s1", "s2", "s3"), "v2": ("s4", "s5")},
    )  # fmt: skip
    base = Inputs(
        case="case_1", kind="predicted_late", problem=day, stop="s3", situation=situation(), policy=policy.default(),
        facts=FACTS,
    )  # fmt: skip
    return base.model_copy(update=changes)


def outcome(given: Inputs, matrix: Matrix = ROAD, planner: Planner | None = None) -> bytes:
    return canonical.dumps(weigh.recompute(given, matrix, planner or EmbeddedPlanner()))


def test_the_same_inputs_give_the_same_bytes_also_when_they_were_written_down() -> None:
    given = inputs()
    again = Inputs.model_validate_json(given.model_dump_json(by_alias=True))
    assert outcome(given) == outcome(given) == outcome(again)


STRICT = policy.default().model_copy(update={"kill_switch": "ask"})
CHANGES: list[tuple[str, Callable[[], bytes], str]] = [
    ("problem", lambda: outcome(inputs(due_s=DUE + 5 * MINUTE)), "the customer was promised five minutes later"),
    ("matrix", lambda: outcome(inputs(SLOW), SLOW), "every leg takes two minutes more"),
    ("stop", lambda: outcome(inputs(stop="s2")), "it is about the stop before"),
    ("scope", lambda: outcome(inputs(scope=Scope(shared=True))), "the van comes to the door for another order too"),
    ("kind", lambda: outcome(inputs(kind="unassigned")), "another kind of case may try other things"),
    ("situation", lambda: outcome(inputs(situation=situation(facts=()))), "the planner saw one fact less"),
    ("prompts", lambda: outcome(inputs(situation=situation(prompt_version="p2"))), "the planner was told otherwise"),
    ("policy", lambda: outcome(inputs(policy=STRICT)), "somebody pulled the switch"),
    ("facts", lambda: outcome(inputs(facts=FACTS | {"retold_today": 2, "loaded": True})), "it was told twice before"),
    ("picked", lambda: outcome(inputs(picked="postpone")), "a person took another option"),
    ("planner", lambda: outcome(inputs(), planner=Picks("wait")), "another planner chose"),
]


@pytest.mark.parametrize(("name", "changed", "why"), CHANGES, ids=[row[0] for row in CHANGES])
def test_changing_an_input_changes_what_comes_out(name: str, changed: Callable[[], bytes], why: str) -> None:
    assert changed() != outcome(inputs()), why


def test_every_input_that_is_recorded_is_in_that_table() -> None:
    recorded = set(Inputs.model_fields) - {"case"} | {"matrix", "prompts", "planner"}
    assert {name for name, _, _ in CHANGES} == recorded


# The planner chooses, policy judges -----------------------------------------------------------------------------------


@pytest.mark.parametrize("option_id", ["wait", "retell", "reassign:v2", "postpone"])
def test_the_verdict_is_policys_whoever_chose(option_id: str) -> None:
    given = inputs()
    chosen = weigh.recompute(given, ROAD, Picks(option_id))
    by_person = weigh.recompute(given.model_copy(update={"picked": option_id}), ROAD, EmbeddedPlanner())
    option = next(o for o in chosen.options if o["id"] == option_id)
    expected = desk.judge(given.policy, kinds.action_kind(given.kind, option), given.stop, given.facts, option)
    assert chosen.picked == by_person.picked == option_id
    assert chosen.verdict == by_person.verdict == expected


@pytest.mark.parametrize(
    ("planner", "why"),
    [
        (Picks("reassign:v9"), "a van that was not offered"),
        (Says(Answer(template="reply_thanks")), "a case is not settled by words"),
        (Says(Choose(option_id="", why="")), "nothing at all"),
    ],
)
def test_a_step_out_of_bounds_is_an_escalation_without_a_verdict(planner: Planner, why: str) -> None:
    found = weigh.recompute(inputs(), ROAD, planner)
    assert (found.picked, found.verdict) == (None, None), why
    assert found.step["step"] == "escalate"
    assert found.step["reason_code"] == "no_feasible_option"


def test_a_planner_that_hands_over_is_let() -> None:
    said = Escalate(reason_code="no_feasible_option", summary="none is good enough")
    found = weigh.recompute(inputs(), ROAD, Says(said))
    assert found.step == said.model_dump(mode="json")
    assert found.verdict is None


def test_an_option_that_can_not_be_done_is_not_picked_whoever_wants_it() -> None:
    full = inputs()
    small = tuple(v.model_copy(update={"capacity": (2,)}) if v.id == "v2" else v for v in full.problem.vehicles)
    given = full.model_copy(update={"problem": full.problem.model_copy(update={"vehicles": small})})
    options = weigh.recompute(given, ROAD, EmbeddedPlanner()).options
    assert not next(o for o in options if o["id"] == "reassign:v2")["feasible"]
    for found in (
        weigh.recompute(given, ROAD, Picks("reassign:v2")),
        weigh.recompute(given.model_copy(update={"picked": "reassign:v2"}), ROAD, EmbeddedPlanner()),
    ):
        assert (found.picked, found.verdict) == (None, None)


# Prices ---------------------------------------------------------------------------------------------------------------


def test_options_come_cheapest_first_and_what_can_not_be_done_last() -> None:
    options = weigh.recompute(inputs(), ROAD, EmbeddedPlanner()).options
    order = [(not o["feasible"], o["cost_cents"], o["id"]) for o in options]
    assert order == sorted(order)
    assert {"wait", "retell", "reassign:v2", "postpone"} <= {o["id"] for o in options}


def test_a_customer_who_asked_for_another_day_makes_staying_the_dear_option() -> None:
    asked = weigh.recompute(inputs(kind="reschedule", facts=FACTS | {"requester": "customer"}), ROAD, EmbeddedPlanner())
    late = weigh.recompute(inputs(), ROAD, EmbeddedPlanner())
    price = {o["id"]: o["cost_cents"] for o in asked.options}
    before = {o["id"]: o["cost_cents"] for o in late.options}
    failed_attempt = inputs().problem.weights.postponed
    assert set(price) == {"wait", "postpone"}
    assert price["wait"] == before["wait"] + failed_attempt
    assert price["postpone"] == before["postpone"] - failed_attempt
    assert asked.picked == "postpone"


MOVED = FACTS | {"minutes_since_move": 5}
"""every option that moves the stop again needs a person"""


@pytest.mark.parametrize(
    ("left_min", "changes", "picked"),
    [
        pytest.param(30, {}, "wait", id="a person can still answer in time"),
        pytest.param(29, {}, "retell", id="asked now, the answer would come too late"),
        pytest.param(29, {"facts": FACTS}, "reassign:v2", id="the cheapest of those that tell them"),
        pytest.param(0, {}, "wait", id="it is broken already"),
        pytest.param(29, {"picked": "wait"}, "wait", id="a person has chosen"),
        pytest.param(29, {"facts": MOVED | {"retold_today": 2}}, "wait", id="telling them needs a person too"),
    ],
)
def test_when_there_is_no_time_to_ask_the_customer_is_told(left_min: int, changes: dict[str, Any], picked: str) -> None:
    given = inputs(due_s=8 * HOUR + left_min * MINUTE, **({"facts": MOVED} | changes))
    found = weigh.recompute(given, ROAD, Picks("wait"))
    assert (found.picked, found.pressing) == (picked, picked != "wait")
    assert found.verdict is not None
    assert found.verdict.verdict == ("auto" if found.pressing else "ask")
    assert found.step["option_id"] == "wait", "what the planner said stays on record"
