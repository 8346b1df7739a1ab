"""Vans out of balance: one that will end after its shift while another has time, one that is to carry more than it
holds, one so far ahead of its plan that it would wait. Each is a case, and closes by itself when it is so no more.

Only stops that could move are reason for a case: goods aboard stay aboard, and a stop that was moved within the half
hour or twice today is left where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, select

from core import cases, effects, plans, promises
from core.clock import iso
from core.store.tables import case
from optimizer.problem import Problem, Vehicle, may_carry
from optimizer.schedule import Schedule, Timing
from tools import incidents
from tools.problems import Ground

OVERRUN_S = 600
"""A van that ends this much after its shift is a case ..."""
SLACK_S = 1800
"""... when another one that could help has this much of its own left."""
AHEAD_S = 1200
"""A van is far ahead when it would stand this long before a window opens, and is this much before its plan there ..."""
SOONER_S = 600
"""... or would be at a door this much before the time that was told there."""
SOON_S = 5400
"""What lies further ahead than this is not judged yet."""
AGAIN_AFTER = timedelta(hours=1)
"""What was decided about a van holds for this long."""
MOVED_LATELY = timedelta(minutes=30)
MOVES_A_DAY = 2
"""A stop moved within `MOVED_LATELY` or this often today stays: policy would only ask a person."""
KINDS = ("route_imbalance", "over_capacity", "early")
NOT_DONE_YET = ("open", "diagnosed", "weighed", "waiting")

Facts = dict[str, Any]


@dataclass(frozen=True)
class _Watch:
    """What a judgement looks at, read once."""

    db: Connection
    here: Ground
    problem: Problem
    now: datetime

    @cached_property
    def schedule(self) -> Schedule:
        return Schedule(self.problem, self.here.matrix)

    @cached_property
    def timings(self) -> Mapping[str, Timing]:
        return {v.id: self.schedule.timing(v, self.problem.routes.get(v.id, ())) for v in self.problem.vehicles}

    @cached_property
    def plan(self) -> Mapping[str, plans.PlannedRoute]:
        current = plans.current(self.db, self.here.depot_id, self.here.day)
        return current.routes if current else {}

    @cached_property
    def told_from(self) -> Mapping[str, int]:
        """Door -> when the time begins that was told there, for those that a van on the road reaches soon."""
        near = [row[0] for vehicle in self.problem.vehicles if vehicle.on_road for row in self.soon(vehicle)]
        told = promises.open_by_stop(self.db, sorted(set(near) - self._told_elsewhere())) if near else {}
        return {stop: max(self.here.seconds(promise.lo) for promise in found) for stop, found in told.items()}

    def _told_elsewhere(self) -> set[str]:
        """Doors that are told a sooner time anyhow: an incident is over."""
        mine = (case.c.kind == incidents.OVER) & (case.c.day == self.here.day) & case.c.closed_at.is_(None)
        return {
            stop for facts in self.db.execute(select(case.c.facts).where(mine)).scalars() for stop in facts["stops"]
        }

    def soon(self, vehicle: Vehicle) -> list[tuple[str, int, int, int, int]]:
        until = self.here.seconds(self.now) + SOON_S
        return [row for row in self.timings[vehicle.id].visits if row[1] <= until]

    def movable(self, vehicle: Vehicle, *, aboard: bool) -> list[str]:
        """Its stops that could move, on its own list (`aboard`) or to another one."""
        ahead = self.problem.routes.get(vehicle.id, ())[vehicle.locked :]
        moved = effects.stop_moves(self.db, ahead)
        calm = [s for s in ahead if s not in moved or not self._hot(*moved[s])]
        return calm if aboard else [s for s in calm if self.problem.stop(s).aboard is None]

    def _hot(self, count: int, last: datetime) -> bool:
        return count >= MOVES_A_DAY or self.now - last < MOVED_LATELY


def watch(db: Connection, here: Ground, problem: Problem, now: datetime) -> list[str]:
    """Judge each van of the depot's day. Returns the ids of the cases that this opened."""
    seen = _Watch(db, here, problem, now)
    troubled = {(kind, v.id): v for kind, judge in JUDGES.items() for v in problem.vehicles if judge(seen, v)}
    known = _known(seen)
    for (kind, vehicle_id), case_id in sorted(known.items()):
        if case_id and (kind, vehicle_id) not in troubled:
            _close(db, case_id, now)
    opened = []
    for (kind, vehicle_id), vehicle in sorted(troubled.items()):
        facts = None if (kind, vehicle_id) in known else FACTS[kind](seen, vehicle)
        if facts:
            made, new = cases.open_or_join(db, kind, vehicle_id, here.depot_id, here.day, facts, now)
            opened += [made] if new else []
    return opened


def _known(seen: _Watch) -> dict[tuple[str, str], str]:
    """(kind, van) -> its open case; nothing for one that was decided within the hour."""
    query = select(case).where(
        case.c.kind.in_(KINDS), case.c.depot_id == seen.here.depot_id, case.c.day == seen.here.day,
        case.c.closed_at.is_(None) | (case.c.closed_at > seen.now - AGAIN_AFTER),
    )  # fmt: skip
    rows = list(seen.db.execute(query))
    decided = {(row.kind, row.subject): "" for row in rows if row.reason_code != "in_balance"}
    return decided | {(row.kind, row.subject): row.id for row in rows if row.closed_at is None}


def _close(db: Connection, case_id: str, now: datetime) -> None:
    row = cases.get(db, case_id, lock=True)
    if row.status in NOT_DONE_YET:
        cases.advance(db, row, "closed", closed_at=now, reason_code="in_balance")


# Ends after its shift -------------------------------------------------------------------------------------------------


def _overruns(seen: _Watch, vehicle: Vehicle) -> bool:
    return seen.timings[vehicle.id].overtime_s > OVERRUN_S


def _imbalance(seen: _Watch, vehicle: Vehicle) -> Facts | None:
    """What is known of a van that overruns, when somebody could help it."""
    stops = [s for s in seen.movable(vehicle, aboard=False) if _helpers(seen, vehicle, s)]
    if not stops:
        return None
    timing = seen.timings[vehicle.id]
    ends, shift_end = (iso(seen.here.at(second)) for second in (timing.end_s, vehicle.shift_end_s))
    return {"vehicle": vehicle.id, "stops": sorted(stops), "ends": ends, "shift_end": shift_end}


def _helpers(seen: _Watch, vehicle: Vehicle, stop_id: str) -> bool:
    stop = seen.problem.stop(stop_id)
    return any(
        may_carry(other, stop) and other.shift_end_s - seen.timings[other.id].end_s >= SLACK_S
        for other in seen.problem.vehicles
        if other.id != vehicle.id
    )


# Holds too little -----------------------------------------------------------------------------------------------------


def _is_overloaded(seen: _Watch, vehicle: Vehicle) -> bool:
    """Before it leaves: what is aboard later did fit."""
    breaches = seen.schedule.breaches(vehicle, seen.timings[vehicle.id])
    return not vehicle.on_road and any(breach.kind.startswith("capacity") for breach in breaches)


def _overload(seen: _Watch, vehicle: Vehicle) -> Facts:
    breaches = seen.schedule.breaches(vehicle, seen.timings[vehicle.id])
    words = [breach.words for breach in breaches if breach.kind.startswith("capacity")]
    return {"vehicle": vehicle.id, "stops": sorted(seen.movable(vehicle, aboard=False)), "overload": "; ".join(words)}


# Far ahead ------------------------------------------------------------------------------------------------------------


def _is_ahead(seen: _Watch, vehicle: Vehicle) -> bool:
    """Will it stand before a window long before its plan, or reach a door before the time that was told there?"""
    return vehicle.on_road and bool(_waits_s(seen, vehicle) or _sooner(seen, vehicle))


def _waits_s(seen: _Watch, vehicle: Vehicle) -> int:
    """How long it would stand before the first window that it is far too early for, if others could come first."""
    for at, (stop, arrival, start, _, _) in enumerate(seen.soon(vehicle)):
        others = vehicle.locked <= at < len(seen.problem.routes[vehicle.id]) - 1
        if start - arrival >= AHEAD_S and others and _planned(seen, vehicle, stop) - arrival >= AHEAD_S:
            return start - arrival
    return 0


def _planned(seen: _Watch, vehicle: Vehicle, stop: str) -> int:
    """When its plan has it drive up there: the plan keeps starts of service, so it is the leg after the stop before."""
    route = seen.plan.get(vehicle.id)
    listed = route.stops if route else ()
    if route is None or stop not in listed:
        return 0
    at = listed.index(stop)
    leaves = route.visits[at - 1].departure if at else route.start
    before = seen.here.stops[listed[at - 1]].location if at else 0
    return seen.here.seconds(leaves) + int(seen.here.matrix.durations_s[before, seen.here.stops[stop].location])


def _sooner(seen: _Watch, vehicle: Vehicle) -> list[str]:
    """Doors that it reaches soon, and before the time that was told there."""
    told = seen.told_from
    return [stop for stop, _, start, _, _ in seen.soon(vehicle) if start < told.get(stop, 0) - SOONER_S]


def _early(seen: _Watch, vehicle: Vehicle) -> Facts:
    facts: Facts = {"vehicle": vehicle.id, "stops": sorted(seen.movable(vehicle, aboard=True))}
    return facts | {"waits_min": _waits_s(seen, vehicle) // 60, "sooner": sorted(_sooner(seen, vehicle))}


JUDGES: dict[str, Callable[[_Watch, Vehicle], bool]] = {
    "route_imbalance": _overruns,
    "over_capacity": _is_overloaded,
    "early": _is_ahead,
}
FACTS: dict[str, Callable[[_Watch, Vehicle], Facts | None]] = {
    "route_imbalance": _imbalance,
    "over_capacity": _overload,
    "early": _early,
}
