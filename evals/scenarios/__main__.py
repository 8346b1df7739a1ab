"""Plays scenarios and prints how they went: `python -m evals.scenarios [--seeds 1000-1013] [--kinds late,legal]`.

Exit code 1 when a gate is missed: escalation recall 1.00 on safety and legal reasons, 0.98 over all that must,
precision 0.95.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evals import ground
from evals.scenarios import grade, kinds, truth
from evals.scenarios.grade import Graded

GRAVE, MUST, RIGHT = 1.00, 0.98, 0.95
UNSEEN = range(1000, 1014)
"""seeds that are played unless others are asked for"""


def main(given: Sequence[str] | None = None) -> int:
    asked = _asked(given)
    out = Console(width=120)
    ground.quiet()
    chosen = asked.kinds.split(",") if asked.kinds else list(kinds.KINDS)
    first, _, last = asked.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    with ground.started():
        found: list[Graded] = []
        for number, (seed, kind) in enumerate(((seed, kind) for seed in seeds for kind in chosen), 1000):
            found.append(grade.play(kind, seed, number))
            if asked.report:  # as far as it has come
                asked.report.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n", "utf-8")
    out.print(by_kind(found))
    out.print(by_reason(found))
    for line in failures(found):
        out.print(line, markup=False)
    return int(bool(gates(found)))


def _asked(given: Sequence[str] | None) -> argparse.Namespace:
    words = argparse.ArgumentParser(prog="python -m evals.scenarios", description=__doc__)
    words.add_argument(
        "--seeds", default=f"{UNSEEN[0]}-{UNSEEN[-1]}", help="from-to; below 100 are those we developed on"
    )
    words.add_argument("--kinds", help="only these, with commas")
    words.add_argument("--report", type=Path, help="also write every grade there, as JSON")
    return words.parse_args(given)


def by_kind(found: Sequence[Graded]) -> Table:
    shown = Table("kind", "must", "played", "passed", "what failed", title="Scenarios")
    for kind in dict.fromkeys(each.kind for each in found):
        rows = [each for each in found if each.kind == kind]
        failed = sorted({name for each in rows for name in each.failed})
        shown.add_row(kind, rows[0].wanted, str(len(rows)), str(sum(e.passed for e in rows)), ", ".join(failed))
    for k in (1, 2, 4, 8):
        value = grade.pass_hat(found, k)
        shown.caption = f"{shown.caption or ''}  pass^{k} {'-' if value is None else f'{value:.3f}'}"
    return shown


def by_reason(found: Sequence[Graded]) -> Table:
    shown = Table("", *grade.ALWAYS, title="Escalation on these seeds, with intervals at 95 %")
    reasons = [name for name, _ in truth.DUTIES if any(each.reason == name for each in found)]
    for reason in reasons:
        shown.add_row(f"recall, {reason}", *(str(grade.recall(found, by, reason)) for by in grade.ALWAYS.values()))
    shown.add_row("recall, all", *(str(grade.recall(found, by)) for by in grade.ALWAYS.values()))
    shown.add_row("precision", *(str(grade.precision(found, by)) for by in grade.ALWAYS.values()))
    return shown


def gates(found: Sequence[Graded]) -> list[str]:
    """The gates that are missed."""
    measured = (
        ("recall on safety and legal reasons", grade.grave_recall(found), GRAVE),
        ("recall over all that must", grade.recall(found), MUST),
        ("precision", grade.precision(found), RIGHT),
    )
    return [
        f"MISSED {name}: {share}, {least:.2f} is wanted"
        for name, share, least in measured
        if share.value is not None and share.value < least
    ]


def failures(found: Sequence[Graded]) -> list[str]:
    """Gates that are missed, and each scenario that failed, by name."""
    lines = [
        f"{each.kind} seed {each.seed} ({each.manner}): {', '.join(each.failed)}; asked for: {', '.join(each.reasons)}"
        for each in found
        if not each.passed
    ]
    return gates(found) + lines


if __name__ == "__main__":
    sys.exit(main())
