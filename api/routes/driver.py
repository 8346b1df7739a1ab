"""A driver's phone besides taps and route: what to load, pictures, messages; and the evidence that comes of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from agent.understanding.rules import is_danger
from api.auth import Anyone, Driver, Staff, Tapper
from core import clock, custody, evidence, fleet, orders, proofs, scans
from core.errors import NotAllowed, NotFound
from core.principals import Principal
from core.settings import settings
from core.signing import load_or_create
from core.store import db as store
from core.store.tables import event
from tools import driver_talk

router = APIRouter(prefix="/api", tags=["drivers"])
MAX_WORDS = 2000


@router.get("/driver/loading")
def loading(who: Driver) -> dict[str, Any]:
    """What to load on this driver's van, the last stop first, and how many parcels of each are aboard."""
    with store.snapshot() as db:
        van = fleet.of_driver(db, who.subject).id
        return {"vehicle": van, "orders": scans.loading_order(db, van)}


@router.post("/driver/files")
async def take_file(who: Tapper, request: Request, order: Annotated[str, Query(max_length=80)]) -> dict[str, str]:
    """Keep a picture that proves a delivery: JPEG, PNG or WebP as the body. Answers with its SHA-256, which the tap
    names. Drivers send pictures of what is, or was, on their van."""
    content, kind = await request.body(), request.headers.get("content-type", "").partition(";")[0].strip()
    return await run_in_threadpool(_take_file, who, order, content, kind)


def _take_file(who: Principal, order_id: str, content: bytes, media_type: str) -> dict[str, str]:
    with store.transaction() as db:
        row = orders.get(db, order_id)
        if who.role == "driver":
            van = fleet.of_driver(db, who.subject).id
            seen = select(event.c.seq).where(event.c.subject == row.id, event.c.vehicle_id == van).limit(1)
            if custody.van_of(db, row.id) != van and db.execute(seen).one_or_none() is None:
                raise NotAllowed(
                    "This order was never on your van.", "Send pictures of your own deliveries.", field="order"
                )
        return {"sha256": proofs.take_file(db, row.id, content, media_type, who.id, clock.now(db))}


ZIP: dict[int | str, dict[str, Any]] = {200: {"content": {"application/zip": {}}}}


@router.get("/orders/{order_id}/evidence", response_class=Response, responses=ZIP)
def get_evidence(who: Anyone, order_id: str) -> Response:
    """The evidence pack of an order: one zip with what happened, the pictures, a list of hashes and our signature.
    Customers get their own orders'."""
    with store.snapshot() as db:
        row = orders.get(db, order_id)
        own = who.role == "customer" and row.person_id == who.subject
        if not (own or who.is_staff or (who.role == "integrator" and who.client in (None, row.client))):
            raise NotFound(f"There is no order {order_id}.", "Search by its reference under /api/orders.")
        made = evidence.pack(db, row.id, load_or_create(settings().folder / "keys"), clock.now(db))
    named = {"Content-Disposition": f'attachment; filename="evidence-{row.id}.zip"'}
    return Response(made, media_type="application/zip", headers=named)


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=MAX_WORDS)
    key: str | None = Field(None, min_length=1, max_length=200)
    """of the sender's: the same message sent again is one"""


@router.get("/driver/messages")
def my_messages(who: Driver) -> dict[str, Any]:
    """What was said to and by this driver, oldest first."""
    with store.snapshot() as db:
        return {"messages": driver_talk.lines(db, who)}


@router.post("/driver/messages")
def write(who: Driver, said: Annotated[Words, Body()]) -> dict[str, Any]:
    """Write to the dispatcher on duty. Danger to people is known by its words and goes first."""
    danger = is_danger(said.text)
    with store.transaction() as db:
        return driver_talk.said(db, who, said.text, said.key, clock.now(db), danger=danger)


@router.get("/drivers/{driver_id}/messages")
def messages_of(who: Staff, driver_id: str) -> dict[str, Any]:
    """What was said to and by a driver, oldest first."""
    with store.transaction() as db:
        return {"messages": driver_talk.lines(db, driver_talk.of(db, driver_id))}


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=MAX_WORDS)


@router.post("/drivers/{driver_id}/messages")
def write_to(who: Staff, driver_id: str, said: Annotated[Answer, Body()]) -> dict[str, Any]:
    """Write to a driver; what the driver had asked is settled by it."""
    with store.transaction() as db:
        return driver_talk.answer(db, driver_id, said.text, clock.now(db))
