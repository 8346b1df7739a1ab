"""What a driver says of goods that a customer misses: a code of a closed list, with which the case goes on."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from core import cases, orders
from core.errors import BadInput, WrongState
from core.events import Event

FOUND: dict[str, str] = {
    "with_customer": "handed to the customer in person",
    "with_neighbour": "left with a neighbour",
    "safe_place": "put in a safe place at the door",
    "reception": "left at a reception, a shop or a locker",
    "on_van": "it is on the van still: it was not delivered",
    "wrong_door": "left at another door by mistake",
    "unknown": "the driver does not know",
}
MISSING = "missing_delivery"


def answered(db: Connection, fact: Event, van: Row[Any]) -> None:
    """The driver of a delivery says where it went. A case that waits for the answer goes on with it."""
    row, code = orders.get(db, fact.subject), fact.data.get("found")
    if not isinstance(code, str) or code not in FOUND:
        raise BadInput(f"{str(code)[:40]!r} is no answer.", f"Send one of {', '.join(FOUND)}.", field="data.found")
    if row.status != "delivered":
        raise WrongState(f"Order {row.ref} is {row.status}.", "Nobody misses it as delivered.", field="order")
    for case_id in cases.open_of_kind(db, MISSING, [row.id]).values():
        asked = cases.get(db, case_id, lock=True)
        if asked.status == "offered":
            facts = dict(asked.facts) | {"driver_said": code}
            cases.advance(db, asked, "open", facts=facts, rounds=asked.rounds + 1, due_by=None)
            cases.work(db, case_id)
