"""Broken vans in the routing problem: where they stand, when they go on, and the goods that another van fetches there.

A place where a van broke down is one more row of the depot's travel times for the rest of the day. A transfer is a stop
there that only the van which takes can serve; what it takes is for that van alone, and comes after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, select

from core import breakdowns, orders, rests, transfers
from core.store.tables import breakdown, order, transfer, transfer_line
from optimizer.problem import Problem, Stop, rebuilt

if TYPE_CHECKING:
    from tools.problems import Ground

ASSUMED_MIN = 120
"""How long a van is taken to stand when its driver can't say: nobody is told a time that rests on this."""


def stamp(db: Connection, depot_id: str, day: date) -> tuple[int, ...]:
    """Changes when a place or a meeting is added."""
    places = select(func.count()).where(breakdown.c.depot_id == depot_id, breakdown.c.day == day)
    meetings = select(func.count()).where(transfer.c.depot_id == depot_id, transfer.c.day == day)
    return int(db.execute(places).scalar_one()), int(db.execute(meetings).scalar_one())


def stops(db: Connection, depot_id: str, day: date, rows: Mapping[str, int]) -> dict[str, Stop]:
    """Places and meetings as stops, `rows` says which row of the matrix each breakdown is."""
    found = {made: Stop(id=made, location=row, service_s=0) for made, row in rows.items()}
    query = select(transfer).where(transfer.c.depot_id == depot_id, transfer.c.day == day)
    for row in db.execute(query.order_by(transfer.c.id)):
        found[row.id] = Stop(
            id=row.id, location=rows[row.breakdown_id], service_s=row.service_s, aboard=row.to_vehicle
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Meetings:
    """Goods that have a meeting ahead of them."""

    to: Mapping[str, str]
    """stop -> van that takes its goods, or goes to the meeting"""
    at: Mapping[str, str]
    """stop -> meeting at which the van gets its goods"""


def meetings(db: Connection, here: Ground) -> Meetings:
    rows = transfers.of_day(db, here.depot_id, here.day)
    to, at = {row.id: row.to_vehicle for row in rows}, {}
    if rows:
        query = (
            select(order.c.stop_id, transfer_line.c.transfer_id)
            .join(order, order.c.id == transfer_line.c.order_id)
            .where(transfer_line.c.transfer_id.in_(list(to)), order.c.status.in_(orders.OPEN))
            .order_by(order.c.stop_id, transfer_line.c.transfer_id)
        )
        ahead = {row.id for row in rows if row.status == "open"}
        for row in db.execute(query):
            to[row.stop_id] = to[row.transfer_id]
            if row.transfer_id in ahead:
                at[row.stop_id] = row.transfer_id
    return Meetings(to, at)


def standing(db: Connection, here: Ground, problem: Problem) -> Problem:
    """The problem with vans that stand, broken down or at rest, ready no sooner than they go on."""
    broken = {row.vehicle_id: row for row in breakdowns.of_day(db, here.depot_id, here.day) if row.ended_at is None}
    goes_on = {van: here.seconds(until) for van, until in rests.resting_until(db, here.day).items()}
    goes_on |= {van: goes_on_s(here, row) for van, row in broken.items()}
    return held_up(problem, goes_on)


def held_up(problem: Problem, goes_on_s: Mapping[str, int]) -> Problem:
    """With vans that stand until a second: what they stand for says nothing about how fast they will drive, so the leg
    that is before them is as long as usual."""
    if not any(each.id in goes_on_s for each in problem.vehicles):
        return problem
    vehicles = tuple(
        each.model_copy(update={"ready_s": max(each.ready_s, goes_on_s[each.id]), "first_leg_s": None})
        if each.id in goes_on_s
        else each
        for each in problem.vehicles
    )
    return rebuilt(problem, vehicles=vehicles)


def goes_on_s(here: Ground, row: Row[Any]) -> int:
    """When a broken van goes on, as its driver says, else as we take it to."""
    minutes = ASSUMED_MIN if row.minutes is None else row.minutes
    return here.seconds(row.at + timedelta(minutes=minutes))
