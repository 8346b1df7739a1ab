"""What became of a day's orders, and whether that is what their customers wanted. No target is known here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, select

from core.store.tables import case, order

AS_AGREED = ("delivered", "picked_up", "cancelled_by_customer", "rescheduled_by_customer")
"""ways of ending that the customer got or chose; the others are ours"""


def endings(db: Connection, day: date) -> dict[str, str]:
    """Order id -> how it ended: its status, and for a cancelled or moved one at whose wish."""
    wished = wishes(db, day)
    rows = db.execute(select(order.c.id, order.c.status).where(order.c.day == day).order_by(order.c.id))
    return {row.id: _ending(row.status, row.id in wished) for row in rows}


def _ending(status: str, wished: bool) -> str:
    if status in ("cancelled", "rescheduled"):
        return f"{status}_by_customer" if wished else f"{status}_by_us"
    return status


def wishes(db: Connection, day: date) -> set[str]:
    """Orders whose own customer asked for what a case about them did."""
    asked = select(case.c.facts["order"].astext).where(
        case.c.day == day, case.c.facts["requester"].astext == "customer", case.c.facts.has_key("order")
    )
    return {str(found) for found in db.execute(asked).scalars()}


def chosen(found: Mapping[str, str]) -> list[str]:
    """Orders that ended without a delivery because their customers wanted it so."""
    return sorted(order_id for order_id, ending in found.items() if ending.endswith("_by_customer"))


def counted(found: Mapping[str, str]) -> dict[str, int]:
    return dict(sorted(Counter(found.values()).items()))
