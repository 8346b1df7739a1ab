"""Goods that a driver fetches at a door: from the customer onto the van by a tap or a scan of their labels, and off it
at the depot with everything else that is aboard (`scans.unload`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from core import custody, orders, proofs, scans
from core.errors import BadInput, WrongState
from core.events import Event

FETCHED = "fetched"
"""status of an order whose goods have come aboard: what was wanted is done, the van brings them in"""


def fetch(db: Connection, fact: Event, van: Row[Any]) -> Row[Any]:
    """Take an order's goods aboard; returns the order. `data.barcodes` names the labels that were scanned (else all of
    them count), `data.short` says that the others are not there, `data.proof` shows the hand-over."""
    row = orders.get(db, fact.subject)
    if row.kind not in orders.FROM_CUSTOMER:
        fix = "Tap delivered when it was handed over."
        raise BadInput(f"Nothing is fetched for order {row.ref}, which is a {row.kind}.", fix, field="order")
    if row.status == FETCHED:
        raise WrongState(f"Order {row.ref} was fetched before.", "Nothing to do.", field="order")
    if row.status not in ("planned", "failed"):
        raise WrongState(f"Order {row.ref} is {row.status}.", "Leave the goods there and ask.", field="order")
    _is_here(db, row, van)
    seen = proofs.read(db, row, fact.data["proof"]) if "proof" in fact.data else []
    found = scans.labels(db, fact, row)
    here, aboard = custody.with_customer(row.person_id), custody.on_van(van.vehicle_id)
    custody.move(db, row.id, here, aboard, fact.at, fact.key, found)
    if found is not None and found < custody.parcels(db, row.id).keys():
        scans.open_case(db, row.id, row.depot_id, row.day, "door", [row.id], fact.at, vehicle=van.vehicle_id)
    proofs.keep(db, row, seen, fact)
    return row


def _is_here(db: Connection, row: Row[Any], van: Row[Any]) -> None:
    """Goods are taken along by whoever the list sends there."""
    goes = scans.planned(db, row.depot_id, van)
    if goes is not None and goes.get(row.stop_id) != van.vehicle_id:
        who = goes.get(row.stop_id) or "nobody"
        raise WrongState(f"Order {row.ref} is fetched by {who}.", "Leave the goods there.", field="order")
