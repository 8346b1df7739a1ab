from __future__ import annotations

import pytest

from evals.world import incidents
from evals.world.rates import Rates
from evals.world.synthetic import synthetic

CITY = synthetic(7)
SLACK = {van.id: 1800 for van in CITY.vehicles}


def test_a_first_wave_van_is_always_late_at_the_dock() -> None:
    for seed in range(30):
        city = CITY.model_copy(update={"seed": seed})
        delays = incidents.draw(city, SLACK).dock_delay_s
        first_wave = [van.id for van in city.vehicles if van.shift_start == "07:30"]
        assert any(2400 <= delays.get(van, 0) <= 3000 for van in first_wave)
        assert all(1200 <= delay <= 3000 and delay % 60 == 0 for delay in delays.values())


def test_the_sure_delay_hits_the_tightest_promises() -> None:
    assert "van-03" in incidents.draw(CITY, SLACK | {"van-03": 300}).dock_delay_s
    assert "van-02" in incidents.draw(CITY, SLACK | {"van-02": -60}).dock_delay_s


@pytest.mark.parametrize(
    ("slack_min", "delay_min"),
    [
        pytest.param(60, {70}, id="wide promises: ten minutes more than they leave"),
        pytest.param(300, {80}, id="no dock is blocked all day"),
        pytest.param(5, set(range(40, 51)), id="narrow promises: the usual delay breaks them"),
    ],
)
def test_the_sure_delay_is_long_enough_to_be_felt(slack_min: int, delay_min: set[int]) -> None:
    slack = {"van-01": 60 * slack_min}
    assert incidents.draw(CITY, slack).dock_delay_s["van-01"] // 60 in delay_min


def test_a_second_wave_van_is_not_the_sure_one_however_tight() -> None:
    late = next(van.id for van in CITY.vehicles if van.shift_start == "10:30")
    for seed in range(10):
        delays = incidents.draw(CITY.model_copy(update={"seed": seed}), SLACK | {late: 0}).dock_delay_s
        assert set(delays) - {late}


def test_vans_without_a_route_are_left_alone() -> None:
    assert set(incidents.draw(CITY, {"van-05": 10}).dock_delay_s) == {"van-05"}
    assert incidents.draw(CITY, {}).dock_delay_s == {}


def test_each_depot_has_two_slow_zones_in_its_working_hours() -> None:
    trouble = incidents.draw(CITY, SLACK)
    assert len(trouble.zones) == 2 * len(CITY.depots)
    for zone in trouble.zones:
        assert 1.6 <= zone.factor <= 2.4
        assert 3600 <= zone.ends - zone.begins <= 9000
        assert CITY.start.timestamp() < zone.begins < CITY.end.timestamp()


def test_the_same_seed_draws_the_same_trouble_and_another_one_other_trouble() -> None:
    assert incidents.draw(CITY, SLACK) == incidents.draw(CITY, SLACK)
    assert incidents.draw(CITY, SLACK) != incidents.draw(CITY.model_copy(update={"seed": 8}), SLACK)


def test_a_few_doors_take_long() -> None:
    long = incidents.draw(synthetic(1, orders=2000, vans=80), SLACK).long_service
    assert 8 <= len(long) <= 40
    assert all(3.0 <= factor <= 5.0 for factor in long.values())


def test_a_van_with_work_breaks_down_for_a_while_and_another_at_double_intensity() -> None:
    city = CITY.model_copy(update={"rates": Rates()})
    once, twice = (
        incidents.draw(c, SLACK).breakdowns for c in (city, city.model_copy(update={"rates": Rates().times(2)}))
    )
    assert once.keys() < twice.keys() <= SLACK.keys()
    assert (len(once), len(twice)) == (1, 2)
    for trouble in twice.values():
        assert 40 * 60 <= trouble.stands_s <= 180 * 60
        assert 1200 <= trouble.after_s <= 7200
    assert incidents.draw(CITY, SLACK).breakdowns == {}, "a calm day has none"


def test_a_reported_road_slows_whoever_drives_there_and_a_closed_one_much_more() -> None:
    many = incidents.draw(CITY.model_copy(update={"rates": Rates(incidents=40)}), SLACK)
    assert {road.closed for road in many.roads} == {True, False}
    assert all(road.zone in many.slow for road in many.roads)
    assert all((road.zone.factor == incidents.CLOSED_FACTOR) is road.closed for road in many.roads)
    assert all(road.zone.begins < road.reported < road.zone.ends for road in many.roads)
