"""A running day kept in memory: what one more stop costs where, in microseconds; stops that come and go; a van that
breaks down; and a better plan looked for in the background.

Positions are screened by the slack of each route, the best are timed exactly. Figures are cents as `schedule` prices
them. Zones, and breaks on the way, are not known here: `Resident` refuses a day that has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from core.errors import BadInput, NotFound, WrongState
from optimizer.limits import refinements
from optimizer.native import layout as at
from optimizer.native import live
from optimizer.native.chance import seeded
from optimizer.native.engine import COLD, mean_leg
from optimizer.native.ground import EMPTY, fill_neighbours, lay_out, start, unsupported
from optimizer.native.layout import NEVER, SCALE, State
from optimizer.native.offers import Offer, Routes, apart, within
from optimizer.native.search import anneal
from optimizer.native.search import lay_out as time_all
from optimizer.problem import Problem, Stop, may_carry, rebuilt
from optimizer.schedule import Schedule, figure, per
from optimizer.travel import Matrix

SPARE, SPARE_WINDOWS = 256, 3
"""stops that can come before all is compiled anew unless told, and windows that each of them may have"""
ALTERNATIVES = 5
PLACEHOLDER = "\0free"
"""ids of nodes that no stop has taken yet begin with it: no stop's id does"""


class Legs(NamedTuple):
    """Legs between a place that the matrix does not know and each of its rows, as long there as back."""

    seconds: at.I32
    metres: at.I32
    """both (1, rows), read-only"""


def unknown(problem: Problem, matrix: Matrix) -> tuple[str, ...]:
    """What keeps a day from being held as a resident plan, in words; empty when nothing does."""
    odd = (words for words in unsupported(problem) if words != EMPTY or not problem.vehicles)
    more = {"zones": bool(problem.zones), "a price of each leg": matrix.tolls is not None}
    return (*odd, *refinements(problem), *(words for words, there in more.items() if there))


class Place(NamedTuple):
    """One place for one more stop, with all that it changes. No stop moves: churn is none."""

    vehicle_id: str
    position: int
    """in the van's list, locked stops counted"""
    cost_cents: int
    """use, hours, km and lateness more"""
    late_s: int
    """seconds of lateness more, over the route"""
    newly_late: int
    """stops that are late with it and were not, the new one among them"""
    delayed_s: int
    """seconds that other stops are served later, added up"""


class Rescue(NamedTuple):
    """What became of the stops of a van that broke down."""

    taken: dict[str, str]
    """stop -> van"""
    left: tuple[str, ...]
    """stops that no other van can take, or that cost more than leaving them out"""


class Resident:
    """The plan of a running day. Not for two threads at once, but for `polish`, which works on a copy."""

    def __init__(self, problem: Problem, matrix: Matrix, spare: int = SPARE) -> None:
        """`spare`: stops that can come before all is compiled anew."""
        odd = unknown(problem, matrix)
        if odd:
            raise BadInput(f"a resident plan knows no {', '.join(odd)}", "Use optimizer.options.", field="problem")
        self.matrix, self._spare = matrix, spare
        self._compile(problem)

    def _compile(self, problem: Problem) -> None:
        row = problem.vehicles[0].start
        windows = tuple((n, n) for n in range(SPARE_WINDOWS))
        free = tuple(
            Stop(id=f"{PLACEHOLDER}{n}", location=row, service_s=0, windows=windows, drop_penalty=0)
            for n in range(self._spare)
        )
        self.problem = problem
        self.schedule = Schedule(rebuilt(problem, stops=(*problem.stops, *free)), self.matrix)
        self.layout = lay_out(self.schedule, self.matrix)
        self.ground, self._stops = self.layout.ground, list(self.layout.stops)
        self.ground.numbers[at.FLEET] = 0  # nobody who is out hands a whole route to somebody else
        fill_neighbours(self.ground, len(self._stops) - self._spare)
        self.state = start(self.layout, problem.routes)
        time_all(self.ground, self.state)
        self._free = [c for c, s in enumerate(self._stops) if s.id.startswith(PLACEHOLDER)]
        self._node = {s.id: c for c, s in enumerate(self._stops) if not s.id.startswith(PLACEHOLDER)}
        self._set_absent([c for c in self._absent() if c not in self._free])
        self._rooms = self.ground.spans[:, 1].copy()  # windows that each node has room for
        self._sorts = [problem.vehicles[self.ground.by_sort[first]] for first, _ in self.ground.sorts]
        self._anywhere = np.array([v.areas is None for v in self._sorts], np.uint8)
        self._at_depot = np.array([v.areas is None and not v.on_road for v in self._sorts], np.uint8)
        self._heads = [self._head(n) for n in range(len(problem.vehicles))]
        self._found = np.zeros((ALTERNATIVES, live.ANSWER_COLUMNS), np.int64)

    def _head(self, n: int) -> tuple[int, int]:
        """Metres and seconds late of the locked stops: they belong to the route's price."""
        vehicle = self.layout.vehicles[n].model_copy(update={"end": None})
        timing = self.schedule.timing(vehicle, self.layout.heads[n])
        return timing.distance_m, timing.late_s

    @property
    def routes(self) -> Routes:
        """The present plan, every vehicle's whole list."""
        return self._lists(self.state)

    def _lists(self, state: State) -> Routes:
        links, stops, found = state.best_next.tolist(), len(self._stops), {}
        for v, vehicle in enumerate(self.layout.vehicles):
            behind, x = [], links[stops + v]
            while x < stops:
                behind.append(self._stops[x].id)
                x = links[x]
            found[vehicle.id] = (*self.layout.heads[v], *behind)
        return found

    def route_of(self, vehicle_id: str) -> tuple[str, ...]:
        """One vehicle's whole list."""
        v, links = self._vehicle(vehicle_id), self.state.nodes[:, at.NEXT]
        behind, x = [], int(links[len(self._stops) + v])
        while x < len(self._stops):
            behind.append(self._stops[x].id)
            x = int(links[x])
        return (*self.layout.heads[v], *behind)

    def vehicle_of(self, stop_id: str) -> str | None:
        """Whose list a stop is on."""
        c = self._node.get(stop_id)
        if c is None:
            return next((v.id for n, v in enumerate(self.layout.vehicles) if stop_id in self.layout.heads[n]), None)
        v = int(self.state.nodes[c, at.ROUTE])
        return self.layout.vehicles[v].id if v >= 0 else None

    @property
    def absent(self) -> tuple[str, ...]:
        """Stops that are on no route."""
        return tuple(self._stops[c].id for c in self._absent())

    # One more stop ----------------------------------------------------------------------------------------------------

    def places(self, stop: Stop, legs: Legs | None = None) -> tuple[Place, ...]:
        """The best place on each of the vehicles that are cheapest for it, cheapest first. It changes nothing. With
        `legs` its location does not count: it is at a place that the matrix does not know."""
        c = self._take_in(stop)
        if legs is not None:
            self._put_legs(c, legs)
        live.places_of(self.ground, self.state, c, self._found)
        if self._node.get(stop.id) != c:
            self._free.append(c)
        return tuple(self._place(row) for row in self._found.tolist() if row[live.UNITS] < NEVER)

    def insert(self, stop: Stop, place: Place) -> None:
        """Put the stop where `places` said, on the plan as it is now."""
        v = self._vehicle(place.vehicle_id)
        behind = place.position - len(self.layout.heads[v])
        if not 0 <= behind <= self.state.routes[v, at.COUNT]:
            raise WrongState("The list has changed since.", "Ask for the places again.")
        c, p = self._take_in(stop), len(self._stops) + v
        for _ in range(behind):
            p = int(self.state.nodes[p, at.NEXT])
        self._join_tables(c)
        live.insert_behind(self.ground, self.state, c, p)
        self._stops[c], self._node[stop.id] = stop, c
        self._set_absent([x for x in self._absent() if x != c])

    def remove(self, stop_id: str) -> None:
        """Take a stop out of the day: cancelled, or served."""
        c = self._node.get(stop_id)
        if c is None:
            raise NotFound(f"no stop {stop_id} that could be taken out", "Use an open stop that is not locked.")
        if self.state.nodes[c, at.ROUTE] >= 0:
            live.take_out(self.ground, self.state, c)
        del self._node[stop_id]
        self._set_absent([x for x in self._absent() if x != c])
        self._free.append(c)

    def what_ifs(self, stops: Sequence[Stop]) -> list[Place | None]:
        """The best place of each of many stops, each by itself; None: it fits nowhere.
        For one window a stop and no skills: slots of a day, a month's orders, where to put a depot."""
        dimensions = self.ground.room.shape[1]
        asked = np.zeros((len(stops), live.ASKED_LOADS + 2 * dimensions), np.int64)
        for line, stop in zip(asked, stops, strict=True):
            if len(stop.windows) > 1 or stop.skills or stop.after:
                raise BadInput(f"{stop.id} is no plain stop", "Ask with `places`.", field="stops")
            opens, closes = stop.windows[0] if stop.windows else (-at.FAR, at.FAR)
            due = at.FAR if stop.due_s is None else stop.due_s
            line[: live.ASKED_LOADS] = stop.location, opens, closes, stop.service_s, due
            for d in range(dimensions):
                brought = figure(stop.demand, d)
                line[live.ASKED_LOADS + 2 * d :][:2] = brought, figure(stop.pickup, d) - brought
        found = np.zeros((len(stops), 1, live.ANSWER_COLUMNS), np.int64)
        c = self._take_in(stops[0].model_copy(update={"id": PLACEHOLDER, "windows": ()}))
        live.what_ifs(self.ground, self.state, c, asked, found, *self._matrix())
        self._free.append(c)
        return [self._place(row) if row[live.UNITS] < NEVER else None for row in found[:, 0].tolist()]

    def _place(self, row: list[int]) -> Place:
        v, stops = row[live.VEHICLE], len(self._stops)
        p = row[live.BEHIND]
        before = 0 if p >= stops else int(self.state.nodes[p, at.POS]) + 1
        used = bool(self.state.routes[v, at.COUNT] or self.layout.heads[v])
        was = self._cents(v, *row[live.END_WAS : live.END_WAS + 3]) if used else 0
        return Place(
            vehicle_id=self.layout.vehicles[v].id, position=len(self.layout.heads[v]) + before,
            cost_cents=self._cents(v, *row[live.END_IS : live.END_IS + 3]) - was,
            late_s=row[live.LATE_IS] - row[live.LATE_WAS], newly_late=row[live.NEWLY_LATE], delayed_s=row[live.DELAYED],
        )  # fmt: skip

    def _cents(self, v: int, end_s: int, metres: int, late_s: int) -> int:
        """As `schedule.costs`, each part rounded."""
        vehicle, weights, (head_m, head_late_s) = self.layout.vehicles[v], self.problem.weights, self._heads[v]
        cost = vehicle.fixed_cost + per(vehicle.cost_per_hour, end_s - vehicle.ready_s, 3600)
        cost += per(vehicle.cost_per_km, head_m + metres, 1000) + per(weights.late_minute, head_late_s + late_s, 60)
        return cost + per(weights.overtime_minute, max(0, end_s - vehicle.shift_end_s), 60)

    # A stop as a node -------------------------------------------------------------------------------------------------

    def _take_in(self, stop: Stop) -> int:
        """Its node: the one it has, or a free one that takes on its figures."""
        if stop.id in self._node:
            c = self._node[stop.id]
            if self.state.nodes[c, at.ROUTE] >= 0:
                raise WrongState(f"{stop.id} is on a route.", "Take it out first.")
            return c
        if stop.after is not None or stop.met_at is not None:
            raise BadInput(f"{stop.id} belongs to another stop", "Plan the pair with the day.", field="after")
        mixed = bool(self.ground.numbers[at.MIXED])
        fit = (c for c in reversed(self._free) if len(stop.windows) <= self._rooms[c])
        free = next(fit, None)
        if free is None or (any(stop.pickup) and not mixed):
            self._compile(self._now(with_stop=stop))
            return self._node[stop.id]
        self._free.remove(free)
        self._write(free, stop)
        return free

    def _write(self, c: int, stop: Stop) -> None:
        ground = self.ground
        opens, closes = (stop.windows[0][0], stop.windows[-1][1]) if stop.windows else (-at.FAR, at.FAR)
        due = at.FAR if stop.due_s is None else stop.due_s
        ground.stops[c] = self.state.nodes[c, at.OPEN : at.DUE + 1] = (opens, closes, stop.service_s, due)
        first = ground.spans[c, 0]
        ground.spans[c, 1] = len(stop.windows)
        for n, window in enumerate(stop.windows):
            ground.windows[first + n] = window
        for d in range(ground.loads.shape[1]):
            brought = figure(stop.demand, d)
            ground.loads[c, d] = brought, figure(stop.pickup, d) - brought
        ground.penalty[c] = stop.drop_penalty * SCALE
        ground.allowed[:, c] = self._who_may(stop)
        live.legs(ground, c, stop.location, *self._matrix())
        self.layout.rows[c] = stop.location

    def _put_legs(self, c: int, legs: Legs) -> None:
        """Rows of the tables for a place outside the matrix; the columns are written when a stop joins for good."""
        for table in {id(t): t for t in (self.ground.out, self.ground.inn)}.values():
            both = self.ground._replace(out=table, inn=table)
            live.legs(both, c, 0, self.layout.rows, legs.seconds, legs.metres, True)

    def _matrix(self) -> tuple[at.I64, at.I32, at.I32, bool]:
        alike = self.ground.inn is self.ground.out
        return self.layout.rows, self.matrix.durations_s, self.matrix.distances_m, alike

    def _who_may(self, stop: Stop) -> at.U8:
        if not stop.skills and stop.crew == 1 and stop.aboard is None and not stop.areas:
            return self._anywhere if stop.free else self._at_depot
        return np.array([may_carry(v, stop) for v in self._sorts], np.uint8)

    def _join_tables(self, c: int) -> None:
        """Legs from all others to a stop that has come, and its neighbours."""
        ground = self.ground
        if ground.inn is not ground.out:
            ground.out[:, c], ground.inn[:, c] = ground.inn[c], ground.out[c].copy()
        else:
            ground.out[:, c] = ground.out[c].copy()
        ground.out[c, c] = ground.inn[c, c] = 0
        there = ground.out[c, : len(self._stops)].astype(np.int64).sum(axis=1)
        there[[c, *self._free]] = NEVER
        ground.near[c] = np.argsort(there, kind="stable")[: ground.near.shape[1]]

    def _now(self, with_stop: Stop) -> Problem:
        """The day as it has become, as a problem."""
        known = {s for head in self.layout.heads for s in head}
        settled = tuple(s for s in self.problem.stops if s.id in known)
        open_ = tuple(self._stops[c] for c in sorted(self._node.values()))
        return rebuilt(self.problem, stops=(*settled, *open_, with_stop), routes=self.routes)

    def _absent(self) -> list[int]:
        found: list[int] = self.state.absent[: int(self.state.numbers[at.ABSENT])].tolist()
        return found

    def _set_absent(self, nodes: list[int]) -> None:
        numbers = self.state.numbers
        self.state.absent[: len(nodes)] = nodes
        numbers[at.ABSENT] = len(nodes)
        numbers[at.TOTAL] = self.state.routes[:, at.COST].sum() + self.ground.penalty[nodes].sum()
        numbers[at.BEST] = numbers[at.TOTAL]

    def _vehicle(self, vehicle_id: str) -> int:
        found = next((n for n, v in enumerate(self.layout.vehicles) if v.id == vehicle_id), None)
        if found is None:
            raise NotFound(f"no vehicle {vehicle_id} in this plan", "Use a vehicle of the day.")
        return found

    # Many stops -------------------------------------------------------------------------------------------------------

    def break_down(self, vehicle_id: str) -> Rescue:
        """The van serves nothing more; what is not locked goes where it costs least. For goods that others can bring:
        what is aboard stays with its van and is left."""
        v = self._vehicle(vehicle_id)
        had = self.route_of(vehicle_id)[len(self.layout.heads[v]) :]
        live.break_down(self.ground, self.state, v)
        on = {s: int(self.state.nodes[self._node[s], at.ROUTE]) for s in had}
        taken = {s: self.layout.vehicles[n].id for s, n in on.items() if n >= 0}
        return Rescue(taken, tuple(s for s in on if s not in taken))

    def polish(
        self, iterations: int, *, seed: int = 0, at_least_cents: int = 0, most_moved: int | None = None,
        warmth: float = COLD,
    ) -> Offer | None:  # fmt: skip
        """Look for a better plan on a copy, in which at most `most_moved` stops change their place; None when none is
        found that saves more than what moving its stops and `at_least_cents` cost. It holds no lock: others may ask
        meanwhile, what they change makes the offer stale."""
        state = State(*(array.copy() for array in self.state))
        state.rng[0] = seeded(seed)
        was, here = state.routes[:, at.COST].copy(), self._lists(state)
        anneal(self.ground, state, iterations, round(mean_leg(self.layout, state) * warmth))
        now = self._lists(state)
        self._link(state, now)
        costs = dict(zip(here, (was - state.routes[:, at.COST]).tolist(), strict=True))
        penalty = {s: int(self.ground.penalty[c]) for s, c in self._node.items()}
        move = self.problem.weights.stop_moved
        offer = within(apart(here, now, costs, penalty, SCALE), move, most_moved)
        return offer if offer is not None and offer.gain_cents - move * offer.moved >= at_least_cents else None

    def adopt(self, offer: Offer) -> None:
        """Drive the better plan."""
        here = self.routes
        there = {*self.absent, *(s for v in offer.before for s in here[v])}
        asked = {s for stops in offer.routes.values() for s in stops}
        if any(here[v] != stops for v, stops in offer.before.items()) or not asked <= there:
            raise WrongState("The plan has changed since the offer was made.", "Polish again.")
        self._link(self.state, here | offer.routes)
        nodes = self.state.nodes
        self._set_absent([c for c in self._node.values() if nodes[c, at.ROUTE] < 0])

    def _link(self, state: State, routes: Routes) -> None:
        """Put these lists into a state, timed."""
        nodes, stops, vans = state.nodes, len(self._stops), len(self.layout.vehicles)
        nodes[:stops, at.ROUTE] = -1
        for v, vehicle in enumerate(self.layout.vehicles):
            behind = [self._node[s] for s in routes[vehicle.id][len(self.layout.heads[v]) :]]
            for a, b in pairwise([stops + v, *behind, stops + vans + v]):
                nodes[a, at.NEXT] = b
        state.loads[:] = 0
        time_all(self.ground, state)

    def fork(self) -> Resident:
        """A plan of its own from here on, for a what-if that takes several steps."""
        twin = copy(self)
        twin.state = State(*(array.copy() for array in self.state))
        changed = ("stops", "windows", "spans", "loads", "vehicles", "allowed", "penalty", "near")
        twin.ground = self.ground._replace(**{name: getattr(self.ground, name).copy() for name in changed})
        # the tables of legs are shared, so no free node may be written to: a stop that comes has all compiled anew
        twin._stops, twin._node, twin._free = list(self._stops), dict(self._node), []
        twin._found = self._found.copy()
        return twin
