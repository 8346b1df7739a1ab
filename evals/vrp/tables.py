"""What the run found, in words, as a Markdown table and as curves."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from evals.instances.instance import Instance

if TYPE_CHECKING:
    from evals.vrp.run import Cell

Results: TypeAlias = "list[tuple[Instance, list[Cell]]]"
"""instance by instance, its cells in the engines' order"""


def words(instance: Instance, cell: Cell) -> str:
    """The best seed's gap with the spread of all, or what is the matter."""
    if cell.why_not:
        return cell.why_not
    spread = cell.spread(instance)
    if spread is None:
        worst = cell.runs[0]
        return f"{worst.unserved} unserved" if worst.unserved else f"breaks {worst.violations[0].split(':')[0]}"
    least, median, most = spread
    return f"{least:.2f} %" if len(cell.sound) == 1 else f"{least:.2f} % ({least:.2f} / {median:.2f} / {most:.2f})"


def markdown(found: Results, engines: Sequence[str], seconds: float, seeds: int) -> str:
    """A row an instance, a column an engine, the means of what every engine served below."""
    lines = [
        f"Gap to the best known cost, {seconds:g} s a run, {seeds} seeds at once on {os.cpu_count()} cores, the best "
        "kept; in brackets least / median / largest gap of the seeds.", "",
        f"| instance | stops | best known | {' | '.join(engines)} |", f"|---|---|---|{'---|' * len(engines)}",
    ]  # fmt: skip
    for instance, cells in found:
        best = "" if instance.best is None else f"{instance.best / instance.scale:,.10g}"
        mark = "*" if instance.best_is else ""
        told = " | ".join(words(instance, cell) for cell in cells)
        lines.append(f"| {cells[0].instance} | {len(instance.problem.stops)} | {best}{mark} | {told} |")
    lines.append(f"| mean of {len(_common(found))} that all served | | | {' | '.join(_means(found, engines))} |")
    lines.append(f"| the same, mean of the seeds | | | {' | '.join(_seed_means(found, engines))} |")
    lines += ["", *(f"\\* {instance.name}: {instance.best_is}." for instance, _ in found if instance.best_is)]
    return "\n".join(lines) + "\n"


def _common(found: Results) -> Results:
    return [(instance, cells) for instance, cells in found if all(cell.spread(instance) for cell in cells)]


def _means(found: Results, engines: Sequence[str]) -> list[str]:
    means = []
    for at in range(len(engines)):
        gaps = [spread[0] for instance, cells in _common(found) if (spread := cells[at].spread(instance))]
        means.append(f"{statistics.mean(gaps):.2f} %" if gaps else "")
    return means


def _seed_means(found: Results, engines: Sequence[str]) -> list[str]:
    means = []
    for at in range(len(engines)):
        gaps = [[gap for run in cells[at].sound if (gap := instance.gap_percent(run.cost)) is not None]
                for instance, cells in _common(found)]  # fmt: skip
        means.append(f"{statistics.mean(statistics.mean(each) for each in gaps):.2f} %" if gaps else "")
    return means


def plot(found: Results, file: Path) -> None:
    """Gap over time of each engine's best seed, a panel an instance, where the engine tells its way."""
    from evals import plots

    panels = []
    for instance, cells in found:
        curves = {}
        for cell in cells:
            for run in cell.sound[:1]:
                steps = [(at, gap) for at, cost in run.trajectory if (gap := instance.gap_percent(cost)) is not None]
                end = instance.gap_percent(run.cost)
                curves[cell.engine] = [*steps, (run.seconds, end)] if end is not None else steps
        panels.append((cells[0].instance, curves))
    plots.curves(panels, file, across="seconds", up="gap to the best known, %")
