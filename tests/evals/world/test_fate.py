from __future__ import annotations

from collections import Counter

from evals.world import fate
from evals.world.rates import CLAIMS, REASONS, Rates
from evals.world.synthetic import synthetic

CITY = synthetic(7).model_copy(update={"rates": Rates()})


def test_the_default_day_meets_its_rates_exactly() -> None:
    drawn = fate.draw(CITY)
    assert (len(drawn.live), len(drawn.cancelled)) == (24, 15)
    assert len(drawn.failed) == 23, "8 % of the 285 that are tried"


def test_no_order_has_two_troubles_at_the_door() -> None:
    drawn = fate.draw(CITY)
    assert not drawn.cancelled & drawn.failed.keys()
    assert not drawn.cancelled & drawn.live.keys()


def test_the_same_seed_draws_the_same_and_another_seed_other_orders() -> None:
    assert fate.draw(CITY) == fate.draw(CITY)
    assert fate.draw(CITY.model_copy(update={"seed": 8})).live != fate.draw(CITY).live


def test_claims_come_of_calm_deliveries_and_urgent_orders_are_live_ones() -> None:
    drawn = fate.draw(CITY)
    assert (len(drawn.claimed), len(drawn.urgent)) == (3, 3)
    assert not drawn.claimed.keys() & (drawn.failed.keys() | drawn.cancelled | drawn.live.keys())
    assert drawn.urgent <= drawn.live.keys()
    assert set(drawn.claimed.values()) <= CLAIMS.keys()
    twice = fate.draw(CITY.model_copy(update={"rates": CITY.rates.times(2)}))
    assert (len(twice.claimed), len(twice.urgent)) == (6, 6)


def test_a_calm_day_has_neither() -> None:
    drawn = fate.draw(synthetic(7))
    assert (drawn.claimed, drawn.urgent) == ({}, frozenset())


def test_live_orders_come_in_the_day_and_well_before_their_time() -> None:
    by_ref = {order.ref: order for order in CITY.orders}
    for ref, at in fate.draw(CITY).live.items():
        order = by_ref[ref]
        assert at >= CITY.start.timestamp() + fate.FIRST_LIVE_S
        if order.window_end:
            assert at <= CITY.at(order.depot, order.window_end).timestamp() - fate.LIVE_AHEAD_S


def test_more_of_the_same_day_adds_to_who_was_drawn_before() -> None:
    twice = CITY.model_copy(update={"rates": CITY.rates.times(2)})
    assert fate.draw(CITY).live.keys() < fate.draw(twice).live.keys()


def test_the_reasons_of_failed_attempts_come_by_share() -> None:
    many = synthetic(3, orders=3000, vans=120).model_copy(update={"rates": Rates(failed_attempts=0.5)})
    counted = Counter(fate.draw(many).failed.values())
    assert counted.keys() == REASONS.keys()
    assert 0.55 <= counted["nobody_home"] / sum(counted.values()) <= 0.65


def test_recorded_failures_are_kept_as_they_were() -> None:
    known = CITY.model_copy(update={"failures": ("ACME-1001", "ACME-1002")})
    assert fate.draw(known).failed.keys() == {"ACME-1001", "ACME-1002"}
