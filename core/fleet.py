"""Depots, vehicles and drivers, as a fleet file names them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from core import people, phones, principals, regions
from core.errors import BadInput, NotFound
from core.store.tables import depot, driver, person, vehicle

MOST_CENTS = 10_000_000
Skill: TypeAlias = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
"""a word for a skill or a piece of equipment, in small letters"""


class Depot(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=60)
    name: str = Field(min_length=1)
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    tz: str = "UTC"
    country: str = ""
    """ISO 3166 alpha-2, for phone numbers and addresses that name none; empty: the time zone's"""

    @field_validator("tz")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; write it as Europe/Madrid or America/Chicago") from None
        return value

    @field_validator("country")
    @classmethod
    def _on_earth(cls, value: str) -> str:
        if value and value.upper() not in phones.REGIONS:
            raise ValueError(f"{value!r} is no country; write two letters, such as ES or US")
        return value.upper()


class Driver(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=60)
    name: str = Field(min_length=1)
    phone: str = ""


class Vehicle(BaseModel):
    """Costs are cents; shift times local wall clock, HH:MM."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=60)
    depot: str
    driver: str
    name: str = ""
    pieces: int = Field(10_000, ge=1, le=1_000_000)
    weight_kg: float = Field(100_000, gt=0, le=2_000_000)
    volume_l: float = Field(100_000, gt=0, le=1_000_000)
    skills: tuple[Skill, ...] = ()
    """what the van or its driver has: lift, cold, adr, ..."""
    crew: int = Field(1, ge=1, le=9)
    """persons aboard"""
    shift_start: str = "08:00"
    shift_end: str = "18:00"
    cost_per_use: int = Field(5_000, ge=0, le=MOST_CENTS)
    cost_per_hour: int = Field(2_800, ge=0, le=MOST_CENTS)
    cost_per_km: int = Field(35, ge=0, le=MOST_CENTS)
    max_stops: int | None = Field(None, ge=1, le=100_000)
    ends_at_depot: bool = True

    @field_validator("shift_start", "shift_end", mode="before")
    @classmethod
    def _clock(cls, value: object) -> str:
        found = re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d|24:00", str(value))
        if not found:
            raise ValueError(f'{value!r} is no time of day; write it in quotes as "07:30"')
        return str(value)

    @property
    def shift_s(self) -> tuple[int, int]:
        return _seconds(self.shift_start), _seconds(self.shift_end)


def _seconds(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def _upsert(db: Connection, table: Any, row: dict[str, Any]) -> None:
    statement = insert(table).values(row)
    db.execute(statement.on_conflict_do_update(index_elements=["id"], set_={k: v for k, v in row.items() if k != "id"}))


def put_depot(db: Connection, new: Depot) -> None:
    _upsert(db, depot, {**new.model_dump(), "country": new.country or None})


def region(home: Row[Any]) -> str:
    """The country that a depot delivers in."""
    return str(home.country or regions.of_zone(home.tz))


def put_driver(db: Connection, new: Driver) -> None:
    person_id = _same_driver(db, new) or people.ensure(db, new.name, new.phone)
    _upsert(db, driver, {"id": new.id, "person_id": person_id})
    principals.ensure(db, "driver", new.id)


def _same_driver(db: Connection, new: Driver) -> str | None:
    """Who a driver without a phone is already: without a contact nobody is found again by name alone."""
    query = select(person.c.id).join(driver, driver.c.person_id == person.c.id).where(driver.c.id == new.id)
    same = query.where(person.c.name == new.name, person.c.phone.is_(None))
    return None if new.phone else db.execute(same).scalar_one_or_none()


def put_vehicle(db: Connection, new: Vehicle) -> None:
    if db.execute(select(depot.c.id).where(depot.c.id == new.depot)).one_or_none() is None:
        raise BadInput(f"There is no depot {new.depot!r}.", "List it under depots first.", field="depot")
    if db.execute(select(driver.c.id).where(driver.c.id == new.driver)).one_or_none() is None:
        raise BadInput(f"There is no driver {new.driver!r}.", "List them under drivers first.", field="driver")
    start, end = new.shift_s
    if end <= start:
        raise BadInput(
            f"The shift ends at {new.shift_end}, before it starts.",
            "Swap them, or use 24:00 at most.",
            field="shift_end",
        )
    taken = select(vehicle.c.id).where(vehicle.c.driver_id == new.driver, vehicle.c.id != new.id)
    other = db.execute(taken).scalar_one_or_none()
    if other is not None:
        raise BadInput(
            f"Driver {new.driver} drives {other} already.", "Give each vehicle a driver of its own.", field="driver"
        )
    row = {
        "id": new.id, "depot_id": new.depot, "driver_id": new.driver, "name": new.name or new.id,
        "pieces": new.pieces, "weight_g": int(new.weight_kg * 1000), "volume_ml": int(new.volume_l * 1000),
        "skills": sorted(new.skills), "crew": new.crew, "shift_start_s": start, "shift_end_s": end,
        "cost_per_use": new.cost_per_use, "cost_per_hour": new.cost_per_hour, "cost_per_km": new.cost_per_km,
        "max_stops": new.max_stops, "ends_at_depot": new.ends_at_depot,
    }  # fmt: skip
    _upsert(db, vehicle, row)


def get_depot(db: Connection, depot_id: str) -> Row[Any]:
    found = db.execute(select(depot).where(depot.c.id == depot_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no depot {depot_id}.", "PUT it with the fleet under /api/fleet.", field="depot")
    return found


def get_vehicle(db: Connection, vehicle_id: str) -> Row[Any]:
    found = db.execute(select(vehicle).where(vehicle.c.id == vehicle_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no vehicle {vehicle_id}.", "PUT it with the fleet under /api/fleet.", field="vehicle")
    return found


def of_driver(db: Connection, driver_id: str) -> Row[Any]:
    found = db.execute(select(vehicle).where(vehicle.c.driver_id == driver_id)).one_or_none()
    if found is None:
        raise NotFound(f"Driver {driver_id} has no vehicle.", "Ask a dispatcher to put one in the fleet.")
    return found


def of_depot(db: Connection, depot_id: str) -> list[Row[Any]]:
    return list(db.execute(select(vehicle).where(vehicle.c.depot_id == depot_id).order_by(vehicle.c.id)))


def unmet(db: Connection, depot_id: str, skills: Iterable[str], crew: int) -> tuple[str, ...]:
    """What a job needs that no single vehicle of the depot has: skills, and `crew` when hands are missing. The vehicle
    that comes nearest counts; a depot without vehicles can't tell yet, so nothing is missing."""
    needed = set(skills)
    lacking = [needed - set(row.skills) | ({"crew"} if row.crew < crew else set()) for row in of_depot(db, depot_id)]
    nearest: set[str] = min(lacking, key=lambda missing: (len(missing), sorted(missing)), default=set())
    return tuple(sorted(nearest))
