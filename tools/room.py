"""Room in hand for orders that come in while the vans are out: a plan that fills every van sends one more for the first
of them.

What comes in late can go with a van that has not left. So on a careful day the vans that leave after the first wave
keep room for it: for the share of the day's goods that comes late, as far as it comes before they leave, parted among
them. The share is learned from the days before, and held near the usual one while little is known. Full vans are worth
more than room: no more is kept than half of what the fleet has to spare. It counts for the first plan only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, func, select

from core.store.tables import order, plan
from optimizer.problem import Stop, Vehicle
from optimizer.schedule import figure
from tools.buffers import LOOK_BACK

USUAL_PERCENT = 8
"""of a day's orders come in after its first plan, while nothing is known"""
COUNTS_AS = 500
"""orders that this counts as"""
LAST_ORDERS = (2, 3)
"""They come evenly until this share of the time between the first van's leaving and the last shift's end is over: who
orders later is another day's (assumed)."""
NEXT_WAVE_S = 3600
"""who leaves so much later than the first van is not of the first wave"""


def late_percent(db: Connection, depot_id: str, day: date) -> int:
    """Of a depot's orders, how many in a hundred came in after their day's first plan was published."""
    first = (
        select(plan.c.day, func.min(plan.c.created_at).label("at"))
        .where(plan.c.depot_id == depot_id, plan.c.day < day, plan.c.day >= day - LOOK_BACK)
        .where(plan.c.status != "draft")
        .group_by(plan.c.day)
        .subquery()
    )
    late = func.count().filter(order.c.created_at > first.c.at)
    query = select(func.count(), late).join(first, first.c.day == order.c.day).where(order.c.depot_id == depot_id)
    known, came_late = db.execute(query).one()
    return round((100 * came_late + USUAL_PERCENT * COUNTS_AS) / (known + COUNTS_AS))


def kept(vehicles: Sequence[Vehicle], stops: Sequence[Stop], percent: int) -> tuple[Vehicle, ...]:
    """The vehicles as a first plan may fill them. `percent`: of the day's goods that come late."""
    first_s = min((each.ready_s for each in vehicles), default=0)
    last_s = max((each.shift_end_s for each in vehicles), default=0)
    later = [each for each in vehicles if each.ready_s >= first_s + NEXT_WAVE_S]
    if not later or last_s <= first_s:
        return tuple(vehicles)
    comes_in_s = (last_s - first_s) * LAST_ORDERS[0] // LAST_ORDERS[1]
    goods = [sum(figure(stop.demand, d) for stop in stops) for d in range(len(later[0].capacity))]
    spare = [max(0, sum(figure(each.capacity, d) for each in vehicles) - all_of) for d, all_of in enumerate(goods)]

    def less(vehicle: Vehicle) -> tuple[int, ...]:
        past_s = min(vehicle.ready_s - first_s, comes_in_s)
        comes = [all_of * percent * past_s // (100 * comes_in_s) for all_of in goods]
        part = [min(late, free // 2) // len(later) for late, free in zip(comes, spare, strict=True)]
        return tuple(max(0, whole - figure(tuple(part), d)) for d, whole in enumerate(vehicle.capacity))

    return tuple(each.model_copy(update={"capacity": less(each)}) if each in later else each for each in vehicles)
