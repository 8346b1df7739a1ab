"""What a lived day comes to, read off its record: which exceptions needed a person, what was taken back, who waited,
and what the driving cost.

All arms are priced alike: the stops that vans came to, trip by trip in the order of the drivers' taps, on the same
travel times, with the service times that the doors took, and what was left undone at its price.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from core import breakdowns, orders
from core.store.tables import case, decision, depot, event, order, promise
from optimizer.problem import Problem, Stop, Vehicle
from optimizer.schedule import time_route
from optimizer.travel import Matrix
from tools import problems

PERSONS = frozenset({"approved", "rejected", "escalated"})
NOT_DRAWN = frozenset({"human", "driver_message", "left_over", "custody_mismatch"})
"""kinds of case that are no exception of the world's, but of our own making or of talking"""


@dataclass(frozen=True)
class Exceptions:
    """The exceptions of one kind."""

    kind: str
    cases: int
    alone: int
    """settled, and no person decided or was called"""
    reversed: int
    """of those, the ones of which a decision was taken back"""

    @property
    def share(self) -> float:
        return self.alone / self.cases


def exceptions(db: Connection, day: date) -> list[Exceptions]:
    """The day's exceptions by kind. One that was folded into an incident fares as the incident does."""
    rows = db.execute(select(case).where(case.c.day == day).order_by(case.c.id)).all()
    asked, undone = set(), set()
    for row in db.execute(select(decision.c.case_id, decision.c.verdict, decision.c.undone_by)):
        asked |= {row.case_id} if row.verdict in PERSONS else set()
        undone |= {row.case_id} if row.undone_by else set()
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.kind in NOT_DRAWN:
            continue
        leads = str(row.facts.get("folded_into", row.id))
        person = leads in asked or row.id in asked or "settled_by" in row.facts or row.closed_at is None
        counted[row.kind].update(cases=1, alone=not person, reversed=not person and row.id in undone)
    return [Exceptions(kind, n["cases"], n["alone"], n["reversed"]) for kind, n in sorted(counted.items())]


def late_promises(db: Connection, day: date) -> int:
    """Promises that were broken."""
    mine = select(order.c.id).where(order.c.day == day)
    return len(db.execute(select(promise.c.id).where(promise.c.status == "broken", promise.c.order_id.in_(mine))).all())


# What it cost ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ground:
    """A depot's day as it turned out: the problem with what nobody could know in the morning, and who drove where."""

    depot: str
    problem: Problem
    matrix: Matrix
    trips: tuple[tuple[str, int, tuple[str, ...]], ...]
    """vehicle, when it left in seconds since midnight, stops in the order of the taps"""

    def cost(self) -> int:
        """Of what was driven and of what was left undone, in cents by the weights of planning."""
        vans, first = {v.id: v for v in self.problem.vehicles}, set()
        total = 0
        for van, left_s, stops in self.trips:
            again = {"ready_s": max(left_s, vans[van].ready_s), "fixed_cost": 0} if van in first else {}
            first.add(van)
            total += time_route(self.problem, self.matrix, vans[van].model_copy(update=again), stops).cost
        came = {stop for _, _, stops in self.trips for stop in stops}
        return total + sum(stop.drop_penalty for stop in self.problem.stops if stop.id not in came)


def ground(db: Connection, depot_id: str, day: date) -> Ground:
    """The depot's day in hindsight: stops that a van came to or whose orders were left undone, as long as the doors
    took; vans that broke down, without the time that they stood."""
    here = problems.ground(db, depot_id, day)
    trips = _trips(db, here)
    came = {stop for _, _, stops in trips for stop in stops}
    undone = {
        row.stop_id for row in orders.of_day(db, depot_id, day)
        if row.stop_id not in came and row.status not in ("cancelled", "with_carrier") and row.lat is not None
    }  # fmt: skip
    took = _took(db, trips, here.t0)
    stops = tuple(
        _as_it_was(stop, took.get(stop_id)) for stop_id, stop in sorted(here.stops.items()) if stop_id in came | undone
    )
    known = {stop.id for stop in stops}
    trips = tuple((van, at, tuple(s for s in on if s in known)) for van, at, on in trips)
    base = problems.first(db, here)
    vans = tuple(_without_standing(db, van, depot_id, day) for van in base.vehicles)
    problem = base.model_copy(update={"stops": stops, "vehicles": vans, "routes": {}, "docks": None})
    return Ground(depot_id, problem, here.matrix, trips)


def _as_it_was(stop: Stop, service_s: int | None) -> Stop:
    """Goods are at the depot and nothing is promised yet: only the customer's own windows count."""
    free = {"aboard": None, "met_at": None, "after": None, "due_s": None}
    return stop.model_copy(update=free | ({"service_s": service_s, "setup_s": 0} if service_s is not None else {}))


def _without_standing(db: Connection, van: Vehicle, depot_id: str, day: date) -> Vehicle:
    stood = sum(
        int((row.ended_at - row.at).total_seconds()) if row.ended_at else van.shift_end_s
        for row in breakdowns.of_day(db, depot_id, day) if row.vehicle_id == van.id
    )  # fmt: skip
    return van.model_copy(update={"shift_end_s": max(van.ready_s, van.shift_end_s - stood)})


def _trips(db: Connection, here: problems.Ground) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """Each trip of each van, from leaving the depot; a door that was tried twice on one trip counts once there."""
    kinds = ("driver.departed", "driver.arrived")
    mine = event.c.kind.in_(kinds) & (event.c.at >= here.t0)
    rows = db.execute(select(event).where(mine).order_by(event.c.vehicle_id, event.c.at, event.c.seq)).all()
    found: list[tuple[str, int, list[str]]] = []
    for row in rows:
        left = row.kind == "driver.departed"
        begins = left or not found or found[-1][0] != row.vehicle_id
        if begins and (left or row.subject in here.stops):
            found.append((row.vehicle_id, int((row.at - here.t0).total_seconds()), []))
        if not left and row.subject in here.stops and row.subject not in found[-1][2]:
            found[-1][2].append(row.subject)
    return tuple((van, at, tuple(stops)) for van, at, stops in found if stops)


def _took(db: Connection, trips: Sequence[tuple[str, int, tuple[str, ...]]], t0: datetime) -> Mapping[str, int]:
    """Stop -> seconds from the driver's arriving to the last tap there."""
    wanted = {stop for _, _, stops in trips for stop in stops}
    arrived: dict[str, datetime] = {}
    took: dict[str, int] = {}
    stop_of = {row.id: row.stop_id for row in db.execute(select(order).where(order.c.stop_id.in_(wanted)))}
    rows = db.execute(select(event).where(event.c.kind.like("driver.%"), event.c.at >= t0).order_by(event.c.at))
    for row in rows:
        stop = row.subject if row.kind == "driver.arrived" else stop_of.get(row.subject)
        if row.kind == "driver.arrived" and stop in wanted:
            arrived[stop] = row.at
        elif row.kind in ("driver.delivered", "driver.failed", "driver.picked_up") and stop in arrived:
            took[stop] = max(took.get(stop, 0), int((row.at - arrived[stop]).total_seconds()))
    return took


def depots(db: Connection) -> list[str]:
    return list(db.execute(select(depot.c.id).order_by(depot.c.id)).scalars())


def macro(found: Sequence[Exceptions]) -> float:
    """The share settled with no person, the mean over kinds: a rare kind counts as much as a frequent one."""
    return sum(each.share for each in found) / max(len(found), 1)
