"""Usual routes: named sequences of customers, for plans to start from and to be compared with.

They name persons, not places: who has moved is visited where their order goes, and who was erased is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from core import orders, plans
from core.errors import BadInput, NotFound
from core.store.tables import person, usual_route


def put(db: Connection, depot_id: str, name: str, routes: Mapping[str, Sequence[str]]) -> None:
    """Vehicle -> persons in order. Raises BadInput for persons that are not there, or are on two routes."""
    everybody = [each for persons in routes.values() for each in persons]
    if len(set(everybody)) < len(everybody):
        raise BadInput("A customer is on two routes, or twice on one.", "Name each once.", field="routes")
    known = set(db.execute(select(person.c.id).where(person.c.id.in_(everybody))).scalars())
    strangers = sorted(set(everybody) - known)
    if strangers:
        what = f"There is no person {', '.join(strangers[:3])}."
        raise BadInput(what, "Take the ids from GET /api/orders.", field="routes")
    db.execute(delete(usual_route).where(usual_route.c.depot_id == depot_id, usual_route.c.name == name))
    rows = [
        {"depot_id": depot_id, "name": name, "vehicle_id": vehicle, "persons": list(persons)}
        for vehicle, persons in sorted(routes.items())
        if persons
    ]
    if rows:
        db.execute(insert(usual_route).values(rows))


def of_plan(db: Connection, found: plans.PlanVersion) -> dict[str, list[str]]:
    """The customers of a plan's routes, in their order; who is visited twice counts where they come first."""
    by_stop: dict[str, list[str]] = {}
    for row in orders.of_day(db, found.depot_id, found.day):
        by_stop.setdefault(row.stop_id, []).append(row.person_id)
    seen: set[str] = set()
    routes: dict[str, list[str]] = {}
    for vehicle, route in sorted(found.routes.items()):
        for each in (person_id for stop in route.stops for person_id in by_stop.get(stop, [])):
            if each not in seen:
                seen.add(each)
                routes.setdefault(vehicle, []).append(each)
    return routes


def get(db: Connection, depot_id: str, name: str) -> dict[str, list[str]]:
    mine = (usual_route.c.depot_id == depot_id) & (usual_route.c.name == name)
    rows = db.execute(select(usual_route).where(mine).order_by(usual_route.c.vehicle_id))
    found = {row.vehicle_id: list(row.persons) for row in rows}
    if not found:
        raise NotFound(
            f"Depot {depot_id} has no usual routes {name!r}.", "PUT them under /api/depots/ID/routes.", field="start"
        )
    return found


def names(db: Connection, depot_id: str) -> list[str]:
    query = select(usual_route.c.name).where(usual_route.c.depot_id == depot_id).distinct()
    return sorted(db.execute(query).scalars())


def remove(db: Connection, depot_id: str, name: str) -> None:
    get(db, depot_id, name)
    db.execute(delete(usual_route).where(usual_route.c.depot_id == depot_id, usual_route.c.name == name))
