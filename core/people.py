"""Persons and what is personal about them, apart from all else, so that one can be erased and the log still verifies.

Erasing drops the salt too: digests of their messages then say nothing.
"""

from __future__ import annotations

import random
from datetime import date, datetime

from sqlalchemy import Connection, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, phones
from core.errors import NotFound, WrongState
from core.store.tables import (
    address_book,
    attempt,
    import_row,
    inbound,
    instance,
    message,
    order,
    person,
    principal,
    proof,
    proof_file,
    standing_order,
    turn,
)

ENDED = ("delivered", "fetched", "picked_up", "with_carrier", "returned", "cancelled", "rescheduled")
"""those of `core.orders.FINAL`, which knows of persons"""


def ensure(db: Connection, name: str, phone: str, email: str = "") -> str:
    """The person with this phone (or, without one, this name and email); made when new. Returns the id.

    Who leaves neither is a person of their own each time: two customers may share a name, and one of them must never
    read the other's orders. The id is drawn, not computed from the number: a hash of a phone number could be turned
    back by trying all numbers. Raises BadInput when the number can't be one.
    """
    number = phones.normalise(phone) if phone else None
    found = _known(db, name, number, email)
    if found is not None:
        return found
    draw = draws(db)
    made = f"per_{draw.randbytes(10).hex()}"
    row = {"id": made, "salt": draw.randbytes(16), "name": name, "phone": number, "email": email or None}
    db.execute(insert(person).values(row))
    return made


def _known(db: Connection, name: str, number: str | None, email: str) -> str | None:
    if number is not None:
        return of_phone(db, number)
    if not email:
        return None
    same = and_(person.c.phone.is_(None), person.c.name == name, person.c.email == email)
    return db.execute(select(person.c.id).where(same).order_by(person.c.id).limit(1)).scalar_one_or_none()


def of_phone(db: Connection, number: str) -> str | None:
    """Whose number this is, in E.164."""
    return db.execute(
        select(person.c.id).where(person.c.phone == number).order_by(person.c.id).limit(1)
    ).scalar_one_or_none()


def draws(db: Connection) -> random.Random:
    """The machine's randomness; in a simulated day it is drawn from the seed, so that one seed gives one log."""
    seed = db.execute(select(instance.c.seed)).scalar_one_or_none()
    if seed is None:
        return random.SystemRandom()
    count = db.execute(select(func.count()).select_from(person)).scalar_one()
    return random.Random(f"{seed}|person|{count}")


def salted(db: Connection, person_id: str, value: object) -> str:
    """Digest of something personal, for the log and the ledger."""
    return digest(db.execute(select(person.c.salt).where(person.c.id == person_id)).scalar_one_or_none(), value)


def digest(salt: bytes | None, value: object) -> str:
    """The same, for who knows the person's salt; None once it is erased."""
    return canonical.salted(salt, value) if salt else "erased"


def is_erased(db: Connection, person_id: str) -> bool:
    found = db.execute(select(person.c.erased_at).where(person.c.id == person_id)).one_or_none()
    return found is not None and found.erased_at is not None


def tells_of_erased(db: Connection, any_id: str) -> bool:
    """Whether an id is that of an erased person, of an order of theirs, or of a door at which nobody else is known."""
    behind = select(person.c.erased_at).outerjoin(order, order.c.person_id == person.c.id)
    named = or_(person.c.id == any_id, order.c.id == any_id, order.c.stop_id == any_id)
    found = db.execute(behind.where(named)).scalars().all()
    return bool(found) and all(at is not None for at in found)


def erase(db: Connection, person_id: str, at: datetime) -> None:
    """Forget a person. Refused while an order of theirs is under way: the driver needs the address."""
    if db.execute(select(person.c.id).where(person.c.id == person_id)).one_or_none() is None:
        raise NotFound(f"There is no person {person_id}.", "Look the id up on one of their orders.")
    under_way = db.execute(
        select(order.c.ref).where(order.c.person_id == person_id, order.c.status.not_in(ENDED)).limit(1)
    ).scalar_one_or_none()
    if under_way is not None:
        raise WrongState(
            f"Order {under_way} of this person is not finished.", "Cancel it or wait until it has ended, then erase."
        )
    mine = select(order.c.id).where(order.c.person_id == person_id)
    refs = select(order.c.ref).where(order.c.person_id == person_id)
    seen = {"note": None, "code": None, "lat": None, "lon": None, "barcodes": None}
    db.execute(update(proof).where(proof.c.order_id.in_(mine)).values(seen))
    db.execute(update(proof_file).where(proof_file.c.order_id.in_(mine)).values(content=None))
    db.execute(update(attempt).where(attempt.c.order_id.in_(mine)).values(note=None))
    theirs = or_(import_row.c.ref.in_(refs), import_row.c.order_id.in_(mine))
    db.execute(update(import_row).where(theirs).values(raw=None, reason="erased"))
    db.execute(update(message).where(message.c.person_id == person_id).values(body=None))
    them = select(principal.c.id).where(principal.c.role == "customer", principal.c.subject == person_id)
    for said in (turn, inbound):
        db.execute(delete(said).where(said.c.principal_id.in_(them)))
    for kept in (address_book, standing_order):
        db.execute(delete(kept).where(kept.c.person_id == person_id))
    where = {"address": None, "address_parts": None, "lat": None, "lon": None, "notes": None}
    db.execute(update(order).where(order.c.person_id == person_id).values(where))
    gone = {"salt": None, "name": None, "phone": None, "email": None, "erased_at": at}
    db.execute(update(person).where(person.c.id == person_id).values(gone))


def home_of(db: Connection, person_id: str) -> tuple[str, date]:
    """Depot and day of a person's newest order: where a case about them belongs."""
    query = select(order.c.depot_id, order.c.day).where(order.c.person_id == person_id)
    row = db.execute(query.order_by(order.c.day.desc(), order.c.id).limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"Person {person_id} has no order.", "Open the case on an order instead.")
    return row.depot_id, row.day
