"""OR-Tools as an engine: a routing model of the problem, searched by guided local search for a number of iterations.

One iteration is one neighbour tried. Counting those, not seconds, makes a plan reproducible: same inputs, same bytes,
on a busy machine too. What the search finds is timed and priced by `schedule`.

How the problem maps is in `ortools_model`. With every start fixed the earliest schedule is the cheapest, so no LP is
needed; what the model only approximates (breaks) may not hold, so stops are taken out and put back where they fit.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from core.errors import BadInput
from optimizer.insertion import assemble, insert_all, without_breaches
from optimizer.ortools_model import Head, Model, Order, Task, head_of
from optimizer.problem import Frozen, Plan, Problem
from optimizer.schedule import Schedule
from optimizer.travel import Matrix

ENGINE = "ortools"
DEFAULT_ITERATIONS = 1_500_000
"""about 10 s on one core for 300 stops with windows on 14 vans, 2 s for 221 stops without"""
BUDGET_STOPS = 300
"""up to so many stops the default holds; larger days get fewer iterations, since each of theirs takes longer"""
DEFAULT_TIME_LIMIT_S = 120.0
"""a safety stop far above what the iterations take; a plan that it ended can't be replayed to the byte"""

LARGEST_CENTS = 10**9
"""a price above this could overflow 64 bits once scaled and summed over thousands of stops"""
PUSH = 0.1
"""share of the mean arc cost that a worn-out arc is made dearer by (guided local search's lambda)"""
ONE_VAN_MOVES = (
    "use_global_cheapest_insertion_close_nodes_lns",
    "use_local_cheapest_insertion_close_nodes_lns",
    "use_global_cheapest_insertion_expensive_chain_lns",
    "use_local_cheapest_insertion_expensive_chain_lns",
)
LOOK_EVERY = 256
"""iterations between two looks at the clock and at `cancelled`"""


def budget(stops: int) -> int:
    """Iterations for a day of so many stops when nobody says how many: an iteration took 7 us at 300 stops, 53 us at
    960 and 190 us at 1,300 (two depots on two cores), so that a day of any size is planned within a minute or so."""
    return int(DEFAULT_ITERATIONS * (BUDGET_STOPS / max(BUDGET_STOPS, stops)) ** 1.5)


class Progress(Frozen):
    at_s: float
    cost: int
    """as `Plan.cost`"""
    iterations: int
    stops_planned: int


def solve(
    problem: Problem,
    matrix: Matrix,
    *,
    seed: int = 0,
    iterations: int = DEFAULT_ITERATIONS,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plan:
    """A plan, from the present routes when there are any, else from scratch.

    OR-Tools draws no random numbers. Seed 0 takes the problem as it is; any other seed orders it differently and
    changes how hard the search pushes out of a local optimum.
    """
    _refuse_overflow(problem)
    schedule = Schedule(problem, matrix)
    heads = {v.id: head_of(schedule, v) for v in problem.vehicles}
    order = _order(problem, heads, seed)
    search = _Search(schedule, heads, iterations, time_limit_s, progress, cancelled)
    if order.tasks:
        search.run(Model(schedule, matrix, heads, order), order.push)
    routes = insert_all(schedule, {v.id: without_breaches(schedule, v, search.best[v.id]) for v in problem.vehicles})
    return assemble(schedule, matrix, routes, engine=ENGINE, iterations=search.iterations, stopped_by=search.stopped_by)


def _refuse_overflow(problem: Problem) -> None:
    prices = [s.drop_penalty for s in problem.stops] + [v.fixed_cost for v in problem.vehicles]
    for v in problem.vehicles:
        prices += [v.cost_per_hour, v.cost_per_km, v.cost_per_driving_hour, v.cost_per_task_hour]
    if max(prices, default=0) > LARGEST_CENTS:
        what = f"a price of {max(prices)} cents is too large to plan with"
        raise BadInput(what, f"Use at most {LARGEST_CENTS}.", field="cost")


def _order(problem: Problem, heads: dict[str, Head], seed: int) -> Order:
    settled = {stop_id for head in heads.values() for stop_id in head.stop_ids}
    on_duty = {v.id for v in problem.vehicles}
    stops = [s for s in problem.stops if s.id not in settled and (s.aboard is None or s.aboard in on_duty)]
    vehicles, push = list(problem.vehicles), PUSH
    if seed:
        draw = random.Random(seed)
        draw.shuffle(stops)
        draw.shuffle(vehicles)
        push = draw.uniform(PUSH / 2, PUSH * 2)
    tasks = [Task(stop, window) for stop in stops for window in (stop.windows or (None,))]
    return Order(tuple(vehicles), tasks if vehicles else [], push)


class _Search:
    """One run: counts iterations, keeps the best routes seen, stops when it is told to."""

    def __init__(
        self,
        schedule: Schedule,
        heads: dict[str, Head],
        limit: int,
        time_limit_s: float,
        progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self.schedule, self.limit, self.time_limit_s = schedule, limit, time_limit_s
        self.progress, self.cancelled = progress, cancelled
        self.iterations, self.stopped_by = 0, "optimal"
        self.best: dict[str, tuple[str, ...]] = {vehicle_id: head.stop_ids for vehicle_id, head in heads.items()}
        self.best_objective: int | None = None
        self.error: Exception | None = None
        self.began = time.monotonic()

    def run(self, model: Model, push: float) -> None:
        parameters = _parameters(self.time_limit_s, push, alone=len(model.vehicles) == 1)
        model.routing.CloseModelWithParameters(parameters)
        solver = model.routing.solver()
        model.routing.AddSearchMonitor(solver.CustomLimit(self._is_over))
        model.routing.AddAtSolutionCallback(lambda: self._at_solution(model))
        warm = model.warm_start()
        if warm is None:
            model.routing.SolveWithParameters(parameters)
        else:
            model.routing.SolveFromAssignmentWithParameters(warm, parameters)
        if self.error is not None:
            raise self.error
        if self.stopped_by == "optimal" and self._elapsed_s() >= self.time_limit_s:
            self.stopped_by = "time"

    def _elapsed_s(self) -> float:
        return time.monotonic() - self.began

    def _is_over(self) -> bool:
        if self.stopped_by != "optimal":
            return True
        if self.iterations >= self.limit:
            self.stopped_by = "iterations"
            return True
        self.iterations += 1
        if self.iterations % LOOK_EVERY == 0:
            if self._elapsed_s() >= self.time_limit_s:
                self.stopped_by = "time"
            elif self.cancelled is not None and self.cancelled():
                self.stopped_by = "cancelled"
        return self.stopped_by != "optimal"

    def _at_solution(self, model: Model) -> None:
        objective = model.routing.CostVar().Min()
        if self.best_objective is not None and objective >= self.best_objective:
            return
        self.best_objective, self.best = objective, model.routes()
        if self.progress is not None:
            try:
                self.progress(self._report())
            except Exception as error:  # an exception can't cross the engine's C++ frames: it is raised after them
                self.error, self.stopped_by = error, "cancelled"

    def _report(self) -> Progress:
        planned = {stop_id for stop_ids in self.best.values() for stop_id in stop_ids}
        cost = sum(self.schedule.cost(v, self.best[v.id]) for v in self.schedule.problem.vehicles)
        cost += sum(s.drop_penalty for s in self.schedule.problem.stops if s.id not in planned)
        at_s = round(self._elapsed_s(), 3)
        return Progress(at_s=at_s, cost=cost, iterations=self.iterations, stops_planned=len(planned))


def _parameters(time_limit_s: float, push: float, alone: bool) -> Any:
    """A fleet starts from parallel insertion. One van alone starts from savings and also tears out and puts back
    neighbourhoods: 2 % less on ten driven routes, while on fleets it took the time of other moves."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2
    from ortools.util.optional_boolean_pb2 import BOOL_TRUE

    parameters = pywrapcp.DefaultRoutingSearchParameters()
    starts = routing_enums_pb2.FirstSolutionStrategy
    parameters.first_solution_strategy = starts.SAVINGS if alone else starts.PARALLEL_CHEAPEST_INSERTION
    for move in ONE_VAN_MOVES if alone else ():
        setattr(parameters.local_search_operators, move, BOOL_TRUE)
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.guided_local_search_lambda_coefficient = push
    parameters.disable_scheduling_beware_this_may_degrade_performance = True
    parameters.time_limit.FromMilliseconds(max(1, round(time_limit_s * 1000)))
    return parameters
