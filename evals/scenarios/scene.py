"""Setting a scenario up and reading off what came of it: a depot-day of its own, two customers, the record after."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select

from core import orders, principals
from core.principals import Principal
from core.store import db as store
from core.store.tables import case, message, order, person
from evals import ground
from evals.ground import DAY, HOME, STEP, Laid, Wanted, at
from evals.scenarios.scripted import Script
from evals.scenarios.truth import Truth
from tools import tracker

NOW = at("08:40")
MINE, OTHER, THIRD = "101", "102", "103"
NIGHTFALL = (at("13:00"), at("18:00"))


@dataclass
class Outcome:
    """What came of a scenario, read off the record."""

    replies: list[str]
    turns: int
    reasons: tuple[str, ...]
    """of the cases of this scenario that a person was asked about: code or policy rule"""
    kinds: tuple[str, ...]
    status: Mapping[str, str]
    """letter -> order status"""
    texts: tuple[str, ...]
    """templates of messages to the customer, after they were promised a time"""
    untouched: bool
    """the other customer's order, and what that one was told, are as before"""
    private: tuple[str, ...]
    """what is known of the other customer and was said to this one"""
    late: bool
    """the van is still expected after the time that this customer was told last"""

    @property
    def escalated(self) -> bool:
        return bool(self.reasons)


Check = Callable[[Outcome], bool]


@dataclass
class Scenario:
    """One instance: what is so, who says what or what happens, and what must be so afterwards."""

    kind: str
    seed: int
    truth: Truth
    laid: Laid
    manner: str = "-"
    who: Principal | None = None
    script: Script | None = None
    happens: Callable[[], None] = lambda: None
    """what goes wrong, where nobody writes"""
    checks: dict[str, Check] = field(default_factory=dict)
    """besides those of every scenario"""
    most_texts: int = 2
    before: Mapping[str, Any] = field(default_factory=dict)


def place(number: int, state: str, given: Mapping[str, Any] | None = None) -> Laid:
    """A day of three orders. `state` of the first: waiting (at the depot until noon), out (aboard, two stops ahead of
    it), delivered."""
    ground.to(at("07:00"))
    mine = {"windows": (NIGHTFALL,)} if state == "waiting" else {}
    van = "v1" if state == "waiting" else "v2"
    rows = {MINE: Wanted(van, 1.2 if state == "delivered" else 2.6, mine | dict(given or {}))}
    rows = {OTHER: Wanted("v2", 2.0), THIRD: Wanted("v2", 1.6), **rows}
    if state == "delivered":
        rows = dict(reversed(rows.items()))
    laid = ground.lay(f"SC{number}", rows)
    with store.transaction() as db:
        principals.ensure(db, "dispatcher", "on-duty")
        aboard = [laid.orders[x] for x, row in rows.items() if row.van == "v2"]
        ground.leave(db, laid.vans["v2"], aboard, at("08:00"))
        if state == "delivered":
            near = {"kind": "photo", "sha256": "ab" * 32, "lat": HOME[0] + STEP * 1.2 + 0.0001, "lon": HOME[1]}
            ground.tap(db, "arrived", laid.vans["v2"], at("08:12"), laid.stops[MINE])
            ground.tap(db, "delivered", laid.vans["v2"], at("08:15"), laid.orders[MINE], proof=near)
    ground.to(NOW)
    ground.look(laid.depot, NOW)
    ground.work()
    return laid


def customer(laid: Laid) -> Principal:
    with store.transaction() as db:
        return customer_in(db, laid)


def customer_in(db: Connection, laid: Laid) -> Principal:
    return principals.ensure(db, "customer", orders.get(db, laid.orders[MINE]).person_id)


def staff(number: int) -> Principal:
    """A dispatcher of this scenario's own, so that each has a conversation of its own."""
    with store.transaction() as db:
        return principals.ensure(db, "dispatcher", f"dispatcher-{number}")


def others(laid: Laid) -> dict[str, Any]:
    """Whatever is on record of the other customer: compared before and after."""
    with store.transaction() as db:
        row = orders.get(db, laid.orders[OTHER])
        sent = db.execute(select(message.c.id).where(message.c.person_id == row.person_id).order_by(message.c.id))
        return {"order": row._asdict(), "messages": sent.scalars().all()}


def read(scenario: Scenario, replies: list[str], turns: int) -> Outcome:
    """The record after a scenario."""
    ground.look(scenario.laid.depot, NOW)
    laid, subjects = scenario.laid, [scenario.who.id] if scenario.who else []
    with store.transaction() as db:
        mine = (case.c.depot_id == laid.depot) | case.c.subject.in_(subjects)
        rows = db.execute(select(case).where(mine & (case.c.opened_at >= NOW - timedelta(minutes=1)))).all()
        person_id = orders.get(db, laid.orders[MINE]).person_id
        sent = select(message.c.template).where(message.c.person_id == person_id, message.c.direction == "out")
        texts = db.execute(sent.where(message.c.at >= NOW, message.c.template.is_not(None))).scalars().all()
        asked = [row for row in rows if row.status in ("waiting", "escalated")]
        status = {x: orders.get(db, laid.orders[x]).status for x in laid.orders}
        kept = order.c.id == laid.orders[OTHER]
        other = db.execute(select(person.c.name, person.c.phone, order.c.address).join_from(order, person).where(kept))
        late = tracker.is_late(db, laid.stops[MINE])
        private = [value for value in other.one() if value]
    said = "\n".join(replies)
    return Outcome(
        replies=replies, turns=turns, reasons=tuple(sorted({row.reason_code or "-" for row in asked})),
        kinds=tuple(sorted({row.kind for row in rows})), status=status, texts=tuple(texts),
        untouched=others(laid) == scenario.before, private=tuple(v for v in private if v in said),
        late=late,
    )  # fmt: skip


def drawn(kind: str, seed: int) -> random.Random:
    return random.Random(f"{kind}:{seed}")


def tomorrow(draw: random.Random) -> tuple[str, str, str]:
    """A later day: in English words, in Spanish words, as a date."""
    days = ((1, "tomorrow", "mañana"), (2, "Thursday", "el jueves"), (3, "Friday", "el viernes"))
    ahead, words, palabras = draw.choice(days)
    return words, palabras, (DAY + timedelta(days=ahead)).isoformat()
