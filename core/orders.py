"""Orders: what a customer is to get, where and when. Orders at one door on one day are one stop."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core import address_book, canonical, custody, people, stream
from core.clock import iso
from core.errors import BadInput, NotFound, WrongState
from core.fleet import Skill
from core.store.tables import order, parcel, person, promise, transfer

FINAL = frozenset({"delivered", "fetched", "picked_up", "with_carrier", "returned", "cancelled", "rescheduled"})
"""A day ends with every order in one of these."""
OPEN = frozenset({"new", "planned", "unassigned", "out"})
"""Still to be served."""


Kind: TypeAlias = Literal["delivery", "pickup", "return", "exchange", "service"]
FROM_CUSTOMER = frozenset({"pickup", "return"})
"""Kinds whose goods are with the customer at first."""
BROUGHT, FETCHED = frozenset({"delivery", "exchange"}), frozenset({"pickup", "return", "exchange"})
"""Kinds whose goods are loaded at the depot, and kinds whose goods come back on the van: an exchange does both."""
PRIORITIES = ("low", "normal", "high", "urgent")
"""By their number, 0 to 3."""
PlaceKind: TypeAlias = Literal["given", "exact", "interpolated", "postal_code", "person", "none"]
"""How the coordinates are known: sent with the order; found for the address, exactly, between two known house numbers
or as the middle of its postal code; set by a person; not at all."""


SAME = ("client", "kind", "windows", "pieces", "weight_g", "volume_ml")
"""What two orders of one person at one door have in common when they are most likely one."""


class Address(BaseModel):
    """An address by its parts, those that are known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line1: str = Field("", max_length=200)
    line2: str = Field("", max_length=200)
    city: str = Field("", max_length=100)
    state: str = Field("", max_length=100)
    postal_code: str = Field("", max_length=20)
    country: str = Field("", max_length=60)

    @property
    def text(self) -> str:
        """In one line, as a label says it."""
        region = " ".join(part for part in (self.state, self.postal_code) if part)
        return ", ".join(part for part in (self.line1, self.line2, self.city, region, self.country) if part)


class Place(BaseModel):
    """Where an order goes, and how that is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    known: PlaceKind


class NewOrder(BaseModel):
    """An order as it was read from a file or a request, checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: str = Field(min_length=1, max_length=80)
    client: str = "default"
    name: str = Field(min_length=1, max_length=200)
    phone: str = Field("", max_length=40)
    email: str = Field("", max_length=200)
    address: str = Field("", max_length=500)
    parts: Address | None = None
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    windows: tuple[tuple[datetime, datetime], ...] = ()
    service_s: int = Field(180, ge=0, le=8 * 3600)
    pieces: int = Field(1, ge=1, le=100_000)
    weight_g: int = Field(0, ge=0, le=1_000_000_000)
    volume_ml: int = Field(0, ge=0, le=1_000_000_000)
    kind: Kind = "delivery"
    priority: int = Field(1, ge=0, le=3)
    skills: tuple[Skill, ...] = ()
    crew: int = Field(1, ge=1, le=9)
    notes: str = Field("", max_length=2000)
    parcels: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _goes_somewhere(self) -> NewOrder:
        if (self.lat is None) != (self.lon is None):
            raise ValueError("a place needs both lat and lon")
        if self.lat is None and not self.address:
            raise ValueError("an order needs an address or coordinates")
        return self

    @property
    def given_place(self) -> Place | None:
        """The coordinates that came with the order."""
        return None if self.lat is None or self.lon is None else Place(lat=self.lat, lon=self.lon, known="given")


def stop_id(depot_id: str, day: date, lat: float, lon: float) -> str:
    """One door on one day: coordinates to 5 decimals (1 m)."""
    return canonical.short("stp", depot_id, day.isoformat(), f"{lat:.5f}", f"{lon:.5f}")


def id_of(client: str, ref: str) -> str:
    return canonical.short("ord", client, ref)


def add(
    db: Connection, new: NewOrder, depot_id: str, day: date, at: datetime, found: Place | None = None,
    person_id: str | None = None,
) -> tuple[str, bool]:  # fmt: skip
    """Take an order in. Returns its id and whether it is new: the same order twice changes nothing.

    `found` is where its address is, when the order brings no coordinates; without either it is in, but can't be planned
    until `place` says where. What the address book knows of the customer's door comes first. Raises BadInput when the
    reference is known with other contents.
    """
    made = id_of(new.client, new.ref)
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
    windows = [[iso(lo), iso(hi)] for lo, hi in new.windows]
    person_id = person_id or people.ensure(db, new.name, new.phone, new.email)
    door = address_book.find(db, person_id, new.address)
    corrected = Place(lat=door.lat, lon=door.lon, known="person") if door is not None and door.lat is not None else None
    where = _where(corrected or new.given_place or found, depot_id, day, made)
    where["stop_id"] = _apart(db, where["stop_id"], made, windows)
    row = {
        "id": made, "ref": new.ref, "client": new.client, "depot_id": depot_id, "day": day, "status": "new",
        "person_id": person_id,
        "address": new.address or None,
        "address_parts": new.parts.model_dump(exclude_defaults=True) if new.parts else None,
        "notes": _notes(new, door), **where, "windows": windows, "service_s": _service_s(new, door),
        "pieces": new.pieces, "weight_g": new.weight_g, "volume_ml": new.volume_ml, "kind": new.kind,
        "priority": new.priority, "skills": sorted(new.skills), "crew": new.crew, "source": source, "created_at": at,
    }  # fmt: skip
    db.execute(insert(order).values(row))
    _put_parcels(db, new, made, depot_id, row["person_id"], at)
    return made, True


def _notes(new: NewOrder, door: Row[Any] | None) -> str | None:
    """What the order says, then what is known of the door."""
    known = door.notes if door is not None and door.notes and door.notes not in new.notes else ""
    return "\n".join(part for part in (new.notes, known) if part) or None


def _service_s(new: NewOrder, door: Row[Any] | None) -> int:
    """What the order asks for; when it asks for nothing, what the door usually takes."""
    usual = door.service_s if door is not None else None
    return new.service_s if usual is None or "service_s" in new.model_fields_set else int(usual)


def _put_parcels(db: Connection, new: NewOrder, made: str, depot_id: str, person_id: object, at: datetime) -> None:
    """Every parcel is somewhere from the first: at the depot, or with the customer it is to be fetched from. A service
    has none."""
    if new.kind == "service":
        return
    fetched = new.kind in FROM_CUSTOMER
    holder = custody.with_customer(str(person_id)) if fetched else custody.at_depot(depot_id)
    ids = new.parcels or (f"{made}-1",)
    parcels = [{"id": canonical.short("par", made, p), "order_id": made, "holder": holder, "since": at} for p in ids]
    db.execute(insert(parcel).values(parcels))


def _where(place: Place | None, depot_id: str, day: date, order_id: str) -> dict[str, Any]:
    """The columns of a place."""
    lat, lon = (None, None) if place is None else (place.lat, place.lon)
    known = "none" if place is None else place.known
    return {"lat": lat, "lon": lon, "place": known, "stop_id": door(order_id, depot_id, day, lat, lon)}


def door(order_id: str, depot_id: str, day: date, lat: float | None, lon: float | None) -> str:
    """The stop of an order. One without a place is a stop of its own that no plan takes up."""
    if lat is None or lon is None:
        return canonical.short("stp", depot_id, day.isoformat(), order_id)
    return stop_id(depot_id, day, lat, lon)


def _apart(db: Connection, stop: str, order_id: str, windows: list[list[str]]) -> str:
    """The stop of an order at a door where others are due: a visit of its own when no time suits all of them, be it in
    their windows or when they were promised."""
    others = [r for r in at_stop(db, stop) if r.status in OPEN and r.id != order_id] if windows else []
    told = select(promise.c.order_id, promise.c.lo, promise.c.hi).where(
        promise.c.order_id == func.any([r.id for r in others]), promise.c.status == "open"
    )
    due = [row.windows for row in others if row.windows]
    due += [[[iso(row.lo), iso(row.hi)]] for row in db.execute(told)] if others else []
    left = [(lo, hi) for lo, hi in windows]
    for theirs in due:  # ISO times in UTC sort as what they say
        left = [(max(a, c), min(b, d)) for a, b in left for c, d in theirs if max(a, c) <= min(b, d)]
    return stop if left or not due else canonical.short("stp", stop, order_id)


def put_place(db: Connection, order_id: str, place: Place) -> None:
    """Say where an order goes. Raises WrongState once a plan or a van has it: drivers would be sent to the old door."""
    row = get(db, order_id)
    if row.status not in ("new", "unassigned"):
        raise WrongState(f"Order {row.ref} is {row.status}.", "Postpone it first, then set its place.", field="order")
    db.execute(update(order).where(order.c.id == row.id).values(_where(place, row.depot_id, row.day, row.id)))
    stream.tell(db, "order", {"id": row.id, "status": row.status})


def put_at_stop(db: Connection, order_id: str, stop: str) -> None:
    db.execute(update(order).where(order.c.id == order_id).values(stop_id=stop))


def alike(db: Connection, order_id: str) -> Row[Any] | None:
    """Another order of the same day for the same person (without a contact: the same name) at the same address with the
    same contents: most likely the same order under another reference."""
    mine = get(db, order_id)
    query = select(order, person.c.name, person.c.phone, person.c.email)
    query = query.join(person, person.c.id == order.c.person_id).where(order.c.day == mine.day)
    if mine.lat is None:
        query = query.where(order.c.depot_id == mine.depot_id, order.c.address == mine.address)
    else:
        query = query.where(order.c.stop_id == mine.stop_id)
    here = list(db.execute(query.where(order.c.status != "cancelled").order_by(order.c.id)))
    me = _who(next(row for row in here if row.id == mine.id))
    same = (row for row in here if row.id != mine.id and _who(row) == me)
    return next((row for row in same if all(getattr(row, name) == getattr(mine, name) for name in SAME)), None)


def _who(row: Row[Any]) -> str:
    """The person of an order; of those that left no contact, each order's own, the name."""
    return str(row.person_id if row.phone or row.email else row.name)


def get(db: Connection, order_id: str) -> Row[Any]:
    found = db.execute(select(order).where(order.c.id == order_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no order {order_id}.", "Search by its reference under /api/orders.")
    return found


def by_ref(db: Connection, ref: str, person_id: str | None = None, client: str | None = None) -> Row[Any] | None:
    """Newest order with this reference, in any case; of this person or client only, when one is given."""
    query = select(order).where(func.lower(order.c.ref) == func.lower(ref))
    if person_id is not None:
        query = query.where(order.c.person_id == person_id)
    if client is not None:
        query = query.where(order.c.client == client)
    return db.execute(query.order_by(order.c.day.desc(), order.c.id).limit(1)).one_or_none()


def of_person(db: Connection, person_id: str) -> list[Row[Any]]:
    return list(db.execute(select(order).where(order.c.person_id == person_id).order_by(order.c.day, order.c.id)))


def goods(row: Row[Any]) -> tuple[str, str]:
    """What two attempts at one order have in common: A1, A1/2 ... are the same goods of one client."""
    base, _, attempt = row.ref.rpartition("/")
    return row.client, base if base and attempt.isdecimal() else row.ref


def at_stop(db: Connection, stop: str) -> list[Row[Any]]:
    return list(db.execute(select(order).where(order.c.stop_id == stop).order_by(order.c.id)))


def at_stops(db: Connection, stops: Collection[str]) -> dict[str, list[Row[Any]]]:
    """Stop -> its orders, of those that have any."""
    found: dict[str, list[Row[Any]]] = {}
    for row in db.execute(select(order).where(order.c.stop_id == func.any(list(stops))).order_by(order.c.id)):
        found.setdefault(row.stop_id, []).append(row)
    return found


def open_among(db: Connection, stops: Collection[str]) -> set[str]:
    """Those of these doors and meetings that still have something to do."""
    doors = select(order.c.stop_id).where(order.c.stop_id == func.any(list(stops)), order.c.status.in_(OPEN))
    meetings = select(transfer.c.id).where(transfer.c.id == func.any(list(stops)), transfer.c.status == "open")
    return set(db.execute(doors.union_all(meetings)).scalars())


def of_day(db: Connection, depot_id: str, day: date) -> list[Row[Any]]:
    return list(db.execute(select(order).where(order.c.depot_id == depot_id, order.c.day == day).order_by(order.c.id)))


def open_stops(db: Connection, depot_id: str, day: date) -> set[str]:
    """Doors that still have something to do, and places where goods are to go from van to van."""
    doors = select(order.c.stop_id).where(order.c.depot_id == depot_id, order.c.day == day, order.c.status.in_(OPEN))
    meetings = select(transfer.c.id).where(
        transfer.c.depot_id == depot_id, transfer.c.day == day, transfer.c.status == "open"
    )
    return set(db.execute(doors.union_all(meetings)).scalars())


def set_status(db: Connection, order_ids: Iterable[str], status: str) -> None:
    ids = sorted(order_ids)
    if not ids:
        return
    db.execute(update(order).where(order.c.id.in_(ids)).values(status=status))
    stream.tell_many(db, "order", "orders", [{"id": each, "status": status} for each in ids])
