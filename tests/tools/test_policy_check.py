"""Rules that can never match are found, and no rule that can is called so."""

from __future__ import annotations

from typing import Any

import pytest

from tools.policy import Policy, default
from tools.policy_check import Findings, check, unreachable


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


def test_two_rules_that_together_cover_a_third_are_found() -> None:
    found = unreachable(
        policy(when(stops_moved={"max": 3}), when(stops_moved={"min": 4}), when(stops_moved={"min": 2}))
    )
    assert found == {"r3": "r1, r2 together match whenever it would"}


def test_facts_that_no_rule_is_about_are_a_gap() -> None:
    halves = when(loaded={"is": False}), when(loaded={"is": True}, stops_moved={"max": 3})
    said = check(policy(*halves)).gaps["wait"]
    assert said == "no rule is about loaded true, stops_moved 4: denied by default"
    assert "wait" not in check(policy(*halves, when(stops_moved={"min": 4}))).gaps


def test_an_action_without_a_rule_or_a_level_is_a_gap() -> None:
    gaps = check(policy(when())).gaps
    assert gaps["undo"] == "no rule is about it, so it is always denied"
    assert gaps["claim"] == "it has no level, so it is never done"


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (when(loaded={"is": True}), when(stops_moved={"min": 2}), None),
        (when(loaded={"is": True}) | {"over": ["r2"]}, when(stops_moved={"min": 2}), "it says that it is meant"),
        (when(loaded={"is": True}), when(), "the later one is the general case"),
        (when(loaded={"is": True}), when(loaded={"is": False}, stops_moved={"min": 2}), "they never meet"),
        (when(loaded={"is": True}) | {"verdict": "deny"}, when(stops_moved={"min": 2}), "the stricter one is first"),
    ],
)
def test_a_looser_rule_that_cuts_into_a_stricter_one_after_it_is_a_contradiction(
    first: dict[str, Any], second: dict[str, Any], reason: str | None
) -> None:
    found = check(policy({"verdict": "auto"} | first, {"verdict": "ask"} | second)).contradictions
    said = {"r1": "auto, where r2 says ask: on loaded true, stops_moved 2"}
    assert found == ({} if reason else said), reason


def test_the_policy_that_ships_has_nothing_wrong() -> None:
    assert check(default()) == Findings()
