"""What an engine found on an instance, and what that is worth when somebody else counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evals.instances.instance import UNSERVED, Instance
from optimizer.checker import check
from optimizer.problem import Plan, Unassigned
from optimizer.schedule import Schedule

Routes = Mapping[str, tuple[str, ...]]
"""vehicle id -> stop ids in order"""


class Unsupported(Exception):
    """The engine has no word for something in the problem. Says what."""


@dataclass(frozen=True)
class Found:
    routes: Routes
    trajectory: tuple[tuple[float, int], ...] = ()
    """(seconds since the start, cost) at each better plan, where the engine tells; costs are the engine's own"""


@dataclass(frozen=True)
class Judged:
    """A run as the checker sees it."""

    cost: int
    unserved: int
    """stops left out that must be served"""
    violations: tuple[str, ...]
    seconds: float
    """of wall clock, from the problem in memory to the routes"""
    seed: int
    trajectory: tuple[tuple[float, int], ...] = field(default=(), repr=False)

    @property
    def holds(self) -> bool:
        return not self.violations and not self.unserved


def judged(instance: Instance, found: Found, seconds: float, seed: int) -> Judged:
    """Times and prices the routes by our exact pass; the checker, which shares no code with it or any engine, must
    agree to the last unit and find every constraint kept."""
    problem, schedule = instance.problem, Schedule(instance.problem, instance.matrix)
    routes = tuple(schedule.route(v, found.routes.get(v.id, ())) for v in problem.vehicles)
    served = {stop_id for stops in found.routes.values() for stop_id in stops}
    left_out = [stop for stop in problem.stops if stop.id not in served]
    plan = Plan(
        routes=routes,
        unassigned=tuple(Unassigned(stop_id=stop.id, reason="not_worth_it", detail="") for stop in left_out),
        cost=sum(route.cost for route in routes) + sum(stop.drop_penalty for stop in left_out),
        engine="judged", iterations=0, stopped_by="time",
    )  # fmt: skip
    violations = tuple(f"{v.kind} {v.subject}: {v.words}" for v in check(problem, instance.matrix, plan))
    missing = sum(stop.drop_penalty >= UNSERVED for stop in left_out)
    return Judged(plan.cost, missing, violations, seconds, seed, found.trajectory)
