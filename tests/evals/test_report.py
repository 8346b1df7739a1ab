from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from evals.fake_api import FakeApi
from evals.report import BreaksLine, DayReport, collect
from evals.report_judge import checks, judge
from evals.report_print import show
from evals.wire import BrokenPromise, Custody, LogHead
from evals.world.rates import Rates
from evals.world.result import DayResult
from evals.world.run import run
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
        pytest.param({"unfinished": ("ACME-1001",)}, "in no final state: 1 ACME-1001", id="an order was lost"),
        pytest.param({"orders": {"delivered": 9, "out": 1}}, "no final state: {'out': 1}", id="one is on the road"),
        pytest.param({"orders": {"delivered": 9}}, "counts: 9 of 10", id="the server forgot an order"),
        pytest.param({"orders": {"delivered": 8, "returned": 2}}, "80.0% of 10", id="too many came back"),
        pytest.param({"orders": {"delivered": 8, "cancelled": 2}}, "80.0% of 10", id="by whose wish changes nothing"),
        pytest.param(
            {"log": LogHead(seq=3, head="x", verified=False, problems=("row 2",))},
            "does not verify: row 2",
            id="the log was changed",
        ),
        pytest.param({"effects": {"done": 4, "unknown": 1}}, "unknown: 1", id="nobody knows if it was sent"),
        pytest.param({"outside_policy": 2}, "outside policy: 2", id="a rule was passed by"),
    ],
)
def test_each_broken_promise_of_the_day_fails_its_check(report: DayReport, broken: dict[str, Any], said: str) -> None:
    wrong = checks(report.model_copy(update=broken))
    assert len(wrong) == 1
    assert said in wrong[0]


def test_a_van_that_stays_out_fails_its_check(report: DayReport) -> None:
    world = report.world.model_copy(update={"vans_home": 0})
    assert checks(report.model_copy(update={"world": world})) == [f"vans that came home: 0 of {report.world.vans_out}"]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        pytest.param({"endings": {"delivered": 9, "returned": 1}}, "90.0% of 10", id="one came back against a wish"),
        pytest.param(
            {"breaks": BreaksLine(reasons={"told": 3, "untold": 1}, knowable=0, knowable_told=0)},
            "or a reason: 3 of 4",
            id="somebody waited for nothing",
        ),
        pytest.param(
            {"breaks": BreaksLine(reasons={"told": 9}, knowable=9, knowable_told=8)}, "8 of 9", id="told too late"
        ),
        pytest.param(
            {
                "custody": Custody(
                    parcels={},
                    planned=1,
                    loaded=1,
                    left_behind=(),
                    lines=(),
                    agrees=False,
                    mismatches=(("ord_1", "delivered, but a parcel is at van"),),
                )
            },
            "1 contradictions: delivered, but",
            id="a parcel is where it can't be",
        ),
        pytest.param({"unfinished_cases": {"human": 2}}, "unfinished cases: {'human': 2}", id="nobody called back"),
    ],
)
def test_the_lines_of_the_full_day_count_when_that_is_asked_for(
    report: DayReport, broken: dict[str, Any], said: str
) -> None:
    changed = report.model_copy(update=broken)
    assert checks(changed) == []
    wrong = checks(changed, strict=True)
    assert len(wrong) == 1
    assert said in wrong[0]
    text = io.StringIO()
    show(changed, Console(file=text, width=200))
    assert "FAIL" in text.getvalue()


def test_ways_of_ending_that_the_customer_chose_are_as_good_as_a_delivery(report: DayReport) -> None:
    endings = {"delivered": 7, "picked_up": 1, "cancelled_by_customer": 1, "rescheduled_by_customer": 1}
    assert report.model_copy(update={"endings": endings}).agreed == 10
    assert report.model_copy(update={"endings": {"cancelled_by_us": 4, "returned": 6}}).agreed == 0


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-10T{text}:00Z")


@pytest.mark.parametrize(
    ("knowable", "told", "counted"),
    [
        pytest.param("10:30", "10:30", (1, 1), id="exactly half an hour before"),
        pytest.param("10:20", "10:31", (1, 0), id="told a minute too late"),
        pytest.param("10:31", "10:32", (0, 0), id="nobody could know"),
        pytest.param(None, None, (0, 0), id="it was never known"),
        pytest.param("09:00", None, (1, 0), id="known and kept quiet"),
    ],
)
def test_half_an_hour_before_the_end_is_the_line_for_knowing_and_telling(
    knowable: str | None, told: str | None, counted: tuple[int, int]
) -> None:
    row = BrokenPromise(
        promise="p", order="o", hi=at("11:00"), reason="told",
        knowable=at(knowable) if knowable else None, told=at(told) if told else None,
    )  # fmt: skip
    line = BreaksLine.of([row])
    assert (line.knowable, line.knowable_told) == counted


def test_the_rates_are_printed_in_the_reports_head() -> None:
    scenario = synthetic(7, orders=50, vans=3).model_copy(update={"rates": Rates()})
    report = a_day(7, scenario)[0]
    text = io.StringIO()
    show(report, Console(file=text, width=400))
    assert (
        "8% first attempts fail, 5% cancel, 8% come live, 1% of all are urgent, 1% claim something" in text.getvalue()
    )
    assert "1 breakdowns of 40 to 180 min, breaks of 15 to 30 min, 1 quick vans, 1 incidents" in text.getvalue()
    assert report.world.live == {"taken": 4}
    assert (report.world.urgent, len(report.world.quick)) == (0, 1), "1 % of 50 is none"
    assert report.world.roads == {"reported": 1}
    assert len(report.world.breakdowns_min) == 1
    assert report.rates == Rates()


def test_a_days_lines_have_a_name_each(report: DayReport) -> None:
    names = [line.what for line in judge(report)]
    assert len(set(names)) == len(names)


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
