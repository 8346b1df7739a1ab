"""Who claims something after a delivery: those that were drawn, once, after the goods came."""

from __future__ import annotations

import pytest

from evals.fake_api import FakeApi
from evals.world import setup
from evals.world.claims import CLAIMS_AFTER_S, WORDS, Claims
from evals.world.day import Day
from evals.world.incidents import Incidents
from evals.world.people import Customers
from evals.world.rates import Rates
from evals.world.synthetic import synthetic

CITY = synthetic(7, orders=60, vans=3).model_copy(update={"rates": Rates(claims=0.1, live=0, cancelled=0)})
NOON = int(CITY.start.timestamp()) + 5 * 3600


@pytest.fixture
def claims() -> Claims:
    """All goods came at noon."""
    server = FakeApi(CITY.start)
    setup.prepare(server.client(), CITY, lambda words: None)
    client = server.client()
    rows = [row for depot in CITY.depots for row in client.orders(depot.id, CITY.day)]
    day = Day.of(CITY, Incidents(), rows)
    day.received = [(NOON, order.ref) for order in CITY.orders]
    return Claims(day, Customers(client, day, []))


def test_those_that_were_drawn_say_what_was_drawn_some_time_later(claims: Claims) -> None:
    claims.look()
    assert sum(claims.made.values()) == 6
    said = {text.ref: text for text in claims.customers.due}
    assert said.keys() == claims.day.fate.claimed.keys()
    for ref, text in said.items():
        assert text.words in [words.format(ref=ref) for words in WORDS[claims.day.fate.claimed[ref]]]
        assert NOON + CLAIMS_AFTER_S[0] <= text.at <= NOON + CLAIMS_AFTER_S[1]


def test_a_claim_is_made_once(claims: Claims) -> None:
    claims.look()
    claims.look()
    assert len(claims.customers.due) == 6


def test_nobody_claims_what_has_not_come(claims: Claims) -> None:
    claims.day.received = []
    claims.look()
    assert not claims.customers.due
