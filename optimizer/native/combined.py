"""The native search on two cores, and OR-Tools over what it has seen: `--engine combined`.

The routes are split into two halves that lie apart, each is annealed on a core of its own, and a moment later they are
put together and split along another line: one search with twice the iterations, at one temperature. Out of all routes
that it had, CP-SAT puts together the cheapest plan at the end. By iterations all of it is reproducible.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from optimizer.native import layout as at
from optimizer.native.chance import seeded
from optimizer.native.engine import DEFAULT_TIME_LIMIT_S, Search, planned_by
from optimizer.native.ground import start
from optimizer.native.layout import Ground, State
from optimizer.native.search import anneal
from optimizer.native.search import lay_out as time_all
from optimizer.ortools_engine import Progress
from optimizer.problem import Plan, Problem
from optimizer.recombine import Seen, partition
from optimizer.travel import Matrix

ENGINE = "combined"
HALVES = 2
PERIODS = 100
"""splits in a search"""
ROUTES = 6_000
"""the latest routes seen that CP-SAT chooses from: more took longer and gave no more"""
LATE = 0.5
"""share of the search before which routes are not worth keeping"""
RESERVE, MOST_RESERVE_S = 0.05, 3.0
"""share of the time that is left to CP-SAT, and seconds at most"""
EFFORT, EFFORT_ITERATIONS = 1.0, 2_000_000
"""deterministic seconds of CP-SAT after so many iterations; less after less"""
COARSE = 36
"""units in one of CP-SAT's: a thousandth of a cent"""


def solve(
    problem: Problem,
    matrix: Matrix,
    *,
    seed: int = 0,
    iterations: int | None = None,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    recombine: bool = True,
) -> Plan:
    """As the native engine's; iterations are those of both halves together. `recombine`: see what CP-SAT adds."""
    kind = Team if recombine else Halves
    return planned_by(kind, ENGINE, problem, matrix, seed, iterations, time_limit_s, progress, cancelled)


class Half(NamedTuple):
    ground: Ground
    """vehicles of the other half may have no stops in it"""
    state: State
    vehicles: frozenset[int]


class Halves(Search):
    """One search on two cores. `state` is the whole as it was when it was last put together, with the best plan."""

    def _cool(self) -> None:
        self.drawn, self.period = random.Random(self.seed), 0
        self.rngs = [seeded(self.seed + n * 1_000_003) for n in range(HALVES)]
        self._split()
        with ThreadPoolExecutor(HALVES) as self.threads:
            super()._cool()
        self._join()

    def _anneal(self, count: int, temperature: int) -> None:
        each = -(-count // HALVES)
        running = [self.threads.submit(anneal, half.ground, half.state, each, temperature) for half in self.halves]
        for run in running:
            run.result()

    def _after(self, share: float) -> None:
        if int(share * PERIODS) > self.period:
            self.period = int(share * PERIODS)
            self._join()
            self._split()

    # Halves -----------------------------------------------------------------------------------------------------------

    def _split(self) -> None:
        """Routes by how much nearer they lie to one stop, drawn anew each time, than to another."""
        stops, vans, ground = len(self.layout.stops), len(self.layout.vehicles), self.layout.ground
        a, b = self.drawn.randrange(stops), self.drawn.randrange(stops)
        nearer = ground.out[a, :stops, 0].astype(np.int64) - ground.out[b, :stops, 0]
        routes = self._routes(self.state, self.state.nodes[:, at.NEXT].tolist())
        routes.sort(key=lambda item: (float(nearer[list(item[1].stops)].mean()), item[0]))
        used = {v for v, _ in routes}
        own: tuple[set[int], set[int]] = (set(), set())
        served = sum(len(route.stops) for _, route in routes)
        before, edge = 0, 0.0
        for v, route in routes:
            own[2 * before >= served].add(v)
            edge = float(nearer[list(route.stops)].mean()) if 2 * before < served else edge
            before += len(route.stops)
        idle = [v for v in range(vans) if v not in used]
        self.drawn.shuffle(idle)
        absent = self.state.absent[: int(self.state.numbers[at.ABSENT])].tolist()
        apart = ([c for c in absent if nearer[c] <= edge], [c for c in absent if nearer[c] > edge])
        links = self.state.nodes[:, at.NEXT].tolist()
        self.halves = [
            self._half(n, frozenset(own[n]) | frozenset(idle[n::HALVES]), apart[n], links) for n in range(HALVES)
        ]

    def _half(self, n: int, vehicles: frozenset[int], absent: list[int], links: list[int]) -> Half:
        ground = self.layout.ground
        table = ground.vehicles.copy()
        table[[v for v in range(len(table)) if v not in vehicles], at.MOST] = 0
        state = self._state_of(self._chains(links, vehicles))
        numbers = state.numbers
        numbers[at.TOTAL] += sum(int(ground.penalty[c]) for c in absent)
        numbers[at.TOTAL] -= sum(int(ground.penalty[c]) for c in state.absent[: int(numbers[at.ABSENT])].tolist())
        state.absent[: len(absent)], numbers[at.ABSENT], numbers[at.BEST] = absent, len(absent), numbers[at.TOTAL]
        state.rng[0] = self.rngs[n]
        return Half(ground._replace(vehicles=table), state, vehicles)

    def _join(self) -> None:
        """The whole again: where the halves are, and the best that they have found."""
        links = [half.state.nodes[:, at.NEXT].tolist() for half in self.halves]
        bests = [half.state.best_next.tolist() for half in self.halves]
        self.rngs = [int(half.state.rng[0]) for half in self.halves]
        whole, best = (self._state_of(self._together(each)) for each in (links, bests))
        self._seen(whole, best)
        for better in (best, self.state):
            if better.numbers[at.BEST] < whole.numbers[at.BEST]:
                whole.numbers[at.BEST], whole.best_next[:] = better.numbers[at.BEST], better.best_next
        self.state = whole

    def _seen(self, whole: State, best: State) -> None:
        """Two plans that the search has had."""

    # Links ------------------------------------------------------------------------------------------------------------

    def _empty(self) -> list[int]:
        stops, vans = len(self.layout.stops), len(self.layout.vehicles)
        ends = range(stops + vans, stops + 2 * vans)
        return [*range(stops), *ends, *ends]

    def _chains(self, links: list[int], vehicles: Iterable[int]) -> list[int]:
        """The links of some vehicles alone."""
        found, stops = self._empty(), len(self.layout.stops)
        for v in vehicles:
            x = stops + v
            while x < stops or x == stops + v:
                found[x] = links[x]
                x = links[x]
        return found

    def _together(self, links: list[list[int]]) -> list[int]:
        found, stops = self._empty(), len(self.layout.stops)
        for half, own in zip(self.halves, links, strict=True):
            for v in half.vehicles:
                x = stops + v
                while x < stops or x == stops + v:
                    found[x] = own[x]
                    x = own[x]
        return found

    def _state_of(self, links: list[int]) -> State:
        """A state that stands at these links."""
        state = start(self.layout, {})
        state.nodes[:, at.NEXT] = links
        time_all(self.layout.ground, state)
        return state

    def _routes(self, state: State, links: list[int]) -> list[tuple[int, Seen]]:
        """(vehicle, route) of all that have stops, with their costs in the state."""
        stops, found = len(self.layout.stops), []
        for v in range(len(self.layout.vehicles)):
            route, x = [], links[stops + v]
            while x < stops:
                route.append(x)
                x = links[x]
            if route:
                sort = int(self.layout.ground.vehicles[v, at.SORT])
                found.append((v, Seen(sort, tuple(route), int(state.routes[v, at.COST]) // COARSE)))
        return found


class Team(Halves):
    """The same, and CP-SAT over all routes that it has seen."""

    def _cool(self) -> None:
        self.seen: dict[tuple[int, frozenset[int]], Seen] = {}
        self.reserve_s = min(MOST_RESERVE_S, RESERVE * self.time_limit_s) if self.limit is None else None
        self.time_limit_s -= self.reserve_s or 0.0
        super()._cool()
        if self.stopped_by != "cancelled":
            self._recombine()

    def _seen(self, whole: State, best: State) -> None:
        if self._share() >= LATE:
            self._note(whole)
            self._note(best)

    def _note(self, state: State) -> None:
        """Keep its routes; the latest ones last."""
        for _, route in self._routes(state, state.nodes[:, at.NEXT].tolist()):
            key = route.sort, frozenset(route.stops)
            known = self.seen.pop(key, route)
            self.seen[key] = min(known, route, key=lambda each: each.cost)

    def _recombine(self) -> None:
        """The cheapest plan of all routes seen, if it is better than the best one."""
        ground = self.layout.ground
        best = self._state_of(self.state.best_next.tolist())
        self._note(best)
        seen = list(self.seen.values())[-ROUTES:]
        place = {(route.sort, frozenset(route.stops)): n for n, route in enumerate(seen)}
        known = [place[route.sort, frozenset(route.stops)] for _, route in self._routes(best, best.best_next.tolist())]
        penalties = {c: int(ground.penalty[c]) // COARSE if ground.role[c] != at.SECOND else 0
                     for c in range(len(self.layout.stops))}  # fmt: skip
        effort = EFFORT * min(1.0, self.iterations / EFFORT_ITERATIONS)
        chosen = partition(seen, penalties, [int(count) for _, count in ground.sorts], known, effort, self.reserve_s)
        if chosen is None:
            return
        better = self._state_of(self._driven([seen[n] for n in chosen]))
        if better.numbers[at.BEST] < best.numbers[at.BEST]:
            self.state = better
            self._tell()

    def _driven(self, routes: list[Seen]) -> list[int]:
        """The links of these routes, each on a vehicle of its sort."""
        ground, stops, links = self.layout.ground, len(self.layout.stops), self._empty()
        taken = [0] * len(ground.sorts)
        for route in routes:
            v = int(ground.by_sort[ground.sorts[route.sort, 0] + taken[route.sort]])
            taken[route.sort] += 1
            end, before = links[stops + v], stops + v
            for x in route.stops:
                links[before], before = x, x
            links[before] = end
        return links
