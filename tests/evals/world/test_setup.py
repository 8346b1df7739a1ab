from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import BadInput, WrongState
from evals.fake_api import FakeApi
from evals.world import setup
from evals.world.scenario import Matrix
from evals.world.synthetic import synthetic

CITY = synthetic(7, orders=30, vans=4)


def test_the_day_is_planned_and_published_depot_by_depot() -> None:
    api, said = FakeApi(CITY.start - timedelta(hours=3)), list[str]()
    plans = setup.prepare(api.client(), CITY, said.append)
    assert set(plans) == {"dep-a", "dep-b"}
    assert api.now == CITY.start
    assert all(order["promise"] and order["status"] == "planned" for order in api.orders.values())
    assert any("planning" in words for words in said)
    assert any("published" in words for words in said)


def test_what_stands_already_is_left_as_it_is() -> None:
    api = FakeApi(CITY.start)
    setup.prepare(api.client(), CITY, lambda words: None)
    before = api.calls.copy()
    setup.prepare(api.client(), CITY, lambda words: None)
    writes = {call: n for call, n in (api.calls - before).items() if not call.startswith("GET")}
    assert writes == {}


def test_a_set_up_that_was_cut_short_is_finished() -> None:
    api = FakeApi(CITY.start)
    setup.bring(api.client(), CITY, lambda words: None)
    assert set(setup.prepare(api.client(), CITY, lambda words: None)) == {"dep-a", "dep-b"}
    assert len(api.orders) == 30


def test_a_real_clock_is_refused() -> None:
    with pytest.raises(WrongState, match="real clock"):
        setup.prepare(FakeApi(CITY.start, mode="real").client(), CITY, lambda words: None)


def test_a_day_that_is_over_there_is_refused() -> None:
    with pytest.raises(WrongState, match="after the end of this day"):
        setup.prepare(FakeApi(CITY.end + timedelta(days=1)).client(), CITY, lambda words: None)


def test_an_order_that_is_not_taken_stops_the_day_and_says_why() -> None:
    odd = CITY.orders[0].model_copy(update={"lat": 99.0})
    with pytest.raises(BadInput, match="row 1: is not a latitude"):
        setup.prepare(FakeApi(CITY.start).client(), CITY.model_copy(update={"orders": (odd,)}), lambda words: None)


def test_a_depots_own_travel_times_are_brought() -> None:
    matrix = Matrix(locations=(CITY.depots[0].point,), durations_s=((0,),))
    api = FakeApi(CITY.start)
    setup.bring(api.client(), CITY.model_copy(update={"matrices": {"dep-a": matrix}}), lambda words: None)
    assert api.matrices["dep-a"]["durations_s"] == [[0]]
