"""What can be done when one cause makes many stops late: one answer for all of them, on all the vans that it hits.

`wait` tells nobody, `retell` tells everybody whom it makes late a new time, `resequence` first puts stops in another
place on their own van's list where that costs less, then tells who is late still. Costs are those of
`optimizer.options`, over all the routes that the cause hits.
"""

from __future__ import annotations

from collections.abc import Collection

from optimizer.churn import moves
from optimizer.insertion import spots
from optimizer.options import Candidate, Kind, Option, Scope
from optimizer.pricing import Change, minutes
from optimizer.problem import Problem, Vehicle
from optimizer.schedule import Schedule, costs
from optimizer.travel import Matrix

KINDS: tuple[Kind, ...] = ("wait", "retell", "resequence")
TRIED_A_VAN = 6
"""late stops of one van for which another place is looked for: the latest ones"""
PLACES = 5
"""positions priced in full, of those that insertion ranks first"""


def candidates(subject: str, kinds: Collection[str], scope: Scope) -> tuple[Candidate, ...]:
    return tuple(Candidate(kind=kind, stop_id=subject, scope=scope) for kind in KINDS if kind in kinds)


def evaluate(problem: Problem, matrix: Matrix, candidate: Candidate) -> Option:
    """One answer for all stops of the scope, priced over the routes that they are on."""
    schedule, hit = Schedule(problem, matrix), set(candidate.scope.stops)
    now = {v: stops for v, stops in sorted(problem.routes.items()) if hit & set(stops)}
    changed = {}
    if candidate.kind == "resequence":
        for vehicle_id, stop_ids in now.items():
            better = _resequenced(schedule, problem.vehicle(vehicle_id), stop_ids, hit)
            if better != stop_ids:
                changed[vehicle_id] = better
    change, moved = Change.of(schedule, now, changed), len(moves({v: now[v] for v in changed}, changed))
    late, late_s = change.late(hit), sum(change.after.late.values())
    silent = len(late) if candidate.kind == "wait" else 0
    told = () if silent else tuple(sorted(late))
    new = change.broken()
    if candidate.kind == "resequence" and not changed:
        new = ("no other order of the stops costs less",)
    return Option(
        id=candidate.id,
        kind=candidate.kind,
        stop_id=candidate.stop_id,
        routes=changed,
        arrivals=change.arrivals(late),
        cost_cents=change.cost(problem.weights, late_s=late_s, moved=moved, told=len(told), silent=silent),
        minutes_late=minutes(late_s),
        promises_broken=silent,
        promises_retold=len(told),
        retold=told,
        stops_moved=moved,
        others_delayed_min=change.others_delayed_min(hit),
        feasible=not new,
        broken=new,
    )


def _resequenced(schedule: Schedule, vehicle: Vehicle, stop_ids: tuple[str, ...], hit: set[str]) -> tuple[str, ...]:
    """The van's list with its latest stops in better places, as long as each change costs less than it saves."""
    best, price = stop_ids, _price(schedule, vehicle, stop_ids, stop_ids)
    late = {row[0]: row[4] for row in schedule.timing(vehicle, stop_ids).visits if row[4] and row[0] in hit}
    movable = [s for s in sorted(late, key=lambda s: (-late[s], s)) if s in stop_ids[vehicle.locked :]]
    for stop_id in movable[:TRIED_A_VAN]:
        rest = tuple(s for s in best if s != stop_id)
        for spot in spots(schedule, vehicle, rest, stop_id)[:PLACES]:
            tried = (*rest[: spot.position], stop_id, *rest[spot.position :])
            cost = _price(schedule, vehicle, tried, stop_ids)
            if spot.new_breaches == 0 and cost < price:
                best, price = tried, cost
    return best


def _price(schedule: Schedule, vehicle: Vehicle, stop_ids: tuple[str, ...], before: tuple[str, ...]) -> int:
    """Cents of one route: driving, lateness, messages to who is late, stops that the driver finds elsewhere."""
    weights, timing = schedule.problem.weights, schedule.timing(vehicle, stop_ids)
    told = sum(1 for row in timing.visits if row[4])
    moved = len(moves({vehicle.id: before}, {vehicle.id: stop_ids}))
    return costs(weights, vehicle, timing).total + weights.retold_promise * told + weights.stop_moved * moved
