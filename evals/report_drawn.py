"""What the world drew must have been met with a case: a claim that nobody works was lost on the way."""

from __future__ import annotations

from collections.abc import Iterator

from evals.report import DayReport

Drawn = tuple[str, int, int]
"""what, how often it was drawn, how many cases of its kinds there were"""


def drawn(report: DayReport) -> Iterator[Drawn]:
    world = report.world
    yield "claims that were worked", sum(world.claims.values()), _cases(report, "missing_delivery", "damage")
    yield "urgent orders that were worked", world.urgent, _cases(report, "urgent")
    yield "breakdowns that were worked", len(world.breakdowns_min), _cases(report, "breakdown")


def _cases(report: DayReport, *kinds: str) -> int:
    return sum(n for kind in kinds for n in report.cases.get(kind, {}).values())
