from __future__ import annotations

from dataclasses import replace

from evals.fake_api import FakeApi
from evals.world import fate, setup
from evals.world.intake import Intake
from evals.world.rates import Rates
from evals.world.synthetic import synthetic

CITY = synthetic(7, orders=50, vans=3).model_copy(update={"rates": Rates()})
EVENING = int(CITY.end.timestamp())


def test_live_orders_are_not_among_the_mornings_and_come_one_by_one_when_they_are_due() -> None:
    api = FakeApi(CITY.start)
    drawn = fate.draw(CITY)
    setup.prepare(api.client(), CITY, lambda words: None)
    assert {order["ref"] for order in api.orders.values()} == {o.ref for o in CITY.orders} - drawn.live.keys()
    intake = Intake.of(api.client(), CITY, drawn)
    first = min(drawn.live.values())
    assert list(intake.send(first - 1)) == []
    assert list(intake.send(first)) == ["taken"]
    assert list(intake.send(EVENING)) == ["taken"] * (len(drawn.live) - 1)
    assert len(api.orders) == len(CITY.orders)
    again = Intake.of(api.client(), CITY, drawn)
    assert set(again.send(EVENING)) == {"known"}, "a world that starts again changes nothing"


def test_an_urgent_order_says_so() -> None:
    api, drawn = FakeApi(CITY.start), fate.draw(CITY)
    first = min(drawn.live, key=lambda ref: drawn.live[ref])
    intake = Intake.of(api.client(), CITY, replace(drawn, urgent=frozenset({first})))
    list(intake.send(EVENING))
    assert {row["ref"] for row in api.orders.values() if row["priority"] == "urgent"} == {first}
    assert intake.urgent_taken == 1


def test_what_the_server_refuses_is_counted_with_its_reason() -> None:
    api = FakeApi(CITY.start)
    intake = Intake.of(api.client("nobody"), CITY, fate.draw(CITY))
    list(intake.send(EVENING))
    assert intake.results == {"401 NotSignedIn": 4}
