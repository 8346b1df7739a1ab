"""VROOM's problem format in, its solution format out: `doorstep optimize`. What each key means is in VROOM's API.md.

Served: jobs, shipments and vehicles of one profile with windows, capacities, skills, priorities, breaks, speed factors,
fixed and hourly costs, own matrices or estimated travel times. All else is refused by name. A van leaves as late as it
can, as VROOM's does, unless it has a break; a break whose time comes after the route is over is left out.
"""

from __future__ import annotations

from typing import Any

from api.vroom.given import read
from api.vroom.question import Question
from api.vroom.solution import written
from core.errors import DoorstepError
from optimizer import plan as planning
from optimizer.ortools_engine import DEFAULT_ITERATIONS

INPUT_ERROR = 2
ITERATIONS_A_JOB = 5_000


def optimize(
    content: bytes, *, seed: int = 0, time_limit_s: float | None = None, engine: planning.Engine = "auto"
) -> dict[str, Any]:
    """Solve a problem. Without a time limit the same input and seed give the same solution."""
    try:
        question = Question(read(content))
        chosen = planning.chosen(question.problem, engine)
        plan = planning.solve(
            question.problem,
            question.matrix,
            engine=chosen,
            seed=seed,
            iterations=_iterations(len(question.tasks), chosen) if time_limit_s is None else None,
            time_limit_s=time_limit_s,
        )
        return written(question, plan)
    except DoorstepError as error:
        return failed(error)


def _iterations(jobs: int, engine: planning.Engine) -> int:
    if engine == "native":
        return planning.budget(jobs, engine)
    return min(max(4, jobs) * ITERATIONS_A_JOB, DEFAULT_ITERATIONS)


def failed(error: DoorstepError) -> dict[str, Any]:
    """An error as VROOM writes it."""
    return {"code": INPUT_ERROR, "error": str(error)}
