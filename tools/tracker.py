"""Tool: where things are and when they will be there.

`refresh` turns positions and taps into arrival ranges and judges which stops will be late; only a change of that
judgement is a fact worth an event and a case. `order_status` answers where an order is, every figure with its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from core import events, promises, vans
from core.clock import iso, parse
from core.events import Event
from core.store.tables import depot, live_route, van
from optimizer import eta
from optimizer.problem import Problem
from optimizer.schedule import Schedule
from tools import incidents
from tools.problems import Ground

LATE_AFTER_S = 0
"""A stop is judged late when its median arrival is this much after the promise ..."""
ON_TIME_AFTER_S = -300
"""... and on time again only when it is well back within it, so that the judgement does not flicker."""


def refresh(db: Connection, here: Ground, version: int, problem: Problem, now: datetime) -> list[str]:
    """Write each van's arrival ranges; open a case for every stop newly judged late. Returns the ids of new cases."""
    before = {row.vehicle_id: row for row in db.execute(select(live_route).where(live_route.c.day == here.day))}
    due = {stop.id: stop.due_s for stop in problem.stops}
    newly: dict[str, dict[str, Any]] = {}
    rows, schedule = [], Schedule(problem, here.matrix)
    for vehicle in problem.vehicles:
        predicted = eta.predict(problem, here.matrix, vehicle.id, schedule)
        was_late = set(before[vehicle.id].late) if vehicle.id in before else set()
        late = sorted(e.stop_id for e in predicted if _is_late(e, due.get(e.stop_id), e.stop_id in was_late))
        etas = [
            {"stop": e.stop_id, "p50": iso(here.at(e.p50_s)), "lo": iso(here.at(e.lo_s)), "hi": iso(here.at(e.hi_s))}
            for e in predicted
        ]
        rows.append(
            {"vehicle_id": vehicle.id, "day": here.day, "version": version, "at": now, "etas": etas, "late": late}
        )
        newly |= _judge(db, here, vehicle.id, set(late) - was_late, {e.stop_id: e for e in predicted}, due, now)
    _write(db, rows)
    return incidents.open_cases(db, here, newly, now)


def _is_late(predicted: eta.Eta, due_s: int | None, was_late: bool) -> bool:
    return due_s is not None and predicted.p50_s > due_s + (ON_TIME_AFTER_S if was_late else LATE_AFTER_S)


def _judge(
    db: Connection,
    here: Ground,
    vehicle_id: str,
    newly: set[str],
    predicted: dict[str, eta.Eta],
    due: dict[str, int | None],
    now: datetime,
) -> dict[str, dict[str, Any]]:
    """A change of judgement is a fact. Returns what is known of each stop that is late now and was not before."""
    judged = {}
    for stop in sorted(newly):
        due_s = due[stop]
        assert due_s is not None
        facts = {"vehicle": vehicle_id, "due": iso(here.at(due_s)), "expected": iso(here.at(predicted[stop].p50_s))}
        fact = Event(
            key=f"late:{stop}:{facts['due']}:{iso(now)}", kind="stop.predicted_late", source="tracker", subject=stop,
            at=now, vehicle_id=vehicle_id, data=facts,
        )  # fmt: skip
        events.append(db, fact, now)
        judged[stop] = facts
    return judged


def _write(db: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert(live_route)
    fresh = {name: statement.excluded[name] for name in ("version", "at", "etas", "late")}
    db.execute(statement.on_conflict_do_update(index_elements=["vehicle_id", "day"], set_=fresh), list(rows))


def expected(db: Connection, stop: str, vehicle_id: str) -> dict[str, Any] | None:
    """The present arrival range of one stop: p50, lo, hi, how many stops come before it, and when this was judged."""
    row = db.execute(
        select(live_route).where(live_route.c.vehicle_id == vehicle_id).order_by(live_route.c.day.desc()).limit(1)
    ).one_or_none()
    return None if row is None else _range_of(row, stop)


def _range_of(row: Row[Any], stop: str) -> dict[str, Any] | None:
    for ahead, each in enumerate(row.etas):
        if each["stop"] == stop:
            return {**each, "ahead": ahead, "at": iso(row.at), "vehicle": row.vehicle_id}
    return None


def is_late(db: Connection, stop: str) -> bool:
    query = select(live_route.c.vehicle_id).where(live_route.c.late.contains([stop]))
    return db.execute(query.limit(1)).one_or_none() is not None


def late_stops(db: Connection, day: date) -> set[str]:
    """Every stop of a day that is judged late now."""
    return {
        stop for late in db.execute(select(live_route.c.late).where(live_route.c.day == day)).scalars() for stop in late
    }


def order_status(db: Connection, row: Row[Any], now: datetime) -> list[dict[str, Any]]:
    """Facts that answer "where is my order", each with its source and the time it was true.

    `lo` and `hi` are the arrival range as told to people: the live one when the van is out, else what was promised.
    """
    zone = ZoneInfo(db.execute(select(depot.c.tz).where(depot.c.id == row.depot_id)).scalar_one())
    facts = [fact("order", row.ref, "orders", now), fact("status", row.status, "orders", now)]
    facts.append(fact("day", row.day.isoformat(), "orders", now))
    told = promises.open_of(db, row.id) or promises.last_of(db, row.id)
    state, live = _van_of(db, row)
    if live is not None and row.status == "out":
        at = parse(live["at"])
        ahead = live["ahead"] + int(state is not None and state.state == "serving")
        facts.append(fact("stops_ahead", ahead, "tracker", at))
        facts += _range(parse(live["lo"]), parse(live["hi"]), zone, "tracker", at)
    elif told is not None:
        facts += _range(told.lo, told.hi, zone, f"promise {told.id}", told.made_at)
    return facts + _last_fact(db, row, state, now)


def _van_of(db: Connection, row: Row[Any]) -> tuple[Row[Any] | None, dict[str, Any] | None]:
    """The van that has an order on its route as it is now, and when it is expected at the order's stop."""
    route = db.execute(
        select(live_route)
        .where(live_route.c.day == row.day, live_route.c.etas.contains([{"stop": row.stop_id}]))
        .limit(1)
    ).one_or_none()
    # a van that stands at the door has no arrival to expect
    mine = van.c.stop_id == row.stop_id if route is None else van.c.vehicle_id == route.vehicle_id
    state = db.execute(select(van).where(mine).order_by(van.c.vehicle_id).limit(1)).one_or_none()
    return state, None if route is None else _range_of(route, row.stop_id)


def outward(lo: datetime, hi: datetime, minutes: int = 5) -> tuple[datetime, datetime]:
    """A range as people say it: widened to whole steps."""
    step, zero = timedelta(minutes=minutes), datetime(2000, 1, 1, tzinfo=lo.tzinfo)
    return lo - (lo - zero) % step, hi + (zero - hi) % step


def _range(lo: datetime, hi: datetime, zone: ZoneInfo, source: str, at: datetime) -> list[dict[str, Any]]:
    early, late = outward(lo, hi)
    return [
        fact("lo", f"{early.astimezone(zone):%H:%M}", source, at),
        fact("hi", f"{late.astimezone(zone):%H:%M}", source, at),
    ]


NEWS = {
    "order.received": "we received it",
    "driver.loaded": "it was loaded on the van",
    "driver.delivered": "it was delivered",
    "driver.failed": "the delivery was tried",
    "van.position": "the van was seen on its way",
}


def _last_fact(db: Connection, row: Row[Any], state: Row[Any] | None, now: datetime) -> list[dict[str, Any]]:
    """The newest thing known about the order or its van, and how old it is."""
    known = [(row.created_at, "order.received", "orders")]
    known += [(e.at, e.kind, f"event {e.key}") for e in events.of(db, row.id) if e.kind in NEWS]
    if row.status == "out" and state is not None and state.position_at:
        known.append((state.position_at, "van.position", f"position of {state.vehicle_id}"))
    at, kind, source = max(known)
    minutes = max(0, int((now - at).total_seconds() // 60))
    age = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    return [fact("last_fact", NEWS[kind], source, at), fact("last_fact_age", age, source, at)]


def fact(name: str, value: str | int, source: str, at: datetime) -> dict[str, Any]:
    return {"name": name, "value": value, "source": source, "at": iso(at)}


def fleet_now(db: Connection, now: datetime) -> list[dict[str, Any]]:
    """Every van today: state, place, stops left, stops judged late."""
    today = dict(vans.active_days(db, now))
    rows = db.execute(
        select(van, live_route.c.etas, live_route.c.late)
        .outerjoin(live_route, (live_route.c.vehicle_id == van.c.vehicle_id) & (live_route.c.day == van.c.day))
        .where(van.c.day.in_(set(today.values())))
        .order_by(van.c.vehicle_id)
    )
    return [
        {
            "id": row.vehicle_id, "state": row.state, "stop": row.stop_id, "lat": row.lat, "lon": row.lon,
            "at": iso(row.position_at) if row.position_at else None,
            "stops_left": len(row.etas or []), "late": row.late or [],
        }
        for row in rows
    ]  # fmt: skip
