"""Conversations: lines in the order they were said, one open question, and an opt-out that is a fact."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import Connection, select

from core import threads
from core.principals import Principal
from core.store.tables import message
from tests.living import a_depot, an_order, at, customer_of, who


@pytest.fixture
def ana(record: Connection) -> Principal:
    a_depot(record)
    return customer_of(record, an_order(record, "A1"))


def say(db: Connection, who: Principal, direction: str, words: str, now: datetime) -> None:
    threads.open_of(db, who, now).say(direction, words, now)


def said(db: Connection, who: Principal) -> list[str]:
    return [f"{row.direction} {row.body}" for row in threads.open_of(db, who, at("10:00")).lines]


def test_lines_come_oldest_first(record: Connection, ana: Principal) -> None:
    say(record, ana, "in", "hello", at("09:00"))
    say(record, ana, "out", "hi", at("09:01"))
    say(record, ana, "in", "where is it?", at("09:02"))
    assert said(record, ana) == ["in hello", "out hi", "in where is it?"]


def test_lines_of_one_moment_keep_the_order_they_were_said_in(record: Connection, ana: Principal) -> None:
    talk = [("in", "hello"), ("out", "hi"), ("in", "where is it?"), ("out", "which?"), ("in", "A1"), ("out", "soon")]
    for direction, words in talk:
        say(record, ana, direction, words, at("09:00"))
    assert said(record, ana) == [f"{direction} {words}" for direction, words in talk], "a paused clock stands still"


def test_only_the_newest_lines_are_read(record: Connection, ana: Principal) -> None:
    for minute in range(12):
        say(record, ana, "in", str(minute), at(f"09:{minute:02}"))
    assert said(record, ana) == [f"in {minute}" for minute in range(2, 12)]


def test_what_is_said_in_one_go_follows_on(record: Connection, ana: Principal) -> None:
    talk = threads.open_of(record, ana, at("09:00"))
    first, _ = talk.say("in", "hello?", at("09:00"))
    second, later = talk.say("in", "hello?", at("09:00"))
    assert (first != second, later > at("09:00")) == (True, True)
    assert said(record, ana) == ["in hello?", "in hello?"]


def test_saying_the_same_twice_is_saying_it_twice(record: Connection, ana: Principal) -> None:
    say(record, ana, "in", "hello?", at("09:00"))
    say(record, ana, "in", "hello?", at("09:00"))
    assert said(record, ana) == ["in hello?", "in hello?"]


def test_each_has_a_thread_of_their_own(record: Connection, ana: Principal) -> None:
    dan = who(record, "dispatcher")
    say(record, ana, "in", "mine", at("09:00"))
    say(record, dan, "in", "his", at("09:00"))
    assert (said(record, ana), said(record, dan)) == (["in mine"], ["in his"])


def test_a_customers_words_belong_to_their_person_and_staffs_to_nobody(record: Connection, ana: Principal) -> None:
    say(record, ana, "in", "mine", at("09:00"))
    say(record, who(record, "dispatcher"), "in", "his", at("09:00"))
    owners = {row.body: row.person_id for row in record.execute(select(message))}
    assert owners == {"mine": ana.subject, "his": None}


def test_one_question_is_open_at_a_time(record: Connection, ana: Principal) -> None:
    def question() -> str | None:
        return threads.open_of(record, ana, at("09:00")).question

    assert question() is None
    threads.open_of(record, ana, at("09:00")).ask("order", at("09:00"))
    threads.open_of(record, ana, at("09:01")).ask("day", at("09:01"))
    assert question() == "day"
    threads.open_of(record, ana, at("09:02")).ask(None, at("09:02"))
    assert question() is None
