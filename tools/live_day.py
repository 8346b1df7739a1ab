"""A running day held in memory: where one more order may go, in less than a millisecond.

It is read from the record, follows the versions of the plan that came since, and is read anew when it is older than
`FRESH` or cannot follow. What it says is as old as that, so who carries it out looks at the world once more: a stop
that is locked by now, goods that can't follow and a route that was changed are found there (`tools.rerouting`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from core import fleet, plans
from core.errors import WrongState
from optimizer import inserting
from optimizer.native.resident import SPARE, Place, Resident, unknown
from optimizer.options import Candidate, Scope
from optimizer.problem import Problem, Stop, rebuilt
from tools import problems, yard
from tools.problems import Ground

FRESH = timedelta(minutes=1)
VANS = 3
"""how many vans are named for one more stop: the cheapest"""


class LiveDay:
    """One depot's day from one moment on. Not for two threads at once."""

    def __init__(self, here: Ground, problem: Problem, plan: plans.PlanVersion, at: datetime) -> None:
        odd = unknown(problem, here.matrix)
        if odd:
            raise WrongState(f"The day has {', '.join(odd)}.", "Its case looks at every place of every van.")
        self.here, self.problem, self.plan, self.at = here, problem, plan, at
        self.roomy = inserting.Roomy(here.matrix, here.places, SPARE)
        self.resident = Resident(rebuilt(problem, matrix=self.roomy.matrix.hash), self.roomy.matrix)
        self.stops = {stop.id: stop for stop in problem.stops}
        self.vans = {van.id: van for van in problem.vehicles}

    def follow(self, plan: plans.PlanVersion) -> bool:
        """Take up what a later version has changed: stops that came and went. False when it is more than that."""
        lists = {v: route.stops for v, route in plan.routes.items() if route is not self.plan.routes.get(v)}
        strange = {s for v, stops in lists.items() for s in set(stops) - self._before(v) if s not in self.stops}
        wanted = {v: [s for s in stops if s in self.stops] for v, stops in lists.items()}
        held = {v: self.resident.route_of(v) for v in lists}
        gone = sorted({s for v, stops in wanted.items() for s in set(held[v]) - set(stops)})
        kept = all([s for s in held[v] if s in stops] == [s for s in stops if s in held[v]]
                   for v, stops in wanted.items())  # fmt: skip
        if strange or not kept or any(stop_id in self.locked for stop_id in gone):
            return False
        for stop_id in gone:
            self.resident.remove(stop_id)
        for vehicle_id, stops in wanted.items():
            for position, stop_id in enumerate(stops):
                if stop_id not in held[vehicle_id]:
                    self.resident.insert(self.stops[stop_id], Place(vehicle_id, position, 0, 0, 0, 0))
        self.plan = plan
        return True

    def _before(self, vehicle_id: str) -> set[str]:
        route = self.plan.routes.get(vehicle_id)
        return set() if route is None else set(route.stops)

    @property
    def locked(self) -> set[str]:
        """Stops that vans are on their way to."""
        return {s for v in self.problem.vehicles for s in self.problem.routes.get(v.id, ())[: v.locked]}

    def asked(self, db: Connection, row: Row[Any]) -> Stop:
        """The stop of an order that no van has. Raises WrongState when its door is on the day already."""
        if row.lat is None:
            raise WrongState(f"Nobody knows yet where {row.ref} goes.", "Set its place first.", field="order")
        if self.resident.vehicle_of(row.stop_id) is not None:
            raise WrongState(f"A van comes to the door of {row.ref} anyhow.", "Its case decides.", field="order")
        place = self.roomy.row_of((row.lat, row.lon))
        areas = yard.areas_at(fleet.areas_of(db, self.here.depot_id), row.lat, row.lon)
        stop = problems.stop_of(row.stop_id, place, [row], self.here.t0, areas)
        return problems.live_stop(self.here, stop.id, stop, None, None, frozenset(), None)

    def question(
        self, db: Connection, row: Row[Any], kinds: Collection[str]
    ) -> tuple[Problem, Scope, tuple[Candidate, ...]]:
        """(the day around the order's best places, scope, what can be tried). Raises WrongState when no van has a place
        that breaks nothing."""
        stop = self.asked(db, row)
        places = self.resident.places(stop)[:VANS]
        if not places:
            raise WrongState(f"No van has a place for {row.ref} that breaks nothing.", "Its case says what could give.")
        self.stops[stop.id] = stop
        vans = [self.vans[place.vehicle_id] for place in places]
        routes = {van.id: self.resident.route_of(van.id) for van in vans}
        problem, matrix = inserting.cut_out(self.problem, self.roomy.matrix, vans, routes, self.stops, stop)
        problems.matrices().put(matrix)
        scope = Scope(left_out=True, resident=True)
        return problem, scope, inserting.of_places(stop.id, places, kinds, scope)


def read(db: Connection, here: Ground, plan: plans.PlanVersion, now: datetime) -> LiveDay:
    """The day as the record has it now."""
    return LiveDay(here, problems.live(db, here, plan, now), plan, now)


def is_fresh(day: LiveDay, now: datetime) -> bool:
    return timedelta(0) <= now - day.at < FRESH
