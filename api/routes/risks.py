"""Which orders are likely to find nobody, and asking their customers before they are planned."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Integrator, Staff
from api.days import Day
from core import clock, fleet, orders
from core.errors import BadInput
from core.store import db as store
from tools import failure_risk
from tools.failure_risk import HIGH_PERCENT

router = APIRouter(prefix="/api", tags=["failure risk"])


@router.get("/risks")
def list_risks(
    who: Integrator, depot: Annotated[str, Query(min_length=1)], day: Day,
    at_least: Annotated[int, Query(ge=0, le=100)] = HIGH_PERCENT,
) -> dict[str, Any]:  # fmt: skip
    """A day's orders whose first attempt is likely to fail, the riskiest first, with what makes them so."""
    with store.snapshot() as db:
        fleet.get_depot(db, depot)
        found = failure_risk.of_day(db, depot, day, at_least)
    return {"risks": [{"order": row.id, "ref": row.ref, **known.model_dump()} for row, known in found]}


class Confirm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depot: str
    day: Day
    at_least: int = Field(HIGH_PERCENT, ge=0, le=100)
    """percent"""
    orders: list[str] | None = Field(None, max_length=5000)
    """these instead, however likely they are to fail"""


@router.post("/confirmations", status_code=202)
def confirm(who: Staff, asked: Annotated[Confirm, Body()]) -> dict[str, Any]:
    """Ask the customers of a day's risky orders whether somebody will be there; answers keep, move or drop them."""
    with store.transaction() as db:
        fleet.get_depot(db, asked.depot)
        if asked.orders is None:
            rows = [row for row, _ in failure_risk.of_day(db, asked.depot, asked.day, asked.at_least)]
        else:
            rows = [row for row in orders.of_day(db, asked.depot, asked.day) if row.id in set(asked.orders)]
            strange = sorted(set(asked.orders) - {row.id for row in rows})
            if strange:
                raise BadInput(f"No order {strange[0]} on that day.", "List them under /api/orders.", field="orders")
        done = failure_risk.ask(db, rows, clock.now(db))
    return {"asked": done.cases, "not_asked": done.left}
