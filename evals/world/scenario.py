"""A scenario: everything about a day that is known before it starts, and the few things only the world knows.

What the server may know goes out through `fleet()`, `import_rows()` and `matrices`; `failures`, `driven` and `rates`
don't.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from core import canonical
from evals.world.rates import CALM, Rates

DAY = date(2026, 3, 10)
"""the simulated day; nothing rests on which day it is"""

Point = tuple[float, float]
"""lat, lon in degrees, five decimals (about a metre)"""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Depot(Frozen):
    id: str
    name: str
    lat: float
    lon: float
    tz: str
    service_quantile: float = 0.5
    """how safe it plans against long services; 0.5 takes their mean"""

    @property
    def point(self) -> Point:
        return (self.lat, self.lon)


class Driver(Frozen):
    id: str
    name: str
    phone: str


class Vehicle(Frozen):
    id: str
    depot: str
    driver: str
    name: str
    pieces: int
    weight_kg: int
    shift_start: str
    """local, "07:30" """
    shift_end: str
    cost_per_use: int = 4000
    """cents, as the two below"""
    cost_per_hour: int = 2600
    cost_per_km: int = 35
    max_stops: int | None = None
    ends_at_depot: bool = True


class Order(Frozen):
    ref: str
    name: str
    phone: str
    address: str
    lat: float
    lon: float
    depot: str
    window_start: str | None = None
    """local, "09:00"; None: at any time"""
    window_end: str | None = None
    service_s: int
    pieces: int
    weight_kg: float | None = None
    kind: str = "delivery"
    notes: str = ""
    client: str = "acme"
    email: str | None = None
    parcels: tuple[str, ...] = ()

    @property
    def point(self) -> Point:
        return (self.lat, self.lon)


class Matrix(Frozen):
    """Travel times of a depot's own; row 0 is the depot."""

    locations: tuple[Point, ...]
    durations_s: tuple[tuple[int, ...], ...]
    distances_m: tuple[tuple[int, ...], ...] | None = None

    def body(self) -> dict[str, Any]:
        """As PUT /api/depots/{id}/matrix wants it."""
        places = [{"lat": lat, "lon": lon} for lat, lon in self.locations]
        sent: dict[str, Any] = {"locations": places, "durations_s": self.durations_s}
        return sent if self.distances_m is None else sent | {"distances_m": self.distances_m}


class Driven(Frozen):
    """How a real driver drove these stops: rows of the depot's matrix, in order, without the depot."""

    route: str
    depot: str
    rows: tuple[int, ...]


class Scenario(Frozen):
    name: str
    seed: int
    day: date
    tz: str
    depots: tuple[Depot, ...]
    vehicles: tuple[Vehicle, ...]
    drivers: tuple[Driver, ...]
    orders: tuple[Order, ...]
    matrices: Mapping[str, Matrix] = {}
    """by depot id"""
    start: datetime
    end: datetime
    iterations: int | None = None
    """budget of the first plan; None: the server's own"""
    failures: tuple[str, ...] | None = None
    """refs that fail at the first attempt; None: drawn from the seed"""
    driven: tuple[Driven, ...] = ()
    rates: Rates = CALM

    def digest(self) -> str:
        return canonical.digest(self)

    def depot(self, depot_id: str) -> Depot:
        return next(depot for depot in self.depots if depot.id == depot_id)

    def fleet(self) -> dict[str, Any]:
        """As PUT /api/fleet wants it."""
        return {
            "depots": [depot.model_dump() for depot in self.depots],
            "drivers": [driver.model_dump() for driver in self.drivers],
            "vehicles": [vehicle.model_dump(exclude_none=True) for vehicle in self.vehicles],
        }

    def import_rows(self, depot: str, later: Collection[str] = ()) -> list[dict[str, Any]]:
        """As POST /api/imports wants them, in JSON; without those that come in later."""
        return [import_row(order) for order in self.orders if order.depot == depot and order.ref not in later]

    def at(self, depot: str, clock: str) -> datetime:
        """A local time of the day at that depot, in UTC."""
        return local(self.day, clock, self.depot(depot).tz)

    def clock_text(self, at: datetime) -> str:
        """A time of the day as people of the first depot read it."""
        return f"{at.astimezone(ZoneInfo(self.depots[0].tz)):%H:%M}"

    @property
    def close(self) -> datetime:
        """When the day is over everywhere: a minute after the last local midnight."""
        return max(local(self.day, "23:59", depot.tz) for depot in self.depots) + timedelta(minutes=2)


def import_row(order: Order) -> dict[str, Any]:
    """One order as an integrator sends it."""
    row = order.model_dump(mode="json", exclude_none=True, exclude={"service_s"})
    minutes = order.service_s / 60
    row["service_min"] = int(minutes) if minutes.is_integer() else round(minutes, 3)
    return row


CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def local(day: date, clock: str, tz: str) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime.combine(day, time(hour, minute), ZoneInfo(tz)).astimezone(UTC)


def rounded(lat: float, lon: float) -> Point:
    return (round(lat, 5), round(lon, 5))
