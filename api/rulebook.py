"""`doorstep policy`: read a policy as the server would, and judge past days by it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from api import policy_page
from api.logbook import day_of, reading
from core import money
from core.errors import BadInput
from tools import policy, policy_check, policy_replay
from tools.policy_replay import Change, Judged

out = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def check(file: Path | None) -> int:
    found = policy.load(file) if file else policy.in_force()
    wrong = policy_check.check(found)
    out.print(f"{found.name}, version {found.version[:16]}, kill switch {found.kill_switch}", markup=False)
    for rule in found.rules:
        level = found.levels[rule.action]
        out.print(f"{rule.id}: {rule.action} (level {level}) {rule.verdict}", markup=False)
    for words, things in (
        ("never matches", wrong.unreachable), ("has a gap", wrong.gaps), ("contradicts another", wrong.contradictions)
    ):  # fmt: skip
        for name, why in things.items():
            errors.print(f"{name} {words}: {why}", markup=False)
    counts = f"{len(wrong.unreachable)} that never match, {len(wrong.gaps)} gaps"
    out.print(f"{len(found.rules)} rules, {counts}, {len(wrong.contradictions)} contradictions", markup=False)
    return 0 if wrong.none else 1


def replay(file: Path | None, day: str, days: int | None = None, page: Path | None = None) -> int:
    """Print what would come out otherwise, as a table, and write the page to sign. Raises BadInput when there is
    nothing on record."""
    rules = policy.load(file) if file else policy.in_force()
    with reading() as db:
        on = [day_of(day)] if day else policy_replay.last_days(db, days or 1_000_000)
        judged = [each for one in on for each in policy_replay.replay(db, rules, one)]
    if not judged:
        when = f"on {day}" if day else "yet"
        raise BadInput(
            f"No decision is on record {when}.", "Name a day that was lived: `doorstep log show`.", field="day"
        )
    for each in judged:
        _tell(each)
    found = policy_replay.changes(judged)
    if found:
        out.print(_table(found))
    differ = sum(change.decisions for change in found)
    said = ", ".join(f"{change.decisions} {change.action} {change.was} to {change.now}" for change in found)
    out.print(f"{differ} of {len(judged)} decisions would differ{f': {said}' if said else ''}", markup=False)
    if page is not None:
        page.write_text(policy_page.draw(rules, policy.in_force(), judged, found), "utf-8")
        out.print(f"written to {page}, to be read and signed", markup=False)
    unread = sum(bool(each.why) for each in judged)
    if unread:
        errors.print(f"{unread} could not be judged again", markup=False)
    return 1 if unread else 0


def _tell(each: Judged) -> None:
    if each.why:
        errors.print(f"{each.decision} {each.action}: {each.why}", markup=False)
    elif each.differs:
        was, now = f"{each.was} ({each.was_rule})", f"{each.now} ({each.now_rule})"
        out.print(f"{each.decision} {each.action}: {was} -> {now}", markup=False)


def _table(found: list[Change]) -> Table:
    shown = Table("action", "was", "would be", "decisions", "days", "cost beside doing nothing", "people asked")
    for each in found:
        counts = str(each.decisions), str(each.days), money.say(each.cost_cents), f"{each.people:+d}"
        shown.add_row(each.action, each.was, each.now, *counts)
    return shown
