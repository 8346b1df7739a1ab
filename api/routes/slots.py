"""Slots: when an order could be brought, and what each window costs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import answers_live
from api.answers import shown
from api.auth import Buyer
from api.days import Day
from core import clock
from core.errors import BadInput, NotFound
from core.orders import Kind
from core.principals import Principal
from core.store import db as store
from tools import looking, slots
from tools.optimizer import resident
from tools.slots import DAYS, HOURS, LONGEST_DAYS, Slot, Wanted

router = APIRouter(prefix="/api", tags=["orders"])
SHOWN = {"customer": {"day", "lo", "hi"}, "integrator": {"day", "lo", "hi", "cost_cents", "minutes_late", "promises"}}
"""what of a slot they see who are not staff: not who drives, and customers not what it costs"""


@router.get("/slots", **shown(answers_live.Slots))
def list_slots(
    who: Buyer,
    order: Annotated[str | None, Query(min_length=1, max_length=80, description="its reference")] = None,
    depot: str | None = None,
    lat: Annotated[float | None, Query(ge=-90, le=90)] = None,
    lon: Annotated[float | None, Query(ge=-180, le=180)] = None,
    kind: Kind = "delivery",
    service_s: Annotated[int, Query(ge=0, le=8 * 3600)] = 180,
    pieces: Annotated[int, Query(ge=0, le=100_000)] = 1,
    weight_g: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
    volume_ml: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
    first: Annotated[Day | None, Query(alias="from")] = None,
    days: Annotated[int, Query(ge=1, le=LONGEST_DAYS)] = DAYS,
    hours: Annotated[int, Query(ge=1, le=12, description="length of a window")] = HOURS,
) -> dict[str, Any]:
    """When an order (`order`), or one that is not in yet (`depot`, `lat`, `lon` and its goods), could be brought: the
    windows that fit from `from`, else today, on, with what each costs on the plans as they are. Nothing is booked."""
    with store.snapshot() as db:
        now = clock.now(db)
        if order is not None:
            row = looking.find_order(db, who, order)
            if row is None:
                raise NotFound(f"There is no order {order!r} of yours.", "Check the reference.", field="order")
            wanted = slots.of_order(db, row.id)
        else:
            wanted = _new(who, depot, lat, lon).model_copy(
                update={"kind": kind, "service_s": service_s, "pieces": pieces, "weight_g": weight_g}
                | {"volume_ml": volume_ml}
            )
    return {"slots": _found(who, resident().slots(wanted, now, days=days, hours=hours, first=first))}


def _new(who: Principal, depot: str | None, lat: float | None, lon: float | None) -> Wanted:
    if who.role == "customer":
        raise BadInput("You see the slots of your own orders.", "Name one as `order`.", field="order")
    if depot is None or lat is None or lon is None:
        name = "depot" if depot is None else "lat" if lat is None else "lon"
        raise BadInput("It takes an order, or a depot and a place.", f"Give `order` or `{name}`.", field=name)
    return Wanted(depot=depot, lat=lat, lon=lon)


def _found(who: Principal, found: tuple[Slot, ...]) -> list[dict[str, Any]]:
    return [slot.model_dump(include=SHOWN.get(who.role)) for slot in found]
