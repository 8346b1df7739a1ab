"""VROOM on the neutral problem, at its highest exploration level, with a thread a core and its own time limit."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import numpy as np
import vroom

from evals.vrp.found import Found
from evals.vrp.plain import refuse, window_of
from optimizer.problem import Problem, Stop
from optimizer.travel import Matrix

SUPPORTS = frozenset({"pairs"})
EXPLORATION = 5


def solve(problem: Problem, matrix: Matrix, seconds: float, seed: int) -> Found:
    """It takes no seed. A metre costs what a second does: its price is VROOM's of an hour."""
    refuse(problem, SUPPORTS)
    given = vroom.Input()
    given.set_durations_matrix("car", matrix.durations_s.astype(np.uint32))
    thens = {stop.after: stop for stop in problem.stops if stop.after is not None}
    number = {stop.id: n for n, stop in enumerate(problem.stops)}
    for stop in problem.stops:
        if stop.id in thens:
            then = thens[stop.id]
            both = (_end(stop, number[stop.id]), _end(then, number[then.id]))
            given.add_shipment(*both, amount=vroom.Amount(list(stop.pickup)))
        elif stop.after is None:
            given.add_job(
                vroom.Job(
                    number[stop.id], stop.location, default_service=stop.service_s,
                    delivery=vroom.Amount(list(stop.demand)), time_windows=[vroom.TimeWindow(*window_of(stop))],
                )
            )  # fmt: skip
    for n, van in enumerate(problem.vehicles):
        costs = vroom.VehicleCosts(fixed=1000 * van.fixed_cost, per_hour=3600 * van.cost_per_km)
        given.add_vehicle(
            vroom.Vehicle(
                n, start=van.start, end=van.end, capacity=list(van.capacity), costs=costs,
                time_window=vroom.TimeWindow(van.ready_s, van.shift_end_s),
            )
        )  # fmt: skip
    solution = given.solve(EXPLORATION, nb_threads=os.cpu_count() or 1, timeout=timedelta(seconds=seconds))
    return Found(_routes(problem, solution.to_dict()))


def _end(stop: Stop, number: int) -> vroom.ShipmentStep:
    windows = [vroom.TimeWindow(*window_of(stop))]
    return vroom.ShipmentStep(number, stop.location, default_service=stop.service_s, time_windows=windows)


def _routes(problem: Problem, solution: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    done = ("job", "pickup", "delivery")
    return {
        problem.vehicles[route["vehicle"]].id: tuple(
            problem.stops[step["id"]].id for step in route["steps"] if step["type"] in done
        )
        for route in solution["routes"]
    }
