"""Offers: the customer is asked which of a case's options they want, and has a while to say.

The case waits as `offered`. An answer becomes the wish that the next weighing takes, when it can still be done; without
one the planner chooses. Either way the options are computed anew: the van has driven on meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from core import cases, decisions, effects, orders, timers
from core.errors import BadInput, NotFound
from core.principals import Principal
from core.store.tables import case, order, person
from tools import autonomy, policy
from tools.kinds import KINDS
from tools.notify import stages, templates
from tools.policy import Action


def can_be_asked(db: Connection, row: Row[Any], options: Sequence[Mapping[str, Any]]) -> bool:
    """Is there something to choose, was it not asked before, and can its customer be reached?"""
    if len(_choices(row, options)) < 2 or "offer" in row.facts or "order" not in row.facts:
        return False
    mine = orders.get(db, row.facts["order"])
    found = db.execute(select(person.c.phone, person.c.opted_out).where(person.c.id == mine.person_id)).one()
    return bool(found.phone) and not found.opted_out


def _choices(row: Row[Any], options: Sequence[Mapping[str, Any]]) -> list[str]:
    """What can be done of what this kind of case offers, as option kinds."""
    feasible = {option["kind"] for option in options if option["feasible"]}
    return [kind for kind in KINDS[row.kind].offers if kind in feasible]


def put(db: Connection, row: Row[Any], options: Sequence[Mapping[str, Any]], now: datetime) -> bool:
    """Ask the customer, by numbers, when policy lets it: itself a decision, on the options as they were weighed."""
    verdict = policy.decide(autonomy.in_force(db), Action(kind="offer", subject=row.subject), {})
    if verdict.verdict != "auto":
        return False
    mine = orders.get(db, row.facts["order"])
    offer = {str(number): kind for number, kind in enumerate(_choices(row, options), 1)}
    kind = KINDS[row.kind]
    said = {number: templates.render(kind.words.get(name, f"choice_{name}")) for number, name in offer.items()}
    choices = ", ".join(f"{number} {words}" for number, words in said.items())
    facts = {"order": mine.ref, "day": mine.day.isoformat(), "choices": choices, "answers": choices}
    if kind.asks == "offer":
        facts |= stages.what_happened(db, stages.last_try(db, mine.id), now)
    body = templates.render(kind.asks, **{name: facts[name] for name in templates.TEMPLATES[kind.asks]})
    decisions.write(
        db, case_id=row.id, round_=row.rounds, action="offer", verdict="auto", rule=verdict.rule, approver=None,
        outcome=row.inputs["outcome"], inputs=row.inputs["hashes"], applied={"offer": offer}, cost=0, at=now,
        day=row.day,
    )  # fmt: skip
    effects.queue_message(db, row.id, mine.person_id, mine.id, kind.asks, body, now)
    until = now + kind.answer_within
    cases.advance(db, row, "offered", facts=dict(row.facts) | {"offer": offer}, due_by=until)
    timers.put(db, "offer_over", row.id, until)
    return True


OPEN_TO = (  # said once here: every message asks it
    select(case)
    .join(order, order.c.id == case.c.subject)
    .where(case.c.status == "offered", case.c.facts.has_key("offer"), order.c.person_id == bindparam("person"))
    .order_by(case.c.opened_at.desc(), case.c.id)
    .limit(1)
)


def waits_for_answer(db: Connection, row: Row[Any], now: datetime) -> bool:
    """What was carried out has asked somebody something: the case waits for the answer, and goes on without it after
    a while."""
    asked = cases.open_proposal(db, row.id)
    if asked is None or asked.action not in KINDS[row.kind].awaits:
        return False
    until = now + KINDS[row.kind].answer_within
    cases.advance(db, row, "offered", facts=dict(row.facts) | {"driver_asked": True}, due_by=until)
    timers.put(db, "offer_over", row.id, until)
    return True


def open_to(db: Connection, who: Principal) -> Row[Any] | None:
    """The newest offer that waits for this customer's answer."""
    return db.execute(OPEN_TO, {"person": who.subject}).one_or_none() if who.role == "customer" else None


def choose(db: Connection, who: Principal, choice: str, now: datetime) -> str:
    """The customer's answer. Returns the case, which goes on with it."""
    found = open_to(db, who)
    if found is None:
        raise NotFound("There is nothing to choose.", "Say what you want instead.", field="choice")
    row = cases.get(db, found.id, lock=True)
    wish = row.facts["offer"].get(choice)
    if wish is None or row.status != "offered":
        raise BadInput(f"{choice!r} is none of the choices.", f"Choose 1 to {len(row.facts['offer'])}.", field="choice")
    _go_on(db, row, {"wish": wish, "requester": who.role, "by": who.id})
    return str(row.id)


def over(db: Connection, case_id: str) -> None:
    """Nobody answered: the planner chooses."""
    row = cases.get(db, case_id, lock=True)
    if row.status == "offered":
        _go_on(db, row, {})


def _go_on(db: Connection, row: Row[Any], said: dict[str, str]) -> None:
    cases.advance(db, row, "open", facts=dict(row.facts) | said, rounds=row.rounds + 1, due_by=None)
    cases.work(db, row.id)
