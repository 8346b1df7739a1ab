"""Plots of what was measured. Nothing here measures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # a file, not a window
from matplotlib import pyplot
from matplotlib.lines import Line2D

Curve = Sequence[tuple[float, float]]
ACROSS = 4


def curves(panels: Sequence[tuple[str, Mapping[str, Curve]]], file: Path, *, across: str, up: str) -> None:
    """Steps over time: a panel a title, a line a name. A single point is a mark."""
    width = min(ACROSS, len(panels))
    height = math.ceil(len(panels) / width)
    figure, grid = pyplot.subplots(height, width, figsize=(4 * width, 3 * height), squeeze=False, layout="constrained")
    names = sorted({name for _, lines in panels for name in lines})
    colours = {name: f"C{n}" for n, name in enumerate(names)}
    for axes, (title, lines) in zip(grid.flat, panels, strict=False):
        for name, points in lines.items():
            at, values = zip(*points, strict=True)
            axes.step(at, values, where="post", label=name, color=colours[name])
            axes.plot(at[-1:], values[-1:], "o", color=colours[name], markersize=4)
        axes.set_title(title, fontsize=9)
        lows = [points[-1][1] for points in lines.values()]
        if lows:
            axes.set_ylim(min(0.0, *lows), 3 * max(*lows, 1.0))
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    figure.supxlabel(across)
    figure.supylabel(up)
    handles = [Line2D([], [], color=colours[name], label=name) for name in names]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(names))
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
