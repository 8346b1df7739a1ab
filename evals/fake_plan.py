"""The planner of the fake server: a sweep around the depot, each van's doors driven nearest first. No windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core import canonical

Row = dict[str, Any]
LEG_S_PER_DEGREE = 111_200 * 1.36 * 3.6 / 26


def sweep(depot: Row, vans: Sequence[Row], orders: Sequence[Row], day: str) -> Row:
    """A plan of equal shares; the orders are marked as planned on their vans."""
    doors: dict[str, list[Row]] = {}
    for order in orders:
        doors.setdefault(order["stop"], []).append(order)
    waiting = sorted(doors.values(), key=lambda door: _angle(depot, door[0]))
    routes = []
    for nth, van in enumerate(vans):
        share = math.ceil(len(waiting) / (len(vans) - nth))
        mine, waiting = waiting[:share], waiting[share:]
        routes.append(_route(depot, van, mine, day))
    known = {"version": 1, "published": False, "cost": 100, "day": day, "unassigned": [], "made_by": {}}
    return known | {"digest": canonical.digest(routes), "routes": routes}


def _angle(depot: Row, order: Row) -> float:
    return math.atan2(order["lat"] - depot["lat"], order["lon"] - depot["lon"])


def _route(depot: Row, van: Row, doors: Sequence[list[Row]], day: str) -> Row:
    local = datetime.fromisoformat(f"{day}T{van['shift_start']}").replace(tzinfo=ZoneInfo(depot["tz"]))
    start = at = local.astimezone(UTC)
    here, left, driving = depot, list(doors), 0
    stops: list[Row] = []
    while left:
        door = min(left, key=lambda door: _leg_s(here, door[0]))
        left.remove(door)
        took = _leg_s(here, door[0])
        stops.append(_stop(door, at + timedelta(seconds=took)))
        at, here, driving = datetime.fromisoformat(stops[-1]["departure"]), door[0], driving + took
        for order in door:
            order |= {"status": "planned", "vehicle": van["id"]}
    known = {"vehicle": van["id"], "digest": "", "distance_m": driving * 7, "driving_s": driving, "cost": 100}
    return known | {"stops": stops, "start": start.isoformat(), "end": at.isoformat()}


def _stop(door: Sequence[Row], arrival: datetime) -> Row:
    service_s = round(60 * max(order["service_min"] for order in door))
    return {
        "stop": door[0]["stop"],
        "orders": [order["id"] for order in door],
        "lat": door[0]["lat"],
        "lon": door[0]["lon"],
        "arrival": arrival.isoformat(),
        "departure": (arrival + timedelta(seconds=service_s)).isoformat(),
        "service_s": service_s,
    }


def _leg_s(a: Row, b: Row) -> int:
    return int(math.dist((a["lat"], a["lon"]), (b["lat"], b["lon"])) * LEG_S_PER_DEGREE)
