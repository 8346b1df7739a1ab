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
