"""The ledger of what touched the world, and the outbox that touches it.

`pending -> sending -> done | failed | unknown`. The row is written with the decision, before anything is sent; a retry
after a crash finds it. A row left in `sending` has an unknown outcome: it is reconciled with the provider, and if that
can't say, it goes to a person. Never sent twice, never silently lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, people, queue, stream
from core.store.tables import effect, message, outbox

OPEN = ("pending", "sending")


def key(case_id: str, action: str, target: str, args: Mapping[str, Any]) -> str:
    return f"{case_id}:{action}:{target}:{canonical.digest(dict(args))[:16]}"


def record(
    db: Connection,
    case_id: str,
    action: str,
    target: str,
    args: Mapping[str, Any],
    at: datetime,
    *,
    status: str = "pending",
) -> tuple[str, bool]:
    """Enter an effect once. Returns its key and whether it is new; an old one means that it was asked for before."""
    made = key(case_id, action, target, args)
    row = {"key": made, "case_id": case_id, "action": action, "target": target, "status": status, "at": at}
    if status == "done":
        row["done_at"] = at
    new = db.execute(insert(effect).values(row).on_conflict_do_nothing().returning(effect.c.key)).scalar_one_or_none()
    return made, new is not None


def queue_message(
    db: Connection,
    case_id: str,
    person_id: str,
    order_id: str | None,
    template: str,
    body: str,
    at: datetime,
    channel: str = "sms",
    *,
    once: str = "",
) -> str:
    """Write a message, its effect and its outbox row; it is sent after this transaction commits. Returns its id.

    The same words in the same case are one message. With `once` all words under that name are: the first go out.
    Whether it goes out is judged when it is its turn: to a person who opted out by then it fails, with that reason.
    """
    digest = people.salted(db, person_id, body)
    args = {"once": once} if once else {"template": template, "digest": digest}
    effect_key, new = record(db, case_id, "message.send", order_id or person_id, args, at)
    made = canonical.short("msg", effect_key)
    if not new:
        return made
    db.execute(
        insert(message).values(
            id=made, person_id=person_id, order_id=order_id, case_id=case_id, direction="out", channel=channel,
            template=template, body=body, digest=digest, at=at,
        )
    )  # fmt: skip
    db.execute(insert(outbox).values(effect_key=effect_key, message_id=made, due_at=at))
    queue.defer(db, "drain_outbox")
    stream.tell(
        db, "message", {"id": made, "order": order_id, "person": person_id, "template": template, "direction": "out"}
    )
    return made


def queue_line(db: Connection, message_id: str, person_id: str, at: datetime) -> None:
    """Send a line of a conversation that is written down already, once."""
    made, new = record(db, f"talk:{person_id}", "message.send", person_id, {"line": message_id}, at)
    if new:
        db.execute(insert(outbox).values(effect_key=made, message_id=message_id, due_at=at))
        queue.defer(db, "drain_outbox")


def settle(
    db: Connection,
    effect_key: str,
    status: str,
    at: datetime,
    *,
    provider_ref: str | None = None,
    error: str | None = None,
) -> None:
    """Write an effect's outcome and look at its case again."""
    row = db.execute(
        update(effect)
        .where(effect.c.key == effect_key)
        .values(status=status, done_at=at, provider_ref=provider_ref, error=error)
        .returning(effect.c.case_id)
    ).one()
    db.execute(update(outbox).where(outbox.c.effect_key == effect_key).values(done_at=at))
    if row.case_id.startswith("case_"):
        queue.defer(db, "work_case", row.case_id)


def stop_moves(db: Connection, stops: Collection[str]) -> dict[str, tuple[int, datetime]]:
    """Stop -> how often it was moved and when last; stops that never were are left out."""
    moved = (effect.c.action == "stop.move") & effect.c.target.in_(stops)
    query = select(effect.c.target, func.count(), func.max(effect.c.at)).where(moved).group_by(effect.c.target)
    return {target: (int(count), at) for target, count, at in db.execute(query)}


def of_case(db: Connection, case_id: str) -> list[Row[Any]]:
    return list(db.execute(select(effect).where(effect.c.case_id == case_id).order_by(effect.c.key)))
