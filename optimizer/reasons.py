"""Why a stop is in no route: one code a cause, with a sentence, and the figures of the case at hand."""

from __future__ import annotations

from collections.abc import Sequence

from core import money
from optimizer.breaches import Breach, added
from optimizer.problem import Problem, Route, Stop, Unassigned, Vehicle, may_carry, unfit
from optimizer.schedule import Schedule, clock, unfit_words
from optimizer.travel import Matrix

REASONS: dict[str, str] = {
    "no_vehicle": "No vehicle may take it today.",
    "no_skill": "No vehicle that may take it has the skills or the equipment that it needs.",
    "no_crew": "No vehicle that may take it has as many persons aboard as the job takes.",
    "outside_areas": "It lies outside the areas of every vehicle that may take it.",
    "too_big": "It is larger than any vehicle that may take it.",
    "no_road": "No road leads there from any vehicle that may take it, or back.",
    "window_unreachable": "No vehicle reaches it inside its time window, even when it goes there first.",
    "shift_too_short": "No vehicle gets there and back inside its shift, even when it does nothing else.",
    "legal_hours": "No vehicle gets there without more driving than the law allows.",
    "too_far": "No vehicle gets there and back within the driving or the distance that it may have.",
    "not_with_its_pair": "Its goods can't be fetched and brought by one vehicle.",
    "no_capacity_left": "Every vehicle that could take it is full.",
    "stop_limit": "Every vehicle that could take it has as many stops as it may have.",
    "no_time_left": "It fits on no route without breaking a time window or a shift.",
    "not_worth_it": "Serving it costs more than leaving it out.",
    "postponed": "It was moved to another day.",
}


def explain_unassigned(problem: Problem, matrix: Matrix, stop: Stop, routes: Sequence[Route]) -> Unassigned:
    """The first cause that holds, from the stop itself to the plan around it."""
    schedule = Schedule(problem, matrix)
    if stop.after is not None or any(stop.id == other.after for other in problem.stops):
        return _with_its_pair(schedule, stop)
    vehicles = [v for v in problem.vehicles if may_carry(v, stop)]
    if not vehicles:
        return _unfit(problem, stop)
    return _alone(schedule, stop, vehicles) or _with_others(schedule, stop, vehicles, routes)


UNFIT = {"skills": "no_skill", "crew": "no_crew", "area": "outside_areas"}


def _unfit(problem: Problem, stop: Stop) -> Unassigned:
    """Why no vehicle may ever serve it: what keeps out those that come nearest to it."""
    order = ("aboard", *UNFIT)
    kept_out = {vehicle.id: unfit(vehicle, stop) or "" for vehicle in problem.vehicles}
    nearest = max(problem.vehicles, key=lambda v: order.index(kept_out[v.id]), default=None)
    if nearest is None or kept_out[nearest.id] == "aboard":
        where = f"It is aboard {stop.aboard}, which is not on duty." if stop.aboard else "There is no vehicle."
        return _because(stop, "no_vehicle", where)
    return _because(stop, UNFIT[kept_out[nearest.id]], f"{unfit_words(nearest, stop, kept_out[nearest.id])}.")


def _with_its_pair(schedule: Schedule, stop: Stop) -> Unassigned:
    """Both stops of a shipment are left out together; each vehicle alone is tried for the two."""
    first = schedule.stops[stop.after] if stop.after else stop
    then = next(other for other in schedule.problem.stops if other.after == first.id)
    tried = {}
    for vehicle in schedule.problem.vehicles:
        held = _locked(schedule.problem, vehicle)
        known = schedule.breaches(vehicle, schedule.timing(vehicle, held))
        timing = schedule.timing(vehicle, (*held, first.id, then.id))
        tried[vehicle.id] = added(known, schedule.breaches(vehicle, timing))
        if not tried[vehicle.id]:
            return _because(
                stop, "no_time_left", f"{vehicle.id} could bring it alone, beside its other stops it does not fit."
            )
    return _because(stop, "not_with_its_pair", _first(tried) if tried else "There is no vehicle.")


def _because(stop: Stop, reason: str, detail: str) -> Unassigned:
    return Unassigned(stop_id=stop.id, reason=reason, detail=detail)


def _alone(schedule: Schedule, stop: Stop, vehicles: list[Vehicle]) -> Unassigned | None:
    """What keeps every vehicle from serving the stop straight after what is locked; None when one of them can."""
    tried = {v.id: _new_breaches(schedule, v, _locked(schedule.problem, v), stop.id) for v in vehicles}
    if any(not breaches for breaches in tried.values()):
        return None
    if all(schedule.has_no_road(v, (*_locked(schedule.problem, v), stop.id)) for v in vehicles):
        return _because(stop, "no_road", "The travel times have no way there and back.")
    if all(_kinds(breaches) & {"capacity"} for breaches in tried.values()):
        under_way = any(_locked(schedule.problem, vehicle) for vehicle in vehicles)
        return _because(stop, "no_capacity_left" if under_way else "too_big", _first(tried))
    if all("window" in _kinds(breaches) for breaches in tried.values()):
        starts = [_start_alone(schedule, v, stop.id) for v in vehicles]
        detail = f"Earliest at {clock(min(starts))}, the last window closes at {clock(stop.windows[-1][1])}."
        return _because(stop, "window_unreachable", detail)
    if all("shift" in _kinds(breaches) for breaches in tried.values()):
        return _because(stop, "shift_too_short", _first(tried))
    if all("hours" in _kinds(breaches) for breaches in tried.values()):
        return _because(stop, "legal_hours", _first(tried))
    if all(_kinds(breaches) & {"driving", "distance", "duration"} for breaches in tried.values()):
        return _because(stop, "too_far", _first(tried))
    if all("stops" in _kinds(breaches) for breaches in tried.values()):
        return _because(stop, "stop_limit", _first(tried))
    return _because(stop, "no_time_left", _first(tried))


def _with_others(schedule: Schedule, stop: Stop, vehicles: list[Vehicle], routes: Sequence[Route]) -> Unassigned:
    """What keeps the stop out of the routes as they are."""
    held = {route.vehicle_id: route.stop_ids for route in routes}
    blocked: set[str] = set()
    cheapest: int | None = None
    for vehicle in vehicles:
        rest = held.get(vehicle.id, ())
        for position in range(min(vehicle.locked, len(rest)), len(rest) + 1):
            breaches = _new_breaches(schedule, vehicle, rest, stop.id, position)
            if breaches:
                blocked |= _kinds(breaches)
                continue
            extra = schedule.cost(vehicle, (*rest[:position], stop.id, *rest[position:])) - schedule.cost(vehicle, rest)
            cheapest = extra if cheapest is None else min(cheapest, extra)
    if cheapest is not None:
        detail = f"It would cost {money.say(cheapest)}, leaving it out costs {money.say(stop.drop_penalty)}."
        return _because(stop, "not_worth_it", detail)
    return _blocked(stop, blocked, len(vehicles))


def _blocked(stop: Stop, blocked: set[str], tried: int) -> Unassigned:
    of = f"Tried every position on {tried} vehicle{'s' if tried > 1 else ''}"
    if blocked == {"capacity"}:
        return _because(stop, "no_capacity_left", f"{of}: none has room for {', '.join(map(str, stop.demand))}.")
    if blocked == {"stops"}:
        return _because(stop, "stop_limit", f"{of}: each has reached its number of stops.")
    if blocked == {"hours"}:
        return _because(stop, "legal_hours", f"{of}: each drives too long with it.")
    words = {
        "hours": "the legal hours",
        "driving": "a limit on driving",
        "distance": "a limit on distance",
        "duration": "a limit on its length",
        "break": "a break",
        "window": "a time window",
        "shift": "a shift",
        "capacity": "a capacity",
        "stops": "a number of stops",
    }
    broken = " or ".join(words[kind] for kind in sorted(blocked & words.keys()))
    return _because(stop, "no_time_left", f"{of}: each breaks {broken}.")


def _locked(problem: Problem, vehicle: Vehicle) -> tuple[str, ...]:
    return problem.routes.get(vehicle.id, ())[: vehicle.locked]


def _new_breaches(
    schedule: Schedule, vehicle: Vehicle, rest: tuple[str, ...], stop_id: str, position: int | None = None
) -> list[Breach]:
    at = len(rest) if position is None else position
    known = schedule.breaches(vehicle, schedule.timing(vehicle, rest))
    timing = schedule.timing(vehicle, (*rest[:at], stop_id, *rest[at:]))
    return added(known, schedule.breaches(vehicle, timing))


def _start_alone(schedule: Schedule, vehicle: Vehicle, stop_id: str) -> int:
    stop_ids = (*_locked(schedule.problem, vehicle), stop_id)
    return schedule.timing(vehicle, stop_ids).visits[-1][2]


def _kinds(breaches: list[Breach]) -> set[str]:
    return {"capacity" if breach.kind.startswith("capacity") else breach.kind for breach in breaches}


def _first(tried: dict[str, list[Breach]]) -> str:
    return f"{next(iter(tried.values()))[0].words}."
