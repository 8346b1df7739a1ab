"""Which depot an order goes from that names none: that with an open van for it from which its door is reached first.

Reached in travel time by the calibrated great circle, the same for all depots, since a depot's own times do not know
other depots' doors. The order keeps why it was given there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Row, select

from core import clock, events, fleet
from core.errors import BadInput
from core.events import Event
from core.orders import NewOrder, Place
from core.store.tables import depot
from optimizer.travel import leg_m, leg_s
from tools import yard

KIND = "order.depot_chosen"
WHY_NOT = ("no_van", "not_equipped", "too_big", "outside_areas", "shift_over")
"""what keeps a depot's vans from an order, each one after the one before"""


class Reach(BaseModel):
    """One depot: how far the door is, and why no van of it could go there."""

    model_config = ConfigDict(frozen=True)

    depot: str
    seconds: int
    why_not: str = ""


def choose(db: Connection, new: NewOrder, place: Place, day: date, now: datetime) -> tuple[Reach, ...]:
    """All depots, the chosen one first. Raises BadInput when no depot has a van for it."""
    rows = db.execute(select(depot).order_by(depot.c.id)).all()
    found = sorted(
        (_reach(db, row, new, place, day, now) for row in rows),
        key=lambda each: (each.why_not, each.seconds, each.depot),
    )
    if not found or found[0].why_not:
        said = ", ".join(f"{each.depot}: {each.why_not}" for each in found) or "there is no depot"
        raise BadInput(f"No depot has an open van for it ({said}).", "Name the depot that it is for.", field="depot")
    return tuple(found)


def _reach(db: Connection, row: Row[Any], new: NewOrder, place: Place, day: date, now: datetime) -> Reach:
    seconds = leg_s(leg_m((row.lat, row.lon), (place.lat, place.lon)))
    vans = fleet.of_depot(db, row.id)
    why_not = "no_van"
    if vans:
        inside = set(yard.areas_at(fleet.areas_of(db, row.id), place.lat, place.lon))
        why_not = min((_keeps(van, new, inside, row.tz, day, now) for van in vans), key=_furthest)
    return Reach(depot=row.id, seconds=seconds, why_not=why_not)


def _furthest(why_not: str) -> int:
    """The van that comes nearest speaks for its depot."""
    return -len(WHY_NOT) if not why_not else -WHY_NOT.index(why_not)


def _keeps(van: Row[Any], new: NewOrder, inside: set[str], tz: str, day: date, now: datetime) -> str:
    """What keeps a van from an order; empty: nothing."""
    if van.crew < new.crew or not set(new.skills) <= set(van.skills):
        return "not_equipped"
    if any(getattr(van, name) < getattr(new, name) for name in yard.CAPACITIES):
        return "too_big"
    if van.areas is not None and not inside & set(van.areas):
        return "outside_areas"
    return "" if clock.at_second(day, tz, van.shift_end_s) > now else "shift_over"


def note(db: Connection, order_id: str, found: tuple[Reach, ...], now: datetime) -> None:
    """Keep with an order why it goes from where it goes."""
    data = {"depots": [each.model_dump() for each in found]}
    fact = Event(key=f"{KIND}:{order_id}", kind=KIND, source="import", subject=order_id, at=now, data=data)
    events.append(db, fact, now)


def explained(facts: list[Row[Any]]) -> list[Mapping[str, Any]]:
    """The depots that were weighed for an order, the chosen one first, out of its facts; empty: its sender named it."""
    return next((fact.data["depots"] for fact in facts if fact.kind == KIND), [])
