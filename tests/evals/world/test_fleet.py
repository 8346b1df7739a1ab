from __future__ import annotations

import pytest

from evals.world import chance, fleet
from evals.world.scenario import Depot, Order

DEPOT = Depot(id="d", name="D", lat=50.0, lon=4.0, tz="UTC")


def orders(count: int, *, pieces: int = 1, service_min: int = 4, apart: float = 0.001) -> list[Order]:
    return [
        Order(
            ref=f"A-{n}",
            name="N",
            phone="",
            address="a",
            lat=round(50 + apart * (n % 10), 5),
            lon=round(4 + apart * (n // 10), 5),
            depot="d",
            service_s=60 * service_min,
            pieces=pieces,
        )
        for n in range(count)
    ]


def vans(made: list[Order], capacity: int) -> int:
    vehicles, drivers = fleet.around(DEPOT, made, capacity=capacity, first=0, phones_from=0, rng=chance.stream(1))
    assert [van.driver for van in vehicles] == [driver.id for driver in drivers]
    return len(vehicles)


@pytest.mark.parametrize(
    ("made", "capacity", "wanted"),
    [
        pytest.param(orders(100), 10, 12, id="pieces decide, with a fifth more"),
        pytest.param(orders(100, pieces=2), 10, 24, id="twice the pieces, twice the vans"),
        pytest.param(orders(100, service_min=60), 1000, 13, id="hours decide: 100 h of service in days of 10 h"),
        pytest.param(orders(1), 10, 1, id="one order still needs a van"),
    ],
)
def test_vans_are_enough_for_pieces_and_for_hours(made: list[Order], capacity: int, wanted: int) -> None:
    assert vans(made, capacity) == wanted


def test_doors_farther_apart_need_more_vans() -> None:
    assert vans(orders(100, apart=0.05), 1000) > vans(orders(100), 1000)


def test_the_middle_of_points_is_their_mean() -> None:
    assert fleet.centroid([(50.0, 4.0), (51.0, 5.0)]) == (50.5, 4.5)
