"""An invented city from a seed: a centre, quarters around it, streets, houses and apartments, two depots, vans.

Sizes are those of two-person delivery of bulky goods: some twenty doors a van, minutes at each. The first wave of vans
can't carry everything, so some goods are still at the depot when the morning goes wrong: those can change vans.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import date
from random import Random

from evals.world import chance, names
from evals.world.scenario import DAY, Depot, Driver, Order, Point, Scenario, Vehicle, local, rounded

TZ = "America/New_York"
CENTRE: Point = (39.93, -75.92)
KM_A_DEGREE = 111.2
SECOND_WAVE = 2 / 7
"""share of the vans that start at 10:30"""
SPARE = 1.2
"""pieces that all vans carry / pieces ordered"""
WINDOWED = 0.20
WINDOW_STARTS = (9, 10, 11, 12, 13, 14)
APARTMENTS = 0.12
"""share of doors with several orders behind them"""


@dataclass(frozen=True)
class Quarter:
    name: str
    middle: Point
    spread_km: float
    streets: tuple[str, ...]


def synthetic(seed: int, orders: int = 300, vans: int = 14, *, day: date = DAY) -> Scenario:
    """The city, its customers and its fleet; the same seed gives the same bytes."""
    if orders < 1 or vans < 1:
        raise ValueError("A day needs at least one order and one van.")
    rng = chance.stream(seed, "city")
    quarters = _quarters(rng)
    depots = _depots(rng, two=vans >= 4)
    placed = _orders(rng, orders, quarters, depots)
    vehicles = _vehicles(placed, vans, depots)
    drivers = tuple(
        Driver(id=van.driver, name=names.person(rng), phone=names.phone(orders + i)) for i, van in enumerate(vehicles)
    )
    return Scenario(
        name=f"synthetic-{orders}-{vans}",
        seed=seed,
        day=day,
        tz=TZ,
        depots=depots,
        vehicles=vehicles,
        drivers=drivers,
        orders=placed,
        start=local(day, "07:24", TZ),
        end=local(day, "18:00", TZ),
    )


def _quarters(rng: Random) -> tuple[Quarter, ...]:
    """The centre and a ring of quarters around it."""
    ring = rng.sample(names.QUARTERS, 8)
    made = [Quarter("Centre", CENTRE, 1.3, _streets(rng))]
    for i, name in enumerate(ring):
        angle = 2 * math.pi * (i + rng.uniform(-0.3, 0.3)) / len(ring)
        far = rng.uniform(3.5, 9.0)
        made.append(Quarter(name, _moved(CENTRE, far, angle), rng.uniform(0.7, 1.4), _streets(rng)))
    return tuple(made)


def _streets(rng: Random) -> tuple[str, ...]:
    return tuple(names.street(rng) for _ in range(12))


def _depots(rng: Random, *, two: bool) -> tuple[Depot, ...]:
    angle = rng.uniform(0, 2 * math.pi)
    places = [_moved(CENTRE, 6.0, angle), _moved(CENTRE, 6.0, angle + math.pi)][: 2 if two else 1]
    named = (("dep-a", "Canal Yard"), ("dep-b", "Ridge Yard"))
    return tuple(Depot(id=i, name=n, lat=p[0], lon=p[1], tz=TZ) for (i, n), p in zip(named, places, strict=False))


def _orders(rng: Random, wanted: int, quarters: tuple[Quarter, ...], depots: tuple[Depot, ...]) -> tuple[Order, ...]:
    made: list[Order] = []
    doors: set[str] = set()
    while len(made) < wanted:
        quarter = quarters[0] if rng.random() < 0.2 else rng.choice(quarters[1:])
        point = _moved(quarter.middle, abs(rng.gauss(0, quarter.spread_km)), rng.uniform(0, 2 * math.pi))
        address = _address(rng, quarter, doors)
        behind = rng.randint(2, 4) if rng.random() < APARTMENTS else 1
        for flat in range(min(behind, wanted - len(made))):
            note = f"Apartment {flat + 1}" if behind > 1 else rng.choice(("", "", "", "Ring twice", "Side door"))
            made.append(_order(rng, len(made), point, address, note, depots))
    return tuple(made)


def _address(rng: Random, quarter: Quarter, taken: set[str]) -> str:
    """One house, one place: an address is given out once."""
    street, number = rng.choice(quarter.streets), rng.randint(1, 180)
    while (address := f"{number} {street}, {quarter.name}") in taken:
        number += 1
    taken.add(address)
    return address


def _order(rng: Random, nth: int, point: Point, address: str, note: str, depots: tuple[Depot, ...]) -> Order:
    opens = rng.choice(WINDOW_STARTS) if rng.random() < WINDOWED else None
    pieces = rng.choices((1, 2, 3, 4), (45, 30, 15, 10))[0]
    return Order(
        ref=f"ACME-{1001 + nth}",
        name=names.person(rng),
        phone=names.phone(nth),
        address=address,
        lat=point[0],
        lon=point[1],
        depot=min(depots, key=lambda depot: math.dist(depot.point, point)).id,
        window_start=None if opens is None else f"{opens:02d}:00",
        window_end=None if opens is None else f"{opens + 2:02d}:00",
        service_s=60 * rng.choice((4, 5, 6, 7, 8, 10)),
        pieces=pieces,
        weight_kg=round(sum(rng.uniform(1.5, 14.0) for _ in range(pieces)), 1),
        notes=note,
    )


def _vehicles(orders: tuple[Order, ...], vans: int, depots: tuple[Depot, ...]) -> tuple[Vehicle, ...]:
    """Vans shared out by the pieces at each depot, all of one size, a few of each depot in the second wave."""
    pieces: Counter[str] = Counter()
    for order in orders:
        pieces[order.depot] += order.pieces
    shares = _shares(vans, [pieces[depot.id] for depot in depots])
    made: list[Vehicle] = []
    for depot, count in zip(depots, shares, strict=True):
        largest = max((order.pieces for order in orders if order.depot == depot.id), default=1)
        size = max(math.ceil(SPARE * pieces[depot.id] / count), largest)
        late = round(count * SECOND_WAVE) if count > 1 else 0
        made += [_van(len(made) + i, depot.id, size, second_wave=i >= count - late) for i in range(count)]
    return tuple(made)


def _shares(vans: int, weights: list[int]) -> list[int]:
    """At least one van each, the rest by weight."""
    if len(weights) == 1:
        return [vans]
    first = round(vans * weights[0] / max(sum(weights), 1))
    first = min(max(first, 1), vans - 1)
    return [first, vans - first]


def _van(nth: int, depot: str, pieces: int, *, second_wave: bool) -> Vehicle:
    return Vehicle(
        id=f"van-{nth + 1:02d}",
        depot=depot,
        driver=f"drv-{nth + 1:02d}",
        name=f"Van {nth + 1}",
        pieces=pieces,
        weight_kg=1200,
        shift_start="10:30" if second_wave else "07:30",
        shift_end="17:30",
    )


def _moved(point: Point, km: float, angle: float) -> Point:
    lat = point[0] + km * math.cos(angle) / KM_A_DEGREE
    lon = point[1] + km * math.sin(angle) / (KM_A_DEGREE * math.cos(math.radians(point[0])))
    return rounded(lat, lon)
