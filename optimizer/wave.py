"""Orders that came in while the vans were out: serve all that wait with what one more trip costs, or let them wait.

Goods at the depot leave it only with a van that is there, and a trip for one order seldom pays. So an order without a
cheap place is held: until another order shares the trip, until a van is back, at the latest until waiting longer would
leave no van that can bring it. Then all that are held are looked at as one (dispatch waves: Klapp, Erera and Toriello,
"The dynamic dispatch waves problem for same-day delivery", 2018).

`hold` costs `Weights.held` and the time at the door. `serve` costs what the trip costs less that for each other order,
so that both compare with every other option of the one stop that is asked about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Set

from optimizer.churn import moves
from optimizer.insertion import spots
from optimizer.options import Candidate, Option, Scope
from optimizer.pricing import Change, Routes, minutes
from optimizer.problem import Problem, Stop, Vehicle, may_carry, rebuilt
from optimizer.schedule import Schedule, paid_later
from optimizer.travel import Matrix

WAITS_S = (7200, 5400, 3600, 1800)
"""how long an order is held at a time, longest first: nobody who ordered hears nothing for more than two hours"""
MARGIN_S = 7200
"""less than this before the last moment nothing is put off: a person may have to be asked, the van has to be loaded,
and who has nothing to do goes home before the shift ends"""
RELOAD_S = 900
"""from a van's return until it can leave again"""


def candidates(problem: Problem, stop_id: str, kinds: Collection[str], scope: Scope) -> tuple[Candidate, ...]:
    """`serve` when others wait too, `hold` for a stop whose goods are at the depot and that no van comes to."""
    if problem.place_of(stop_id) is not None or problem.stop(stop_id).aboard is not None:
        return ()
    found = [Candidate(kind="serve", stop_id=stop_id, scope=scope)] if len(_pool(problem, stop_id, scope)) > 1 else []
    found.append(Candidate(kind="hold", stop_id=stop_id, scope=scope))
    return tuple(each for each in found if each.kind in kinds)


def evaluate(problem: Problem, matrix: Matrix, candidate: Candidate) -> Option:
    if candidate.kind == "hold":
        return _hold(problem, matrix, candidate)
    return _serve(problem, matrix, candidate)


def _pool(problem: Problem, stop_id: str, scope: Scope) -> list[Stop]:
    """All that waits at the depot, most pressing first; what has been planned meanwhile is not among it."""
    known = {stop.id: stop for stop in problem.stops}
    routed = {each for stop_ids in problem.routes.values() for each in stop_ids}
    waiting = [known[s] for s in sorted({stop_id, *scope.pool}) if s in known and s not in routed]
    free = [stop for stop in waiting if stop.aboard is None]
    return sorted(free, key=lambda s: (s.deadline_s is None, s.deadline_s or 0, s.id))


# Waiting --------------------------------------------------------------------------------------------------------------


def _hold(problem: Problem, matrix: Matrix, candidate: Candidate) -> Option:
    until = next(
        (
            problem.now_s + wait
            for wait in WAITS_S
            if _can_be_served(problem, matrix, candidate.stop_id, problem.now_s + wait + MARGIN_S)
        ),
        None,
    )
    return Option(
        id=candidate.id, kind="hold", stop_id=candidate.stop_id, routes={}, arrivals={},
        cost_cents=held(problem, candidate.stop_id), minutes_late=0, promises_broken=0, promises_retold=0, retold=(),
        stops_moved=0, others_delayed_min=0, until_s=until, feasible=until is not None,
        broken=() if until is not None else ("a van might not bring it any more half an hour from now",),
    )  # fmt: skip


def held(problem: Problem, stop_id: str) -> int:
    """What it costs that an order is not served now: half a second attempt, and the time at its door later."""
    return problem.weights.held + paid_later(problem, problem.stop(stop_id))


def _can_be_served(problem: Problem, matrix: Matrix, stop_id: str, from_s: int) -> bool:
    """Could some van that is at the depot by then still bring it in time?"""
    now = Schedule(problem, matrix)
    later = [_at_depot(now, vehicle, from_s) for vehicle in problem.vehicles]
    there = [vehicle for vehicle in later if vehicle is not None and may_carry(vehicle, problem.stop(stop_id))]
    empty = rebuilt(problem, vehicles=tuple(there), routes={}, now_s=from_s)
    then = Schedule(empty, matrix)
    for vehicle in there:
        timing = then.timing(vehicle, (stop_id,))
        if not timing.late_s and not then.breaches(vehicle, timing):
            return True
    return False


def _at_depot(schedule: Schedule, vehicle: Vehicle, from_s: int) -> Vehicle | None:
    """The van as it is once it is free at its depot; None when it does not come back."""
    if vehicle.end is None:
        return None
    left = schedule.problem.routes.get(vehicle.id, ())
    if not vehicle.on_road and not left:
        return vehicle.model_copy(update={"ready_s": max(vehicle.ready_s, from_s)})
    timing = schedule.timing(vehicle, left)
    back_s = timing.end_s + RELOAD_S
    free = {"start": vehicle.end, "locked": 0, "first_leg_s": None, "on_road": False, "held": ()}
    drove = {name: getattr(vehicle, name) + timing.driving_s for name in ("driven_s", "drove_s")}
    ahead = tuple(own for own in vehicle.breaks if own.windows[-1][1] >= back_s)
    return vehicle.model_copy(update=free | drove | {"breaks": ahead, "ready_s": max(back_s, from_s)})


# Serving --------------------------------------------------------------------------------------------------------------


def _serve(problem: Problem, matrix: Matrix, candidate: Candidate) -> Option:
    """The cheapest of: the vans that are paid for today, or one more of the others."""
    schedule, pool = Schedule(problem, matrix), _pool(problem, candidate.stop_id, candidate.scope)
    tried = [
        _priced(schedule, candidate, _inserted(schedule, candidate.stop_id, pool, more))
        for more in (None, *_unused(problem))
    ]
    return min(tried, key=lambda option: (not option.feasible, option.cost_cents, sorted(option.routes)))


def _unused(problem: Problem) -> Iterator[Vehicle]:
    """Of those vans that nobody uses today, one of each sort."""
    sorts = set()
    for vehicle in problem.vehicles:
        if vehicle.fixed_cost and not vehicle.on_road and not problem.routes.get(vehicle.id):
            sort = vehicle.model_copy(update={"id": ""})
            if sort not in sorts:
                sorts.add(sort)
                yield vehicle


def _inserted(schedule: Schedule, mine: str, pool: list[Stop], more: Vehicle | None) -> Routes:
    """The routes that change when the pool is put in, one stop after the other, each where it costs least; then who
    costs more than being held is left out again. What the extra van costs to use is looked at when all are in."""
    problem, routes = schedule.problem, dict(schedule.problem.routes)
    vans = [v for v in problem.vehicles if not v.on_road and (problem.routes.get(v.id) or not v.fixed_cost)]
    vans += [more.model_copy(update={"fixed_cost": 0})] if more is not None else []
    for stop in pool:
        able = [van for van in vans if may_carry(van, stop)]
        best = min(((spots(schedule, v, routes.get(v.id, ()), stop.id)[0], v.id) for v in able), default=None)
        if best is not None and not best[0].new_breaches:
            rest = routes.get(best[1], ())
            routes[best[1]] = (*rest[: best[0].position], stop.id, *rest[best[0].position :])
    others = {stop.id for stop in pool} - {mine}
    for van in vans:
        routes[van.id] = _without_the_dear(schedule, van, routes.get(van.id, ()), others)
    return {v: stops for v, stops in sorted(routes.items()) if stops != problem.routes.get(v, ())}


def _without_the_dear(schedule: Schedule, van: Vehicle, stop_ids: tuple[str, ...], others: Set[str]) -> tuple[str, ...]:
    """The route without those of the others that cost more than holding them: dearest first."""
    while True:
        whole = schedule.cost(van, stop_ids)
        rest = {s: tuple(each for each in stop_ids if each != s) for s in stop_ids if s in others}
        saved = [
            (whole - schedule.cost(van, without) - held(schedule.problem, s), s) for s, without in sorted(rest.items())
        ]
        most = max(saved, default=(0, ""))
        if most[0] <= 0:
            return stop_ids
        stop_ids = rest[most[1]]


def _priced(schedule: Schedule, candidate: Candidate, changed: Routes) -> Option:
    problem = schedule.problem
    now = {v: problem.routes.get(v, ()) for v in changed}
    change = Change.of(schedule, now, changed)
    taken = [stop for stop in change.after.starts if stop not in change.before.starts]
    late = sorted(change.late())
    moved = sum(move.from_vehicle is not None for move in moves(now, changed))
    late_s = sum(change.after.late.values()) - sum(change.before.late.values())
    cost = change.cost(problem.weights, late_s=late_s, moved=moved, told=len(late))
    cost -= sum(held(problem, stop) for stop in taken if stop != candidate.stop_id)
    new = change.broken()
    if candidate.stop_id not in taken:
        new += ("it has no place on a trip with the others",)
    return Option(
        id=candidate.id, kind="serve", stop_id=candidate.stop_id, routes=dict(changed),
        arrivals=change.arrivals(()), cost_cents=cost, minutes_late=minutes(max(0, late_s)), promises_broken=0,
        promises_retold=len(late), retold=tuple(late), stops_moved=moved,
        others_delayed_min=change.others_delayed_min(), feasible=not new, broken=new,
    )  # fmt: skip
