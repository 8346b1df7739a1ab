"""The kinds of case as data: what is tried, what each option is to policy and costs, what settles a case by itself.

A kind that is not here is worked by a person. Adding one is a row in `KINDS`, a playbook in `prompts/playbooks`, a page
in `docs/cases` and the policy rules of its actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from core import clock, events, fleet, orders, promises
from core.store.tables import case, order, vehicle
from optimizer.options import Scope
from tools import attendance, carrying, incidents, roadside_case, tracker
from tools.kinds import asked, claims, outage, vans
from tools.kinds.kind import Kind, case_orders, shares_its_door
from tools.policy import Value

# One cause for many ---------------------------------------------------------------------------------------------------


def _late_by_it(db: Connection, row: Row[Any]) -> Scope:
    """Its stops that are late still; all of them, when none is: the case is then settled anyhow."""
    hit = incidents.hit(row.facts)
    return Scope(stops=tuple(sorted(tracker.late_stops(db, row.day) & hit or hit)))


def _approved_before(db: Connection, row: Row[Any], now: datetime) -> dict[str, Value]:
    """Those who joined an incident after its proposal was shown come after one that a person has approved."""
    return {"approved_before": "first" in row.facts}


def _none_is_late(db: Connection, row: Row[Any]) -> str | None:
    return None if tracker.late_stops(db, row.day) & incidents.hit(row.facts) else "on_time_again"


# Not in the plan ------------------------------------------------------------------------------------------------------


def _left_out(db: Connection, row: Row[Any]) -> Scope:
    return Scope(shared=shares_its_door(db, row), left_out=True)


def _left_out_today(db: Connection, row: Row[Any]) -> Scope:
    """The same, with the price of a carrier who delivers it today: another day is no answer to who needs it now."""
    quote = carrying.same_day(db, orders.get(db, row.facts["order"]))
    return _left_out(db, row).model_copy(update={"carrier_cents": quote.cost_cents if quote else None})


def _waits_with_others(db: Connection, row: Row[Any]) -> Scope:
    """What else has no place, unless a person is looking at it."""
    query = select(case.c.subject, case.c.facts).where(
        case.c.kind == row.kind, case.c.depot_id == row.depot_id, case.c.day == row.day, case.c.id != row.id,
        case.c.status.in_(["open", "diagnosed", "held"]),
    )  # fmt: skip
    stops = {str(other.facts.get("stop", other.subject)) for other in db.execute(query)}
    return _left_out(db, row).model_copy(update={"pool": tuple(sorted(stops))})


def _in_the_plan(db: Connection, row: Row[Any]) -> str | None:
    """A new plan, or another case, has taken it in."""
    waits = any(o.status in ("new", "unassigned") for o in case_orders(db, row))
    return None if waits else "in_the_plan"


# Predicted late -------------------------------------------------------------------------------------------------------


def _on_time_again(db: Connection, row: Row[Any]) -> str | None:
    return None if tracker.is_late(db, row.subject) else "on_time_again"


# What a customer asks for ---------------------------------------------------------------------------------------------


def _asked_by(row: Row[Any]) -> dict[str, Value]:
    """Whoever opens such a case through the desk has signed in or writes from the number that the order has."""
    return {"verified": str(row.facts.get("requester", "system")) != "system"}


def _other_day(db: Connection, row: Row[Any], now: datetime) -> dict[str, Value]:
    day = date.fromisoformat(row.facts["day"])
    return _asked_by(row) | {"days_ahead": (day - row.day).days, "slot_open": slot_open(db, row.depot_id, day)}


def slot_open(db: Connection, depot_id: str, day: date) -> bool:
    """Does the depot's fleet still have room that day?"""
    booked = select(func.coalesce(func.sum(order.c.pieces), 0)).where(
        order.c.depot_id == depot_id, order.c.day == day, order.c.status.in_(orders.OPEN)
    )
    room = select(func.coalesce(func.sum(vehicle.c.pieces), 0)).where(vehicle.c.depot_id == depot_id)
    return int(db.execute(booked).scalar_one()) < int(db.execute(room).scalar_one())


def _cancelling(db: Connection, row: Row[Any], now: datetime) -> dict[str, Value]:
    mine = orders.get(db, row.facts["order"])
    told = promises.open_of(db, mine.id)
    ends = clock.midnight(mine.day + timedelta(days=1), fleet.get_depot(db, mine.depot_id).tz)
    notice = (told.lo if told is not None else ends) - now
    return _asked_by(row) | {"client": mine.client, "notice_min": max(0, int(notice.total_seconds() // 60))}


# A failed attempt -----------------------------------------------------------------------------------------------------


def _after_a_try(db: Connection, row: Row[Any], now: datetime) -> dict[str, Value]:
    mine = orders.get(db, row.facts["order"])
    tries = sum(event.kind == "driver.failed" for event in events.of(db, mine.id))
    day = row.day + timedelta(days=1)
    return _asked_by(row) | {
        "attempts": tries + earlier_attempts(mine.ref),
        "slot_open": slot_open(db, row.depot_id, day),
    }


def earlier_attempts(ref: str) -> int:
    """`A1/3` is the third time that A1 goes out: two days before it came back."""
    base, _, number = ref.rpartition("/")
    return int(number) - 1 if base and number.isdecimal() else 0


# A visit that is likely to fail ---------------------------------------------------------------------------------------


def _confirming(db: Connection, row: Row[Any], now: datetime) -> dict[str, Value]:
    """What policy judges of each answer: another day, or not at all."""
    return _other_day(db, row, now) | _cancelling(db, row, now)


KINDS: dict[str, Kind] = (
    vans.KINDS
    | asked.KINDS
    | outage.KINDS
    | claims.KINDS
    | {
        "predicted_late": Kind(("wait", "retell", "resequence", "reassign", "postpone"), settled=_on_time_again),
        "promise_at_risk": Kind(("wait", "retell", "resequence", "reassign"), settled=_on_time_again),
        "incident": Kind(
            ("wait", "retell", "resequence"),
            actions={"retell": "retell_all", "resequence": "resequence_all"},
            scope=_late_by_it,
            settled=_none_is_late,
            facts=_approved_before,
        ),
        "unassigned": Kind(
            ("wait", "hold", "join", "reassign", "serve", "postpone"),
            about=frozenset({"new", "unassigned"}),
            scope=_waits_with_others,
            settled=_in_the_plan,
        ),
        "urgent": Kind(
            ("wait", "join", "reassign", "carrier", "postpone"),
            charged={"wait": 2, "postpone": 2},
            about=frozenset({"new", "unassigned"}),
            scope=_left_out_today,
            settled=_in_the_plan,
        ),
        "reschedule": Kind(
            ("wait", "postpone"),
            actions={"wait": "decline", "postpone": "reschedule"},
            charged={"wait": 1, "postpone": -1},
            facts=_other_day,
        ),
        "failed_attempt": Kind(
            ("wait", "again", "neighbour", "pickup", "postpone"),
            actions={"wait": "return", "pickup": "hold_at_depot", "postpone": "retry_day"},
            about=frozenset({"failed"}),
            scope=_left_out,
            facts=_after_a_try,
            offers=("again", "postpone", "wait", "neighbour", "pickup"),
            wished=frozenset({"neighbour", "pickup"}),
        ),
        "breakdown": Kind(
            ("wait", "repair", "rescue", "carrier", "postpone"),
            actions={"carrier": "collect"},
            scope=roadside_case.scope,
            settled=roadside_case.settled,
        ),
        "driver_missing": Kind(("wait", "rescue", "postpone"), scope=attendance.scope, settled=attendance.settled),
        "cancel": Kind(
            ("wait", "remove"),
            actions={"wait": "decline", "remove": "cancel"},
            charged={"wait": 1},
            about=orders.OPEN | {"failed"},
            facts=_cancelling,
        ),
        "confirm_visit": Kind(
            ("wait", "postpone", "remove"),
            actions={"wait": "keep", "postpone": "reschedule", "remove": "cancel"},
            charged={"wait": -1, "remove": 3},
            facts=_confirming,
            offers=("wait", "postpone", "remove"),
            asks="confirm_visit",
            words={"wait": "choice_come", "remove": "choice_drop"},
            answer_within=timedelta(hours=4),
        ),
    }
)


def tried(kind: str) -> tuple[str, ...]:
    """What is tried for a kind of case; nothing for one that a person works."""
    return KINDS[kind].tried if kind in KINDS else ()


def action_kind(kind: str, option: Mapping[str, Any]) -> str:
    """What an option is to policy. When a customer asked for another day, leaving today is `reschedule` rather than
    `postpone`, and doing nothing is `decline`: they are waiting for an answer."""
    name = str(option["kind"])
    return KINDS[kind].actions.get(name, name) if kind in KINDS else name
