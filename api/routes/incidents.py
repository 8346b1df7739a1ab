"""Causes that hit many stops, as people see them coming: declare one, list those of a day."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from api import answers
from api.answers import shown
from api.auth import Planner, Staff
from api.days import Day
from core import clock, fleet, incidents, vans
from core.clock import iso
from core.incidents import NewIncident
from core.store import db as store

router = APIRouter(prefix="/api", tags=["incidents"])


@router.post("/incidents", **shown(answers.IncidentDeclared))
def declare(who: Planner, new: Annotated[NewIncident, Body()]) -> dict[str, Any]:
    """Say that a road is closed or slow, a storm comes, or the depot is late. Travel times of the running day follow
    from now on; whoever it makes late is one case with one proposal. The same incident again changes nothing."""
    with store.transaction() as db:
        now = clock.now(db)
        day = vans.local_day(now, fleet.get_depot(db, new.depot).tz)
        return {"incident": incidents.declare(db, new, day, who.id, now)}


@router.get("/incidents")
def list_incidents(who: Staff, depot: str, day: Day) -> dict[str, Any]:
    """What was declared for a depot's day, oldest first, and whether it lasts."""
    with store.snapshot() as db:
        now = clock.now(db)
        return {
            "incidents": [
                {"id": each.id, "at": iso(each.at), "percent": each.percent, "lasts": each.at <= now < each.said.until}
                | each.said.model_dump(mode="json", exclude={"percent"})
                for each in incidents.of_day(db, depot, day)
            ]
        }
