"""What is scanned at the depot: onto a van before it leaves, off it when it is back, each against what should be there.

A wrong parcel is refused with what to do about it. What can't be put right by scanning again (goods that the record has
elsewhere, a label that is missing, goods that did not come back) is a `custody_mismatch` case, and a person finds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from core import attempts, cases, custody, events, fleet, orders, plans, promises, vans
from core.errors import BadInput, WrongState
from core.events import Event

KIND = "custody_mismatch"


def open_case(
    db: Connection,
    subject: str,
    depot_id: str,
    day: Any,
    what: str,
    order_ids: Sequence[str],
    at: datetime,
    **facts: str,
) -> None:
    """Somebody has to find these goods, or the scan that is missing."""
    about: dict[str, Any] = {"what": what, "orders": sorted(order_ids), **facts}
    if len(order_ids) == 1:
        about["order"] = order_ids[0]
    cases.open_or_join(db, KIND, subject, depot_id, day, about, at)


def contradicted(db: Connection, order_id: str, vehicle_id: str, at: datetime) -> None:
    """A tap was refused because the record has the goods elsewhere."""
    row = orders.get(db, order_id)
    open_case(db, row.id, row.depot_id, row.day, "elsewhere", [row.id], at, vehicle=vehicle_id)


# Onto the van ---------------------------------------------------------------------------------------------------------


def load(db: Connection, fact: Event, van: Row[Any]) -> None:
    """Parcels go from the depot onto the van that the plan has them on."""
    vehicle = fleet.get_vehicle(db, van.vehicle_id)
    ids = named(fact, "The load scan names no orders.")
    goes = planned(db, vehicle.depot_id, van)
    for order_id in ids:
        row = orders.get(db, order_id)
        events.append(
            db, fact.model_copy(update={"key": f"{fact.key}:{row.id}", "subject": row.id, "data": {}}), fact.at
        )
        _may_go(row, van, vehicle.depot_id, goes)
        found = labels(db, fact, row)
        custody.move(
            db, row.id, custody.at_depot(vehicle.depot_id), custody.on_van(van.vehicle_id), fact.at, fact.key, found
        )  # fmt: skip
        if found is not None and found < custody.parcels(db, row.id).keys():
            open_case(db, row.id, row.depot_id, row.day, "load", [row.id], fact.at, vehicle=van.vehicle_id)
    orders.set_status(db, ids, "out")


def named(fact: Event, what: str, field: str = "orders") -> list[str]:
    ids = fact.data.get(field)
    if not isinstance(ids, list) or not ids:
        raise BadInput(what, f'Send data.{field}: ["ord_..."].', field=f"data.{field}")
    return [str(each) for each in ids]


def planned(db: Connection, depot_id: str, van: Row[Any]) -> Mapping[str, str] | None:
    """Stop -> the van that goes there; None while there is no plan to scan against."""
    current = plans.current(db, depot_id, van.day)
    if current is None:
        return None
    return {stop: vehicle for vehicle, route in current.routes.items() for stop in route.stops}


def _may_go(row: Row[Any], van: Row[Any], depot_id: str, planned: Mapping[str, str] | None) -> None:
    """Does it go with this van today? Raises WrongState that says what to do with it."""
    if row.status not in ("new", "planned", "unassigned"):
        fix = "Put it aside and ask the dispatcher."
        if row.status in ("cancelled", "rescheduled"):
            fix = "Take it off the van and put it back on the shelf."
        raise WrongState(f"Order {row.ref} is {row.status}.", fix, field=row.id)
    if row.depot_id != depot_id or row.day != van.day:
        where = f"on {row.day} from {row.depot_id}"
        raise WrongState(f"Order {row.ref} goes out {where}.", "Leave it there until then.", field=row.id)
    if planned is None:
        return
    goes_with = planned.get(row.stop_id)
    if goes_with is None:
        fix = "Leave it at the depot; the dispatcher finds it a place."
        raise WrongState(f"Order {row.ref} is on no route today.", fix, field=row.id)
    if goes_with != van.vehicle_id:
        fix = f"Take it off and put it where {goes_with} loads."
        raise WrongState(f"Order {row.ref} goes with {goes_with}.", fix, field=row.id)


def labels(db: Connection, fact: Event, row: Row[Any]) -> set[str] | None:
    """The parcels of an order that were scanned one by one; None when the scan names orders only."""
    said = fact.data.get("barcodes")
    if said is None:
        return None
    if not isinstance(said, list) or not all(isinstance(each, str) for each in said):
        raise BadInput("The labels are no list of texts.", 'Send data.barcodes: ["..."].', field="data.barcodes")
    held = custody.parcels(db, row.id)
    found = {made for label in said if (made := custody.parcel_id(row.id, label)) in held}
    short = fact.data.get("short") is True
    if not found or (len(found) < len(held) and not short):
        raise WrongState(
            f"Order {row.ref} has {len(held)} parcels, {len(found)} of them were scanned.",
            "Look for the others; when they are not there, send the scan again with data.short: true.",
            field=row.id,
        )
    return found


def missing(db: Connection, fact: Event, van: Row[Any]) -> None:
    """The van leaves: what its list has and nobody has scanned stays behind, and a person has to know."""
    depot_id = fleet.get_vehicle(db, van.vehicle_id).depot_id
    rows = [row for stop in vans.open_route(db, van.vehicle_id, depot_id, van.day) for row in orders.at_stop(db, stop)]
    here = custody.at_depot(depot_id)
    left = [row.id for row in rows if row.status in ("new", "planned") and here in custody.holders(db, row.id)]
    if left:
        subject = f"{van.vehicle_id}:{van.day}"
        open_case(db, subject, depot_id, van.day, "left_behind", left, fact.at, vehicle=van.vehicle_id)


def loading_order(db: Connection, vehicle_id: str) -> list[dict[str, Any]]:
    """What to load, the last stop first: it lies deepest. Each order with its parcels and how many are aboard."""
    state = vans.of_vehicle(db, vehicle_id)
    depot_id = fleet.get_vehicle(db, vehicle_id).depot_id
    route = [] if state is None else vans.open_route(db, vehicle_id, depot_id, state.day)
    aboard, home = custody.on_van(vehicle_id), custody.at_depot(depot_id)
    found = []
    for place, stop in sorted(enumerate(route, 1), reverse=True):
        for row in orders.at_stop(db, stop):
            if row.status in orders.OPEN and row.kind not in orders.FROM_CUSTOMER:
                held = {
                    made: holder for made, holder in custody.parcels(db, row.id).items() if holder in (aboard, home)
                }
                if not held:
                    continue  # it is fetched on the way
                loaded = sum(holder == aboard for holder in held.values())
                found.append(
                    {
                        "place": place, "stop": stop, "order": row.id, "ref": row.ref, "pieces": row.pieces,
                        "parcels": len(held), "loaded": loaded,
                    }
                )  # fmt: skip
    return found


# Off the van ----------------------------------------------------------------------------------------------------------


def unload(db: Connection, fact: Event, van: Row[Any]) -> None:
    """What is aboard goes back to the depot, and its order ends as returned, unless what becomes of it after a failed
    attempt is still being settled with its customer. A return scan (`data.returned`) is held against what should be
    aboard: what was not scanned stays on the van, and a person finds it."""
    depot_id = fleet.get_vehicle(db, van.vehicle_id).depot_id
    aboard = custody.aboard(db, van.vehicle_id)
    unsettled = cases.open_of_kind(db, attempts.CASE, aboard)
    scanned = _same_goods(db, named(fact, "The return scan is empty.", "returned")) if _was_scanned(fact) else None
    for order_id in aboard:
        if scanned is not None and orders.goods(orders.get(db, order_id)) not in scanned:
            continue
        row = orders.get(db, order_id)
        frm = custody.on_van(van.vehicle_id)
        mine = {made for made, holder in custody.parcels(db, order_id).items() if holder == frm}
        custody.move(db, order_id, frm, custody.at_depot(depot_id), fact.at, fact.key, mine)
        if row.status in ("out", "failed") and order_id not in unsettled:
            came_back(db, order_id)
    left = custody.aboard(db, van.vehicle_id)
    if left:
        subject = f"{van.vehicle_id}:{van.day}"
        open_case(db, subject, depot_id, van.day, "not_returned", left, fact.at, vehicle=van.vehicle_id)


def came_back(db: Connection, order_id: str) -> None:
    """Its goods are at the depot again and nobody brings them today."""
    promises.release(db, order_id, "broken")
    orders.set_status(db, [order_id], "returned")


def _was_scanned(fact: Event) -> bool:
    """A tap without the list says that all of it came back; an empty list says so when nothing was aboard."""
    return fact.data.get("returned") is not None and fact.data["returned"] != []


def _same_goods(db: Connection, ids: Sequence[str]) -> set[tuple[str, str]]:
    return {orders.goods(orders.get(db, order_id)) for order_id in ids}
