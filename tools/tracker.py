"""Tool: where things are and when they will be there.

`refresh` turns positions and taps into arrival ranges and judges which stops will be late, at which door each van
stands and whose tracker is silent; only a change of judgement is a fact worth an event or a case. `order_status`
answers where an order is, every figure with its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from core import cases, events, geofence, promises, vans
from core.clock import iso, parse
from core.events import Event
from core.store.tables import depot, live_route, van
from optimizer import eta
from optimizer.problem import Problem
from optimizer.schedule import Schedule
from tools import incidents
from tools.problems import Ground

SILENT = "silent_tracker"
LATE_AFTER_S = 0
"""A stop is judged late when its median arrival is this much after the promise ..."""
ON_TIME_AFTER_S = -300
"""... and on time again only when it is well back within it, so that the judgement does not flicker."""
SILENT_AFTER = timedelta(minutes=10)
"""A van that drives and has sent no position and no tap for this long is silent: twenty positions of a tracker that
sends two a minute, and longer than a tunnel or a lift."""


def refresh(db: Connection, here: Ground, version: int, problem: Problem, now: datetime) -> list[str]:
    """Judge everything about a depot's vans anew. Returns the ids of the cases that this opened."""
    out = _out(db, here, problem)
    _watch_doors(db, here, problem, out, now)
    return _watch_promises(db, here, version, problem, now) + _watch_silence(db, here, out, now)


def _out(db: Connection, here: Ground, problem: Problem) -> list[Row[Any]]:
    """The rows of the depot's vans that have a day, as they are now."""
    mine = sorted(vehicle.id for vehicle in problem.vehicles)
    query = select(van).where(van.c.day == here.day, van.c.vehicle_id.in_(mine))
    return list(db.execute(query.order_by(van.c.vehicle_id)))


def _watch_doors(db: Connection, here: Ground, problem: Problem, out: Sequence[Row[Any]], now: datetime) -> None:
    """Circles of the doors that a van still goes to, of the one where it stands, and of the one that it left last."""
    doors = {}
    for row in out:
        if row.state in ("driving", "serving"):
            near = (*problem.routes.get(row.vehicle_id, ()), row.stop_id, row.last_stop_id)
            doors[row.vehicle_id] = {stop: here.circles[stop] for stop in near if stop in here.circles}
    geofence.watch(db, doors, here.t0, now)


def _watch_silence(db: Connection, here: Ground, out: Sequence[Row[Any]], now: datetime) -> list[str]:
    """One case a van whose tracker has gone silent on the road; it closes itself when the van is heard again. A van
    that never sent a position has no tracker to miss."""
    open_cases = cases.open_of_kind(db, SILENT, [row.vehicle_id for row in out])
    opened = []
    for row in out:
        heard = max(at for at in (row.position_at, row.state_at) if at is not None)
        silent = row.state == "driving" and row.position_at is not None and now - heard > SILENT_AFTER
        known = open_cases.get(row.vehicle_id)
        if silent and known is None:
            facts = {"vehicle": row.vehicle_id, "heard": iso(heard), "stop": row.stop_id}
            case_id, new = cases.open_or_join(db, SILENT, row.vehicle_id, here.depot_id, here.day, facts, now)
            opened += [case_id] if new else []
        elif known is not None and not silent:
            row_of_case = cases.get(db, known, lock=True)
            cases.advance(db, row_of_case, "closed", closed_at=now, reason_code="heard_again")
    return opened


def _watch_promises(db: Connection, here: Ground, version: int, problem: Problem, now: datetime) -> list[str]:
    """Write each van's arrival ranges; open a case for every stop newly judged late."""
    before = {row.vehicle_id: row for row in db.execute(select(live_route).where(live_route.c.day == here.day))}
    due = {stop.id: stop.due_s for stop in problem.stops}
    worked = incidents.worked(db, here)
    newly: dict[str, dict[str, Any]] = {}
    rows, schedule = [], Schedule(problem, here.matrix)
    for vehicle in problem.vehicles:
        predicted = eta.predict(problem, here.matrix, vehicle.id, schedule)
        was_late = set(before[vehicle.id].late) if vehicle.id in before else set()
        if was_late and _is_changed(before[vehicle.id].etas, predicted):
            was_late -= {stop for stop in was_late if stop not in worked}  # a mended route is judged anew
        late = sorted(e.stop_id for e in predicted if _is_late(e, due.get(e.stop_id), e.stop_id in was_late))
        etas = [
            {"stop": e.stop_id, "p50": iso(here.at(e.p50_s)), "lo": iso(here.at(e.lo_s)), "hi": iso(here.at(e.hi_s))}
            for e in predicted
        ]
        rows.append(
            {"vehicle_id": vehicle.id, "day": here.day, "version": version, "at": now, "etas": etas, "late": late}
        )
        coming = {e.stop_id: e for e in predicted}
        newly |= _judge(db, here, vehicle.id, set(late) - was_late, coming, due, now)
        if vehicle.id in before:
            _clear(db, here, vehicle.id, (set(before[vehicle.id].late) - set(late)) & coming.keys(), coming, now)
    _write(db, rows)
    return incidents.open_cases(db, here, newly, now)


def _is_late(predicted: eta.Eta, due_s: int | None, was_late: bool) -> bool:
    return due_s is not None and predicted.p50_s > due_s + (ON_TIME_AFTER_S if was_late else LATE_AFTER_S)


def _is_changed(before: Sequence[Mapping[str, Any]], predicted: Sequence[eta.Eta]) -> bool:
    """Is this another route than the rest of the one before?"""
    ahead = [e.stop_id for e in predicted]
    return [each["stop"] for each in before][len(before) - len(ahead) :] != ahead


def _clear(
    db: Connection, here: Ground, vehicle_id: str, stops: Set[str], coming: Mapping[str, eta.Eta], now: datetime
) -> None:
    """That a stop is not late any more is a change of judgement too."""
    for stop in sorted(stops):
        fact = Event(
            key=f"on_time:{stop}:{iso(now)}", kind="stop.on_time_again", source="tracker", subject=stop, at=now,
            vehicle_id=vehicle_id, data={"expected": iso(here.at(coming[stop].p50_s))},
        )  # fmt: skip
        events.append(db, fact, now)


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


def trail(db: Connection, vehicle_id: str, since: datetime, until: datetime, most: int) -> dict[str, Any]:
    """Where a van was (thinned to `most` points), how long it stood at which door, and what is ahead of it now."""
    rows = vans.trail(db, vehicle_id, since, until)
    points = [
        {"at": iso(row.at), "lat": row.lat, "lon": row.lon, "kmh": row.speed_kmh} for row in vans.thinned(rows, most)
    ]
    query = select(live_route.c.etas).where(live_route.c.vehicle_id == vehicle_id)
    ahead = db.execute(query.order_by(live_route.c.day.desc()).limit(1)).scalar_one_or_none()
    return {
        "vehicle": vehicle_id, "from": iso(since), "to": iso(until), "positions": len(rows), "points": points,
        "dwells": geofence.dwells(db, vehicle_id, since, until), "ahead": ahead or [],
    }  # fmt: skip


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
