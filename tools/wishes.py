"""What staff ask to have changed: each wish opens the case that works it, or gives the open one its new wish.

Nothing is done yet. A case with `to_approve` never acts by itself: what policy would let through is shown and waits for
a person's yes all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row

from core import cases, custody, fleet, orders, taps, vans
from core.clock import iso
from core.errors import BadInput, NotFound, WrongState
from core.events import Event
from core.principals import STAFF, Principal
from tools import vans_asked

Facts = dict[str, Any]
Open = Callable[[Connection, Principal, Mapping[str, str], datetime], str]
GIVE = 2
"""stops that a van gives away when nobody says how many"""
REPORTED = "dispatcher"
"""source of a fact that staff report"""
STILL_OPEN = ("open", "diagnosed", "weighed", "waiting", "escalated")


def reassign(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> str:
    """An order to another van: the one that `van` names, else the cheapest."""
    row = _order(db, who, args)
    to = _van(db, args["van"]) if args.get("van") else None
    facts = _asked(who) | {"order": row.id, "stop": row.stop_id, "wish": "reassign"} | ({"to": to} if to else {})
    return ask(db, "reassign", row.id, row.depot_id, row.day, facts, now)


def rebalance(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> str:
    """Some stops of a van to others: those that cost least elsewhere. What is aboard stays."""
    van, depot_id, day, left = _list_of(db, args, now)
    free = [stop for stop in left if all(custody.van_of(db, each.id) is None for each in orders.at_stop(db, stop))]
    if not free:
        raise WrongState(
            f"All that {van} has left is aboard.", "Goods change vans by a breakdown's rescue only.", field="van"
        )
    give = int(args["count"]) if args.get("count", "").isdigit() else GIVE
    facts = _asked(who) | {"vehicle": van, "stops": sorted(free), "give": max(1, give), "wish": "rebalance"}
    return ask(db, "rebalance", van, depot_id, day, facts, now)


def notify(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> str:
    """An order's customer, or all whom a van has still to visit and who will be late, are told the present time."""
    if args.get("order"):
        row = _order(db, who, args)
        facts = _asked(who) | {"order": row.id, "stop": row.stop_id, "wish": "retell"}
        return ask(db, "notify", row.id, row.depot_id, row.day, facts, now)
    van, depot_id, day, left = _list_of(db, args, now)
    return ask(db, "notify", van, depot_id, day, _asked(who) | {"vehicle": van, "stops": left, "wish": "retell"}, now)


def breakdown(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> str:
    """A van that can't go on, as staff report it: the same fact as the driver's tap, and so the same case."""
    van = _van(db, args.get("van", ""))
    minutes = int(args["minutes"]) if args.get("minutes", "").isdigit() else None
    fact = Event(
        key=f"reported:breakdown:{van}:{iso(now)}", kind="driver.breakdown", source=REPORTED, subject=van, at=now,
        vehicle_id=van, data={"reason": "other"} | ({} if minutes is None else {"minutes": minutes}),
    )  # fmt: skip
    taps.take(db, fact, now)
    found = cases.open_of_kind(db, "breakdown", [van]).get(van)
    if found is None:
        raise WrongState(f"{van} has nothing left to deliver.", "There is nothing to decide.", field="van")
    row = cases.get(db, found, lock=True)
    if row.status == "open":
        cases.advance(db, row, "open", facts=dict(row.facts) | _asked(who))
    return found


OPEN: dict[str, Open] = {"reassign": reassign, "rebalance": rebalance, "notify": notify, "breakdown": breakdown}
"""Actions that staff may ask for besides those of `desk.PROPOSALS` that customers have too."""
PREPARED = ("plan", "add_order", "tell_driver")
"""what is put in rather than changed: a conversation shows it and asks"""
ROLES = dict.fromkeys((*OPEN, *PREPARED), STAFF)


def ask(db: Connection, kind: str, subject: str, depot_id: str, day: date, facts: Facts, now: datetime) -> str:
    """Open the case, or ask the open one anew when the wish has changed: "no, give it to Maria instead"."""
    made, new = cases.open_or_join(db, kind, subject, depot_id, day, facts, now)
    if new:
        return made
    row = cases.get(db, made, lock=True)
    known = {name: row.facts.get(name) for name in facts}
    if row.status in STILL_OPEN and (known != facts or row.status == "escalated"):
        kept = {name: value for name, value in row.facts.items() if name != "to"}
        cases.advance(
            db, row, "open", rounds=row.rounds + 1, due_by=None,
            facts=kept | facts | {"holds": row.facts.get("holds", 0) + 1},
        )  # fmt: skip
        cases.work(db, made)
    return made


def _asked(who: Principal) -> Facts:
    return {"requester": who.role, "by": who.id, "to_approve": True}


def _order(db: Connection, who: Principal, args: Mapping[str, str]) -> Row[Any]:
    row = orders.by_ref(db, args.get("order", ""), None, who.client)
    if row is None:
        raise NotFound(f"There is no order {args.get('order', '')[:40]!r}.", "Check the reference.", field="order")
    if row.status in orders.FINAL:
        raise WrongState(f"Order {row.ref} is {row.status}.", "Nothing can be changed any more.", field="order")
    return row


def _van(db: Connection, said: str) -> str:
    found = vans_asked.meant(db, said)
    if len(found) != 1:
        raise BadInput(f"{said[:40]!r} is no van, or several.", "Name one by its number.", field="van")
    return found[0]


def _list_of(db: Connection, args: Mapping[str, str], now: datetime) -> tuple[str, str, date, list[str]]:
    """A van with its depot, its day and what is left on its list."""
    van = _van(db, args.get("van", ""))
    depot_id = fleet.get_vehicle(db, van).depot_id
    day = vans.local_day(now, fleet.get_depot(db, depot_id).tz)
    left = vans.open_route(db, van, depot_id, day)
    if not left:
        raise WrongState(f"{van} has no stops left.", "There is nothing to change.", field="van")
    return van, depot_id, day, list(left)
