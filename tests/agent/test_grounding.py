"""A reply says nothing that its facts do not: tables of what passes and what a model could invent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.grounding import check
from tools.notify import templates
from tools.notify.templates import FIELDS

OUT: dict[str, str | int | bool] = {
    "order": "A1042",
    "status": "out",
    "stops_ahead": 4,
    "lo": "14:10",
    "hi": "15:00",
    "day": "2026-11-21",
    "today": "2026-11-20",
    "fee_cents": 1250,
    "site": "Rua Bela 12",
    "person": "Maria Silva",
    "loaded": True,
    "code": "25:10",
    "seen": "2026-11-20T09:30:00+00:00",
}


@pytest.mark.parametrize(
    "text",
    [
        "Your order A1042 is out for delivery and on its way.",
        "There are 4 stops before yours, expect it between 14:10 and 15:00.",
        "Four stops, then you: 2:10 pm to 3 pm.",
        "It comes tomorrow, Saturday, Nov 21.",
        "It comes on 21 November.",
        "The fee is $12.50.",
        "Good morning! Maria brings it to Rua Bela 12.",
        "Sorry, I don't know that.",
        "",
    ],
)
def test_what_the_facts_say_may_be_said(text: str) -> None:
    assert check(text, OUT) == []


@pytest.mark.parametrize(
    ("text", "kind", "token"),
    [
        ("There are 5 stops.", "number", "5"),
        ("There are five stops.", "number", "five"),
        ("About 10% done.", "number", "10%"),
        ("In half an hour.", "number", "half"),
        ("In an hour.", "number", "an hour"),
        ("A few minutes more.", "number", "few minutes"),
        ("Order A1043 is yours.", "number", "A1043"),
        ("It comes at 16:00.", "time", "16:00"),
        ("It comes at 4pm.", "time", "4pm"),
        ("It comes at 2:10 am.", "time", "2:10 am"),
        ("We saw it at 09:30.", "time", "09:30"),  # an instant in UTC is no time to tell
        ("We saw it at 00:00.", "time", "00:00"),  # nor is its offset
        ("We saw it at 26:20.", "time", "26:20"),  # no time equals no other one
        ("It comes today.", "day", "today"),  # only the calendar says today, no fact about the order
        ("It comes on Sunday.", "day", "Sunday"),
        ("It comes on Dec 21.", "day", "Dec 21"),
        ("It comes on 2026-11-22.", "day", "2026-11-22"),
        ("It comes this afternoon.", "day", "afternoon"),
        ("The fee is $13.", "money", "$13"),
        ("The fee is 1250 dollars.", "money", "1250 dollars"),
        ("We pay 20 euros.", "money", "20 euros"),
        ("It is with your neighbor.", "place", "neighbor"),
        ("It is in the locker.", "place", "locker"),
        ("It is in Lisbon.", "name", "Lisbon"),
        ("Lisbon has it.", "name", "Lisbon"),
        ("Bob brings it.", "name", "Bob"),
        ("See https://example.org/x.", "link", "https://example.org/x."),
        ("Write to a@b.org.", "link", "a@b.org"),
        ("It was delivered.", "status", "delivered"),
        ("It was deliv\u200bered.", "status", "delivered"),
        ("It was ｄｅｌｉｖｅｒｅｄ.", "status", "delivered"),
        ("You get a refund.", "status", "refund"),
        ("We guarantee it.", "status", "guarantee"),
        ("It is delayed.", "status", "delayed"),
        ("已送达", "name", "已送达"),
    ],
)
def test_what_no_fact_says_is_found(text: str, kind: str, token: str) -> None:
    assert (kind, token) in {(found.kind, found.token) for found in check(text, OUT)}


STATUSES = ("new", "planned", "unassigned", "out", "delivered", "failed", "cancelled", "rescheduled", "returned")


@pytest.mark.parametrize("status", STATUSES)
def test_our_own_replies_about_an_order_pass_with_its_facts(status: str) -> None:
    """But for words that open a sentence, which a model has to choose from a short list."""
    facts = {field: FIELDS[field] for field in templates.fields(f"reply_{status}")}
    text = templates.render(f"reply_{status}", lang="en", **facts)
    known = {**facts, "status": status, "site": "depot", "next": "planned"}
    assert [problem for problem in check(text, known) if problem.kind != "name"] == []


@given(
    st.text(alphabet=st.characters(codec="utf-8")),
    st.dictionaries(st.text(), st.text() | st.integers() | st.booleans()),
)
def test_any_text_can_be_checked(text: str, facts: dict[str, str | int | bool]) -> None:
    check(text, facts)


@given(st.integers(0, 99_999), st.integers(0, 99_999))
def test_a_number_passes_only_when_it_is_the_facts(said: int, known: int) -> None:
    assert (check(f"There are {said} of them.", {"count": known}) == []) is (said == known)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 23), st.integers(0, 59))
def test_a_time_passes_only_when_it_is_the_facts(hour: int, minute: int, known_hour: int, known_minute: int) -> None:
    found = check(f"It comes at {hour:02d}:{minute:02d}.", {"lo": f"{known_hour:02d}:{known_minute:02d}"})
    assert (found == []) is ((hour, minute) == (known_hour, known_minute))
