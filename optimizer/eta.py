"""When a van will be at its next stops: the expected start of service and a range that holds four times in five.

Two steps. The spread of what lies before a stop says how much less is known of it than of the one before:
sigma^2 = floor^2 + sum of (leg share x leg)^2 + sum of (service share x service)^2 + (common share x all of it)^2,
in seconds. Legs and services are off each by themselves; what slows a whole drive (its hour, its driver) is off
together. Waiting for a window swallows what is early and hands on only what can still be late.

Then factors of sigma, one for each end of the range, by what the van does and how far ahead the stop is. They are the
quantiles of how far off the same predictions were on days that were lived (split conformal prediction with errors
normalised by a spread: Lei et al., "Distribution-free predictive inference for regression", 2018, section 5.2; two
sided and by group as in Romano et al., "Conformalized quantile regression", 2019). `python -m evals.calibration` learns
and tests them; docs/tracking.md says how. All integers, so that what was predicted can be computed again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cache
from math import isqrt
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, model_validator

from core.errors import BadInput
from optimizer.problem import Frozen, Problem, Stop, Vehicle
from optimizer.schedule import Schedule, start_of_service
from optimizer.travel import Matrix

Situation = Literal["early", "overdue", "driving", "serving"]
"""early: before its shift; overdue: it should have left the depot by now"""
LEARNED = Path(__file__).with_name("eta_spread.json")
Z_80 = 12_816
"""ten-thousandths: half of an 80 % range of a normal error, in standard deviations"""


class Spread(Frozen):
    """How far off predictions are while a van does one thing. `lo` and `hi`: thousandths of sigma, by lead."""

    leg_percent: int = Field(ge=0)
    service_percent: int = Field(ge=0)
    common_percent: int = Field(ge=0)
    floor_s: int = Field(ge=1)
    lead_s: tuple[int, ...] = ()
    """from these leads on (p50 less now) the next factor counts"""
    lo: tuple[int, ...]
    hi: tuple[int, ...]

    @model_validator(mode="after")
    def _has_a_factor_for_every_lead(self) -> Spread:
        for name, factors in (("lo", self.lo), ("hi", self.hi)):
            if len(factors) != len(self.lead_s) + 1:
                what = f"{len(factors)} factors for {len(self.lead_s)} leads"
                raise BadInput(what, "Give one more than leads.", field=name)
        return self


class Learned(Frozen):
    """What is learned from days that were lived."""

    source: Mapping[str, Any]
    """where the figures come from; nothing is computed from it"""
    spreads: Mapping[Situation, Spread]


@cache
def learned() -> Learned:
    """The figures that ship."""
    return Learned.model_validate_json(LEARNED.read_text("utf-8"))


class Eta(Frozen):
    """Start of service, seconds since t0. lo <= p50 <= hi."""

    stop_id: str
    p50_s: int
    lo_s: int
    hi_s: int


class Ahead(NamedTuple):
    """A stop on the way, before its range is drawn."""

    stop: Stop
    arrival_s: int
    """it may be before the window opens"""
    start_s: int
    sigma_cs: int
    """of the arrival, hundredths of a second"""


def predict(
    problem: Problem,
    matrix: Matrix,
    vehicle_id: str,
    schedule: Schedule | None = None,
    known: Learned | None = None,
) -> tuple[Eta, ...]:
    """For every stop of the vehicle's present route, from `ready_s` on; nothing starts before `now_s`. p50 is the time
    that decisions are weighed with, the range is around it. Who asks for many vehicles of one problem brings its
    schedule; who learns brings what is `known`."""
    schedule, vehicle, known = schedule or Schedule(problem, matrix), problem.vehicle(vehicle_id), known or learned()
    spread = known.spreads[situation(vehicle, problem.now_s)]
    visits = schedule.timing(vehicle, problem.routes.get(vehicle_id, ())).visits
    return tuple(_range(each, problem.now_s, spread) for each in ahead(visits, schedule.stops, vehicle.ready_s, spread))


def situation(vehicle: Vehicle, now_s: int) -> Situation:
    if vehicle.on_road:
        return "driving" if vehicle.locked else "serving"
    return "early" if vehicle.ready_s > now_s else "overdue"


def ahead(
    visits: list[tuple[str, int, int, int, int]], stops: Mapping[str, Stop], free_s: int, spread: Spread
) -> Iterator[Ahead]:
    """The stops of a timed route (`Timing.visits`), each with how uncertain its arrival is."""
    alone, together = (100 * spread.floor_s) ** 2, 0
    for stop_id, arrival, start, departure, _ in visits:
        stop, leg = stops[stop_id], arrival - free_s
        alone += (spread.leg_percent * leg) ** 2
        together += spread.common_percent * leg
        sigma = isqrt(alone + together**2)
        yield Ahead(stop, arrival, start, sigma)
        if start > arrival:
            late = max(0, 100 * (arrival - start) + sigma * Z_80 // 10_000)
            alone, together = min(alone + together**2, (late * 10_000 // Z_80) ** 2), 0
        alone += (spread.service_percent * stop.service_s) ** 2
        together += spread.common_percent * stop.service_s
        free_s = departure


def _range(each: Ahead, now_s: int, spread: Spread) -> Eta:
    p50 = max(each.start_s, now_s)
    step = bisect_right(spread.lead_s, p50 - now_s)
    early, late = (each.sigma_cs * ends[step] // 100_000 for ends in (spread.lo, spread.hi))
    lo = min(p50, start_of_service(each.stop, max(now_s, each.arrival_s - early)))
    hi = max(p50, start_of_service(each.stop, each.arrival_s + late))
    return Eta(stop_id=each.stop.id, p50_s=p50, lo_s=lo, hi_s=hi)
