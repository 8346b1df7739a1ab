"""The broken promises of a day: when each could be known, when its customer was told, or why not.

A promise is broken when the van was not at the door by its end, whether or not a later time was told meanwhile; it is
not when the customer chose to cancel or to have another day. Telling is a message that gives a new time, counted from
when the provider had it, or a call by the person who worked the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from core import settled
from core.clock import iso, parse
from core.store.tables import case, effect, event, message, order, outbox, person, promise

TOLD_BEFORE = timedelta(minutes=15)
KNOWABLE_BEFORE = timedelta(minutes=30)
TELLING = frozenset({"retell", "retell_untimed", "correction", "rescheduled", "late"})
"""templates that tell another time than the one that was promised, or that it is not known yet"""
NOT_SENT = {
    "opted_out": "opted_out",
    "message.opted_out": "opted_out",
    "bad_address": "no_contact",
    "message.too_many": "cap",
    "message.news_cap": "cap",
    "message.night": "quiet_hours",
}
"""what the outbox writes down when a message does not go out -> the reason as it is reported"""
REASONS = ("opted_out", "no_contact", "cap", "quiet_hours", "known_later")


@dataclass(frozen=True)
class Broken:
    promise: str
    order: str
    hi: datetime
    arrived: datetime | None
    knowable: datetime | None
    """from when on it could be known: the tracker judged so, or the van had broken down"""
    told: datetime | None
    """when a message with another time had gone out"""
    reason: str
    """why nobody was told in time: one of REASONS, `told`, or `untold` when there is none"""

    @property
    def told_in_time(self) -> bool:
        return self.told is not None and self.told <= self.hi - TOLD_BEFORE

    @property
    def was_knowable(self) -> bool:
        return self.knowable is not None and self.knowable <= self.hi - KNOWABLE_BEFORE

    @property
    def told_when_knowable(self) -> bool:
        return self.was_knowable and self.told is not None and self.told <= self.hi - KNOWABLE_BEFORE

    def as_json(self) -> dict[str, Any]:
        times = {"hi": self.hi, "arrived": self.arrived, "knowable": self.knowable, "told": self.told}
        told = {name: iso(at) if at else None for name, at in times.items()}
        return {"promise": self.promise, "order": self.order, "reason": self.reason, **told}


def of_day(db: Connection, day: date, lo: datetime, hi: datetime) -> list[Broken]:
    """Of all promises about orders of that day; events are looked for between `lo` and `hi`."""
    made = (
        select(promise, order.c.stop_id, order.c.person_id)
        .join(order, order.c.id == promise.c.order_id)
        .where(order.c.day == day)
        .order_by(promise.c.order_id, promise.c.made_at, promise.c.id)
    )
    endings, road, told = settled.endings(db, day), _Road.read(db, lo, hi), _messages(db, day)
    contact, calls = _contact(db, day), _calls(db, day)
    found = []
    for row in db.execute(made):
        arrived = road.arrival(row.stop_id, row.made_at)
        if _is_broken(row, arrived, endings[row.order_id]):
            sent = [each for each in told.get(row.order_id, []) if each.at > row.made_at]
            called = [at for each in (row.stop_id, row.order_id) for at in calls.get(each, []) if at > row.made_at]
            found.append(_broken(row, arrived, road, sent, called, contact[row.person_id]))
    return found


def _is_broken(row: Row[Any], arrived: datetime | None, ending: str) -> bool:
    if row.status in ("kept", "broken"):
        return bool(row.status == "broken")
    if ending in ("cancelled_by_customer", "rescheduled_by_customer") and row.status == "released":
        return False  # the van that came later came for somebody else at this door
    if arrived is None:
        return ending not in settled.AS_AGREED
    return bool(arrived > row.hi)


def _broken(
    row: Row[Any],
    arrived: datetime | None,
    road: _Road,
    sent: Iterable[Row[Any]],
    called: Iterable[datetime],
    contact: str | None,
) -> Broken:
    sent = list(sent)
    written = [each.done_at for each in sent if each.status == "done" and each.done_at is not None]
    told = min([*written, *called], default=None)
    knowable = road.knowable(row.stop_id, row.made_at, row.hi)
    in_time = told is not None and told <= row.hi - TOLD_BEFORE
    return Broken(
        promise=row.id,
        order=row.order_id,
        hi=row.hi,
        arrived=arrived,
        knowable=knowable,
        told=told,
        reason="told" if in_time else _why_not(row.hi, knowable, sent, contact),
    )


def _why_not(hi: datetime, knowable: datetime | None, sent: Iterable[Row[Any]], contact: str | None) -> str:
    failed = [NOT_SENT[each.error] for each in sent if each.status == "failed" and each.error in NOT_SENT]
    if failed:
        return failed[0]
    if contact is not None:
        return contact
    return "known_later" if knowable is None or knowable > hi - TOLD_BEFORE else "untold"


def _messages(db: Connection, day: date) -> dict[str, list[Row[Any]]]:
    """Order id -> the messages that told its customer another time, with what became of them."""
    successors = select(promise.c.message_id)
    query = (
        select(message.c.order_id, message.c.at, effect.c.status, effect.c.done_at, effect.c.error)
        .join(order, order.c.id == message.c.order_id)
        .join(outbox, outbox.c.message_id == message.c.id)
        .join(effect, effect.c.key == outbox.c.effect_key)
        .where(order.c.day == day, message.c.direction == "out")
        .where(message.c.template.in_(TELLING) | message.c.id.in_(successors))
        .order_by(message.c.at, message.c.id)
    )
    found: dict[str, list[Row[Any]]] = {}
    rows: Iterable[Row[Any]] = db.execute(query)
    for row in rows:
        found.setdefault(row.order_id, []).append(row)
    return found


def _calls(db: Connection, day: date) -> dict[str, list[datetime]]:
    """Stop or order -> when whoever worked a case about it, or the incident that it belongs to, had called."""
    query = select(case.c.id, case.c.subject, case.c.facts, case.c.closed_at).where(
        case.c.day == day, case.c.facts["called"].as_boolean(), case.c.closed_at.is_not(None)
    )
    found: dict[str, list[datetime]] = {}
    for row in db.execute(query.order_by(case.c.closed_at, case.c.id)):
        hit = db.execute(select(case.c.subject).where(case.c.facts["incident"].astext == row.id)).scalars()
        for about in {row.subject, *row.facts.get("stops", []), *hit}:
            found.setdefault(about, []).append(row.closed_at)
    return found


def _contact(db: Connection, day: date) -> dict[str, str | None]:
    """Person id -> why they can't be told anything, if so."""
    mine = select(order.c.person_id).where(order.c.day == day)
    rows = db.execute(select(person.c.id, person.c.opted_out, person.c.phone).where(person.c.id.in_(mine)))
    return {row.id: "opted_out" if row.opted_out else None if row.phone else "no_contact" for row in rows}


@dataclass(frozen=True)
class _Road:
    """What was seen of the vans."""

    arrivals: Mapping[str, list[Row[Any]]]
    """by stop"""
    judged: Mapping[str, list[Row[Any]]]
    """by stop: late, or on time again"""
    breakdowns: Mapping[str, list[datetime]]
    """by van"""

    @classmethod
    def read(cls, db: Connection, lo: datetime, hi: datetime) -> _Road:
        arrivals: dict[str, list[Row[Any]]] = {}
        late: dict[str, list[Row[Any]]] = {}
        breakdowns: dict[str, list[datetime]] = {}
        kinds = ("driver.arrived", "stop.predicted_late", "stop.on_time_again", "driver.breakdown")
        query = select(event).where(event.c.kind.in_(kinds), event.c.at >= lo, event.c.at < hi)
        for row in db.execute(query.order_by(event.c.at, event.c.seq)):
            if row.kind == "driver.breakdown":
                breakdowns.setdefault(row.vehicle_id, []).append(row.at)
            else:
                (arrivals if row.kind == "driver.arrived" else late).setdefault(row.subject, []).append(row)
        return cls(arrivals, late, breakdowns)

    def arrival(self, stop: str, after: datetime) -> datetime | None:
        return next((row.at for row in self.arrivals.get(stop, []) if row.at >= after), None)

    def knowable(self, stop: str, after: datetime, hi: datetime) -> datetime | None:
        """Since when the tracker has expected the van after `hi`, or when the van that was to come broke down. Late
        once and on time again is not knowing."""
        judged, since = self.judged.get(stop, []), None
        for row in judged:
            if after <= row.at <= hi:
                late = parse(row.data["expected"]) > hi
                since = (since or row.at) if late else None
        vans = {row.vehicle_id for row in [*judged, *self.arrivals.get(stop, [])]}
        broke = [at for van in vans for at in self.breakdowns.get(van, []) if after <= at <= hi]
        return min([*([since] if since else []), *broke], default=None)
