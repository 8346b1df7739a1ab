"""Slots as they are asked for and answered: what is to be brought, and the windows in which it can be.

For an order that is in (its customer wants another time) or for one that a shop is about to sell. Nothing is booked:
who takes a slot asks for it, and it is weighed like every other wish. The engine process looks for them
(`tools.slot_search`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from core import orders
from core.errors import WrongState
from core.fleet import Skill
from core.orders import Kind

DAYS, LONGEST_DAYS = 4, 14
"""days that are looked at unless told, and at most"""
HOURS = 2
"""length of a window, the usual one of a delivery promise"""


class Wanted(BaseModel):
    """What is to be brought or done, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    depot: str
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    kind: Kind = "delivery"
    service_s: int = Field(180, ge=0, le=8 * 3600)
    pieces: int = Field(1, ge=0, le=100_000)
    weight_g: int = Field(0, ge=0, le=1_000_000_000)
    volume_ml: int = Field(0, ge=0, le=1_000_000_000)
    skills: tuple[Skill, ...] = ()
    crew: int = Field(1, ge=1, le=9)
    order: str | None = None
    """the order that it is about: its place on today's plan is free then"""


class Slot(BaseModel):
    """A window in which it can be done, and what that costs on the plan as it is."""

    model_config = ConfigDict(frozen=True)

    day: date
    lo: datetime
    hi: datetime
    vehicle: str
    cost_cents: int
    """money more, telling new times to those whom it makes late among it"""
    minutes_late: int
    """that others come later than promised"""
    promises: int
    """of others that it breaks"""


class Finder(Protocol):
    """Who finds slots: the engine process (`tools.optimizer.resident()`), or `tools.optimizer.Local` without one."""

    def slots(
        self, wanted: Wanted, now: datetime, *, days: int = DAYS, hours: int = HOURS, first: date | None = None
    ) -> tuple[Slot, ...]: ...


def of_order(db: Connection, order_id: str) -> Wanted:
    """What an order needs. Raises WrongState when it has ended or nobody knows where it goes."""
    row = orders.get(db, order_id)
    if row.status in orders.FINAL:
        raise WrongState(f"Order {row.ref} is {row.status}.", "Nothing can be moved any more.", field="order")
    if row.lat is None:
        raise WrongState(f"Nobody knows yet where {row.ref} goes.", "Set its place first.", field="order")
    fields = {name: getattr(row, name) for name in Wanted.model_fields if name in row._mapping}
    return Wanted(depot=row.depot_id, order=row.id, **fields)
