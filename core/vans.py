"""What every van is doing now, and the positions it sent. Judged from taps and positions, newest fact wins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy import Connection, Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from core import fleet, orders, plans, stream
from core.clock import iso
from core.store.tables import depot, position, van, vehicle

T = TypeVar("T")

STATES = ("idle", "driving", "serving", "broken", "finished")
AT_DEPOT = ("idle", "finished")
"""States in which goods can be put aboard: not out yet, or back."""
PARTITION_LOCK = 7304502
"""Advisory lock under which one process at a time makes tables of days."""


class Position(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    vehicle: str
    at: datetime
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    speed_kmh: float | None = Field(None, ge=0, le=300)
    heading: float | None = Field(None, ge=0, le=360)


def local_day(at: datetime, tz: str) -> date:
    return at.astimezone(ZoneInfo(tz)).date()


def ensure(db: Connection, vehicle_id: str, at: datetime) -> Row[Any]:
    """The van's row for the local day of `at`; a new day starts it idle."""
    known = fleet.get_vehicle(db, vehicle_id)
    day = local_day(at, fleet.get_depot(db, known.depot_id).tz)
    row = db.execute(select(van).where(van.c.vehicle_id == vehicle_id).with_for_update()).one_or_none()
    if row is not None and row.day >= day:
        return row
    fresh = {
        "vehicle_id": vehicle_id,
        "day": day,
        "state": "idle",
        "stop_id": None,
        "last_stop_id": None,
        "state_at": at,
        "hours": None,
    }
    statement = insert(van).values(fresh)
    db.execute(statement.on_conflict_do_update(index_elements=["vehicle_id"], set_=fresh))
    return db.execute(select(van).where(van.c.vehicle_id == vehicle_id)).one()


def of_vehicle(db: Connection, vehicle_id: str) -> Row[Any] | None:
    return db.execute(select(van).where(van.c.vehicle_id == vehicle_id)).one_or_none()


def set_state(db: Connection, vehicle_id: str, state: str, at: datetime, **values: Any) -> None:
    db.execute(update(van).where(van.c.vehicle_id == vehicle_id).values(state=state, state_at=at, **values))
    stream.tell(db, "van", {"vans": [{"id": vehicle_id, "state": state, "stop": values.get("stop_id")}]})


def open_route(db: Connection, vehicle_id: str, depot_id: str, day: date) -> list[str]:
    """Stops of the van's published route that still have something to do, in order."""
    mine = plans.current_route(db, depot_id, day, vehicle_id)
    if mine is None:
        return []
    still = orders.open_among(db, mine.stops)
    return [stop for stop in mine.stops if stop in still]


def head_on(db: Connection, row: Row[Any], at: datetime, last: str | None) -> None:
    """Off to the next open stop, or back to the depot when there is none."""
    depot_id = fleet.get_vehicle(db, row.vehicle_id).depot_id
    ahead = [stop for stop in open_route(db, row.vehicle_id, depot_id, row.day) if stop != last]
    set_state(db, row.vehicle_id, "driving", at, stop_id=ahead[0] if ahead else None, last_stop_id=last)


def ensure_partitions(db: Connection, day: date, ahead: int = 2) -> None:
    """Tables for the positions of a day and the next ones; anything older or newer falls into the default one."""
    db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PARTITION_LOCK})
    db.execute(text("CREATE TABLE IF NOT EXISTS position_default PARTITION OF position DEFAULT"))
    for offset in range(ahead + 1):
        _make_partition(db, day + timedelta(days=offset))


def _make_partition(db: Connection, day: date) -> None:
    """What came before the day's table was there lies in the default one, and moves: it may be in one only."""
    name, until = f"position_{day:%Y%m%d}", day + timedelta(days=1)
    if db.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar_one() is not None:
        return
    of_day = f"at >= '{day}T00:00:00Z' AND at < '{until}T00:00:00Z'"
    for statement in (
        "LOCK TABLE position_default IN ACCESS EXCLUSIVE MODE",  # nothing may come in between move and attach
        f"CREATE TABLE {name} (LIKE position INCLUDING ALL)",
        f"WITH gone AS (DELETE FROM position_default WHERE {of_day} RETURNING *) INSERT INTO {name} SELECT * FROM gone",  # noqa: S608
        f"ALTER TABLE position ATTACH PARTITION {name} FOR VALUES FROM ('{day}T00:00:00Z') TO ('{until}T00:00:00Z')",
    ):
        db.execute(text(statement))


def drop_partitions(db: Connection, now: datetime, keep_days: int) -> list[str]:
    """Retention: drop the days that are over, in whichever table they lie. Returns the names of those dropped."""
    kept_from = (now - timedelta(days=keep_days)).date()
    oldest = f"position_{kept_from:%Y%m%d}"
    names = db.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'position'::regclass")
    ).scalars()
    gone = sorted(name for name in names if name != "position_default" and name < oldest)
    for name in gone:
        db.execute(text(f"DROP TABLE {name}"))
    db.execute(delete(position).where(position.c.at < datetime.combine(kept_from, time(), UTC)))
    return gone


def take_positions(db: Connection, batch: Sequence[Position]) -> int:
    """Store positions and move each van to its newest. The caller has checked that the vehicles exist."""
    if not batch:
        return 0
    db.execute(KEEP, _rows(batch))
    newest: dict[str, Position] = {}
    for each in batch:
        if each.vehicle not in newest or each.at >= newest[each.vehicle].at:
            newest[each.vehicle] = each
    ordered = [newest[key] for key in sorted(newest)]  # one lock order for all batches: no deadlocks
    _lock_rows(db, ordered)
    db.execute(MOVE, _rows(ordered))
    told = [{"id": p.vehicle, "lat": round(p.lat, 6), "lon": round(p.lon, 6), "at": iso(p.at)} for p in ordered]
    stream.tell_many(db, "van", "vans", told)
    return len(batch)


# A batch is one parameter of one statement: a fifth of the time of a statement a row.
ROWS = (
    "json_to_recordset(CAST(:batch AS json)) AS new "
    "(vehicle text, at timestamptz, lat float8, lon float8, speed_kmh float8, heading float8)"
)
# Nobody waits for a position to reach the disk: a crash of the database may lose the last half second of them.
KEEP = text(
    "WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)) "  # noqa: S608
    f"INSERT INTO position (vehicle_id, at, lat, lon, speed_kmh, heading) SELECT new.* FROM quick, {ROWS}"
)
MOVE = text(
    f"UPDATE van SET lat = new.lat, lon = new.lon, position_at = new.at FROM {ROWS} "  # noqa: S608
    "WHERE van.vehicle_id = new.vehicle AND (van.position_at IS NULL OR van.position_at <= new.at)"
)
AS_JSON = TypeAdapter(Sequence[Position])


def _rows(batch: Sequence[Position]) -> dict[str, str]:
    return {"batch": AS_JSON.dump_json(batch).decode()}


def _lock_rows(db: Connection, ordered: Sequence[Position]) -> None:
    """Lock each van's row, in this order; a van without one gets it."""
    names = [each.vehicle for each in ordered]
    query = select(van.c.vehicle_id).where(van.c.vehicle_id == func.any(names)).order_by(van.c.vehicle_id)
    known = set(db.execute(query.with_for_update()).scalars())
    for each in ordered:
        if each.vehicle not in known:
            ensure(db, each.vehicle, each.at)


def known_vehicles(db: Connection) -> set[str]:
    return set(db.execute(select(vehicle.c.id)).scalars())


def active_days(db: Connection, now: datetime) -> list[tuple[str, date]]:
    """(depot, local day) of every depot now."""
    rows = db.execute(select(depot.c.id, depot.c.tz).order_by(depot.c.id))
    return [(row.id, local_day(now, row.tz)) for row in rows]


def trail(db: Connection, vehicle_id: str, since: datetime, until: datetime) -> list[Row[Any]]:
    """Its positions from `since` up to and including `until`, oldest first."""
    query = select(position).where(position.c.vehicle_id == vehicle_id, position.c.at >= since, position.c.at <= until)
    return list(db.execute(query.order_by(position.c.at)))


def thinned(rows: Sequence[T], most: int) -> list[T]:
    """At most so many (2 or more), evenly spread over all; the first and the last stay."""
    if len(rows) <= most:
        return list(rows)
    return [rows[n * (len(rows) - 1) // (most - 1)] for n in range(most)]


def count_positions(db: Connection) -> int:
    return int(db.execute(select(func.count()).select_from(position)).scalar_one())
