"""Which engine plans. Everybody who wants a plan asks here, and what a plan was made by is replayed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

from core.errors import BadInput
from optimizer import ortools_engine
from optimizer.ortools_engine import Progress
from optimizer.problem import Plan, Problem
from optimizer.travel import Matrix

Engine = Literal["auto", "native", "combined", "ortools"]
"""`combined`: two searches of our own, and OR-Tools over the routes of both; `auto`: our own, for a problem that it
supports, else OR-Tools"""
OWN: tuple[Engine, ...] = ("native", "combined")

DAY_ENGINE: Engine = "auto"
"""what plans a depot's day when nobody says otherwise"""
NATIVE_ITERATIONS = 2_000
"""a stop, for our own engine when nobody says how many"""
ENDLESS = 10**12
"""iterations of OR-Tools, when it is the time that is limited"""
FEWEST, MOST = 20_000, 2_000_000
"""iterations of our own engine: a small day is not over before it has looked around, a large one is within minutes"""


def budget(stops: int, engine: Engine = DAY_ENGINE) -> int:
    """Iterations for a day of so many stops when nobody says how many. `auto` counts as our own engine."""
    if engine == "ortools":
        return ortools_engine.budget(stops)
    return min(max(FEWEST, NATIVE_ITERATIONS * stops), MOST)


def named(name: str) -> Engine:
    """The engine of this name."""
    for engine in get_args(Engine):
        if engine == name:
            return engine  # type: ignore[no-any-return]
    raise BadInput(f"There is no engine {name!r}.", f"Use {', '.join(get_args(Engine))}.", field="engine")


def chosen(problem: Problem, matrix: Matrix, engine: Engine) -> Engine:
    """The engine that plans this problem: never `auto`. Raises BadInput when our own one is asked for something that it
    has no word for."""
    if engine == "ortools":
        return engine
    from optimizer.native.ground import EMPTY, unsupported

    tolled = any(matrix.of(v.profile).tolls is not None and v.max_distance_m is not None for v in problem.vehicles)
    odd = [*unsupported(problem), *(["a price of each leg and a limit on distance"] if tolled else [])]
    if engine in OWN and odd not in ([], [EMPTY]):
        what = f"The {engine} engine can't plan with {', '.join(odd)}."
        raise BadInput(what, "Use auto or ortools.", field="engine")
    if engine == "auto":
        return "ortools" if odd else "native"
    return engine


def solve(
    problem: Problem,
    matrix: Matrix,
    *,
    engine: Engine = DAY_ENGINE,
    seed: int = 0,
    iterations: int | None = None,
    time_limit_s: float | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plan:
    """A plan by the engine that is asked for; `Plan.engine` says which one it was. Without iterations as many as suit
    the problem's size, or, when only the time is limited, as many as fit into it."""
    limits: dict[str, Any] = {"seed": seed, "progress": progress, "cancelled": cancelled}
    name = chosen(problem, matrix, engine)
    if iterations is None and time_limit_s is None:
        iterations = budget(len(problem.stops), name)
    if name in OWN:
        from optimizer.native import combined  # compiled code: loaded when it is used, as OR-Tools is
        from optimizer.native import engine as native

        seconds = native.DEFAULT_TIME_LIMIT_S if time_limit_s is None else time_limit_s
        own = combined.solve if name == "combined" else native.solve
        return own(problem, matrix, iterations=iterations, time_limit_s=seconds, **limits)
    seconds = ortools_engine.DEFAULT_TIME_LIMIT_S if time_limit_s is None else time_limit_s
    most = ENDLESS if iterations is None else iterations
    return ortools_engine.solve(problem, matrix, iterations=most, time_limit_s=seconds, **limits)
