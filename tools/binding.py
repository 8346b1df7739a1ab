"""What a proposal is bound to: the routes and promises that it touches, and nothing else.

Whoever joins its case later, and whatever happens on other routes, leaves it as it was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from core import orders, plans, promises
from core.store.tables import order
from tools.job import Args


def binds(db: Connection, case: Row[Any], args: Args) -> dict[str, Any]:
    """What a proposal rests on: the routes that it changes, and the promise of each order that it touches."""
    current = plans.current(db, case.depot_id, case.day)
    routes = {v: r.digest for v, r in sorted(current.routes.items()) if v in args.routes} if current else {}
    told = select(order.c.id).where(order.c.stop_id.in_(args.retold))
    return {"routes": routes, "promises": promises.open_ids(db, {*args.orders, *db.execute(told).scalars()})}


def holds(db: Connection, case: Row[Any], args: Args, bound: Mapping[str, Any]) -> bool:
    """Does what a proposal rests on still stand? Not when one of its routes was changed, or when somebody whom it
    touches was told another time. An order served meanwhile shakes nothing: nobody waits there, it is passed over."""
    now, said = binds(db, case, args), bound.get("promises")
    if bound.get("routes") != now["routes"] or not isinstance(said, Mapping):
        return False
    changed = {order_id for order_id, told in now["promises"].items() if said.get(order_id, "") != told}
    return all(orders.get(db, order_id).status not in orders.OPEN for order_id in sorted(changed))
