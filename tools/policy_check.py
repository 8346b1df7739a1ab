"""Rules of a policy that can never match: an earlier rule takes all they would, or their action is only reported.

Only single rules are compared; two rules that together cover a third are not found.
"""

from __future__ import annotations

from tools.policy import Condition, Policy, Rule


def unreachable(policy: Policy) -> dict[str, str]:
    """Rule id -> why it never matches."""
    found: dict[str, str] = {}
    for at, rule in enumerate(policy.rules):
        earlier = next((r.id for r in policy.rules[:at] if r.action == rule.action and _takes_all_of(r, rule)), None)
        if earlier is not None:
            found[rule.id] = f"{earlier} stands before it and matches whenever it would"
        elif policy.levels[rule.action] == 0 and rule.verdict != "deny":
            found[rule.id] = f"{rule.action} has level 0: it is reported, never done"
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
