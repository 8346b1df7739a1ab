"""What came of a day, as the world saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class Timings:
    """Wall-clock figures: never part of what two runs are compared by."""

    setup_s: float
    day_s: float
    calls: int
    pulse_p95_ms: int = 0
    """one minute of simulated time: timers, arrival ranges, casework, messages"""
    where_p95_ms: int = 0
    """a customer's question where the order is, answered"""
    peak_mb: Mapping[str, int] = field(default_factory=dict)
    """by part, when all processes together needed most"""


class WorldLine(BaseModel):
    """What the world did and how it was received."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: dict[str, int]
    """accepted, duplicate, rejected"""
    rejected: dict[str, int]
    """kind and reason of the events that were refused"""
    positions_sent: int
    positions_taken: int
    vans_out: int
    vans_home: int
    texts: dict[str, int]
    """by the intent that the server heard"""
    texts_refused: dict[str, int]
    verdicts: dict[str, int]
    wishes: dict[str, int]
    """what customers asked for after a failed attempt"""
    claims: dict[str, int]
    """what customers said after a delivery: missing, damaged"""
    live: dict[str, int]
    """orders that came during the day: taken, or why not"""
    urgent: int
    """of those that were taken"""
    roads: dict[str, int]
    """incidents: reported, or why not"""
    breakdowns_min: dict[str, int]
    breaks_min: dict[str, int]
    """drivers' breaks, by van"""
    quick: tuple[str, ...]
    """vans whose customers all stood ready"""
    rescued: dict[str, int]
    """orders taken over from a broken van, by the van that took them"""
    dock_delays_min: dict[str, int]
    ended: datetime


@dataclass(frozen=True)
class DayResult:
    """All but `timings` is the same for the same seed."""

    versions: dict[str, int]
    """the plan that each depot started the day with"""
    ticks: int
    delivered: int
    seen: WorldLine
    timings: Timings
