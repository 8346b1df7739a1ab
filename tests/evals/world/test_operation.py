"""The example operations: each is valid, makes a city of its own kind, and plans on the real importer and engine."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from api.imports import take
from core import canonical, fleet
from core.errors import BadFile
from core.store import db as store
from evals.world import operation
from evals.world.operation import Operation
from evals.world.rates import Rates
from evals.world.scenario import Order, Scenario
from evals.world.synthetic import city
from optimizer import checker, ortools_engine
from tests.living import Living
from tools import problems

NAMES = ("courier", "field-service", "furniture", "grocery", "meal-kits", "pharmacy")
STOPS_A_DEPOT = 24


def of(name: str) -> Scenario:
    kind = operation.read(name)
    return city(kind, kind.seed)


def width_h(order: Order) -> int:
    """Of what was promised; a whole day without a window."""
    if order.window_start is None or order.window_end is None:
        return 24
    return int(order.window_end[:2]) - int(order.window_start[:2])


def test_six_operations_ship() -> None:
    assert operation.names() == sorted(NAMES)
    assert [operation.read(name).name for name in NAMES] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_operation_and_seed_give_the_same_city(name: str) -> None:
    kind = operation.read(name)
    assert canonical.dumps(city(kind, 3)) == canonical.dumps(city(kind, 3))
    assert len(city(kind, 3).orders) == kind.orders.count
    assert len(city(kind, 3).vehicles) == kind.fleet.vans
    assert len({city(kind, seed, 20, 3).digest() for seed in range(4)}) == 4


def test_the_operations_differ_in_what_matters() -> None:
    cities = {name: of(name) for name in NAMES}
    windows = {name: statistics.mean(map(width_h, c.orders)) for name, c in cities.items()}
    stops_a_van = {name: len(c.orders) / len(c.vehicles) for name, c in cities.items()}
    service_s = {name: statistics.mean(o.service_s for o in c.orders) for name, c in cities.items()}
    kg = {name: statistics.mean(o.weight_kg or 0 for o in c.orders) for name, c in cities.items()}
    assert windows["grocery"] == 1, "everybody has an hour"
    assert windows["furniture"] == windows["field-service"] == windows["meal-kits"] == 4
    assert windows["courier"] > 20
    assert 5 < windows["pharmacy"] < 20
    assert stops_a_van["courier"] > 2 * stops_a_van["pharmacy"] > 4 * stops_a_van["furniture"]
    assert stops_a_van["field-service"] < 6
    assert service_s["field-service"] > 3000 > service_s["furniture"] > 1200 > 600 > service_s["grocery"]
    assert service_s["meal-kits"] < 200
    assert kg["furniture"] > 50 > kg["grocery"] > 20 > 2 > kg["pharmacy"]


def test_what_is_not_a_delivery_is_ordered_as_what_it_is() -> None:
    kinds = {order.kind for order in of("furniture").orders}
    assert kinds == {"delivery", "return"}
    rows = [row for depot in of("field-service").depots for row in of("field-service").import_rows(depot.id)]
    assert {row["kind"] for row in rows} == {"service"}


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_plans_with_the_real_importer_and_engine(living: Living, name: str) -> None:
    kind = operation.read(name)
    small = city(kind, kind.seed, STOPS_A_DEPOT, max(3, kind.vans_for(STOPS_A_DEPOT)))
    with store.transaction() as db:
        for driver in small.drivers:
            fleet.put_driver(db, fleet.Driver.model_validate(driver.model_dump()))
        for depot in small.depots:
            fleet.put_depot(db, fleet.Depot.model_validate(depot.model_dump()))
        for van in small.vehicles:
            fleet.put_vehicle(db, fleet.Vehicle.model_validate(van.model_dump(exclude_none=True)))
    for depot in small.depots:
        taken = take.take(canonical.dumps(small.import_rows(depot.id)), "json", depot.id, small.day)
        assert taken.rejected == ()
        with store.snapshot() as db:
            here = problems.ground(db, depot.id, small.day)
            problem = problems.first(db, here)
        plan = ortools_engine.solve(problem, here.matrix, iterations=300)
        assert checker.check(problem, here.matrix, plan) == ()
        left = {u.stop_id: u.reason for u in plan.unassigned}
        assert len(left) <= 0.1 * len(problem.stops), left


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("- a\n- b\n", "the file", id="no mapping"),
        pytest.param("name: x\norders: {count: 0}\n", "orders.count", id="no orders"),
        pytest.param("name: x\nfleet: {wans: 3}\n", "fleet.wans", id="an unknown word"),
        pytest.param("name: x\norders: {windows: [{share: 1, starts: [22], hours: 2}]}\n", "after 23:00", id="night"),
        pytest.param(
            "name: x\norders: {windows: [{share: 0.7, starts: [9], hours: 2}, {share: 0.7, starts: [9], hours: 2}]}\n",
            "more than everything",
            id="shares over one",
        ),
        pytest.param("name: x\nrates: {live: 2}\n", "rates.live", id="a rate over one"),
        pytest.param("name: x\nstart: 7 o'clock\n", "start", id="no time"),
        pytest.param("name: [\n", "no YAML", id="broken YAML"),
    ],
)
def test_a_wrong_operation_is_refused_and_the_field_named(text: str, said: str) -> None:
    with pytest.raises(BadFile, match=r"x\.yaml") as refused:
        operation.parsed(text, "x.yaml")
    assert said in f"{refused.value.field} {refused.value}"


def test_an_operation_of_your_own_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nfleet: {vans: 2}\norders: {count: 9}\nrates: {live: 0.5}\n")
    mine = operation.read(str(path))
    assert mine == Operation.model_validate(
        {"name": "mine", "fleet": {"vans": 2}, "orders": {"count": 9}, "rates": Rates(live=0.5).model_dump()}
    )
    assert len(city(mine, 1).vehicles) == 2


def test_as_many_vans_as_the_operation_has_for_its_orders() -> None:
    assert [Operation().vans_for(orders) for orders in (10, 60, 300, 3000)] == [2, 3, 14, 140]
