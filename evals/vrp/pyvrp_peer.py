"""PyVRP on the neutral problem. Its costs are thousandths of a cent, so that a kilometre's price is whole a metre, less
the divisor that they all share: its penalties have a largest value, which large costs would make too small."""

from __future__ import annotations

from itertools import accumulate
from math import gcd

import numpy as np
from pyvrp import Client, Depot, Location, PenaltyParams, ProblemData, Result, Shipment, SolveParams, VehicleType
from pyvrp import solve as search
from pyvrp.stop import MaxRuntime

from evals.instances.instance import UNSERVED
from evals.vrp.found import Found, Unsupported
from evals.vrp.plain import alike, refuse, window_of
from optimizer.problem import Problem, Stop, Vehicle
from optimizer.travel import Matrix

SUPPORTS = frozenset({"pairs", "optional", "max_route_s"})
HIGHEST_PENALTY = 100_000
"""PyVRP's own, for a distance that costs 1"""


def solve(problem: Problem, matrix: Matrix, seconds: float, seed: int) -> Found:
    refuse(problem, SUPPORTS)
    model = _Model(problem, matrix)
    penalties = PenaltyParams(max_penalty=HIGHEST_PENALTY * model.dearest)
    params = SolveParams(penalty=penalties)
    result = search(model.data, MaxRuntime(seconds), seed=seed, collect_stats=True, display=False, params=params)
    return Found(model.routes(result), _trajectory(result, model.share))


class _Model:
    def __init__(self, problem: Problem, matrix: Matrix) -> None:
        thens = {stop.after: stop for stop in problem.stops if stop.after is not None}
        self.pairs = [(stop, thens[stop.id]) for stop in problem.stops if stop.id in thens]
        self.alone = [stop for stop in problem.stops if stop.id not in thens and stop.after is None]
        self.fleets = alike(problem)
        prices = [1000 * stop.drop_penalty for stop in problem.stops if stop.drop_penalty < UNSERVED]
        prices += [price for van, _ in self.fleets for price in (van.cost_per_km, 1000 * van.fixed_cost)]
        self.share = gcd(*prices)
        """thousandths of a cent in one unit of its cost"""
        self.dearest = max(van.cost_per_km for van, _ in self.fleets) // self.share
        rows = list(dict.fromkeys(vehicle.start for vehicle in problem.vehicles))
        at = {row: n for n, row in enumerate(rows)}
        table = matrix.durations_s.astype(np.int64)
        self.data = ProblemData(
            [Location(0, 0) for _ in range(matrix.size)],
            [_client(stop, self.share) for stop in self.alone],
            [Depot(row) for row in rows],
            [self._type(van, len(vans), at[van.start]) for van, vans in self.fleets],
            [matrix.distances_m.astype(np.int64)],
            [table],
            [],
            [_shipment(first, then) for first, then in self.pairs],
        )  # fmt: skip

    def _type(self, van: Vehicle, count: int, depot: int) -> VehicleType:
        more = {} if van.max_route_s is None else {"shift_duration": van.max_route_s}
        return VehicleType(
            count, list(van.capacity), depot, depot, 1000 * van.fixed_cost // self.share, van.ready_s, van.shift_end_s,
            unit_distance_cost=van.cost_per_km // self.share, **more,
        )  # fmt: skip

    def routes(self, result: Result) -> dict[str, tuple[str, ...]]:
        free = [list(vans) for _, vans in self.fleets]
        found = {}
        for route in result.best.routes():
            stops = []
            for step in route.schedule():
                if step.is_client():
                    stops.append(self.alone[step.idx].id)
                elif step.is_pickup() or step.is_delivery():
                    stops.append(self.pairs[step.idx][step.is_delivery()].id)
            found[free[route.vehicle_type()].pop(0)] = tuple(stops)
        return found


def _client(stop: Stop, share: int) -> Client:
    opens, closes = window_of(stop)
    required = stop.drop_penalty >= UNSERVED
    return Client(
        stop.location, list(stop.demand), list(stop.pickup), stop.service_s, opens, closes,
        prize=0 if required else 1000 * stop.drop_penalty // share, required=required,
    )  # fmt: skip


def _shipment(first: Stop, then: Stop) -> Shipment:
    if min(first.drop_penalty, then.drop_penalty) < UNSERVED:
        raise Unsupported("pairs that may be left out")
    return Shipment(
        first.location, then.location, *window_of(first), first.service_s, *window_of(then), then.service_s,
        list(first.pickup),
    )  # fmt: skip


def _trajectory(result: Result, share: int) -> tuple[tuple[float, int], ...]:
    """Each better plan that keeps every constraint."""
    found: list[tuple[float, int]] = []
    for at, step in zip(accumulate(result.stats.runtimes), result.stats.data, strict=True):
        cost = round(step.best_cost * share / 1000)
        if step.best_feas and (not found or cost < found[-1][1]):
            found.append((round(at, 3), cost))
    return tuple(found)
