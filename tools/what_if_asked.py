"""Tool: what would happen if: an order to another van, off the day, or a van that can't go on. Tries only; nothing
changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from core import custody, fleet, money, orders, vans
from core.principals import Principal
from optimizer.options import USUAL, Option, Scope
from tools import shown, tracker, vans_asked
from tools.kinds.kind import has_company
from tools.optimizer import Optimizer

Fact = dict[str, Any]
OFF_THE_DAY = ("wait", "postpone", "remove")


def try_it(db: Connection, who: Principal, args: Mapping[str, str], now: datetime, optimizer: Optimizer) -> list[Fact]:
    """`what_if` says the cheapest way that was asked about, `table` all ways. `no_answer` when it can't be tried."""
    if args.get("order"):
        return _order(db, who, args, now, optimizer)
    return _van(db, args, now, optimizer)


def _order(db: Connection, who: Principal, args: Mapping[str, str], now: datetime, optimizer: Optimizer) -> list[Fact]:
    row = orders.by_ref(db, args["order"], None, who.client)
    if row is None:
        return [tracker.fact("not_found", args["order"][:40], "orders", now)]
    if row.status in orders.FINAL:
        return [tracker.fact("no_answer", f"order {row.ref} is {row.status}", "orders", now)]
    found = vans_asked.meant(db, args["van"]) if args.get("van") else []
    shared = has_company(db, row)
    scope, kinds, asked = Scope(shared=shared), tuple[str, ...](USUAL), ""
    if len(found) == 1:
        scope, kinds, asked = Scope(shared=shared, to=found[0]), ("wait", "reassign"), "reassign"
    elif args.get("off"):
        kinds, asked = OFF_THE_DAY, "postpone" if args["off"] == "day" else "remove"
    return _tried(row.depot_id, row.day, row.stop_id, kinds, scope, asked, f"order {row.ref}", now, optimizer)


def _van(db: Connection, args: Mapping[str, str], now: datetime, optimizer: Optimizer) -> list[Fact]:
    found = vans_asked.meant(db, args.get("van", ""))
    if len(found) != 1:
        return [tracker.fact("no_van", args.get("van", "")[:40] or "that van", "fleet", now)]
    van = found[0]
    depot_id = fleet.get_vehicle(db, van).depot_id
    day = vans.local_day(now, fleet.get_depot(db, depot_id).tz)
    left = vans.open_route(db, van, depot_id, day)
    if not left:
        return [tracker.fact("no_answer", f"{van} has no stops left", "plan", now)]
    if any(custody.van_of(db, each.id) is not None for stop in left for each in orders.at_stop(db, stop)):
        scope = Scope(stops=tuple(left))  # what is aboard would have to be fetched from where it then stands
        return _tried(depot_id, day, van, ("wait", "retell"), scope, "retell", van, now, optimizer)
    scope = Scope(stops=tuple(left), breakdown=f"missing:{van}", vehicle=van)
    return _tried(depot_id, day, van, ("wait", "rescue", "postpone"), scope, "rescue", van, now, optimizer)


def _tried(
    depot_id: str, day: date, stop: str, kinds: Sequence[str], scope: Scope, asked: str, about: str, now: datetime,
    optimizer: Optimizer,
) -> list[Fact]:  # fmt: skip
    question = optimizer.ask(depot_id, day, stop, tuple(kinds), now, scope)
    priced = [optimizer.evaluate(question.problem, candidate) for candidate in question.candidates]
    ranked = sorted(priced, key=lambda o: (not o.feasible, o.cost_cents, o.id))
    source = f"what-if on plan version {question.version}"
    wanted = next((o for o in ranked if o.kind == asked), None) or next((o for o in ranked if o.kind != "wait"), None)
    said = "nothing else can be done" if wanted is None else _said(wanted)
    return [
        tracker.fact("what_if", f"{about}: {said}"[:200], source, now),
        tracker.fact("table", shown.options_table([o.model_dump(mode="json") for o in ranked]), source, now),
    ]


def _said(option: Option) -> str:
    way = shown.WORDS.get(option.kind, option.kind)
    way += f" to {option.vehicle_id}" if option.vehicle_id else ""
    if not option.feasible:
        return f"{way} is not possible: {'; '.join(option.broken)}"
    return (
        f"{way} costs {money.say(option.cost_cents)}, {option.minutes_late} min late, "
        f"{option.stops_moved} stops moved, {option.promises_retold} told a new time"
    )
