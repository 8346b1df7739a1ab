"""Orders, days, times, phones, amounts, addresses and names are read as people write them, in English and Spanish."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding import dates, slots

TODAY = date(2026, 11, 20)  # a Friday


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
    assert slots.read_order(text) == order


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
    assert dates.read_day(text, TODAY) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("mañana", "2026-11-21"),
        ("mañana por la mañana", "2026-11-21"),
        ("por la mañana", None),
        ("pasado mañana", "2026-11-22"),
        ("el lunes porfa", "2026-11-23"),
        ("la semana que viene", "2026-11-23"),
        ("dec 3", "2026-12-03"),
        ("3 de diciembre", "2026-12-03"),
        ("the 14th", "2026-12-14"),
        ("12/24 works", "2026-12-24"),
        ("24/12 works", "2026-12-24"),  # there is no 24th month
        ("in a week", "2026-11-27"),
        ("this weekend", "2026-11-21"),
        ("not today, bring it tomorrow", "2026-11-21"),
    ],
)
def test_a_day_is_read_in_other_words_too(text: str, day: str | None) -> None:
    assert dates.read_day(text, TODAY) == day


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("after 5", {"after": "17:00"}),
        ("before noon please", {"before": "12:00"}),
        ("between 3 and 5", {"after": "15:00", "before": "17:00"}),
        ("entre las 3 y las 5", {"after": "15:00", "before": "17:00"}),
        ("5-7pm", {"after": "17:00", "before": "19:00"}),
        ("from 9 to 11", {"after": "09:00", "before": "11:00"}),
        ("after 9 before 11am", {"after": "09:00", "before": "11:00"}),
        ("at 6:30 pm", {"at": "18:30"}),
        ("en la tarde", {"after": "12:00", "before": "17:00"}),
        ("in the morning", {"after": "08:00", "before": "12:00"}),
        ("after 45", {}),
        ("whenever", {}),
    ],
)
def test_times_are_read(text: str, times: dict[str, str]) -> None:
    assert dates.read_times(text) == times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call me at +1 (555) 555-0123", {"phone": "+15555550123"}),
        ("text 512 555 0188", {"phone": "5125550188"}),
        ("refund me $12.50 for A-1042", {"amount_cents": 1250, "currency": "USD", "order": "A-1042"}),
        ("me deben 40 euros", {"amount_cents": 4000, "currency": "EUR"}),
        ("send it to 450 elm street apt 4", {"address": "450 elm street apt 4"}),
        ("vivo en calle luna 22 piso 3", {"address": "calle luna 22 piso 3"}),
        ("gate code is #4412", {"code": "#4412"}),
        ("move 4471 to van 3", {"order": "4471", "vehicle": "van 3"}),
        ("give mike's last 3 stops to sara", {"names": ["mike", "sara"], "quantity": 3, "of": "stops"}),
        ("we are 30 min late", {"minutes": 30}),
        ("the second one", {"choice": 2}),
        ("3", {"choice": 3}),
    ],
)
def test_what_a_message_names_is_read(text: str, expected: dict[str, Any]) -> None:
    found = slots.read(text, TODAY, staff=True)
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "before", "language"),
    [
        ("where is my order", "en", "en"),
        ("dónde está mi pedido", "en", "es"),
        ("A-7731", "es", "es"),
        ("A-7731", "en", "en"),
        ("¿ya?", "en", "es"),
    ],
)
def test_the_language_is_known_or_stays(text: str, before: str, language: str) -> None:
    assert slots.language(text, before) == language


@given(st.text())
def test_any_text_is_read_as_json(text: str) -> None:
    found = slots.read(text, TODAY, staff=True)
    assert json.loads(json.dumps(found)) == found
