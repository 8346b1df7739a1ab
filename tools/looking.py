"""The tools that read, each with who has it in the box. They are run through the desk, which knows whose box it is.

What they return are facts with a source and a time, for whoever asked: to a customer, others' orders do not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from core import lineage, money, orders
from core.errors import BadInput
from core.principals import STAFF, Principal
from core.store.tables import case, depot
from tools import knowledge, orders_asked, proof, shown, slots_offered, tracker, vans_asked, what_if_asked
from tools.carriers.flat import FlatTariff
from tools.carriers.port import Parcel, Place, Quote
from tools.optimizer import at_hand

Fact = dict[str, Any]


@dataclass(frozen=True)
class Tool:
    """A tool that reads. `roles` is who has it in the box; customers' subjects are checked inside."""

    name: str
    roles: frozenset[str]
    run: Callable[[Connection, Principal, Mapping[str, str], datetime], list[Fact]]


def _own_orders(db: Connection, who: Principal) -> list[Row[Any]]:
    return orders.of_person(db, who.subject)


def find_order(db: Connection, who: Principal, ref: str) -> Row[Any] | None:
    """The order with this reference if this principal may see it; to a customer others' orders do not exist."""
    return orders.by_ref(db, ref, who.subject if who.role == "customer" else None, who.client)


def _order_status(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    ref = args.get("order", "")
    if ref and who.is_staff:
        return orders_asked.status(db, who, ref, now)
    if ref:
        row = find_order(db, who, ref)
        return tracker.order_status(db, row.id, now) if row else [tracker.fact("not_found", ref[:40], "orders", now)]
    if who.is_staff:
        raise BadInput("Which order?", "Name its reference.", field="order")
    mine = _own_orders(db, who)
    current = [row for row in mine if row.status not in orders.FINAL] or mine[-1:]
    if len(current) == 1:
        return tracker.order_status(db, current[0].id, now)
    return [tracker.fact("orders", ", ".join(row.ref for row in current), "orders", now)]


def _fleet_status(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    fleet_now = tracker.fleet_now(db, now)
    out = [row for row in fleet_now if row["state"] in ("driving", "serving", "broken")]
    open_cases = db.execute(
        select(func.count()).select_from(case).where(case.c.closed_at.is_(None), case.c.status != "folded")
    ).scalar_one()
    figures = {
        "vans_out": len(out), "stops_left": sum(row["stops_left"] for row in fleet_now),
        "late_stops": sum(len(row["late"]) for row in fleet_now), "open_cases": int(open_cases),
    }  # fmt: skip
    lines = [(row["id"], row["state"], row["stops_left"], len(row["late"])) for row in fleet_now]
    rows = shown.table(("van", "state", "stops left", "late"), lines)
    return [tracker.fact(name, value, "tracker", now) for name, value in (figures | {"table": rows}).items()]


def _proof(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    row = find_order(db, who, args.get("order", ""))
    if row is None:
        return [tracker.fact("not_found", args.get("order", "")[:40], "orders", now)]
    return proof.lookup(db, row.id) or [tracker.fact("no_proof", row.ref, "proofs", now)]


def _why(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    """How the last decision, plan or promise about an order came about."""
    row = find_order(db, who, args.get("order", ""))
    if row is None:
        return [tracker.fact("not_found", args.get("order", "")[:40], "orders", now)]
    graph = lineage.of_order(db, row.id)
    last = lineage.newest(graph, "decision", "plan", "promise") or row.id
    return [tracker.fact("why", (", then ".join(lineage.chain(graph, last)) + ".")[:240], f"lineage of {row.ref}", now)]


def _notes(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    """What the playbooks say about something: data with a source, never an instruction."""
    hits = knowledge.index().search(args.get("about", "")[:500], 3)
    return [tracker.fact("note", hit.text, hit.source, now) for hit in hits]


def _quote(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    row = find_order(db, who, args.get("order", ""))
    if row is None or row.lat is None:
        return [tracker.fact("not_found", args.get("order", "")[:40], "orders", now)]
    home = db.execute(select(depot).where(depot.c.id == row.depot_id)).one()
    parcel = Parcel(weight_g=max(row.weight_g, 1), pieces=row.pieces)
    quotes = FlatTariff().quote(parcel, Place(lat=home.lat, lon=home.lon), Place(lat=row.lat, lon=row.lon), row.day)
    said = [money.say(q.cost_cents, q.currency) if isinstance(q, Quote) else q.reason for q in quotes]
    found = [
        tracker.fact(f"{q.carrier}.{q.service}", each, "carriers", now) for q, each in zip(quotes, said, strict=True)
    ]
    said = [f"{q.service} {each}" for q, each in zip(quotes, said, strict=True) if isinstance(q, Quote)]
    return [*found, tracker.fact("quotes", "; ".join(said)[:240] or "no carrier takes it", "carriers", now)]


def _slots(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    row = find_order(db, who, args.get("order", ""))
    if row is None:
        return [tracker.fact("not_found", args.get("order", "")[:40], "orders", now)]
    return slots_offered.offer(db, row, args, now, at_hand(), costs=who.is_staff)


def _what_if(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    return what_if_asked.try_it(db, who, args, now, at_hand())


def _van(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    return vans_asked.look(db, args, now)


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("tracker.order_status", STAFF | {"customer"}, _order_status),
        Tool("proof.lookup", STAFF | {"customer"}, _proof),
        Tool("slots.offer", STAFF | {"customer"}, _slots),
        Tool("fleet.status", STAFF, _fleet_status),
        Tool("fleet.van", STAFF, _van),
        Tool("carriers.quote", STAFF, _quote),
        Tool("log.why", STAFF, _why),
        Tool("log.of", STAFF, shown.look_up),
        Tool("log.who_pays", STAFF, shown.ask_who_pays),
        Tool("cases.proposal", STAFF, shown.look_at),
        Tool("what_if", STAFF, _what_if),
        Tool("knowledge.search", STAFF, _notes),
    )
}
