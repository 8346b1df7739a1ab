"""What each action does to the record. Called by the desk only, in the transaction that also writes the decision.

An action gets an exact proposal: which option, which routes in which order, which orders, which times. It returns what
it changed, which is what `undo` needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Row, select

from core import cases, clock, custody, effects, fleet, orders, plans, promises, transfers, vans
from core.clock import parse
from core.errors import Stale
from core.store.tables import depot, van
from optimizer.churn import Move, moves
from tools import roadside_case
from tools.next_attempt import second_attempt
from tools.notify import accounts, texts
from tools.tracker import outward

PROMISE_BEFORE, PROMISE_AFTER = timedelta(minutes=45), timedelta(minutes=30)
RETELL_BEFORE, RETELL_AFTER = timedelta(minutes=15), timedelta(minutes=45)
"""A customer is told a range of an hour or two around the expected arrival; quarter hours outward."""


class Args(BaseModel):
    """Exact arguments of an action, as proposed, approved and carried out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    option: str
    routes: dict[str, tuple[str, ...]] = {}
    """what each changed vehicle still has to visit, in order"""
    arrivals: dict[str, str] = {}
    """stop -> expected arrival (ISO UTC) under this option"""
    retold: tuple[str, ...] = ()
    """stops whose customers are told a new time"""
    orders: tuple[str, ...] = ()
    """orders that it is about"""
    day: str = ""
    """the day that orders move to"""
    left: tuple[str, ...] = ()
    """of the orders of a broken van, those that leave the day while the others are rescued"""
    until: str = ""
    """when the case is looked at again, for an action that puts it off (ISO UTC)"""


@dataclass(frozen=True)
class Job:
    """One action under way: in whose case, decided by which decision, when."""

    db: Connection
    case: Row[Any]
    decision_id: str
    args: Args
    now: datetime

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.db.execute(select(depot.c.tz).where(depot.c.id == self.case.depot_id)).scalar_one())


def wait(job: Job) -> dict[str, Any]:
    """Do nothing. That it was weighed and chosen is the point."""
    return {}


def decline(job: Job) -> dict[str, Any]:
    """The customer's wish can't be met, or costs more than it is worth: tell them that today stands."""
    template = "kept" if job.case.kind == "cancel" else "declined"
    for order_id in job.args.orders:
        row = orders.get(job.db, order_id)
        say(job, row, template, order=row.ref)
    return {}


def join(job: Job) -> dict[str, Any]:
    """The van comes to this door anyhow: the order goes with it, and its customer is told when."""
    return {"promises": _first_promises(job)}


def hold(job: Job) -> dict[str, Any]:
    """Leave the order at the depot for a trip that it can share; the case is looked at again by then."""
    return {"until": job.args.until}


def serve(job: Job) -> dict[str, Any]:
    """Send what waits at the depot out together: the cases of the other orders end with this one."""
    stops = {stop for stops in job.args.routes.values() for stop in stops}
    cases.close_held(job.db, job.case, stops, job.now)
    return change_routes(job)


def again(job: Job) -> dict[str, Any]:
    """Try a door once more on the same day, later on the same van; its customer is told when."""
    tried = [o for o in job.args.orders if orders.get(job.db, o).status == "failed"]
    if not tried:
        raise Stale("The order is not on its van any more.", "Look at the case again.")
    orders.set_status(job.db, tried, "out")
    changed = _apply_routes(job, job.args.routes) if job.args.routes else {}
    told = [_promise_arrival(job, orders.get(job.db, order_id)) for order_id in tried]
    return changed | {"again": tried, "promises": told + _retell(job)}


def go_back(job: Job) -> dict[str, Any]:
    """The goods go back to the sender: the order ends as returned when the van is home, and its customer is told."""
    for order_id in job.args.orders:
        row = orders.get(job.db, order_id)
        say(job, row, "going_back", order=row.ref)
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
        say(job, row, "cancelled", order=row.ref)
    orders.set_status(job.db, before, "cancelled")
    return {"cancelled": before} | (_apply_routes(job, job.args.routes) if job.args.routes else {})


def retell(job: Job) -> dict[str, Any]:
    return {"promises": _retell(job)}


def change_routes(job: Job) -> dict[str, Any]:
    """Put the changed routes into a new version; tell the customers whose time no longer holds."""
    changed = _apply_routes(job, job.args.routes)
    return changed | {"promises": _first_promises(job) + _retell(job)}


def move_day(job: Job) -> dict[str, Any]:
    """Take orders off today's plan and put them on another day as a second attempt; tell their customers."""
    moved = _other_day(job, job.args.orders)
    return {"moved": moved} | (_apply_routes(job, job.args.routes) if job.args.routes else {})


def rescue(job: Job) -> dict[str, Any]:
    """Other vans come to the broken one, take its goods over and serve its stops; who has no place is another day's."""
    arranged = roadside_case.arrange(job)
    changed = _apply_routes(job, job.args.routes)
    moved = _other_day(job, job.args.left)
    return changed | {"transfers": arranged, "moved": moved, "promises": _retell(job)}


def _other_day(job: Job, order_ids: Sequence[str]) -> dict[str, str]:
    day = date.fromisoformat(job.args.day) if job.args.day else job.case.day + timedelta(days=1)
    moved = {}
    for order_id in order_ids:
        row = orders.get(job.db, order_id)
        if row.status not in orders.OPEN | {"failed"}:
            raise Stale(f"Order {row.ref} is {row.status} now.", "Look at the case again.")
        moved[order_id] = second_attempt(job.db, row, day, job.tz, job.now)
        promises.release(job.db, order_id)
        say(job, row, "rescheduled", order=row.ref, day=day.isoformat())
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
    "repair": retell,
    "rescue": rescue,
}


# Routes ---------------------------------------------------------------------------------------------------------------


def _apply_routes(job: Job, changed: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    current = plans.current(job.db, job.case.depot_id, job.case.day)
    if current is None:
        raise Stale("There is no published plan any more.", "Plan and publish first.")
    still = orders.open_stops(job.db, job.case.depot_id, job.case.day)
    before = {v: _stops(current, v) for v in changed}
    _nothing_moved_is_served(job, before, changed, still)
    arrivals = {stop: parse(at) for stop, at in job.args.arrivals.items()}
    ahead = {v: tuple(s for s in stops if s in still) for v, stops in sorted(changed.items())}
    after = [_route(job, current, vehicle, stops, still, arrivals) for vehicle, stops in ahead.items()]
    routes = {r.vehicle_id: r.stops for r in after}
    _each_stop_once(current, routes, still)
    moved = moves(before, routes, _subject(job.case))
    _goods_can_follow(job, moved)
    version = plans.add(
        job.db, job.case.depot_id, job.case.day, after, parent=current.version, status="published",
        unassigned=_unassigned(current, after), made_by={"decision": job.decision_id}, at=job.now,
        decision_id=job.decision_id,
    )  # fmt: skip
    for move in moved:
        effects.record(job.db, job.case.id, "stop.move", move.stop_id, {"version": version}, job.now, status="done")
    return {
        "version": version,
        "before": {r.vehicle_id: list(_stops(current, r.vehicle_id)) for r in after},
        "after": {r.vehicle_id: r.digest for r in after},
        "moves": [move.model_dump() for move in moved],
    }


def _each_stop_once(current: plans.PlanVersion, changed: Mapping[str, Sequence[str]], still: set[str]) -> None:
    """A van keeps the stop that it stands at: by now that may be one that this would give to another. Raises Stale."""
    whole = {vehicle: route.stops for vehicle, route in current.routes.items()} | dict(changed)
    on_routes = [stop for stops in whole.values() for stop in stops if stop in still]
    if len(on_routes) != len(set(on_routes)):
        raise Stale("A van is at one of the stops by now that this would move.", "Look at the case again.")


def _nothing_moved_is_served(
    job: Job, before: Mapping[str, Sequence[str]], changed: Mapping[str, Sequence[str]], still: set[str]
) -> None:
    """Vans drive on while a person reads: a stop that stayed where it was and was served drops out of the new list; one
    that was to be moved makes it another question. Raises Stale."""
    served = {s for stops in changed.values() for s in stops} - still

    def moved(gone: set[str]) -> set[str]:
        was = {v: [s for s in stops if s in (still | served) - gone] for v, stops in before.items()}
        new = {v: [s for s in stops if s not in gone] for v, stops in changed.items()}
        return {move.stop_id for move in moves(was, new, _subject(job.case))}

    if served and (moved(set()) & served or not moved(served)):
        raise Stale(f"{len(served)} of the stops it moves were served meanwhile.", "Look at the case again.")


def _subject(case: Row[Any]) -> str:
    return str(case.facts.get("stop", case.subject))


def _goods_can_follow(job: Job, moved: Sequence[Move]) -> None:
    """Goods on a van stay on it, goods at the depot go with a van that has not left: they may have been loaded, or
    the van may have left, since a person was asked. Raises Stale."""
    for move in moved:
        if move.to_vehicle is None or move.to_vehicle == move.from_vehicle:
            continue
        here = [o for o in orders.at_stop(job.db, move.stop_id) if o.status in orders.OPEN and o.kind in orders.BROUGHT]
        holders = {transfers.taker_of(job.db, o.id) or custody.van_of(job.db, o.id) for o in here}
        state = job.db.execute(
            select(van.c.state).where(van.c.vehicle_id == move.to_vehicle, van.c.day == job.case.day)
        )
        left = (state.scalar_one_or_none() or "idle") not in vans.AT_DEPOT
        if holders - {None, move.to_vehicle} or (left and None in holders):
            raise Stale(f"The goods can't go with {move.to_vehicle} any more.", "Look at the case again.")


def _stops(current: plans.PlanVersion, vehicle_id: str) -> tuple[str, ...]:
    return current.routes[vehicle_id].stops if vehicle_id in current.routes else ()


def put_routes_back(job: Job, applied: Mapping[str, Any]) -> list[str]:
    """The routes as they were before a decision, minus what was served since. The caller has checked that no one
    else has changed them."""
    before = applied.get("before", {})
    if not before:
        return []
    still = orders.open_stops(job.db, job.case.depot_id, job.case.day)
    after = _apply_routes(job, {v: tuple(s for s in stops if s in still) for v, stops in before.items()})
    return [f"routes of {', '.join(sorted(before))} are as before, in version {after['version']}"]


def _unassigned(current: plans.PlanVersion, after: Sequence[plans.PlannedRoute]) -> list[dict[str, Any]]:
    now_on = {stop for route in after for stop in route.stops}
    return [dict(row) for row in current.unassigned if row["stop"] not in now_on]


def _route(
    job: Job,
    current: plans.PlanVersion,
    vehicle: str,
    new: tuple[str, ...],
    still: set[str],
    arrivals: Mapping[str, datetime],
) -> plans.PlannedRoute:
    """The vehicle's whole list: what it has behind it or can't be taken from it any more, then the new order.

    Raises Stale when a stop that it would have to go round is locked by now.
    """
    before = current.routes.get(vehicle)
    state = job.db.execute(select(van).where(van.c.vehicle_id == vehicle, van.c.day == job.case.day)).one_or_none()
    held = state.stop_id if state is not None and state.state in ("driving", "serving") else None
    if held in still and held in new and new[0] != held:
        raise Stale(f"{vehicle} heads to a stop by now that this would move.", "Look at the case again.")
    planned = {v.stop: v for v in before.visits} if before else {}
    gone = transfers.called_off(job.db, job.case.depot_id, job.case.day)
    kept = [s for s in planned if s not in gone and (s not in still or (s == held and s not in new))]
    visits = [planned[s] for s in kept]
    for stop in new:
        known = planned.get(stop)
        arrival = arrivals.get(stop) or (known.arrival if known else job.now)
        stay = known.departure - known.arrival if known else timedelta(seconds=_service_s(job.db, stop))
        visits.append(plans.PlannedVisit(stop=stop, arrival=arrival, departure=arrival + stay))
    row = fleet.get_vehicle(job.db, vehicle)
    start = before.start if before else clock.at_second(job.case.day, job.tz.key, row.shift_start_s)
    return plans.PlannedRoute(
        vehicle_id=vehicle, visits=tuple(visits), start=start, end=max([v.departure for v in visits], default=start),
        distance_m=before.distance_m if before else 0, driving_s=before.driving_s if before else 0,
        cost=before.cost if before else 0, rests=before.rests if before else (),
    )  # fmt: skip


def _service_s(db: Connection, stop: str) -> int:
    return max((row.service_s for row in orders.at_stop(db, stop)), default=0)


# Customers ------------------------------------------------------------------------------------------------------------


def _first_promises(job: Job) -> list[str]:
    """Orders that were left out of the plan are in it now, and told a time."""
    made = []
    for order_id in job.args.orders:
        row = orders.get(job.db, order_id)
        if row.status in ("new", "unassigned") and row.stop_id in job.args.arrivals:
            if accounts.tells(row.client, "promise"):
                made.append(_promise_arrival(job, row))
            orders.set_status(job.db, [order_id], "planned")
    return made


def _promise_arrival(job: Job, row: Row[Any]) -> str:
    lo, hi = promised_range(row.windows, parse(job.args.arrivals[row.stop_id]))
    return promise_by_message(job.db, job.case.id, row, "promise", lo, hi, job.tz, job.now)


def promised_range(windows: Sequence[Sequence[str]], arrival: datetime) -> tuple[datetime, datetime]:
    """What to promise: the customer's own window when it is short, else an hour and a half around the arrival."""
    lo, hi = outward(arrival - PROMISE_BEFORE, arrival + PROMISE_AFTER, 15)
    for text_lo, text_hi in windows:
        own_lo, own_hi = parse(text_lo), parse(text_hi)
        if own_lo <= arrival <= own_hi:
            if own_hi - own_lo <= timedelta(hours=3):
                return own_lo, own_hi
            return max(lo, own_lo), min(hi, own_hi)
    return lo, hi


def _retell(job: Job) -> list[str]:
    """Tell a new time to everybody at the stops that the option says; returns the promises made."""
    made = []
    for stop in job.args.retold:
        expected = parse(job.args.arrivals[stop])
        lo, hi = outward(max(expected - RETELL_BEFORE, job.now), expected + RETELL_AFTER, 15)
        for row in orders.at_stop(job.db, stop):
            waits = row.status in orders.OPEN and promises.open_of(job.db, row.id) is not None
            if waits and accounts.tells(row.client, "retell"):
                made.append(promise_by_message(job.db, job.case.id, row, "retell", lo, hi, job.tz, job.now))
    return made


def promise_by_message(
    db: Connection,
    case_id: str,
    row: Row[Any],
    template: str,
    lo: datetime,
    hi: datetime,
    zone: ZoneInfo,
    now: datetime,
) -> str:
    """Tell a customer a time, and hold ourselves to it: message, effect, outbox and promise in one go."""
    local_lo, local_hi = lo.astimezone(zone), hi.astimezone(zone)
    said = {"day": local_lo.date().isoformat(), "lo": f"{local_lo:%H:%M}", "hi": f"{local_hi:%H:%M}"}
    body = texts.compose(db, row, template, order=row.ref, **said)
    message_id = effects.queue_message(db, case_id, row.person_id, row.id, template, body, now)
    return promises.make(db, row.id, lo, hi, message_id, now)


def say(job: Job, row: Row[Any], template: str, **facts: str) -> None:
    """A message about an order, in its client's words, when that client tells such things."""
    if accounts.tells(row.client, template):
        body = texts.compose(job.db, row, template, **facts)
        effects.queue_message(job.db, job.case.id, row.person_id, row.id, template, body, job.now)
