"""The routes to be written: for each vehicle its tasks and breaks in order, with what each leg's breaks leave to drive.
From the engine's plan, or from the `steps` of the input when only their times are asked for (VROOM's `-c`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from api.vroom import timing
from api.vroom.given import Break, Step, Vehicle
from api.vroom.question import Question, Task
from api.vroom.timing import NEVER, Moment
from core.errors import BadInput
from optimizer.problem import Plan, Route


class Planned(NamedTuple):
    """One task or break of a route."""

    does: Task | Break
    driven_s: int = 0
    """of a break: seconds of the leg that lie behind it"""
    bounds: Step | None = None


class Leg(NamedTuple):
    """A vehicle's way to a task or home, as VROOM counts it."""

    seconds: int
    metres: int
    toll: int


class Line(NamedTuple):
    """A vehicle's route."""

    vehicle: Vehicle
    start: int | None
    """row of the matrix; None: it begins at its first task"""
    end: int | None
    planned: tuple[Planned, ...]
    first: Step | None = None
    """bounds on when it leaves"""
    last: Step | None = None

    @property
    def tasks(self) -> list[Task]:
        return [each.does for each in self.planned if isinstance(each.does, Task)]


class Timed(NamedTuple):
    """A route with the moment at which each step begins: leaving, the tasks and breaks, the end."""

    line: Line
    begun: list[int]


def of_plan(question: Question, plan: Plan) -> list[Timed]:
    """The engine's routes, away as late as they can be without ending later."""
    made = []
    for at, (vehicle, route) in enumerate(zip(question.given.vehicles, plan.routes, strict=True)):
        if route.visits:
            line = Line(vehicle, *question.ends_of(at, vehicle), tuple(_planned(question, vehicle, route)))
            made.append(Timed(line, _times(question, line, f"vehicles[{at}]")[1]))
    return made


def _planned(question: Question, vehicle: Vehicle, route: Route) -> Iterator[Planned]:
    own = {str(each.id): each for each in vehicle.breaks}
    rests = {at: list(group) for at, group in groupby(route.rests, key=lambda rest: rest.position)}
    for position, stop_id in enumerate((*route.stop_ids, "")):
        for rest in rests.get(position, ()):
            yield Planned(own[rest.break_id], rest.driven_s)
        if stop_id:
            yield Planned(question.tasks[stop_id])


def of_steps(question: Question) -> list[Timed]:
    """The routes that the input describes, each timed with as few seconds outside windows as can be."""
    return [
        _retimed(question, at, vehicle)
        for at, (vehicle, names) in enumerate(zip(question.given.vehicles, question.routed, strict=True))
        if names or any(step.type == "break" for step in vehicle.steps)
    ]


def _retimed(question: Question, at: int, vehicle: Vehicle) -> Timed:
    field = f"vehicles[{at}].steps"
    own = {each.id: each for each in vehicle.breaks}
    planned: list[Planned] = []
    for number, step in enumerate(vehicle.steps):
        if step.type == "break" and (step.id is None or step.id not in own):
            raise BadInput(f"There is no break {step.id}.", "Use one of the vehicle.", field=f"{field}[{number}].id")
        if step.type == "break" and step.id is not None:
            planned.append(Planned(own[step.id], bounds=step))
        elif step.type not in ("start", "end"):
            planned.append(Planned(question.tasks[f"{step.type}:{step.id}"], bounds=step))
    ends = {step.type: step for step in vehicle.steps if step.type in ("start", "end")}
    line = Line(vehicle, *question.ends_of(at, vehicle), tuple(planned), ends.get("start"), ends.get("end"))
    best, begun = _times(question, line, field)
    for place, each in enumerate(planned):
        if isinstance(each.does, Break):  # where on its leg a break is taken: wherever the route misses least
            for driven_s in _splits(question, line, place):
                tried = _with_split(line, place, driven_s)
                outside, times = _times(question, tried, field)
                if (outside, times[-1]) < (best, begun[-1]):
                    line, best, begun = tried, outside, times
    return Timed(line, begun)


def _splits(question: Question, line: Line, place: int) -> tuple[int, ...]:
    """Seconds of its leg that could lie behind the break, besides none: all of them, or half."""
    later = sum(isinstance(each.does, Task) for each in line.planned[:place])
    whole = legs(question, line)[later].seconds
    return whole, whole // 2


def _with_split(line: Line, place: int, driven_s: int) -> Line:
    """The break there, and those after it on the same leg, are not taken before so much is driven."""
    planned = list(line.planned)
    for at in range(place, len(planned)):
        if isinstance(planned[at].does, Task):
            break
        planned[at] = planned[at]._replace(driven_s=max(driven_s, planned[at].driven_s))
    return line._replace(planned=tuple(planned))


def rows(question: Question, line: Line) -> list[int]:
    """Of the places in order: the start (or nowhere), the tasks, the end when there is one."""
    start = question.nowhere if line.start is None else line.start
    return [start, *(question.row_of(task) for task in line.tasks), *(() if line.end is None else (line.end,))]


def legs(question: Question, line: Line) -> list[Leg]:
    """To each task, then home; the way home of a route without an end takes nothing."""
    tables, percent = question.tables[line.vehicle.profile], round(100 * line.vehicle.speed_factor)
    places, found = rows(question, line), []
    for a, b in pairwise(places):
        seconds = (200 * tables.durations.item(a, b) + percent) // (2 * percent)
        metres = tables.distances.item(a, b) if tables.distances is not None else 0
        found.append(Leg(seconds, metres, tables.costs.item(a, b) if tables.costs is not None else 0))
    return found if line.end is not None else [*found, Leg(0, 0, 0)]


def works(question: Question, line: Line) -> list[tuple[int, int]]:
    """(set-up, service) of each task: no set-up where the vehicle stands already."""
    places = rows(question, line)
    found = [task.said.takes_s(line.vehicle.type) for task in line.tasks]
    return [(0 if places[at] == places[at + 1] else both[0], both[1]) for at, both in enumerate(found)]


def _times(question: Question, line: Line, field: str) -> tuple[int, list[int]]:
    found = timing.times(_moments(question, line))
    if found is None:
        raise BadInput(
            f"Vehicle {line.vehicle.id} can't keep the times of its steps.", "Loosen a service_at, service_after or "
            "service_before.", field=field,
        )  # fmt: skip
    return found


def _moments(question: Question, line: Line) -> list[Moment]:
    shift = (line.vehicle.time_window,) if line.vehicle.time_window else ()
    found = [_bounded(Moment(shift), line.first)]
    ways, works_s = legs(question, line), works(question, line)
    leaves_s = behind_s = done = 0
    """work at the step before; how much of the leg lies behind; tasks done"""
    for each in line.planned:
        if isinstance(each.does, Task):
            moment = Moment(each.does.said.time_windows, gap_s=leaves_s + ways[done].seconds - behind_s)
            leaves_s, behind_s, done = sum(works_s[done]), 0, done + 1
        else:
            moment = Moment(each.does.time_windows, gap_s=leaves_s + each.driven_s - behind_s)
            leaves_s, behind_s = each.does.service, each.driven_s
        found.append(_bounded(moment, each.bounds))
    found.append(_bounded(Moment(shift, gap_s=leaves_s + ways[-1].seconds - behind_s), line.last))
    return found


def _bounded(moment: Moment, step: Step | None) -> Moment:
    if step is None:
        return moment
    after = [each for each in (step.service_at, step.service_after) if each is not None]
    before = [each for each in (step.service_at, step.service_before) if each is not None]
    return moment._replace(after=max(after, default=0), before=min(before, default=NEVER))


def left_out(question: Question, timed: Sequence[Timed]) -> list[Task]:
    done = {task.name for each in timed for task in each.line.tasks}
    return [task for name, task in question.tasks.items() if name not in done]
