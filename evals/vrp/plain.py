"""What the peers share: which problems can be said in their words, and identical vans as one type."""

from __future__ import annotations

from collections.abc import Collection

from evals.instances.instance import FOREVER, UNSERVED
from evals.vrp.found import Unsupported
from optimizer.problem import Problem, Stop, Vehicle


def refuse(problem: Problem, supports: Collection[str]) -> None:
    """Raises Unsupported, naming what the peer has no word for."""
    vans, stops = problem.vehicles, problem.stops
    has = {
        "pairs": any(stop.after for stop in stops),
        "optional": any(stop.drop_penalty < UNSERVED for stop in stops),
        "max_route_s": any(van.max_route_s is not None for van in vans),
        "several windows": any(len(stop.windows) > 1 for stop in stops),
        "skills, crew or areas": any(s.skills or s.crew > 1 or s.areas or s.aboard for s in stops),
        "breaks or legal hours": any(van.breaks or van.hours for van in vans),
        "vans on the road": bool(problem.routes) or any(van.on_road or van.held for van in vans),
        "open routes": any(van.start != van.end for van in vans),
        "paid hours": any(van.cost_per_hour or van.cost_per_driving_hour or van.cost_per_task_hour for van in vans),
        "speeds, kinds and profiles": any(van.speed_percent != 100 or van.kind or van.profile for van in vans),
        "limits": any((van.max_stops, van.max_driving_s, van.max_distance_m) != (None, None, None) for van in vans),
    }
    missing = [what for what, there in has.items() if there and what not in supports]
    if missing:
        raise Unsupported(", ".join(missing))


def window_of(stop: Stop) -> tuple[int, int]:
    return stop.windows[0] if stop.windows else (0, FOREVER)


def alike(problem: Problem) -> list[tuple[Vehicle, list[str]]]:
    """Vans that differ in their names alone, together."""
    found: dict[Vehicle, list[str]] = {}
    for van in problem.vehicles:
        found.setdefault(van.model_copy(update={"id": ""}), []).append(van.id)
    return list(found.items())
