"""Tool: which orders are likely to find nobody, by what first attempts have come to, and asking their customers before
they are planned.

Asking opens a case an order (`confirm_visit`); the casework sends the question when policy lets it and does what the
answer says: come as planned, another day, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, Subquery, and_, case, false, func, or_, select, tuple_

from core import cases, fleet, orders
from core.clock import parse
from core.store.tables import attempt, event, order, person
from optimizer import risk
from optimizer.risk import Count, Risk

HIGH_PERCENT = 20
"""from here on an order is flagged: two and a half times the industry's 8 %"""
LOOK_BACK = timedelta(days=180)
HOURS_A_PART = 3
KIND = "confirm_visit"


def of_orders(db: Connection, depot_id: str, rows: Sequence[Row[Any]]) -> dict[str, Risk]:
    """Order id -> the risk of its first attempt, from the attempts of the days before at its depot."""
    if not rows:
        return {}
    tz = fleet.get_depot(db, depot_id).tz
    past = _past(depot_id, min(row.day for row in rows), tz)
    counts = _counts(db, past, rows)
    everybody = counts.get(("all", ""), Count(0, 0))
    return {
        row.id: risk.assess(
            everybody, {name: counts[name, key] for name, key in _keys(row, tz) if (name, key) in counts}
        )
        for row in rows
    }


def of_day(db: Connection, depot_id: str, day: date, at_least: int) -> list[tuple[Row[Any], Risk]]:
    """A day's orders that are still to be tried, the riskiest first."""
    rows = [row for row in orders.of_day(db, depot_id, day) if row.status in orders.OPEN]
    found = of_orders(db, depot_id, rows)
    risky = [(row, found[row.id]) for row in rows if found[row.id].percent >= at_least]
    return sorted(risky, key=lambda pair: (-pair[1].percent, pair[0].id))


def _past(depot_id: str, day: date, tz: str) -> Subquery:
    """First attempts before a day: whose, where, when, and whether they failed."""
    failed = select(attempt.c.order_id, func.min(attempt.c.at).label("at")).group_by(attempt.c.order_id).subquery()
    done = (
        select(event.c.subject, func.min(event.c.at).label("at"))
        .where(event.c.kind == "driver.delivered")
        .group_by(event.c.subject)
        .subquery()
    )
    hour = func.date_part("hour", func.timezone(tz, func.coalesce(failed.c.at, done.c.at)))
    return (
        select(
            order.c.person_id, order.c.lat, order.c.lon, order.c.client, order.c.kind,
            func.floor(hour / HOURS_A_PART).label("part"),
            case((failed.c.at.is_not(None), 1), else_=0).label("failed"),
        )
        .outerjoin(failed, failed.c.order_id == order.c.id)
        .outerjoin(done, done.c.subject == order.c.id)
        .where(order.c.depot_id == depot_id, order.c.day < day, order.c.day >= day - LOOK_BACK)
        .where(or_(failed.c.at.is_not(None), done.c.at.is_not(None)), order.c.ref.op("!~")("/[0-9]+$"))
        .subquery()
    )  # fmt: skip


def _counts(db: Connection, past: Subquery, rows: Sequence[Row[Any]]) -> dict[tuple[str, str], Count]:
    """(what, which) -> its attempts; of persons and doors only those of these orders."""
    tried, failed = func.count().label("tried"), func.sum(past.c.failed).label("failed")
    persons = sorted({row.person_id for row in rows})
    doors = sorted({(row.lat, row.lon) for row in rows if row.lat is not None})
    at_doors: ColumnElement[bool] = tuple_(past.c.lat, past.c.lon).in_(doors) if doors else false()
    asked: list[tuple[str, Sequence[Any], ColumnElement[bool] | None]] = [
        ("all", (), None), ("client", (past.c.client,), None), ("kind", (past.c.kind,), None),
        ("hour", (past.c.part,), None), ("person", (past.c.person_id,), past.c.person_id.in_(persons)),
        ("door", (past.c.lat, past.c.lon), at_doors),
    ]  # fmt: skip
    found = {}
    for name, columns, only in asked:
        query = select(*columns, tried, failed).group_by(*columns)
        for row in db.execute(query if only is None else query.where(and_(only))):
            key = _key(*row[: len(columns)])
            if row.tried:
                found[name, key] = Count(int(row.tried), int(row.failed))
    return found


def _keys(row: Row[Any], tz: str) -> Iterable[tuple[str, str]]:
    yield "person", row.person_id
    yield "client", row.client
    yield "kind", row.kind
    if row.lat is not None:
        yield "door", _key(row.lat, row.lon)
    if row.windows:
        yield "hour", _key(float(parse(row.windows[0][0]).astimezone(ZoneInfo(tz)).hour // HOURS_A_PART))


def _key(*parts: Any) -> str:
    return "|".join(str(part) for part in parts)


class Asked(NamedTuple):
    """order -> its case, and order -> why its customer is not asked"""

    cases: dict[str, str]
    left: dict[str, str]


def ask(db: Connection, rows: Iterable[Row[Any]], now: datetime) -> Asked:
    """Ask the customers of these orders whether somebody will be there; who can't be asked is told with the reason."""
    asked = Asked({}, {})
    for row in rows:
        who = db.execute(select(person.c.phone, person.c.opted_out).where(person.c.id == row.person_id)).one()
        why = "no_contact" if not who.phone else "opted_out" if who.opted_out else _why_not(row)
        if why is not None:
            asked.left[row.id] = why
            continue
        facts = {"order": row.id, "stop": row.stop_id, "day": (row.day + timedelta(days=1)).isoformat()}
        asked.cases[row.id] = cases.open_or_join(db, KIND, row.id, row.depot_id, row.day, facts, now)[0]
    return asked


def _why_not(row: Row[Any]) -> str | None:
    if row.status not in ("new", "planned", "unassigned"):
        return "under_way"
    return "no_place" if row.lat is None else None
