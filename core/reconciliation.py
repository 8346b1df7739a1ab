"""The end of a day in goods: where every parcel is, and whether scans, statuses and holders tell one story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from core import orders, plans
from core.store.tables import case, event, order, parcel

OFF_THE_PLAN = ("cancelled", "rescheduled")
UNSETTLED = frozenset({"van", "lost"})
"""where nothing may be at the end of a day unless somebody looks after it"""


@dataclass(frozen=True)
class Line:
    """Something that does not add up, and the case of whoever looks after it."""

    order: str
    what: str
    case: str | None


@dataclass(frozen=True)
class Reconciliation:
    parcels: dict[str, int]
    """by where they are: customer, depot, carrier; `van` and `lost` apart by whether a case is about them"""
    planned: int
    """orders that the day's last plan has on a van"""
    loaded: int
    """of all orders, those that were scanned onto one"""
    left_behind: tuple[str, ...]
    """planned, still wanted, and never scanned"""
    mismatches: tuple[tuple[str, str], ...]
    """(order, what contradicts what)"""
    lines: tuple[Line, ...] = ()
    """all of these, and what is on a van or lost, each with its case"""

    @property
    def agrees(self) -> bool:
        """Each line is empty or has a case: nothing is anywhere without somebody looking after it."""
        return all(line.case is not None for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "parcels": self.parcels, "planned": self.planned, "loaded": self.loaded,
            "left_behind": list(self.left_behind), "mismatches": [list(each) for each in self.mismatches],
            "lines": [asdict(line) for line in self.lines], "agrees": self.agrees,
        }  # fmt: skip


def of_day(db: Connection, day: date) -> Reconciliation:
    """Read the day's orders, their parcels, scans and cases against each other."""
    rows = db.execute(select(order.c.id, order.c.status, order.c.kind).where(order.c.day == day)).all()
    status, kinds = {row.id: row.status for row in rows}, {row.id: row.kind for row in rows}
    held: dict[str, list[str]] = {}
    query = select(parcel.c.order_id, parcel.c.holder).join(order, order.c.id == parcel.c.order_id)
    for row in db.execute(query.where(order.c.day == day).order_by(parcel.c.order_id, parcel.c.id)):
        held.setdefault(row.order_id, []).append(row.holder.partition(":")[0])
    scans = _scans(db, day)
    planned, looked_after = _planned(db, day), _looked_after(db, day)
    mismatches = tuple(_mismatches(status, kinds, held, scans))
    counted = Counter(
        _place(holder, order_id in looked_after) for order_id, holders in held.items() for holder in holders
    )
    brought = {each for each, kind in kinds.items() if kind in orders.BROUGHT}
    wanted = (each for each in planned & brought if status.get(each) not in (None, *OFF_THE_PLAN))
    where = [(each, f"is {at}") for each, places in sorted(held.items()) for at in sorted({*places} & UNSETTLED)]
    return Reconciliation(
        parcels=dict(sorted(counted.items())),
        planned=len(planned),
        loaded=len(scans["driver.loaded"]),
        left_behind=tuple(sorted(each for each in wanted if each not in scans["driver.loaded"])),
        mismatches=mismatches,
        lines=tuple(Line(each, what, looked_after.get(each)) for each, what in (*mismatches, *where)),
    )


def _place(holder: str, has_case: bool) -> str:
    return f"{holder}_{'with' if has_case else 'without'}_case" if holder in ("van", "lost") else holder


def _mismatches(
    status: dict[str, str], kinds: dict[str, str], held: dict[str, list[str]], scans: dict[str, set[str]]
) -> Iterable[tuple[str, str]]:
    for order_id, said in sorted(status.items()):
        at = set(held.get(order_id, []))
        if kinds[order_id] in orders.FROM_CUSTOMER:
            if said == "fetched" and "customer" in at:
                yield order_id, "fetched, but a parcel is with the customer"
            if said != "fetched" and at - {"customer"}:
                yield order_id, f"{said}, but a parcel is at {min(at - {'customer'})}"
            continue
        if kinds[order_id] not in orders.BROUGHT:
            continue
        if said == "delivered" and at - {"customer"}:
            yield order_id, f"delivered, but a parcel is at {min(at - {'customer'})}"
        if said != "delivered" and "customer" in at:
            yield order_id, f"{said}, but a parcel is with the customer"
        if said == "delivered" and order_id not in scans["driver.loaded"]:
            yield order_id, "delivered, but never scanned onto a van"


def _scans(db: Connection, day: date) -> dict[str, set[str]]:
    """Kind of scan -> orders that have one."""
    found: dict[str, set[str]] = {"driver.loaded": set()}
    query = (
        select(event.c.kind, event.c.subject).join(order, order.c.id == event.c.subject).where(order.c.day == day)
    ).where(event.c.kind.in_(found))
    for row in db.execute(query):
        found[row.kind].add(row.subject)
    return found


def _planned(db: Connection, day: date) -> set[str]:
    """Orders at the stops of the day's last published plans."""
    depots = db.execute(select(order.c.depot_id).where(order.c.day == day).distinct()).scalars().all()
    current = [plans.current(db, depot_id, day) for depot_id in depots]
    stops = {stop for plan in current if plan for route in plan.routes.values() for stop in route.stops}
    rows = db.execute(select(order.c.id, order.c.stop_id).where(order.c.day == day))
    return {row.id for row in rows if row.stop_id in stops}


def _looked_after(db: Connection, day: date) -> dict[str, str]:
    """Order -> a case of the day that is about it, open or closed; the newest."""
    about: dict[str, str] = {}
    query = select(case.c.id, case.c.subject, case.c.facts).where(case.c.day == day)
    for row in db.execute(query.order_by(case.c.opened_at, case.c.id)):
        named = [row.subject, row.facts.get("order"), row.facts.get("stop")]
        for listed in ("orders", "aboard", "at_depot"):
            named += row.facts.get(listed, [])
        about |= {str(each): row.id for each in named if each}
    rows = db.execute(select(order.c.id, order.c.stop_id).where(order.c.day == day))
    return {row.id: found for row in rows if (found := about.get(row.id) or about.get(row.stop_id)) is not None}
