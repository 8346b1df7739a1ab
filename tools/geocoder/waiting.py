"""Orders whose address nobody could look up, since the geocoder did not answer: they are looked up again until it does.

One that fails a few times in a row is down, and that is one case for all orders that wait for it. An address that the
geocoder does not know is a case of its own, as it is when it is asked at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from core import cases, clock, fleet, orders, timers, vans
from core.orders import Address, Place
from core.store import db as store
from core.store.tables import case, order
from optimizer.circumstances import Outage
from tools import outages, publishing
from tools.geocoder.chosen import geocoder
from tools.geocoder.port import Found, Geocoder, Missed

TIMER = "geocode_again"
SOURCE = "geocoder"
AWAY = Missed(reason="unavailable")
PREFIX = "provider:geocoder:"


def name_of(by: Geocoder) -> str:
    return PREFIX + by.name


def heard(db: Connection, by: Geocoder, answers: Sequence[Found | Missed], depot_id: str, now: datetime) -> None:
    """What it said when it was asked, in that order. Whatever it did not answer is asked again in a while."""
    if not answers:
        return
    failures = next((n for n, each in enumerate(reversed(answers)) if each != AWAY), len(answers))
    provider = name_of(by)
    if failures < len(answers):
        outages.answered(db, provider, now, SOURCE)
    if failures and outages.counted(db, provider, failures, now, SOURCE):
        outages.open_case(db, provider, depot_id, _today(db, depot_id, now), now)
    if AWAY in answers:
        timers.put(db, TIMER, "", now + outages.LOOK_AGAIN)


def again(by: Geocoder | None = None) -> None:
    """Ask for what waits. The first answer ends an outage; the first failure ends this try."""
    by = by or geocoder()
    with store.snapshot() as db:
        asked = [(row.id, address_of(row)) for row in _waiting(db)]
    answers: dict[str, Found | Missed] = {}
    for order_id, address in asked:
        answers[order_id] = by.find(address)
        if answers[order_id] == AWAY:
            break
    with store.transaction() as db:
        now = clock.now(db)
        for order_id, answer in answers.items():
            if answer != AWAY:
                _settle(db, order_id, answer, now)
        first = next(iter(answers), None)
        if first is not None:
            heard(db, by, list(answers.values()), orders.get(db, first).depot_id, now)
        elif outages.is_down(db, name_of(by)):  # a person has placed them all
            outages.close_case(db, name_of(by), now)


def _settle(db: Connection, order_id: str, answer: Found | Missed, now: datetime) -> None:
    row = orders.get(db, order_id)
    if row.place != "none" or row.status not in ("new", "unassigned"):
        return  # somebody was faster
    if isinstance(answer, Found):
        orders.put_place(db, row.id, Place(lat=answer.lat, lon=answer.lon, known=answer.precision))
        publishing.came_late(db, row.depot_id, row.day, [row.id], now)
    else:
        facts = {"order": row.id, "reason": answer.reason}
        cases.open_or_join(db, "address_problem", row.id, row.depot_id, row.day, facts, now)


def measured(db: Connection, now: datetime) -> Outage:
    """What waits for the geocoder; urgent is what is to be delivered today."""
    found = _waiting(db)
    urgent = sum(row.day <= _today(db, row.depot_id, now) for row in found)
    return Outage(waiting=len(found), urgent=urgent, other=False)


def address_of(row: Row[Any]) -> Address:
    """The parts, if it came in parts; a first line that is missing there is the whole text's."""
    parts = Address.model_validate(row.address_parts or {})
    return parts if parts.line1 else parts.model_copy(update={"line1": row.address})


def _waiting(db: Connection) -> list[Row[Any]]:
    """Orders without a place of which no person has been told."""
    told = exists().where(case.c.kind == "address_problem", case.c.subject == order.c.id)
    query = select(order).where(order.c.place == "none", order.c.status.in_(["new", "unassigned"]), ~told)
    return list(db.execute(query.where(order.c.address.is_not(None)).order_by(order.c.day, order.c.id)))


def _today(db: Connection, depot_id: str, now: datetime) -> date:
    return vans.local_day(now, fleet.get_depot(db, depot_id).tz)
