"""Fleet, orders and travel times in; orders out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, Row, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError

from api import answers, cursor
from api.answers import shown
from api.auth import Anyone, ClientsOwn, Integrator, Staff
from api.days import Day
from api.errors import printable
from api.imports import mapping, places, take
from api.imports.answer import Imported
from core import clients, clock, collecting, events, fleet, lineage, money, orders, people, plans, promises
from core.clock import iso
from core.errors import BadFile, BadInput, DoorstepError, NotFound
from core.principals import Principal
from core.store import db as store
from core.store.tables import depot, matrix_place, message
from optimizer import travel
from tools import reach
from tools.problems import matrices

router = APIRouter(prefix="/api", tags=["orders and fleet"])


def _body(*kinds: str) -> dict[str, Any]:
    """A body that is read as it comes, for the OpenAPI."""
    content = {kind: {"schema": {"type": "string"}} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}


@router.put("/fleet", openapi_extra=_body("application/yaml"), **shown(answers.FleetTaken))
async def put_fleet(who: Integrator, request: Request) -> dict[str, Any]:
    """Clients, depots, areas, drivers, vehicles, as YAML or JSON. Good entries are taken, bad ones come with why."""
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(_put_fleet, await request.body())


def _put_fleet(content: bytes) -> dict[str, Any]:
    try:
        data = yaml.safe_load(content.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadFile(
            f"The fleet file is no YAML: {str(error)[:200]}", "Check its indentation.", field="file"
        ) from error
    if not isinstance(data, dict):
        raise BadFile("The fleet file is no mapping.", "Give clients, depots, drivers and vehicles.", field="file")
    taken, rejected = {}, []
    with store.transaction() as db:
        for kind, model, put in PARTS:
            taken[kind] = 0
            rows = data.get(kind) or []
            if not isinstance(rows, list):
                raise BadFile(f"{kind} is no list.", "Write one entry a line with a dash.", field=kind)
            for number, row in enumerate(rows, 1):
                wrong = _part(db, model, put, row)
                taken[kind] += wrong is None
                rejected += [{"row": f"{kind}[{number}]", **wrong}] if wrong else []
    return taken | {"rejected": rejected}


PARTS: tuple[tuple[str, type[BaseModel], Callable[[Connection, Any], None]], ...] = (
    ("clients", clients.Client, clients.put),
    ("depots", fleet.Depot, fleet.put_depot),
    ("areas", fleet.Area, fleet.put_area),
    ("drivers", fleet.Driver, fleet.put_driver),
    ("vehicles", fleet.Vehicle, fleet.put_vehicle),
)


def _part(
    db: Connection, model: type[BaseModel], put: Callable[[Connection, Any], None], row: Any
) -> dict[str, str] | None:
    try:
        with db.begin_nested():
            put(db, model.model_validate(row))
    except ValidationError as error:
        first = error.errors()[0]
        return _wrong(".".join(map(str, first["loc"])) or "entry", str(first["msg"]), "Correct this field.")
    except DoorstepError as error:
        return _wrong(error.field, error.what, error.fix)
    except DataError:
        return _wrong("entry", "A value is too large or holds a NUL character.", "Correct it.")
    return None


def _wrong(field: str, reason: str, fix: str) -> dict[str, str]:
    return {"field": printable(field), "reason": printable(reason), "fix": printable(fix)}


@router.post("/imports", openapi_extra=_body("text/csv", "application/octet-stream"))
async def import_orders(
    who: ClientsOwn, request: Request, day: Day,
    depot: Annotated[str | None, Query(min_length=1, description="left out: who reaches the order first")] = None,
    kind: Annotated[str, Query(alias="format", description="csv, xlsx, json or loggi")] = "csv",
    how: Annotated[str, Query(alias="mapping", description="YAML: which of your columns is which field")] = "",
) -> Imported:  # fmt: skip
    """Take a file of orders in. The same file twice changes nothing."""
    from starlette.concurrency import run_in_threadpool

    content = await request.body()
    return await run_in_threadpool(lambda: take.take(content, kind, depot, day, mapping.load(how), who.client))


@router.get("/imports/{batch}")
def import_rejected(who: Integrator, batch: str) -> dict[str, Any]:
    """Rows that were not taken, with their reason and what they held."""
    with store.snapshot() as db:
        return {"id": batch, "rejected": take.rejected(db, batch)}


class Place(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)


class OwnMatrix(BaseModel):
    """Travel times of your own; row 0 is the depot."""

    model_config = ConfigDict(extra="forbid")

    locations: list[Place] = Field(min_length=1, max_length=5000)
    durations_s: list[list[int]]
    distances_m: list[list[int]] | None = None


@router.put("/depots/{depot_id}/matrix", **shown(answers.MatrixTaken))
def put_matrix(who: Integrator, depot_id: str, own: Annotated[OwnMatrix, Body()]) -> dict[str, str]:
    """Use these travel times for a depot's plans from now on."""
    with store.transaction() as db:
        home = fleet.get_depot(db, depot_id)
        first = own.locations[0]
        if (round(home.lat, 5), round(home.lon, 5)) != (round(first.lat, 5), round(first.lon, 5)):
            raise BadInput("Row 0 is not the depot.", f"Put {home.lat}, {home.lon} first.", field="locations")
        points = [(place.lat, place.lon) for place in own.locations]
        made = matrices().put(travel.table(own.durations_s, points, own.distances_m))
        db.execute(update(depot).where(depot.c.id == depot_id).values(matrix=made))
        db.execute(delete(matrix_place).where(matrix_place.c.depot_id == depot_id))
        rows = [{"depot_id": depot_id, "row": at, "lat": lat, "lon": lon} for at, (lat, lon) in enumerate(points)]
        db.execute(insert(matrix_place), rows)
    return {"hash": made}


@router.get("/fleet")
def get_fleet(who: Staff) -> dict[str, Any]:
    with store.snapshot() as db:
        homes = [row._asdict() for row in db.execute(select(depot).order_by(depot.c.id))]
        vans = [row._asdict() for home in homes for row in fleet.of_depot(db, home["id"])]
        agreed = [each.model_dump() for each in clients.every(db)]
    return {"currency": money.currency(), "clients": agreed, "depots": homes, "vehicles": vans}


@router.get("/orders", **shown(answers.Orders))
def list_orders(who: ClientsOwn, depot: str, day: Day) -> dict[str, Any]:
    """The orders of a depot's day, with the van that has each in its plan and the time that was promised."""
    with store.snapshot() as db:
        current = plans.current(db, depot, day)
        on = {stop: v for v, route in current.routes.items() for stop in route.stops} if current else {}
        rows = [row for row in orders.of_day(db, depot, day) if who.client in (None, row.client)]
        told = promises.open_by_stop(db, {row.stop_id for row in rows})
        by_order = {p.order_id: p for found in told.values() for p in found}
    return {"orders": [_row(row, on.get(row.stop_id), by_order.get(row.id)) for row in rows]}


def _row(row: Any, vehicle: str | None, told: Any) -> dict[str, Any]:
    return {
        "id": row.id, "ref": row.ref, "client": row.client, "person": row.person_id, "depot": row.depot_id,
        "day": row.day.isoformat(), "status": row.status, "stop": row.stop_id, "vehicle": vehicle,
        "lat": row.lat, "lon": row.lon, "place": row.place, "windows": row.windows, "kind": row.kind,
        "priority": orders.PRIORITIES[row.priority], "pieces": row.pieces, "weight_g": row.weight_g,
        "volume_ml": row.volume_ml, "service_s": row.service_s, "skills": row.skills, "crew": row.crew,
        "promise": {"lo": iso(told.lo), "hi": iso(told.hi)} if told else None,
    }  # fmt: skip


@router.get("/orders/{order_id}", **shown(answers.OrderStory))
def order_story(who: Anyone, order_id: str) -> dict[str, Any]:
    """Everything about one order. Customers see their own; to them others' orders do not exist."""
    with store.snapshot() as db:
        row = orders.get(db, order_id)
        _knows(who, row)
        told = promises.open_of(db, order_id)
        known = events.of(db, order_id)
        facts = [{"kind": e.kind, "at": iso(e.at), "source": e.source} for e in known]
        sent = db.execute(select(message).where(message.c.order_id == order_id).order_by(message.c.at, message.c.id))
        said: dict[str, Any] = {"events": facts, "messages": [_message(m) for m in sent], "depots": ()}
        if who.role != "customer":
            said |= {"depots": reach.explained(known)}
        return _row(row, None, told) | said


def _knows(who: Principal, row: Row[Any]) -> None:
    """Raises NotFound: to whom an order is none of theirs, it does not exist."""
    mine = who.role == "customer" and row.person_id == who.subject
    clients_own = who.role == "integrator" and who.client in (None, row.client)
    if not (mine or who.is_staff or clients_own):
        raise NotFound(f"There is no order {row.id}.", "Search by its reference under /api/orders.")


@router.put("/orders/{order_id}/place")
def put_place(who: ClientsOwn, order_id: str, place: Annotated[Place, Body()]) -> dict[str, Any]:
    """Say where an order goes that no plan has yet; its open question about the address is settled."""
    with store.transaction() as db:
        _knows(who, orders.get(db, order_id))
        settled = places.settle(db, order_id, place.lat, place.lon, who.id, clock.now(db))
        return {"order": order_id, "stop": orders.get(db, order_id).stop_id, "cases": settled}


@router.post("/orders/{order_id}/collected")
def put_collected(who: Staff, order_id: str) -> dict[str, Any]:
    """Its customer has fetched it at the depot, as agreed after a failed attempt. Again changes nothing."""
    with store.transaction() as db:
        return {"order": order_id, "collected": collecting.collect(db, order_id, who.id, clock.now(db))}


@router.get("/orders/{order_id}/lineage")
def order_lineage(who: Staff, order_id: str) -> dict[str, Any]:
    """What led to what around one order: events, cases, decisions, plans, promises, messages."""
    with store.snapshot() as db:
        return lineage.as_json(lineage.of_order(db, order_id))


@router.get("/messages", **shown(answers.Messages))
def list_messages(
    who: Staff, order: str | None = None, person: str | None = None, after: cursor.After = None,
    limit: int = Query(200, ge=1, le=1000),
) -> dict[str, Any]:  # fmt: skip
    """What was said to and by customers, newest first, a page at a time."""
    key = (message.c.at, message.c.direction, message.c.id)
    query = select(message).order_by(*(column.desc() for column in key)).limit(limit + 1)
    if order is not None:
        query = query.where(message.c.order_id == order)
    if person is not None:
        query = query.where(message.c.person_id == person)
    if after is not None:
        query = query.where(tuple_(*key) < cursor.read(after, datetime.fromisoformat, str, str))
    with store.snapshot() as db:
        rows, onward = cursor.page(
            db.execute(query).all(), limit, lambda row: cursor.write(row.at.isoformat(), row.direction, row.id)
        )
    return {"messages": [_message(row) for row in rows], "next": onward}


def _message(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "at": iso(row.at), "direction": row.direction, "channel": row.channel, "template": row.template,
        "body": row.body, "order": row.order_id, "person": row.person_id, "case": row.case_id, "thread": row.thread,
    }  # fmt: skip


@router.post("/people/{person_id}/erase", status_code=204)
def erase_person(who: Staff, person_id: str) -> None:
    """Forget a customer. The log keeps verifying: it never held anything personal."""
    with store.transaction() as db:
        people.erase(db, person_id, clock.now(db))
