"""What the routes of the live plan answer."""

from __future__ import annotations

from datetime import date, datetime

from api.answers import Answer


class FreeSlot(Answer):
    """Service begins between `lo` and `hi`. Customers see no more than that; only staff see the vehicle."""

    day: date
    lo: datetime
    hi: datetime
    cost_cents: int | None = None
    """money more, telling new times to those whom it makes late among it"""
    minutes_late: int | None = None
    """that others come later than promised"""
    promises: int | None = None
    """of others that it breaks"""
    vehicle: str | None = None


class Slots(Answer):
    slots: tuple[FreeSlot, ...]


class PlacedOption(Answer):
    """One thing that could be done, against doing nothing. Money in minor units."""

    id: str
    kind: str
    vehicle_id: str | None
    cost_cents: int
    minutes_late: int
    promises_broken: int
    promises_retold: int
    stops_moved: int
    others_delayed_min: int
    feasible: bool
    broken: tuple[str, ...]


class Placed(Answer):
    decision: str
    case: str
    version: int
    vehicle: str
    arrival: datetime
    options: tuple[PlacedOption, ...]
