"""A file of orders as the importer takes it (CSV or a JSON list), made a day: a default fleet around the orders."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator

from core.errors import BadFile
from evals.world import chance, fleet, names
from evals.world.scenario import CLOCK, DAY, Depot, Driver, Order, Scenario, Vehicle, local, rounded

TZ = "UTC"
"""a file of orders doesn't say where it is; its times are local, so any zone does"""
SERVICE_MIN = 4
CAPACITY = 60
REQUIRED = ("ref", "name", "address", "lat", "lon")


class Row(BaseModel):
    """One order of the file. Empty cells are absent."""

    ref: str = Field(min_length=1)
    name: str = Field(min_length=1)
    phone: str | None = None
    email: str | None = None
    address: str
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    window_start: str | None = None
    window_end: str | None = None
    service_min: float = Field(SERVICE_MIN, gt=0, le=240)
    pieces: int = Field(1, ge=1)
    weight_kg: float | None = Field(None, ge=0)
    notes: str = ""
    client: str = "acme"
    depot: str = "dep-a"
    parcels: tuple[str, ...] = ()

    @field_validator("window_start", "window_end")
    @classmethod
    def _local_time(cls, value: str | None) -> str | None:
        if value is not None and not CLOCK.fullmatch(value):
            raise ValueError("a local time such as 09:00 is needed")
        return value


def from_csv(text: str, *, seed: int, name: str) -> Scenario:
    reader = csv.DictReader(io.StringIO(text))
    missing = [column for column in REQUIRED if column not in (reader.fieldnames or [])]
    if missing:
        raise BadFile(f"The CSV has no column {missing[0]}.", f"It needs {', '.join(REQUIRED)}.", field=missing[0])
    return from_rows([{k: v for k, v in row.items() if k and v not in ("", None)} for row in reader], seed, name, 2)


def from_rows(raw: Sequence[Mapping[str, Any]], seed: int, name: str, first_row: int = 1) -> Scenario:
    """A day of these rows. `first_row` is the number of the first one, as the reader's editor counts."""
    if not raw:
        raise BadFile("The file has no orders.", "Give at least one row.")
    rows = [_row(first_row + i, row) for i, row in enumerate(raw)]
    orders = tuple(_order(nth, row) for nth, row in enumerate(rows))
    twice = {order.ref for order in orders if sum(other.ref == order.ref for other in orders) > 1}
    if twice:
        raise BadFile(f"Ref {min(twice)} is in the file twice.", "Give each order a ref of its own.", field="ref")
    depots, vehicles, drivers = _fleet(orders, seed)
    return Scenario(
        name=f"file-{name}",
        seed=seed,
        day=DAY,
        tz=TZ,
        depots=depots,
        vehicles=vehicles,
        drivers=drivers,
        orders=orders,
        start=local(DAY, "07:00", TZ),
        end=local(DAY, "18:00", TZ),
    )


def _row(number: int, raw: Mapping[str, Any]) -> Row:
    try:
        return Row.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        raise BadFile(
            f"Row {number}: {first['msg']}.", "Correct the row and load the file again.", field=field
        ) from None


def _order(nth: int, row: Row) -> Order:
    lat, lon = rounded(row.lat, row.lon)
    known = row.model_dump(exclude={"lat", "lon", "service_min", "phone"})
    return Order(lat=lat, lon=lon, phone=row.phone or names.phone(nth), service_s=round(row.service_min * 60), **known)


def _fleet(orders: Sequence[Order], seed: int) -> tuple[tuple[Depot, ...], tuple[Vehicle, ...], tuple[Driver, ...]]:
    """A depot in the middle of each group of orders that names one."""
    depots: list[Depot] = []
    vehicles: list[Vehicle] = []
    drivers: list[Driver] = []
    rng = chance.stream(seed, "orderfile")
    for depot_id in sorted({order.depot for order in orders}):
        mine = [order for order in orders if order.depot == depot_id]
        lat, lon = fleet.centroid([order.point for order in mine])
        depots.append(Depot(id=depot_id, name=f"Depot {depot_id}", lat=lat, lon=lon, tz=TZ))
        capacity = max(CAPACITY, max(order.pieces for order in mine))
        vans, people = fleet.around(
            depots[-1],
            mine,
            capacity=capacity,
            first=len(vehicles),
            phones_from=len(orders) + len(vehicles),
            rng=rng,
        )
        vehicles += vans
        drivers += people
    return tuple(depots), tuple(vehicles), tuple(drivers)
