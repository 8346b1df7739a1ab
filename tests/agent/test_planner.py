"""The port's types are frozen and exact, and a step is checked against the situation it is for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.planner import (
    REASON_CODES,
    Answer,
    Ask,
    Choose,
    Escalate,
    Fact,
    Line,
    Look,
    Option,
    Propose,
    Situation,
    Step,
    Try,
    check_reply,
    check_step,
    read_step,
)
from core import canonical

FACTS = (
    Fact(name="order", value="A1", source="tracker", at="2026-11-20T12:00:00+00:00"),
    Fact(name="stops_ahead", value=4, source="tracker", at="2026-11-20T12:00:00+00:00"),
)
TALK = Situation(
    kind="conversation", role="customer", facts=FACTS, allowed_tools=("tracker.order_status", "reschedule")
)
CASE = Situation(
    kind="case",
    role="system",
    options=(Option(id="o1", kind="wait", cost_cents=5), Option(id="o2", kind="retell", cost_cents=1, feasible=False)),
)


@pytest.mark.parametrize(
    ("step", "situation", "field"),
    [
        (Look(tool="tracker.order_status"), TALK, ""),
        (Look(tool="log.read"), TALK, "tool"),
        (Try(tool="log.read"), TALK, "tool"),
        (Propose(action="reschedule"), TALK, ""),
        (Propose(action="refund"), TALK, "action"),
        (Choose(option_id="o1", why="cheap"), CASE, ""),
        (Choose(option_id="o2", why="cheap"), CASE, "option_id"),  # it can't be done
        (Choose(option_id="o3", why="cheap"), CASE, "option_id"),
        (Choose(option_id="o1", why="cheap"), TALK, "option_id"),
        (Answer(template="reply_out", facts=("order",)), TALK, ""),
        (Answer(template="reply_out", facts=("weather",)), TALK, "facts"),
        (Answer(template="reply_out"), CASE, "step"),
        (Ask(slot="day", question="Which day?"), TALK, ""),
        (Ask(slot="day", question=" "), TALK, "question"),
        (Escalate(reason_code="safety", summary="fire"), TALK, ""),
        (Escalate(reason_code="bored", summary="..."), TALK, "reason_code"),
    ],
)
def test_a_step_is_checked_against_its_situation(step: Step, situation: Situation, field: str) -> None:
    problems = check_step(step, situation)
    assert [problem.split(":")[0] for problem in problems] == ([field] if field else [])


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"step": "dance"},
        {"step": "look"},
        {"step": "look", "tool": "t", "extra": 1},
        {"step": "look", "tool": "t", "args": {"n": 1}},
        {"step": "choose", "option_id": 3, "why": "x"},
        [],
        None,
        "look",
    ],
)
def test_what_is_no_step_is_refused(data: object) -> None:
    with pytest.raises(ValidationError):
        read_step(data)


steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Look, tool=st.text(), args=st.dictionaries(st.text(), st.text())),
    st.builds(Try, tool=st.text(), args=st.dictionaries(st.text(), st.text())),
    st.builds(Choose, option_id=st.text(), why=st.text()),
    st.builds(Answer, template=st.text(), text=st.text(), facts=st.lists(st.text()).map(tuple)),
    st.builds(Ask, slot=st.text(), question=st.text(), choices=st.lists(st.text()).map(tuple)),
    st.builds(Propose, action=st.text(), args=st.dictionaries(st.text(), st.text())),
    st.builds(Escalate, reason_code=st.text(), summary=st.text()),
)


@given(steps)
def test_a_step_survives_the_log(step: Step) -> None:
    assert read_step(step.model_dump(mode="json")) == step


@given(steps)
def test_any_step_can_be_checked_in_any_situation(step: Step) -> None:
    for situation in (TALK, CASE):
        assert all(": " in problem for problem in check_step(step, situation))


def test_a_situation_is_frozen_and_has_one_digest() -> None:
    with pytest.raises(ValidationError):
        TALK.today = "2026-11-20"  # type: ignore[misc]
    assert canonical.digest(TALK) == canonical.digest(Situation.model_validate(TALK.model_dump()))


def test_the_last_message_of_theirs_and_the_newest_fact_count() -> None:
    lines = (Line(who="them", text="one"), Line(who="them", text="two"), Line(who="us", text="three"))
    newer = FACTS[1].model_copy(update={"value": 3})
    situation = TALK.model_copy(update={"messages": lines, "facts": (*FACTS, newer)})
    assert (situation.said(), situation.fact("stops_ahead"), situation.fact("none")) == ("two", 3, None)


def test_a_reply_is_checked_against_the_facts_by_name() -> None:
    assert check_reply("Stops before yours: 4.", FACTS) == []
    assert [str(problem) for problem in check_reply("Stops before yours: 5.", FACTS)] == ["number '5' is in no fact"]


def test_every_reason_code_says_what_it_means() -> None:
    assert all(len(meaning) > 10 for meaning in REASON_CODES.values())
