from __future__ import annotations

from collections import Counter

import pytest

from core import canonical
from evals.world.operation import Operation
from evals.world.streets import metres
from evals.world.synthetic import synthetic

CENTRE = Operation().centre


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert canonical.dumps(synthetic(7)) == canonical.dumps(synthetic(7))


def test_different_seeds_give_different_cities() -> None:
    assert len({synthetic(seed, orders=20, vans=3).digest() for seed in range(20)}) == 20


@pytest.mark.parametrize(("orders", "vans"), [(1, 1), (10, 2), (60, 4), (300, 14), (1500, 60)])
def test_a_city_has_the_orders_and_vans_asked_for(orders: int, vans: int) -> None:
    city = synthetic(3, orders, vans)
    assert len(city.orders) == orders
    assert len(city.vehicles) == len(city.drivers) == vans
    assert {van.driver for van in city.vehicles} == {driver.id for driver in city.drivers}


@pytest.mark.parametrize(("orders", "vans"), [(0, 3), (3, 0)])
def test_a_day_without_orders_or_vans_is_refused(orders: int, vans: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        synthetic(1, orders, vans)


def test_all_goods_fit_but_the_first_wave_alone_is_too_small() -> None:
    """Else no goods would be at the depot any more when the morning goes wrong."""
    city = synthetic(7)
    for depot in city.depots:
        pieces = sum(order.pieces for order in city.orders if order.depot == depot.id)
        vans = [van for van in city.vehicles if van.depot == depot.id]
        assert sum(van.pieces for van in vans) >= 1.15 * pieces
        assert sum(van.pieces for van in vans if van.shift_start == "07:30") < pieces


def test_every_customer_is_a_person_of_their_own_with_a_number_of_fiction() -> None:
    city = synthetic(5, orders=500, vans=20)
    phones = [order.phone for order in city.orders] + [driver.phone for driver in city.drivers]
    assert len(set(phones)) == len(phones)
    assert all(phone[:2] == "+1" and phone[5:10] == "55501" and len(phone) == 12 for phone in phones)


def test_an_address_is_one_place_and_some_doors_have_several_orders() -> None:
    city = synthetic(7)
    places = {(order.address, order.point) for order in city.orders}
    assert len(places) == len({order.address for order in city.orders})
    assert max(Counter(order.point for order in city.orders).values()) > 1


def test_about_a_fifth_of_the_orders_have_a_window_of_two_hours() -> None:
    windows = [(o.window_start, o.window_end) for o in synthetic(7, orders=1000, vans=40).orders if o.window_start]
    assert 160 <= len(windows) <= 240
    assert all(int(closes[:2]) - int(opens[:2]) == 2 for opens, closes in windows if opens and closes)


def test_everything_is_within_reach_of_the_centre() -> None:
    city = synthetic(7)
    assert max(metres(CENTRE, order.point) for order in city.orders) < 16_000
    assert all(0 < metres(CENTRE, depot.point) < 7_000 for depot in city.depots)
