from __future__ import annotations

from collections import deque

import pytest

from evals.fake_api import FakeApi, say
from evals.world import setup
from evals.world.day import Day
from evals.world.incidents import Incidents
from evals.world.missed import GIVES_UP_S, Missed, number
from evals.world.people import Customers
from evals.world.rates import ANSWERS
from evals.world.synthetic import synthetic

CITY = synthetic(7, orders=40, vans=3)
NOON = int(CITY.start.timestamp()) + 5 * 3600


@pytest.fixture
def api() -> FakeApi:
    server = FakeApi(CITY.start)
    setup.prepare(server.client(), CITY, lambda words: None)
    return server


def waiting(api: FakeApi) -> Missed:
    """Every customer of the city was missed at noon."""
    client = api.client()
    rows = [row for depot in CITY.depots for row in client.orders(depot.id, CITY.day)]
    day = Day.of(CITY, Incidents(), rows)
    day.missed = [(NOON, order.ref) for order in CITY.orders]
    return Missed(client, day, Customers(client, day, []))


def offer(api: FakeApi, body: str) -> None:
    for order in api.orders.values():
        say(api, order, "failed", body, CITY.start.fromtimestamp(NOON + 30, CITY.start.tzinfo))


def test_most_who_find_an_offer_answer_it_with_one_of_the_wishes(api: FakeApi) -> None:
    missed = waiting(api)
    offer(api, "We missed you. Which day suits you?")
    missed.look(NOON + 3600)
    assert set(missed.chosen) <= {*ANSWERS, "no_answer"}
    assert sum(missed.chosen.values()) == len(CITY.orders)
    assert 0.5 <= len(missed.customers.due) / len(CITY.orders) <= 0.9
    assert all(text.at > NOON for text in missed.customers.due)
    heard = deque(missed.customers.speak(NOON + 4 * 3600))
    assert "refused" not in heard


@pytest.mark.parametrize("body", ["", "We missed you. It comes back tomorrow."])
def test_who_is_asked_nothing_says_nothing_and_gives_up(api: FakeApi, body: str) -> None:
    missed = waiting(api)
    offer(api, body)
    missed.look(NOON + 3600)
    assert not missed.chosen
    missed.look(NOON + GIVES_UP_S + 600)
    assert missed.chosen == {"no_offer": len(CITY.orders)}
    assert missed.customers.due == []


def test_a_question_from_before_the_attempt_is_no_offer(api: FakeApi) -> None:
    missed = waiting(api)
    for order in api.orders.values():
        say(api, order, "confirm", "Will you be home?", CITY.start)
    missed.look(NOON + 3600)
    assert not missed.chosen


NUMBERED = "Order A-1: write 1 to try again later today, 2 to come on the next day, 3 to send it back."


@pytest.mark.parametrize(
    ("offer", "wish", "answer"),
    [
        pytest.param(NUMBERED, "again_today", "1", id="what is wanted is offered"),
        pytest.param(NUMBERED, "tomorrow", "2", id="by other words"),
        pytest.param(NUMBERED, "neighbour", "1", id="not offered: the first thing that is"),
        pytest.param("Write 1 to have it left with a neighbour, 2 to collect it.", "pickup", "2", id="collected"),
        pytest.param("We missed you. Which day suits you?", "tomorrow", None, id="no numbers: in words"),
    ],
)
def test_an_offer_with_numbers_is_answered_by_a_number(offer: str, wish: str, answer: str | None) -> None:
    assert number(offer, wish) == answer


def test_an_offer_with_numbers_and_no_question_mark_is_an_offer(api: FakeApi) -> None:
    missed = waiting(api)
    offer(api, NUMBERED)
    missed.look(NOON + 3600)
    assert {text.words for text in missed.customers.due} == {"1", "2"}
