"""Questions about plans that were made: two versions beside each other, why a stop is in none of a version's routes,
why one was moved, and how many vans a day needs. All are answered on the recorded problem and travel times, so the
answer stays the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date

from sqlalchemy import Connection

from core import blobs, plans
from core.errors import NotFound, WrongState
from core.plans import PlanVersion
from optimizer import comparing, many, relaxing
from optimizer.comparing import Comparison, Pinned, Sizing
from optimizer.many import Solver
from optimizer.plan import DAY_ENGINE, budget
from optimizer.problem import Plan, Problem, rebuilt
from optimizer.relaxing import Why
from optimizer.travel import Matrix
from tools.problems import matrices
from tools.solver import Solve

MOST_ITERATIONS = 100_000
"""of a solve that only answers a question, when nobody says how many"""


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


def why_moved(
    db: Connection, depot: str, day: date, before: int, version: int, stop: str, iterations: int | None = None
) -> Pinned:
    """What it would cost, and whom, to leave a stop on the van that it was on in version `before`: solved again from
    `version` with the stop bound to it. Raises BadInput for a stop that no van had."""
    older, newer = plans.get(db, depot, day, before), plans.get(db, depot, day, version)
    problem, matrix = _ground(db, _engine_made(db, newer))
    was, now = _routes(problem, older), _routes(problem, newer)
    if all(stop != each.id for each in problem.stops):
        raise NotFound(f"{stop} is no stop of version {version}'s day.", "Take one from the plan.")
    return comparing.why_moved(rebuilt(problem, routes=was), matrix, now, stop, _solver(iterations))


def fleet_sizes(db: Connection, depot: str, day: date, version: int, iterations: int | None = None) -> Sizing:
    """What the version's day would cost with ever fewer vans, and the fewest that serve all."""
    problem, _ = _ground(db, _engine_made(db, plans.get(db, depot, day, version)))
    at_once = os.cpu_count() or 1
    with many.processes(at_once) as pool:
        solve = Solver(matrices().folder, iterations or _enough(problem))
        return comparing.fleet_sizes(problem, many.on(pool, solve, at_once))


def _solver(iterations: int | None) -> Callable[[Problem], Plan]:
    """Solves in a process of its own, as plan runs do."""

    def solve(problem: Problem) -> Plan:
        request = {"engine": DAY_ENGINE, "seed": 1, "iterations": iterations or _enough(problem)}
        return Solve(problem, matrices(), request).run(lambda step: None)

    return solve


def _enough(problem: Problem) -> int:
    return min(budget(len(problem.stops)), MOST_ITERATIONS)


def _engine_made(db: Connection, version: PlanVersion) -> PlanVersion:
    """The version itself, or the one that an engine made and that it was changed from."""
    while "problem" not in version.made_by and version.parent is not None:
        version = plans.get(db, version.depot_id, version.day, version.parent)
    return version


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
