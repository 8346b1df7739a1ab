"""Each kind of order at the door: goods that go out, goods that are fetched, and hands that are enough."""

from __future__ import annotations

import pytest

from evals.wire import DriverRoute
from tests.evals.world.test_driver import a_van, drive, kinds, route, scenario, stop


def of_kind(kind: str) -> DriverRoute:
    """The first of two doors has an order of this kind, the second one a delivery."""
    first = stop("s1", 50.01, ["A-1"])
    lines = tuple(line.model_copy(update={"kind": kind}) for line in first.orders)
    return route(first.model_copy(update={"orders": lines}), stop("s2", 50.02, ["A-3"]))


@pytest.mark.parametrize(
    ("kind", "loaded", "tap", "returned", "why"),
    [
        ("delivery", ["ord_A-1", "ord_A-3"], "delivered", [], "goods go out and stay"),
        ("exchange", ["ord_A-1", "ord_A-3"], "delivered", [], "the new one is handed over"),
        ("pickup", ["ord_A-3"], "fetched", ["ord_A-1"], "goods come aboard at the door and off at the depot"),
        ("return", ["ord_A-3"], "fetched", ["ord_A-1"], "the same"),
        ("service", ["ord_A-3"], "delivered", [], "hands are enough"),
    ],
)
def test_each_kind_of_order_is_done_as_what_it_is(
    kind: str, loaded: list[str], tap: str, returned: list[str], why: str
) -> None:
    van = a_van()
    events = drive(van, of_kind(kind))
    assert events[0]["data"]["orders"] == loaded, why
    assert kinds(events)[2:] == ["arrived", tap, "arrived", "delivered", "finished"], why
    assert events[-1]["data"]["returned"] == returned, why
    assert van.delivered == 2


def test_a_job_without_goods_fails_at_a_shut_door_as_any_other() -> None:
    van = a_van(scenario(failures=("A-1",)))
    assert kinds(drive(van, of_kind("service")))[2:4] == ["arrived", "failed"]
    assert [ref for _, ref in van.day.missed] == ["A-1"]
