"""Putting changed routes into a new version of the plan, as far as the world still allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from core import clock, custody, effects, fleet, orders, plans, transfers, vans
from core.clock import parse
from core.errors import Stale
from core.store.tables import van
from optimizer.churn import Move, moves
from tools.job import Job


def apply_routes(job: Job, changed: Mapping[str, Sequence[str]]) -> dict[str, Any]:
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
    that was to be moved makes it another question, and so does a change of which nothing is left. Raises Stale."""
    served = {s for stops in changed.values() for s in stops} - still

    def moved(gone: set[str]) -> set[str]:
        was = {v: [s for s in stops if s in (still | served) - gone] for v, stops in before.items()}
        new = {v: [s for s in stops if s not in gone] for v, stops in changed.items()}
        return {move.stop_id for move in moves(was, new, _subject(job.case))}

    intended = moved(set())
    if intended & served or (served and intended and not moved(served)):
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
    after = apply_routes(job, {v: tuple(s for s in stops if s in still) for v, stops in before.items()})
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
