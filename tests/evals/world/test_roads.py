from __future__ import annotations

import pytest

from evals.client import ApiError
from evals.fake_api import FakeApi
from evals.fake_server import HANDLERS
from evals.world import incidents
from evals.world.rates import Rates
from evals.world.roads import Roads
from evals.world.synthetic import synthetic

CITY = synthetic(7, orders=50, vans=3).model_copy(update={"rates": Rates()})
ROADS = incidents.draw(CITY, {}).roads
EVENING = int(CITY.end.timestamp())


def test_a_road_is_reported_once_a_few_minutes_after_it_began() -> None:
    api = FakeApi(CITY.start)
    roads = Roads.of(api.client(), ROADS)
    assert list(roads.report(ROADS[0].zone.begins)) == []
    assert list(roads.report(EVENING)) == ["reported"]
    assert list(roads.report(EVENING)) == []
    told = list(api.incidents.values())
    assert {row["depot"] for row in told} == set(ROADS[0].depots)
    assert {(row["lat"], row["lon"]) for row in told} == {ROADS[0].zone.middle}
    assert {row["kind"] for row in told} == {"road_closed" if ROADS[0].closed else "slow_zone"}


def test_a_server_that_knows_no_incidents_is_counted_and_the_day_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [row for row in HANDLERS if row[1] != "/api/incidents"]
    monkeypatch.setattr("evals.fake_server.HANDLERS", left)
    roads = Roads.of(FakeApi(CITY.start).client(), ROADS)
    assert list(roads.report(EVENING)) == ["404 NotFound"]


def test_not_being_let_in_is_no_missing_feature() -> None:
    roads = Roads.of(FakeApi(CITY.start).client("nobody"), ROADS)
    with pytest.raises(ApiError, match="401"):
        list(roads.report(EVENING))
