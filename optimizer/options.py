"""What can be done about a stop that will be late, what each way costs, and which one is cheapest.

Doing nothing is always among the options. The cost of an option, in cents, is measured so that all of them compare:

    driving   use + hours + km + overtime of the routes that it changes, minus the same when nothing is done
  + lateness  late_minute x minutes late on the stop's own route and on the changed ones, minus what is late on the
              other vehicles' routes anyhow
  + broken_promise, when the stop stays late and its customer is told nothing
  + retold_promise x promises that are moved by a message; a customer's day that is moved is one of them
  + stop_moved x stops that a driver finds in another place, or on another list
  + failed_again, when it is tried once more on the same day; half of it when a neighbour takes it
  + collected, when the customer fetches it at the depot
  + what the carrier takes, when one delivers it instead
  + postponed x orders and the time at the door, which is paid another day, when the stop leaves this one

Who is told: `wait` tells nobody; `retell` tells the customer at hand; the others tell that customer, if still late, and
everybody whom they make late. Other stops that are late anyhow have cases of their own: only their minutes count here.
An option is feasible when it breaks no hard constraint that doing nothing leaves whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

from pydantic import Field

from core.errors import BadInput
from optimizer.breaches import Breach
from optimizer.churn import Move, moves
from optimizer.circumstances import Claim, Outage
from optimizer.insertion import spots
from optimizer.pricing import Change, Routes, minutes
from optimizer.problem import Frozen, Problem, Vehicle, may_carry, with_routes, without_stop
from optimizer.schedule import Schedule, paid_later
from optimizer.travel import Matrix

Kind = Literal[
    "wait", "retell", "join", "resequence", "reassign", "again", "neighbour", "pickup", "postpone", "remove", "carrier",
    "serve", "hold", "repair", "rescue",
    "rebalance", "pull_ahead", "tell_earlier",
    "reroute", "show_proof", "tell_found", "ask_driver", "claim", "bring_back", "redeliver",
]  # fmt: skip
USUAL: tuple[Kind, ...] = ("wait", "retell", "resequence", "reassign", "postpone")
"""what is tried for a stop that will be late"""

REASSIGN_TO = 3
"""how many other vehicles are offered: the cheapest"""
ONCE_MORE: dict[str, int] = {"again": 1, "neighbour": 2}
"""kinds that come to the door once more today, and what `failed_again` is divided by: a neighbour who was named is
there more often (assumed)"""
SHORTLIST = 5
"""positions priced in full, of those that insertion ranks first"""


class Scope(Frozen):
    """What a question is about besides its stop."""

    shared: bool = False
    """the van comes to the stop for another order too: when this one leaves the day, the visit stays"""
    stops: tuple[str, ...] = ()
    """what one cause hits, when the question is about many stops at once (`optimizer.batch`)"""
    vehicle: str | None = None
    """the van that it is about, when it is about one (`optimizer.relief`, `breakdown`); `stops` are then those that may
    move"""
    not_before: tuple[tuple[str, int], ...] = ()
    """stops with the beginning of the time that their customers were told: coming sooner finds nobody"""
    carrier_cents: int | None = Field(None, ge=0)
    """what a carrier takes who delivers it the same day, when one does"""
    outage: Outage | None = None
    """a provider that is down (`optimizer.unrouted`)"""
    claim: Claim | None = None
    """goods that are missing or damaged (`optimizer.unrouted`)"""
    pool: tuple[str, ...] = ()
    """other stops that wait at the depot, as this one does (`optimizer.wave`)"""
    orders: int = 1
    """how many orders leave the day with it"""
    left_out: bool = False
    """its order has no place in the plan: doing nothing is leaving it out, also where the van comes by anyhow"""
    breakdown: str | None = None
    """the breakdown that it is about (`optimizer.breakdown`), of `vehicle`"""
    unfit: tuple[str, ...] = ()
    """vans that can't come: they stand themselves"""
    resident: bool = False
    """its places are looked for as a resident plan does (`optimizer.inserting`)"""
    to: str | None = None
    """the only van that it may go to, when somebody names one"""
    give: int = Field(0, ge=0)
    """how many stops the van is to give away at somebody's wish, also where that does not pay (`optimizer.relief`)"""
    order_counts: dict[str, int] = Field(default_factory=dict)
    """stop -> orders that change hands there, where that is more than one"""


ONE_STOP = Scope()


class Candidate(Frozen):
    kind: Kind
    stop_id: str
    scope: Scope = ONE_STOP
    vehicle_id: str | None = None
    """where to, when it is reassigned"""
    position: int | None = None
    """in that vehicle's list, when a resident plan has named it; None: the best one is looked for"""

    @property
    def id(self) -> str:
        named = self.kind in ("reassign", "rescue") and self.vehicle_id is not None
        return f"{self.kind}:{self.vehicle_id}" if named else self.kind


class Option(Frozen):
    id: str
    """the kind, for a reassignment or a rescue with the vehicle: `reassign:VAN`"""
    kind: Kind
    stop_id: str
    vehicle_id: str | None = None
    routes: dict[str, tuple[str, ...]]
    """changed routes only, whole"""
    arrivals: dict[str, int]
    """expected start of service of the stop itself and of every stop whose time changes"""
    cost_cents: int
    minutes_late: int
    promises_broken: int
    promises_retold: int
    retold: tuple[str, ...]
    """stops whose customers get a new time with this option"""
    left: tuple[str, ...] = ()
    """stops of a broken van that leave the day with it"""
    stops_moved: int
    others_delayed_min: int
    feasible: bool
    broken: tuple[str, ...]
    """hard constraints that this option breaks and doing nothing does not, in words"""
    until_s: int | None = None
    """when the question is asked again, for an option that puts it off"""


def candidates(
    problem: Problem, matrix: Matrix, stop_id: str, kinds: Collection[str] = USUAL, scope: Scope = ONE_STOP
) -> tuple[Candidate, ...]:
    """What can be tried, of these kinds."""
    return _WhatIf(problem, matrix, stop_id, scope).candidates(kinds)


def evaluate(problem: Problem, matrix: Matrix, candidate: Candidate) -> Option:
    return _WhatIf(problem, matrix, candidate.stop_id, candidate.scope).evaluate(candidate)


def options(problem: Problem, matrix: Matrix, stop_id: str) -> tuple[Option, ...]:
    """Every option, best first."""
    what_if = _WhatIf(problem, matrix, stop_id)
    return tuple(sorted((what_if.evaluate(c) for c in what_if.candidates(USUAL)), key=_rank))


def choose(found: Iterable[Option]) -> Option:
    """The cheapest feasible one; ties go by id. Doing nothing is feasible, so there always is one."""
    best = min(found, key=_rank, default=None)
    if best is None or not best.feasible:
        raise BadInput("no feasible option to choose from", "Include doing nothing.", field="options")
    return best


def removal(problem: Problem, matrix: Matrix, stop_id: str) -> Option:
    """What it means for the day when the stop is gone: cancelled, or moved to another day at its customer's wish. It
    works on a locked stop too: the van is told not to go there."""
    return _WhatIf(problem, matrix, stop_id).removal()


def diff(problem: Problem, option: Option) -> tuple[Move, ...]:
    """What moved from where to where; `to_vehicle` is None for a stop that leaves the day."""
    return moves({v: problem.routes.get(v, ()) for v in option.routes}, option.routes, option.stop_id)


def applied(problem: Problem, option: Option) -> Problem:
    """The problem after the option was carried out. A postponed or removed stop is gone from it."""
    if option.kind in ("postpone", "remove"):
        problem = without_stop(problem, option.stop_id)
    return with_routes(problem, option.routes)


def _rank(option: Option) -> tuple[bool, int, str]:
    return not option.feasible, option.cost_cents, option.id


class _WhatIf:
    """The present plan around one stop, timed once."""

    def __init__(self, problem: Problem, matrix: Matrix, stop_id: str, scope: Scope = ONE_STOP) -> None:
        self.problem, self.matrix, self.scope = problem, matrix, scope
        self.schedule = Schedule(problem, matrix)
        self.stop = problem.stop(stop_id)
        self.place = problem.place_of(stop_id)
        self.own = self.place[0] if self.place else None
        self.vehicles = {v.id: v for v in problem.vehicles}

    def candidates(self, wanted: Collection[str]) -> tuple[Candidate, ...]:
        kinds: list[Kind] = ["wait"]
        if self.place is not None:
            kinds.append("retell")
        if self._joinable():
            kinds.append("join")
        if self._movable() and len(self._rest(self.own)) > self._vehicle().locked:
            kinds.append("resequence")
        free = "reassign" in wanted and not self.scope.shared and (self.place is None or self._movable())
        kept: list[tuple[Kind, str | None]] = [(kind, None) for kind in kinds]
        kept += [("reassign", vehicle_id) for vehicle_id in (self._reassign_targets() if free else ())]
        missed: tuple[Kind, ...] = ("again", "neighbour", "pickup")
        kept += [(kind, None) for kind in missed if self._is_left_out() and (kind == "pickup" or self._takers())]
        kept += [("carrier", None)] if self.scope.carrier_cents is not None else []
        kept += [("postpone", None), ("remove", None)]
        return tuple(
            Candidate(kind=kind, stop_id=self.stop.id, scope=self.scope, vehicle_id=vehicle_id)
            for kind, vehicle_id in kept
            if kind in wanted
        )

    def evaluate(self, candidate: Candidate) -> Option:
        if candidate.kind == "remove":
            return self.removal()
        if candidate.kind in ONCE_MORE:
            if self.place is not None:  # the van comes to this door again anyhow
                return self._option(candidate.kind, {})
            return min((self._best_spot(candidate.kind, van, {}) for van in self._takers()), key=_rank)
        if candidate.kind == "reassign":
            vehicle = self._known(candidate.vehicle_id)
            return self._reassign(vehicle) if candidate.position is None else self._put(vehicle, candidate.position)
        if candidate.kind == "resequence":
            return self._resequence()
        if candidate.kind == "postpone":
            return self._option("postpone", {} if self.scope.shared else self._shorter(self._reduced()))
        return self._option(candidate.kind, {})

    def removal(self) -> Option:
        if self.scope.shared:
            return self._option("remove", {})
        reduced = self._reduced()
        return self._option("remove", self._shorter(reduced), after_in=Schedule(reduced, self.matrix))

    def _reduced(self) -> Problem:
        return without_stop(self.problem, self.stop.id)

    def _shorter(self, reduced: Problem) -> Routes:
        return {v: stop_ids for v, stop_ids in reduced.routes.items() if stop_ids != self.problem.routes[v]}

    def _is_left_out(self) -> bool:
        return self.place is None or self.scope.left_out

    def _movable(self) -> bool:
        return self.place is not None and self.place[1] >= self._vehicle().locked

    def _joinable(self) -> bool:
        """The van that comes to the door anyhow has not left, so that the new order's goods can go with it."""
        return self.place is not None and self.stop.aboard is None and not self._vehicle().on_road

    def _vehicle(self) -> Vehicle:
        return self._known(self.own)

    def _known(self, vehicle_id: str | None) -> Vehicle:
        if vehicle_id is None or vehicle_id not in self.vehicles:
            raise BadInput(f"no vehicle {vehicle_id} for {self.stop.id}", "Name one of the day.", field="vehicle_id")
        return self.vehicles[vehicle_id]

    def _rest(self, vehicle_id: str | None) -> tuple[str, ...]:
        held = self.problem.routes.get(vehicle_id, ()) if vehicle_id else ()
        return tuple(s for s in held if s != self.stop.id)

    def _takers(self) -> list[Vehicle]:
        """Who could go to the door once more: the van that has the goods, or when they are back those that can load
        them."""
        if self.stop.aboard is not None:
            return [self._known(self.stop.aboard)]
        return [v for v in self.problem.vehicles if may_carry(v, self.stop)]

    def _reassign_targets(self) -> list[str]:
        """The van that was named, else the cheapest other vehicles that may carry it. What is aboard one van stays
        with that van."""
        if self.scope.to is not None:
            return [self.scope.to] if self.scope.to != self.own else []
        able = [v for v in self.problem.vehicles if v.id != self.own and may_carry(v, self.stop)]
        ranked = sorted((self._reassign(v) for v in able), key=_rank)
        return [option.vehicle_id for option in ranked[:REASSIGN_TO] if option.vehicle_id is not None]

    def _reassign(self, vehicle: Vehicle) -> Option:
        left = {self.own: self._rest(self.own)} if self.own and self.own != vehicle.id else {}
        return self._best_spot("reassign", vehicle, left)

    def _put(self, vehicle: Vehicle, position: int) -> Option:
        """On no van so far: the others' order stays as it is."""
        rest = self._rest(vehicle.id)
        put = {vehicle.id: (*rest[:position], self.stop.id, *rest[position:])}
        return self._option("reassign", put, target=vehicle.id)

    def _resequence(self) -> Option:
        if not self._movable():
            raise BadInput(f"{self.stop.id} can't be moved on its route", "Choose another option.", field="kind")
        return self._best_spot("resequence", self._vehicle(), {})

    def _best_spot(self, kind: Kind, vehicle: Vehicle, left: Routes) -> Option:
        """Insertion ranks the positions by driving and lateness; the first few are then priced with promises and
        churn too."""
        rest = self._rest(vehicle.id)
        here = self.place[1] if self.place and self.own == vehicle.id else None
        ranked = [s.position for s in spots(self.schedule, vehicle, rest, self.stop.id) if s.position != here]
        if not ranked:
            raise BadInput(f"{self.stop.id} has no other place on its route", "Choose another option.", field="kind")
        tried = [
            self._option(kind, {**left, vehicle.id: (*rest[:p], self.stop.id, *rest[p:])}, target=vehicle.id)
            for p in ranked[:SHORTLIST]
        ]
        return min(tried, key=_rank)

    def _option(
        self, kind: Kind, changed: Routes, *, target: str | None = None, after_in: Schedule | None = None
    ) -> Option:
        """The one place where an option gets its figures."""
        now = {v: self.problem.routes.get(v, ()) for v in sorted({*changed, *([self.own] if self.own else [])})}
        change = Change.of(self.schedule, now, changed, after_in)
        late_s = sum(change.after.late.values()) - self._late_elsewhere(change)
        told = self._told(kind, change)
        unserved = self.place is None and self.stop.deadline_s is not None
        broken = kind == "wait" and (unserved or self.stop.id in change.after.late)
        moved = moves({v: now[v] for v in changed}, changed, self.stop.id)
        stops_moved = sum(move.to_vehicle is not None for move in moved)
        leaves = kind == "postpone" or (kind == "wait" and (self.place is None or self.scope.left_out))
        weights = self.problem.weights
        cost = change.cost(weights, late_s=late_s, moved=stops_moved, told=len(told), silent=broken)
        cost += weights.retold_promise * (kind == "postpone" and self.stop.deadline_s is not None)
        cost += (weights.postponed * self.scope.orders + paid_later(self.problem, self.stop)) * leaves
        cost += weights.failed_again // ONCE_MORE[kind] if kind in ONCE_MORE else 0
        cost += weights.collected * (kind == "pickup") + (self.scope.carrier_cents or 0) * (kind == "carrier")
        worse = {b.key for b in change.new_breaches()}
        new = tuple(b.words for key, b in change.after.breaches.items() if key in worse or _counts(kind, b))
        return Option(
            id=Candidate(kind=kind, stop_id=self.stop.id, vehicle_id=target).id,
            kind=kind,
            stop_id=self.stop.id,
            vehicle_id=target,
            routes=dict(changed),
            arrivals=change.arrivals({self.stop.id}),
            cost_cents=cost,
            minutes_late=minutes(max(0, late_s)),
            promises_broken=int(broken),
            promises_retold=len(told),
            retold=tuple(sorted(told)),
            stops_moved=stops_moved,
            others_delayed_min=change.others_delayed_min({self.stop.id}),
            feasible=not new,
            broken=new,
        )

    def _told(self, kind: Kind, change: Change) -> set[str]:
        if kind == "wait":
            return set()
        return {self.stop.id} if kind == "retell" else change.late({self.stop.id})

    def _late_elsewhere(self, change: Change) -> int:
        """Seconds late on the other vehicles' routes when nothing is done: not this option's doing."""
        return sum(timing.late_s for v, timing in change.before.timings.items() if v != self.own)


def _counts(kind: Kind, breach: Breach) -> bool:
    """Goods that join a visit are in the stop's demand already: what they overload counts against them. A second try
    is for a van with time left: one that ends after its shift already has none."""
    return (kind == "join" and breach.kind.startswith("capacity")) or (kind in ONCE_MORE and breach.kind == "shift")
