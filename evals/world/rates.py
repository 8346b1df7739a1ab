"""How often what happens in the world's day, as fixed shares that the report prints. Nothing is drawn here.

A share of orders is met exactly (8 % of 300 is 24), so that two seeds differ in who, not in how many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Shares = Mapping[str, Share]

REASONS: Shares = {"nobody_home": 0.60, "no_access": 0.14, "wrong_address": 0.10, "refused": 0.09, "closed": 0.07}
"""of failed first attempts. That they are 8 % is a figure of the industry; how they divide is our assumption"""
ANSWERS: Shares = {"again_today": 0.35, "tomorrow": 0.35, "neighbour": 0.15, "pickup": 0.15}
"""what a customer who was missed asks for when asked; our assumption"""


class Rates(BaseModel):
    """What the world draws from. The defaults are those of the day that is printed and graded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failed_attempts: Share = 0.08
    """of the first attempts"""
    cancelled: Share = 0.05
    """of the orders known in the morning, by their customers, between the day's start and the promised time"""
    live: Share = 0.08
    """of the orders come in during the day"""
    texting: Share = 0.10
    """of the customers known in the morning"""
    answering: Share = 0.70
    """of those who are asked something"""
    breakdowns: int = Field(1, ge=0)
    breakdown_min: tuple[int, int] = (40, 180)
    """how long a van stands"""
    incidents: int = Field(1, ge=0)
    """roads that are closed or slow, and are reported"""
    slow_zones: int = Field(2, ge=0)
    """a depot; nobody reports them"""
    late_docks: Share = 0.20
    """of the vans, besides the two that are always late"""
    long_services: Share = 0.01
    """of the orders take three to five times as long"""
    service_sigma: float = Field(0.35, ge=0, le=2)
    """of the logarithm of service times; their mean is as ordered"""
    reasons: Shares = REASONS
    answers: Shares = ANSWERS

    def times(self, intensity: int) -> Rates:
        """Everything that goes wrong that many times as often; how people answer and how long things take stays."""
        doubled = ("failed_attempts", "cancelled", "live", "texting", "late_docks", "long_services")
        counts = ("breakdowns", "incidents", "slow_zones")
        more = {name: min(getattr(self, name) * intensity, 1.0) for name in doubled}
        return self.model_copy(update=more | {name: getattr(self, name) * intensity for name in counts})


CALM = Rates(failed_attempts=0.02, cancelled=0.0, live=0.0, breakdowns=0, incidents=0)
"""Late docks, slow zones and a few closed doors only: for real days, whose orders are what they are, and for tests of
one thing at a time."""
