"""The engine: a first plan by insertion, then ruin and recreate under simulated annealing.

Counting iterations, not seconds, makes a plan reproducible: same problem, seed and iterations, same plan, on a busy
machine too. Without a number of iterations the search cools over the time it is given. What it finds is timed and
priced by `schedule`, and what breaks something there is put elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from optimizer.insertion import assemble, insert_all, without_breaches
from optimizer.native import layout as at
from optimizer.native.chance import seeded
from optimizer.native.ground import Layout, fill_neighbours, lay_out, routes_of, start
from optimizer.native.layout import SCALE, State
from optimizer.native.search import anneal, fill
from optimizer.native.search import lay_out as time_all
from optimizer.ortools_engine import Progress
from optimizer.problem import Plan, Problem
from optimizer.schedule import Schedule
from optimizer.travel import Matrix

ENGINE = "native"
DEFAULT_TIME_LIMIT_S = 120.0
HOT, COLD = 1.2, 0.015
"""the first and the last temperature, in mean legs of the first plan"""
HOT_A_STOP, HOTTEST = 0.07, 3.0
"""the first one for routes of more stops: on ten stops a route 1 to 1.5 was best, on forty 3 or more"""
COOLINGS = 2000
"""steps from hot to cold"""
CHUNK_S = 0.05
"""how long the kernel runs before it is asked for progress and told to stop"""


def solve(
    problem: Problem,
    matrix: Matrix,
    *,
    seed: int = 0,
    iterations: int | None = None,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plan:
    """A plan, from the present routes when there are any, else from scratch."""
    return planned_by(Search, ENGINE, problem, matrix, seed, iterations, time_limit_s, progress, cancelled)


def planned_by(kind: type[Search], engine: str, problem: Problem, matrix: Matrix, *asked: Any) -> Plan:
    """The plan that this kind of search finds, as it was asked."""
    began, schedule = time.monotonic(), Schedule(problem, matrix)
    if not problem.stops or not problem.vehicles:
        return assemble(schedule, matrix, {}, engine=engine, iterations=0, stopped_by="optimal")
    layout = lay_out(schedule, matrix)
    search = kind(schedule, layout, began, *asked)
    search.run()
    best = routes_of(search.layout, search.state.best_next)
    routes = insert_all(schedule, {v.id: without_breaches(schedule, v, best[v.id]) for v in problem.vehicles})
    return assemble(schedule, matrix, routes, engine=engine, iterations=search.iterations, stopped_by=search.stopped_by)


def mean_leg(layout: Layout, state: State) -> int:
    """Units that a leg costs on average: what temperatures are reckoned in."""
    nodes = state.nodes[: len(layout.stops)]
    legs = nodes[nodes[:, at.ROUTE] >= 0].astype(np.int64)
    if not len(legs):
        return SCALE
    prices = layout.ground.vehicles[legs[:, at.ROUTE]]
    cost = (prices[:, at.HOUR] + prices[:, at.DRIVE]) * legs[:, at.LEG_S] + prices[:, at.KM] * legs[:, at.LEG_M]
    return max(1, int(cost.mean()))


class Search:
    """One run: cools, counts iterations, tells what it has found, stops when it is told to."""

    def __init__(
        self,
        schedule: Schedule,
        layout: Layout,
        began: float,
        seed: int,
        limit: int | None,
        time_limit_s: float,
        progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self.schedule, self.layout, self.seed, self.limit = schedule, layout, seed, limit
        self.time_limit_s, self.progress, self.cancelled = time_limit_s, progress, cancelled
        self.iterations, self.stopped_by = 0, ""
        self.began, self.told = began, at.NEVER
        self.state: State

    def run(self) -> None:
        problem, layout = self.schedule.problem, self.layout
        warm = {v.id: without_breaches(self.schedule, v, problem.routes.get(v.id, ())) for v in problem.vehicles}
        self.state = start(layout, warm)
        self.state.rng[0] = seeded(self.seed)
        time_all(layout.ground, self.state)
        self._order_absent()
        fill(layout.ground, self.state)
        self._tell()
        if not layout.stops:
            self.stopped_by = "optimal"
            return
        fill_neighbours(layout.ground)
        self._cool()

    def _order_absent(self) -> None:
        """Dear ones first, then those that close soonest."""
        state, ground = self.state, self.layout.ground
        absent = state.absent[: int(state.numbers[at.ABSENT])]
        order = np.lexsort((absent, ground.stops[absent, 1], -ground.penalty[absent]))
        absent[:] = absent[order]

    def _cool(self) -> None:
        leg, hot = mean_leg(self.layout, self.state), self._hot()
        chunk = 100
        while not self.stopped_by:
            done = self._share()
            temperature = round(leg * hot * (COLD / hot) ** done)
            count = chunk if self.limit is None else self._step(self.limit)
            began = time.monotonic()
            self._anneal(count, temperature)
            self.iterations += count
            self._after(self._share())
            if self.limit is None:
                chunk = max(1, min(chunk * 2, int(chunk * CHUNK_S / max(time.monotonic() - began, 1e-6))))
            self._tell()
            self._look()

    def _anneal(self, count: int, temperature: int) -> None:
        anneal(self.layout.ground, self.state, count, temperature)

    def _after(self, share: float) -> None:
        """What is done between two temperatures, with so much of the search behind."""

    def _hot(self) -> float:
        """A route of many stops is given up for another one only at a higher price."""
        counts = self.state.routes[:, at.COUNT]
        used = counts[counts > 0]
        return min(HOTTEST, max(HOT, HOT_A_STOP * float(used.mean()))) if len(used) else HOT

    def _share(self) -> float:
        """How much of the search lies behind, from 0 to 1; by iterations in steps that time can't move."""
        if self.limit is None:
            return min(1.0, (time.monotonic() - self.began) / self.time_limit_s)
        return self.iterations * COOLINGS // self.limit / COOLINGS if self.limit else 1.0

    def _step(self, limit: int) -> int:
        """Iterations to the next temperature."""
        step = self.iterations * COOLINGS // limit + 1
        return max(1, min(limit, -(-step * limit // COOLINGS)) - self.iterations)

    def _look(self) -> None:
        if self.limit is not None and self.iterations >= self.limit:
            self.stopped_by = "iterations"
        elif time.monotonic() - self.began >= self.time_limit_s:
            self.stopped_by = "time"
        elif self.cancelled is not None and self.cancelled():
            self.stopped_by = "cancelled"

    def _tell(self) -> None:
        best = int(self.state.numbers[at.BEST])
        if self.progress is None or best >= self.told:
            return
        self.told = best
        routes = routes_of(self.layout, self.state.best_next)
        planned = {stop_id for stop_ids in routes.values() for stop_id in stop_ids}
        cost = sum(self.schedule.cost(v, routes[v.id]) for v in self.layout.vehicles)
        cost += sum(s.drop_penalty for s in self.schedule.problem.stops if s.id not in planned)
        at_s = round(time.monotonic() - self.began, 3)
        self.progress(Progress(at_s=at_s, cost=cost, iterations=self.iterations, stops_planned=len(planned)))
