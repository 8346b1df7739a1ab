"""Depots, vehicles and drivers, as a fleet file names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from core import people, phones, principals, regions
from core.errors import BadInput, NotFound
from core.store.tables import area, depot, driver, person, vehicle

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
    docks: int | None = Field(None, ge=1, le=1000)
    """vans that can be loaded at a time; None: all of them"""
    service_quantile: float = Field(0.5, ge=0.5, le=0.95)
    """how safe plans are against long services: above 0.5, kinds of jobs whose time varies more get more time"""
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


Energy: TypeAlias = Literal["diesel", "petrol", "hybrid", "electric", "none"]
CO2_G_KM: Mapping[Energy, int] = {"diesel": 250, "petrol": 220, "hybrid": 170, "electric": 70, "none": 0}
"""grams a kilometre of a van of 3.5 t in town, from tank or grid: 9.5 l of diesel a 100 km at 2.64 kg a litre or of
petrol at 2.31 kg, a hybrid three quarters of that, 28 kWh a 100 km at 250 g a kWh; none: a cargo bike"""


class Area(BaseModel):
    """A part of the map with a name, for vehicles that keep to some: corners as (lat, lon), in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=60)
    depot: str
    polygon: tuple[tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]], ...] = (
        Field(min_length=3, max_length=2000)
    )


class Rest(BaseModel):
    """A break that a driver takes every day: so many minutes, beginning between two times on the wall clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: int = Field(ge=1, le=240)
    earliest: str
    latest: str

    @field_validator("earliest", "latest", mode="before")
    @classmethod
    def _clock(cls, value: object) -> str:
        return _time_of_day(value)


SPLIT_MIN = (15, 30)


class Law(BaseModel):
    """Driving in minutes: how much until a break, how long that break is, how much a day. The European Union's rule
    (Regulation (EC) 561/2006) unless the fleet file says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drive_min: int = Field(270, ge=1, le=1440)
    break_min: int = Field(45, ge=1, le=1440)
    day_min: int = Field(540, ge=1, le=1440)
    split_min: tuple[int, int] | None = SPLIT_MIN
    """the least of the two parts in which the break may be taken, in this order; null: at once only"""

    @model_validator(mode="after")
    def _parts_make_a_break(self) -> Law:
        own = self.split_min if self.split_min != SPLIT_MIN else None
        if own is not None and sum(own) < self.break_min:
            raise ValueError("the parts of a break (split_min) are together shorter than break_min")
        return self

    @property
    def break_s(self) -> int:
        return 60 * self.break_min

    @property
    def parts_s(self) -> tuple[int, int] | None:
        """None where the parts are no whole break: the usual ones of a longer break that a fleet file asks for."""
        if self.split_min is None or sum(self.split_min) < self.break_min:
            return None
        return 60 * self.split_min[0], 60 * self.split_min[1]


def law_of(kept: Mapping[str, Any] | None) -> Law:
    """What a vehicle's driver keeps to; one without limits is counted by the usual rule."""
    return Law.model_validate(kept or {})


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
    areas: tuple[str, ...] | None = None
    """the only areas that it delivers in; None: anywhere"""
    speed_percent: int = Field(100, ge=10, le=300)
    """how fast it is against the travel times: a cargo bike on long legs 60, in a jammed centre 120"""
    energy: Energy = "diesel"
    co2_g_per_km: int | None = Field(None, ge=0, le=5000)
    """grams; None: the usual figure of its energy"""
    loading_min: int = Field(0, ge=0, le=240)
    """at the dock, from the start of the shift or as soon as a dock is free; then it leaves"""
    breaks: tuple[Rest, ...] = Field((), max_length=4)
    hours: Law | None = Law()
    """None: no limits"""

    @field_validator("shift_start", "shift_end", mode="before")
    @classmethod
    def _clock(cls, value: object) -> str:
        return _time_of_day(value)

    @property
    def co2_g_km(self) -> int:
        return CO2_G_KM[self.energy] if self.co2_g_per_km is None else self.co2_g_per_km

    @property
    def breaks_s(self) -> list[list[int]]:
        """[seconds, earliest start, latest start] of each, after midnight; earliest first."""
        return sorted([60 * b.minutes, _seconds(b.earliest), _seconds(b.latest)] for b in self.breaks)

    @property
    def shift_s(self) -> tuple[int, int]:
        return _seconds(self.shift_start), _seconds(self.shift_end)


def _time_of_day(value: object) -> str:
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d|24:00", str(value)):
        raise ValueError(f'{value!r} is no time of day; write it in quotes as "07:30"')
    return str(value)


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
    if any(latest < earliest for _, earliest, latest in new.breaks_s):
        raise BadInput("A break ends to begin before it may.", "Swap earliest and latest.", field="breaks")
    known = set(db.execute(select(area.c.id).where(area.c.depot_id == new.depot)).scalars())
    if new.areas is not None and set(new.areas) - known:
        strange = ", ".join(sorted(set(new.areas) - known))
        raise BadInput(f"Depot {new.depot} has no area {strange}.", "List it under areas first.", field="areas")
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
        "areas": None if new.areas is None else sorted(set(new.areas)), "speed_percent": new.speed_percent,
        "co2_g_km": new.co2_g_km, "loading_s": 60 * new.loading_min, "breaks": new.breaks_s,
        "hours": new.hours.model_dump() if new.hours else None,
    }  # fmt: skip
    _upsert(db, vehicle, row)


def put_area(db: Connection, new: Area) -> None:
    if db.execute(select(depot.c.id).where(depot.c.id == new.depot)).one_or_none() is None:
        raise BadInput(f"There is no depot {new.depot!r}.", "List it under depots first.", field="depot")
    row = {"id": new.id, "depot_id": new.depot, "polygon": [list(corner) for corner in new.polygon]}
    statement = insert(area).values(row)
    db.execute(statement.on_conflict_do_update(index_elements=["depot_id", "id"], set_={"polygon": row["polygon"]}))


def areas_of(db: Connection, depot_id: str) -> dict[str, tuple[tuple[float, float], ...]]:
    """name -> its corners"""
    rows = db.execute(select(area).where(area.c.depot_id == depot_id).order_by(area.c.id))
    return {row.id: tuple((lat, lon) for lat, lon in row.polygon) for row in rows}


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
