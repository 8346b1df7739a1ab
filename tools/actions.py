"""What each action does to the record. Called by the desk only, in the transaction that also writes the decision.

An action gets an exact proposal: which option, which routes in which order, which orders, which times. It returns what
it changed, which is what `undo` needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from datetime import date, timedelta
from typing import Any

from core import cases, custody, orders, plans, promises, scans
from core.errors import Stale
from tools import rerouting, roadside_case, telling
from tools.job import Job
from tools.next_attempt import second_attempt


def wait(job: Job) -> dict[str, Any]:
    """Do nothing. That it was weighed and chosen is the point."""
    return {}


def decline(job: Job) -> dict[str, Any]:
    """The customer's wish can't be met, or costs more than it is worth: tell them that today stands."""
    template = "kept" if job.case.kind == "cancel" else "declined"
    for order_id in job.args.orders:
        row = orders.get(job.db, order_id)
        telling.say(job, row, template, order=row.ref)
    return {}


def join(job: Job) -> dict[str, Any]:
    """The van comes to this door anyhow: the order goes with it, and its customer is told when."""
    return {"promises": telling.first_promises(job)}


def hold(job: Job) -> dict[str, Any]:
    """Leave the order at the depot for a trip that it can share; the case is looked at again by then."""
    return {"until": job.args.until}


def serve(job: Job) -> dict[str, Any]:
    """Send what waits at the depot out together: the cases of the other orders end with this one."""
    stops = {stop for stops in job.args.routes.values() for stop in stops}
    cases.close_held(job.db, job.case, stops, job.now)
    return change_routes(job)


def again(job: Job) -> dict[str, Any]:
    """Try a door once more on the same day: later on the van that has the goods, or from the depot when they are back;
    its customer is told when."""
    tried = [o for o in job.args.orders if orders.get(job.db, o).status == "failed"]
    if not tried:
        raise Stale("The order has ended meanwhile.", "Look at the case again.")
    routes = dict(job.args.routes) | _without(job, {orders.get(job.db, order_id).stop_id for order_id in tried})
    for order_id in tried:
        orders.set_status(job.db, [order_id], "out" if custody.van_of(job.db, order_id) else "planned")
    changed = rerouting.apply_routes(job, routes) if job.args.routes else {}
    told = [telling.promise_arrival(job, orders.get(job.db, order_id)) for order_id in tried]
    return changed | {"again": tried, "promises": told + telling.retell(job)}


def _without(job: Job, again: Set[str]) -> dict[str, tuple[str, ...]]:
    """The lists of the vans that were at these doors and do not go there again: a door that is open again is on the
    list of the van that goes there, and on no other."""
    current = plans.current(job.db, job.case.depot_id, job.case.day)
    still = orders.open_stops(job.db, job.case.depot_id, job.case.day)
    others = {v: r for v, r in current.routes.items() if v not in job.args.routes} if current else {}
    return {
        v: tuple(stop for stop in route.stops if stop in still - again)
        for v, route in sorted(others.items())
        if again & set(route.stops)
    }


def go_back(job: Job) -> dict[str, Any]:
    """The goods go back to the sender: the order ends as returned when they are home, and its customer is told."""
    for order_id in job.args.orders:
        row = orders.get(job.db, order_id)
        telling.say(job, row, "going_back", order=row.ref)
        if custody.van_of(job.db, row.id) is None:
            scans.came_back(job.db, row.id)
    return {"told": list(job.args.orders)}


def cancel(job: Job) -> dict[str, Any]:
    """Take orders off the day for good. What is aboard stays there: the van goes past, the return scan takes it in."""
    before = {}
    for order_id in job.args.orders:
        row = orders.get(job.db, order_id)
        if row.status not in orders.OPEN | {"failed"}:
            raise Stale(f"Order {row.ref} is {row.status} now.", "Look at the case again.")
        before[order_id] = row.status
        promises.release(job.db, order_id)
        telling.say(job, row, "cancelled", order=row.ref)
    orders.set_status(job.db, before, "cancelled")
    return {"cancelled": before} | (rerouting.apply_routes(job, job.args.routes) if job.args.routes else {})


def retell(job: Job) -> dict[str, Any]:
    return {"promises": telling.retell(job)}


def change_routes(job: Job) -> dict[str, Any]:
    """Put the changed routes into a new version; tell the customers whose time no longer holds."""
    changed = rerouting.apply_routes(job, job.args.routes)
    return changed | {"promises": telling.first_promises(job) + telling.retell(job)}


def move_day(job: Job) -> dict[str, Any]:
    """Take orders off today's plan and put them on another day as a second attempt; tell their customers."""
    moved = _other_day(job, job.args.orders)
    return {"moved": moved} | (rerouting.apply_routes(job, job.args.routes) if job.args.routes else {})


def rescue(job: Job) -> dict[str, Any]:
    """Other vans come to the broken one, take its goods over and serve its stops; who has no place is another day's."""
    arranged = roadside_case.arrange(job)
    changed = rerouting.apply_routes(job, job.args.routes)
    moved = _other_day(job, job.args.left)
    return changed | {"transfers": arranged, "moved": moved, "promises": telling.retell(job)}


def _other_day(job: Job, order_ids: Sequence[str]) -> dict[str, str]:
    day = date.fromisoformat(job.args.day) if job.args.day else job.case.day + timedelta(days=1)
    moved = {}
    for order_id in order_ids:
        row = orders.get(job.db, order_id)
        if row.status not in orders.OPEN | {"failed"}:
            raise Stale(f"Order {row.ref} is {row.status} now.", "Look at the case again.")
        moved[order_id] = second_attempt(job.db, row, day, job.tz, job.now, job.args.window)
        promises.release(job.db, order_id)
        telling.say(job, row, "rescheduled", order=row.ref, day=day.isoformat())
    orders.set_status(job.db, moved, "rescheduled")
    return moved


ACTIONS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "wait": wait,
    "keep": wait,
    "decline": decline,
    "retell": retell,
    "join": join,
    "hold": hold,
    "serve": serve,
    "retell_all": retell,
    "tell_earlier": retell,
    "overrun": wait,
    "overload": wait,
    "resequence": change_routes,
    "resequence_all": change_routes,
    "reassign": change_routes,
    "again": again,
    "return": go_back,
    "retry_day": move_day,
    "postpone": move_day,
    "reschedule": move_day,
    "cancel": cancel,
    "repair": roadside_case.repair,
    "rescue": rescue,
}
