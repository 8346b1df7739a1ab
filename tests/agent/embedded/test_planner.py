"""The embedded planner, step by step as the loop would drive it, and its choice in cases."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.embedded.planner import EmbeddedPlanner, choose
from agent.planner import (
    Answer,
    Ask,
    Choose,
    Escalate,
    Fact,
    Line,
    Look,
    Option,
    Planner,
    Propose,
    Role,
    Situation,
    Step,
    check_step,
)
from agent.reply import words
from agent.staff.steps import FLEET, PROOF, QUOTE, TRACK, VAN, WHY

PLANNER: Planner = EmbeddedPlanner()
OUT: dict[str, str | int] = {
    "order": "A1042",
    "status": "out",
    "day": "2026-11-20",
    "lo": "14:10",
    "hi": "15:00",
    "stops_ahead": 4,
    "last_fact": "delivered the stop before",
    "last_fact_age": "6 minutes",
}


def talk(
    *said: str,
    facts: dict[str, str | int] | None = None,
    question: str | None = None,
    role: Role = "customer",
    channel: str = "sms",
) -> Situation:
    known = (Fact(name=n, value=v, source="t", at="2026-11-20T12:00:00+00:00") for n, v in (facts or {}).items())
    return Situation(
        kind="conversation",
        role=role,
        channel=channel,
        messages=tuple(Line(who="them", text=text) for text in said),
        facts=tuple(known),
        allowed_tools=(TRACK, "reschedule") if role == "customer" else (TRACK, FLEET, WHY),
        question_open=question,
        today="2026-11-20",
    )


def step(*said: str, **rest: object) -> Step:
    situation = talk(*said, **rest)  # type: ignore[arg-type]
    got = PLANNER.next_step(situation)
    assert check_step(got, situation) == []
    assert PLANNER.next_step(situation) == got
    return got


def test_where_is_my_order_looks_and_then_answers_from_the_facts() -> None:
    assert step("where is my order") == Look(tool=TRACK)
    assert step("where is order #1042?") == Look(tool=TRACK, args={"order": "1042"})
    answer = step("where is order #1042?", facts=OUT)  # a reference may be a part of ours
    assert isinstance(answer, Answer)
    text = words(answer, talk(facts=OUT)).text
    assert all(part in text for part in ("A1042", "4", "14:10", "15:00", "6 minutes"))


def test_a_fact_about_another_order_does_not_answer() -> None:
    assert step("where is B777?", facts=OUT) == Look(tool=TRACK, args={"order": "B777"})


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"orders": "A1, A2"}, Ask(slot="order", question="Which order is it about?", choices=("A1", "A2"))),
        ({"orders": ""}, Answer(template="reply_no_order", facts=("orders",))),
        ({"not_found": "B7"}, Answer(template="reply_not_found", facts=("not_found",))),
    ],
)
def test_when_the_order_is_not_clear_it_asks_or_says_so(facts: dict[str, str | int], expected: Step) -> None:
    assert step("where is my order", facts=facts) == expected


@pytest.mark.parametrize(
    "status", ["new", "planned", "unassigned", "out", "delivered", "failed", "cancelled", "rescheduled", "returned"]
)
def test_every_order_status_has_a_reply(status: str) -> None:
    facts = OUT | {"status": status}
    answer = step("where is my order", facts=facts)
    assert isinstance(answer, Answer)
    assert answer.template == f"reply_{status}"
    assert "A1042" in words(answer, talk(facts=facts)).text


def test_a_status_that_nobody_knows_goes_to_a_person() -> None:
    got = step("where is my order", facts=OUT | {"status": "teleported"})
    assert isinstance(got, Escalate)
    got = step("where is my order", facts={"order": "A1", "status": "out"})
    assert isinstance(got, Escalate)
    assert "stops_ahead" in got.summary


def test_reschedule_asks_for_the_day_and_then_proposes() -> None:
    first = "I need to reschedule"
    assert step(first) == Look(tool=TRACK)
    asked = step(first, facts=OUT | {"status": "planned"})
    assert isinstance(asked, Ask)
    assert asked.slot == "day"
    wanted = Propose(action="reschedule", args={"order": "A1042", "day": "2026-11-23"})
    assert step(first, "Monday", question="day", facts=OUT | {"status": "planned"}) == wanted
    assert step("move it to monday please", facts=OUT | {"status": "planned"}) == wanted


def test_the_answer_to_which_order_keeps_the_wish_and_its_day() -> None:
    said = ("bring it on monday instead", "A2")
    assert step(*said, question="order") == Look(tool=TRACK, args={"order": "A2"})
    got = step(*said, question="order", facts=OUT | {"order": "A2", "status": "planned"})
    assert got == Propose(action="reschedule", args={"order": "A2", "day": "2026-11-23"})


@pytest.mark.parametrize("status", ["delivered", "cancelled"])
def test_what_is_over_is_not_rescheduled(status: str) -> None:
    assert isinstance(step("move it to monday please", facts=OUT | {"status": status}), Answer)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("let me talk to a person", "asked_for_human"),
        ("your driver is drunk", "safety"),
        ("STOP", "opted_out"),
        ("CANCEL", "opted_out"),
        ("START", "opted_in"),
        ("I want my money back", "refund_wanted"),
        ("i want to file a complaint about your driver", "complaint"),
        ("do you deliver on sundays", "asks_policy"),
        ("pls leave it with my neighbor", "change_wanted"),
        ("cancel my order", "cannot_do"),  # not among what may be proposed here
    ],
)
@pytest.mark.parametrize("question", [None, "day", "order", "intent"])
def test_some_wishes_go_to_a_person_whatever_was_asked(text: str, code: str, question: str | None) -> None:
    got = step("where is my order", text, question=question)
    assert isinstance(got, Escalate)
    assert got.reason_code == code


def test_a_carriers_word_alone_is_an_opt_out_only_by_phone() -> None:
    assert isinstance(step("cancel", channel="chat"), Ask)
    assert isinstance(step("stop texting me", channel="chat"), Escalate)


@pytest.mark.parametrize("text", ["asdf", "yes", "refund me and cancel the order", ""])
def test_unsure_asks_once_and_then_hands_over(text: str) -> None:
    asked = step(text)
    assert isinstance(asked, Ask)
    assert len(asked.choices) == 3
    handed = step(text, "hmm", question=asked.slot)
    assert isinstance(handed, Escalate)
    assert handed.reason_code == "not_understood"


@pytest.mark.parametrize("text", ["hello", "thank you", "help", "tell me a joke"])
def test_small_talk_gets_a_short_answer(text: str) -> None:
    got = step(text)
    assert isinstance(got, Answer)
    assert words(got, talk()).text


def test_dispatchers_get_the_fleet_and_the_reason() -> None:
    counts: dict[str, str | int] = {"vans_out": 14, "stops_left": 200, "late_stops": 3, "open_cases": 2}
    assert step("how is the fleet doing", role="dispatcher") == Look(tool=FLEET)
    answer = step("how is the fleet doing", role="dispatcher", facts=counts)
    assert isinstance(answer, Answer)
    assert "14" in words(answer, talk(facts=counts)).text
    assert step("why was order A1042 moved", role="dispatcher") == Look(tool=TRACK, args={"order": "A1042"})
    found = step("why was order A1042 moved", role="dispatcher", facts={"order": "A1042"})
    assert found == Look(tool=WHY, args={"order": "A1042"})


@given(st.text(), st.sampled_from([None, "order", "day", "intent", "?"]), st.booleans())
def test_any_message_gets_a_step_that_may_run(text: str, question: str | None, known: bool) -> None:
    step("where is my order", text, question=question, facts=OUT if known else None)  # which checks it


# Cases


def option(id_: str, cost: int, feasible: bool = True) -> Option:
    return Option(id=id_, kind="wait", cost_cents=cost, feasible=feasible, why="" if feasible else "the van is full")


def test_the_cheapest_that_can_be_done_is_chosen_with_the_reason() -> None:
    got = choose((option("a", 300), option("b", 120), option("c", 5, feasible=False)))
    assert isinstance(got, Choose)
    assert got.option_id == "b"
    assert "120 cents" in got.why
    assert "180 cents more" in got.why
    assert "c can't be done: the van is full" in got.why


def test_equal_costs_go_by_id_in_any_order() -> None:
    options = (option("b", 5), option("a", 5), option("c", 5))
    for order in itertools.permutations(options):
        got = choose(order)
        assert isinstance(got, Choose)
        assert got.option_id == "a"


@pytest.mark.parametrize("options", [(), (option("a", 1, feasible=False),)])
def test_without_a_feasible_option_a_person_decides(options: tuple[Option, ...]) -> None:
    got = PLANNER.next_step(Situation(kind="case", role="system", options=options))
    assert isinstance(got, Escalate)
    assert got.reason_code == "no_feasible_option"


costs = st.lists(st.tuples(st.integers(-5000, 5000), st.booleans()), max_size=6)


@given(costs)
def test_nothing_feasible_is_cheaper_than_what_is_chosen(drawn: list[tuple[int, bool]]) -> None:
    options = tuple(option(f"o{n}", cost, feasible) for n, (cost, feasible) in enumerate(drawn))
    got = choose(options)
    feasible = {o.id: o.cost_cents for o in options if o.feasible}
    if isinstance(got, Choose):
        assert feasible[got.option_id] == min(feasible.values())
    else:
        assert not feasible


# In Spanish, proofs, and what dispatchers look up


def test_spanish_is_answered_in_spanish() -> None:
    situation = talk("dónde está mi pedido", facts=OUT).model_copy(update={"language": "es"})
    answer = PLANNER.next_step(situation)
    assert isinstance(answer, Answer)
    assert "Su pedido A1042" in words(answer, situation).text
    asked = PLANNER.next_step(talk("asdf").model_copy(update={"language": "es"}))
    assert isinstance(asked, Ask)
    assert asked.choices[0] == "dónde está mi pedido"


def test_a_proof_is_looked_up_for_what_was_delivered() -> None:
    there = talk("who signed for it", facts=OUT | {"status": "delivered"})
    there = there.model_copy(update={"allowed_tools": (*there.allowed_tools, PROOF)})
    assert PLANNER.next_step(there) == Look(tool=PROOF, args={"order": "A1042"})
    found = talk("who signed for it", facts=OUT | {"status": "delivered", "proof": "signature"})
    found = found.model_copy(update={"allowed_tools": (*found.allowed_tools, PROOF)})
    answer = PLANNER.next_step(found)
    assert isinstance(answer, Answer)
    assert "a signature" in words(answer, found).text


def test_dispatchers_ask_for_a_van_by_its_number_or_its_driver() -> None:
    tools = (TRACK, FLEET, VAN, QUOTE)
    for said, about in (("where is van 12", "van 12"), ("how's mike doing on his route", "mike")):
        situation = talk(said, role="dispatcher").model_copy(update={"allowed_tools": tools})
        assert PLANNER.next_step(situation) == Look(tool=VAN, args={"about": about})
    several = talk("where is mike", role="dispatcher", facts={"vans": "V1, V2"})
    asked = PLANNER.next_step(several.model_copy(update={"allowed_tools": tools}))
    assert isinstance(asked, Ask)
    assert asked.choices == ("V1", "V2")
    priced = talk("get me a quote for #1042", role="dispatcher").model_copy(update={"allowed_tools": tools})
    assert PLANNER.next_step(priced) == Look(tool=TRACK, args={"order": "1042"})
    known = (Fact(name="order", value="A1042", source="t", at="2026-11-20T12:00:00+00:00"),)
    assert PLANNER.next_step(priced.model_copy(update={"facts": known})) == Look(tool=QUOTE, args={"order": "A1042"})


@pytest.mark.parametrize(
    "said",
    [
        "My lawyer will be in touch about this",
        "I'll see you in small claims court",
        "Under GDPR I demand that you delete my data",
        "I will report you to the police",
        "Mi abogado les escribirá",
        "I'm going to sue you",
    ],
)
def test_words_of_the_law_go_to_a_person(said: str) -> None:
    step = EmbeddedPlanner().next_step(talk(said))
    assert isinstance(step, Escalate)
    assert step.reason_code == "legal"


def test_what_names_an_order_and_is_not_understood_is_asked_about_not_brushed_off() -> None:
    step = EmbeddedPlanner().next_step(talk("the moon and order ACME-1292 sing of cheese"))
    assert isinstance(step, Ask)
