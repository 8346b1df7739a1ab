"""The words of an answer are its own only when its facts bear them."""

from __future__ import annotations

import pytest

from agent.planner import Answer, Fact, Situation
from agent.reply import words
from core.errors import BadInput

KNOWN: dict[str, str | int] = {"order": "A1", "status": "cancelled", "stops_ahead": 4}
TALK = Situation(
    kind="conversation",
    role="customer",
    facts=tuple(
        Fact(name=name, value=value, source="tracker", at="2026-11-20T12:00:00+00:00") for name, value in KNOWN.items()
    ),
)


def test_without_words_of_its_own_the_template_goes_out_with_its_facts() -> None:
    reply = words(Answer(template="reply_cancelled"), TALK)
    assert reply.text == "Your order A1 is cancelled."
    assert [fact.name for fact in reply.facts] == ["order"]


def test_words_that_the_facts_bear_go_out() -> None:
    reply = words(Answer(template="reply_cancelled", text="Yes, A1 is cancelled.", facts=("order", "status")), TALK)
    assert (reply.text, reply.problems) == ("Yes, A1 is cancelled.", ())


def test_words_that_no_fact_bears_stay_in_and_the_template_goes_out() -> None:
    reply = words(Answer(template="reply_cancelled", text="A1 comes at 16:00.", facts=("order", "status")), TALK)
    assert reply.text == "Your order A1 is cancelled."
    assert [problem.token for problem in reply.problems] == ["16:00"]


def test_a_fact_that_the_answer_does_not_name_bears_nothing() -> None:
    reply = words(Answer(template="reply_thanks", text="There are 4 stops.", facts=("order",)), TALK)
    assert reply.text == "You are welcome."


def test_a_template_without_its_facts_is_an_error_and_not_half_a_reply() -> None:
    with pytest.raises(BadInput) as caught:
        words(Answer(template="reply_planned"), TALK)
    assert caught.value.field in {"day", "hi", "lo", "last_fact", "last_fact_age"}
