from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadFile
from evals.world import loggi
from evals.world.loading import load

GOOD: dict[str, Any] = {
    "name": "tiny",
    "origin": {"lat": -22.8, "lng": -43.3},
    "vehicle_capacity": 10,
    "deliveries": [{"id": "a", "point": {"lat": -22.81, "lng": -43.31}, "size": 3}],
}


def test_the_real_rio_day_is_taken_whole(shared_data: Path) -> None:
    path = shared_data / "routes/loggibud/cvrp-0-rj-0.json"
    raw, day = json.loads(path.read_text()), load(path, seed=7)
    assert len(day.orders) == len(raw["deliveries"]) == 221
    assert [order.pieces for order in day.orders] == [delivery["size"] for delivery in raw["deliveries"]]
    assert all(van.pieces == raw["vehicle_capacity"] for van in day.vehicles)
    assert sum(van.pieces for van in day.vehicles) >= 1.2 * sum(order.pieces for order in day.orders)
    assert day.orders[0].point == (-22.89633, -43.26776)
    assert day.digest() == load(path, seed=7).digest() != load(path, seed=8).digest()


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        pytest.param({"origin": {"lat": 1}}, "origin.lng", id="half an origin"),
        pytest.param({"vehicle_capacity": 0}, "vehicle_capacity", id="vans that carry nothing"),
        pytest.param({"deliveries": []}, "deliveries", id="nothing to deliver"),
        pytest.param({"deliveries": [{"id": "a", "size": 3}]}, "deliveries.0.point", id="a delivery without a place"),
        pytest.param(
            {"deliveries": [{"id": "a", "point": {"lat": 95, "lng": 0}, "size": 3}]},
            "deliveries.0.point.lat",
            id="off the map",
        ),
    ],
)
def test_a_broken_day_names_the_field(broken: dict[str, Any], field: str) -> None:
    with pytest.raises(BadFile) as error:
        loggi.scenario(GOOD | broken, seed=1)
    assert error.value.field == field
