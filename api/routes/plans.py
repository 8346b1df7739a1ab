"""Plans: ask for one, watch it being made, look at it, publish it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from agent import placing
from agent.embedded.planner import EmbeddedPlanner
from api import answers, answers_live
from api.answers import shown
from api.auth import Integrator, Planner, Staff
from api.days import Day
from core import clock, compliance, fleet, orders, plans, usual_routes
from core.clock import iso
from core.errors import NotFound
from core.store import db as store
from core.store.tables import plan_run
from tools import drafts, planned, publishing
from tools.optimizer import resident
from tools.solver import DEFAULT_TIME_S

router = APIRouter(prefix="/api/plans", tags=["plans"])


class Ask(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depot: str
    day: Day
    iterations: int | None = Field(None, ge=1, le=10_000_000)
    """None: as many as suit the day's size"""
    seed: int = Field(1, ge=0, le=2**31 - 1)
    time_limit_s: float = Field(DEFAULT_TIME_S, gt=0, le=3600)
    start: str | None = Field(None, min_length=1, max_length=200)
    """name of usual routes to start from; the draft says how far it left them"""
    key: str | None = Field(None, min_length=1, max_length=200)
    """of the asker's: asked again with it, the run that it started is named, and no other starts"""


@router.post("", status_code=202, **shown(answers.PlanStarted))
def ask_plan(who: Planner, ask: Annotated[Ask, Body()]) -> dict[str, str]:
    """Start planning a depot's day. The draft comes when the run is done; nothing changes until it is published."""
    with store.transaction() as db:
        fleet.get_depot(db, ask.depot)
        if ask.start is not None:
            usual_routes.get(db, ask.depot, ask.start)
        request = ask.model_dump(include={"iterations", "seed", "time_limit_s", "start"})
        return {"run": drafts.start(db, who, ask.depot, ask.day, clock.now(db), key=ask.key, request=request)}


@router.get("/runs/{run}", **shown(answers.PlanRun))
def get_run(who: Staff, run: str) -> dict[str, Any]:
    """How far a plan run is: cost over time, and the draft's version at its end."""
    with store.snapshot() as db:
        row = db.execute(select(plan_run).where(plan_run.c.id == run)).one_or_none()
    if row is None:
        raise NotFound(f"There is no plan run {run}.", "Start one with POST /api/plans.")
    return {
        "id": row.id, "depot": row.depot_id, "day": row.day.isoformat(), "status": row.status, "progress": row.progress,
        "version": row.version, "error": row.error,
    }  # fmt: skip


@router.get("/{depot}/{day}/compliance")
def get_compliance(who: Staff, depot: str, day: Day) -> dict[str, Any]:
    """How each van's stops were served against the published plan: how many in order, which elsewhere."""
    with store.snapshot() as db:
        return {"depot": depot, "day": day.isoformat(), "vans": compliance.of_plan(db, depot, day)}


@router.get("/{depot}/{day}", **shown(answers.Plan))
def get_plan(
    who: Integrator, depot: str, day: Day, version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> dict[str, Any]:
    """A version of a depot's plan; without `version` the published one."""
    with store.snapshot() as db:
        found = plans.get(db, depot, day, version) if version is not None else plans.current(db, depot, day)
        if found is None:
            raise NotFound(f"Depot {depot} has no published plan for {day}.", "Publish one.")
        by_stop: dict[str, list[Any]] = {}
        for row in orders.of_day(db, depot, day):
            by_stop.setdefault(row.stop_id, []).append(row)
    return {
        "version": found.version,
        "digest": found.digest,
        "published": found.status == "published",
        "cost": found.cost,
        "made_by": {k: v for k, v in found.made_by.items() if k != "outcome"},
        "figures": planned.total(found),
        "routes": [_route(route, by_stop) for _, route in sorted(found.routes.items())],
        "unassigned": list(found.unassigned),
    }


def _route(route: plans.PlannedRoute, by_stop: dict[str, list[Any]]) -> dict[str, Any]:
    stops = []
    for visit in route.visits:
        rows = by_stop.get(visit.stop, [])
        place = {"lat": rows[0].lat, "lon": rows[0].lon} if rows else {"lat": None, "lon": None}
        stops.append(
            {
                "stop": visit.stop,
                "orders": [row.id for row in rows],
                **place,
                "arrival": iso(visit.arrival),
                "departure": iso(visit.departure),
            }
        )
    return {
        "vehicle": route.vehicle_id,
        "digest": route.digest,
        "distance_m": route.distance_m,
        "driving_s": route.driving_s,
        "cost": route.cost,
        "start": iso(route.start),
        "end": iso(route.end),
        "figures": route.figures or None,
        "breaks": [{"after": r.after, "at": iso(r.at), "minutes": r.seconds // 60, "own": r.own} for r in route.rests],
        "stops": stops,
    }


class Insert(BaseModel):
    model_config = ConfigDict(extra="forbid")

    order: str = Field(min_length=1, max_length=80, description="its reference")
    vehicle: str | None = Field(None, max_length=80)
    """None: where it costs least"""


@router.post("/{depot}/{day}/insertions", **shown(answers_live.Placed))
def insert_order(who: Planner, depot: str, day: Day, ask: Annotated[Insert, Body()]) -> dict[str, Any]:
    """Put an order that no van has on the running plan, where nobody else's order changes: decided, written and done
    when it answers, with the other places that were looked at."""
    done = placing.place(who, depot, day, ask.order, ask.vehicle, resident(), EmbeddedPlanner())
    looked = [option.model_dump(include=set(answers_live.PlacedOption.model_fields)) for option in done.options]
    return done.model_dump(exclude={"options"}) | {"options": looked}


@router.post("/{depot}/{day}/{version}/publish", **shown(answers.Published))
def publish(who: Planner, depot: str, day: Day, version: int) -> dict[str, Any]:
    """Publish a draft: drivers see it, customers are promised its times."""
    with store.transaction() as db:
        return publishing.publish(db, who, depot, day, version, clock.now(db))
