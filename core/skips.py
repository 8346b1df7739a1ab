"""A driver puts a stop off till later. The street is the driver's: a new version of the list, and no exception.

Whoever that makes late is found by the tracker, as after any other change.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from core import fleet, plans, transfers, vans
from core.errors import BadInput, WrongState
from core.events import Event

MOST = 500
"""places that a stop can be put off; more is its list's end"""


def skip(db: Connection, fact: Event, van: Row[Any]) -> None:
    """`data.places` stops later (else one); what the van heads to then is what comes next."""
    places = fact.data.get("places", 1)
    if isinstance(places, bool) or not isinstance(places, int) or not 1 <= places <= MOST:
        raise BadInput(f"{str(places)[:40]!r} is no number of places.", f"Send 1 to {MOST}.", field="data.places")
    depot_id = fleet.get_vehicle(db, van.vehicle_id).depot_id
    ahead = vans.open_route(db, van.vehicle_id, depot_id, van.day)
    if fact.subject not in ahead:
        raise WrongState(
            f"{van.vehicle_id} has no stop {fact.subject[:80]} ahead.", "Read the route again.", field="stop"
        )
    if transfers.get(db, fact.subject) is not None:
        raise WrongState("Another van waits there.", "Write to the dispatcher when you can't come.", field="stop")
    at = ahead.index(fact.subject)
    rest = [stop for stop in ahead if stop != fact.subject]
    later = [*rest[: at + places], fact.subject, *rest[at + places :]]
    if later == ahead:
        fix = "Go there, or tap failed with the reason."
        raise WrongState("It is the last stop of the list already.", fix, field="stop")
    _write(db, fact, van, depot_id, later)
    if van.state in ("driving", "serving") and fact.at >= van.state_at and van.stop_id == fact.subject:
        left = fact.subject if van.state == "serving" else van.last_stop_id
        vans.head_on(db, van, fact.at, last=left)


def _write(db: Connection, fact: Event, van: Row[Any], depot_id: str, later: list[str]) -> None:
    """The list with its open stops in the new order, each at the time of the place that it takes."""
    current = plans.current(db, depot_id, van.day)
    assert current is not None  # an open stop is on a list
    route = current.routes[van.vehicle_id]
    known = {visit.stop: visit for visit in route.visits}
    times = [known[stop].arrival for stop in route.stops if stop in later]
    moved = [
        known[stop].model_copy(update={"arrival": at, "departure": at + (known[stop].departure - known[stop].arrival)})
        for stop, at in zip(later, times, strict=True)
    ]
    behind = [visit for visit in route.visits if visit.stop not in later]
    fresh = route.model_copy(update={"visits": (*behind, *moved)})
    plans.add(
        db, depot_id, van.day, [fresh], parent=current.version, status="published", unassigned=current.unassigned,
        made_by={"driver": van.vehicle_id, "tap": fact.key}, at=fact.at,
    )  # fmt: skip
