"""Questions about plans that were made: two versions beside each other, and why a stop is in none of a version's
routes. Both are answered on the recorded problem and travel times, so the answer stays the same."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from core import blobs, plans
from core.errors import NotFound, WrongState
from core.plans import PlanVersion
from optimizer import comparing, relaxing
from optimizer.comparing import Comparison
from optimizer.problem import Problem, rebuilt
from optimizer.relaxing import Why
from optimizer.travel import Matrix
from tools.problems import matrices


def compare(db: Connection, depot: str, day: date, first: int, second: int) -> Comparison:
    """On the problem of the second version. What it does not have (orders that came or went in between) is on neither
    side. Raises NotFound, or WrongState for a version that no engine made."""
    before, after = plans.get(db, depot, day, first), plans.get(db, depot, day, second)
    problem, matrix = _ground(db, after)
    return comparing.compare(problem, matrix, _routes(problem, before), _routes(problem, after))


def why_unassigned(db: Connection, depot: str, day: date, version: int, stop: str) -> Why:
    """Raises NotFound when the version has the stop on a route, or not at all."""
    found = plans.get(db, depot, day, version)
    if all(each["stop"] != stop for each in found.unassigned):
        raise NotFound(f"{stop} is not unassigned in version {version}.", "Ask for one of the plan's `unassigned`.")
    problem, matrix = _ground(db, found)
    return relaxing.why_unassigned(rebuilt(problem, routes=_routes(problem, found)), matrix, stop)


def _ground(db: Connection, version: PlanVersion) -> tuple[Problem, Matrix]:
    if "problem" not in version.made_by:
        raise WrongState(f"No engine made version {version.version}.", "Ask about one that was planned.")
    problem = Problem.model_validate(blobs.get(db, version.made_by["problem"]))
    return problem, matrices().get(problem.matrix)


def _routes(problem: Problem, version: PlanVersion) -> dict[str, tuple[str, ...]]:
    stops, vehicles = {stop.id for stop in problem.stops}, {vehicle.id for vehicle in problem.vehicles}
    return {
        name: tuple(visit.stop for visit in route.visits if visit.stop in stops)
        for name, route in version.routes.items()
        if name in vehicles
    }
