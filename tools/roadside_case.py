"""The case of a broken van: what the question is about, what settles it, and how goods are sent to another van.

Goods that are aboard never jump: `rescue` arranges a transfer for each van that comes, tells both drivers, and the case
stays open until both have scanned.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select

from core import breakdowns, cases, custody, effects, fleet, orders, principals, threads, timers, transfers, vans
from core.clock import parse
from core.errors import Stale
from core.store.tables import breakdown
from optimizer.options import Scope
from tools import carrying, telling
from tools.notify import templates

if TYPE_CHECKING:
    from tools.job import Job

TRANSFER = "parcels.transfer"
TELL_DRIVER = "driver.tell"
OVERDUE = "transfer_overdue"
PATIENCE = timedelta(minutes=60)
"""after the time that two vans were expected to meet"""


def scope(db: Connection, row: Row[Any]) -> Scope:
    """The stops that are left on the van now, and who could come."""
    mine = breakdowns.get(db, row.facts["breakdown"])
    left = _left(db, row)
    aboard = set(custody.aboard(db, mine.vehicle_id))
    counts = {stop: sum(each.id in aboard for each in orders.at_stop(db, stop)) for stop in left}
    standing = select(breakdown.c.vehicle_id).where(breakdown.c.day == row.day, breakdown.c.ended_at.is_(None))
    return Scope(
        stops=left, breakdown=mine.id, vehicle=mine.vehicle_id,
        unfit=tuple(sorted(set(db.execute(standing).scalars()) - {mine.vehicle_id})),
        order_counts={stop: count for stop, count in counts.items() if count > 1},
        carrier_cents=carrying.price_from_van(db, mine, [o for stop in left for o in orders.at_stop(db, stop)]),
    )  # fmt: skip


def settled(db: Connection, row: Row[Any]) -> str | None:
    """Nothing is left on its list: somebody else has them, or they were put off."""
    return None if _left(db, row) else "nothing_left"


def _left(db: Connection, row: Row[Any]) -> tuple[str, ...]:
    route = vans.open_route(db, row.subject, row.depot_id, row.day)
    return tuple(stop for stop in route if stop in set(row.facts["stops"]))


def repair(job: Job) -> dict[str, Any]:
    """Whom it makes late is told the new time; where nobody can say when the van goes on, that it comes later."""
    mine = breakdowns.get(job.db, job.case.facts["breakdown"])
    if mine.ended_at is not None or mine.minutes is not None:
        return {"promises": telling.retell(job)}
    told = [row for stop in job.args.retold for row in orders.at_stop(job.db, stop) if row.status in orders.OPEN]
    for row in told:
        telling.say(job, row, "retell_untimed", order=row.ref)
    return {"told": [row.id for row in told]}


# The transfer ---------------------------------------------------------------------------------------------------------


def arrange(job: Job) -> dict[str, list[str]]:
    """Write a transfer for every van that comes, and tell the drivers. Returns transfer -> its orders."""
    if "breakdown" not in job.case.facts:
        return {}
    mine = breakdowns.get(job.db, job.case.facts["breakdown"])
    aboard = set(custody.aboard(job.db, mine.vehicle_id))
    made = {}
    for van, route in sorted(job.args.routes.items()):
        transfer_id = transfers.identify(mine.id, van)
        if transfer_id not in route:
            continue
        fetched = _fetched(job, route, transfer_id, aboard)
        if not fetched:
            raise Stale(f"There is nothing left on {mine.vehicle_id} for {van}.", "Look at the case again.")
        args = {"orders": fetched, "decision": job.decision_id}
        key, _ = effects.record(job.db, job.case.id, TRANSFER, transfer_id, args, job.now)
        transfers.arrange(job.db, mine, van, fetched, key, job.now)
        timers.put(job.db, OVERDUE, transfer_id, parse(job.args.arrivals[transfer_id]) + PATIENCE)
        _tell_both(job, mine.vehicle_id, van, len(fetched), transfer_id)
        made[transfer_id] = fetched
    return made


def _fetched(job: Job, route: tuple[str, ...], transfer_id: str, aboard: set[str]) -> list[str]:
    stops = [stop for stop in route[route.index(transfer_id) :] if stop in job.case.facts["stops"]]
    here = (row for stop in stops for row in orders.at_stop(job.db, stop))
    return sorted(row.id for row in here if row.id in aboard and row.status in orders.OPEN)


def _tell_both(job: Job, giver: str, taker: str, count: int, transfer_id: str) -> None:
    expected = parse(job.args.arrivals[transfer_id]).astimezone(job.tz)
    said: dict[str, str | int] = {"count": count, "at": f"{expected:%H:%M}"}
    tell_driver(job, giver, "driver_gives", van=taker, **said)
    tell_driver(job, taker, "driver_takes", van=giver, **said)


def tell_driver(job: Job, vehicle_id: str, template: str, **facts: str | int) -> None:
    """A line in the driver's thread, which the phone shows."""
    driver = principals.ensure(job.db, "driver", fleet.get_vehicle(job.db, vehicle_id).driver_id)
    text = templates.render(template, lang="en", **facts)
    line = threads.open_of(job.db, driver, job.now).say("out", text, job.now, job.case.id)[0]
    effects.record(job.db, job.case.id, TELL_DRIVER, vehicle_id, {"message": line}, job.now, status="done")


def overdue(db: Connection, transfer_id: str, now: datetime) -> None:
    """Long after two vans were to meet one of them has not scanned: a person asks where it is."""
    row = transfers.get(db, transfer_id)
    if row is None or row.status not in ("open", "met"):
        return
    driver = principals.ensure(db, "driver", fleet.get_vehicle(db, row.to_vehicle).driver_id)
    asked = templates.render("driver_overdue", lang="en", van=row.from_vehicle)
    threads.open_of(db, driver, now).say("out", asked, now)
    facts = {"transfer": row.id, "from": row.from_vehicle, "to": row.to_vehicle, "vehicle": row.to_vehicle}
    cases.open_or_join(db, OVERDUE, row.id, row.depot_id, row.day, facts, now)


def call_off(job: Job, applied: Mapping[str, Any]) -> list[str]:
    """Undo: nobody comes. Raises WrongState once goods have changed hands."""
    for transfer_id in applied.get("transfers", {}):
        transfers.void(job.db, transfer_id, job.now, "undone")
    return [f"transfer {each} is called off" for each in sorted(applied.get("transfers", {}))]
