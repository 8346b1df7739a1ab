"""Where orders go that bring no coordinates: the geocoder is asked before an import's transaction, or a person says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from api.imports.rows import Read
from core import address_book, cases, orders
from core.orders import Address, Place
from core.store.tables import case, order
from tools.geocoder.port import Found, Geocoder, Missed
from tools.geocoder.waiting import AWAY
from tools.outages import IN_A_ROW

Placed = Mapping[int, Found | Missed]
"""row -> where it is, for the rows that had to be looked for"""


def unknown(db: Connection, found: Sequence[Read]) -> list[Read]:
    """Those without coordinates that are not in yet: what is in has its place, or a case that looks for it."""
    without = {orders.id_of(r.order.client, r.order.ref): r for r in found if r.order.given_place is None}
    there = set(db.execute(select(order.c.id).where(order.c.id.in_(without))).scalars())
    return [read for each, read in without.items() if each not in there]


def look(asked: Sequence[Read], geocoder: Geocoder) -> Placed:
    """One question an address; who is unavailable so often in a row that it is down is not asked again here."""
    known: dict[Address, Found | Missed] = {}
    answers: dict[int, Found | Missed] = {}
    down = 0
    for read in asked:
        address = _address(read)
        if address not in known:
            known[address] = AWAY if down >= IN_A_ROW else geocoder.find(address)
            down = down + 1 if known[address] == AWAY else 0
        answers[read.row] = known[address]
    return answers


def _address(read: Read) -> Address:
    """The parts, if it came in parts; a first line that is missing there is the whole text's."""
    parts = read.order.parts or Address()
    return parts if parts.line1 else parts.model_copy(update={"line1": read.order.address})


def place(found: Found | Missed | None) -> Place | None:
    return Place(lat=found.lat, lon=found.lon, known=found.precision) if isinstance(found, Found) else None


def settle(db: Connection, order_id: str, lat: float, lon: float, by: str, now: datetime) -> list[str]:
    """A person says where an order goes; what was open because nobody knew is closed. Returns those cases."""
    orders.put_place(db, order_id, Place(lat=lat, lon=lon, known="person"))
    row = orders.get(db, order_id)
    if row.address and address_book.key(row.address):
        address_book.remember(db, row.person_id, address_book.Door(address=row.address, lat=lat, lon=lon), now)
    asked = (case.c.kind == "address_problem") & (case.c.subject == order_id) & case.c.closed_at.is_(None)
    found = list(db.execute(select(case).where(asked).with_for_update()))
    for row in found:
        facts = dict(row.facts) | {"settled_by": by}
        cases.advance(db, row, "closed", closed_at=now, facts=facts, reason_code="placed")
    return [row.id for row in found]
