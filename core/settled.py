"""What became of a day's orders, and whether that is what their customers wanted. No target is known here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, select

from core.store.tables import case, order

AS_AGREED = (
    "delivered", "fetched", "picked_up", "cancelled_by_customer", "rescheduled_by_customer", "returned_by_customer",
)  # fmt: skip
"""ways of ending that the customer got or chose; the others are ours"""
SENT_BACK = frozenset({"wait", "pickup"})
"""what a customer chooses who was missed and wants the goods to go back: for good, or to fetch them at the depot"""


def endings(db: Connection, day: date) -> dict[str, str]:
    """Order id -> how it ended: its status, and for a cancelled or moved one at whose wish."""
    wished = wishes(db, day)
    rows = db.execute(select(order.c.id, order.c.status).where(order.c.day == day).order_by(order.c.id))
    return {row.id: _ending(row.status, wished.get(row.id)) for row in rows}


def _ending(status: str, wish: str | None) -> str:
    if status in ("cancelled", "rescheduled"):
        return f"{status}_by_us" if wish is None else f"{status}_by_customer"
    return "returned_by_customer" if status == "returned" and wish in SENT_BACK else status


def wishes(db: Connection, day: date) -> dict[str, str]:
    """Order id -> what its own customer chose in a case about it: the option's kind, or the kind of the case."""
    asked = (
        select(case.c.kind, case.c.facts)
        .where(case.c.day == day, case.c.facts["requester"].astext == "customer", case.c.facts.has_key("order"))
        .order_by(case.c.opened_at, case.c.id)
    )
    return {str(row.facts["order"]): str(row.facts.get("wish") or row.kind) for row in db.execute(asked)}


def chosen(found: Mapping[str, str]) -> list[str]:
    """Orders that ended without a delivery because their customers wanted it so."""
    return sorted(order_id for order_id, ending in found.items() if ending.endswith("_by_customer"))


def counted(found: Mapping[str, str]) -> dict[str, int]:
    return dict(sorted(Counter(found.values()).items()))
