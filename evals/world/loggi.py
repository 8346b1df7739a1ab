"""Days in the JSON of loggibud: one origin, a van's capacity, deliveries with point and size. Customers: invented."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from core.errors import BadFile
from evals.world import chance, fleet, names
from evals.world.scenario import DAY, Depot, Order, Scenario, local, rounded

TZ = "America/Sao_Paulo"
SERVICE_MIN = (2, 5)


class Place(BaseModel):
    lat: float = Field(ge=-90, le=90)
    lng: float = Field(ge=-180, le=180)


class Delivery(BaseModel):
    id: str
    point: Place
    size: int = Field(ge=1)


class LoggiDay(BaseModel):
    name: str
    region: str = ""
    origin: Place
    vehicle_capacity: int = Field(ge=1)
    deliveries: list[Delivery] = Field(min_length=1)


def scenario(raw: Mapping[str, Any], *, seed: int) -> Scenario:
    try:
        day = LoggiDay.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadFile(f"Not a loggibud day: {first['msg']}.", "Compare with cvrp-0-rj-0.json.", field=where) from None
    rng = chance.stream(seed, "loggi", day.name)
    lat, lon = rounded(day.origin.lat, day.origin.lng)
    depot = Depot(id="dep-a", name=f"Loggi {day.region or day.name}", lat=lat, lon=lon, tz=TZ)
    orders = tuple(_order(rng, nth, depot, delivery) for nth, delivery in enumerate(day.deliveries))
    vehicles, drivers = fleet.around(
        depot, orders, capacity=day.vehicle_capacity, first=0, phones_from=len(orders), rng=rng
    )
    return Scenario(
        name=f"loggi-{day.name}",
        seed=seed,
        day=DAY,
        tz=TZ,
        depots=(depot,),
        vehicles=vehicles,
        drivers=drivers,
        orders=orders,
        start=local(DAY, "07:00", TZ),
        end=local(DAY, "18:00", TZ),
    )


def _order(rng: Random, nth: int, depot: Depot, delivery: Delivery) -> Order:
    lat, lon = rounded(delivery.point.lat, delivery.point.lng)
    return Order(
        ref=f"LOG-{1001 + nth}",
        name=names.person(rng),
        phone=names.phone(nth),
        address=f"{lat:.5f}, {lon:.5f}",  # the data has no addresses; inventing streets would misplace real points
        lat=lat,
        lon=lon,
        depot=depot.id,
        service_s=60 * rng.randint(*SERVICE_MIN),
        pieces=delivery.size,
        client="loggi",
    )
