"""Why is this stop in no route, and what would have to give: what each vehicle breaks with it, and the least that has
to be loosened for it to fit. Every position of every vehicle is timed in full; nothing is estimated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from optimizer.breaches import Breach, added
from optimizer.problem import Frozen, Problem, Route, Stop, Vehicle, rebuilt
from optimizer.reasons import explain_unassigned
from optimizer.schedule import Schedule, clock, costs, figure, most_aboard, per
from optimizer.travel import Matrix

Kind = Literal["window", "shift", "capacity", "skills", "stops"]


class Change(Frozen):
    """One thing that gives."""

    kind: Kind
    subject: str
    """the stop (window) or the vehicle"""
    amount: int
    """seconds later (window, shift), units more (capacity), stops more; 0 for skills"""
    dimension: int = 0
    """of capacity"""
    skills: tuple[str, ...] = ()
    """that the vehicle lacks"""
    words: str


class Relaxation(Frozen):
    """What has to give for the stop to fit at one place. With the changes made, the route breaks nothing new."""

    vehicle_id: str
    position: int
    changes: tuple[Change, ...]
    cost_cents: int
    """more than now: the longer route, and minutes of lateness and overtime at the problem's weights"""


class Refusal(Frozen):
    """What keeps one vehicle from the stop, at the place where it breaks least."""

    vehicle_id: str
    kinds: tuple[str, ...]
    words: tuple[str, ...]


class Why(Frozen):
    stop_id: str
    reason: str
    """one of optimizer.reasons.REASONS"""
    detail: str
    refusals: tuple[Refusal, ...]
    """a vehicle each"""
    relaxations: tuple[Relaxation, ...]
    """the cheapest of each set of kinds that would do, the fewest changes first, then the cheapest; empty: nothing
    that may give lets it fit"""


class Place(NamedTuple):
    vehicle: Vehicle
    position: int
    stop_ids: tuple[str, ...]
    """with the stop"""
    new: list[Breach]
    delta_cents: int


def why_unassigned(problem: Problem, matrix: Matrix, stop_id: str) -> Why:
    """Of a stop that the present routes leave out."""
    schedule, stop = Schedule(problem, matrix), problem.stop(stop_id)
    routes: list[Route] = [schedule.route(v, problem.routes.get(v.id, ())) for v in problem.vehicles]
    said = explain_unassigned(problem, matrix, stop, routes)
    refusals, found = [], dict[tuple[str, ...], Relaxation]()
    for vehicle in problem.vehicles:
        places = list(_places(schedule, vehicle, stop))
        least = min(places, key=lambda place: (len(place.new), place.delta_cents, place.position))
        if least.new:
            kinds = tuple(dict.fromkeys(breach.kind for breach in least.new))
            words = tuple(breach.words for breach in least.new)
            refusals.append(Refusal(vehicle_id=vehicle.id, kinds=kinds, words=words))
        for place in places:
            relaxation = _relaxation(schedule, stop, place)
            if relaxation is not None:
                key = tuple(sorted(change.kind for change in relaxation.changes))
                if key not in found or _worth(relaxation) < _worth(found[key]):
                    found[key] = relaxation
    return Why(
        stop_id=stop_id, reason=said.reason, detail=said.detail, refusals=tuple(refusals),
        relaxations=tuple(sorted(found.values(), key=lambda each: (len(each.changes), *_worth(each)))),
    )  # fmt: skip


def _worth(relaxation: Relaxation) -> tuple[int, str, int]:
    return relaxation.cost_cents, relaxation.vehicle_id, relaxation.position


def _places(schedule: Schedule, vehicle: Vehicle, stop: Stop) -> Iterator[Place]:
    """Every place behind what is locked."""
    rest, weights = schedule.problem.routes.get(vehicle.id, ()), schedule.problem.weights
    before = schedule.timing(vehicle, rest)
    known, price = schedule.breaches(vehicle, before), costs(weights, vehicle, before).total
    for position in range(min(vehicle.locked, len(rest)), len(rest) + 1):
        stop_ids = (*rest[:position], stop.id, *rest[position:])
        timing = schedule.timing(vehicle, stop_ids)
        new = added(known, schedule.breaches(vehicle, timing))
        yield Place(vehicle, position, stop_ids, new, costs(weights, vehicle, timing).total - price)


def _relaxation(schedule: Schedule, stop: Stop, place: Place) -> Relaxation | None:
    """What has to give at this place; None when something is broken that nobody can loosen, or nothing is."""
    changes = [change for breach in place.new if (change := _change(schedule, stop, place, breach)) is not None]
    if not place.new or len(changes) < len(place.new):
        return None
    vehicle = place.vehicle
    late_s = sum(change.amount for change in changes if change.kind == "window")
    priced = per(schedule.problem.weights.late_minute, late_s, 60) if stop.due_s is not None else 0
    made = Relaxation(
        vehicle_id=vehicle.id, position=place.position, changes=tuple(changes), cost_cents=place.delta_cents + priced
    )  # fmt: skip
    # one that gives may let another one show: an engine would find it broken again
    eased = relaxed(schedule.problem, made)
    again = Schedule(eased, schedule.matrix)
    held = schedule.problem.routes.get(vehicle.id, ())
    was = again.breaches(eased.vehicle(vehicle.id), again.timing(eased.vehicle(vehicle.id), held))
    now = again.breaches(eased.vehicle(vehicle.id), again.timing(eased.vehicle(vehicle.id), place.stop_ids))
    return None if added(was, now) else made


def _change(schedule: Schedule, stop: Stop, place: Place, breach: Breach) -> Change | None:
    vehicle = place.vehicle
    timing = schedule.timing(vehicle, place.stop_ids)
    if breach.kind == "window" and breach.subject == stop.id:
        start = next(row[2] for row in timing.visits if row[0] == stop.id)
        more = start - stop.windows[-1][1]
        words = f"Its last window closes {_minutes(more)} min later, at {clock(start)}."
        return Change(kind="window", subject=stop.id, amount=more, words=words)
    if breach.kind == "shift":
        words = f"The shift of {vehicle.id} ends {_minutes(timing.overtime_s)} min later."
        return Change(kind="shift", subject=vehicle.id, amount=timing.overtime_s, words=words)
    if breach.kind == "stops" and vehicle.max_stops is not None:
        more = len(place.stop_ids) - vehicle.max_stops
        return Change(kind="stops", subject=vehicle.id, amount=more, words=f"{vehicle.id} may have {more} more stops.")
    if breach.kind == "skills" and breach.subject == stop.id:
        missing = tuple(sorted(set(stop.skills) - set(vehicle.skills)))
        words = f"{vehicle.id} gets {', '.join(missing)}."
        return Change(kind="skills", subject=vehicle.id, amount=0, skills=missing, words=words)
    if breach.kind.startswith("capacity"):
        return _more_room(schedule, place, int(breach.kind.removeprefix("capacity")) - 1)
    return None


def _more_room(schedule: Schedule, place: Place, dimension: int) -> Change:
    stops = [schedule.stops[stop_id] for stop_id in place.stop_ids]
    more = most_aboard(place.vehicle, stops, dimension) - figure(place.vehicle.capacity, dimension)
    words = f"{place.vehicle.id} has room for {more} more (capacity {dimension + 1})."
    return Change(kind="capacity", subject=place.vehicle.id, amount=more, dimension=dimension, words=words)


def relaxed(problem: Problem, relaxation: Relaxation) -> Problem:
    """The problem with what has to give given."""
    vehicles = {vehicle.id: vehicle for vehicle in problem.vehicles}
    stops = {stop.id: stop for stop in problem.stops}
    for change in relaxation.changes:
        if change.kind == "window":
            stop = stops[change.subject]
            opens, closes = stop.windows[-1]
            windows = (*stop.windows[:-1], (opens, closes + change.amount))
            stops[stop.id] = stop.model_copy(update={"windows": windows})
        else:
            vehicle = vehicles[change.subject]
            vehicles[vehicle.id] = vehicle.model_copy(update=_eased(vehicle, change))
    return rebuilt(problem, stops=tuple(stops.values()), vehicles=tuple(vehicles.values()))


def _eased(vehicle: Vehicle, change: Change) -> dict[str, object]:
    if change.kind == "shift":
        return {"shift_end_s": vehicle.shift_end_s + change.amount}
    if change.kind == "stops":
        return {"max_stops": (vehicle.max_stops or 0) + change.amount}
    if change.kind == "skills":
        return {"skills": (*vehicle.skills, *change.skills)}
    room = list(vehicle.capacity)
    room[change.dimension] += change.amount
    return {"capacity": tuple(room)}


def _minutes(seconds: int) -> int:
    return -(-seconds // 60)
