"""What was measured, as figures with an aim and a peer; percentiles; the table. Nothing here measures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table


class Figure(BaseModel):
    """One number, what it should be, and the same job done by the plainest means in the same run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float | None
    """None: nothing was there to measure"""
    unit: str
    aim: float | None = None
    better: Literal["lower", "higher"] = "lower"
    peer: str = ""
    """what `ratio` compares with"""
    peer_value: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """None without an aim. What could not be measured is not met."""
        if self.aim is None:
            return None
        if self.value is None:
            return False
        return self.value <= self.aim if self.better == "lower" else self.value >= self.aim

    @property
    def ratio(self) -> float | None:
        if self.value is None or not self.peer_value:
            return None
        return self.value / self.peer_value


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Nearest rank: the smallest value that at least so many percent of all are at or below. None of nothing."""
    if not 0 < percent <= 100:
        raise ValueError(f"{percent} is no percentile; give more than 0 and at most 100.")
    if not values:
        return None
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def show(figures: Sequence[Figure], console: Console, title: str) -> None:
    table = Table(title=title, title_justify="left")
    for column in ("figure", "measured", "aim", "met", "peer in this run", "ratio"):
        table.add_column(column, justify="right" if column in ("measured", "aim", "ratio") else "left")
    for figure in figures:
        table.add_row(*_cells(figure))
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"  {figure.name}: {figure.note}", markup=False, highlight=False)


def _cells(figure: Figure) -> tuple[str, ...]:
    met = {True: "yes", False: "[red]no[/red]", None: ""}[figure.met]
    sign = {"lower": "at most", "higher": "at least"}[figure.better]
    aim = "" if figure.aim is None else f"{sign} {_number(figure.aim)} {figure.unit}"
    peer = f"{figure.peer}: {_number(figure.peer_value)} {figure.unit}" if figure.peer else ""
    ratio = "" if figure.ratio is None else f"x{figure.ratio:.2f}"
    return figure.name, f"{_number(figure.value)} {figure.unit}", aim, met, peer, ratio


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
