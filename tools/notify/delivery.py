"""What the provider says became of a message that it took: it says so later, in any order, and more than once.

A report names the effect that it is about (we gave the provider its key with the message), so it also settles a message
whose sending never got an answer.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Connection, select, update

from core import effects
from core.store.tables import effect, message, outbox
from tools.notify import contact

log = structlog.get_logger("delivery")

STEPS = ("accepted", "scheduled", "queued", "sending", "sent", "delivered", "undelivered", "failed", "read")
"""what may be reported, each further than the one before; https://www.twilio.com/docs/messaging/api/message-resource"""
LOST = frozenset({"undelivered", "failed"})


def reported(db: Connection, key: str, provider_id: str, step: str, reason: str, now: datetime) -> bool:
    """Take a report down; False when it is about no message of ours, or tells nothing new."""
    row = db.execute(select(effect).where(effect.c.key == key).with_for_update()).one_or_none()
    if row is None or row.action != "message.send" or step not in STEPS:
        log.warning("report.unknown", effect=key[:200], step=step[:20])
        return False
    if row.provider_ref not in (None, provider_id) or not _is_further(step, row.delivery):
        return False
    db.execute(update(effect).where(effect.c.key == key).values(delivery=step))
    if step in LOST:
        effects.settle(db, key, "failed", now, provider_ref=provider_id, error=reason)
        if reason == "opted_out":
            contact.opted_out(db, _person(db, key), "provider", now)
    elif row.status != "done":  # it was taken, though nobody has told us
        effects.settle(db, key, "done", now, provider_ref=provider_id)
    return True


def is_lost(db: Connection, key: str) -> bool:
    """Has the provider said already that it did not get through?"""
    return db.execute(select(effect.c.delivery).where(effect.c.key == key)).scalar_one() in LOST


def _is_further(step: str, known: str | None) -> bool:
    return known is None or (known not in LOST and STEPS.index(step) > STEPS.index(known))


def _person(db: Connection, key: str) -> str:
    mine = select(message.c.person_id).join(outbox, outbox.c.message_id == message.c.id)
    return str(db.execute(mine.where(outbox.c.effect_key == key)).scalar_one())
