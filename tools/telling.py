"""Telling customers: a first time, a new one, or any other news of a case; a time that is told becomes a promise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from core import effects, orders, promises
from core.clock import parse
from tools.job import Job
from tools.notify import accounts, texts
from tools.tracker import outward

PROMISE_BEFORE, PROMISE_AFTER = timedelta(minutes=45), timedelta(minutes=30)
RETELL_BEFORE, RETELL_AFTER = timedelta(minutes=15), timedelta(minutes=45)
"""A customer is told a range of an hour or two around the expected arrival; quarter hours outward."""


def first_promises(job: Job) -> list[str]:
    """Orders that were left out of the plan are in it now, and told a time."""
    made = []
    for order_id in job.args.orders:
        row = orders.get(job.db, order_id)
        if row.status in ("new", "unassigned") and row.stop_id in job.args.arrivals:
            if accounts.tells(row.client, "promise"):
                made.append(promise_arrival(job, row))
            orders.set_status(job.db, [order_id], "planned")
    return made


def promise_arrival(job: Job, row: Row[Any]) -> str:
    lo, hi = promised_range(row.windows, parse(job.args.arrivals[row.stop_id]))
    return promise_by_message(job.db, job.case.id, row, "promise", lo, hi, job.tz, job.now)


def promised_range(windows: Sequence[Sequence[str]], arrival: datetime) -> tuple[datetime, datetime]:
    """What to promise: the customer's own window when it is short, else an hour and a half around the arrival."""
    lo, hi = outward(arrival - PROMISE_BEFORE, arrival + PROMISE_AFTER, 15)
    for text_lo, text_hi in windows:
        own_lo, own_hi = parse(text_lo), parse(text_hi)
        if own_lo <= arrival <= own_hi:
            if own_hi - own_lo <= timedelta(hours=3):
                return own_lo, own_hi
            return max(lo, own_lo), min(hi, own_hi)
    return lo, hi


def retell(job: Job) -> list[str]:
    """Tell a new time to everybody at the stops that the option says; returns the promises made."""
    made = []
    for stop in job.args.retold:
        expected = parse(job.args.arrivals[stop])
        lo, hi = outward(max(expected - RETELL_BEFORE, job.now), expected + RETELL_AFTER, 15)
        for row in orders.at_stop(job.db, stop):
            waits = row.status in orders.OPEN and promises.open_of(job.db, row.id) is not None
            if waits and accounts.tells(row.client, "retell"):
                made.append(promise_by_message(job.db, job.case.id, row, "retell", lo, hi, job.tz, job.now))
    return made


def promise_by_message(
    db: Connection,
    case_id: str,
    row: Row[Any],
    template: str,
    lo: datetime,
    hi: datetime,
    zone: ZoneInfo,
    now: datetime,
) -> str:
    """Tell a customer a time, and hold ourselves to it: message, effect, outbox and promise in one go."""
    local_lo, local_hi = lo.astimezone(zone), hi.astimezone(zone)
    said = {"day": local_lo.date().isoformat(), "lo": f"{local_lo:%H:%M}", "hi": f"{local_hi:%H:%M}"}
    body = texts.compose(db, row, template, order=row.ref, **said)
    message_id = effects.queue_message(db, case_id, row.person_id, row.id, template, body, now)
    return promises.make(db, row.id, lo, hi, message_id, now)


def say(job: Job, row: Row[Any], template: str, **facts: str) -> None:
    """A message about an order, in its client's words, when that client tells such things."""
    if accounts.tells(row.client, template):
        body = texts.compose(job.db, row, template, **facts)
        effects.queue_message(job.db, job.case.id, row.person_id, row.id, template, body, job.now)
