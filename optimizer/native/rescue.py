"""A broken van's goods are aboard: others come to where it stands, take them over, and serve its stops behind that.

A resident plan names the vans for which the way there costs least. On each of them the list up to the meeting is
settled, so that what is taken over can only come behind it, and the stops are put in one by one, most pressing first,
where each costs least; the van that takes most at the least cost gets them. What it can't take goes to the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from optimizer.inserting import cut_out
from optimizer.native.offers import Routes
from optimizer.native.resident import Resident
from optimizer.problem import Stop, Vehicle, rebuilt
from optimizer.schedule import Schedule, figure
from optimizer.travel import Matrix

RESCUERS = 4
"""vans that are looked at for each part of the goods: those for which the way to the meeting costs least"""


class Collected(NamedTuple):
    """One van's part."""

    vehicle_id: str
    route: tuple[str, ...]
    """its whole list, the meeting in it"""
    taken: tuple[str, ...]
    cost_cents: int
    """more than its list costs without it"""


class Rescued(NamedTuple):
    parts: tuple[Collected, ...]
    left: tuple[str, ...]
    """stops that no van can take, or that cost more than leaving them out"""

    @property
    def routes(self) -> Routes:
        return {part.vehicle_id: part.route for part in self.parts}


def collect(resident: Resident, matrix: Matrix, stops: Mapping[str, Stop], broken: str, meeting: Stop) -> Rescued:
    """Who collects what the broken van has aboard, on the plan as it is; nothing is changed. `meeting`: the place, and
    how long handing over takes; `stops`: the day's, by their ids."""
    aboard = [stops[s] for s in resident.route_of(broken) if stops[s].aboard == broken]
    waiting = sorted(aboard, key=lambda s: (s.deadline_s is None, s.deadline_s or 0, s.id))
    free = meeting.model_copy(update={"aboard": None, "free": True})  # any van can come
    parts: list[Collected] = []
    while waiting:
        gone = {broken, *(part.vehicle_id for part in parts)}
        room = free.model_copy(update={"demand": _least(waiting)})  # a van that is full is no help
        near = [place for place in resident.places(room) if place.vehicle_id not in gone][:RESCUERS]
        tried = [_by(resident, matrix, stops, place.vehicle_id, place.position, free, waiting) for place in near]
        best = min(tried, key=lambda part: (-len(part.taken), part.cost_cents, part.vehicle_id), default=None)
        if best is None or not best.taken:
            break
        parts.append(best)
        waiting = [stop for stop in waiting if stop.id not in best.taken]
    return Rescued(tuple(parts), tuple(stop.id for stop in waiting))


def _least(waiting: Sequence[Stop]) -> tuple[int, ...]:
    """In each dimension what the smallest of the stops takes."""
    sizes = max(len(stop.demand) for stop in waiting)
    return tuple(min(figure(stop.demand, d) for stop in waiting) for d in range(sizes))


def _by(
    resident: Resident, matrix: Matrix, stops: Mapping[str, Stop], vehicle_id: str, position: int, meeting: Stop,
    waiting: Sequence[Stop],
) -> Collected:  # fmt: skip
    """What one van can take when it comes to the meeting at this position of its list."""
    route = resident.route_of(vehicle_id)
    held = (*route[:position], meeting.id, *route[position:])
    van = resident.problem.vehicle(vehicle_id).model_copy(update={"locked": position + 1})
    known = {**stops, meeting.id: meeting}
    small, travel = cut_out(resident.problem, matrix, [van], {vehicle_id: held}, known, *waiting)
    small = rebuilt(small, stops=tuple(_aboard(s, van, waiting) for s in small.stops))
    own = Resident(small, travel, spare=0)
    taken = []
    for stop in waiting:
        mine = small.stop(stop.id)
        place = next(iter(own.places(mine)), None)
        if place is not None and place.cost_cents < stop.drop_penalty:
            own.insert(mine, place)
            taken.append(stop.id)
    schedule = Schedule(small, travel)
    whole = own.route_of(vehicle_id)
    return Collected(vehicle_id, whole, tuple(taken), schedule.cost(van, whole) - schedule.cost(van, route))


def _aboard(stop: Stop, van: Vehicle, waiting: Sequence[Stop]) -> Stop:
    mine = any(stop.id == each.id for each in waiting)
    return stop.model_copy(update={"aboard": van.id}) if mine else stop
