"""Books what the ledger holds with the carrier, and writes down what became of it. One at a time, under a queue lock.

An effect says `sending` before the carrier is asked and its outcome after. One found in `sending`, or whose answer was
lost, is looked up first: it is booked again only when the carrier surely has not got it, and goes to a person when
nobody can say.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import structlog
from sqlalchemy import Connection, Row, select, update

from core import breakdowns, carriage, cases, clock, effects, faults, fleet, orders, promises, timers, vans
from core.settings import settings
from core.store import db as store
from core.store.tables import effect
from optimizer.circumstances import Outage
from tools import carrying, outages
from tools.carriers.flat import FlatBooking
from tools.carriers.port import Booked, CarrierBooking, Declined, Outcome
from tools.notify import accounts, texts

log = structlog.get_logger("bookings")

TIMER = "book_carriers"
PREFIX = "provider:carrier:"
SOURCE = "bookings"
MAX_LOOKUPS = 5
AGAIN = timedelta(seconds=30)
OPEN = (effect.c.status.in_(["pending", "unknown"]), effect.c.done_at.is_(None))
"""still to be settled; one that a person was given has an end, though nobody knows which"""


@cache
def booker() -> CarrierBooking:
    """The carrier that collects for this instance."""
    return FlatBooking(settings().folder / "carrier")


def drain(by: CarrierBooking | None = None) -> int:
    """Work each booking that is open once; what stays open is tried again in a while. Returns how many were worked."""
    by = by or booker()
    with store.transaction() as db:
        mine = effect.c.action == carriage.BOOK
        db.execute(update(effect).where(mine, effect.c.status == "sending").values(status="unknown"))
        query = select(effect.c.key).where(mine, *OPEN)
        keys = list(db.execute(query.order_by(effect.c.status == "pending", effect.c.at, effect.c.key)).scalars())
    down = False
    for key in keys:
        down = _work(key, by) or down
        if down:  # the others are for the next time
            break
    with store.transaction() as db:
        if _open(db):
            timers.put(db, TIMER, "", clock.now(db) + (outages.LOOK_AGAIN if down else AGAIN))
    return len(keys)


def _work(key: str, by: CarrierBooking) -> bool:
    """One booking; True when the carrier is down."""
    with store.transaction() as db:
        row = db.execute(select(effect).where(effect.c.key == key).with_for_update()).one()
        if row.status == "pending" and not _still_wanted(db, row):
            _ended(db, row, "not_wanted")
            return False
        db.execute(update(effect).where(effect.c.key == key).values(status="sending", attempts=row.attempts + 1))
        broken = breakdowns.get(db, cases.get(db, row.case_id).facts["breakdown"])
        wanted = carrying.collection(orders.get(db, row.target), broken, key)
    if row.status == "unknown":
        return _looked_up(row, by)
    faults.reached("effect.before")
    outcome = by.book(wanted)
    faults.reached("effect.after")
    return _write(row, outcome, by)


def _still_wanted(db: Connection, row: Row[Any]) -> bool:
    """Are the goods still on the van, and the order still to be delivered?"""
    due = carriage.wanted(db, row.target)
    return due is not None and due.case_id == row.case_id and orders.get(db, row.target).status in orders.OPEN


def _write(row: Row[Any], outcome: Outcome, by: CarrierBooking) -> bool:
    with store.transaction() as db:
        log.info("booking", effect=row.key, outcome=outcome.outcome)
        if isinstance(outcome, Booked):
            _booked(db, row, outcome, by)
        elif isinstance(outcome, Declined) and not outcome.retry:
            _ended(db, row, outcome.reason)
        else:
            status = "pending" if isinstance(outcome, Declined) else "unknown"
            db.execute(update(effect).where(effect.c.key == row.key).values(status=status, error=outcome.outcome))
            return _failed(db, row, by)
    return False


def _looked_up(row: Row[Any], by: CarrierBooking) -> bool:
    """Ask the carrier what became of a booking."""
    found = by.find(row.key)
    with store.transaction() as db:
        mine = update(effect).where(effect.c.key == row.key)
        if isinstance(found, Booked):
            _booked(db, row, found, by)
        elif found is None:
            db.execute(mine.values(status="pending", attempts=0))
            timers.put(db, TIMER, "", clock.now(db))
        elif row.attempts >= MAX_LOOKUPS:
            _to_a_person(db, row)
        else:
            db.execute(mine.values(status="unknown"))
            return _failed(db, row, by)
    return False


def _booked(db: Connection, row: Row[Any], booked: Booked, by: CarrierBooking) -> None:
    """The carrier comes: the customer is told, and the time that we promised is ours no more."""
    now, mine = clock.now(db), orders.get(db, row.target)
    effects.settle(db, row.key, "done", now, provider_ref=f"{by.carrier}:{booked.ref}")
    outages.answered(db, PREFIX + by.carrier, now, SOURCE)
    promises.release(db, mine.id)
    if accounts.tells(mine.client, "with_carrier"):
        body = texts.compose(db, mine, "with_carrier", order=mine.ref)
        effects.queue_message(db, row.case_id, mine.person_id, mine.id, "with_carrier", body, now)


def _ended(db: Connection, row: Row[Any], why: str) -> None:
    """Nobody comes for it: the hand-over that waited for that has failed as well, and its case goes to a person."""
    now, due = clock.now(db), carriage.wanted(db, row.target)
    effects.settle(db, row.key, "failed", now, error=why)
    if due is not None and due.case_id == row.case_id:
        effects.settle(db, due.key, "failed", now, error=why)


def _failed(db: Connection, row: Row[Any], by: CarrierBooking) -> bool:
    """It did not answer, or not now. Several times in a row is an outage: one case for all that waits."""
    now, provider = clock.now(db), PREFIX + by.carrier
    if not outages.counted(db, provider, 1, now, SOURCE):
        return False
    mine = orders.get(db, row.target)
    outages.open_case(db, provider, mine.depot_id, vans.local_day(now, fleet.get_depot(db, mine.depot_id).tz), now)
    return True


def _to_a_person(db: Connection, row: Row[Any]) -> None:
    """The carrier can't say. Whoever is on duty calls it; the row stays unknown and is not touched again."""
    mine, now = orders.get(db, row.target), clock.now(db)
    lost = {"status": "unknown", "error": "lookup_failed", "attempts": row.attempts}
    db.execute(update(effect).where(effect.c.key == row.key).values(lost | {"done_at": now}))
    cases.open_or_join(db, "effect_unknown", row.key, mine.depot_id, mine.day, {"effect": row.key}, now)


def _open(db: Connection) -> bool:
    return (
        db.execute(select(effect.c.key).where(effect.c.action == carriage.BOOK, *OPEN).limit(1)).one_or_none()
        is not None
    )


def measured(db: Connection) -> Outage:
    """What waits for the carrier: all of it stands on a van, and a person may find another way today."""
    waiting = len(db.execute(select(effect.c.key).where(effect.c.action == carriage.BOOK, *OPEN)).all())
    return Outage(waiting=waiting, urgent=waiting, other=False)
