"""What can be done about one van that will overrun its shift, carries too much or runs far ahead, and about customers
whom it reaches before the time that they were told.

`wait` leaves it so. `rebalance` gives stops that may move to other vans, one after the other, as long as that costs
less and breaks nothing. `pull_ahead` puts its own stops into the time that it would wait, where nobody is reached
before the time that they were told. `tell_earlier` tells those who would be, by a message. Costs are those of
`optimizer.options`, compared with doing nothing; besides them

  + unexpected x stops that are reached before the time that was told, and hear nothing
  + postponed  x stops that the van has no room for: they stay at the dock
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from optimizer.churn import moves
from optimizer.insertion import spots
from optimizer.options import Candidate, Kind, Option, Scope
from optimizer.pricing import Change, Routes, minutes
from optimizer.problem import Problem, Stop, Vehicle, may_carry
from optimizer.schedule import Schedule, Timing, costs
from optimizer.travel import Matrix

KINDS: tuple[Kind, ...] = ("wait", "rebalance", "pull_ahead", "tell_earlier")
OF_A_VAN = frozenset({"rebalance", "pull_ahead"})
MOST_MOVED = 4
"""stops that one proposal moves: more is another plan"""
TRIED_STOPS = 12
"""stops of the van that are tried elsewhere: those whose leaving saves most"""
TRIED_VANS = 8
"""vans that they are tried on: those with most of their shift left"""


class Move(NamedTuple):
    gain: int
    """cents"""
    stop: str
    vehicle: str
    position: int


def is_asked(scope: Scope) -> bool:
    return scope.vehicle is not None or bool(scope.not_before)


def candidates(subject: str, kinds: Collection[str], scope: Scope) -> tuple[Candidate, ...]:
    able = [kind for kind in KINDS if kind in kinds and (scope.vehicle is not None or kind not in OF_A_VAN)]
    return tuple(Candidate(kind=kind, stop_id=subject, scope=scope) for kind in able)


def evaluate(problem: Problem, matrix: Matrix, candidate: Candidate) -> Option:
    """One answer, priced over the van's route, those that it changes and those of the customers at hand."""
    relief = _Relief(problem, matrix, candidate.scope)
    changed: dict[str, tuple[str, ...]] = {}
    if candidate.kind == "rebalance":
        changed = relief.rebalanced()
    elif candidate.kind == "pull_ahead":
        changed = relief.pulled_ahead()
    return relief.option(candidate, changed)


class _Relief:
    def __init__(self, problem: Problem, matrix: Matrix, scope: Scope) -> None:
        self.problem, self.scope, self.schedule = problem, scope, Schedule(problem, matrix)
        self.van = None if scope.vehicle is None else problem.vehicle(scope.vehicle)
        self.own: tuple[str, ...] = () if self.van is None else problem.routes.get(self.van.id, ())
        self.told_from = dict(scope.not_before)

    # giving stops away

    def rebalanced(self) -> dict[str, tuple[str, ...]]:
        """Routes after the moves that pay, best first, until the van breaks nothing of its own any more; or after as
        many as somebody wishes, whether they pay or not."""
        assert self.van is not None
        routes, changed, wished = dict(self.problem.routes), set[str](), self.scope.give
        for _ in range(min(wished, MOST_MOVED) or MOST_MOVED):
            if not wished and not self._own_breaches(routes[self.van.id]):
                break
            best = max(self._moves(routes), default=None, key=lambda move: (move.gain, move.stop, move.vehicle))
            if best is None or (best.gain <= 0 and not wished):
                break
            there, position = routes.get(best.vehicle, ()), best.position
            routes[self.van.id] = tuple(s for s in routes[self.van.id] if s != best.stop)
            routes[best.vehicle] = (*there[:position], best.stop, *there[position:])
            changed |= {self.van.id, best.vehicle}
        return {v: routes[v] for v in sorted(changed)}

    def _moves(self, routes: Routes) -> Iterator[Move]:
        """Every stop that may leave, at its cheapest place on each van that may take it and keeps its own limits."""
        assert self.van is not None
        mine, away = routes[self.van.id], {v: s for v, s in routes.items() if v != self.van.id}
        price, weights = self._price(self.van, mine), self.problem.weights
        leaving = [s for s in mine[self.van.locked :] if s in self.scope.stops]
        saved = {s: price - self._price(self.van, tuple(x for x in mine if x != s)) for s in leaving}
        for stop_id in sorted(saved, key=lambda s: (-saved[s], s))[:TRIED_STOPS]:
            for vehicle in self._takers(self.problem.stop(stop_id), away):
                spot = spots(self.schedule, vehicle, away.get(vehicle.id, ()), stop_id)[0]
                if spot.new_breaches == 0:
                    gain = saved[stop_id] - spot.delta_cost - weights.stop_moved
                    yield Move(gain, stop_id, vehicle.id, spot.position)

    def _takers(self, stop: Stop, away: Routes) -> list[Vehicle]:
        others = [v for v in self.problem.vehicles if v.id != self.scope.vehicle and may_carry(v, stop)]
        able = [v for v in others if not self._kinds(v, away.get(v.id, ()))]
        left = {v.id: v.shift_end_s - self.schedule.timing(v, away.get(v.id, ())).end_s for v in able}
        return sorted(able, key=lambda v: (-left[v.id], v.id))[:TRIED_VANS]

    def _price(self, vehicle: Vehicle, stop_ids: tuple[str, ...]) -> int:
        at_the_dock = self.problem.weights.postponed * self._too_many(vehicle, stop_ids)
        return costs(self.problem.weights, vehicle, self.schedule.timing(vehicle, stop_ids)).total + at_the_dock

    def _too_many(self, vehicle: Vehicle, stop_ids: tuple[str, ...]) -> int:
        """How many stops, from the end of the list, the van has no room for."""
        kept = stop_ids
        while kept and any(kind.startswith("capacity") for kind in self._kinds(vehicle, kept)):
            kept = kept[:-1]
        return len(stop_ids) - len(kept)

    def _kinds(self, vehicle: Vehicle, stop_ids: tuple[str, ...]) -> set[str]:
        timing = self.schedule.timing(vehicle, stop_ids)
        return {breach.kind for breach in self.schedule.breaches(vehicle, timing) if breach.subject == vehicle.id}

    def _own_breaches(self, stop_ids: tuple[str, ...]) -> bool:
        return self.van is not None and bool(self._kinds(self.van, stop_ids))

    # using the time ahead

    def pulled_ahead(self) -> dict[str, tuple[str, ...]]:
        """The van's list with stops put into the time that it would wait, as long as each saves more than it costs."""
        assert self.van is not None
        best, price = self.own, self._price(self.van, self.own)
        starts = {row[0]: row[2] for row in self._timing(self.own).visits}
        for stop_id in [s for s in self.own[self.van.locked :] if s in self.scope.stops]:
            rest, at = tuple(s for s in best if s != stop_id), best.index(stop_id)
            for spot in spots(self.schedule, self.van, rest, stop_id):
                tried = (*rest[: spot.position], stop_id, *rest[spot.position :])
                cost = self._price(self.van, tried) + self._moved(tried)
                if spot.position < at and spot.new_breaches == 0 and cost < price and self._in_time(tried, starts):
                    best, price = tried, cost
            if self._moved(best) >= MOST_MOVED * self.problem.weights.stop_moved:
                break
        return {} if best == self.own else {self.van.id: best}

    def _timing(self, stop_ids: tuple[str, ...]) -> Timing:
        assert self.van is not None
        return self.schedule.timing(self.van, stop_ids)

    def _moved(self, stop_ids: tuple[str, ...]) -> int:
        assert self.van is not None
        return self.problem.weights.stop_moved * len(moves({self.van.id: self.own}, {self.van.id: stop_ids}))

    def _in_time(self, stop_ids: tuple[str, ...], starts: Mapping[str, int]) -> bool:
        """Is nobody reached before the time that they were told, who was not anyhow, and nobody made late?"""
        return all(
            (start >= min(self.told_from.get(stop_id, start), starts[stop_id])) and not late
            for stop_id, _, start, _, late in self._timing(stop_ids).visits
        )

    # what an answer comes to

    def option(self, candidate: Candidate, changed: Routes) -> Option:
        kind, weights = candidate.kind, self.problem.weights
        at_hand = {v for v, s in self.problem.routes.items() if v == self.scope.vehicle or set(s) & set(self.told_from)}
        now = {v: self.problem.routes.get(v, ()) for v in sorted({*at_hand, *changed})}
        change = Change.of(self.schedule, now, changed)
        starts, late = change.after.starts, change.late()
        early = {s for s, lo in self.told_from.items() if s in starts and starts[s] < lo}
        told = sorted(early) if kind == "tell_earlier" else sorted(late)
        moved = len(moves({v: now[v] for v in changed}, changed))
        late_s = sum(change.after.late.values()) - sum(change.before.late.values())
        cost = change.cost(weights, late_s=late_s, moved=moved, told=len(told))
        cost += weights.unexpected * (0 if kind == "tell_earlier" else len(early)) + self._dock(changed)
        return Option(
            id=candidate.id,
            kind=kind,
            stop_id=candidate.stop_id,
            routes=dict(changed),
            arrivals=change.arrivals(told),
            cost_cents=cost,
            minutes_late=minutes(max(0, late_s)),
            promises_broken=0,
            promises_retold=len(told),
            retold=tuple(told),
            stops_moved=moved,
            others_delayed_min=change.others_delayed_min(),
            feasible=not (broken := self._broken(kind, changed, told, change)),
            broken=broken,
        )

    def _dock(self, changed: Routes) -> int:
        """Cents for what the van has no room for."""
        if self.van is None:
            return 0
        return self.problem.weights.postponed * self._too_many(self.van, changed.get(self.van.id, self.own))

    def _broken(self, kind: Kind, changed: Routes, told: list[str], change: Change) -> tuple[str, ...]:
        if kind in OF_A_VAN and not changed:
            return ("no stop that may move costs less elsewhere",)
        if kind == "tell_earlier" and not told:
            return ("nobody is reached before the time that they were told",)
        return change.broken()
