"""A dispatcher has an order put on a running plan, now: the engine names its best places, policy looks at the one that
is taken, and it is decided, written and carried out in one transaction. The casework then verifies and closes its case.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Row

from agent.planner import Planner
from core import cases, clock, decisions
from core.errors import NotAllowed, NotFound, WrongState
from core.principals import Principal
from core.store import db as store
from optimizer import what_if
from optimizer.options import Option
from tools import approvals, desk, looking, policy, problems
from tools.optimizer import Placer

KIND = "unassigned"
TRIED = ("wait", "reassign", "postpone")
WORKED = ("approved", "acting", "verified", "closed")


class Placed(BaseModel):
    """What was done, and what else could have been."""

    model_config = ConfigDict(frozen=True)

    decision: str
    case: str
    version: int
    vehicle: str
    arrival: datetime
    options: tuple[Option, ...]
    """all that was looked at, the cheapest first, with what each changes"""


def place(
    who: Principal, depot: str, day: date, ref: str, vehicle: str | None, optimizer: Placer, planner: Planner
) -> Placed:
    """Put an order that no van has where it costs least, or on the vehicle that is named. Raises WrongState when it has
    a place or no van has one for it, NotAllowed when policy forbids it, Stale when the world has moved on."""
    from agent import casework  # heavy: the graph of cases, which few requests need

    with store.transaction() as db:
        now = clock.now(db)
        mine = looking.find_order(db, who, ref)
        if mine is None or (mine.depot_id, mine.day) != (depot, day):
            raise NotFound(f"There is no order {ref!r} on that day.", "Check the reference.", field="order")
        if mine.status not in ("new", "unassigned"):
            raise WrongState(f"Order {mine.ref} is {mine.status}.", "Only one without a place is given one.")
        row = _case(db, mine, now)
        asked = optimizer.place(depot, day, mine.id, TRIED, now)
        travel = problems.matrices().get(asked.problem.matrix)
        options = [what_if.evaluate(asked.problem, travel, candidate) for candidate in asked.candidates]
        option = _taken(options, vehicle)
        row = casework.weighed(db, casework.diagnosed(db, row, now), asked, options, planner, option.id)
        decision = _carry_out(db, who, row, option.id, now)
        version = int(decisions.body(db, decision)["applied"]["version"])
    arrival = clock.at_offset(asked.t0, option.arrivals[asked.stop])
    return Placed(
        decision=decision, case=row.id, version=version, vehicle=str(option.vehicle_id), arrival=arrival,
        options=tuple(sorted(options, key=lambda o: (not o.feasible, o.cost_cents, o.id))),
    )  # fmt: skip


def _case(db: Connection, mine: Row[Any], now: datetime) -> Row[Any]:
    """The order's open case, or a new one."""
    known = cases.open_of_kind(db, "urgent", [mine.id]) or cases.open_of_kind(db, KIND, [mine.id])
    facts = {"order": mine.id, "stop": mine.stop_id, "reason": "came_late"}
    case_id = known.get(mine.id) or cases.open_or_join(db, KIND, mine.id, mine.depot_id, mine.day, facts, now)[0]
    row = cases.get(db, case_id, lock=True)
    if row.status in WORKED:
        raise WrongState(f"The case of {mine.ref} is {row.status}.", "Look at what was decided.")
    return row


def _taken(options: list[Option], vehicle: str | None) -> Option:
    """The cheapest place, or that on a vehicle."""
    places = [o for o in options if o.kind == "reassign" and o.feasible and vehicle in (None, o.vehicle_id)]
    if not places:
        vans = ", ".join(str(o.vehicle_id) for o in options if o.kind == "reassign" and o.feasible) or "none"
        raise WrongState("That van has no place for it among the best ones.", f"Take one of: {vans}.", field="vehicle")
    return min(places, key=lambda o: (o.cost_cents, o.id))


def _carry_out(db: Connection, who: Principal, row: Row[Any], option_id: str, now: datetime) -> str:
    """Propose it, approve it for who asks, and do it. Returns the decision's id."""
    verdict = row.inputs["outcome"]["verdict"]
    if verdict is None or verdict["verdict"] == "deny":
        raise NotAllowed(f"Policy {verdict and verdict['rule']} forbids it.", "Change the policy, or another way.")
    option = next(each for each in row.options if each["id"] == option_id)
    digest = approvals.put_up(db, row, option, now)
    cases.settle_proposal(db, digest, ("open",), "approved", who.id)
    cases.advance(db, row, "approved")
    asked = cases.open_proposal(db, row.id)
    assert asked is not None
    made = desk.act(db, cases.get(db, row.id), asked, policy.in_force(), now)
    cases.work(db, row.id)
    return made
