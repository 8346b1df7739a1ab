"""Handing an order to a carrier who delivers it the same day: the price, and what becomes of order and goods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row

from core import custody, events, fleet, orders, promises
from core.errors import Stale
from core.events import Event
from tools.carriers.flat import FlatTariff
from tools.carriers.port import Parcel, Place, Quote
from tools.job import Job
from tools.telling import say


def same_day(db: Connection, row: Row[Any]) -> Quote | None:
    """The cheapest carrier that delivers an order's goods from the depot on its day; None when there is none."""
    if row.kind != "delivery" or row.lat is None or custody.holders(db, row.id) != {custody.at_depot(row.depot_id)}:
        return None
    home = fleet.get_depot(db, row.depot_id)
    goods = Parcel(weight_g=max(row.weight_g, 1), pieces=row.pieces)
    given = FlatTariff().quote(goods, Place(lat=home.lat, lon=home.lon), Place(lat=row.lat, lon=row.lon), row.day)
    found = [quote for quote in given if isinstance(quote, Quote) and quote.delivery == row.day]
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
