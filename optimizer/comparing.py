"""Two plans of one problem beside each other; what it costs to leave a stop where it was; how many vans a day needs.

Engines are passed in: what is compared here holds for any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.errors import BadInput
from optimizer.churn import moves
from optimizer.many import SolveAll
from optimizer.problem import Frozen, Plan, Problem, rebuilt
from optimizer.schedule import Schedule
from optimizer.travel import Matrix

Routes = Mapping[str, tuple[str, ...]]
Solve = Callable[[Problem], Plan]
LATER_S = 60
"""a stop that is served this much later or earlier counts as changed"""


class Payer(Frozen):
    """A stop that a change makes earlier or later."""

    stop_id: str
    vehicle_id: str
    later_s: int
    """negative: earlier"""
    late_s: int
    """past its promise, after the change"""


class VanDelta(Frozen):
    vehicle_id: str
    cents: int
    driving_s: int
    distance_m: int
    stops: int


class Comparison(Frozen):
    """What the second plan is against the first; positive is more."""

    cents: int
    """of the routes, without penalties"""
    penalty_cents: int
    """for what is left out"""
    driving_s: int
    distance_m: int
    late_s: int
    vans: int
    moved: tuple[str, ...]
    """stops in another place of a list, or on another list"""
    dropped: tuple[str, ...]
    """stops that only the first plan serves"""
    gained: tuple[str, ...]
    broken: tuple[str, ...]
    """stops that are late in the second plan alone"""
    kept: tuple[str, ...]
    """stops that are late in the first plan alone"""
    payers: tuple[Payer, ...]
    """who is served at another time, the most delayed first"""
    by_van: tuple[VanDelta, ...]
    """vans whose route differs"""


class Pinned(Frozen):
    """Why a stop was moved: the plan as it is against the best one that leaves the stop on its van."""

    stop_id: str
    vehicle_id: str
    """where it was"""
    comparison: Comparison
    """the pinned plan against the plan as it is: what leaving it there would cost, and who would pay"""
    feasible: bool
    """does the pinned plan serve the stop?"""


class Size(Frozen):
    vans: int
    """that may be used"""
    used: int
    unserved: int
    cents: int
    """of the routes"""


class Sizing(Frozen):
    sizes: tuple[Size, ...]
    """cost against the number of vans, fewest first"""
    fewest: int | None
    """vans that serve all that all vans together serve; None: nothing is served"""
    cheapest: int
    """vans at which the day costs least, with penalties"""


def compare(problem: Problem, matrix: Matrix, first: Routes, second: Routes) -> Comparison:
    """Both are timed anew on the same problem."""
    schedule = Schedule(problem, matrix)
    timed = [
        {v.id: schedule.route(v, tuple(routes.get(v.id, ()))) for v in problem.vehicles} for routes in (first, second)
    ]
    visits = [{v.stop_id: (name, v) for name, route in each.items() for v in route.visits} for each in timed]
    late = [{stop_id for stop_id, (_, visit) in each.items() if visit.late_s} for each in visits]
    penalty = [sum(s.drop_penalty for s in problem.stops if s.id not in each) for each in visits]
    before, after = (list(each.values()) for each in timed)
    both = [stop_id for stop_id in visits[0] if stop_id in visits[1]]
    payers = [
        Payer(stop_id=s, vehicle_id=name, later_s=visit.start_s - visits[0][s][1].start_s, late_s=visit.late_s)
        for s in both for name, visit in [visits[1][s]]
    ]  # fmt: skip
    by_van = [
        VanDelta(
            vehicle_id=name, cents=new.cost - old.cost, driving_s=new.driving_s - old.driving_s,
            distance_m=new.distance_m - old.distance_m, stops=len(new.visits) - len(old.visits),
        )
        for name, new in timed[1].items() for old in [timed[0][name]] if new.stop_ids != old.stop_ids
    ]  # fmt: skip
    return Comparison(
        cents=sum(r.cost for r in after) - sum(r.cost for r in before),
        penalty_cents=penalty[1] - penalty[0],
        driving_s=sum(r.driving_s for r in after) - sum(r.driving_s for r in before),
        distance_m=sum(r.distance_m for r in after) - sum(r.distance_m for r in before),
        late_s=sum(v.late_s for _, v in visits[1].values()) - sum(v.late_s for _, v in visits[0].values()),
        vans=sum(bool(r.visits) for r in after) - sum(bool(r.visits) for r in before),
        moved=tuple(move.stop_id for move in moves(_lists(first), _lists(second))),
        dropped=tuple(sorted(visits[0].keys() - visits[1].keys())),
        gained=tuple(sorted(visits[1].keys() - visits[0].keys())),
        broken=tuple(sorted(late[1] - late[0])),
        kept=tuple(sorted(late[0] - late[1])),
        payers=tuple(sorted((p for p in payers if abs(p.later_s) >= LATER_S), key=lambda p: (-p.later_s, p.stop_id))),
        by_van=tuple(by_van),
    )


def _lists(routes: Routes) -> dict[str, tuple[str, ...]]:
    return {vehicle: tuple(stops) for vehicle, stops in routes.items()}


def why_moved(problem: Problem, matrix: Matrix, now: Routes, stop_id: str, solve: Solve) -> Pinned:
    """`problem.routes` is the plan before, `now` the one that moved the stop. Solves again from `now`, with the stop
    bound to the van that it was on. Raises BadInput for a stop that no van had."""
    place = problem.place_of(stop_id)
    if place is None:
        raise BadInput(f"no van had {stop_id} before", "Ask why it is unassigned instead.", field="stop")
    vehicle_id = place[0]
    pinned = tuple(
        stop.model_copy(update={"aboard": vehicle_id}) if stop.id == stop_id else stop for stop in problem.stops
    )
    start = {vehicle: tuple(s for s in stops if s != stop_id) for vehicle, stops in now.items()}
    plan = solve(rebuilt(problem, stops=pinned, routes=start))
    routes = {route.vehicle_id: route.stop_ids for route in plan.routes}
    served = any(stop_id in stops for stops in routes.values())
    comparison = compare(problem, matrix, now, routes)
    return Pinned(stop_id=stop_id, vehicle_id=vehicle_id, comparison=comparison, feasible=served)


def fleet_sizes(problem: Problem, solve_all: SolveAll) -> Sizing:
    """Cost against the number of vans: of all, those that a plan with all of them uses most are kept longest. Each size
    is a solve of its own, so the curve has the engine's noise; no more are taken from `solve_all` than it needs. Raises
    BadInput for a running day, whose vans can't be sent home."""
    if any(vehicle.on_road or vehicle.locked for vehicle in problem.vehicles):
        raise BadInput("vans are on the road already", "Size the fleet of a day that has not begun.", field="vehicles")
    [whole] = solve_all([rebuilt(problem, routes={})])
    stops = {route.vehicle_id: len(route.visits) for route in whole.routes}
    order = sorted(problem.vehicles, key=lambda vehicle: (-stops[vehicle.id], vehicle.id))
    least = len(whole.unassigned)
    sizes = {len(order): _size(len(order), whole)}
    fewest, cents = (len(order) if least < len(problem.stops) else None), {len(order): whole.cost}
    counts = [count for count in range(sizes[len(order)].used, 0, -1) if count != len(order)]
    fewer = [rebuilt(problem, vehicles=tuple(order[:count]), routes={}) for count in counts]
    for count, plan in zip(counts, solve_all(fewer), strict=False):
        sizes[count], cents[count] = _size(count, plan), plan.cost
        if len(plan.unassigned) > least:
            break  # fewer serve no more
        fewest = count
    cheapest = min(cents, key=lambda count: (cents[count], count))
    return Sizing(sizes=tuple(sizes[count] for count in sorted(sizes)), fewest=fewest, cheapest=cheapest)


def _size(vans: int, plan: Plan) -> Size:
    used = sum(bool(route.visits) for route in plan.routes)
    return Size(vans=vans, used=used, unserved=len(plan.unassigned), cents=plan.routes_cost)
