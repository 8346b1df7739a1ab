"""`doorstep policy`: read a policy as the server would, and judge past days by it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.console import Console

from api.logbook import day_of, reading
from core.errors import BadInput
from tools import policy, policy_replay
from tools.policy_check import unreachable

out = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def check(file: Path | None) -> int:
    found = policy.load(file) if file else policy.in_force()
    never = unreachable(found)
    out.print(f"{found.name}, version {found.version[:16]}, kill switch {found.kill_switch}", markup=False)
    for rule in found.rules:
        level = found.levels[rule.action]
        out.print(f"{rule.id}: {rule.action} (level {level}) {rule.verdict}", markup=False)
    for rule_id, why in never.items():
        errors.print(f"{rule_id} never matches: {why}", markup=False)
    out.print(f"{len(found.rules)} rules, {len(never)} that never match", markup=False)
    return 1 if never else 0


def replay(file: Path | None, day: str) -> int:
    """Print the decisions that would come out otherwise. Raises BadInput when there is nothing on record."""
    rules, on = policy.load(file) if file else policy.in_force(), day_of(day) if day else None
    changed: Counter[str] = Counter()
    seen = unread = 0
    with reading() as db:
        for judged in policy_replay.replay(db, rules, on):
            seen += 1
            if judged.why:
                unread += 1
                errors.print(f"{judged.decision} {judged.action}: {judged.why}", markup=False)
            elif judged.differs:
                changed[f"{judged.was} to {judged.now}"] += 1
                was, now = f"{judged.was} ({judged.was_rule})", f"{judged.now} ({judged.now_rule})"
                out.print(f"{judged.decision} {judged.action}: {was} -> {now}", markup=False)
    if not seen:
        when = f"on {day}" if day else "yet"
        raise BadInput(
            f"No decision is on record {when}.", "Name a day that was lived: `doorstep log show`.", field="day"
        )
    said = ", ".join(f"{count} {change}" for change, count in sorted(changed.items()))
    out.print(f"{sum(changed.values())} of {seen} decisions would differ{f': {said}' if said else ''}", markup=False)
    if unread:
        errors.print(f"{unread} could not be judged again", markup=False)
    return 1 if unread else 0
