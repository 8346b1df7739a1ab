"""What an action gets: its exact arguments, and the transaction in which it is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Row, select

from core.store.tables import depot


class Args(BaseModel):
    """Exact arguments of an action, as proposed, approved and carried out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    option: str
    routes: dict[str, tuple[str, ...]] = {}
    """what each changed vehicle still has to visit, in order"""
    arrivals: dict[str, str] = {}
    """stop -> expected arrival (ISO UTC) under this option"""
    retold: tuple[str, ...] = ()
    """stops whose customers are told a new time"""
    orders: tuple[str, ...] = ()
    """orders that it is about"""
    day: str = ""
    """the day that orders move to"""
    window: tuple[str, ...] = ()
    """the time of that day that their customer chose, from and to (ISO UTC)"""
    left: tuple[str, ...] = ()
    """of the orders of a broken van, those that leave the day while the others are rescued"""
    until: str = ""
    """when the case is looked at again, for an action that puts it off (ISO UTC)"""


@dataclass(frozen=True)
class Job:
    """One action under way: in whose case, decided by which decision, when."""

    db: Connection
    case: Row[Any]
    decision_id: str
    args: Args
    now: datetime

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.db.execute(select(depot.c.tz).where(depot.c.id == self.case.depot_id)).scalar_one())
