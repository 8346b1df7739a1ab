"""Tool: when an order could be brought, and what each window costs, over today and the next days.

A day that is planned is asked as it runs now; one that is not yet, on a first plan of what is ordered for it so far. It
loads compiled code: for the engine process, and for who has none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from core import custody, fleet, incidents, orders, plans
from core.errors import BadInput
from core.vans import local_day
from optimizer import slots
from optimizer.native import resident
from optimizer.native.engine import solve
from optimizer.native.resident import Legs, Resident
from optimizer.problem import Problem, Stop, rebuilt, without_stop
from optimizer.travel import legs_from, widened
from tools import problems, yard
from tools.problems import Ground
from tools.slots import HOURS, LONGEST_DAYS, Slot, Wanted

HERE = "\0asked"
"""the stop that is asked about: no door's id"""


class Held(BaseModel):
    """A depot's day as slots are asked on it."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    here: Ground
    problem: Problem
    resident: Resident | None
    """None: the day has what a resident plan does not know"""


Days = Callable[[Connection, str, date, datetime], Held]
"""how a day is looked up: (connection, depot, day, now). `hold`, or somebody who keeps what it makes"""


def find(
    db: Connection,
    wanted: Wanted,
    now: datetime,
    days: int,
    hours: int = HOURS,
    first: date | None = None,
    look_up: Days | None = None,
) -> tuple[Slot, ...]:
    """The windows of the next `days` days, from `first` (else today at the depot) on, in their order. Raises BadInput
    for too many days, NotFound for a depot that there is not."""
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(f"{days} days are too many or too few.", f"Ask for 1 to {LONGEST_DAYS}.", field="days")
    if not 1 <= hours <= 12:
        raise BadInput(f"A window of {hours} hours is none.", "Ask for 1 to 12.", field="hours")
    today = local_day(now, fleet.get_depot(db, wanted.depot).tz)
    begins = max(today, first or today)
    found: list[Slot] = []
    for ahead in range(days):
        held = (look_up or hold)(db, wanted.depot, begins + timedelta(days=ahead), now)
        if held.problem.vehicles:
            found += _of_day(db, held, wanted, hours * 3600)
    return tuple(found)


def hold(db: Connection, depot_id: str, day: date, now: datetime) -> Held:
    """A day read from the record: running, planned, or only ordered."""
    here = problems.ground(db, depot_id, day)
    return held_of(here, read(db, here, plans.current(db, depot_id, day), now))


def read(db: Connection, here: Ground, current: plans.PlanVersion | None, now: datetime) -> Problem:
    """The day as it is: running, or only ordered."""
    if current is not None:
        return problems.live(db, here, current, now)
    if not fleet.of_depot(db, here.depot_id):
        return Problem(matrix=here.matrix.hash, stops=(), vehicles=())
    return rebuilt(problems.first(db, here), now_s=max(0, here.seconds(now)))


def held_of(here: Ground, problem: Problem) -> Held:
    """A day ready to be asked. What nobody has planned yet is put on the routes that insertion finds for it."""
    if problem.stops and not problem.routes and problem.vehicles:
        made = solve(problem, here.matrix, iterations=1)
        problem = rebuilt(problem, routes={route.vehicle_id: route.stop_ids for route in made.routes})
    return Held(here=here, problem=problem, resident=_resident(problem, here))


def _resident(problem: Problem, here: Ground) -> Resident | None:
    return None if resident.unknown(problem, here.matrix) else Resident(problem, here.matrix)


def _of_day(db: Connection, held: Held, wanted: Wanted, length_s: int) -> list[Slot]:
    held = _without(db, held, wanted)
    here, problem = held.here, held.problem
    stop, row = _stop(db, here, wanted), _row(here, wanted)
    asked = tuple(slots.windows(problem, length_s))
    if held.resident is not None:
        stop = stop.model_copy(update={"location": row or 0})
        found = slots.on_plan(held.resident, stop, asked, None if row is not None else _legs(here, wanted))
    else:
        found = _position_by_position(db, held, wanted, stop, asked, row)
    return [
        Slot(
            day=here.day, lo=here.at(slot.from_s), hi=here.at(slot.until_s), vehicle=slot.vehicle_id,
            cost_cents=slot.cost_cents, minutes_late=slot.minutes_late, promises=slot.promises,
        )
        for slot in found
    ]  # fmt: skip


def _position_by_position(
    db: Connection, held: Held, wanted: Wanted, stop: Stop, asked: tuple[slots.Window, ...], row: int | None
) -> tuple[slots.Slot, ...]:
    """For a day that is no resident plan. A place that the matrix does not know becomes its last row."""
    here, problem, matrix = held.here, held.problem, held.here.matrix
    if row is None:
        place = (wanted.lat, wanted.lon)
        row, matrix = matrix.size, widened(matrix, here.places, [place])
        lasting = incidents.lasting(db, here.depot_id, here.day, here.at(problem.now_s)) if problem.zones else []
        zones = problems.zones_of(here, lasting, {row: place})
        problem = rebuilt(problem, matrix=matrix.hash, zones=zones)
    return slots.position_by_position(problem, matrix, stop.model_copy(update={"location": row}), asked)


def _without(db: Connection, held: Held, wanted: Wanted) -> Held:
    """The day as if the order's own visit were not on it, when it is the only order there."""
    if wanted.order is None:
        return held
    stop_id = orders.get(db, wanted.order).stop_id
    others = [r for r in orders.at_stop(db, stop_id) if r.id != wanted.order and r.status in orders.OPEN]
    if others or all(stop.id != stop_id for stop in held.problem.stops):
        return held
    problem = without_stop(held.problem, stop_id)
    return Held(here=held.here, problem=problem, resident=_resident(problem, held.here))


def _stop(db: Connection, here: Ground, wanted: Wanted) -> Stop:
    """What is asked about as a stop, without its place. Goods on a van today can only come with it."""
    goods = tuple(getattr(wanted, name) for name in yard.CAPACITIES)
    mine = None if wanted.order is None else orders.get(db, wanted.order)
    return Stop(
        id=HERE, location=0, service_s=wanted.service_s, skills=tuple(sorted(wanted.skills)), crew=wanted.crew,
        demand=goods if wanted.kind in orders.BROUGHT else (), pickup=goods if wanted.kind in orders.FETCHED else (),
        areas=yard.areas_at(fleet.areas_of(db, here.depot_id), wanted.lat, wanted.lon),
        free=wanted.kind not in orders.BROUGHT,
        aboard=custody.van_of(db, mine.id) if mine is not None and mine.day == here.day else None,
    )  # fmt: skip


def _row(here: Ground, wanted: Wanted) -> int | None:
    """The matrix's row of the place, when one of the day's doors stands there."""
    same = orders.stop_id(here.depot_id, here.day, wanted.lat, wanted.lon)
    return here.stops[same].location if same in here.stops else None


def _legs(here: Ground, wanted: Wanted) -> Legs:
    seconds, metres = legs_from((wanted.lat, wanted.lon), here.places)
    for table in (seconds, metres):
        table.setflags(write=False)
    return Legs(seconds, metres)
