"""The engines of the run, by name. Each takes the neutral problem and gives routes; a line here adds one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from evals.vrp.found import Found, Unsupported
from optimizer import ortools_engine
from optimizer import plan as planning
from optimizer.native.ground import unsupported
from optimizer.problem import Problem
from optimizer.travel import Matrix

Solve = Callable[[Problem, Matrix, float, int], Found]
"""(problem, matrix, seconds, seed). Raises Unsupported."""
ENDLESS = 10**12


def ortools(problem: Problem, matrix: Matrix, seconds: float, seed: int) -> Found:
    """OR-Tools through our own model."""
    steps: list[tuple[float, int]] = []
    plan = ortools_engine.solve(
        problem, matrix, seed=seed, iterations=ENDLESS, time_limit_s=seconds,
        progress=lambda step: steps.append((step.at_s, step.cost)),
    )  # fmt: skip
    return Found({route.vehicle_id: route.stop_ids for route in plan.routes}, tuple(steps))


def native(problem: Problem, matrix: Matrix, seconds: float, seed: int) -> Found:
    """Our own engine of compiled kernels."""
    missing = unsupported(problem)
    if missing:
        raise Unsupported(", ".join(missing))
    steps: list[tuple[float, int]] = []
    plan = planning.solve(
        problem, matrix, engine="native", seed=seed, time_limit_s=seconds,
        progress=lambda step: steps.append((step.at_s, step.cost)),
    )  # fmt: skip
    return Found({route.vehicle_id: route.stop_ids for route in plan.routes}, tuple(steps))


def _peer(module: str) -> Solve:
    """A peer's package is only there in the bench group, so it is imported when it is asked."""

    def solve(problem: Problem, matrix: Matrix, seconds: float, seed: int) -> Found:
        found: Found = import_module(f"evals.vrp.{module}").solve(problem, matrix, seconds, seed)
        return found

    return solve


ENGINES: dict[str, Solve] = {
    "ortools": ortools,
    "native": native,
    "pyvrp": _peer("pyvrp_peer"),
    "vroom": _peer("vroom_peer"),
}
SEEDLESS = frozenset({"vroom"})
"""draw no random numbers: one run with a thread a core"""
