"""OR-Tools as an engine: a routing model of the problem, searched by guided local search for a number of iterations.

One iteration is one neighbour tried. Counting those, not seconds, makes a plan reproducible: same inputs, same bytes,
on a busy machine too. What the search finds is timed and priced by `schedule`.

How the problem maps: the locked head of a route is driven first, so a van's model starts behind it. The clock of a van
starts when it is ready; driving and metres are arc costs, waiting is a slack cost, lateness a soft bound. A stop with
several windows is several nodes of which one is visited: a hole in a time range is invisible to the search's filters
and cost 30 times the time. With every start fixed the earliest schedule is the cheapest, so no LP is needed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from core.errors import BadInput
from optimizer.insertion import assemble, insert_all, without_breaches
from optimizer.problem import Frozen, Plan, Problem, Stop, Vehicle, may_carry
from optimizer.schedule import Schedule
from optimizer.travel import Matrix

ENGINE = "ortools"
DEFAULT_ITERATIONS = 1_500_000
"""about 10 s on one core for 300 stops with windows on 14 vans, 2 s for 221 stops without"""
BUDGET_STOPS = 300
"""up to so many stops the default holds; larger days get fewer iterations, since each of theirs takes longer"""
DEFAULT_TIME_LIMIT_S = 120.0
"""a safety stop far above what the iterations take; a plan that it ended can't be replayed to the byte"""

SCALE = 36_000
"""engine units a cent: makes cents an hour and cents a km whole numbers a second and a metre"""
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
    heads = {v.id: _head(schedule, v) for v in problem.vehicles}
    order = _order(problem, heads, seed)
    search = _Search(schedule, heads, iterations, time_limit_s, progress, cancelled)
    if order.tasks:
        search.run(_Model(schedule, matrix, heads, order), order.push)
    routes = insert_all(schedule, search.best)
    return assemble(schedule, matrix, routes, engine=ENGINE, iterations=search.iterations, stopped_by=search.stopped_by)


class _Head(NamedTuple):
    """The part of a van's route that is settled, and where and when the van is free after it."""

    stop_ids: tuple[str, ...]
    row: int
    free_s: int
    load: tuple[int, ...]


class _Task(NamedTuple):
    """One way to serve a stop: inside one of its windows."""

    stop: Stop
    window: tuple[int, int] | None


class _Order(NamedTuple):
    vehicles: tuple[Vehicle, ...]
    tasks: list[_Task]
    push: float


def _refuse_overflow(problem: Problem) -> None:
    prices = [s.drop_penalty for s in problem.stops] + [v.fixed_cost for v in problem.vehicles]
    prices += [rate for v in problem.vehicles for rate in (v.cost_per_hour, v.cost_per_km)]
    if max(prices, default=0) > LARGEST_CENTS:
        what = f"a price of {max(prices)} cents is too large to plan with"
        raise BadInput(what, f"Use at most {LARGEST_CENTS}.", field="cost")


def _order(problem: Problem, heads: dict[str, _Head], seed: int) -> _Order:
    settled = {stop_id for head in heads.values() for stop_id in head.stop_ids}
    on_duty = {v.id for v in problem.vehicles}
    stops = [s for s in problem.stops if s.id not in settled and (s.aboard is None or s.aboard in on_duty)]
    vehicles, push = list(problem.vehicles), PUSH
    if seed:
        draw = random.Random(seed)
        draw.shuffle(stops)
        draw.shuffle(vehicles)
        push = draw.uniform(PUSH / 2, PUSH * 2)
    tasks = [_Task(stop, window) for stop in stops for window in (stop.windows or (None,))]
    return _Order(tuple(vehicles), tasks if vehicles else [], push)


class _Model:
    """The OR-Tools model, and the way back from its nodes to stops."""

    def __init__(self, schedule: Schedule, matrix: Matrix, heads: dict[str, _Head], order: _Order) -> None:
        from ortools.constraint_solver import pywrapcp

        self.schedule, self.problem, self.heads = schedule, schedule.problem, heads
        self.vehicles, self.tasks = order.vehicles, order.tasks
        self.base_s = min(head.free_s for head in heads.values())
        # nodes: one a task, then one a place where routes start or end. Shared places make vans alike to the search
        starts, ends = [heads[v.id].row for v in self.vehicles], [v.end for v in self.vehicles]
        first = len(self.tasks)
        places: dict[int | None, int] = {row: first + i for i, row in enumerate(dict.fromkeys((*starts, *ends)))}
        self.rows: list[int | None] = [*(task.stop.location for task in self.tasks), *places]
        self.starts, self.ends = [places[row] for row in starts], [places[row] for row in ends]
        self.manager = pywrapcp.RoutingIndexManager(len(self.rows), len(starts), self.starts, self.ends)
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.seconds, self.metres = self._between(matrix.durations_s), self._between(matrix.distances_m)
        self.service = np.array([t.stop.service_s for t in self.tasks] + [0] * len(places), dtype=np.int64)
        self._add_costs()
        self._add_time()
        self._add_capacity()
        self._add_choices()

    def _between(self, table: Any) -> Any:
        """Figures between all nodes; a route without an end ends nowhere, which is near to everything."""
        rows = np.array([-1 if row is None else row for row in self.rows])
        found = table[np.ix_(rows, rows)].astype(np.int64)
        found[rows < 0, :] = 0
        found[:, rows < 0] = 0
        return found

    def _add_costs(self) -> None:
        rates: dict[tuple[int, int], int] = {}
        # where hours cost the same on every van, service time is the same everywhere: keep it out of the arcs
        alike = len({v.cost_per_hour for v in self.vehicles}) == 1
        paid = self.seconds if alike else self.seconds + self.service[:, None]
        for i, vehicle in enumerate(self.vehicles):
            rate = vehicle.cost_per_hour * SCALE // 3600, vehicle.cost_per_km * SCALE // 1000
            if rate not in rates:
                rates[rate] = self.routing.RegisterTransitMatrix((paid * rate[0] + self.metres * rate[1]).tolist())
            self.routing.SetArcCostEvaluatorOfVehicle(rates[rate], i)
            out_already = bool(self.heads[vehicle.id].stop_ids)
            self.routing.SetFixedCostOfVehicle(0 if out_already else vehicle.fixed_cost * SCALE, i)
            self.routing.SetVehicleUsedWhenEmpty(out_already, i)

    def _add_time(self) -> None:
        routing, base = self.routing, self.base_s
        ends = [max(v.shift_end_s, self._home_s(i)) - base for i, v in enumerate(self.vehicles)]
        transit = routing.RegisterTransitMatrix((self.seconds + self.service[:, None]).tolist())
        routing.AddDimension(transit, max(ends), max(ends), False, "time")
        clock = routing.GetDimensionOrDie("time")
        for i, vehicle in enumerate(self.vehicles):
            clock.CumulVar(routing.Start(i)).SetValue(self.heads[vehicle.id].free_s - base)
            clock.CumulVar(routing.End(i)).SetMax(ends[i])
            clock.SetSlackCostCoefficientForVehicle(vehicle.cost_per_hour * SCALE // 3600, i)
        late_second = self.problem.weights.late_minute * SCALE // 60
        for node, task in enumerate(self.tasks):
            index = self.manager.NodeToIndex(node)
            if task.stop.due_s is not None:
                clock.SetCumulVarSoftUpperBound(index, max(0, task.stop.due_s - base), late_second)
            if task.window is None:
                continue
            opens, closes = (max(0, edge - base) for edge in task.window)
            if task.window[1] < base or opens > max(ends):
                routing.ActiveVar(index).SetValue(0)
            else:
                clock.CumulVar(index).SetRange(opens, min(closes, max(ends)))

    def _home_s(self, i: int) -> int:
        """When a van is home if it does nothing more: a shift that is over already must not make the model void."""
        return self.heads[self.vehicles[i].id].free_s + int(self.seconds[self.starts[i], self.ends[i]])

    def _add_capacity(self) -> None:
        empty = [0] * (len(self.rows) - len(self.tasks))
        for d in range(max(len(v.capacity) for v in self.vehicles)):
            loads = [task.stop.demand[d] if d < len(task.stop.demand) else 0 for task in self.tasks]
            rooms = [
                max(0, v.capacity[d] - self.heads[v.id].load[d]) if d < len(v.capacity) else sum(loads)
                for v in self.vehicles
            ]
            self._add_limit(loads + empty, rooms, f"capacity{d}")
        if any(v.max_stops is not None for v in self.vehicles):
            rooms = [
                len(self.tasks) if v.max_stops is None else max(0, v.max_stops - len(self.heads[v.id].stop_ids))
                for v in self.vehicles
            ]
            self._add_limit([1] * len(self.tasks) + empty, rooms, "stops")

    def _add_limit(self, amounts: list[int], rooms: list[int], name: str) -> None:
        amount = self.routing.RegisterUnaryTransitVector(amounts)
        self.routing.AddDimensionWithVehicleCapacity(amount, 0, rooms, True, name)

    def _add_choices(self) -> None:
        """A stop is served by one of its nodes, or left out for its penalty."""
        number = {vehicle.id: i for i, vehicle in enumerate(self.vehicles)}
        nodes: dict[str, list[int]] = {}
        for node, task in enumerate(self.tasks):
            index = self.manager.NodeToIndex(node)
            nodes.setdefault(task.stop.id, []).append(index)
            allowed = [number[v.id] for v in self.vehicles if may_carry(v, task.stop)]
            if len(allowed) < len(number):
                # SetAllowedVehiclesForIndex takes no Python list in 9.15; -1 is on no van
                self.routing.VehicleVar(index).SetValues([-1, *allowed])
        for stop_id, indices in nodes.items():
            self.routing.AddDisjunction(indices, self.schedule.stops[stop_id].drop_penalty * SCALE)

    def routes(self) -> dict[str, tuple[str, ...]]:
        """The routes of the solution that the search is at."""
        found: dict[str, tuple[str, ...]] = {}
        for i, vehicle in enumerate(self.vehicles):
            stop_ids = list(self.heads[vehicle.id].stop_ids)
            index = self.routing.NextVar(self.routing.Start(i)).Value()
            while not self.routing.IsEnd(index):
                stop_ids.append(self.tasks[self.manager.IndexToNode(index)].stop.id)
                index = self.routing.NextVar(index).Value()
            found[vehicle.id] = tuple(stop_ids)
        return found

    def warm_start(self) -> Any:
        """The present routes, less what breaks them, as an assignment; None when there are none."""
        node = {(task.stop.id, task.window): i for i, task in enumerate(self.tasks)}
        lists: list[list[int]] = []
        for vehicle in self.vehicles:
            kept = without_breaches(self.schedule, vehicle, self.problem.routes.get(vehicle.id, ()))
            rows = self.schedule.timing(vehicle, kept).visits[len(self.heads[vehicle.id].stop_ids) :]
            tasks = [(s, _window_at(self.schedule.stops[s], start)) for s, _, start, _, _ in rows]
            lists.append([self.manager.NodeToIndex(node[task]) for task in tasks if task in node])
        return self.routing.ReadAssignmentFromRoutes(lists, True) if any(lists) else None


class _Search:
    """One run: counts iterations, keeps the best routes seen, stops when it is told to."""

    def __init__(
        self,
        schedule: Schedule,
        heads: dict[str, _Head],
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

    def run(self, model: _Model, push: float) -> None:
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

    def _at_solution(self, model: _Model) -> None:
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


def _head(schedule: Schedule, vehicle: Vehicle) -> _Head:
    stop_ids = schedule.problem.routes.get(vehicle.id, ())[: vehicle.locked]
    stops = [schedule.stops[stop_id] for stop_id in stop_ids]
    visits = schedule.timing(vehicle, stop_ids).visits
    return _Head(
        stop_ids=stop_ids,
        row=stops[-1].location if stops else vehicle.start,
        free_s=visits[-1][3] if visits else vehicle.ready_s,
        load=tuple(sum(stop.demand[d] for stop in stops if d < len(stop.demand)) for d in range(len(vehicle.capacity))),
    )


def _window_at(stop: Stop, start_s: int) -> tuple[int, int] | None:
    return next((window for window in stop.windows if window[0] <= start_s <= window[1]), None)
