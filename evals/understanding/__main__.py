"""Prints the tables of docs/understanding.md and says which gates hold: `python -m evals.understanding`.

The rows of others are read from the folder beside the clone (`../shared/data`, or DOORSTEP_SHARED_DATA) and are skipped
with a word where it is absent. Exit code 1 when a gate is missed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evals.understanding import grade
from evals.understanding.grade import Score

ROOT = Path(__file__).parent.parent.parent


def main() -> int:
    out = Console(width=110)
    folder = Path(os.environ.get("DOORSTEP_SHARED_DATA", ROOT.parent / "shared" / "data"))
    scores = grade.own()
    if folder.is_dir():
        scores = [*grade.others(folder, lambda table: out.print(_by_label(table))), *scores]
    else:
        out.print(f"the rows of others are not here: no folder {folder}")
    out.print(_table(scores))
    return int(any(not score.holds for score in scores))


def _by_label(accuracy: dict[str, tuple[int, int]]) -> Table:
    table = Table("Bitext label", "rows", "right", title="Customer support requests, with their typos")
    for label, (right, rows) in sorted(accuracy.items()):
        table.add_row(label, str(rows), f"{right / rows:.3f}")
    return table


def _table(scores: list[Score]) -> Table:
    table = Table("what", "rows", "measured", "gate", "", title="Understanding")
    for score in scores:
        gate = "reported" if score.gate is None else f"{'>=' if score.more else '<='} {score.gate}"
        table.add_row(score.what, str(score.rows), f"{score.value:.4f}", gate, "" if score.holds else "MISSED")
    return table


if __name__ == "__main__":
    sys.exit(main())
