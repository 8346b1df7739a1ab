"""Questions about plans that were made."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.auth import Staff
from api.days import Day
from core.store import db as store
from optimizer.comparing import Comparison, Pinned
from optimizer.relaxing import Why
from tools import plan_questions
from tools.optimizer import resident

router = APIRouter(prefix="/api/plans", tags=["plans"])
Version = Annotated[int, Query(ge=1, le=2**31 - 1)]


@router.get("/{depot}/{day}/compare")
def compare_plans(who: Staff, depot: str, day: Day, first: Version, second: Version) -> Comparison:
    """The second version against the first: money, minutes, promises, stops moved, and who pays."""
    with store.snapshot() as db:
        return plan_questions.compare(db, depot, day, first, second)


@router.get("/{depot}/{day}/{version}/unassigned/{stop}")
def why_unassigned(
    who: Staff, depot: str, day: Day, version: Annotated[int, Path(ge=1, le=2**31 - 1)], stop: str
) -> Why:
    """What keeps each van from a stop that the version leaves out, and the least that has to give for it to fit."""
    with store.snapshot() as db:
        return plan_questions.why_unassigned(db, depot, day, version, stop)


@router.get("/{depot}/{day}/{version}/moved/{stop}")
def why_moved(
    who: Staff, depot: str, day: Day, version: Annotated[int, Path(ge=1, le=2**31 - 1)], stop: str, before: Version
) -> Pinned:
    """Why a stop was moved since version `before`: what leaving it on its van would cost, and who would pay. It solves
    the day once more, which takes seconds."""
    return resident().why_moved(depot, day, before, version, stop)
