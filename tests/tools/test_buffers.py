"""Time in hand: services that vary more get more of it, and only where a depot asks for it."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from core import fleet
from tests.living import DAY, DEPOT, HOME, ZONE, a_depot, a_plan, a_van, an_order, at, deliver, load_and_leave
from tools import buffers, problems


@pytest.mark.parametrize(
    ("sigma", "quantile", "percent"),
    [
        pytest.param(0.35, 0.5, 100, id="the middle is below the mean: nothing is taken away"),
        pytest.param(0.35, 0.8, 126, id="the usual spread"),
        pytest.param(0.7, 0.8, 141, id="a wide one"),
        pytest.param(0.0, 0.95, 100, id="always the same"),
    ],
)
def test_a_wider_spread_takes_more_time(sigma: float, quantile: float, percent: int) -> None:
    assert buffers.percent(sigma, quantile) == percent


def test_the_share_of_services_that_the_quantile_says_fits() -> None:
    draw = random.Random(5)
    took = [600 * draw.lognormvariate(-0.5 * 0.6**2, 0.6) for _ in range(20_000)]
    given = 600 * buffers.percent(0.6, 0.9) / 100
    assert sum(each <= given for each in took) / len(took) == pytest.approx(0.9, abs=0.01)


def test_few_services_hardly_move_the_usual_spread_and_many_do() -> None:
    draw = random.Random(5)
    wild = [("service", 600, 600 * draw.lognormvariate(0, 1.0)) for _ in range(5000)]
    assert buffers.spread_of(wild[:3])["service"] == pytest.approx(buffers.USUAL_SIGMA, abs=0.1)
    assert buffers.spread_of(wild)["service"] == pytest.approx(1.0, abs=0.05)
    assert buffers.spread_of([("delivery", 600, 2.0)]) == {}, "tapped afterwards"


def test_a_careful_depot_plans_longer_services(record: Connection) -> None:
    a_depot(record)
    a_van(record)
    an_order(record, "A1", service_s=1000)
    assert problems.first(record, problems.ground(record, DEPOT, DAY)).stops[0].service_s == 1000
    careful = fleet.Depot(id=DEPOT, name=DEPOT, lat=HOME[0], lon=HOME[1], tz=ZONE, service_quantile=0.8)
    fleet.put_depot(record, careful)
    here = problems.ground(record, DEPOT, DAY)
    assert problems.first(record, here).stops[0].service_s == 1260
    assert here.stops[problems.first(record, here).stops[0].id].service_s == 1000, "the running day is as ordered"


def test_what_doors_took_is_learned_for_the_days_after(record: Connection) -> None:
    a_depot(record)
    a_van(record)
    ids = [an_order(record, f"A{n}", n) for n in (1, 2, 3)]
    a_plan(record, {"van1": ids})
    load_and_leave(record, "van1", ids, at("08:00"))
    for order, when in zip(ids, ("08:20", "09:20", "10:50"), strict=True):
        deliver(record, "van1", order, at(when))
    assert buffers.sigmas(record, DEPOT, DAY) == {}
    known = buffers.sigmas(record, DEPOT, DAY + timedelta(days=1))
    assert known == {"delivery": pytest.approx(0.34, abs=0.001)}, "three that all took the same"
