"""Where a plan starts from: usual routes, as far as their customers have orders, and how far the plan left them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from core import orders, usual_routes
from optimizer.churn import moves
from optimizer.problem import Plan, Problem, rebuilt
from tools.problems import Ground


def at(db: Connection, here: Ground, problem: Problem, name: str | None) -> Problem:
    """The problem with the usual routes as its present ones: the solver's first solution."""
    if name is None:
        return problem
    of_person: dict[str, list[str]] = {}
    for row in orders.of_day(db, here.depot_id, here.day):
        of_person.setdefault(row.person_id, []).append(row.stop_id)
    known, taken = {stop.id for stop in problem.stops}, set()
    routes: dict[str, tuple[str, ...]] = {}
    for vehicle_id, persons in usual_routes.get(db, here.depot_id, name).items():
        stops = [stop for person in persons for stop in of_person.get(person, ()) if stop in known]
        fresh = tuple(stop for stop in dict.fromkeys(stops) if stop not in taken)
        if any(vehicle.id == vehicle_id for vehicle in problem.vehicles):
            taken |= set(fresh)
            routes[vehicle_id] = fresh
    return rebuilt(problem, routes=routes)


def left(problem: Problem, plan: Plan, name: str) -> dict[str, Any]:
    """How many of the usual stops the plan has in another place, of how many."""
    routes = {route.vehicle_id: route.stop_ids for route in plan.routes}
    usual = {stop for stop_ids in problem.routes.values() for stop in stop_ids}
    moved = [move for move in moves(problem.routes, routes) if move.stop_id in usual]
    return {"name": name, "stops": len(usual), "moved": len(moved)}
