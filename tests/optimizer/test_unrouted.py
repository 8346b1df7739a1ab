"""What is answered without touching a route: each price and each reason why not, on both sides of its limit."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer import what_if
from optimizer.circumstances import Claim, Outage
from optimizer.options import Option, Scope
from optimizer.problem import Problem
from optimizer.unrouted import KINDS
from tests.optimizer.a_problem import road

NOTHING = Problem(matrix="", stops=(), vehicles=())
W = NOTHING.weights
GOODS = ("wait", "bring_back", "redeliver", "claim")
MISSED = ("wait", "show_proof", "tell_found", "ask_driver", "claim", "redeliver")


def answers(scope: Scope, *kinds: str) -> dict[str, Option]:
    tried = what_if.candidates(NOTHING, road(1), "x", kinds or KINDS, scope)
    return {candidate.id: what_if.evaluate(NOTHING, road(1), candidate) for candidate in tried}


def claim(**given: Any) -> dict[str, Option]:
    return answers(Scope(claim=Claim(**{"proof": True, "metres": 20, "askable": True, **given})), *MISSED)


def cheapest(found: dict[str, Option]) -> str:
    return min((o for o in found.values() if o.feasible), key=lambda o: (o.cost_cents, o.id)).id


@pytest.mark.parametrize(
    ("given", "wanted", "why"),
    [
        ({}, "show_proof", "the proof was taken at the door"),
        ({"metres": 150}, "show_proof", "it was taken near the door: asking the driver costs more"),
        ({"metres": 151}, "ask_driver", "a proof from further away proves nothing"),
        ({"metres": None}, "ask_driver", "nobody knows where it was taken"),
        ({"proof": False}, "ask_driver", "there is none"),
        ({"shown": True}, "ask_driver", "it was shown before"),
        ({"shown": True, "askable": False}, "claim", "nothing is left to ask"),
        ({"shown": True, "askable": False, "said": "with_neighbour"}, "tell_found", "the driver knows"),
        ({"shown": True, "askable": False, "said": "wrong_door"}, "claim", "that is no place to find it"),
    ],
)
def test_the_cheapest_way_to_answer_who_misses_goods(given: dict[str, Any], wanted: str, why: str) -> None:
    assert cheapest(claim(**given)) == wanted, why


def test_a_proof_is_worth_more_at_the_door() -> None:
    at_the_door, near = claim(metres=50)["show_proof"], claim(metres=51)["show_proof"]
    assert near.cost_cents - at_the_door.cost_cents == W.claim // 4


def test_goods_cost_more_than_money_and_a_drive_more_than_none() -> None:
    found = claim()
    assert found["redeliver"].cost_cents - found["claim"].cost_cents == W.postponed - W.contact
    aboard, away = (answers(Scope(claim=Claim(proof=True, aboard=each)), *GOODS) for each in (True, False))
    assert away["bring_back"].cost_cents - aboard["bring_back"].cost_cents == W.postponed


@pytest.mark.parametrize(
    ("waiting", "urgent", "other", "wanted"),
    [
        (80, 0, True, "wait"),
        (80, 0, False, "wait"),
        (80, 1, False, "wait"),
        (10, 1, True, "reroute"),
        (61, 1, True, "wait"),
    ],
)
def test_messages_wait_unless_another_way_costs_less_than_who_is_not_told(
    waiting: int, urgent: int, other: bool, wanted: str
) -> None:
    found = answers(Scope(outage=Outage(waiting=waiting, urgent=urgent, other=other)), "wait", "reroute")
    assert cheapest(found) == wanted
    assert found["wait"].promises_broken == urgent
    assert found["reroute"].feasible is other
    assert found["reroute"].cost_cents == W.rerouted * waiting
