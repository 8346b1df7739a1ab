"""What must be true of a day: each line with its figure and target, and which of them decide the exit code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evals.report import FINAL, DayReport
from evals.report_drawn import drawn

DELIVERED_AT_LEAST = 0.90
AGREED_AT_LEAST = 0.95
TOLD_AT_LEAST = 0.90
FOR_THE_MORNING = ("left_over",)
"""opened at midnight, when the day is closed"""


@dataclass(frozen=True)
class Line:
    """One thing that is judged. `strict` ones decide the exit code only when that is asked for."""

    what: str
    figure: str
    passed: bool
    strict: bool = False


def judge(report: DayReport) -> list[Line]:
    return [*_always(report), *_strictly(report)]


def checks(report: DayReport, *, strict: bool = False) -> list[str]:
    """What is wrong with the day; empty when it passes."""
    return [f"{line.what}: {line.figure}" for line in judge(report) if not line.passed and (strict or not line.strict)]


def _always(report: DayReport) -> Iterator[Line]:
    some = ", ".join(report.unfinished[:5])
    yield Line("orders in no final state", f"{len(report.unfinished)} {some}".strip(), not report.unfinished)
    not_final = {status: n for status, n in report.orders.items() if status not in FINAL and n}
    yield Line("the server counts orders in no final state", str(not_final or 0), not not_final)
    known = sum(report.orders.values())
    yield Line("orders that the server counts", f"{known} of {report.total}", known >= report.total)
    yield Line(
        f"delivered, at least {DELIVERED_AT_LEAST:.0%} of all orders",
        f"{report.delivered_share:.1%} of {report.total}",
        report.delivered_share >= DELIVERED_AT_LEAST,
    )
    problems = ": ".join(["verified" if report.log.verified else "does not verify", *report.log.problems[:1]])
    yield Line("the decision log", problems, report.log.verified)
    unknown = report.effects.get("unknown", 0)
    yield Line("effects that are unknown", str(unknown), not unknown)
    yield Line("decisions outside policy", str(report.outside_policy), not report.outside_policy)
    world = report.world
    yield Line("vans that came home", f"{world.vans_home} of {world.vans_out}", world.vans_home >= world.vans_out)


def _strictly(report: DayReport) -> Iterator[Line]:
    share = report.agreed / max(report.total, 1)
    yield Line(
        f"delivered or settled as the customer agreed, at least {AGREED_AT_LEAST:.0%}",
        f"{share:.1%} of {report.total}",
        share >= AGREED_AT_LEAST,
        strict=True,
    )
    breaks = report.breaks
    untold, broken = breaks.reasons.get("untold", 0), sum(breaks.reasons.values())
    yield Line(
        "broken promises with a message 15 minutes before, or a reason",
        f"{broken - untold} of {broken}",
        not untold,
        strict=True,
    )
    told = breaks.knowable_told / breaks.knowable if breaks.knowable else 1.0
    yield Line(
        f"told of the breaks knowable 30 minutes before, at least {TOLD_AT_LEAST:.0%}",
        f"{breaks.knowable_told} of {breaks.knowable}",
        told >= TOLD_AT_LEAST,
        strict=True,
    )
    custody = report.custody
    yield Line("custody reconciles", _custody(report), custody.agrees, strict=True)
    left = {kind: n for kind, n in report.unfinished_cases.items() if kind not in FOR_THE_MORNING}
    yield Line("unfinished cases", str(left or 0), not left, strict=True)
    for what, happened, worked in drawn(report):
        yield Line(what, f"{min(worked, happened)} of {happened}", worked >= happened, strict=True)


def _custody(report: DayReport) -> str:
    custody = report.custody
    where = ", ".join(f"{n} {place}" for place, n in sorted(custody.parcels.items()))
    first = f"; {len(custody.mismatches)} contradictions: {custody.mismatches[0][1]}" if custody.mismatches else ""
    return f"{where or 'no parcels'}{first}"
