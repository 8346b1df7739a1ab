"""A provider that keeps failing: judged from the ledger, and one case for all the messages that wait for it.

While it is down its messages wait: they are tried again, the oldest one first, and none is given up. When it answers,
all of them go out and the case is closed. Somebody may say that they go another way meanwhile.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, select, update

from core import cases, events, timers
from core.clock import iso
from core.events import Event
from core.settings import settings
from core.store.tables import case, depot, effect, event, message, order, outbox, promise
from optimizer.circumstances import Outage
from tools.notify.port import Sender

KIND = "provider_down"
TROUBLE = frozenset(
    {"rate_limited", "unreachable", "misconfigured", "timeout", "connection", "provider_error", "lookup_failed"}
)
"""reasons of a provider's own, not of a message"""
MANY = 5
"""messages that it fails ..."""
QUIET = timedelta(minutes=2)
"""... while none has gone out for this long: it is down"""
LOOK_AGAIN = timedelta(minutes=2)
"""between two tries of a provider that is down"""
ASK_AGAIN = timedelta(minutes=30)
"""what was decided about an outage holds for this long, and so does another way"""
DOWN, UP, REROUTED = "provider.down", "provider.up", "provider.rerouted"
OPEN = ("pending", "unknown")


def name_of(sender: Sender) -> str:
    return f"provider:{sender.channel}:{sender.name}"


def state(db: Connection, provider: str) -> Row[Any] | None:
    """The newest fact about it: down, rerouted or up."""
    query = select(event).where(event.c.subject == provider).order_by(event.c.at.desc(), event.c.seq.desc())
    return db.execute(query.limit(1)).one_or_none()


def is_down(db: Connection, provider: str) -> bool:
    found = state(db, provider)
    return found is not None and found.kind != UP


def is_rerouted(db: Connection, provider: str, now: datetime) -> bool:
    """Do its messages go another way? From time to time it is asked itself."""
    found = state(db, provider)
    return found is not None and found.kind == REROUTED and now - found.at < ASK_AGAIN


def failed(db: Connection, provider: str, via: str, now: datetime) -> bool:
    """It did not take a message. True when it is down: all that waits for it waits a little longer."""
    if not is_down(db, provider):
        if not _keeps_failing(db, via, now):
            return False
        _note(db, provider, DOWN, now)
    _open_case(db, provider, now)
    if is_rerouted(db, provider, now):  # the others go on by their other way
        return True
    _due(db, now, now + LOOK_AGAIN)
    timers.put(db, "drain_outbox", "", now + LOOK_AGAIN)
    return True


def answered(db: Connection, provider: str, now: datetime) -> None:
    """It took a message: if it was down, it is no more, and everything that waited goes out."""
    if not is_down(db, provider):
        return
    _note(db, provider, UP, now)
    _due(db, now + LOOK_AGAIN, now)
    for case_id in cases.open_of_kind(db, KIND, [provider]).values():
        row = cases.get(db, case_id, lock=True)
        if row.status not in ("approved", "acting", "verified"):
            cases.advance(db, row, "closed", closed_at=now, reason_code="answers_again")


def reroute(db: Connection, provider: str, now: datetime) -> None:
    """Its messages go another way from now on."""
    _note(db, provider, REROUTED, now)
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


def _note(db: Connection, provider: str, kind: str, now: datetime) -> None:
    fact = Event(key=f"{kind}:{provider}:{iso(now)}", kind=kind, source="outbox", subject=provider, at=now)
    events.append(db, fact, now)


def _due(db: Connection, until: datetime, at: datetime) -> None:
    """Everything that is due by `until` is due at `at`; what the night holds back is left alone."""
    db.execute(update(outbox).where(outbox.c.done_at.is_(None), outbox.c.due_at <= until).values(due_at=at))


def _open_case(db: Connection, provider: str, now: datetime) -> None:
    """One for the whole outage; what was decided about it is asked again when it lasts."""
    lately = select(case.c.id).where(
        case.c.kind == KIND, case.c.subject == provider, case.c.opened_at > now - ASK_AGAIN
    )
    if db.execute(lately.limit(1)).one_or_none() is None:
        depot_id, day = _where(db, now)
        facts = {"provider": provider, "since": iso(now)}
        cases.open_or_join(db, KIND, provider, depot_id, day, facts, now)


def _where(db: Connection, now: datetime) -> tuple[str, date]:
    """The depot whose customers wait; an outage has to be somebody's."""
    waits = (
        select(order.c.depot_id, order.c.day)
        .join(message, message.c.order_id == order.c.id)
        .join(outbox, outbox.c.message_id == message.c.id)
        .where(outbox.c.done_at.is_(None))
    )
    found = db.execute(waits.order_by(outbox.c.id).limit(1)).one_or_none()
    if found is not None:
        return str(found.depot_id), found.day
    home = db.execute(select(depot.c.id, depot.c.tz).order_by(depot.c.id).limit(1)).one()
    return str(home.id), now.astimezone(ZoneInfo(home.tz)).date()
