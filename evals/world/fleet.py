"""A fleet for orders that came without one: vans enough for the pieces and for the hours, and a fifth more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from evals.world import names
from evals.world.scenario import Depot, Driver, Order, Point, Vehicle
from evals.world.streets import drive_s, metres

SPARE = 1.2
SHIFT = ("07:30", "17:30")
SHIFT_S = 10 * 3600
MIDDAY = 12


def around(
    depot: Depot, orders: Sequence[Order], *, capacity: int, first: int, phones_from: int, rng: Random
) -> tuple[tuple[Vehicle, ...], tuple[Driver, ...]]:
    """Vans numbered from `first`, each with its driver."""
    wanted = max(_by_pieces(orders, capacity), _by_hours(depot, orders))
    vehicles = tuple(
        Vehicle(
            id=f"van-{n + 1:02d}",
            depot=depot.id,
            driver=f"drv-{n + 1:02d}",
            name=f"Van {n + 1}",
            pieces=capacity,
            weight_kg=3500,
            shift_start=SHIFT[0],
            shift_end=SHIFT[1],
        )
        for n in range(first, first + wanted)
    )
    drivers = tuple(
        Driver(id=van.driver, name=names.person(rng), phone=names.phone(phones_from + i))
        for i, van in enumerate(vehicles)
    )
    return vehicles, drivers


def centroid(points: Sequence[Point]) -> Point:
    lat = sum(point[0] for point in points) / len(points)
    lon = sum(point[1] for point in points) / len(points)
    return (round(lat, 5), round(lon, 5))


def _by_pieces(orders: Sequence[Order], capacity: int) -> int:
    return math.ceil(SPARE * sum(order.pieces for order in orders) / capacity)


def _by_hours(depot: Depot, orders: Sequence[Order]) -> int:
    """Service, the way out and back, and the drives between doors: a good tour is 0.71 * sqrt(doors * area) long."""
    doors = sorted({order.point for order in orders})
    service_s = sum(order.service_s for order in orders)
    lats, lons = [door[0] for door in doors], [door[1] for door in doors]
    high = metres((min(lats), lons[0]), (max(lats), lons[0]))
    wide = metres((lats[0], min(lons)), (lats[0], max(lons)))
    leg_m = 0.71 * math.sqrt(max(high * wide, 1.0) / len(doors))
    tour_s = len(doors) * drive_s(leg_m, MIDDAY)
    stem_s = 2 * drive_s(sum(metres(depot.point, door) for door in doors) / len(doors), MIDDAY)
    return max(math.ceil(SPARE * (service_s + tour_s) / max(SHIFT_S - stem_s, SHIFT_S / 4)), 1)
