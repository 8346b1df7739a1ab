"""Rules read what customers and dispatchers write, and admit what they do not know."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.embedded.understand import SURE, read_day, read_order, understand
from agent.planner import Role

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
        ("when do you start?", "unknown"),
        ("unsubscribe.", "opt_out"),
        ("please stop texting me", "opt_out"),
        ("cancel my order", "cancel_order"),
        ("I've moved, new address", "change_address"),
        ("I want my money back", "refund"),
        ("it says delivered but I never received it", "not_received"),
        ("the box is crushed", "damaged"),
        ("thanks!", "thanks"),
        ("hello", "greeting"),
        ("yes", "confirm"),
        ("no", "deny"),
        ("help", "help"),
        ("what's the weather like", "out_of_scope"),
        ("tell me a joke", "out_of_scope"),
        ("asdf", "unknown"),
        ("", "unknown"),
        ("\U0001f600", "unknown"),
    ],
)
def test_customers_are_understood(text: str, intent: str) -> None:
    got = understand(text, "customer", TODAY)
    assert got.intent == intent
    assert (got.confidence >= SURE) is (intent != "unknown")


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("how is the fleet doing", "fleet_status"),
        ("which vans are running late?", "fleet_status"),
        ("why was order A1042 moved", "why"),
        ("where is order A1042", "where_is_order"),
        ("STOP", "unknown"),  # staff do not opt out
        ("driver is bleeding", "safety"),
    ],
)
def test_dispatchers_are_understood(text: str, intent: str) -> None:
    assert understand(text, "dispatcher", TODAY).intent == intent


@pytest.mark.parametrize("text", ["I want a refund and another day", "cancel my order or change the address"])
def test_two_wishes_at_once_are_not_sure(text: str) -> None:
    assert understand(text, "customer", TODAY).confidence < SURE


@pytest.mark.parametrize("text", ["hello, stop texting me, where is my order", "where is it? the driver has a gun"])
def test_safety_and_opt_out_come_before_anything_else(text: str) -> None:
    assert understand(text, "customer", TODAY).intent in {"opt_out", "safety"}


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("where is #1042", "1042"),
        ("order 1042?", "1042"),
        ("order number is A-1042.", "A-1042"),
        ("where's ORD-55-7", "ORD-55-7"),
        ("where is A1042/2?", "A1042/2"),  # a second attempt
        ("tracking: 20261120", "20261120"),
        ("I placed an order 2 days ago", None),
        ("deliver on 2026-11-21", None),
        ("call me at +1 (555) 555-0123", None),
        ("my order is late", None),
    ],
)
def test_an_order_reference_is_read_and_a_date_or_phone_is_none(text: str, order: str | None) -> None:
    assert read_order(text) == order


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2026-11-20"),
        ("tomorrow pls", "2026-11-21"),
        ("the day after tomorrow", "2026-11-22"),
        ("on friday", "2026-11-27"),  # today is Friday: they mean the next one
        ("next Mon", "2026-11-23"),
        ("Thursday!", "2026-11-26"),
        ("in 3 days", "2026-11-23"),
        ("2026-12-01", "2026-12-01"),
        ("2026-02-30", None),
        ("someday", None),
        ("in the sundial", None),
    ],
)
def test_a_day_is_read_in_words(text: str, day: str | None) -> None:
    assert read_day(text, TODAY) == day


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
