"""Handing an order to a carrier who delivers it the same day: the price, and what becomes of order and goods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from core import breakdowns, carriage, custody, effects, events, fleet, money, orders, promises, queue
from core.errors import Stale
from core.events import Event
from tools.carriers.flat import FlatTariff
from tools.carriers.port import Collection, Parcel, Place, Quote
from tools.job import Job
from tools.telling import say


def same_day(db: Connection, row: Row[Any]) -> Quote | None:
    """The cheapest carrier that delivers an order's goods from the depot on its day; None when there is none."""
    if row.kind != "delivery" or row.lat is None or custody.holders(db, row.id) != {custody.at_depot(row.depot_id)}:
        return None
    home = fleet.get_depot(db, row.depot_id)
    goods = Parcel(weight_g=max(row.weight_g, 1), pieces=row.pieces)
    given = FlatTariff().quote(goods, Place(lat=home.lat, lon=home.lon), Place(lat=row.lat, lon=row.lon), row.day)
    quotes = [quote for quote in given if isinstance(quote, Quote) and quote.currency == money.currency()]
    found = [quote for quote in quotes if quote.delivery == row.day]
    return min(found, key=lambda quote: (quote.cost_cents, quote.carrier, quote.service), default=None)


def hand_over(job: Job) -> dict[str, Any]:
    """The goods go to the carrier at the dock, the order ends with it, and its customer is told."""
    taken, names = {}, {}
    for order_id in job.args.orders:
        row = orders.get(job.db, order_id)
        quote = same_day(job.db, row)
        if quote is None or row.status not in ("new", "unassigned"):
            raise Stale(f"No carrier takes order {row.ref} any more.", "Look at the case again.")
        fact = Event(
            key=f"order.to_carrier:{job.decision_id}:{row.id}", kind="order.to_carrier", source="casework",
            subject=row.id, at=job.now,
            data={"carrier": quote.carrier, "service": quote.service, "cents": quote.cost_cents},
        )  # fmt: skip
        events.append(job.db, fact, job.now)
        there = custody.with_carrier(quote.carrier)
        custody.move(job.db, row.id, custody.at_depot(row.depot_id), there, job.now, fact.key)
        promises.release(job.db, row.id)
        say(job, row, "with_carrier", order=row.ref)
        taken[row.id], names[row.id] = row.status, quote.carrier
    orders.set_status(job.db, taken, "with_carrier")
    return {"carried": taken, "carriers": names, "told": sorted(taken)}


def price_from_van(db: Connection, broken: Row[Any], rows: Sequence[Row[Any]]) -> int | None:
    """What the carrier takes who collects all of these that are still to be delivered from a van that stands; None when
    one of them can't be."""
    still = [row for row in rows if row.status in orders.OPEN]
    quotes = [from_van(db, broken, row) for row in still]
    return sum(quote.cost_cents for quote in quotes if quote) if still and all(quotes) else None


def from_van(db: Connection, broken: Row[Any], row: Row[Any]) -> Quote | None:
    """The cheapest carrier that collects an order's goods from a broken van and delivers them on the day."""
    if row.kind != "delivery" or custody.holders(db, row.id) != {custody.on_van(broken.vehicle_id)}:
        return None
    wanted = collection(row, broken, "")
    given = FlatTariff().quote(wanted.parcel, wanted.origin, wanted.to, wanted.day, roadside=True)
    quotes = [quote for quote in given if isinstance(quote, Quote) and quote.currency == money.currency()]
    return min((q for q in quotes if q.delivery == row.day), key=lambda quote: quote.cost_cents, default=None)


def collection(row: Row[Any], broken: Row[Any], key: str) -> Collection:
    """What a carrier is asked to do about one order."""
    goods = Parcel(weight_g=max(row.weight_g, 1), pieces=row.pieces)
    origin, to = Place(lat=broken.lat, lon=broken.lon), Place(lat=row.lat, lon=row.lon)
    return Collection(key=key, parcel=goods, origin=origin, to=to, day=row.day)


def collect(job: Job) -> dict[str, Any]:
    """Book a carrier for everything that is left on a broken van. Each booking is an effect of the ledger; its customer
    is told when the carrier has said yes, and the goods go by the driver's scan."""
    broken = breakdowns.get(job.db, job.case.facts["breakdown"])
    for order_id in job.args.orders:
        row = orders.get(job.db, order_id)
        if row.status not in orders.OPEN or from_van(job.db, broken, row) is None:
            raise Stale(f"No carrier collects order {row.ref} any more.", "Look at the case again.")
        args = {"breakdown": broken.id, "decision": job.decision_id}
        for action in (carriage.BOOK, carriage.HAND_OVER):
            effects.record(job.db, job.case.id, action, row.id, args, job.now)
    queue.defer(job.db, "book_carriers")
    return {"collected": list(job.args.orders)}


def taken_back(job: Job, applied: Mapping[str, Any]) -> list[str]:
    """The carrier gives it back: goods at the depot, order as it was. The dispatcher has called them."""
    for order_id, status in applied.get("carried", {}).items():
        row = orders.get(job.db, order_id)
        if row.status != "with_carrier":
            raise Stale(f"Order {row.ref} is {row.status} now.", "Look at what came of it.")
        there, here = custody.with_carrier(applied["carriers"][order_id]), custody.at_depot(row.depot_id)
        custody.move(job.db, order_id, there, here, job.now, f"undo:{job.decision_id}")
        orders.set_status(job.db, [order_id], status)
    return [f"order {order_id} is back from its carrier" for order_id in sorted(applied.get("carried", {}))]
