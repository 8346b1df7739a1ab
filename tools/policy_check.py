"""What is wrong with a policy as a whole: rules that can never match, gaps, and rules whose order alone decides.

An action's rules split the facts that they name into cells: between two thresholds, at a word, at any other word,
nothing changes. Each cell is tried once, so that what is found is so, and what is not found is not there, as long as
the cells of an action are no more than `MOST_CELLS`; of more, evenly spread ones are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from math import prod

from tools.acting import ACTIONS
from tools.policy import STRICTNESS, WORDS, Condition, Policy, Rule, Value

MOST_CELLS = 50_000
OTHER = "any other"
"""stands for all words that no rule of the action names"""

Facts = Mapping[str, Value]


@dataclass(frozen=True)
class Findings:
    """What is wrong, each thing by the id of its rule or the name of its action."""

    unreachable: dict[str, str] = field(default_factory=dict)
    gaps: dict[str, str] = field(default_factory=dict)
    """action -> facts on which no rule says anything, so that it is denied; or that it has no rule or level at all"""
    contradictions: dict[str, str] = field(default_factory=dict)
    """rule -> a stricter rule after it that says otherwise of the same facts, without either being the special case of
    the other and without a word (`over`) that this is meant"""

    @property
    def none(self) -> bool:
        return not (self.unreachable or self.gaps or self.contradictions)


def check(policy: Policy) -> Findings:
    """Everything that can be said of a policy without a day to try it on."""
    found = Findings(unreachable=unreachable(policy))
    for action in sorted({*policy.levels, *ACTIONS}):
        rules = [rule for rule in policy.rules if rule.action == action]
        gap = _gap(policy, action, rules)
        if gap:
            found.gaps[action] = gap
        found.contradictions.update(_contradictions(rules))
    return found


def unreachable(policy: Policy) -> dict[str, str]:
    """Rule id -> why it never matches."""
    found: dict[str, str] = {}
    for at, rule in enumerate(policy.rules):
        before = [earlier for earlier in policy.rules[:at] if earlier.action == rule.action]
        whole = next((earlier.id for earlier in before if _takes_all_of(earlier, rule)), None)
        if whole is not None:
            found[rule.id] = f"{whole} stands before it and matches whenever it would"
        elif not any(rule.matches(f) and not any(r.matches(f) for r in before) for f in cells([*before, rule])):
            found[rule.id] = f"{', '.join(r.id for r in before)} together match whenever it would"
        elif policy.levels[rule.action] == 0 and rule.verdict != "deny":
            found[rule.id] = f"{rule.action} has level 0: it is reported, never done"
    return found


# Cells ----------------------------------------------------------------------------------------------------------------


def cells(rules: Sequence[Rule]) -> Iterator[Facts]:
    """One set of facts for each way in which these rules can tell facts apart."""
    values = {name: values_of(name, rules) for rule in rules for name in rule.when}
    names, step = sorted(values), max(1, prod(map(len, values.values())) // MOST_CELLS)
    for picked in islice(product(*(values[name] for name in names)), None, None, step):
        yield dict(zip(names, picked, strict=True))


def values_of(name: str, rules: Sequence[Rule]) -> list[Value]:
    """A value from each part into which these rules split a fact."""
    conditions = [rule.when[name] for rule in rules if name in rule.when]
    if name in WORDS:
        return list(WORDS[name])
    said = [c.is_ for c in conditions if c.is_ is not None] + [w for c in conditions for w in c.in_ or ()]
    if any(isinstance(value, bool) for value in said):
        return [True, False]
    words = sorted({value for value in said if isinstance(value, str)})
    edges = {c.min for c in conditions if c.min is not None} | {c.max + 1 for c in conditions if c.max is not None}
    numbers = edges | {value for value in said if isinstance(value, int)}
    if not numbers:
        return [*words, OTHER]
    around = {value + off for value in numbers for off in (-1, 0)} | {value + 1 for value in numbers}
    return [*words, *sorted(around)]


# Gaps -----------------------------------------------------------------------------------------------------------------


def _gap(policy: Policy, action: str, rules: Sequence[Rule]) -> str:
    if action not in policy.levels:
        return "it has no level, so it is never done"
    if not rules:
        return "no rule is about it, so it is always denied"
    open_to = next((facts for facts in cells(rules) if not any(rule.matches(facts) for rule in rules)), None)
    return "" if open_to is None else f"no rule is about {_said(open_to)}: denied by default"


def _said(facts: Facts) -> str:
    return ", ".join(f"{name} {str(value).lower()}" for name, value in facts.items()) or "it"


# Contradictions -------------------------------------------------------------------------------------------------------


def _contradictions(rules: Sequence[Rule]) -> dict[str, str]:
    found: dict[str, str] = {}
    for at, rule in enumerate(rules):
        for later in rules[at + 1 :]:
            looser = STRICTNESS[rule.verdict] < STRICTNESS[later.verdict]
            meant = later.id in rule.over or _takes_all_of(later, rule) or _takes_all_of(rule, later)
            if not looser or meant:
                continue
            both = next((f for f in cells([rule, later]) if rule.matches(f) and later.matches(f)), None)
            if both is not None and rule.id not in found:
                found[rule.id] = f"{rule.verdict}, where {later.id} says {later.verdict}: on {_said(both)}"
    return found


def _takes_all_of(earlier: Rule, later: Rule) -> bool:
    return all(name in later.when and _implies(later.when[name], wide) for name, wide in earlier.when.items())


def _implies(narrow: Condition, wide: Condition) -> bool:
    """Does every value that `narrow` lets through pass `wide`, too?"""
    if narrow.is_ is not None:
        return wide.holds(narrow.is_)
    if narrow.in_ is not None:
        return all(wide.holds(value) for value in narrow.in_)
    if wide.is_ is not None or wide.in_ is not None:
        return False
    high = wide.max is None or (narrow.max is not None and narrow.max <= wide.max)
    low = wide.min is None or (narrow.min is not None and narrow.min >= wide.min)
    return high and low
