"""The clock is a port: domain code asks it, never the system or SQL `now()`.

In a real deployment it is the system's; in a simulated day it is the time that the world last set, kept in the
`instance` row so that all processes share it. Nothing here waits or schedules: timers are rows (`core.timers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select, update

from core.errors import WrongState
from core.store.tables import depot, instance


@dataclass(frozen=True)
class Reading:
    """The clock at one moment: what kind it is and what it says."""

    now: datetime
    simulated: bool
    speed: float
    paused: bool


def system_now() -> datetime:
    """The machine's clock. Only this module and process supervision read it."""
    return datetime.now(UTC)


READ = select(instance)
HERE = select(instance, select(depot.c.tz).order_by(depot.c.id).limit(1).scalar_subquery().label("tz"))


def read(db: Connection) -> Reading:
    return _reading(db.execute(READ).one())


def _reading(row: Row[Any]) -> Reading:
    if row.mode == "real":
        return Reading(system_now(), False, 1.0, False)
    return Reading(row.sim_now, True, row.speed, row.paused)


def now(db: Connection) -> datetime:
    """Domain time in UTC."""
    return read(db).now


def here(db: Connection) -> tuple[datetime, ZoneInfo]:
    """Domain time in UTC, and the zone of days that belong to no depot: the first one's, UTC before there is one."""
    row = db.execute(HERE).one()
    return _reading(row).now, ZoneInfo(row.tz or "UTC")


def set_simulated(db: Connection, to: datetime, speed: float | None = None) -> None:
    """Move a simulated clock forward. It never goes back: an earlier `to` changes nothing."""
    reading = read(db)
    if not reading.simulated:
        raise WrongState("This instance runs on the real clock.", "Only `doorstep demo` can set the time.")
    if speed is not None and speed != reading.speed:
        db.execute(update(instance).values(speed=speed))
    if to > reading.now:
        db.execute(update(instance).values(sim_now=to))


def set_paused(db: Connection, paused: bool) -> None:
    if not read(db).simulated:
        raise WrongState("A real day can't be paused.", "Use the kill switch in the policy to stop the assistant.")
    db.execute(update(instance).values(paused=paused))


def midnight(day: date, tz: str) -> datetime:
    """Local midnight at which `day` starts, in UTC: the t0 of that day's routing problems."""
    return datetime.combine(day, time(), ZoneInfo(tz)).astimezone(UTC)


def at_second(day: date, tz: str, seconds: int) -> datetime:
    """Wall-clock `seconds` after local midnight, in UTC. Right on the days the clocks change, too: 08:00 is 08:00."""
    naive = datetime.combine(day, time()) + timedelta(seconds=seconds)
    return naive.replace(tzinfo=ZoneInfo(tz)).astimezone(UTC)


def at_offset(t0: datetime, seconds: int) -> datetime:
    """Elapsed `seconds` after t0: what the optimizer counts in."""
    return t0 + timedelta(seconds=seconds)


def iso(at: datetime) -> str:
    """UTC, ISO 8601 with Z; microseconds only when there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def as_json(reading: Reading) -> dict[str, str | bool | float]:
    """A reading as the API and the stream show it."""
    mode = "simulated" if reading.simulated else "real"
    return {"mode": mode, "now": iso(reading.now), "paused": reading.paused, "speed": reading.speed}


def parse(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text}: give a time zone, for example {text}Z")
    return at.astimezone(UTC)
