"""Sends what the outbox holds, one message at a time, and writes down what became of it.

The row says `sending` before the provider is asked and its outcome after. A row found in `sending` was left by a
process that died in between: its outcome is unknown, and the provider is asked before anything is sent again.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection, Row, func, select, update

from core import cases, clock, effects, faults, people, timers
from core.errors import Misconfigured
from core.settings import settings
from core.store import db as store
from core.store.tables import depot, effect, message, outbox, person
from tools import policy
from tools.notify.console import ConsoleSender
from tools.notify.port import Failed, FailReason, Outcome, OutMessage, Sender, Sent
from tools.policy import Action, Value, Verdict

log = structlog.get_logger("outbox")

MAX_ATTEMPTS = 5
RETRY_AFTER = timedelta(seconds=30)
QUIET_FROM, QUIET_UNTIL = time(22), time(6)
"""Nobody is woken for a parcel: local time of the depot."""
LOOK_BACK = timedelta(minutes=2)
"""Machines' clocks differ: look for a message from a little before we tried to send it."""


@cache
def sender() -> Sender:
    """The sender that the settings ask for."""
    asked = settings().sender or ("twilio" if settings().twilio_account_sid else "console")
    if asked == "console":
        return ConsoleSender(settings().folder / "sent.jsonl", echo=None)
    if asked == "twilio":
        from tools.notify.twilio_sms import TwilioSender

        return TwilioSender(settings().twilio_account_sid, settings().twilio_auth_token, settings().twilio_from)
    raise Misconfigured(
        f"DOORSTEP_SENDER is {asked!r}.", "Use console or twilio, or leave it empty.", field="DOORSTEP_SENDER"
    )


def drain(by: Sender | None = None) -> int:
    """Send everything that is due now; returns how many messages were worked. One drain runs at a time (queue lock)."""
    via = by or sender()
    with store.transaction() as db:
        stuck = update(effect).where(effect.c.status == "sending").values(status="unknown")
        db.execute(stuck)
    worked = 0
    while True:
        with store.transaction() as db:
            row = _next(db)
            if row is None:
                return worked
        worked += 1
        if row.status == "unknown":
            _reconcile(row, via)
        else:
            _send(row, via)


def _next(db: Connection) -> Any:
    """The oldest message that is due, marked as being sent. A message whose outcome is unknown comes first."""
    now = clock.now(db)
    row: Any = db.execute(
        select(
            outbox.c.id,
            outbox.c.effect_key,
            effect.c.status,
            effect.c.attempts,
            effect.c.tried_at,
            effect.c.case_id,
            message.c.body,
            message.c.channel,
            message.c.template,
            message.c.person_id,
            person.c.phone,
            person.c.opted_out,
        )
        .join(effect, effect.c.key == outbox.c.effect_key)
        .join(message, message.c.id == outbox.c.message_id)
        .join(person, person.c.id == message.c.person_id)
        .where(outbox.c.done_at.is_(None), outbox.c.due_at <= now, effect.c.status.in_(["pending", "unknown"]))
        .order_by((effect.c.status == "pending"), outbox.c.due_at, outbox.c.id)
        .limit(1)
    ).one_or_none()
    if row is not None and row.status == "pending":
        mark = {"status": "sending", "attempts": row.attempts + 1, "tried_at": clock.system_now()}
        db.execute(update(effect).where(effect.c.key == row.effect_key).values(mark))
    return row


def _as_message(row: Row[Any]) -> OutMessage:
    return OutMessage(key=row.effect_key, to=row.phone or "", text=row.body or "", channel=row.channel)


def _send(row: Row[Any], via: Sender) -> None:
    with store.snapshot() as db:
        verdict = judge(db, row)
    if row.opted_out or not row.phone or row.body is None:
        reason: FailReason = "opted_out" if row.opted_out else "bad_address"
        outcome: Outcome = Failed(key=row.effect_key, reason=reason, detail="not sent")
    elif verdict.verdict != "auto":
        outcome = Failed(key=row.effect_key, reason="refused", detail=verdict.rule)
    else:
        faults.reached("effect.before")
        outcome = via.send(_as_message(row))
        faults.reached("effect.after")
    _write(row, outcome, row.attempts + 1)


def judge(db: Connection, row: Row[Any]) -> Verdict:
    """Policy on this one message: opt-out, caps, quiet hours. What it does not let through by itself is not sent."""
    now = clock.now(db)
    tz = db.execute(select(depot.c.tz).order_by(depot.c.id).limit(1)).scalar_one_or_none() or "UTC"
    local = now.astimezone(ZoneInfo(tz))
    midnight = clock.midnight(local.date(), tz)
    sent = (
        select(func.count())
        .select_from(outbox)
        .join(message, message.c.id == outbox.c.message_id)
        .join(effect, effect.c.key == outbox.c.effect_key)
        .where(message.c.person_id == row.person_id, message.c.at >= midnight, effect.c.status == "done")
    )
    facts: dict[str, Value] = {
        "opted_out": bool(row.opted_out),
        "messages_today": int(db.execute(sent).scalar_one()),
        "quiet_hours": not QUIET_UNTIL <= local.time() < QUIET_FROM,
        "template": row.template or "",
        "requester": "system",
    }
    return policy.decide(policy.in_force(), Action(kind="message.send", subject=row.effect_key), facts)


def _write(row: Row[Any], outcome: Outcome, attempts: int) -> None:
    with store.transaction() as db:
        now = clock.now(db)
        if isinstance(outcome, Sent):
            effects.settle(db, row.effect_key, "done", now, provider_ref=outcome.provider_id)
        elif isinstance(outcome, Failed):
            if outcome.retry and attempts < MAX_ATTEMPTS:
                _later(db, row, "pending", now + RETRY_AFTER)
            else:
                _note_opt_out(db, row, outcome)
                effects.settle(
                    db,
                    row.effect_key,
                    "failed",
                    now,
                    error=outcome.detail if outcome.reason == "refused" else outcome.reason,
                )
        else:
            _later(db, row, "unknown", now + RETRY_AFTER)
        known = isinstance(outcome, Sent) and outcome.duplicate  # sent before: a provider without keys would send twice
        log.info("message", effect=row.effect_key, outcome=outcome.outcome, duplicate=known)


def _later(db: Connection, row: Row[Any], status: str, at: datetime) -> None:
    db.execute(update(effect).where(effect.c.key == row.effect_key).values(status=status))
    db.execute(update(outbox).where(outbox.c.id == row.id).values(due_at=at))
    timers.put(db, "drain_outbox", "", at)


def _note_opt_out(db: Connection, row: Row[Any], outcome: Failed) -> None:
    if outcome.reason == "opted_out":
        db.execute(update(person).where(person.c.id == row.person_id).values(opted_out=True))


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
            db.execute(update(effect).where(effect.c.key == row.effect_key).values(attempts=row.attempts + 1))
            _later(db, row, "unknown", now + RETRY_AFTER)


def _to_a_person(db: Connection, row: Row[Any], now: datetime) -> None:
    """The provider can't say: whoever is on duty looks. The row stays `unknown` and is not touched again."""
    db.execute(update(outbox).where(outbox.c.id == row.id).values(done_at=now))
    case = None if not row.case_id.startswith("case_") else cases.get(db, row.case_id)
    depot_id, day = (case.depot_id, case.day) if case is not None else people.home_of(db, row.person_id)
    cases.open_or_join(db, "effect_unknown", row.effect_key, depot_id, day, {"effect": row.effect_key}, now)
