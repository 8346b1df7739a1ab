"""Why not otherwise? What would have had to be different for a decision to come out another way.

Computed from the recorded inputs alone: by how much each other option would have had to be cheaper to be chosen, and
which single fact or limit, changed alone, would have changed what policy said. Each answer is tried, not guessed: the
verdict on the changed facts is policy's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from agent import replay
from core import decisions
from core.errors import WrongState
from tools import desk, kinds, policy_check
from tools.policy import LIMITS, Policy, Value, Verdict


class Otherwise(BaseModel):
    """One thing that would have made a difference, alone."""

    model_config = ConfigDict(frozen=True)

    what: str
    """`option`, `fact` or `limit`"""
    name: str
    was: str
    needed: str
    then: str
    """what would have come out: the option's id, or the verdict with its rule"""

    def __str__(self) -> str:
        if self.what == "option":
            return f"{self.then} would have been chosen had it been {self.needed} cents cheaper"
        return f"with {self.what} {self.name} {self.needed} instead of {self.was}: {self.then}"


def of_decision(db: Connection, decision_id: str) -> list[Otherwise]:
    """All single changes that would have changed a decision. Raises NotFound, and WrongState for one that no options
    led to."""
    body = decisions.body(db, decision_id)
    if "facts" not in body["inputs"] or not body["outcome"].get("picked"):
        raise WrongState(f"Decision {decision_id} chose among no options.", "Ask about one that a case led to.")
    inputs = replay.load(db, body["inputs"])
    options = {option["id"]: option for option in body["outcome"]["options"]}
    taken = options[body["outcome"]["picked"]]
    return [
        *_cheaper(options, taken),
        *_facts(inputs.policy, inputs.kind, inputs.stop, inputs.facts, taken),
        *limits(inputs.policy, inputs.kind, inputs.stop, inputs.facts, taken),
    ]


def _cheaper(options: Mapping[str, Mapping[str, Any]], taken: Mapping[str, Any]) -> Iterator[Otherwise]:
    """What each other option that could be done lacked in price; of equals the first by id is chosen."""
    for name, option in sorted(options.items()):
        if option["feasible"] and name != taken["id"]:
            gap = option["cost_cents"] - taken["cost_cents"] + (name > taken["id"])
            if gap > 0:
                was = str(option["cost_cents"])
                yield Otherwise(what="option", name=name, was=was, needed=str(gap), then=name)


def _facts(
    rules: Policy, kind: str, stop: str, facts: Mapping[str, Value], taken: Mapping[str, Any]
) -> Iterator[Otherwise]:
    """Each fact that the rules of the action name, at each value at which they could tell a difference."""
    action = kinds.action_kind(kind, taken)
    was = desk.judge(rules, action, stop, facts, taken)
    all_facts = {**facts, **desk.option_facts(taken)}
    mine = [rule for rule in rules.rules if rule.action == action]
    for name in sorted({name for rule in mine for name in rule.when}):
        seen = {was.verdict}
        for value in policy_check.values_of(name, mine):
            then = desk.judge_facts(rules, action, stop, {**all_facts, name: value})
            if then.verdict not in seen and value != all_facts.get(name):
                seen.add(then.verdict)
                known = str(all_facts.get(name, "not known")).lower()
                yield Otherwise(what="fact", name=name, was=known, needed=str(value).lower(), then=_said(then))


def limits(
    rules: Policy, kind: str, stop: str, facts: Mapping[str, Value], taken: Mapping[str, Any]
) -> Iterator[Otherwise]:
    """Each limit, raised to what the option needs or lowered to just below it."""
    action = kinds.action_kind(kind, taken)
    was = desk.judge(rules, action, stop, facts, taken)
    all_facts = {**facts, **desk.option_facts(taken)}
    for name, parts in LIMITS.items():
        amounts = [all_facts.get(part) for part in parts]
        if not all(isinstance(amount, int) for amount in amounts):
            continue
        needs = sum(int(amount or 0) for amount in amounts)
        for most in (needs, needs - 1):
            if most < 0 or most == rules.limits[name]:
                continue
            changed = rules.model_copy(update={"limits": {**rules.limits, name: most}})
            then = desk.judge(changed, action, stop, facts, taken)
            if then.verdict != was.verdict:
                yield Otherwise(
                    what="limit", name=name, was=str(rules.limits[name]), needed=str(most), then=_said(then)
                )


def _said(verdict: Verdict) -> str:
    return f"{verdict.verdict} ({verdict.rule})"
