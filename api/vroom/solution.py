"""The engine's plan as VROOM's solution: its figures, its late starts, its steps with loads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from api.vroom.given import HOUR, Coordinates, Job, Vehicle
from api.vroom.question import Question, total
from optimizer.problem import Plan, Route
from optimizer.reasons import REASONS
from optimizer.schedule import per


def written(question: Question, plan: Plan) -> dict[str, Any]:
    routes = [_route(question, route) for route in plan.routes if route.visits]
    figures = ["cost", "setup", "service", "duration", "waiting_time", "priority"]
    figures += ["distance"] if question.metres is not None else []
    summary: dict[str, Any] = {name: sum(route[name] for route in routes) for name in figures}
    size = len(question.given.vehicles[0].capacity)
    for name in ("delivery", "pickup") if size else ():
        summary[name] = total(size, [route[name] for route in routes])
    summary |= {"routes": len(routes), "unassigned": len(plan.unassigned), "violations": []}
    left = [
        {"id": job.id, "type": "job", **_said(job), **_place(job.location, job.location_index)}
        | {"reason": REASONS[each.reason]}
        for each in plan.unassigned
        for job in [question.jobs[each.stop_id]]
    ]
    return {"code": 0, "summary": summary, "unassigned": left, "routes": routes}


def _route(question: Question, route: Route) -> dict[str, Any]:
    vehicle, jobs = question.vans[route.vehicle_id], [question.jobs[stop_id] for stop_id in route.stop_ids]
    size = len(vehicle.capacity)
    steps = _steps(question, route, vehicle, jobs)
    driven = steps[-1]["duration"]
    written: dict[str, Any] = {
        "vehicle": vehicle.id,
        **_said(vehicle),
        "cost": vehicle.costs.fixed + per(vehicle.costs.per_hour, driven, HOUR),
        "setup": 0,
        "service": sum(job.service for job in jobs),
        "duration": driven,
        "waiting_time": sum(step["waiting_time"] for step in steps),
        "priority": sum(job.priority for job in jobs),
        "steps": steps,
        "violations": [],
    }
    if size:
        written["delivery"] = total(size, [job.delivery for job in jobs])
        written["pickup"] = total(size, [job.pickup for job in jobs])
    if question.metres is not None:
        written["distance"] = steps[-1]["distance"]
    return written


def _steps(question: Question, route: Route, vehicle: Vehicle, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    van, size = question.problem.vehicle(route.vehicle_id), len(vehicle.capacity)
    rows = [van.start, *(question.problem.stop(stop_id).location for stop_id in route.stop_ids)]
    legs = [question.matrix.durations_s.item(a, b) for a, b in pairwise(rows)]
    begun = _latest(jobs, legs, [visit.start_s for visit in route.visits])
    walk = _Walk(question, begun[0] - legs[0], van.start, total(size, [job.delivery for job in jobs]))
    steps = []
    if vehicle.start is not None or vehicle.start_index is not None:
        steps.append(walk.to("start", van.start) | _place(vehicle.start, vehicle.start_index))
    for job, row, begins in zip(jobs, rows[1:], begun, strict=True):
        said = {"id": job.id, "job": job.id, **_said(job), **_place(job.location, job.location_index)}
        steps.append(walk.to("job", row, job, begins) | said)
    if van.end is not None:
        steps.append(walk.to("end", van.end) | _place(vehicle.end, vehicle.end_index))
    return steps


def _latest(jobs: Sequence[Job], legs: Sequence[int], earliest: Sequence[int]) -> list[int]:
    """The latest times at which services can begin while the last one begins as early as it can."""
    begun = [earliest[-1]]
    for job, leg in zip(jobs[-2::-1], legs[:0:-1], strict=True):
        at = begun[0] - leg - job.service
        begun.insert(0, max((min(at, hi) for lo, hi in job.time_windows if lo <= at), default=at))
    return begun


class _Walk:
    """Along a route, step by step."""

    def __init__(self, question: Question, at: int, row: int, load: list[int]) -> None:
        self.question, self.at, self.row, self.load = question, at, row, load
        self.travelled = self.metres = 0

    def to(self, kind: str, row: int, job: Job | None = None, begins: int | None = None) -> dict[str, Any]:
        leg = self.question.matrix.durations_s.item(self.row, row)
        arrival, self.travelled = self.at + leg, self.travelled + leg
        begins, service = arrival if begins is None else begins, job.service if job else 0
        step: dict[str, Any] = {
            "type": kind, "arrival": arrival, "duration": self.travelled, "setup": 0, "service": service,
            "waiting_time": begins - arrival, "violations": [],
        }  # fmt: skip
        if job is not None:
            size = len(self.load)
            off, on = job.delivery or (0,) * size, job.pickup or (0,) * size
            self.load = [n - d + p for n, d, p in zip(self.load, off, on, strict=True)]
        if self.load:
            step["load"] = self.load
        if self.question.metres is not None:
            self.metres += self.question.metres.durations_s.item(self.row, row)
            step["distance"] = self.metres
        self.at, self.row = begins + service, row
        return step


def _said(thing: Job | Vehicle) -> dict[str, Any]:
    return {} if thing.description is None else {"description": thing.description}


def _place(location: Coordinates | None, index: int | None) -> dict[str, Any]:
    place: dict[str, Any] = {} if location is None else {"location": list(location)}
    return place | ({} if index is None else {"location_index": index})
