"""Vans that can't go on: where, why, for how long as far as anybody says, and the one case about all that is left.

The place is a row of the depot's travel times from then on (`tools.problems`), so that other vans can be sent there. A
driver's own words are personal and live in the row only.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, cases, fleet, orders, vans
from core.errors import BadInput, WrongState
from core.events import Event
from core.store.tables import breakdown

KIND = "breakdown"
REASONS: dict[str, str] = {
    "engine": "the engine does not run",
    "battery": "the battery is empty",
    "tyre": "a tyre is flat",
    "electrics": "lights, doors or instruments fail",
    "accident": "there was an accident",
    "cold_chain": "the cooling fails",
    "other": "none of these: the driver's words are in the note",
}
LONGEST_MIN = 24 * 60
MAX_NOTE = 500
UNDECIDED = ("open", "diagnosed", "weighed", "waiting")
"""statuses of its case in which news of the van changes what is proposed"""


def begin(db: Connection, fact: Event, van: Row[Any]) -> None:
    """The van stands. A second tap of the same breakdown corrects the minutes."""
    reason, minutes = _reason(fact), _minutes(fact)
    if van.state == "finished":
        raise WrongState(f"{van.vehicle_id} has finished its route.", "Call the dispatcher.", field="vehicle")
    depot_id = fleet.get_vehicle(db, van.vehicle_id).depot_id
    known = open_of(db, van.vehicle_id)
    if known is not None:
        db.execute(update(breakdown).where(breakdown.c.id == known.id).values(minutes=minutes))
        _weigh_again(db, van.vehicle_id)
        return
    lat, lon = _place(db, fact, van, depot_id)
    made = canonical.short("brk", van.vehicle_id, fact.key)
    row = {
        "id": made, "vehicle_id": van.vehicle_id, "depot_id": depot_id, "day": van.day, "at": fact.at, "lat": lat,
        "lon": lon, "reason": reason, "minutes": minutes,
        "note": str(fact.data.get("note") or "").strip()[:MAX_NOTE] or None,
    }  # fmt: skip
    db.execute(insert(breakdown).values(row))
    left = vans.open_route(db, van.vehicle_id, depot_id, van.day)
    if van.state != "idle":  # at the depot it stays where it is and may be loaded all the same
        at, ahead = max(fact.at, van.state_at), left[0] if left else None
        vans.set_state(db, van.vehicle_id, "broken", at, stop_id=ahead, last_stop_id=made)
    facts = {"vehicle": van.vehicle_id, "breakdown": made, "reason": reason, "stops": left}
    cases.open_or_join(db, KIND, van.vehicle_id, depot_id, van.day, facts, fact.at)


def over(db: Connection, fact: Event, van: Row[Any]) -> None:
    """It goes on. What is left of its route is weighed again, unless that is decided by now."""
    if open_of(db, van.vehicle_id) is None:
        raise WrongState(f"{van.vehicle_id} has not broken down.", "Nothing to do.", field="vehicle")
    if van.state == "broken":
        vans.head_on(db, van, max(fact.at, van.state_at), last=van.last_stop_id)
    end(db, van.vehicle_id, fact.at)


def end(db: Connection, vehicle_id: str, at: datetime) -> None:
    """Whatever the van did, it has moved again."""
    mine = (breakdown.c.vehicle_id == vehicle_id) & breakdown.c.ended_at.is_(None)
    db.execute(update(breakdown).where(mine).values(ended_at=at))
    _weigh_again(db, vehicle_id)


def get(db: Connection, breakdown_id: str) -> Row[Any]:
    return db.execute(select(breakdown).where(breakdown.c.id == breakdown_id)).one()


def open_of(db: Connection, vehicle_id: str) -> Row[Any] | None:
    """The breakdown in which a van stands now."""
    query = select(breakdown).where(breakdown.c.vehicle_id == vehicle_id, breakdown.c.ended_at.is_(None))
    return db.execute(query.order_by(breakdown.c.at.desc()).limit(1)).one_or_none()


def of_day(db: Connection, depot_id: str, day: date) -> list[Row[Any]]:
    """All of a depot's day, oldest first: a new one never changes the order of those before."""
    query = select(breakdown).where(breakdown.c.depot_id == depot_id, breakdown.c.day == day)
    return list(db.execute(query.order_by(breakdown.c.at, breakdown.c.id)))


def _weigh_again(db: Connection, vehicle_id: str) -> None:
    known = cases.open_of_kind(db, KIND, [vehicle_id]).get(vehicle_id)
    row = cases.get(db, known, lock=True) if known else None
    if row is not None and row.status in UNDECIDED:
        cases.advance(db, row, "open")
        cases.work(db, row.id)


def _reason(fact: Event) -> str:
    code = str(fact.data.get("reason") or "")
    if code not in REASONS:
        raise BadInput(
            "The breakdown has no reason." if not code else f"{code[:40]!r} is no reason for a breakdown.",
            f"Send one of {', '.join(REASONS)}.",
            field="data.reason",
        )
    return code


def _minutes(fact: Event) -> int | None:
    said = fact.data.get("minutes")
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said <= LONGEST_MIN:
        fix = f"Send whole minutes up to {LONGEST_MIN}, or leave them out when nobody knows."
        raise BadInput(f"{str(said)[:40]!r} is no number of minutes.", fix, field="data.minutes")
    return said


def _place(db: Connection, fact: Event, van: Row[Any], depot_id: str) -> tuple[float, float]:
    """Where the driver says, else where the van was seen last today, else its last door, else the depot."""
    lat, lon = fact.data.get("lat"), fact.data.get("lon")
    if lat is not None or lon is not None:
        if not _is_number(lat, 90) or not _is_number(lon, 180):
            raise BadInput("The place is not on earth.", "Send lat and lon in degrees, or neither.", field="data.lat")
        return float(str(lat)), float(str(lon))
    home = fleet.get_depot(db, depot_id)
    if van.position_at is not None and vans.local_day(van.position_at, home.tz) == van.day:
        return float(van.lat), float(van.lon)
    rows = orders.at_stop(db, van.last_stop_id) if van.last_stop_id else []
    at_door = next((row for row in rows if row.lat is not None), home)
    return float(at_door.lat), float(at_door.lon)


def _is_number(value: object, most: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -most <= value <= most
