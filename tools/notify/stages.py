"""The stages of a delivery as messages: each is told once an order, in the transaction of the fact that it tells of.

Which of them a client's customers are told is in `accounts`; `promise`, `late` and `rescheduled` are told where their
times are made (tools/publishing.py, tools/telling.py). Whether and when a message goes out is the outbox's matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select

from core import attempts, custody, effects, events, fleet, orders, promises, timers, vans
from core.clock import parse
from core.events import Event
from core.store.tables import case, effect, live_route, message, order, van, vehicle
from tools.notify import accounts, templates, texts
from tools.tracker import outward

ASKED_FIRST = timedelta(minutes=1)
"""so long a missed customer is left to be asked what they want: one text that says what happened and asks, not two"""
STILL_AT_THE_DOOR = timedelta(minutes=10)
"""A tap that comes later than this says where the driver was, not where the driver is."""


def tell(
    db: Connection, row: Row[Any], stage: str, now: datetime, template: str = "", **facts: str | int
) -> str | None:
    """Tell an order's customer of a stage, if the client does so and it was not told before. Returns the message."""
    if not accounts.of(row.client).tells(stage):
        return None
    name = template or stage
    body = texts.compose(db, row, name, order=row.ref, **facts)
    return effects.queue_message(db, _subject(row.id), row.person_id, row.id, name, body, now, once=stage)


def _subject(order_id: str) -> str:
    """What stands for the case in the effects of stages: no case is worked for them."""
    return f"stage:{order_id}"


def order_taken(db: Connection, order_id: str, now: datetime) -> None:
    """An order came in."""
    if accounts.in_force().anybody_tells("confirm"):
        row = orders.get(db, order_id)
        tell(db, row, "confirm", now, day=row.day.isoformat())


def after_tap(db: Connection, fact: Event, now: datetime) -> None:
    """A tap was taken as true, and what it means is on record: tell whom it concerns."""
    match fact.kind:
        case "driver.departed":
            _on_the_road(db, fact, custody.aboard(db, fact.vehicle_id or ""), now)
        case "driver.loaded":  # a van that is out already takes more goods along
            _on_the_road(db, fact, [str(each) for each in fact.data["orders"]], now)
        case "driver.arrived":
            _at_the_door(db, fact, now)
        case "driver.delivered":
            _delivered(db, fact, now)
        case "driver.failed":
            _failed(db, fact, now)


def _on_the_road(db: Connection, fact: Event, order_ids: Sequence[str], now: datetime) -> None:
    state = db.execute(select(van).where(van.c.vehicle_id == fact.vehicle_id)).one()
    if state.state not in ("driving", "serving"):
        return
    zone, late = _zone(db, state.vehicle_id), _late(db, state)
    rows = db.execute(select(order).where(order.c.id.in_(order_ids), order.c.status == "out").order_by(order.c.id))
    for row in rows.all():
        told = promises.open_of(db, row.id)
        if told is None or row.stop_id in late or told.hi <= now:  # a time that won't hold is not said again
            tell(db, row, "out_for_delivery", now, "out_for_delivery_untimed")
        else:
            tell(db, row, "out_for_delivery", now, **_range(told.lo, told.hi, zone))


def _late(db: Connection, state: Row[Any]) -> set[str]:
    mine = (live_route.c.vehicle_id == state.vehicle_id) & (live_route.c.day == state.day)
    return set(db.execute(select(live_route.c.late).where(mine)).scalar_one_or_none() or [])


def _at_the_door(db: Connection, fact: Event, now: datetime) -> None:
    state = db.execute(select(van).where(van.c.vehicle_id == fact.vehicle_id)).one()
    if state.state != "serving" or state.stop_id != fact.subject or now - fact.at > STILL_AT_THE_DOOR:
        return
    for row in orders.at_stop(db, fact.subject):
        if row.status == "out" and custody.van_of(db, row.id) == fact.vehicle_id:
            tell(db, row, "arrived", now)


def _delivered(db: Connection, fact: Event, now: datetime) -> None:
    row = orders.get(db, fact.subject)
    account = accounts.of(row.client)
    if account.tells("delivered"):
        given = fact.data["proof"]
        first = given[0] if isinstance(given, list) else given
        proof = templates.words("proof", texts.language(db, row))[str(first["kind"])]
        tell(db, row, "delivered", now, at=_clock(db, fact, now), proof=proof)
    if account.tells("survey"):
        timers.put(db, "survey", row.id, now + timedelta(minutes=account.survey_after_min))


def _failed(db: Connection, fact: Event, now: datetime) -> None:
    if accounts.of(orders.get(db, fact.subject).client).tells("failed"):
        timers.put(db, "failed", fact.subject, now + ASKED_FIRST)


def failed(db: Connection, order_id: str, now: datetime) -> None:
    """Who was missed, and not asked what they want by now, hears what happened and what comes next."""
    row, tried = orders.get(db, order_id), last_try(db, order_id)
    asked = (message.c.order_id == row.id) & (message.c.template == "offer") & (message.c.at >= tried.received_at)
    if db.execute(select(message.c.id).where(asked).limit(1)).one_or_none() is None:
        lang = texts.language(db, row)
        tell(
            db,
            row,
            "failed",
            now,
            next=templates.words("next", lang)[_code(tried)],
            **what_happened(db, tried, now, lang),
        )


def last_try(db: Connection, order_id: str) -> Row[Any]:
    """The tap of the last attempt that failed."""
    return [each for each in events.of(db, order_id) if each.kind == "driver.failed"][-1]


def what_happened(db: Connection, tried: Row[Any], now: datetime, lang: str = "en") -> dict[str, str]:
    """When and why an attempt failed. The reason is said in our words for its code; the driver's never leave their
    row."""
    return {"at": _clock(db, tried, now), "reason": templates.words("reason", lang)[_code(tried)]}


def _code(tried: Row[Any]) -> str:
    return attempts.read(dict(tried.data))[0]


def survey(db: Connection, order_id: str, now: datetime) -> None:
    """Some time after a delivery: ask how it was, unless somebody is still looking into it."""
    row = orders.get(db, order_id)
    about = case.c.subject.in_([row.id, row.stop_id, row.person_id]) & case.c.closed_at.is_(None)
    if row.status == "delivered" and db.execute(select(case.c.id).where(about).limit(1)).one_or_none() is None:
        tell(db, row, "survey", now)


def near(db: Connection, depot_id: str, day: date, now: datetime) -> int:
    """Whose turn is next, or so many stops away, is told when the van is expected. Returns how many were told."""
    if not accounts.in_force().anybody_tells("next"):
        return 0
    coming = _coming(db, depot_id, day)
    rows = db.execute(
        select(order).where(order.c.stop_id.in_(coming), order.c.status == "out").order_by(order.c.id)
    ).all()
    keys = {row.id: effects.key(_subject(row.id), "message.send", row.id, {"once": "next"}) for row in rows}
    told = set(db.execute(select(effect.c.key).where(effect.c.key.in_(keys.values()))).scalars())
    zone, count = ZoneInfo(fleet.get_depot(db, depot_id).tz), 0
    for row in rows:
        before, expected = coming[row.stop_id]
        if keys[row.id] in told or before > accounts.of(row.client).stops_away:
            continue
        lo, hi = outward(parse(expected["lo"]), parse(expected["hi"]))
        count += tell(db, row, "next", now, stops_ahead=before, **_range(lo, hi, zone)) is not None
    return count


def _coming(db: Connection, depot_id: str, day: date) -> dict[str, tuple[int, dict[str, str]]]:
    """Stop -> how many stops come before it, and its live range; of vans that are out, as far as anybody tells."""
    everybody = accounts.in_force()
    furthest = max(each.stops_away for each in (everybody.default, *everybody.clients.values()))
    routes = db.execute(
        select(live_route.c.etas, van.c.state)
        .join(van, (van.c.vehicle_id == live_route.c.vehicle_id) & (van.c.day == live_route.c.day))
        .join(vehicle, vehicle.c.id == van.c.vehicle_id)
        .where(vehicle.c.depot_id == depot_id, van.c.day == day, van.c.state.in_(["driving", "serving"]))
    )
    found: dict[str, tuple[int, dict[str, str]]] = {}
    for etas, state in routes:
        for ahead, each in enumerate(etas[: furthest + 1]):
            found[each["stop"]] = ahead + (state == "serving"), each
    return found


def _zone(db: Connection, vehicle_id: str) -> ZoneInfo:
    """Times at a door are said as clocks there show them; a depot and its doors share a zone."""
    return ZoneInfo(fleet.get_depot(db, fleet.get_vehicle(db, vehicle_id).depot_id).tz)


def _range(lo: datetime, hi: datetime, zone: ZoneInfo) -> dict[str, str]:
    return {"lo": f"{lo.astimezone(zone):%H:%M}", "hi": f"{hi.astimezone(zone):%H:%M}"}


def _clock(db: Connection, fact: Event | Row[Any], now: datetime) -> str:
    """When a fact was; with its day, when a late tap tells of another one."""
    zone = _zone(db, fact.vehicle_id or "")
    same = vans.local_day(fact.at, zone.key) == vans.local_day(now, zone.key)
    return f"{fact.at.astimezone(zone):{'%H:%M' if same else '%Y-%m-%d %H:%M'}}"
