"""Sends what the outbox holds, one message at a time, and writes down what became of it.

The row says `sending` before the provider is asked and its outcome after. A row found in `sending` was left by a
process that died in between: its outcome is unknown, and the provider is asked before anything is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection, Row, func, select, update

from core import cases, clock, effects, faults, people, timers
from core.errors import Misconfigured
from core.settings import settings
from core.store import db as store
from core.store.tables import depot, effect, message, order, outbox, person, promise
from tools import autonomy, policy
from tools.notify import accounts, contact, delivery, outages
from tools.notify.console import ConsoleSender
from tools.notify.port import Failed, FailReason, Outcome, OutMessage, Sender, Sent, Unknown
from tools.policy import Action, Value, Verdict

log = structlog.get_logger("outbox")

REPORTS = "/webhooks/twilio/status"
"""where Twilio says what became of a message"""
MAX_ATTEMPTS = 5
RETRY_AFTER = timedelta(seconds=30)
LOOK_BACK = timedelta(minutes=2)
"""Machines' clocks differ: look for a message from a little before we tried to send it."""
OF_THE_MOMENT = frozenset({"next", "arrived"})
"""templates that are true for minutes only: what holds them back ends them"""
TIMES = frozenset({"promise", "retell", "correction"})
"""templates that tell a time: worth telling while it is still ahead and still what we hold ourselves to"""
NO_LONGER_TRUE = "no_longer_true"
HELD, HELD_MOMENT = timedelta(hours=1), timedelta(minutes=10)
"""A message that goes out later than this after it was written is looked at again first: is it still so?"""


@cache
def sender() -> Sender:
    """The sender that the settings ask for."""
    asked = settings().sender or ("twilio" if settings().twilio_account_sid else "console")
    return _made(asked, "DOORSTEP_SENDER")


@cache
def fallback() -> Sender | None:
    """What messages go by while the sender is down and somebody has said so."""
    asked = settings().sender_fallback
    return _made(asked, "DOORSTEP_SENDER_FALLBACK") if asked else None


def _made(asked: str, setting: str) -> Sender:
    if asked == "console":
        return ConsoleSender(settings().folder / "sent.jsonl", echo=None)
    if asked == "twilio":
        from tools.notify.twilio_sms import TwilioSender

        own = settings()
        reports = f"{own.url}{REPORTS}" if own.public_url else ""
        return TwilioSender(
            own.twilio_account_sid, own.twilio_auth_token, own.twilio_from, own.twilio_whatsapp_from, reports=reports
        )
    raise Misconfigured(f"{setting} is {asked!r}.", "Use console or twilio, or leave it empty.", field=setting)


def drain(by: Sender | None = None, other: Sender | None = None) -> int:
    """Send everything that is due now; returns how many messages were worked. One drain runs at a time (queue lock)."""
    first, second = by or sender(), other or fallback()
    with store.transaction() as db:
        mine = effect.c.action == "message.send"
        db.execute(update(effect).where(mine, effect.c.status == "sending").values(status="unknown"))
    worked = 0
    while True:
        with store.transaction() as db:
            row = _next(db)
            if row is None:
                return worked
            via = _way(db, row, first, second)
            judged = _judge_and_mark(db, row, via) if row.status == "pending" else None
        worked += 1
        if judged is None:
            _reconcile(row, via)
        else:
            _send(row, judged, via)


def _way(db: Connection, row: Row[Any], first: Sender, second: Sender | None) -> Sender:
    """Who carries a message; what became of one is asked of whoever was given it."""
    if second is None:
        return first
    if row.status != "pending":
        return second if row.via == second.name else first
    return second if outages.is_rerouted(db, outages.name_of(first), clock.now(db)) else first


def _next(db: Connection) -> Any:
    """The oldest message that is due. A message whose outcome is unknown comes first."""
    return db.execute(
        select(
            outbox.c.id,
            outbox.c.effect_key,
            outbox.c.message_id,
            effect.c.status,
            effect.c.attempts,
            effect.c.tried_at,
            effect.c.via,
            effect.c.case_id,
            effect.c.rule,
            message.c.body,
            message.c.channel,
            message.c.template,
            message.c.person_id,
            message.c.order_id,
            message.c.at,
            person.c.phone,
            person.c.opted_out,
            person.c.tz,
            order.c.client,
            order.c.depot_id,
            order.c.status.label("order_status"),
        )
        .join(effect, effect.c.key == outbox.c.effect_key)
        .join(message, message.c.id == outbox.c.message_id)
        .join(person, person.c.id == message.c.person_id)
        .outerjoin(order, order.c.id == message.c.order_id)
        .where(
            outbox.c.done_at.is_(None), outbox.c.due_at <= clock.now(db), effect.c.status.in_(["pending", "unknown"])
        )
        .order_by((effect.c.status == "pending"), outbox.c.due_at, outbox.c.id)
        .limit(1)
    ).one_or_none()


@dataclass(frozen=True)
class Judged:
    """What policy says of a message now, and until when the night holds it back, if only the night does."""

    verdict: Verdict
    wait_until: datetime | None = None
    outdated: bool = False
    """it waited, and is no longer true"""


def _judge_and_mark(db: Connection, row: Row[Any], via: Sender) -> Judged:
    """Judge a message and mark it as being sent, by whom, with the rule that says so."""
    judged = judge(db, row)
    mark = {"status": "sending", "attempts": row.attempts + 1, "tried_at": clock.system_now(), "via": via.name}
    db.execute(update(effect).where(effect.c.key == row.effect_key).values(rule=judged.verdict.rule, **mark))
    return judged


def _as_message(row: Row[Any]) -> OutMessage:
    return OutMessage(key=row.effect_key, to=row.phone or "", text=row.body or "", channel=row.channel)


def _send(row: Row[Any], judged: Judged, via: Sender) -> None:
    if row.opted_out or not row.phone or row.body is None:
        reason: FailReason = "opted_out" if row.opted_out else "bad_address"
        outcome: Outcome = Failed(key=row.effect_key, reason=reason, detail="not sent")
    elif judged.outdated:
        outcome = Failed(key=row.effect_key, reason="refused", detail=NO_LONGER_TRUE)
    elif judged.wait_until is not None:
        _wait(row, judged.wait_until)
        return
    elif judged.verdict.verdict != "auto":
        outcome = Failed(key=row.effect_key, reason="refused", detail=judged.verdict.rule)
    else:
        faults.reached("effect.before")
        outcome = via.send(_as_message(row))
        faults.reached("effect.after")
    _write(row, outcome, row.attempts + 1, via)


def judge(db: Connection, row: Row[Any]) -> Judged:
    """Policy on this one message: opt-out, caps, quiet hours. What it does not let through by itself is not sent; what
    only the night holds back, and is still true in the morning, waits for it."""
    now, zone, account = clock.now(db), _zone(db, row), accounts.of(row.client or "")
    held = now - row.at > (HELD_MOMENT if row.template in OF_THE_MOMENT else HELD)
    if held and not _still_true(db, row, now):
        why = Verdict(verdict="deny", rule=row.rule or NO_LONGER_TRUE, reason="it waited and is no longer true")
        return Judged(why, outdated=True)
    local = now.astimezone(zone)
    kind = accounts.message_class(row.template or "")
    facts: dict[str, Value] = {
        "opted_out": bool(row.opted_out),
        "messages_today": _sent_since(db, row.person_id, clock.midnight(local.date(), zone.key), kind == "reply"),
        "message_class": kind,
        "quiet_hours": account.is_quiet(local.time()),
        "template": row.template or "",
        "requester": "system",
    }
    verdict = _decide(db, row, facts)
    if verdict.verdict == "auto" or not facts["quiet_hours"]:
        return Judged(verdict)
    by_day = _decide(db, row, facts | {"quiet_hours": False, "messages_today": 0})
    morning = account.morning(now, zone)
    waits = by_day.verdict == "auto" and _still_true(db, row, morning)
    return Judged(verdict, wait_until=morning if waits else None)


def _decide(db: Connection, row: Row[Any], facts: dict[str, Value]) -> Verdict:
    return policy.decide(autonomy.in_force(db), Action(kind="message.send", subject=row.effect_key), facts)


def _zone(db: Connection, row: Row[Any]) -> ZoneInfo:
    """Where the person's nights are: their own zone when it is known, else that of the order's depot."""
    homes = select(depot.c.tz).where(depot.c.id == row.depot_id) if row.depot_id else select(depot.c.tz)
    return ZoneInfo(row.tz or db.execute(homes.order_by(depot.c.id).limit(1)).scalar_one_or_none() or "UTC")


def _sent_since(db: Connection, person_id: str, midnight: datetime, replies: bool) -> int:
    """Replies, or else messages unasked for, that went out to a person today; one that waited for the morning counts on
    the day it went."""
    sent = (
        select(func.count())
        .select_from(message)
        .join(outbox, outbox.c.message_id == message.c.id)
        .join(effect, effect.c.key == outbox.c.effect_key)
        .where(message.c.person_id == person_id, effect.c.done_at >= midnight, effect.c.status == "done")
        .where((func.coalesce(message.c.template, "") == accounts.REPLY) == replies)
    )
    return int(db.execute(sent).scalar_one())


def _still_true(db: Connection, row: Row[Any], at: datetime) -> bool:
    """Will a message that waits until `at` still say what is so? What was done stays done; times pass."""
    template = row.template or ""
    if template in OF_THE_MOMENT:
        return False
    if template in TIMES:
        told = db.execute(select(promise).where(promise.c.message_id == row.message_id)).one_or_none()
        return told is not None and told.status == "open" and bool(told.hi > at)
    if accounts.stage_of(template) == "out_for_delivery":
        return str(row.order_status) == "out"
    return True


def _wait(row: Row[Any], until: datetime) -> None:
    """Held back for the night; it was not tried."""
    with store.transaction() as db:
        db.execute(update(effect).where(effect.c.key == row.effect_key).values(attempts=row.attempts))
        _later(db, row, "pending", until)
    log.info("message", effect=row.effect_key, outcome="waits", duplicate=False)


def _write(row: Row[Any], outcome: Outcome, attempts: int, via: Sender) -> None:
    with store.transaction() as db:
        now = clock.now(db)
        if isinstance(outcome, Sent):
            if not delivery.is_lost(db, row.effect_key):  # its report may be faster than the answer
                effects.settle(db, row.effect_key, "done", now, provider_ref=outcome.provider_id)
            outages.answered(db, outages.name_of(via), now)
        elif outcome.reason in outages.TROUBLE:
            _not_taken(db, row, outcome, attempts, via, now)
        else:
            if outcome.reason == "opted_out":  # maybe the provider knew and we did not
                contact.opted_out(db, row.person_id, "provider", now)
            error = outcome.detail if outcome.reason == "refused" else outcome.reason
            effects.settle(db, row.effect_key, "failed", now, error=error)
        known = isinstance(outcome, Sent) and outcome.duplicate  # sent before: a provider without keys would send twice
        log.info("message", effect=row.effect_key, outcome=outcome.outcome, duplicate=known)


def _not_taken(
    db: Connection, row: Row[Any], outcome: Failed | Unknown, attempts: int, via: Sender, now: datetime
) -> None:
    """The provider has trouble of its own: try again. While it is down nothing is given up, and no try counts."""
    _later(db, row, "pending" if isinstance(outcome, Failed) else "unknown", now + RETRY_AFTER, outcome.reason)
    if outages.failed(db, outages.name_of(via), via.name, now):
        db.execute(update(effect).where(effect.c.key == row.effect_key).values(attempts=row.attempts))
    elif isinstance(outcome, Failed) and attempts >= MAX_ATTEMPTS:
        effects.settle(db, row.effect_key, "failed", now, error=outcome.reason)


def _later(db: Connection, row: Row[Any], status: str, at: datetime, error: str | None = None) -> None:
    db.execute(update(effect).where(effect.c.key == row.effect_key).values(status=status, error=error))
    db.execute(update(outbox).where(outbox.c.id == row.id).values(due_at=at))
    timers.put(db, "drain_outbox", "", at)


def _reconcile(row: Row[Any], via: Sender) -> None:
    """Ask the provider what became of a message. It is sent again only when the provider surely has not got it."""
    tried: datetime = row.tried_at or clock.system_now()
    with store.snapshot() as db:
        claimed = (
            frozenset(db.execute(select(effect.c.provider_ref).where(effect.c.provider_ref.is_not(None))).scalars())
            if via.settle_s
            else frozenset()
        )
    found = via.find(_as_message(row), tried - LOOK_BACK, claimed)
    settled = (clock.system_now() - tried).total_seconds() >= via.settle_s
    with store.transaction() as db:
        now = clock.now(db)
        if isinstance(found, Sent):
            effects.settle(db, row.effect_key, "done", now, provider_ref=found.provider_id)
        elif found is None and settled:
            db.execute(update(effect).where(effect.c.key == row.effect_key).values(status="pending"))
        elif row.attempts >= MAX_ATTEMPTS:
            _to_a_person(db, row, now)
        else:
            _later(db, row, "unknown", now + RETRY_AFTER, "lookup_failed")
            if not (isinstance(found, Unknown) and outages.failed(db, outages.name_of(via), via.name, now)):
                db.execute(update(effect).where(effect.c.key == row.effect_key).values(attempts=row.attempts + 1))


def _to_a_person(db: Connection, row: Row[Any], now: datetime) -> None:
    """The provider can't say: whoever is on duty looks. The row stays `unknown` and is not touched again."""
    db.execute(update(outbox).where(outbox.c.id == row.id).values(done_at=now))
    case = None if not row.case_id.startswith("case_") else cases.get(db, row.case_id)
    depot_id, day = (case.depot_id, case.day) if case is not None else people.home_of(db, row.person_id)
    cases.open_or_join(db, "effect_unknown", row.effect_key, depot_id, day, {"effect": row.effect_key}, now)
