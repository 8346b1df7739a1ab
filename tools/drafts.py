"""What staff put in by conversation: an order, and a day to plan. First as a draft to look at, then taken in.

An order's words are the dispatcher's own (`agent.understanding.drafting` reads them); what is shown is what goes in.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.postgresql import insert

from core import canonical, clock, fleet, orders, plans
from core.errors import BadInput, NotAllowed, WrongState
from core.orders import Address, NewOrder, Place
from core.principals import Principal
from core.store.tables import depot, order, plan_run
from optimizer.plan import DAY_ENGINE, budget
from tools import publishing, standing, tracker
from tools.geocoder.chosen import geocoder
from tools.geocoder.port import Found
from tools.notify import stages
from tools.solver import DEFAULT_TIME_S

Fact = dict[str, Any]
SEED = 1


# A new order ----------------------------------------------------------------------------------------------------------


def new_order(db: Connection, who: Principal, said: dict[str, Any], now: datetime) -> tuple[NewOrder, str, date]:
    """The order, its depot and day. Raises BadInput naming what is missing."""
    for field in ("name", "address"):
        if not said.get(field):
            raise BadInput(f"The order has no {field}.", "Say it.", field=field)
    home = _depot(db, said.get("depot"))
    day = date.fromisoformat(said["day"]) if said.get("day") else now.astimezone(ZoneInfo(home.tz)).date()
    count = db.execute(select(func.count()).select_from(order).where(order.c.ref.like("CHAT-%"))).scalar_one()
    windows: tuple[tuple[datetime, datetime], ...] = ()
    if said.get("after") or said.get("before"):
        lo, hi = (clock.at_second(day, home.tz, _second(said.get(end) or else_)) for end, else_ in
                  (("after", "08:00"), ("before", "20:00")))  # fmt: skip
        windows = ((lo, hi),)
    try:
        made = NewOrder(
            ref=f"CHAT-{count + 1:04}", name=said["name"], phone=said.get("phone", ""), address=said["address"],
            pieces=int(said.get("pieces", 1)), kind=said.get("kind", "delivery"), windows=windows,
        )  # fmt: skip
    except ValidationError as error:
        raise BadInput(str(error.errors()[0]["msg"]), "Say it anew.", field="order") from error
    return made, home.id, day


def shown_order(db: Connection, made: NewOrder, depot_id: str, day: date, now: datetime) -> list[Fact]:
    """The draft as facts, each from the dispatcher's own words."""
    tz = ZoneInfo(fleet.get_depot(db, depot_id).tz)
    window = (
        f"{made.windows[0][0].astimezone(tz):%H:%M} to {made.windows[0][1].astimezone(tz):%H:%M}"
        if made.windows
        else "any time"
    )
    facts: dict[str, str | int] = {
        "new_ref": made.ref, "new_kind": made.kind, "new_name": made.name, "new_address": made.address,
        "new_day": day.isoformat(), "new_window": window, "new_pieces": made.pieces,
        "new_place": "known" if place_of(made) else "not known: a person has to place it",
    }  # fmt: skip
    return [tracker.fact(name, value, "the dispatcher's words", now) for name, value in facts.items()]


def place_of(made: NewOrder) -> Place | None:
    """Where its address is, as far as the geocoder knows."""
    found = geocoder().find(Address(line1=made.address))
    if not isinstance(found, Found):
        return None
    return Place(lat=found.lat, lon=found.lon, known=found.precision)


def take_in(db: Connection, who: Principal, made: NewOrder, depot_id: str, day: date, now: datetime) -> str:
    """Take it in as if the shop had sent it. Returns its id."""
    if not who.is_staff:
        raise NotAllowed(f"A {who.role} puts no orders in by chat.", "Ask a dispatcher.")
    order_id, fresh = orders.add(db, made, depot_id, day, now, place_of(made))
    if fresh:
        stages.order_taken(db, order_id, now)
        publishing.came_late(db, depot_id, day, [order_id], now)
    return order_id


def _second(said: str) -> int:
    hour, minute = map(int, said.split(":"))
    return hour * 3600 + minute * 60


# A day to plan --------------------------------------------------------------------------------------------------------


def shown_plan(db: Connection, said: dict[str, Any], now: datetime) -> list[Fact]:
    """Which depot's day would be planned, and how many doors it has."""
    home = _depot(db, said.get("depot"))
    today = now.astimezone(ZoneInfo(home.tz)).date()
    day = date.fromisoformat(said["day"]) if said.get("day") else today
    if day < today:
        raise BadInput(f"{day} is over.", "Name today or a later day.", field="day")
    stops = len(orders.open_stops(db, home.id, day))
    facts: dict[str, str | int] = {
        "plan_depot": home.id, "plan_day": day.isoformat(), "plan_stops": stops,
        "plan_now": f"version {plans.current_version(db, home.id, day) or 'none'}",
    }  # fmt: skip
    return [tracker.fact(name, value, "orders", now) for name, value in facts.items()]


def start(
    db: Connection, who: Principal, depot_id: str, day: date, now: datetime, *, key: str | None = None,
    request: dict[str, Any] | None = None,
) -> str:  # fmt: skip
    """Start planning a depot's day; with the same key again the run that it started. Nothing changes until its draft
    is published. Returns the run."""
    fleet.get_depot(db, depot_id)
    db.execute(select(depot.c.id).where(depot.c.id == depot_id).with_for_update())  # one at a time takes a number
    made = _run_id(db, who, depot_id, day, key)
    if db.execute(select(plan_run.c.id).where(plan_run.c.id == made)).one_or_none() is not None:
        return made
    standing.make(db, depot_id, day, now)
    stops = orders.open_stops(db, depot_id, day)
    if not stops:
        raise WrongState(f"Depot {depot_id} has no open orders on {day}.", "Import orders first.")
    asked = request or {"iterations": None, "seed": SEED, "time_limit_s": DEFAULT_TIME_S, "start": None}
    asked = asked | {"iterations": asked["iterations"] or budget(len(stops)), "engine": DAY_ENGINE}
    row = {
        "id": made, "depot_id": depot_id, "day": day, "status": "queued", "request": asked, "progress": [], "at": now,
    }  # fmt: skip
    db.execute(insert(plan_run).values(row))
    return made


def run_of(db: Connection, run: str) -> Row[Any] | None:
    return db.execute(select(plan_run).where(plan_run.c.id == run)).one_or_none()


def _run_id(db: Connection, who: Principal, depot_id: str, day: date, key: str | None) -> str:
    """By the asker's key, so that asking again names the same run; else by how many runs there are."""
    if key is not None:
        return canonical.short("run", depot_id, day.isoformat(), who.id, key)
    count = db.execute(select(func.count()).select_from(plan_run)).scalar_one()
    return canonical.short("run", depot_id, day.isoformat(), count)


def _depot(db: Connection, said: str | None) -> Row[Any]:
    """The depot that was named, or the first."""
    if said:
        return fleet.get_depot(db, said)
    row = db.execute(select(depot).order_by(depot.c.id).limit(1)).one_or_none()
    if row is None:
        raise WrongState("There is no depot yet.", "PUT a fleet under /api/fleet.")
    return row
