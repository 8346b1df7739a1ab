"""The engine's plan as VROOM's solution: its figures, its late starts, its steps with loads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from api.vroom.given import HOUR, Break, Coordinates, End, Job, Vehicle
from api.vroom.question import Question, Task, total
from optimizer.problem import Plan, Rest, Route
from optimizer.problem import Vehicle as Van
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
        {"id": task.said.id, "type": task.type, **_said(task.said), **_place(task.said)}
        | {"reason": REASONS[each.reason]}
        for each in plan.unassigned
        for task in [question.tasks[each.stop_id]]
    ]
    return {"code": 0, "summary": summary, "unassigned": left, "routes": routes}


def _route(question: Question, route: Route) -> dict[str, Any]:
    vehicle, tasks = question.vans[route.vehicle_id], [question.tasks[stop_id] for stop_id in route.stop_ids]
    size = len(vehicle.capacity)
    steps = _steps(question, route, vehicle, tasks)
    driven = steps[-1]["duration"]
    written: dict[str, Any] = {
        "vehicle": vehicle.id,
        **_said(vehicle),
        "cost": vehicle.costs.fixed + per(vehicle.costs.per_hour, driven, HOUR),
        "setup": 0,
        "service": sum(step["service"] for step in steps),
        "duration": driven,
        "waiting_time": sum(step["waiting_time"] for step in steps),
        "priority": sum(task.priority for task in tasks),
        "steps": steps,
        "violations": [],
    }
    if size:
        written["delivery"] = total(size, [task.delivery for task in tasks])
        written["pickup"] = total(size, [task.pickup for task in tasks])
    if question.metres is not None:
        written["distance"] = steps[-1]["distance"]
    return written


def _steps(question: Question, route: Route, vehicle: Vehicle, tasks: Sequence[Task]) -> list[dict[str, Any]]:
    van, size = question.problem.vehicle(route.vehicle_id), len(vehicle.capacity)
    rows = [van.start, *(question.problem.stop(stop_id).location for stop_id in route.stop_ids)]
    legs = [van.drive_s(question.matrix.durations_s.item(a, b)) for a, b in pairwise(rows)]
    begun = [visit.start_s for visit in route.visits]
    leaves = van.ready_s
    if not route.rests:
        begun = _latest(tasks, legs, begun)
        leaves = begun[0] - legs[0]
    walk = _Walk(question, van, leaves, total(size, [task.delivery for task in tasks if task.after is None]))
    steps = []
    if vehicle.start is not None or vehicle.start_index is not None:
        steps.append(walk.to("start", van.start) | _at(vehicle.start, vehicle.start_index))
    for position, (task, row, begins) in enumerate(zip(tasks, rows[1:], begun, strict=True)):
        said = {"id": task.said.id, **({"job": task.said.id} if task.type == "job" else {}), **_said(task.said)}
        before, waiting = _around(route, position)
        steps += walk.rests(before, vehicle)
        step = walk.to(task.type, row, task, begins) | said | _place(task.said)
        steps += [*_while_waiting(waiting, step, vehicle), step]
    if van.end is not None:
        steps += walk.rests(_around(route, len(tasks))[0], vehicle)
        steps.append(walk.to("end", van.end) | _at(vehicle.end, vehicle.end_index))
    return steps


def _around(route: Route, position: int) -> tuple[list[Rest], list[Rest]]:
    """Breaks before the arrival at a stop, and those while waiting there."""
    rests = [rest for rest in route.rests if rest.position == position]
    arrival = route.visits[position].arrival_s if position < len(route.visits) else route.end_s
    before = [rest for rest in rests if rest.at_s + rest.duration_s <= arrival]
    return before, [rest for rest in rests if rest not in before]


def _while_waiting(rests: Sequence[Rest], step: dict[str, Any], vehicle: Vehicle) -> list[dict[str, Any]]:
    """Steps of breaks at the door, taken out of the wait there."""
    found, now = [], step["arrival"]
    for rest in rests:
        figures = {"arrival": now, "waiting_time": rest.at_s - now, "service": rest.duration_s, "setup": 0}
        found.append(
            {"type": "break", **_own(rest, vehicle), **figures, "duration": step["duration"], "violations": []}
        )
        now = rest.at_s + rest.duration_s
    if rests:
        begins = step["arrival"] + step["waiting_time"]
        step |= {"arrival": now, "waiting_time": begins - now}
    return found


def _own(rest: Rest, vehicle: Vehicle) -> dict[str, Any]:
    own = next(each for each in vehicle.breaks if str(each.id) == rest.break_id)
    return {"id": own.id, **_said(own)}


def _latest(tasks: Sequence[Task], legs: Sequence[int], earliest: Sequence[int]) -> list[int]:
    """The latest times at which services can begin while the last one begins as early as it can."""
    begun = [earliest[-1]]
    for task, leg in zip(tasks[-2::-1], legs[:0:-1], strict=True):
        at = begun[0] - leg - task.said.service
        begun.insert(0, max((min(at, hi) for lo, hi in task.said.time_windows if lo <= at), default=at))
    return begun


class _Walk:
    """Along a route, step by step."""

    def __init__(self, question: Question, van: Van, at: int, load: list[int]) -> None:
        self.question, self.van, self.at, self.row, self.load = question, van, at, van.start, load
        self.travelled = self.metres = self.behind = 0

    def rests(self, rests: Sequence[Rest], vehicle: Vehicle) -> list[dict[str, Any]]:
        """Steps of breaks at the door behind, or on the way."""
        found = []
        for rest in rests:
            self._drive(rest.driven_s - self.behind)
            self.behind = rest.driven_s
            found.append(self._step("break", rest.at_s, rest.duration_s) | _own(rest, vehicle))
            self.at = rest.at_s + rest.duration_s
        return found

    def to(self, kind: str, row: int, task: Task | None = None, begins: int | None = None) -> dict[str, Any]:
        self._drive(self.van.drive_s(self.question.matrix.durations_s.item(self.row, row)) - self.behind)
        self.behind = 0
        begins, service = self.at if begins is None else begins, task.said.service if task else 0
        if task is not None:
            size = len(self.load)
            off, on = task.delivery or (0,) * size, task.pickup or (0,) * size
            self.load = [n - d + p for n, d, p in zip(self.load, off, on, strict=True)]
        if self.question.metres is not None:
            self.metres += self.question.metres.durations_s.item(self.row, row)
        step = self._step(kind, begins, service)
        self.at, self.row = begins + service, row
        return step

    def _drive(self, seconds: int) -> None:
        self.at, self.travelled = self.at + seconds, self.travelled + seconds

    def _step(self, kind: str, begins: int, service: int) -> dict[str, Any]:
        step: dict[str, Any] = {
            "type": kind, "arrival": self.at, "duration": self.travelled, "setup": 0, "service": service,
            "waiting_time": begins - self.at, "violations": [],
        }  # fmt: skip
        if self.load:
            step["load"] = self.load
        if self.question.metres is not None:
            step["distance"] = self.metres
        return step


def _said(thing: Job | End | Break | Vehicle) -> dict[str, Any]:
    return {} if thing.description is None else {"description": thing.description}


def _place(said: Job | End) -> dict[str, Any]:
    return _at(said.location, said.location_index)


def _at(location: Coordinates | None, index: int | None) -> dict[str, Any]:
    place: dict[str, Any] = {} if location is None else {"location": list(location)}
    return place | ({} if index is None else {"location_index": index})
