"""The running day: drivers' taps and routes, positions, the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import DataError

from api import answers
from api.answers import shown
from api.auth import Admin, Anyone, Driver, Locator, Planner, Staff, Tapper
from api.days import AFTER, Moment
from api.drain import advance
from api.errors import printable
from core import canonical, clock, custody, driving, fleet, orders, plans, scans, stream, taps, transfers, vans
from core.clock import iso
from core.errors import BadInput, DoorstepError, NotAllowed, Unavailable
from core.events import Event
from core.principals import Principal
from core.store import db as store
from core.store.tables import van
from tools import tracker
from tools.notify import stages

router = APIRouter(prefix="/api", tags=["the running day"])


class Tap(BaseModel):
    """One thing that happened on the road. `key` makes it count once."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=200)
    kind: str
    at: AwareDatetime
    vehicle: str | None = None
    stop: str | None = None
    order: str | None = None
    data: dict[str, Any] = {}


class Taps(BaseModel):
    model_config = ConfigDict(extra="forbid")

    # what is no tap is refused by itself, so that a broken device line does not hold up the others
    events: list[Annotated[Tap | dict[str, Any], Field(union_mode="left_to_right")]] = Field(max_length=1000)


@router.post("/events", **shown(answers.EventResults))
def take_events(who: Tapper, batch: Annotated[Taps, Body()]) -> dict[str, Any]:
    """Take taps in, each by itself: a bad one is rejected with its reason and the others count."""
    # one transaction: the work that a tap asks for begins when all of them are in, not somewhere among them
    with store.transaction() as db:
        now = clock.now(db)
        return {"results": [_tap(db, who, tap, now) if isinstance(tap, Tap) else _no_tap(tap) for tap in batch.events]}


def _no_tap(given: dict[str, Any]) -> dict[str, str]:
    try:
        Tap.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "events"
        wrong = BadInput(str(first["msg"]), "Correct this tap and send it again.", field=field)
    return _refused(str(given.get("key") or "")[:200], wrong)


def _tap(db: Connection, who: Principal, tap: Tap, now: datetime) -> dict[str, str]:
    own = tap.vehicle
    try:
        with db.begin_nested():
            own = fleet.of_driver(db, who.subject).id if who.role == "driver" else tap.vehicle
            if tap.vehicle not in (None, own):
                raise NotAllowed(f"You drive {own}, not {tap.vehicle}.", "Send your own vehicle.", field="vehicle")
            fact = Event(
                key=tap.key, kind=tap.kind, source=who.id, subject=tap.order or tap.stop or own or "", at=tap.at,
                vehicle_id=own, data=_proofed(tap),
            )  # fmt: skip
            result = taps.take(db, fact, now)
            if result == "accepted":
                stages.after_tap(db, fact, now)
            return {"key": tap.key, "result": result}
    except Unavailable:
        raise
    except DataError:
        return _refused(
            tap.key, BadInput("A value is too large or holds a NUL character.", "Correct it and send again.")
        )
    except custody.Mismatch as error:
        scans.contradicted(db, error.order_id, own or "", now)
        return _refused(tap.key, error)
    except DoorstepError as error:
        return _refused(tap.key, error)


def _refused(key: str, error: DoorstepError) -> dict[str, str]:
    said = {"key": key, "field": error.field, "reason": error.what, "fix": error.fix}
    return {"result": "rejected"} | {name: printable(text) for name, text in said.items()}


def _proofed(tap: Tap) -> dict[str, Any]:
    """The tap's data, if it can be kept: of bounded size, and only what JSON and the database can write."""
    try:
        size = len(canonical.dumps(tap.data))
    except (ValueError, RecursionError) as error:  # infinite numbers, halves of surrogate pairs, endless nesting
        raise BadInput("The tap's data can't be written as JSON.", "Send plain values.", field="data") from error
    if size > 20_000:
        raise BadInput("The tap carries too much data.", "Upload pictures apart and send their sha256.", field="data")
    return tap.data


class Batch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    positions: list[vans.Position] = Field(max_length=5000)


@router.post("/positions", **shown(answers.PositionsTaken))
def take_positions(who: Locator, batch: Annotated[Batch, Body()]) -> dict[str, Any]:
    """Take positions in; those of unknown or foreign vehicles are rejected by row."""
    with store.transaction() as db:
        now = clock.now(db)
        allowed = {fleet.of_driver(db, who.subject).id} if who.role == "driver" else vans.known_vehicles(db)
        good, rejected = [], []
        for row, each in enumerate(batch.positions, 1):
            wrong = _wrong(each, allowed, now)
            if wrong:
                rejected.append({"row": row, **wrong})
            else:
                good.append(each)
        return {"accepted": vans.take_positions(db, good), "rejected": rejected}


def _wrong(each: vans.Position, allowed: set[str], now: datetime) -> dict[str, str] | None:
    if each.vehicle not in allowed:
        return {
            "field": "vehicle",
            "reason": f"{each.vehicle[:60]} is no vehicle of yours.",
            "fix": "Put it in the fleet first.",
        }
    if each.at.tzinfo is None:
        return {"field": "at", "reason": "The time has no zone.", "fix": "Write it with Z."}
    if each.at > now + taps.AHEAD:
        return {"field": "at", "reason": "The time is in the future.", "fix": "Set the device's clock."}
    if each.at < taps.EARLIEST:
        return {"field": "at", "reason": "The time is long past.", "fix": "Set the device's clock."}
    return None


@router.get("/driver/route", **shown(answers.DriverRoute))
def driver_route(who: Driver) -> dict[str, Any]:
    """What this driver still has to do today, and what is done."""
    with store.snapshot() as db:
        mine = fleet.of_driver(db, who.subject)
        now = clock.now(db)
        day = vans.local_day(now, fleet.get_depot(db, mine.depot_id).tz)
        version = plans.current_version(db, mine.depot_id, day)
        route = plans.current_route(db, mine.depot_id, day, mine.id)
        state = db.execute(select(van).where(van.c.vehicle_id == mine.id, van.c.day == day)).one_or_none()
        there = orders.at_stops(db, route.stops) if route else {}
        stops = [_stop(db, visit, there.get(visit.stop, [])) for visit in route.visits] if route else []
        worked = driving.hours(state.hours if state else None, fleet.law_of(mine.hours), now)
        handovers = [row.id for row in transfers.of_van(db, mine.id)]
        out = state is not None and state.state not in vans.AT_DEPOT
    return {
        "vehicle": mine.id, "day": day.isoformat(), "version": version,
        "next": state.stop_id if state else None, "departed": out, "stops": stops,
        "breaks": [_break(rest) for rest in route.rests] if route else [],
        "broken": bool(state and state.state == "broken"), "handovers": handovers, "hours": worked,
    }  # fmt: skip


def _break(rest: plans.PlannedRest) -> dict[str, Any]:
    return {"after": rest.after, "at": iso(rest.at), "minutes": rest.seconds // 60}


def _stop(db: Connection, visit: plans.PlannedVisit, rows: Sequence[Row[Any]]) -> dict[str, Any]:
    meeting = None if rows else transfers.get(db, visit.stop)
    if meeting is not None:
        return _meeting(db, visit, meeting)
    open_rows = [row for row in rows if row.status in orders.OPEN]
    first = rows[0] if rows else None
    return {
        "stop": visit.stop, "arrival": iso(visit.arrival), "done": not open_rows,
        "orders": [{"id": row.id, "ref": row.ref, "pieces": row.pieces, "kind": row.kind} for row in open_rows],
        "lat": first.lat if first else None, "lon": first.lon if first else None,
        "address": first.address if first else None, "notes": first.notes if first else None,
        "service_s": max((row.service_s for row in rows), default=0),
    }  # fmt: skip


def _meeting(db: Connection, visit: plans.PlannedVisit, row: Row[Any]) -> dict[str, Any]:
    """A stop at which goods are taken over from another van, and what has not been scanned yet."""
    left = [line.order_id for line in transfers.lines(db, [row.id]) if line.taken_at is None]
    lines = [orders.get(db, order_id) for order_id in left] if row.status == "open" else []
    return {
        "stop": visit.stop, "arrival": iso(visit.arrival), "done": row.status != "open", "giver": row.from_vehicle,
        "orders": [{"id": each.id, "ref": each.ref, "pieces": each.pieces} for each in lines],
        "lat": row.lat, "lon": row.lon, "address": None, "notes": None, "service_s": row.service_s,
    }  # fmt: skip


@router.get("/fleet/now")
def fleet_now(who: Staff) -> dict[str, Any]:
    """Where every van is and what it does."""
    with store.snapshot() as db:
        return {"vans": tracker.fleet_now(db, clock.now(db))}


@router.get("/vans/{van_id}/trail")
def van_trail(
    who: Staff, van_id: str, since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None, points: int = Query(500, ge=2, le=5000),
) -> dict[str, Any]:  # fmt: skip
    """Where a van was between two times (else: today so far), at which doors how long, and its stops ahead."""
    with store.snapshot() as db:
        tz = fleet.get_depot(db, fleet.get_vehicle(db, van_id).depot_id).tz
        last = until or clock.now(db)
        first = since or clock.midnight(vans.local_day(last, tz), tz)
        if first > last:
            raise BadInput("The trail ends before it begins.", "Give `from` before `to`.", field="from")
        return tracker.trail(db, van_id, first, last, points)


# The clock ------------------------------------------------------------------------------------------------------------


@router.get("/clock", **shown(answers.Clock))
def get_clock(who: Anyone) -> dict[str, Any]:
    with store.snapshot() as db:
        return clock.as_json(clock.read(db))


class To(BaseModel):
    model_config = ConfigDict(extra="forbid")

    to: AwareDatetime = Field(lt=datetime.combine(AFTER, time(), UTC))
    speed: float | None = Field(None, gt=0, le=1e6)


@router.post("/admin/clock", **shown(answers.Clock))
def set_clock(who: Admin, ask: Annotated[To, Body()]) -> dict[str, Any]:
    """Move a simulated day's clock; returns when all work due by then is done. Refused on a real day."""
    advance(ask.to, ask.speed)
    with store.snapshot() as db:
        return clock.as_json(clock.read(db))


class Pause(BaseModel):
    model_config = ConfigDict(extra="forbid")

    paused: bool


@router.post("/admin/clock/pause", **shown(answers.Clock))
def pause(who: Planner, ask: Annotated[Pause, Body()]) -> dict[str, Any]:
    """Hold a simulated day, or let it go on."""
    with store.transaction() as db:
        clock.set_paused(db, ask.paused)
        stream.tell(db, "clock", clock.as_json(clock.read(db)))
        return clock.as_json(clock.read(db))
