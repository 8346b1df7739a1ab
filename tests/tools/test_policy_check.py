"""Rules that can never match are found, and no rule that can is called so."""

from __future__ import annotations

from typing import Any

import pytest

from tools.policy import Policy, default
from tools.policy_check import unreachable


def policy(*rules: dict[str, Any], level: int = 2) -> Policy:
    usual = {"action": "wait", "verdict": "ask", "why": "because it is so"}
    written = [{"id": f"r{number}", **usual, **rule} for number, rule in enumerate(rules, 1)]
    return Policy.model_validate({"name": "p", "levels": {"wait": level, "undo": 2}, "limits": {}, "rules": written})


def when(**facts: dict[str, Any]) -> dict[str, Any]:
    return {"when": facts}


COVERED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (when(), when(loaded={"is": True}), "a rule without a condition takes all"),
    (when(loaded={"is": True}), when(loaded={"is": True}), "the same condition"),
    (when(loaded={"is": True}), when(loaded={"is": True}, stops_moved={"max": 1}), "one condition more"),
    (when(stops_moved={"max": 5}), when(stops_moved={"max": 3}), "a smaller most"),
    (when(stops_moved={"min": 1}), when(stops_moved={"min": 2, "max": 4}), "a range inside"),
    (when(stops_moved={"min": 1, "max": 5}), when(stops_moved={"is": 3}), "a value inside"),
    (when(requester={"in": ["driver", "admin"]}), when(requester={"in": ["admin"]}), "fewer names"),
    (when(requester={"in": ["driver", "admin"]}), when(requester={"is": "driver"}), "one of the names"),
]
OPEN: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (when(loaded={"is": True}), when(), "the later one is wider"),
    (when(loaded={"is": True}), when(loaded={"is": False}), "another value"),
    (when(loaded={"is": True}), when(verified={"is": True}), "another fact"),
    (when(stops_moved={"max": 3}), when(stops_moved={"max": 4}), "a larger most"),
    (when(stops_moved={"min": 2}), when(stops_moved={"max": 4}), "ranges that only overlap"),
    (when(stops_moved={"is": 1}), when(stops_moved={"max": 1}), "a range around a value"),
    (when(stops_moved={"is": 1}), when(loaded={"is": True}), "true is not 1"),
    (when(requester={"in": ["driver"]}), when(requester={"in": ["driver", "admin"]}), "more names"),
    (when(requester={"in": ["driver"]}), when(requester={"is": "admin"}), "a name of no list"),
    (when() | {"action": "undo"}, when(), "a rule of another action"),
]


@pytest.mark.parametrize(("earlier", "later", "reason"), COVERED, ids=[row[2] for row in COVERED])
def test_a_rule_that_an_earlier_one_takes_all_of_never_matches(
    earlier: dict[str, Any], later: dict[str, Any], reason: str
) -> None:
    assert unreachable(policy(earlier, later)) == {"r2": "r1 stands before it and matches whenever it would"}, reason


@pytest.mark.parametrize(("earlier", "later", "reason"), OPEN, ids=[row[2] for row in OPEN])
def test_a_rule_with_something_left_to_match_is_let_be(
    earlier: dict[str, Any], later: dict[str, Any], reason: str
) -> None:
    assert unreachable(policy(earlier, later)) == {}, reason


def test_what_is_only_reported_is_never_done() -> None:
    found = unreachable(policy(when(loaded={"is": True}) | {"verdict": "auto"}, {"verdict": "deny"}, level=0))

    assert found == {"r1": "wait has level 0: it is reported, never done"}


def test_every_rule_of_the_policy_that_ships_can_match() -> None:
    assert unreachable(default()) == {}
