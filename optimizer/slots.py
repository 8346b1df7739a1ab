"""Slots: windows in which one more stop could be served on a plan as it is, and what each of them costs.

Every window is asked by itself and nothing else moves: a slot's price is that of the cheapest place for the stop when
it must begin in that window. Money counts the driving, the lateness that it brings on others, and telling a new time to
each customer whom it makes late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from core.errors import BadInput
from optimizer.insertion import cheapest_insertions
from optimizer.native.resident import Legs, Resident
from optimizer.pricing import minutes
from optimizer.problem import Frozen, Problem, Stop, may_carry, rebuilt
from optimizer.schedule import Schedule
from optimizer.travel import Matrix

Window = tuple[int, int]
"""seconds since t0: service begins in it"""


class Slot(Frozen):
    """One window in which the stop fits, with its cheapest place."""

    from_s: int
    until_s: int
    vehicle_id: str
    cost_cents: int
    """money more than without the stop"""
    minutes_late: int = Field(ge=0)
    """that others are served later than promised, added up"""
    promises: int = Field(ge=0)
    """customers whose promise it breaks"""


def windows(problem: Problem, length_s: int) -> Iterator[Window]:
    """Equal windows on round times of day, from now until the last van's end. Raises BadInput."""
    if length_s <= 0:
        raise BadInput("A window needs a length.", "Give hours above 0.", field="hours")
    begins = [v.ready_s for v in problem.vehicles]
    first, last = max(problem.now_s, min(begins, default=0)), max((v.shift_end_s for v in problem.vehicles), default=0)
    for opens in range(-(-first // length_s) * length_s, last - length_s + 1, length_s):
        yield opens, opens + length_s


def on_plan(resident: Resident, stop: Stop, asked: Sequence[Window], legs: Legs | None = None) -> tuple[Slot, ...]:
    """Those of the windows in which the stop, which is on no route, has a place. `legs`: from and to a place that the
    travel times do not know."""
    found = []
    for opens, closes in asked:
        at = stop.model_copy(update={"windows": ((opens, closes),), "due_s": None})
        priced = [
            Slot(
                from_s=opens, until_s=closes, vehicle_id=place.vehicle_id,
                cost_cents=place.cost_cents + resident.problem.weights.retold_promise * place.newly_late,
                minutes_late=minutes(max(0, place.late_s)), promises=place.newly_late,
            )
            for place in resident.places(at, legs)
        ]  # fmt: skip
        found += sorted(priced, key=_rank)[:1]
    return tuple(found)


def position_by_position(problem: Problem, matrix: Matrix, stop: Stop, asked: Sequence[Window]) -> tuple[Slot, ...]:
    """The same with every position timed in full, for days of which a resident plan does not know everything (zones,
    own breaks, goods fetched from another van)."""
    vans = tuple(v for v in problem.vehicles if may_carry(v, stop))
    routes = {v.id: problem.routes.get(v.id, ()) for v in vans}
    late = Schedule(problem, matrix)
    before = {v.id: {row[0]: row[4] for row in late.timing(v, routes[v.id]).visits} for v in vans}
    found = []
    for opens, closes in asked:
        at = stop.model_copy(update={"windows": ((opens, closes),), "due_s": None})
        wider = rebuilt(problem, stops=(*problem.stops, at), vehicles=vans, routes=routes)
        priced = []
        for place in cheapest_insertions(wider, matrix, stop.id):
            visits = {v.stop_id: v.late_s for v in place.route.visits if v.stop_id != stop.id}
            was = before[place.vehicle_id]
            newly = sum(1 for s, late_s in visits.items() if late_s and not was[s])
            if place.feasible:
                priced.append(
                    Slot(
                        from_s=opens, until_s=closes, vehicle_id=place.vehicle_id,
                        cost_cents=place.delta_cost + problem.weights.retold_promise * newly,
                        minutes_late=minutes(max(0, sum(visits.values()) - sum(was.values()))), promises=newly,
                    )
                )  # fmt: skip
        found += sorted(priced, key=_rank)[:1]
    return tuple(found)


def _rank(slot: Slot) -> tuple[int, str]:
    return slot.cost_cents, slot.vehicle_id
