"""Tool: the orders that standing orders make for a day, taken in as if the shop had sent them.

They are made at noon of the day before, by a timer that sets itself again, and once more when a plan is asked for:
making them twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from core import address_book, clock, fleet, orders, standing, timers, vans
from core.errors import BadInput
from core.orders import NewOrder, Place
from tools import publishing
from tools.notify import stages

TIMER = "standing_orders"
NOON_S = 12 * 3600


def keep(
    db: Connection, new: NewOrder, depot_id: str, weekdays: Iterable[int], starts: date, until: date | None,
    found: Place | None, now: datetime,
) -> bool:  # fmt: skip
    """Keep a standing order and begin to make its orders; the place that was found for its address is remembered.
    Returns whether it is new. Raises BadInput when nobody knows where it goes."""
    made, fresh = standing.put(db, new, depot_id, weekdays, starts, until)
    person_id = standing.get(db, made).person_id
    if new.given_place is None:
        known = address_book.find(db, person_id, new.address)
        if found is None and (known is None or known.lat is None):
            raise BadInput("Nobody knows where this address is.", "Give lat and lon with it.", field="address")
        if found is not None and known is None:
            door = address_book.Door(address=new.address, lat=found.lat, lon=found.lon)
            address_book.remember(db, person_id, door, now)
    if starts <= vans.local_day(now, fleet.get_depot(db, depot_id).tz) + timedelta(days=1):
        make(db, depot_id, starts, now)
    wake(db, depot_id, now)
    return fresh


def make(db: Connection, depot_id: str, day: date, now: datetime) -> list[str]:
    """The day's orders. Returns those that were not in before."""
    made = []
    for person_id, new in standing.due(db, depot_id, day):
        order_id, fresh = orders.add(db, new, depot_id, day, now, person_id=person_id)
        if fresh:
            made.append(order_id)
            stages.order_taken(db, order_id, now)
    publishing.came_late(db, depot_id, day, made, now)
    return made


def noon(db: Connection, depot_id: str, now: datetime) -> list[str]:
    """The timer: tomorrow's orders, and the timer again for as long as there are standing orders."""
    tomorrow = vans.local_day(now, fleet.get_depot(db, depot_id).tz) + timedelta(days=1)
    made = make(db, depot_id, tomorrow, now)
    wake(db, depot_id, now)
    return made


def wake(db: Connection, depot_id: str, now: datetime) -> None:
    """Set the timer for the next noon at the depot."""
    if not standing.of_depot(db, depot_id):
        return
    tz = fleet.get_depot(db, depot_id).tz
    today = vans.local_day(now, tz)
    at = clock.at_second(today, tz, NOON_S)
    timers.put(db, TIMER, depot_id, at if at > now else clock.at_second(today + timedelta(days=1), tz, NOON_S))
