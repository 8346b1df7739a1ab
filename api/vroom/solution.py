"""Routes as VROOM's solution: steps with times and loads, figures, and what each route violates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from api.vroom import routes
from api.vroom.given import HOUR, Break, Coordinates, Door, Vehicle
from api.vroom.question import Question, Task, total
from api.vroom.routes import Leg, Line, Timed
from api.vroom.timing import outside

Violation = dict[str, Any]


def written(question: Question, timed: Sequence[Timed], reasons: Mapping[str, str]) -> dict[str, Any]:
    """`reasons`: engine's name of a task -> why it is on no route, where somebody knows."""
    made = [_route(question, each) for each in timed]
    figures = ["cost", "setup", "service", "duration", "waiting_time", "priority"]
    figures += ["distance"] if question.knows_distances else []
    summary: dict[str, Any] = {name: sum(route[name] for route in made) for name in figures}
    size = len(question.given.vehicles[0].capacity)
    for name in ("delivery", "pickup") if size else ():
        summary[name] = total(size, [route[name] for route in made])
    left = [
        {"id": task.said.id, "type": task.type, **_said(task.said), **_place(task.said)}
        | ({"reason": reasons[task.name]} if task.name in reasons else {})
        for task in routes.left_out(question, timed)
    ]
    summary |= {"routes": len(made), "unassigned": len(left)}
    summary["violations"] = _summed(each for route in made for each in route["violations"])
    return {"code": 0, "summary": summary, "unassigned": left, "routes": made}


def _route(question: Question, timed: Timed) -> dict[str, Any]:
    line, vehicle = timed.line, timed.line.vehicle
    size, tasks = len(vehicle.capacity), line.tasks
    walk = _Walk(question, timed)
    steps = walk.steps()
    of_steps = [each for step in steps for each in step["violations"]]
    ways, works = routes.legs(question, line), routes.works(question, line)
    made: dict[str, Any] = {
        "vehicle": vehicle.id,
        **_said(vehicle),
        "cost": _cost(vehicle, ways, sum(map(sum, works)), question.tables[vehicle.profile].costs is None),
        "setup": sum(setup for setup, _ in works),
        "service": sum(step["service"] for step in steps),
        "duration": sum(leg.seconds for leg in ways),
        "waiting_time": sum(step["waiting_time"] for step in steps),
        "priority": sum(task.priority for task in tasks),
        "steps": steps,
        "violations": _summed([*of_steps, *_of_vehicle(line, ways)]),
    }
    if size:
        made["delivery"] = total(size, [task.delivery for task in tasks])
        made["pickup"] = total(size, [task.pickup for task in tasks])
    if question.knows_distances:
        made["distance"] = sum(leg.metres for leg in ways)
    return made


def _cost(vehicle: Vehicle, ways: Sequence[Leg], task_s: int, by_hour: bool) -> int:
    """VROOM's objective, rounded to whole units once: a matrix of costs takes the place of hours and kilometres."""
    costs, tolls = vehicle.costs, sum(leg.toll for leg in ways)
    fine = costs.per_task_hour * task_s * 1000
    if by_hour:
        fine += costs.per_hour * sum(leg.seconds for leg in ways) * 1000
        fine += costs.per_km * sum(leg.metres for leg in ways) * HOUR
    return costs.fixed + tolls + (2 * fine + HOUR * 1000) // (2 * HOUR * 1000)


def _of_vehicle(line: Line, ways: Sequence[Leg]) -> list[Violation]:
    """What the route as a whole violates."""
    vehicle = line.vehicle
    taken = {each.does.id for each in line.planned if isinstance(each.does, Break)}
    limits = (
        ("max_tasks", vehicle.max_tasks, len(line.tasks)),
        ("max_travel_time", vehicle.max_travel_time, sum(leg.seconds for leg in ways)),
        ("max_distance", vehicle.max_distance, sum(leg.metres for leg in ways)),
    )
    found: list[Violation] = [{"cause": cause} for cause, most, n in limits if most is not None and n > most]
    missing = any(own.id not in taken for own in vehicle.breaks) and any(step.type == "break" for step in vehicle.steps)
    return found + ([{"cause": "missing_break"}] if missing else [])


def _summed(violations: Iterable[Violation]) -> list[Violation]:
    """One a cause, with its seconds together."""
    found: dict[str, Violation] = {}
    for each in violations:
        known = found.setdefault(each["cause"], {**each, **({"duration": 0} if "duration" in each else {})})
        if "duration" in each:
            known["duration"] += each["duration"]
    return list(found.values())


class _Walk:
    """Along a route, step by step."""

    def __init__(self, question: Question, timed: Timed) -> None:
        self.question, self.line, self.begun = question, timed.line, timed.begun
        self.vehicle = timed.line.vehicle
        size = len(self.vehicle.capacity)
        self.load = total(size, [task.delivery for task in timed.line.tasks if task.type == "job"])
        self.free = timed.begun[0]
        """when it can drive on"""
        self.travelled = self.metres = self.behind = 0
        self.aboard: set[str] = set()
        self.brought = {task.after for task in timed.line.tasks}

    def steps(self) -> list[dict[str, Any]]:
        line, vehicle = self.line, self.vehicle
        shift = (vehicle.time_window,) if vehicle.time_window else ()
        ways, works, done = routes.legs(self.question, line), routes.works(self.question, line), 0
        found = []
        if line.start is not None:
            found.append(self._step("start", self.begun[0], shift) | _at(vehicle.start, vehicle.start_index))
        for each, begins in zip(line.planned, self.begun[1:-1], strict=True):
            if isinstance(each.does, Break):
                self._drive(each.driven_s - self.behind, 0)
                self.behind = each.driven_s
                found.append(self._rest(each.does, begins))
            else:
                self._drive(ways[done].seconds - self.behind, ways[done].metres)
                found.append(self._task(each.does, begins, works[done]))
                self.behind, done = 0, done + 1
        if line.end is not None:
            self._drive(ways[-1].seconds - self.behind, ways[-1].metres)
            found.append(self._step("end", self.begun[-1], shift) | _at(vehicle.end, vehicle.end_index))
        return found

    def _drive(self, seconds: int, metres: int) -> None:
        self.free, self.travelled, self.metres = self.free + seconds, self.travelled + seconds, self.metres + metres

    def _rest(self, own: Break, begins: int) -> dict[str, Any]:
        step = self._step("break", begins, own.time_windows, 0, own.service)
        if own.max_load is not None and any(n > most for n, most in zip(self.load, own.max_load, strict=True)):
            step["violations"].append({"cause": "max_load"})
        return step | {"id": own.id} | _said(own)

    def _task(self, task: Task, begins: int, work: tuple[int, int]) -> dict[str, Any]:
        zero = (0,) * len(self.load)
        off, on = task.delivery or zero, task.pickup or zero
        self.load = [n - d + p for n, d, p in zip(self.load, off, on, strict=True)]
        step = self._step(task.type, begins, task.said.time_windows, *work)
        if not task.skills <= self.vehicle.skills:
            step["violations"].append({"cause": "skills"})
        if self._out_of_order(task):
            step["violations"].append({"cause": "precedence"})
        said = {"id": task.said.id, **({"job": task.said.id} if task.type == "job" else {}), **_said(task.said)}
        return step | said | _place(task.said)

    def _out_of_order(self, task: Task) -> bool:
        """Is one end of a shipment without the other, or before it?"""
        if task.type == "pickup":
            self.aboard.add(task.name)
            return task.name not in self.brought
        return task.after is not None and task.after not in self.aboard

    def _step(
        self, kind: str, begins: int, windows: Sequence[tuple[int, int]], setup: int = 0, service: int = 0
    ) -> dict[str, Any]:
        early, late = outside(windows, begins)
        violations: list[Violation] = [
            {"cause": cause, "duration": seconds}
            for cause, seconds in (("lead_time", early), ("delay", late))
            if seconds
        ]
        if any(n > most for n, most in zip(self.load, self.vehicle.capacity, strict=True)):
            violations.append({"cause": "load"})
        step: dict[str, Any] = {
            "type": kind, "arrival": self.free, "duration": self.travelled, "setup": setup, "service": service,
            "waiting_time": begins - self.free, "violations": violations,
        }  # fmt: skip
        if self.load:
            step["load"] = self.load
        if self.question.knows_distances:
            step["distance"] = self.metres
        self.free = begins + setup + service
        return step


def _said(thing: Door | Break | Vehicle) -> dict[str, Any]:
    return {} if thing.description is None else {"description": thing.description}


def _place(said: Door) -> dict[str, Any]:
    return _at(said.location, said.location_index)


def _at(location: Coordinates | None, index: int | None) -> dict[str, Any]:
    place: dict[str, Any] = {} if location is None else {"location": list(location)}
    return place | ({} if index is None else {"location_index": index})
