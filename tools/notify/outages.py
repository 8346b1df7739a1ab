"""A provider that keeps failing: judged from the ledger, and one case for all the messages that wait for it.

While it is down its messages wait: they are tried again, the oldest one first, and none is given up. When it answers,
all of them go out and the case is closed. Somebody may say that they go another way meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from core import timers
from core.settings import settings
from core.store.tables import effect, message, order, outbox, promise
from optimizer.circumstances import Outage
from tools import outages
from tools.notify.port import Sender
from tools.outages import ASK_AGAIN, DOWN, LOOK_AGAIN, anywhere, is_down, note, open_case, state

TROUBLE = frozenset(
    {"rate_limited", "unreachable", "misconfigured", "timeout", "connection", "provider_error", "lookup_failed"}
)
"""reasons of a provider's own, not of a message"""
MANY = 5
"""messages that it fails ..."""
QUIET = timedelta(minutes=2)
"""... while none has gone out for this long: it is down"""
REROUTED = "provider.rerouted"
"""its messages go another way, for as long as what was decided holds"""
SOURCE = "outbox"
OPEN = ("pending", "unknown")


def name_of(sender: Sender) -> str:
    return f"provider:{sender.channel}:{sender.name}"


def is_rerouted(db: Connection, provider: str, now: datetime) -> bool:
    """Do its messages go another way? From time to time it is asked itself."""
    found = state(db, provider)
    return found is not None and found.kind == REROUTED and now - found.at < ASK_AGAIN


def failed(db: Connection, provider: str, via: str, now: datetime) -> bool:
    """It did not take a message. True when it is down: all that waits for it waits a little longer."""
    if not is_down(db, provider):
        if not _keeps_failing(db, via, now):
            return False
        note(db, provider, DOWN, now, SOURCE)
    _open_case(db, provider, now)
    if is_rerouted(db, provider, now):  # the others go on by their other way
        return True
    _due(db, now, now + LOOK_AGAIN)
    timers.put(db, "drain_outbox", "", now + LOOK_AGAIN)
    return True


def answered(db: Connection, provider: str, now: datetime) -> None:
    """It took a message: if it was down, it is no more, and everything that waited goes out."""
    if outages.answered(db, provider, now, SOURCE):
        _due(db, now + LOOK_AGAIN, now)


def reroute(db: Connection, provider: str, now: datetime) -> None:
    """Its messages go another way from now on."""
    note(db, provider, REROUTED, now, SOURCE)
    _due(db, now + LOOK_AGAIN, now)
    timers.put(db, "drain_outbox", "", now)


def measured(db: Connection, now: datetime) -> Outage:
    """What an outage holds up now."""
    waiting = effect.c.status.in_(OPEN) & outbox.c.done_at.is_(None) & (outbox.c.due_at <= now + LOOK_AGAIN)
    count = select(func.count()).select_from(effect).join(outbox, outbox.c.effect_key == effect.c.key).where(waiting)
    urgent = (
        select(func.count(order.c.id.distinct()))
        .select_from(effect)
        .join(outbox, outbox.c.effect_key == effect.c.key)
        .join(message, message.c.id == outbox.c.message_id)
        .join(order, order.c.id == message.c.order_id)
        .join(promise, promise.c.order_id == order.c.id)
        .where(waiting, promise.c.message_id == message.c.id, promise.c.status == "open")
        .where(promise.c.lo < now + ASK_AGAIN)
    )
    other = bool(settings().sender_fallback)
    return Outage(waiting=int(db.execute(count).scalar_one()), urgent=int(db.execute(urgent).scalar_one()), other=other)


def _keeps_failing(db: Connection, via: str, now: datetime) -> bool:
    mine = (effect.c.action == "message.send") & (effect.c.via == via)
    in_trouble = effect.c.status.in_(OPEN) & effect.c.error.in_(TROUBLE)
    troubled = select(func.count()).select_from(effect).where(mine, in_trouble)
    sent = select(effect.c.key).where(mine, effect.c.status == "done", effect.c.done_at > now - QUIET)
    return int(db.execute(troubled).scalar_one()) >= MANY and db.execute(sent.limit(1)).one_or_none() is None


def _due(db: Connection, until: datetime, at: datetime) -> None:
    """Everything that is due by `until` is due at `at`; what the night holds back is left alone."""
    db.execute(update(outbox).where(outbox.c.done_at.is_(None), outbox.c.due_at <= until).values(due_at=at))


def _open_case(db: Connection, provider: str, now: datetime) -> None:
    """It is that of the depot whose customers wait."""
    waits = (
        select(order.c.depot_id, order.c.day)
        .join(message, message.c.order_id == order.c.id)
        .join(outbox, outbox.c.message_id == message.c.id)
        .where(outbox.c.done_at.is_(None))
    )
    found = db.execute(waits.order_by(outbox.c.id).limit(1)).one_or_none()
    depot_id, day = (str(found.depot_id), found.day) if found is not None else anywhere(db, now)
    open_case(db, provider, depot_id, day, now)
