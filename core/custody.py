"""Where every parcel is. It moves by an event only, and only from where it is: a loaded one can't jump between vans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from core import canonical
from core.errors import WrongState
from core.store.tables import order, parcel


class Mismatch(WrongState):
    """A scan and the record contradict each other about where goods are: scanning again does not help."""

    def __init__(self, what: str, fix: str, *, order_id: str = "", field: str = "") -> None:
        super().__init__(what, fix, field=field)
        self.order_id = order_id


def at_depot(depot_id: str) -> str:
    return f"depot:{depot_id}"


def on_van(vehicle_id: str) -> str:
    return f"van:{vehicle_id}"


def with_carrier(carrier: str) -> str:
    return f"carrier:{carrier}"


def with_customer(person_id: str) -> str:
    return f"customer:{person_id}"


def holders(db: Connection, order_id: str) -> set[str]:
    return set(db.execute(select(parcel.c.holder).where(parcel.c.order_id == order_id)).scalars())


def parcels(db: Connection, order_id: str) -> dict[str, str]:
    """Parcel -> who has it."""
    rows = db.execute(select(parcel.c.id, parcel.c.holder).where(parcel.c.order_id == order_id))
    return {row.id: row.holder for row in rows}


def parcel_id(order_id: str, label: str) -> str:
    """The parcel of an order that carries this label: labels are unique within an order only."""
    return canonical.short("par", order_id, label)


def van_of(db: Connection, order_id: str) -> str | None:
    """The vehicle that carries any parcel of this order."""
    for holder in sorted(holders(db, order_id)):
        if holder.startswith("van:"):
            return holder.removeprefix("van:")
    return None


def move(
    db: Connection,
    order_id: str,
    frm: str,
    to: str,
    at: datetime,
    event_key: str,
    only: Collection[str] | None = None,
) -> int:
    """Move all parcels of an order, or some, from one holder to the next; returns how many.

    Raises Mismatch when one of them is somewhere else: the scan and the record disagree, and a person has to look.
    """
    held = parcels(db, order_id)
    elsewhere = {holder for made, holder in held.items() if only is None or made in only} - {frm, to}
    if elsewhere:
        raise Mismatch(
            f"Its parcels are at {', '.join(sorted(elsewhere))}, not at {frm}.",
            "Scan them where they are first, or correct the vehicle.",
            order_id=order_id,
        )
    mine = parcel.c.id.in_([made for made, holder in held.items() if holder == frm and (only is None or made in only)])
    return db.execute(update(parcel).where(mine).values(holder=to, since=at, event_key=event_key)).rowcount


def aboard(db: Connection, vehicle_id: str) -> list[str]:
    """Orders with parcels on this van, sorted."""
    query = (
        select(parcel.c.order_id).where(parcel.c.holder == on_van(vehicle_id)).distinct().order_by(parcel.c.order_id)
    )
    return list(db.execute(query).scalars())


def reconcile(db: Connection, depot_id: str, day: object) -> Counter[str]:
    """How many parcels of a depot's day each kind of holder has: depot, van, customer, carrier, lost."""
    kind = func.split_part(parcel.c.holder, ":", 1)
    query = (
        select(kind, func.count())
        .join(order, order.c.id == parcel.c.order_id)
        .where(order.c.depot_id == depot_id, order.c.day == day)
        .group_by(kind)
    )
    return Counter({holder: int(n) for holder, n in db.execute(query)})
