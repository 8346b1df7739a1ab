"""Doors as circles: which one a van stands at, judged from its positions, and how long it stood there.

Only a change of the judgement is a fact: `stop.entered` and `stop.left`. A van is at a door when it is inside the
door's circle and not driving past; it has left when it is clearly outside. Taps stay the truth about goods: nothing
else follows from a circle.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select, text
from sqlalchemy.dialects.postgresql import insert

from core import events, geo
from core.clock import iso, parse
from core.events import Event
from core.store.tables import event, fence

WIDEST_M, NARROWEST_M = 120, 25
"""A circle reaches half way to the nearest other door: wide where doors are far apart (a van parks where it can), never
narrower than a phone's position is wrong between houses."""
LEFT_AT = 1.5
"""radii from the door at which a van has left it: between 1 and this the judgement stays what it was"""
PASSES_KMH = 15.0
"""A van that is faster does not enter, whichever circles it crosses."""
METRES_A_DEGREE = 111_195.0


@dataclass(frozen=True)
class Circle:
    lat: float
    lon: float
    radius_m: int

    def metres(self, lat: float, lon: float) -> float:
        return geo.metres(self.lat, self.lon, lat, lon)


def circles(points: Mapping[str, tuple[float, float]]) -> dict[str, Circle]:
    """A circle for every door of a day, by stop id. Places are (lat, lon)."""
    if not points:
        return {}
    places = np.array(list(points.values()))
    flat = places * METRES_A_DEGREE * np.array([1.0, np.cos(np.radians(places[:, 0].mean()))])
    found = {}
    for n, (stop, (lat, lon)) in enumerate(points.items()):
        away = np.hypot(*(flat - flat[n]).T)
        away[n] = np.inf
        found[stop] = Circle(lat, lon, round(min(max(float(away.min()) / 2, NARROWEST_M), WIDEST_M)))
    return found


def judge(inside: str | None, of: Mapping[str, Circle], lat: float, lon: float, kmh: float | None) -> str | None:
    """The door that a van stands at now, when it was judged to be at `inside` before."""
    away = {stop: circle.metres(lat, lon) for stop, circle in of.items()}
    if inside in away and away[inside] <= of[inside].radius_m * LEFT_AT:
        return inside
    near = [stop for stop in of if away[stop] <= of[stop].radius_m]
    if not near or (kmh is not None and kmh > PASSES_KMH):
        return None
    return min(near, key=lambda stop: (away[stop], stop))


def watch(
    db: Connection, of: Mapping[str, Mapping[str, Circle]], since: datetime, now: datetime
) -> list[tuple[str, str, str]]:
    """Judge the positions that came since the last look. `of`: vehicle -> circles of its route's doors. Returns what
    changed, as (vehicle, `stop.entered` or `stop.left`, stop)."""
    known = {row.vehicle_id: row for row in db.execute(select(fence).where(fence.c.vehicle_id.in_(list(of))))}
    changed: list[tuple[str, str, str]] = []
    fresh = []
    for vehicle_id, rows in _unseen(db, of, known, since, now).items():
        before = known.get(vehicle_id)
        inside = None if before is None or before.seen_at < since else before.stop_id
        entered = before.entered_at if before is not None and inside is not None else None
        for row in rows:
            at_door = judge(inside, of[vehicle_id], row.lat, row.lon, row.speed_kmh)
            if at_door != inside:
                for kind, stop in (("stop.left", inside), ("stop.entered", at_door)):
                    if stop is not None:
                        _tell(db, kind, vehicle_id, stop, row.at, entered, now)
                        changed.append((vehicle_id, kind, stop))
                inside, entered = at_door, row.at if at_door else None
        fresh.append(
            {"vehicle_id": vehicle_id, "stop_id": inside, "entered_at": entered, "seen_at": rows[-1].at}
        )  # fmt: skip
    if fresh:
        statement = insert(fence)
        kept = {name: statement.excluded[name] for name in ("stop_id", "entered_at", "seen_at")}
        db.execute(statement.on_conflict_do_update(index_elements=["vehicle_id"], set_=kept), fresh)
    return changed


UNSEEN = text(
    "SELECT p.* FROM json_to_recordset(CAST(:looked AS json)) AS looked (vehicle text, until timestamptz) "
    "JOIN van ON van.vehicle_id = looked.vehicle AND van.position_at > looked.until "
    "JOIN LATERAL (SELECT vehicle_id, at, lat, lon, speed_kmh FROM position WHERE vehicle_id = looked.vehicle "
    "AND at > looked.until AND at <= :now) p ON true ORDER BY p.vehicle_id, p.at"
)


def _unseen(
    db: Connection, vehicles: Iterable[str], known: Mapping[str, Row[Any]], since: datetime, now: datetime
) -> dict[str, list[Row[Any]]]:
    """Positions after the last look, by vehicle, oldest first. One that comes late is on the trail, and changes nothing
    here."""
    until = {name: max(known[name].seen_at, since) if name in known else since for name in vehicles}
    looked = json.dumps([{"vehicle": name, "until": iso(at)} for name, at in sorted(until.items())])
    found: dict[str, list[Row[Any]]] = {}
    for row in db.execute(UNSEEN, {"looked": looked, "now": now}):
        found.setdefault(row.vehicle_id, []).append(row)
    return found


def _tell(
    db: Connection, kind: str, vehicle_id: str, stop: str, at: datetime, entered: datetime | None, now: datetime
) -> None:
    stood = {"dwell_s": int((at - entered).total_seconds())} if kind == "stop.left" and entered is not None else {}
    fact = Event(
        key=f"{kind}:{vehicle_id}:{stop}:{iso(at)}", kind=kind, source="tracker", subject=stop, at=at,
        vehicle_id=vehicle_id, data=stood,
    )  # fmt: skip
    events.append(db, fact, now)


def dwells(db: Connection, vehicle_id: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """How long the van stood at which door, in the order in which it came there: stop, entered, left, seconds. The last
    one may have no `left` yet."""
    query = select(event).where(
        event.c.vehicle_id == vehicle_id, event.c.kind.in_(["stop.entered", "stop.left"]),
        event.c.at >= since, event.c.at <= until,
    )  # fmt: skip
    return _paired(list(db.execute(query.order_by(event.c.at, event.c.seq))))


def _paired(rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        if row.kind == "stop.entered":
            found.append({"stop": row.subject, "entered": iso(row.at), "left": None, "seconds": None})
        elif found and found[-1]["stop"] == row.subject and found[-1]["left"] is None:
            stood = int((row.at - parse(found[-1]["entered"])).total_seconds())
            found[-1] |= {"left": iso(row.at), "seconds": stood}
    return found
