from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from evals.fake_api import FakeApi
from evals.report import DayReport, checks, collect, show
from evals.wire import LogHead
from evals.world.run import DayResult, run
from evals.world.scenario import Driven, Matrix, Scenario
from evals.world.streets import DETOUR, metres
from evals.world.synthetic import synthetic


def with_matrix(scenario: Scenario) -> Scenario:
    """The same day on a matrix of its own, and a driver who drove the doors in the order they are listed in."""
    depot = scenario.depots[0]
    doors = list(dict.fromkeys(order.point for order in scenario.orders))
    places = (depot.point, *doors)
    distances = tuple(tuple(round(metres(a, b) * DETOUR) for b in places) for a in places)
    matrix = Matrix(
        locations=places, durations_s=tuple(tuple(m // 7 for m in row) for row in distances), distances_m=distances
    )
    driven = Driven(route="RouteID_1", depot=depot.id, rows=tuple(range(1, len(places))))
    return scenario.model_copy(update={"matrices": {depot.id: matrix}, "driven": (driven,)})


def a_day(seed: int, scenario: Scenario | None = None) -> tuple[DayReport, DayResult, FakeApi]:
    scenario = scenario or synthetic(seed, orders=10, vans=2)
    api = FakeApi(scenario.start - timedelta(hours=1))
    client = api.client()
    result = run(client, scenario)
    return collect(client, scenario, result), result, api


@pytest.fixture(scope="module")
def report() -> DayReport:
    return a_day(7)[0]


def test_two_runs_of_one_seed_give_the_same_bytes(report: DayReport) -> None:
    again = a_day(7)[0]
    assert again.to_json() == report.to_json()
    assert again.log.head == report.log.head


def test_another_seed_gives_another_report(report: DayReport) -> None:
    assert a_day(8)[0].digest() != report.digest()


def test_a_good_day_passes_all_checks(report: DayReport) -> None:
    assert checks(report) == []
    assert report.orders["delivered"] >= 9
    assert report.world.vans_home == report.world.vans_out > 0


def test_wall_clock_figures_are_printed_but_not_part_of_the_report() -> None:
    report, result, _ = a_day(7)
    text = io.StringIO()
    show(report, Console(file=text, width=160), result.timings)
    assert f"{result.timings.calls} calls" in text.getvalue()
    assert report.log.head in text.getvalue()
    assert b"calls" not in report.to_json()
    assert b"day_s" not in report.to_json()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        pytest.param({"unfinished": ("ACME-1001",)}, "in no final state: ACME-1001", id="an order was lost"),
        pytest.param(
            {"orders": {"delivered": 9, "out": 1}}, "no final state: {'out': 1}", id="an order is on the road"
        ),
        pytest.param({"orders": {"delivered": 9}}, "counts 9 orders of 10", id="the server forgot an order"),
        pytest.param({"orders": {"delivered": 8, "returned": 2}}, "80.0% delivered", id="too many came back"),
        pytest.param(
            {"log": LogHead(seq=3, head="x", verified=False, problems=("row 2",))},
            "not verify: row 2",
            id="the log was changed",
        ),
        pytest.param({"effects": {"done": 4, "unknown": 1}}, "1 effects are unknown", id="nobody knows if it was sent"),
        pytest.param({"outside_policy": 2}, "2 decisions were outside policy", id="a rule was passed by"),
    ],
)
def test_each_broken_promise_of_the_day_fails_its_check(report: DayReport, broken: dict[str, Any], said: str) -> None:
    wrong = checks(report.model_copy(update=broken))
    assert len(wrong) == 1
    assert said in wrong[0]


def test_a_van_that_stays_out_fails_its_check(report: DayReport) -> None:
    world = report.world.model_copy(update={"vans_home": 0})
    assert checks(report.model_copy(update={"world": world})) == [f"{report.world.vans_out} vans did not come home"]


def test_an_order_that_the_server_no_longer_lists_counts_as_unfinished() -> None:
    scenario = synthetic(7, orders=10, vans=2)
    _, result, api = a_day(7, scenario)
    lost = next(id_ for id_, order in api.orders.items() if order["ref"] == "ACME-1004")
    del api.orders[lost]
    assert collect(api.client(), scenario, result).unfinished == ("ACME-1004",)


def test_our_sequence_stands_beside_the_drivers_on_the_same_matrix() -> None:
    scenario = with_matrix(synthetic(3, orders=10, vans=1))
    report, _, _ = a_day(3, scenario)
    line = report.sequences[0]
    distances = scenario.matrices["dep-a"].distances_m
    assert distances is not None
    tour = [0, *range(1, len(distances)), 0]
    assert line.distance_m_driver == sum(distances[tour[i]][tour[i + 1]] for i in range(len(tour) - 1))
    assert line.stops_ours == line.stops_driver == len(distances) - 1
    assert 0 < line.driving_s_ours < line.driving_s_driver, "nearest first beats the order of the file"
    text = io.StringIO()
    show(report, Console(file=text, width=160))
    assert "our sequence beside the driver's" in text.getvalue()


def test_a_report_ends_in_utc(report: DayReport) -> None:
    assert report.world.ended == datetime(2026, 3, 11, 4, 1, tzinfo=UTC), "a minute after midnight in the city"
