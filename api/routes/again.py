"""What customers do again and again: standing orders, their doors in the address book, usual routes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.auth import Integrator, Staff
from api.days import Day
from core import address_book, clock, fleet, plans, standing, usual_routes
from core.address_book import Door
from core.errors import NotFound
from core.store import db as store
from tools import standing as making

router = APIRouter(prefix="/api", tags=["again and again"])


@router.get("/standing")
def list_standing(who: Integrator, depot: Annotated[str, Query(min_length=1)]) -> dict[str, Any]:
    """The standing orders of a depot. They come in with POST /api/imports, in rows that name weekdays."""
    with store.snapshot() as db:
        fleet.get_depot(db, depot)
        return {"standing": [_standing(row) for row in standing.of_depot(db, depot)]}


def _standing(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "client": row.client, "ref": row.ref, "person": row.person_id, "weekdays": row.weekdays,
        "from": row.starts.isoformat(), "until": row.until.isoformat() if row.until else None, "skipped": row.skipped,
        "windows_s": row.windows, "order": {k: v for k, v in row.body.items() if k not in ("ref", "client")},
    }  # fmt: skip


@router.delete("/standing/{standing_id}", status_code=204)
def end_standing(who: Integrator, standing_id: str) -> None:
    """No more orders from it; those that were made stay."""
    with store.transaction() as db:
        standing.end(db, standing_id)


@router.post("/standing/{standing_id}/skip")
def skip_standing(who: Integrator, standing_id: str, day: Annotated[Day, Body(embed=True)]) -> dict[str, Any]:
    """No order from it on one day."""
    with store.transaction() as db:
        return {"skipped": standing.skip(db, standing_id, day)}


class Made(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depot: str
    day: Day


@router.post("/standing/orders")
def make_standing(who: Integrator, asked: Annotated[Made, Body()]) -> dict[str, Any]:
    """Make the day's orders now. It is done anyway at noon of the day before and when a plan is asked for."""
    with store.transaction() as db:
        fleet.get_depot(db, asked.depot)
        return {"orders": making.make(db, asked.depot, asked.day, clock.now(db))}


@router.get("/people/{person_id}/doors")
def list_doors(who: Integrator, person_id: str) -> dict[str, Any]:
    """What the address book knows of a customer's doors."""
    with store.snapshot() as db:
        return {"doors": [door.model_dump() for door in address_book.of_person(db, person_id)]}


@router.put("/people/{person_id}/doors", status_code=204)
def put_door(who: Integrator, person_id: str, door: Annotated[Door, Body()]) -> None:
    """Where a customer's door is, how to get in, how long it takes: the next order to that address has it."""
    with store.transaction() as db:
        address_book.remember(db, person_id, door, clock.now(db))


class Usual(BaseModel):
    """Routes as they stand, or those of a published plan."""

    model_config = ConfigDict(extra="forbid")

    routes: dict[str, list[str]] | None = Field(None, max_length=1000)
    """vehicle -> persons in order"""
    day: Day | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Usual:
        if (self.routes is None) == (self.day is None):
            raise ValueError("give either routes, or the day whose plan they are")
        return self


@router.get("/depots/{depot_id}/routes")
def list_usual(who: Staff, depot_id: str) -> dict[str, Any]:
    """The usual routes of a depot, by name: vehicle -> persons in order."""
    with store.snapshot() as db:
        fleet.get_depot(db, depot_id)
        found = {name: usual_routes.get(db, depot_id, name) for name in usual_routes.names(db, depot_id)}
        return {"routes": found}


@router.put("/depots/{depot_id}/routes/{name}")
def put_usual(who: Staff, depot_id: str, name: str, given: Annotated[Usual, Body()]) -> dict[str, Any]:
    """Name routes that plans may start from, as they are given or as a day's plan has them."""
    with store.transaction() as db:
        fleet.get_depot(db, depot_id)
        routes: dict[str, list[str]] = given.routes or {}
        if given.day is not None:
            found = plans.current(db, depot_id, given.day)
            if found is None:
                raise NotFound(f"Depot {depot_id} has no published plan for {given.day}.", "Publish one.", field="day")
            routes = usual_routes.of_plan(db, found)
        usual_routes.put(db, depot_id, name, routes)
        return {"routes": {vehicle: len(persons) for vehicle, persons in sorted(routes.items())}}


@router.delete("/depots/{depot_id}/routes/{name}", status_code=204)
def delete_usual(who: Staff, depot_id: str, name: str) -> None:
    """Forget them."""
    with store.transaction() as db:
        usual_routes.remove(db, depot_id, name)
