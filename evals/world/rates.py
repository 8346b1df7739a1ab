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
CLAIMS: Shares = {"missing": 0.6, "damaged": 0.4}
"""what somebody says who claims something after a delivery; our assumption"""


class Rates(BaseModel):
    """What the world draws from. The defaults are those of the day that is printed and graded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failed_attempts: Share = 0.08
    """of the first attempts"""
    cancelled: Share = 0.05
    """of the orders known in the morning, by their customers, between the day's start and the promised time"""
    live: Share = 0.08
    """of the orders come in during the day"""
    urgent: Share = 0.01
    """of the orders come in live and can't wait for another day; they are among those that come live; our assumption"""
    claims: Share = 0.01
    """of the orders: after the delivery their customers say that they never came, or are damaged; our assumption"""
    texting: Share = 0.10
    """of the customers known in the morning"""
    answering: Share = 0.70
    """of those who are asked something"""
    breakdowns: int = Field(1, ge=0)
    breakdown_min: tuple[int, int] = (40, 180)
    """how long a van stands"""
    breaks: Share = 0.2
    """of the vans: drivers rest at a door, three to five hours after they came; our assumption, as the next ones"""
    break_min: tuple[int, int] = (15, 30)
    quick_vans: int = Field(1, ge=0)
    """everybody is at the door and needs two thirds of the time: the van is far ahead, and back early"""
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
    claimed: Shares = CLAIMS

    def times(self, intensity: int) -> Rates:
        """Everything that goes wrong that many times as often; how people answer and how long things take stays."""
        doubled = (
            "failed_attempts", "cancelled", "live", "urgent", "claims", "texting", "late_docks", "long_services",
        )  # fmt: skip
        counts = ("breakdowns", "incidents", "slow_zones", "quick_vans")
        more = {name: min(getattr(self, name) * intensity, 1.0) for name in doubled}
        return self.model_copy(update=more | {name: getattr(self, name) * intensity for name in counts})


CALM = Rates(
    failed_attempts=0.02, cancelled=0.0, live=0.0, urgent=0.0, claims=0.0, breaks=0.0, quick_vans=0, breakdowns=0,
    incidents=0,
)  # fmt: skip
"""Late docks, slow zones and a few closed doors only: for real days, whose orders are what they are, and for tests of
one thing at a time."""
