"""What things cost that are no driving: lateness, broken promises, churn, stops that are left out. In cents."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Weights(BaseModel):
    """What things cost, in cents. The objective is money, so that options can be compared and explained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    late_minute: int = Field(25, ge=0)
    """a minute that a stop is served after the time the customer was promised"""
    broken_promise: int = Field(600, ge=0)
    """a promise broken without a word before it breaks"""
    retold_promise: int = Field(150, ge=0)
    """a promise moved by a message before it breaks"""
    rerouted: int = Field(10, ge=0)
    """a message that goes another way than usual"""
    contact: int = Field(250, ge=0)
    """a customer who has to write or ring, and be answered (assumed)"""
    claim: int = Field(6000, ge=0)
    """goods that are lost or damaged, when nobody says what they are worth (assumed)"""
    unexpected: int = Field(574, ge=0)
    """a stop reached before the time that was told: a quarter of `postponed`, one in four not being there (assumed)"""
    stop_moved: int = Field(40, ge=0)
    """churn: one stop that a driver finds in another place of the list, or on another list"""
    overtime_minute: int = Field(90, ge=0)
    """a minute that a van ends after its shift"""
    failed_again: int = Field(1147, ge=0)
    """a second try on the day of the first one: half of `postponed`, since as often as not nobody is there again"""
    collected: int = Field(900, ge=0)
    """an order that its customer fetches at the depot: it comes back, lies there and is handed out (assumed)"""
    held: int = Field(1147, ge=0)
    """an order that waits at the depot for a trip to share: half of `postponed`, since as often as not it gets one"""
    postponed: int = Field(2295, ge=0)
    """an order that leaves today's plan: what a failed first attempt costs in the industry, which is $17.20 for the
    second one and 2.3 contacts with the customer, each at the price of `contact`"""
