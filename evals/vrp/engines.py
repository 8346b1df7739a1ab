"""The engines of the run, by name. Each takes the neutral problem and gives routes; a line here adds one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module

from evals.vrp.found import Found, Unsupported
from optimizer import ortools_engine
from optimizer.native import combined as combined_engine
from optimizer.native import engine as native_engine
from optimizer.native.ground import unsupported
from optimizer.problem import Plan, Problem
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
    """Our own engine of compiled kernels, on one core."""
    return _own(native_engine.solve, problem, matrix, seconds, seed)


def halves(problem: Problem, matrix: Matrix, seconds: float, seed: int) -> Found:
    """The same on two cores, each with a half of the routes."""
    return _own(partial(combined_engine.solve, recombine=False), problem, matrix, seconds, seed)


def combined(problem: Problem, matrix: Matrix, seconds: float, seed: int) -> Found:
    """The same, and CP-SAT over the routes that it has seen."""
    return _own(combined_engine.solve, problem, matrix, seconds, seed)


def _own(solve: Callable[..., Plan], problem: Problem, matrix: Matrix, seconds: float, seed: int) -> Found:
    missing = unsupported(problem)
    if missing:
        raise Unsupported(", ".join(missing))
    steps: list[tuple[float, int]] = []
    plan = solve(
        problem, matrix, seed=seed, time_limit_s=seconds, progress=lambda step: steps.append((step.at_s, step.cost))
    )
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
    "halves": halves,
    "combined": combined,
    "pyvrp": _peer("pyvrp_peer"),
    "vroom": _peer("vroom_peer"),
}
SEEDLESS = frozenset({"vroom"})
"""draw no random numbers: one run"""
EVERY_CORE = frozenset({"vroom", "halves", "combined"})
"""have a thread a core: one run at a time"""
