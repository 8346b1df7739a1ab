"""What customers and dispatchers write is read, and what is not known is admitted."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.planner import Role
from agent.understanding.understand import SURE, understand

TODAY = date(2026, 11, 20)  # a Friday


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("where is my order", "where_is_order"),
        ("wheres my package??", "where_is_order"),
        ("When will it arrive?", "where_is_order"),
        ("what's the ETA on #1042", "where_is_order"),
        ("any update on my delivery", "where_is_order"),
        ("how many stops until you get here", "where_is_order"),
        ("hi, when is my parcel coming?", "where_is_order"),
        ("can you deliver tomorrow instead", "reschedule"),
        ("I need to reschedule", "reschedule"),
        ("Move A-1042 to friday please", "reschedule"),
        ("I won't be home today", "reschedule"),
        ("could you bring it on monday?", "reschedule"),
        ("another day please", "reschedule"),
        ("I want to talk to a person", "talk_to_human"),
        ("can someone call me, I want to speak with a manager", "talk_to_human"),
        ("HUMAN", "talk_to_human"),
        ("your driver hit my fence and he is drunk", "safety"),
        ("the van is on fire", "safety"),
        ("i'm hurt", "safety"),
        ("STOP", "opt_out"),
        ("START", "opt_in"),
        ("unstop", "opt_in"),
        ("when do you start?", "out_of_scope"),
        ("unsubscribe.", "opt_out"),
        ("please stop texting me", "opt_out"),
        ("cancel my order", "cancel_order"),
        ("I've moved, new address", "change_address"),
        ("I want my money back", "refund"),
        ("it says delivered but I never received it", "not_received"),
        ("the box is crushed", "damaged_or_wrong"),
        ("thanks!", "thanks"),
        ("hello", "greeting"),
        ("yes", "confirm"),
        ("no", "deny"),
        ("help", "help"),
        ("what's the weather like", "out_of_scope"),
        ("tell me a joke", "out_of_scope"),
        ("asdf", "out_of_scope"),
        ("", "out_of_scope"),
        ("\U0001f600", "out_of_scope"),
    ],
)
def test_customers_are_understood(text: str, intent: str) -> None:
    assert understand(text, "customer", TODAY).intent == intent


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("how is the fleet doing", "fleet_status"),
        ("which vans are running late?", "fleet_status"),
        ("why was order A1042 moved", "why"),
        ("where is order A1042", "where_is_order"),
        ("STOP", "out_of_scope"),  # staff do not opt out
        ("driver is bleeding", "safety"),
    ],
)
def test_dispatchers_are_understood(text: str, intent: str) -> None:
    assert understand(text, "dispatcher", TODAY).intent == intent


@pytest.mark.parametrize("text", ["", "asdf", "\U0001f600"])
def test_what_says_nothing_is_not_sure(text: str) -> None:
    assert understand(text, "customer", TODAY).confidence < SURE


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("where is my order? and please leave it with the neighbor", {"where_is_order", "delivery_instructions"}),
        ("my box came smashed. i want my money back", {"damaged_or_wrong", "refund"}),
        ("cancel my order and also stop texting me", {"cancel_order", "opt_out"}),
        ("the driver was so rude, i want to talk to a manager", {"complaint", "talk_to_human"}),
    ],
)
def test_two_wishes_in_one_message_are_both_seen(text: str, wishes: set[str]) -> None:
    got = understand(text, "customer", TODAY)
    assert {got.intent, *got.also} >= wishes


@pytest.mark.parametrize("text", ["ok do it", "approved", "yes"])
def test_a_dispatchers_yes_is_an_approval(text: str) -> None:
    assert understand(text, "dispatcher").intent == "approve"


def test_a_dispatchers_small_talk_is_out_of_scope_and_named() -> None:
    got = understand("good morning", "dispatcher")
    assert (got.intent, got.also) == ("out_of_scope", ("greeting",))


@pytest.mark.parametrize(
    "text",
    ["To unsubscribe from this club reply STOP to 80082, cost 50p", "the party starts at 8, dont be late babe"],
)
def test_chatter_and_spam_change_nothing(text: str) -> None:
    assert understand(text).intent == "out_of_scope"


@pytest.mark.parametrize("text", ["hello, stop texting me, where is my order", "where is it? the driver has a gun"])
def test_safety_and_opt_out_come_before_anything_else(text: str) -> None:
    assert understand(text, "customer", TODAY).intent in {"opt_out", "safety"}


def test_without_a_calendar_a_day_stays_in_words() -> None:
    assert understand("bring it on Friday", "customer").slots["day"] == "friday"


@given(st.text(), st.sampled_from(["customer", "dispatcher", "driver", "ops_lead", "system"]))
def test_any_text_is_read_the_same_twice(text: str, role: Role) -> None:
    got = understand(text, role, TODAY)
    assert got == understand(text, role, TODAY)
    assert 0 <= got.confidence <= 1


def test_a_long_message_is_read_quickly() -> None:
    text = "can you deliver where is when will " * 2_000
    started = time.perf_counter()
    understand(text, "customer", TODAY)
    assert time.perf_counter() - started < 1
