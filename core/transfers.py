"""Transfers: goods that go from one van to another on the road, at a place and by both drivers' scans.

A transfer is a stop on the route of the van that takes. A parcel moves when both have scanned it, whichever came first;
until then it is on the van that gives. What only one of them scanned is a mismatch and goes to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from core import cases, custody, effects, orders, vans
from core.errors import BadInput, NotAllowed, NotFound, WrongState
from core.events import Event
from core.store.tables import breakdown, transfer, transfer_line

MISMATCH = "custody_mismatch"
SERVICE_S, SERVICE_ORDER_S = 300, 15
"""how long two vans stand beside each other: to find each other and open up, and for every order"""


def service_s(order_count: int) -> int:
    return SERVICE_S + SERVICE_ORDER_S * order_count


def identify(breakdown_id: str, to_vehicle: str) -> str:
    """One van takes from one broken van once; its stop in a what-if has the same name as on the road."""
    return f"{breakdown_id}:{to_vehicle}"


def arrange(
    db: Connection, breakdown_row: Row[Any], to_vehicle: str, order_ids: Sequence[str], effect_key: str, at: datetime
) -> str:
    """Write down that these goods are to go to that van at the place where theirs stands."""
    made = identify(breakdown_row.id, to_vehicle)
    row = {
        "id": made, "breakdown_id": breakdown_row.id, "depot_id": breakdown_row.depot_id, "day": breakdown_row.day,
        "from_vehicle": breakdown_row.vehicle_id, "to_vehicle": to_vehicle, "service_s": service_s(len(order_ids)),
        "effect_key": effect_key, "status": "open", "at": at, "ended_at": None,
    }  # fmt: skip
    db.execute(insert(transfer).values(row).on_conflict_do_update(index_elements=["id"], set_=row))
    lines = [{"transfer_id": made, "order_id": each} for each in sorted(order_ids)]
    db.execute(insert(transfer_line).values(lines).on_conflict_do_nothing())
    return made


def get(db: Connection, transfer_id: str) -> Row[Any] | None:
    """A transfer with the place where it is."""
    query = select(transfer, breakdown.c.lat, breakdown.c.lon).join(
        breakdown, breakdown.c.id == transfer.c.breakdown_id
    )
    return db.execute(query.where(transfer.c.id == transfer_id)).one_or_none()


def of_day(db: Connection, depot_id: str, day: date) -> list[Row[Any]]:
    """Those of a depot's day that are not over."""
    query = select(transfer).where(transfer.c.depot_id == depot_id, transfer.c.day == day)
    return list(db.execute(query.where(transfer.c.status.in_(("open", "met"))).order_by(transfer.c.id)))


def called_off(db: Connection, depot_id: str, day: date) -> set[str]:
    """Those that do not take place: no list has them any more."""
    query = select(transfer.c.id).where(transfer.c.depot_id == depot_id, transfer.c.day == day)
    return set(db.execute(query.where(transfer.c.status == "void")).scalars())


def of_van(db: Connection, vehicle_id: str) -> list[Row[Any]]:
    """Where a van is to give goods away, and has not yet."""
    query = select(transfer).where(transfer.c.from_vehicle == vehicle_id, transfer.c.status.in_(("open", "met")))
    return list(db.execute(query.order_by(transfer.c.id)))


def taker_of(db: Connection, order_id: str) -> str | None:
    """The van that an order's goods are about to go to."""
    query = (
        select(transfer.c.to_vehicle)
        .join(transfer_line, transfer_line.c.transfer_id == transfer.c.id)
        .where(transfer_line.c.order_id == order_id, transfer.c.status.in_(("open", "met")))
    )
    return db.execute(query.order_by(transfer.c.at.desc()).limit(1)).scalar_one_or_none()


def lines(db: Connection, transfer_ids: Iterable[str]) -> list[Row[Any]]:
    query = select(transfer_line).where(transfer_line.c.transfer_id.in_(list(transfer_ids)))
    return list(db.execute(query.order_by(transfer_line.c.transfer_id, transfer_line.c.order_id)))


def void(db: Connection, transfer_id: str, at: datetime, why: str) -> None:
    """It does not take place. Raises WrongState when goods have changed hands already."""
    row = _known(db, transfer_id)
    if any(line.given_at and line.taken_at for line in lines(db, [transfer_id])):
        raise WrongState("Goods have changed hands already.", "Arrange a transfer back.", field="transfer")
    _close(db, row, "void", at, why)


def give_up(db: Connection, depot_id: str, day: date, at: datetime) -> None:
    """The day is over: what has not been handed over by now will not be."""
    for row in of_day(db, depot_id, day):
        _close(db, row, "void", at, "day_over")


def given(db: Connection, fact: Event, van: Row[Any]) -> None:
    """The driver who gives has scanned."""
    row = _scanned(db, fact, van, "from_vehicle")
    _mark(db, row, fact, "given_at")
    _settle(db, row, fact, said_done=False)


def taken(db: Connection, fact: Event, van: Row[Any]) -> None:
    """The driver who takes has scanned; with all of it, or with `done`, the van goes on."""
    row = _scanned(db, fact, van, "to_vehicle")
    _mark(db, row, fact, "taken_at")
    said_done = fact.data.get("done") is True
    over = said_done or all(line.taken_at for line in lines(db, [row.id]))
    if over and row.status == "open":
        db.execute(update(transfer).where(transfer.c.id == row.id).values(status="met"))
        if van.state in ("driving", "serving") and fact.at >= van.state_at:
            vans.head_on(db, van, fact.at, last=row.id)
    _settle(db, row, fact, said_done=said_done)


def _scanned(db: Connection, fact: Event, van: Row[Any], side: str) -> Row[Any]:
    row = _known(db, str(fact.data.get("transfer") or ""))
    if getattr(row, side) != van.vehicle_id:
        raise NotAllowed(
            f"This transfer is not from or to {van.vehicle_id} so.", "Read the route again.", field="vehicle"
        )
    if row.status == "void":
        raise WrongState("This transfer was called off.", "Keep the goods and read the route.", field="data.transfer")
    return row


def _known(db: Connection, transfer_id: str) -> Row[Any]:
    row = db.execute(select(transfer).where(transfer.c.id == transfer_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(f"There is no transfer {transfer_id[:80]!r}.", "Read the route again.", field="data.transfer")
    return row


def _mark(db: Connection, row: Row[Any], fact: Event, column: str) -> None:
    ids = fact.data.get("orders")
    if not isinstance(ids, list) or not ids:
        raise BadInput("The scan names no orders.", 'Send data.orders: ["ord_..."].', field="data.orders")
    known = {line.order_id: line for line in lines(db, [row.id])}
    strangers = sorted(str(each) for each in ids if str(each) not in known)
    if strangers:
        raise WrongState(
            f"{', '.join(strangers[:5])} is not part of this transfer.",
            f"It stays on {row.from_vehicle}; scan the others without it.",
            field="data.orders",
        )
    fresh = [each for each in sorted({str(each) for each in ids}) if getattr(known[each], column) is None]
    mine = (transfer_line.c.transfer_id == row.id) & transfer_line.c.order_id.in_(fresh)
    db.execute(update(transfer_line).where(mine).values({column: fact.at}))
    aboard = {orders.goods(orders.get(db, each)): each for each in custody.aboard(db, row.from_vehicle)}
    for order_id in fresh:
        other = known[order_id].taken_at if column == "given_at" else known[order_id].given_at
        if other is not None:
            frm, to = custody.on_van(row.from_vehicle), custody.on_van(row.to_vehicle)
            # moved to another day meanwhile, the same goods go under another number
            same = aboard.get(orders.goods(orders.get(db, order_id)), order_id)
            custody.move(db, same, frm, to, max(fact.at, other), fact.key)


def _settle(db: Connection, row: Row[Any], fact: Event, *, said_done: bool) -> None:
    """All scanned by both: done. Said to be all, and it is not: a person finds the rest."""
    apart = [line.order_id for line in lines(db, [row.id]) if not (line.given_at and line.taken_at)]
    if not apart and row.status != "done":
        _close(db, row, "done", fact.at)
    elif apart and said_done:
        facts = {
            "transfer": row.id,
            "from": row.from_vehicle,
            "to": row.to_vehicle,
            "orders": apart,
            "what": "transfer",
        }
        cases.open_or_join(db, MISMATCH, row.id, row.depot_id, row.day, facts, fact.at)


def _close(db: Connection, row: Row[Any], status: str, at: datetime, why: str | None = None) -> None:
    """It is over, and with it the question where it stays."""
    known = cases.open_of_kind(db, "transfer_overdue", [row.id]).get(row.id)
    if known is not None:
        cases.advance(db, cases.get(db, known, lock=True), "closed", closed_at=at, reason_code="handed_over")
    db.execute(update(transfer).where(transfer.c.id == row.id).values(status=status, ended_at=at))
    effects.settle(db, row.effect_key, "done" if status == "done" else "failed", at, error=why)
