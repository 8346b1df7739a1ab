"""Orders: what a customer is to get, where and when. Orders at one door on one day are one stop."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, custody, people, stream
from core.clock import iso
from core.errors import BadInput, NotFound
from core.store.tables import order, parcel

FINAL = frozenset({"delivered", "returned", "cancelled", "rescheduled"})
"""A day ends with every order in one of these."""
OPEN = frozenset({"new", "planned", "unassigned", "out"})
"""Still to be served."""


class NewOrder(BaseModel):
    """An order as it was read from a file or a request, checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: str = Field(min_length=1, max_length=80)
    client: str = "default"
    name: str = Field(min_length=1, max_length=200)
    phone: str = Field("", max_length=40)
    email: str = Field("", max_length=200)
    address: str = Field("", max_length=500)
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    windows: tuple[tuple[datetime, datetime], ...] = ()
    service_s: int = Field(180, ge=0, le=8 * 3600)
    pieces: int = Field(1, ge=1, le=100_000)
    weight_g: int = Field(0, ge=0, le=1_000_000_000)
    notes: str = Field("", max_length=2000)
    parcels: tuple[str, ...] = ()


def stop_id(depot_id: str, day: date, lat: float, lon: float) -> str:
    """One door on one day: coordinates to 5 decimals (1 m)."""
    return canonical.short("stp", depot_id, day.isoformat(), f"{lat:.5f}", f"{lon:.5f}")


def add(db: Connection, new: NewOrder, depot_id: str, day: date, at: datetime) -> tuple[str, bool]:
    """Take an order in. Returns its id and whether it is new: the same order twice changes nothing.

    Raises BadInput when the reference is known with other contents.
    """
    made = canonical.short("ord", new.client, new.ref)
    source = canonical.digest({"order": new, "depot": depot_id, "day": day.isoformat()})
    known = db.execute(select(order.c.source).where(order.c.id == made)).scalar_one_or_none()
    if known == source:
        return made, False
    if known is not None:
        raise BadInput(
            f"Order {new.ref} is in already with other contents.",
            "Change that order instead, or give this one a reference of its own.",
            field="ref",
        )
    row = {
        "id": made, "ref": new.ref, "client": new.client, "depot_id": depot_id, "day": day, "status": "new",
        "person_id": people.ensure(db, new.name, new.phone, new.email),
        "address": new.address or None, "lat": new.lat, "lon": new.lon, "notes": new.notes or None,
        "stop_id": stop_id(depot_id, day, new.lat, new.lon),
        "windows": [[iso(lo), iso(hi)] for lo, hi in new.windows],
        "service_s": new.service_s, "pieces": new.pieces, "weight_g": new.weight_g, "source": source, "created_at": at,
    }  # fmt: skip
    db.execute(insert(order).values(row))
    ids = new.parcels or (f"{made}-1",)
    holder = custody.at_depot(depot_id)
    parcels = [{"id": canonical.short("par", made, p), "order_id": made, "holder": holder, "since": at} for p in ids]
    db.execute(insert(parcel).values(parcels))
    return made, True


def get(db: Connection, order_id: str) -> Row[Any]:
    found = db.execute(select(order).where(order.c.id == order_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no order {order_id}.", "Search by its reference under /api/orders.")
    return found


def by_ref(db: Connection, ref: str, person_id: str | None = None) -> Row[Any] | None:
    """Newest order with this reference, in any case; of this person only, when one is given."""
    query = select(order).where(func.lower(order.c.ref) == func.lower(ref))
    if person_id is not None:
        query = query.where(order.c.person_id == person_id)
    return db.execute(query.order_by(order.c.day.desc(), order.c.id).limit(1)).one_or_none()


def of_person(db: Connection, person_id: str) -> list[Row[Any]]:
    return list(db.execute(select(order).where(order.c.person_id == person_id).order_by(order.c.day, order.c.id)))


def at_stop(db: Connection, stop: str) -> list[Row[Any]]:
    return list(db.execute(select(order).where(order.c.stop_id == stop).order_by(order.c.id)))


def of_day(db: Connection, depot_id: str, day: date) -> list[Row[Any]]:
    return list(db.execute(select(order).where(order.c.depot_id == depot_id, order.c.day == day).order_by(order.c.id)))


def open_stops(db: Connection, depot_id: str, day: date) -> set[str]:
    query = select(order.c.stop_id).where(order.c.depot_id == depot_id, order.c.day == day, order.c.status.in_(OPEN))
    return set(db.execute(query).scalars())


def set_status(db: Connection, order_ids: Iterable[str], status: str) -> None:
    ids = sorted(order_ids)
    if not ids:
        return
    db.execute(update(order).where(order.c.id.in_(ids)).values(status=status))
    stream.tell_many(db, "order", "orders", [{"id": each, "status": status} for each in ids])
