"""An invented city from a seed: a centre, quarters around it, streets, houses and apartments, depots, vans.

What kind of operation lives in it, and its figures, are told by `operation`.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import date
from random import Random

from evals.world import chance, names
from evals.world.operation import Fleet, Operation, Orders
from evals.world.rates import CALM
from evals.world.scenario import DAY, Depot, Driver, Order, Point, Scenario, Vehicle, local, rounded

KM_A_DEGREE = 111.2
QUARTERS = 8
PLANNED_AT = 0.8
"""services are log-normal: planned at their mean, each van that is behind once stays behind"""


@dataclass(frozen=True)
class Quarter:
    name: str
    middle: Point
    spread_km: float
    streets: tuple[str, ...]


def synthetic(seed: int, orders: int = 300, vans: int = 14, *, day: date = DAY) -> Scenario:
    """The default operation on a calm day: for tests of one thing at a time."""
    return city(Operation(rates=CALM), seed, orders, vans, day=day)


def city(
    operation: Operation, seed: int, orders: int | None = None, vans: int | None = None, *, day: date = DAY
) -> Scenario:
    """The city, its customers and its fleet; the same seed gives the same bytes."""
    orders = operation.orders.count if orders is None else orders
    vans = operation.vans_for(orders) if vans is None else vans
    if orders < 1 or vans < 1:
        raise ValueError("A day needs at least one order and one van.")
    rng = chance.stream(seed, "city")
    quarters = _quarters(rng, operation)
    depots = _depots(rng, operation, vans)
    placed = _orders(rng, orders, quarters, depots, operation, seed)
    vehicles = _vehicles(placed, vans, depots, operation.fleet)
    drivers = tuple(
        Driver(id=van.driver, name=names.person(rng), phone=names.phone(orders + i)) for i, van in enumerate(vehicles)
    )
    return Scenario(
        name=f"{operation.name}-{orders}-{vans}",
        seed=seed,
        day=day,
        tz=operation.tz,
        depots=depots,
        vehicles=vehicles,
        drivers=drivers,
        orders=placed,
        start=local(day, operation.start, operation.tz),
        end=local(day, operation.end, operation.tz),
        rates=operation.rates,
    )


def _quarters(rng: Random, operation: Operation) -> tuple[Quarter, ...]:
    """The centre and a ring of quarters around it."""
    ring = rng.sample(names.QUARTERS, QUARTERS)
    made = [Quarter("Centre", operation.centre, 1.3, _streets(rng))]
    for i, name in enumerate(ring):
        angle = 2 * math.pi * (i + rng.uniform(-0.3, 0.3)) / len(ring)
        far = rng.uniform(*operation.orders.quarters_km)
        made.append(Quarter(name, _moved(operation.centre, far, angle), rng.uniform(0.7, 1.4), _streets(rng)))
    return tuple(made)


def _streets(rng: Random) -> tuple[str, ...]:
    return tuple(names.street(rng) for _ in range(12))


def _depots(rng: Random, operation: Operation, vans: int) -> tuple[Depot, ...]:
    """Around the centre, across from each other."""
    angle = rng.uniform(0, 2 * math.pi)
    named = operation.fleet.depots[: 2 if vans >= 4 else 1]
    places = [_moved(operation.centre, operation.fleet.depot_km, angle + math.pi * n) for n in range(len(named))]
    return tuple(
        Depot(
            id=f"dep-{'ab'[n]}", name=name, lat=places[n][0], lon=places[n][1], tz=operation.tz,
            service_quantile=PLANNED_AT,
        )
        for n, name in enumerate(named)
    )  # fmt: skip


def _orders(
    rng: Random, wanted: int, quarters: tuple[Quarter, ...], depots: tuple[Depot, ...], operation: Operation, seed: int
) -> tuple[Order, ...]:
    given = operation.orders
    made: list[Order] = []
    doors: set[str] = set()
    while len(made) < wanted:
        quarter = quarters[0] if rng.random() < 0.2 else rng.choice(quarters[1:])
        point = _moved(quarter.middle, abs(rng.gauss(0, quarter.spread_km)), rng.uniform(0, 2 * math.pi))
        address = _address(rng, quarter, doors)
        behind = rng.randint(2, 4) if rng.random() < given.apartments else 1
        for flat in range(min(behind, wanted - len(made))):
            note = f"Apartment {flat + 1}" if behind > 1 else rng.choice(given.notes)
            depot = min(depots, key=lambda depot: math.dist(depot.point, point)).id
            order = _order(rng, given, len(made), point, address, depot)
            kind = chance.by_share(given.kinds, seed, "kind", order.ref)
            made.append(order.model_copy(update={"notes": note, "kind": kind}))
    return tuple(made)


def _address(rng: Random, quarter: Quarter, taken: set[str]) -> str:
    """One house, one place: an address is given out once."""
    street, number = rng.choice(quarter.streets), rng.randint(1, 180)
    while (address := f"{number} {street}, {quarter.name}") in taken:
        number += 1
    taken.add(address)
    return address


def _order(rng: Random, given: Orders, nth: int, point: Point, address: str, depot: str) -> Order:
    opens, closes = _window(rng, given)
    pieces = rng.choices(tuple(given.pieces), tuple(given.pieces.values()))[0]
    return Order(
        ref=f"{given.prefix}-{1001 + nth}",
        name=names.person(rng),
        phone=names.phone(nth),
        address=address,
        lat=point[0],
        lon=point[1],
        depot=depot,
        window_start=opens,
        window_end=closes,
        service_s=60 * rng.choice(given.service_min),
        pieces=pieces,
        weight_kg=round(sum(rng.uniform(*given.piece_kg) for _ in range(pieces)), 1),
        client=given.client,
    )


def _window(rng: Random, given: Orders) -> tuple[str | None, str | None]:
    left = rng.random()
    for kind in given.windows:
        if left < kind.share:
            opens = rng.choice(kind.starts)
            return f"{opens:02d}:00", f"{opens + kind.hours:02d}:00"
        left -= kind.share
    return None, None


def _vehicles(orders: tuple[Order, ...], vans: int, depots: tuple[Depot, ...], fleet: Fleet) -> tuple[Vehicle, ...]:
    """Vans shared out by the pieces at each depot, all of one size, a few of each depot in the second wave."""
    pieces: Counter[str] = Counter()
    for order in orders:
        pieces[order.depot] += order.pieces
    shares = _shares(vans, [pieces[depot.id] for depot in depots])
    made: list[Vehicle] = []
    for depot, count in zip(depots, shares, strict=True):
        largest = max((order.pieces for order in orders if order.depot == depot.id), default=1)
        size = max(fleet.pieces or math.ceil(fleet.spare * pieces[depot.id] / count), largest)
        late = round(count * fleet.second_wave) if count > 1 else 0
        made += [_van(len(made) + i, depot.id, size, fleet, late=i >= count - late) for i in range(count)]
    return tuple(made)


def _shares(vans: int, weights: list[int]) -> list[int]:
    """At least one van each, the rest by weight."""
    if len(weights) == 1:
        return [vans]
    first = round(vans * weights[0] / max(sum(weights), 1))
    first = min(max(first, 1), vans - 1)
    return [first, vans - first]


def _van(nth: int, depot: str, pieces: int, fleet: Fleet, *, late: bool) -> Vehicle:
    starts, ends = fleet.second_shift if late else fleet.shift
    return Vehicle(
        id=f"van-{nth + 1:02d}",
        depot=depot,
        driver=f"drv-{nth + 1:02d}",
        name=f"Van {nth + 1}",
        pieces=pieces,
        weight_kg=fleet.weight_kg,
        shift_start=starts,
        shift_end=ends,
        cost_per_hour=fleet.cost_per_hour,
        max_stops=fleet.max_stops,
    )


def _moved(point: Point, km: float, angle: float) -> Point:
    lat = point[0] + km * math.cos(angle) / KM_A_DEGREE
    lon = point[1] + km * math.sin(angle) / (KM_A_DEGREE * math.cos(math.radians(point[0])))
    return rounded(lat, lon)
