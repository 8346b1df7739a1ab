"""Standing orders: what a customer gets each week on the same days, until it ends or a day is skipped.

A day's orders are made from them by `due`; their references carry the date, so that making them twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, clock, fleet, people
from core.errors import BadInput, NotFound
from core.orders import NewOrder
from core.store.tables import person, standing_order

PERSONAL = {"name", "phone", "email"}
"""of `NewOrder`, kept with the person only"""


def id_of(client: str, ref: str) -> str:
    return canonical.short("std", client, ref)


def put(
    db: Connection, new: NewOrder, depot_id: str, weekdays: Iterable[int], starts: date, until: date | None
) -> tuple[str, bool]:
    """Keep an order that comes each week; its windows are those of the wall clock. Returns its id and whether it is
    new; put again it is changed for the days to come."""
    days = sorted(set(weekdays))
    if until is not None and until < starts:
        raise BadInput(f"It ends on {until}, before it begins.", "Give a later day, or none.", field="until")
    tz = ZoneInfo(fleet.get_depot(db, depot_id).tz)
    midnight = datetime.combine(starts, time())

    def second(at: datetime) -> int:
        return int((at.astimezone(tz).replace(tzinfo=None) - midnight).total_seconds())

    made = id_of(new.client, new.ref)
    known = db.execute(select(standing_order).where(standing_order.c.id == made)).one_or_none()
    row = {
        "id": made, "client": new.client, "ref": new.ref, "depot_id": depot_id, "weekdays": days, "starts": starts,
        "until": until, "windows": [[second(lo), second(hi)] for lo, hi in new.windows],
        "person_id": known.person_id if known and _same(db, known.person_id, new) else people.ensure(
            db, new.name, new.phone, new.email
        ),
        "body": new.model_dump(mode="json", exclude=PERSONAL | {"windows"}, exclude_defaults=True),
    }  # fmt: skip
    changed = {name: value for name, value in row.items() if name != "id"}
    db.execute(insert(standing_order).values(row).on_conflict_do_update(index_elements=["id"], set_=changed))
    return made, known is None


def _same(db: Connection, person_id: str, new: NewOrder) -> bool:
    """Who leaves no contact is found again by the order, not by the name."""
    row = db.execute(select(person).where(person.c.id == person_id)).one()
    return bool(row.name == new.name) and not new.phone and not new.email


def get(db: Connection, standing_id: str) -> Row[Any]:
    found = db.execute(select(standing_order).where(standing_order.c.id == standing_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no standing order {standing_id}.", "List them under /api/standing.")
    return found


def of_depot(db: Connection, depot_id: str) -> list[Row[Any]]:
    mine = standing_order.c.depot_id == depot_id
    return list(db.execute(select(standing_order).where(mine).order_by(standing_order.c.id)))


def end(db: Connection, standing_id: str) -> None:
    get(db, standing_id)
    db.execute(delete(standing_order).where(standing_order.c.id == standing_id))


def skip(db: Connection, standing_id: str, day: date) -> list[str]:
    """No order on this day. Returns all the days that are skipped."""
    row = get(db, standing_id)
    days = sorted({*row.skipped, day.isoformat()})
    db.execute(update(standing_order).where(standing_order.c.id == standing_id).values(skipped=days))
    return days


def due(db: Connection, depot_id: str, day: date) -> list[tuple[str, NewOrder]]:
    """(person, order) of each standing order that comes on this day."""
    tz = fleet.get_depot(db, depot_id).tz
    found = []
    for row in of_depot(db, depot_id):
        over = row.until is not None and day > row.until
        if day < row.starts or over or day.isoweekday() not in row.weekdays or day.isoformat() in row.skipped:
            continue
        who = db.execute(select(person).where(person.c.id == row.person_id)).one()
        windows = tuple((clock.at_second(day, tz, lo), clock.at_second(day, tz, hi)) for lo, hi in row.windows)
        said = row.body | {"ref": f"{row.ref}@{day.isoformat()}", "client": row.client, "windows": windows}
        named = {"name": who.name, "phone": who.phone or "", "email": who.email or ""}
        found.append((row.person_id, NewOrder.model_validate(said | named)))
    return found
