"""What a customer wants the driver to know: kept with their own order, in their own words, and on the driver's list.

Judged by policy like every action; on record as a fact and a decision without the words, which are personal and stay in
the order's row. Words that name another address are no instruction: goods are redirected by a person.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, update

from core import canonical, decisions, events, orders, stream
from core.errors import BadInput, NotAllowed, WrongState
from core.events import Event
from core.principals import Principal
from core.store.tables import order
from tools import autonomy, policy
from tools.policy import Action

ACTION = "instruct"
LONGEST = 300
"""characters of one instruction"""
ROOM = 2000
"""characters of all notes of an order"""


def leave(db: Connection, who: Principal, row: Row[Any], words: str, now: datetime) -> str:
    """Keep the words with the order. Returns the decision's id. Raises NotAllowed when policy wants a person, BadInput
    for what is no instruction."""
    said = " ".join(words.split())
    if not said or len(said) > LONGEST:
        raise BadInput(f"The instruction has {len(said)} characters.", f"Write 1 to {LONGEST}.", field="words")
    mine = orders.get(db, str(row.id))
    if mine.status not in orders.OPEN | {"failed"}:
        raise WrongState(f"Order {mine.ref} is {mine.status}.", "Nobody comes for it any more.", field="order")
    verdict = policy.decide(autonomy.in_force(db), Action(kind=ACTION, subject=mine.id), {"verified": True})
    if verdict.verdict != "auto":
        raise NotAllowed(f"Policy {verdict.rule}: {verdict.reason}.", "A person sees to it.")
    notes = [note for note in (mine.notes or "").split("\n") if note]
    if said not in notes:
        kept = "\n".join([*notes, said])
        if len(kept) > ROOM:
            raise WrongState(f"Order {mine.ref} has notes enough.", "A person sees to it.", field="words")
        db.execute(update(order).where(order.c.id == mine.id).values(notes=kept))
    return _on_record(db, who, mine.id, len(notes), verdict.rule, now, mine)


def _on_record(
    db: Connection, who: Principal, order_id: str, number: int, rule: str, now: datetime, mine: Row[Any]
) -> str:
    subject = f"{ACTION}:{order_id}"
    fact = Event(
        key=f"{subject}:{canonical.short('ins', order_id, number, now.isoformat())}", kind="order.instructed",
        source=who.role, subject=order_id, at=now, data={"by": who.id},
    )  # fmt: skip
    if not events.append(db, fact, now):
        return decisions.identify(subject, number, ACTION, "auto", who.id)
    stream.tell(db, "order", {"id": order_id, "status": mine.status})
    return decisions.write(
        db, case_id=subject, round_=len(decisions.of_case(db, subject)), action=ACTION, verdict="auto", rule=rule,
        approver=None, outcome={"order": order_id, "by": who.id}, inputs={}, applied={}, cost=0, at=now, day=mine.day,
    )  # fmt: skip
