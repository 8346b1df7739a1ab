from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from evals.world.scenario import Matrix, Order, Scenario
from evals.world.synthetic import synthetic


@pytest.fixture
def city() -> Scenario:
    return synthetic(7, orders=12, vans=4)


def test_local_times_are_those_of_the_depot(city: Scenario) -> None:
    assert city.at("dep-a", "07:30") == datetime(2026, 3, 10, 11, 30, tzinfo=UTC)
    assert city.clock_text(datetime(2026, 3, 10, 11, 30, tzinfo=UTC)) == "07:30"


def test_the_day_closes_after_the_last_local_midnight(city: Scenario) -> None:
    west = city.depots[0].model_copy(update={"id": "dep-w", "tz": "America/Los_Angeles"})
    both = city.model_copy(update={"depots": (*city.depots, west)})
    assert both.close == datetime(2026, 3, 11, 7, 1, tzinfo=UTC)
    assert both.close > city.close > city.end


def test_a_scenario_cant_be_changed(city: Scenario) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        city.seed = 8  # type: ignore[misc]


def test_import_rows_carry_what_the_importer_knows_and_nothing_else(city: Scenario) -> None:
    columns = set("ref name phone email address lat lon window_start window_end".split())  # noqa: SIM905
    columns |= {"service_min", "pieces", "weight_kg", "kind", "notes", "client", "depot", "parcels"}
    rows = [row for depot in city.depots for row in city.import_rows(depot.id)]
    assert len(rows) == 12
    assert all(set(row) <= columns for row in rows)


@pytest.mark.parametrize(
    ("service_s", "service_min"),
    [
        pytest.param(300, 5, id="whole minutes stay whole"),
        pytest.param(59, 0.983, id="real routes are planned to the second"),
    ],
)
def test_service_goes_out_in_minutes(city: Scenario, service_s: int, service_min: float) -> None:
    order = city.orders[0].model_copy(update={"service_s": service_s})
    row = city.model_copy(update={"orders": (order,)}).import_rows(order.depot)[0]
    assert row["service_min"] == service_min
    assert round(row["service_min"] * 60) == service_s


def test_the_server_never_hears_what_only_the_world_knows(city: Scenario) -> None:
    known = city.model_copy(update={"failures": (city.orders[0].ref,)})
    assert known.fleet() == city.fleet()
    assert known.import_rows("dep-a") == city.import_rows("dep-a")


def test_an_order_without_a_window_sends_none() -> None:
    order = Order(
        ref="A-1",
        name="Ada Blom",
        phone="+12015550100",
        address="1 Elm Road",
        lat=1,
        lon=2,
        depot="d",
        service_s=60,
        pieces=1,
    )
    assert "window_start" not in order.model_dump(exclude_none=True)


def test_a_matrix_without_distances_sends_none() -> None:
    assert set(Matrix(locations=((1, 2),), durations_s=((0,),)).body()) == {"locations", "durations_s"}
