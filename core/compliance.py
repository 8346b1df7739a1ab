"""Was the plan driven? The order in which a van came to its stops against the order in which they were planned.

A driver knows the street: who swaps two stops, or puts one off till later, follows the plan. It is an exception when
more than that is out of order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from core import plans
from core.errors import NotFound
from core.store.tables import event

SWAPPED = 2
"""stops that may stand in each other's place"""


def of_plan(db: Connection, depot_id: str, day: date) -> list[dict[str, Any]]:
    """For every van with a route in the published plan: what was planned, what was served, and how well they agree."""
    current = plans.current(db, depot_id, day)
    if current is None:
        raise NotFound(f"Depot {depot_id} has no published plan for {day}.", "Publish one.")
    planned = {vehicle: route.stops for vehicle, route in sorted(current.routes.items()) if route.stops}
    came = _came(db, sorted({stop for stops in planned.values() for stop in stops}))
    return [{"vehicle": name} | compare(stops, came.get(name, [])) for name, stops in planned.items()]


def _came(db: Connection, stops: Sequence[str]) -> dict[str, list[str]]:
    """Vehicle -> stops in the order of its first arrivals there."""
    first = func.min(event.c.at).label("first")
    query = (
        select(event.c.vehicle_id, event.c.subject, first)
        .where(event.c.kind == "driver.arrived", event.c.subject.in_(stops))
        .group_by(event.c.vehicle_id, event.c.subject)
        .order_by(event.c.vehicle_id, first, event.c.subject)
    )
    found: dict[str, list[str]] = {}
    for row in db.execute(query):
        found.setdefault(row.vehicle_id, []).append(row.subject)
    return found


def compare(planned: Sequence[str], came: Sequence[str]) -> dict[str, Any]:
    """`in_order`: the most served stops that were served in the planned order; `share` of those served, in percent."""
    place = {stop: n for n, stop in enumerate(planned)}
    served = [stop for stop in came if stop in place]
    kept = _longest_rise([place[stop] for stop in served])
    elsewhere = [stop for stop, due in zip(served, sorted(served, key=place.__getitem__), strict=True) if stop != due]
    return {
        "planned": len(planned),
        "served": len(served),
        "in_order": kept,
        "share": 100 * kept // len(served) if served else None,
        "elsewhere": elsewhere,
        "followed": len(elsewhere) <= SWAPPED or len(served) - kept <= 1,
    }


def _longest_rise(places: Sequence[int]) -> int:
    """Length of the longest rising subsequence, by patience sorting."""
    piles: list[int] = []
    for each in places:
        at = bisect_left(piles, each)
        piles[at : at + 1] = [each]
    return len(piles)
