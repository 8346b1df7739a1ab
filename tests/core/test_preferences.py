"""How a person wants to be written to: facts once each, and a row that says how it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from core import events, people, preferences
from core.errors import BadInput, NotFound
from tests.living import at


@pytest.fixture
def ana(record: Connection) -> str:
    return people.ensure(record, "Ana", "+15550100100")


def test_an_opt_out_is_a_fact_once_and_holds(record: Connection, ana: str) -> None:
    told = [preferences.set_opted_out(record, ana, True, "somebody", at("09:00")) for _ in range(2)]
    assert told == [True, False]
    assert [(fact.kind, fact.source) for fact in events.of(record, ana)] == [("customer.opted_out", "somebody")]
    assert preferences.of(record, ana) == {"person": ana, "opted_out": True, "lang": None, "tz": None}


def test_opting_out_and_in_at_one_moment_are_facts_of_their_own(record: Connection, ana: str) -> None:
    for out in (True, False, True):
        assert preferences.set_opted_out(record, ana, out, "somebody", at("09:00"))
    assert len(events.of(record, ana)) == 3
    assert preferences.of(record, ana)["opted_out"]


def test_who_never_opted_out_has_nothing_to_take_back(record: Connection, ana: str) -> None:
    assert not preferences.set_opted_out(record, ana, False, "somebody", at("09:00"))
    assert events.of(record, ana) == []


def test_a_choice_is_kept_and_taken_back(record: Connection, ana: str) -> None:
    preferences.set_zone(record, ana, "Europe/Madrid")
    preferences.set_language(record, ana, "es")
    assert preferences.of(record, ana) | {"person": ""} == {
        "person": "", "opted_out": False, "lang": "es", "tz": "Europe/Madrid",
    }  # fmt: skip
    preferences.set_zone(record, ana, "")
    assert preferences.of(record, ana)["tz"] is None


def test_a_zone_that_no_clock_knows_is_refused(record: Connection, ana: str) -> None:
    with pytest.raises(BadInput) as caught:
        preferences.set_zone(record, ana, "Mars/Olympus")
    assert caught.value.field == "tz"


@pytest.mark.parametrize(
    "ask",
    [
        lambda db: preferences.of(db, "per_nobody"),
        lambda db: preferences.set_zone(db, "per_nobody", "Europe/Madrid"),
        lambda db: preferences.set_language(db, "per_nobody", "es"),
        lambda db: preferences.set_opted_out(db, "per_nobody", True, "x", at("09:00")),
    ],
)
def test_nobody_has_no_preferences(record: Connection, ask: Callable[[Connection], object]) -> None:
    with pytest.raises(NotFound):
        ask(record)
