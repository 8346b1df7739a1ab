"""What a customer who was missed may choose besides another try: a neighbour takes it, or they fetch it themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from core import collecting, custody, orders, scans, vans
from core.errors import Stale
from core.store.tables import order
from tools.actions import again
from tools.job import Job
from tools.telling import say

LEAVE_IT = "A neighbour takes it."
"""what the driver reads beside the customer's own notes"""


def neighbour(job: Job) -> dict[str, Any]:
    """Once more to the same door today, where a neighbour takes it: the driver's list says so."""
    for order_id in job.args.orders:
        row = orders.get(job.db, order_id)
        notes = f"{row.notes} {LEAVE_IT}" if row.notes else LEAVE_IT
        job.db.execute(update(order).where(order.c.id == row.id).values(notes=notes))
    return again(job)


def hold_at_depot(job: Job) -> dict[str, Any]:
    """The goods go back with the van and wait at the depot; their customer is told from when on."""
    day = (vans.local_day(job.now, job.tz.key) + timedelta(days=1)).isoformat()
    for order_id in job.args.orders:
        row = orders.get(job.db, order_id)
        if row.status != "failed":
            raise Stale(f"Order {row.ref} is {row.status} now.", "Look at the case again.")
        collecting.hold(job.db, row.id, job.case.id, job.now)
        if custody.van_of(job.db, row.id) is None:
            scans.came_back(job.db, row.id)
        say(job, row, "fetch_it", order=row.ref, day=day)
    return {"told": list(job.args.orders)}


ACTIONS: dict[str, Callable[[Job], dict[str, Any]]] = {"neighbour": neighbour, "hold_at_depot": hold_at_depot}
