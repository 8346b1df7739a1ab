"""Tool: a case as it is told to staff in a conversation: what its proposal changes, as a diff with its price, and what
the log has of it. Reads only; a `table` is rows of cells, tab between cells and newline between rows, heads first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select

from core import cases, clock, decisions, fleet, money, orders, plans, principals
from core.errors import NotFound
from core.principals import Principal
from core.store.tables import case, decision
from optimizer.churn import Move, moves
from tools import tracker

Fact = dict[str, Any]
MOST_ROWS = 12
LONGEST = 200
"""characters of a sentence about what changes"""
WORDS: dict[str, str] = {
    "wait": "leave it as it is",
    "retell": "tell the customers their new time",
    "resequence": "another order of stops",
    "postpone": "another day",
    "remove": "take it off the day",
    "rebalance": "give stops to other vans",
    "rescue": "another van takes the goods over",
    "repair": "wait for the repair",
    "carrier": "a carrier delivers it",
}
"""option kind -> what it is called to staff"""


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Cells as one fact; what stands in a cell holds no tab and no newline."""
    lines = [heads, *list(rows)[:MOST_ROWS]]
    return "\n".join("\t".join(" ".join(str(cell).split()) for cell in line) for line in lines)


def look_at(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    """Tool: what the case `case` proposes."""
    return proposal(db, args.get("case", ""), now)


def look_up(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    """Tool: what the log has of an order or a case."""
    return log_of(db, args.get("order") or args.get("case", ""), now)


def ask_who_pays(db: Connection, who: Principal, args: Mapping[str, str], now: datetime) -> list[Fact]:
    """Tool: whose account an order or a case is on, and what was decided about it has cost."""
    return who_pays(db, args.get("order") or args.get("case", ""), now)


# What a case proposes -------------------------------------------------------------------------------------------------


def proposal(db: Connection, case_id: str, now: datetime) -> list[Fact]:
    """What is up for a yes, exactly: `change`, `price`, `proposal`; or why nothing is (`not_done`)."""
    row = cases.get(db, case_id)
    source = f"case {row.id}"

    def told(**facts: str | int) -> list[Fact]:
        return [tracker.fact(name, value, source, now) for name, value in facts.items()]

    found = told(case=row.id, case_status=row.status)
    asked = cases.open_proposal(db, row.id) if row.status == "waiting" else None
    if asked is None:
        return found + told(not_done=why_not(row)[:LONGEST]) + _options(row, now)
    option = next(o for o in row.options if o["id"] == asked.option_id)
    said = _diff(db, row, option)
    return found + told(
        proposal=asked.digest, change=change(db, row, option)[:LONGEST], price=money.say(option["cost_cents"]),
        minutes_late=option["minutes_late"], stops_moved=option["stops_moved"], told=len(option["retold"]),
        table=said or _option_rows(row),
    )  # fmt: skip


def change(db: Connection, row: Row[Any], option: Mapping[str, Any]) -> str:
    """What an option does, in one sentence."""
    found = _moved(db, row, option)
    if option["kind"] in ("postpone", "remove") or not found:
        refs = ", ".join(_refs(db, row, option))
        kind = WORDS.get(option["kind"], option["kind"])
        day = f" ({row.facts['day']})" if option["kind"] == "postpone" and row.facts.get("day") else ""
        return f"{kind[0].upper()}{kind[1:]}{day}: {refs}." if refs else f"{kind[0].upper()}{kind[1:]}."
    names, ways = _by_stop(db, found), []
    for move in found:
        if move.from_vehicle != move.to_vehicle:
            ways.append(
                f"{names.get(move.stop_id, 'a meeting')} from {move.from_vehicle or 'no van'} to {move.to_vehicle}"
            )
    if not ways:
        ways = [f"{names.get(move.stop_id, 'a meeting')} to another place on {move.to_vehicle}" for move in found]
    return f"Move order {', order '.join(ways)}."


def why_not(row: Row[Any]) -> str:
    """Why what was asked for is not up: what it would break, or what came of the case."""
    wished = [o for o in row.options if o["kind"] == row.facts.get("wish") and not o["feasible"]]
    if wished:
        return "; ".join(wished[0]["broken"]) or "it breaks a hard constraint"
    if row.options and not any(o["kind"] == row.facts.get("wish") for o in row.options):
        return "it can't be moved there: it is there already, is being served, or its goods are aboard"
    verdict = row.inputs.get("outcome", {}).get("verdict") if row.inputs else None
    if verdict and verdict["verdict"] == "deny":
        return f"policy {verdict['rule']}: {verdict['reason']}"
    return str((row.facts.get("packet") or {}).get("why") or row.reason_code or f"the case is {row.status}").replace(
        "_", " "
    )


def _moved(db: Connection, row: Row[Any], option: Mapping[str, Any]) -> tuple[Move, ...]:
    current = plans.current(db, row.depot_id, row.day)
    after = {van: tuple(stops) for van, stops in option["routes"].items()}
    if current is None or not after:
        return ()
    ahead = {stop for stops in after.values() for stop in stops} | {row.facts.get("stop", row.subject)}
    before = {
        van: tuple(s for s in (current.routes[van].stops if van in current.routes else ()) if s in ahead)
        for van in after
    }
    return moves(before, after, row.facts.get("stop"))


def _diff(db: Connection, row: Row[Any], option: Mapping[str, Any]) -> str:
    """Order, from, to, expected: each stop that moves, and each whose customer is told a new time."""
    found = _moved(db, row, option)
    told = [stop for stop in option["retold"] if stop not in {move.stop_id for move in found}]
    refs = orders.at_stops(db, [*(move.stop_id for move in found), *told])
    if not refs:
        return ""
    tz, t0 = ZoneInfo(fleet.get_depot(db, row.depot_id).tz), clock.parse(row.inputs["t0"])

    def expected(stop: str) -> str:
        second = option["arrivals"].get(stop)
        return "" if second is None else f"{clock.at_offset(t0, second).astimezone(tz):%H:%M}"

    def name(stop: str) -> str:
        return ", ".join(each.ref for each in refs.get(stop, ())) or "a meeting"

    rows = [(name(m.stop_id), m.from_vehicle or "-", m.to_vehicle or "-", expected(m.stop_id)) for m in found]
    rows += [(name(stop), "", "told a new time", expected(stop)) for stop in told]
    return table(("order", "from", "to", "expected"), rows)


def _by_stop(db: Connection, found: Iterable[Move]) -> dict[str, str]:
    rows = orders.at_stops(db, [move.stop_id for move in found])
    return {stop: " and ".join(each.ref for each in here) for stop, here in rows.items()}


def _refs(db: Connection, row: Row[Any], option: Mapping[str, Any]) -> list[str]:
    if row.facts.get("order"):
        return [f"order {orders.get(db, row.facts['order']).ref}"]
    here = orders.at_stops(db, option["retold"])
    return [each.ref for stop in option["retold"] for each in here.get(stop, ())][:MOST_ROWS]


def _options(row: Row[Any], now: datetime) -> list[Fact]:
    return [tracker.fact("table", _option_rows(row), f"case {row.id}", now)] if row.options else []


def _option_rows(row: Row[Any]) -> str:
    return options_table(row.options)


def options_table(options: Iterable[Mapping[str, Any]]) -> str:
    """Each way with what it costs; those that can't be done with why."""
    rows = [
        (
            f"{WORDS.get(o['kind'], o['kind'])}{' to ' + o['vehicle_id'] if o.get('vehicle_id') else ''}",
            money.say(o["cost_cents"]), o["minutes_late"], o["promises_broken"], o["promises_retold"],
            o["stops_moved"], "yes" if o["feasible"] else "; ".join(o["broken"])[:80],
        )
        for o in options
    ]  # fmt: skip
    return table(("way", "cost", "min late", "promises broken", "told anew", "stops moved", "possible"), rows)


# What the log has -----------------------------------------------------------------------------------------------------


def log_of(db: Connection, subject: str, now: datetime) -> list[Fact]:
    """The decisions about a case or an order, oldest first, and what they cost."""
    ids = case_ids(db, subject)
    rows = [row for case_id in ids for row in decisions.of_case(db, case_id)]
    rows.sort(key=lambda row: row.seq)
    if not rows:
        return [tracker.fact("no_log", subject[:40], "log", now)]
    names = principals.names(db, [row.approver.split(":")[0] for row in rows if row.approver])
    lines = [
        (row.seq, row.action, row.verdict, row.rule, names.get((row.approver or "").split(":")[0], "-"),
         money.say(row.cost), "yes" if row.undone_by else "no")
        for row in rows
    ]  # fmt: skip
    heads = ("entry", "action", "verdict", "rule", "by", "cost", "undone")
    return [
        tracker.fact("decisions", len(rows), "log", now),
        tracker.fact("last_decision", f"{rows[-1].action} {rows[-1].verdict} by rule {rows[-1].rule}", "log", now),
        tracker.fact("decision", rows[-1].id, "log", now),
        tracker.fact("table", table(heads, lines), "log", now),
    ]


def who_pays(db: Connection, subject: str, now: datetime) -> list[Fact]:
    """Whose account an order is on, and what was decided about it has cost: us by ourselves, or with a person's yes."""
    ids = case_ids(db, subject)
    rows = [row for case_id in ids for row in decisions.of_case(db, case_id)]
    own = sum(row.cost for row in rows if row.verdict == "auto")
    approved = sum(row.cost for row in rows if row.verdict == "approved")
    clients = sorted({mine.client for case_id in ids for mine in _orders_of(db, case_id)} | _client_of(db, subject))
    if not clients:
        return [tracker.fact("no_log", subject[:40], "log", now)]
    facts = {"client": ", ".join(clients)[:60], "own_cost": money.say(own), "approved_cost": money.say(approved)}
    return [tracker.fact(name, value, "log", now) for name, value in facts.items()]


def case_ids(db: Connection, subject: str) -> list[str]:
    """The cases of a case's id, or of an order's reference."""
    if db.execute(select(case.c.id).where(case.c.id == subject)).one_or_none() is not None:
        return [subject]
    row = orders.by_ref(db, subject)
    if row is None:
        return []
    about = case.c.subject.in_([row.id, row.stop_id]) | (case.c.facts["order"].astext == row.id)
    return list(db.execute(select(case.c.id).where(about).order_by(case.c.opened_at)).scalars())


def last_done(db: Connection, subject: str) -> Row[Any] | None:
    """The newest decision about a case or an order that can be taken back."""
    mine = decision.c.case_id.in_(case_ids(db, subject)) & decision.c.verdict.in_(["auto", "approved"])
    mine &= decision.c.undone_by.is_(None) & decision.c.action.not_in(["offer", "keep", "wait"])
    return db.execute(select(decision).where(mine).order_by(decision.c.seq.desc()).limit(1)).one_or_none()


def waiting(db: Connection, subject: str) -> Row[Any] | None:
    """The case of an order, a van or an id that waits for a yes."""
    ids = case_ids(db, subject)
    mine = (case.c.id.in_(ids) | (case.c.subject == subject)) & (case.c.status == "waiting")
    return db.execute(select(case).where(mine).order_by(case.c.opened_at.desc()).limit(1)).one_or_none()


def waiting_refs(db: Connection) -> list[str]:
    """What staff would call each case that waits for a yes, the most pressing first."""
    rows = db.execute(
        select(case).where(case.c.status == "waiting").order_by(case.c.due_by.asc().nulls_last(), case.c.id)
    )
    found = []
    for row in rows.all():
        mine = _orders_of(db, row.id)
        found.append(mine[0].ref if len(mine) == 1 else row.subject)
    return list(dict.fromkeys(found))


def _orders_of(db: Connection, case_id: str) -> list[Row[Any]]:
    row = cases.get(db, case_id)
    if "order" in row.facts:
        return [orders.get(db, row.facts["order"])]
    here = orders.at_stops(db, row.facts.get("stops") or [row.subject])
    return [each for rows in here.values() for each in rows]


def _client_of(db: Connection, subject: str) -> set[str]:
    try:
        row = orders.by_ref(db, subject)
    except NotFound:
        return set()
    return {row.client} if row is not None else set()
