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


@router.post("/incidents/{incident}/end")
def end(who: Planner, incident: str) -> dict[str, Any]:
    """Say that it is over before its time: driving takes what it takes again, and who was told a later time because of
    it is told once more where the van now comes sooner. Ending it again changes nothing."""
    with store.transaction() as db:
        return {"incident": incident, "ended": incidents.end(db, incident, who.id, clock.now(db))}


@router.get("/incidents")
def list_incidents(who: Staff, depot: str, day: Day) -> dict[str, Any]:
    """What was declared for a depot's day, oldest first, and whether it lasts."""
    with store.snapshot() as db:
        now = clock.now(db)
        return {
            "incidents": [
                {
                    "id": each.id,
                    "at": iso(each.at),
                    "percent": each.percent,
                    "lasts": each.lasts(now),
                    "ended": iso(each.ended) if each.ended else None,
                }
                | each.said.model_dump(mode="json", exclude={"percent"})
                for each in incidents.of_day(db, depot, day)
            ]
        }
