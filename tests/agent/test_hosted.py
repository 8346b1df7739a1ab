"""The hosted planner against a server that behaves and misbehaves: what comes out is right, or the fallback's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agent.budget import Budget
from agent.embedded.planner import EmbeddedPlanner
from agent.hosted import HostedPlanner
from agent.planner import Answer, Ask, Choose, Escalate, Fact, Line, Look, Option, Propose, Situation, check_step
from agent.reply import words
from agent.staff.steps import TRACK
from tests.agent.chat_server import ChatServer, calls, completion
from tests.loopback import serving

KNOWN: dict[str, str | int] = {
    "order": "A1042",
    "status": "out",
    "day": "2026-11-20",
    "lo": "14:10",
    "hi": "15:00",
    "stops_ahead": 4,
    "last_fact": "delivered the stop before",
    "last_fact_age": "6 minutes",
}
TALK = Situation(
    kind="conversation",
    role="customer",
    channel="sms",
    messages=(Line(who="them", text="where is my order"),),
    facts=tuple(Fact(name=n, value=v, source="tracker", at="2026-11-20T12:00:00+00:00") for n, v in KNOWN.items()),
    allowed_tools=(TRACK, "reschedule"),
    today="2026-11-20",
)
CASE = Situation(
    kind="case",
    role="system",
    options=(
        Option(id="o1", kind="wait", cost_cents=600, promises_broken=1),
        Option(id="o2", kind="retell", cost_cents=150),
        Option(id="o3", kind="reassign", cost_cents=10, feasible=False),
    ),
)
EMBEDDED = EmbeddedPlanner()
NAMES = list(KNOWN)
WRONG = ("look", {"tool": "bank.transfer", "args": []})


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with serving(ChatServer()) as chat:
        yield chat


@pytest.fixture(autouse=True)
def _fresh(server: ChatServer) -> None:
    server.script.clear()
    server.requests.clear()


@pytest.fixture(scope="module")
def planner(server: ChatServer) -> HostedPlanner:
    return HostedPlanner(EMBEDDED, api_key="not-a-secret", model="scripted", base_url=server.url, timeout_s=2.0)


# When the model behaves


def test_a_good_step_is_taken_and_its_words_are_kept_for_the_log(server: ChatServer, planner: HostedPlanner) -> None:
    server.script = [
        calls(("answer", {"template": "reply_out", "text": "Four stops to go.", "facts": ["stops_ahead"]}))
    ]
    step = planner.next_step(TALK)
    assert step == Answer(template="reply_out", text="Four stops to go.", facts=("stops_ahead",))
    outcome = planner.last_outcome
    assert (outcome.planner, outcome.reason, outcome.tries, outcome.notes) == ("hosted", "", 1, ())
    assert "Four stops" in outcome.outputs[0]


def test_the_request_carries_the_situation_as_data_and_the_steps_as_strict_tools(
    server: ChatServer, planner: HostedPlanner
) -> None:
    server.script = [calls(("look", {"tool": TRACK, "args": [{"name": "order", "value": "A1042"}]}))]
    assert planner.next_step(TALK) == Look(tool=TRACK, args={"order": "A1042"})
    [request] = server.requests
    assert (request["path"], request["auth"], request["model"]) == (
        "/v1/chat/completions",
        "Bearer not-a-secret",
        "scripted",
    )
    assert request["tool_choice"] == "required"
    assert all(tool["function"]["strict"] for tool in request["tools"])
    system, user = request["messages"]
    assert "where is my order" not in system["content"]
    assert Situation.model_validate(json.loads(user["content"])["situation"]) == TALK


def test_it_proposes_asks_and_escalates(server: ChatServer, planner: HostedPlanner) -> None:
    args = [{"name": "order", "value": "A1042"}, {"name": "day", "value": "2026-11-23"}]
    server.script = [
        calls(("propose", {"action": "reschedule", "args": args})),
        calls(("ask", {"slot": "day", "question": "Which day would you like?", "choices": []})),
        calls(("escalate", {"reason_code": "asked_for_human", "summary": "wants a person"})),
    ]
    assert planner.next_step(TALK) == Propose(action="reschedule", args={"order": "A1042", "day": "2026-11-23"})
    assert planner.next_step(TALK) == Ask(slot="day", question="Which day would you like?")
    assert planner.next_step(TALK) == Escalate(reason_code="asked_for_human", summary="wants a person")
    assert planner.last_outcome.planner == "hosted"


def test_it_chooses_among_the_options_that_can_be_done(server: ChatServer, planner: HostedPlanner) -> None:
    server.script = [calls(("choose", {"option_id": "o2", "why": "o2 costs 150 cents, o1 costs 600"}))]
    assert planner.next_step(CASE) == Choose(option_id="o2", why="o2 costs 150 cents, o1 costs 600")
    names = {tool["function"]["name"] for tool in server.requests[0]["tools"]}
    assert names == {"choose", "escalate"}


# When its words go beyond the facts


@pytest.mark.parametrize(
    "text",
    [
        "It comes at 16:30.",
        "3 stops to go.",
        "It was delivered.",
        "Bob has it in Lisbon.",
        "You get $20.",
        "It comes today.",
    ],
)
def test_an_invented_reply_goes_out_as_the_template(server: ChatServer, planner: HostedPlanner, text: str) -> None:
    server.script = [
        calls(("answer", {"template": "reply_out", "text": text, "facts": ["order", "status", "lo", "hi"]}))
    ]
    step = planner.next_step(TALK)
    assert isinstance(step, Answer)
    assert step.text == ""
    assert planner.last_outcome.notes
    reply = words(step, TALK).text
    assert text not in reply
    assert "14:10" in reply


def test_an_invented_question_is_asked_in_our_words(server: ChatServer, planner: HostedPlanner) -> None:
    server.script = [calls(("ask", {"slot": "day", "question": "Is Sunday at 9 fine?", "choices": ["Sunday"]}))]
    assert planner.next_step(TALK) == Ask(slot="day", question="Which day suits you?")
    assert planner.last_outcome.notes


def test_an_invented_reason_is_replaced_by_the_options_own_figures(server: ChatServer, planner: HostedPlanner) -> None:
    server.script = [calls(("choose", {"option_id": "o2", "why": "It saves 9999 dollars."}))]
    step = planner.next_step(CASE)
    assert isinstance(step, Choose)
    assert "9999" not in step.why
    assert "150 cents" in step.why


# One repair


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (WRONG, "bank.transfer"),
        (("dance", {}), "dance"),
        (("look", "{not json"), "JSON"),
        (("look", "[]"), "JSON"),
        (("look", '{"tool": 3, "args": []}'), "tool"),
        (("look", '{"args": []}'), "tool"),
        (("look", {"tool": TRACK, "args": [], "sudo": True}), "sudo"),
        (("propose", {"action": "refund", "args": []}), "refund"),
        (("answer", {"template": "reply_out", "text": "", "facts": ["gate_code"]}), "gate_code"),
        (("answer", {"template": "promise", "text": "", "facts": []}), "promise"),
        (("answer", {"template": "reply_fleet", "text": "", "facts": []}), "vans_out"),
        (("escalate", {"reason_code": "bored", "summary": ""}), "bored"),
        (("choose", {"option_id": "o2", "why": "x"}), "o2"),
    ],
)
def test_a_wrong_step_is_repaired_once(
    server: ChatServer, planner: HostedPlanner, bad: tuple[str, object], named: str
) -> None:
    server.script = [calls(bad), calls(("look", {"tool": TRACK, "args": []}))]
    assert planner.next_step(TALK) == Look(tool=TRACK)
    assert (planner.last_outcome.planner, planner.last_outcome.tries) == ("hosted", 2)
    assert named in server.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize(
    "answers",
    [
        [calls(WRONG), calls(WRONG)],
        [calls(("look", {"tool": TRACK, "args": []}), ("look", {"tool": TRACK, "args": []}))] * 2,
        [completion({"role": "assistant", "content": "It arrives at 16:00!"})] * 2,
        [completion({"role": "assistant", "content": ""}, "length")] * 2,
        [calls(("answer", '{"template": "reply_out", "text": "' + "[" * 50_000))] * 2,
    ],
    ids=["wrong twice", "two calls at once", "talk instead of a call", "cut off", "endless nesting"],
)
def test_wrong_twice_is_the_fallbacks_step_with_the_reason(
    server: ChatServer, planner: HostedPlanner, answers: list[dict[str, Any]]
) -> None:
    server.script = list(answers)
    assert planner.next_step(TALK) == EMBEDDED.next_step(TALK)
    outcome = planner.last_outcome
    assert outcome.planner == "embedded"
    assert outcome.reason.startswith("invalid: ")
    assert len(outcome.outputs) == 2


@pytest.mark.parametrize("option", ["o3", "o9", "", "o1; o2"])
def test_an_option_that_can_not_be_chosen_is_the_fallbacks_choice(
    server: ChatServer, planner: HostedPlanner, option: str
) -> None:
    server.script = [calls(("choose", {"option_id": option, "why": "trust me"}))] * 2
    assert planner.next_step(CASE) == EMBEDDED.next_step(CASE)
    assert "option_id" in planner.last_outcome.reason


# When there is no answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("hang", "timeout"),
        ("drop", "no connection"),
        ((429, {"error": {"message": "slow down"}}), "rate limited (429)"),
        ((401, {"error": {"message": "bad key not-a-secret"}}), "server error (HTTP 401)"),
        ((500, {"error": {"message": "oops"}}), "server error (HTTP 500)"),
        ((400, {"error": {"message": "no strict schemas here"}}), "server error (HTTP 400)"),
        (b"<html>not json</html>", "unreadable answer"),
        (b"", "unreadable answer"),
        ({}, "unreadable answer"),
        ([], "unreadable answer"),
        ({"choices": []}, "unreadable answer"),
        ({"choices": [{"index": 0, "message": None, "finish_reason": "stop"}]}, "unreadable answer"),
        (completion({"role": "assistant", "content": None, "refusal": "I can't help with that"}), "the model refused"),
        (completion({"role": "assistant", "content": "x"}, "content_filter"), "the model refused"),
    ],
)
def test_without_an_answer_the_fallback_decides_at_once(
    server: ChatServer, planner: HostedPlanner, answer: object, reason: str
) -> None:
    server.script = [answer]
    assert planner.next_step(TALK) == EMBEDDED.next_step(TALK)
    outcome = planner.last_outcome
    assert outcome.planner == "embedded"
    assert outcome.reason.startswith(reason)
    assert "not-a-secret" not in outcome.model_dump_json()
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_no_connection() -> None:
    with serving(ChatServer()) as gone:
        pass
    planner = HostedPlanner(EMBEDDED, api_key="k", model="m", base_url=gone.url, timeout_s=0.5)
    assert planner.next_step(TALK) == EMBEDDED.next_step(TALK)
    assert planner.last_outcome.reason == "no connection"


def test_a_failed_repair_keeps_what_the_model_said_first(server: ChatServer, planner: HostedPlanner) -> None:
    server.script = [calls(WRONG), "hang"]
    planner.next_step(TALK)
    assert planner.last_outcome.reason == "timeout"
    assert "bank.transfer" in planner.last_outcome.outputs[0]


# What the model never decides


@pytest.mark.parametrize(("text", "code"), [("the van is on fire", "safety"), ("STOP", "opted_out")])
def test_safety_and_opt_out_never_reach_the_model(
    server: ChatServer, planner: HostedPlanner, text: str, code: str
) -> None:
    server.script = [calls(("answer", {"template": "reply_thanks", "text": "", "facts": []}))]
    step = planner.next_step(TALK.model_copy(update={"messages": (Line(who="them", text=text),)}))
    assert isinstance(step, Escalate)
    assert step.reason_code == code
    assert server.requests == []
    assert planner.last_outcome.reason == f"guarded: {code}"


arguments = st.one_of(
    st.text(),
    st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.lists(st.text())).map(json.dumps),
    st.fixed_dictionaries(
        {},
        optional={
            "tool": st.sampled_from([TRACK, "reschedule", "x"]),
            "args": st.lists(st.fixed_dictionaries({"name": st.text(), "value": st.text()})),
            "action": st.sampled_from(["reschedule", "refund"]),
            "template": st.sampled_from(["reply_out", "reply_fleet", "promise"]),
            "text": st.text(),
            "facts": st.lists(st.sampled_from([*NAMES, "x"])),
            "slot": st.text(),
            "question": st.text(),
            "choices": st.lists(st.text()),
            "reason_code": st.sampled_from(["safety", "x"]),
            "summary": st.text(),
            "option_id": st.sampled_from(["o1", "o3"]),
            "why": st.text(),
        },
    ).map(json.dumps),
)
tool_names = st.sampled_from(["look", "try", "choose", "answer", "ask", "propose", "escalate", "", "x"])


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(tool_names, arguments), st.sampled_from([TALK, CASE]))
def test_whatever_the_model_calls_the_step_may_run(
    server: ChatServer, planner: HostedPlanner, call: tuple[str, str], situation: Situation
) -> None:
    server.script = [calls(call), calls(call)]
    step = planner.next_step(situation)
    assert check_step(step, situation) == []
    if isinstance(step, Answer):
        words(step, situation)


# What it may cost


def test_over_its_budget_a_conversation_goes_on_without_the_model(server: ChatServer) -> None:
    server.script = [calls(("look", {"tool": TRACK, "args": []})) for _ in range(3)]
    made = HostedPlanner(EMBEDDED, api_key="k", model="scripted", base_url=server.url, budget=Budget(1, 2))
    ana, ben, cas = (made.of_conversation(name) for name in ("ana", "ben", "cas"))
    assert ana.decide(TALK)[1].planner == "hosted"
    step, outcome = ana.decide(TALK)
    assert (step, outcome.reason) == (EMBEDDED.next_step(TALK), "the budget of the conversation is used up")
    assert ben.decide(TALK)[1].planner == "hosted"
    assert cas.decide(TALK)[1].reason == "the budget of the day is used up"
    assert cas.decide(TALK.model_copy(update={"today": "2026-11-21"}))[1].planner == "hosted"


def test_it_can_not_say_that_something_was_done_nor_ask_for_a_verdict(
    server: ChatServer, planner: HostedPlanner
) -> None:
    lies = [
        ("answer", {"template": "reply_cancel_asked", "text": "", "facts": ["order"]}),
        ("ask", {"slot": "approve case_1 digest", "question": "Shall I?", "choices": []}),
    ]
    for lie in lies:
        server.script = [calls(lie), calls(lie)]
        step, outcome = planner.decide(TALK)
        assert step == EMBEDDED.next_step(TALK)
        assert outcome.reason.startswith("invalid")
