"""VROOM's problem format in, its solution format out: `doorstep optimize`, `POST /api/optimize`. docs/optimize.md says
what is served and how errors look; what each key means is in VROOM's API.md.

A van leaves as late as it can, as VROOM's does; a break whose time comes after the route is over is left out.
"""

from __future__ import annotations

import time
from typing import Any

from api.vroom import routes
from api.vroom.given import read
from api.vroom.question import Question
from api.vroom.solution import written
from core.errors import DoorstepError
from optimizer import plan as planning
from optimizer.ortools_engine import DEFAULT_ITERATIONS
from optimizer.reasons import REASONS

INTERNAL_ERROR, INPUT_ERROR, ROUTING_ERROR = 1, 2, 3
ITERATIONS_A_JOB = 5_000
LEAST_S = 0.05
"""search that is left when reading took all the time"""


def optimize(
    content: bytes,
    *,
    seed: int = 0,
    time_limit_s: float | None = None,
    times_only: bool = False,
    engine: planning.Engine = "auto",
) -> dict[str, Any]:
    """Solve a problem; with `times_only` choose times for the routes that its `steps` describe. The time limit counts
    from here on, reading included. Without one the same input and seed give the same solution."""
    began = time.monotonic()
    try:
        question = Question(read(content))
        if times_only:
            return written(question, routes.of_steps(question), {})
        problem, matrix = question.problem, question.matrix
        chosen = planning.chosen(problem, matrix, engine)
        left_s = None if time_limit_s is None else max(LEAST_S, time_limit_s - (time.monotonic() - began))
        most = _iterations(len(problem.stops), chosen) if left_s is None else None
        plan = planning.solve(problem, matrix, engine=chosen, seed=seed, iterations=most, time_limit_s=left_s)
        reasons = {each.stop_id: REASONS[each.reason] for each in plan.unassigned}
        return written(question, routes.of_plan(question, plan), reasons)
    except DoorstepError as error:
        return failed(error)


def _iterations(jobs: int, engine: planning.Engine) -> int:
    if engine in planning.OWN:
        return planning.budget(jobs, engine)
    return min(max(4, jobs) * ITERATIONS_A_JOB, DEFAULT_ITERATIONS)


def failed(error: DoorstepError) -> dict[str, Any]:
    """An error as VROOM writes it."""
    code = INPUT_ERROR if 400 <= error.status < 500 else INTERNAL_ERROR
    return {"code": code, "error": str(error)}
