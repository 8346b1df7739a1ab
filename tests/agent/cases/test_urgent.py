"""An urgent order that comes in while the day runs: a place now, or a carrier, whichever costs less."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent import replay
from core import clock, custody, decisions, orders, promises
from core.store import db as store
from tests.living import DAY, DEPOT, Day, Living, a_day, an_order, at, environment, load_and_leave, texts_to
from tests.tools.a_case import approve, asked, case_row, decided, policy_file, routes, undo
from tools import publishing

NOW = at("09:00")


def comes_in(living: Living, ref: str = "U1", place: float = 2.5, **given: Any) -> tuple[str, str]:
    """(order, case), worked."""
    with store.transaction() as db:
        made = an_order(db, ref, place, **{"priority": 3, **given})
        (opened,) = publishing.came_late(db, DEPOT, DAY, [made], clock.now(db))
    living.work()
    return made, opened


@pytest.fixture
def day(living: Living) -> Day:
    return a_day(living, {"van1": ["A1", "A2"], "van2": ["B1"]}, {"B1": 3})


def all_out(living: Living, day: Day) -> None:
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders["A1"], day.orders["A2"]], at("08:00"))
        load_and_leave(db, "van2", [day.orders["B1"]], at("08:00"))
    living.to(NOW)


def test_a_van_that_has_not_left_takes_it_and_the_price_is_shown(living: Living, day: Day) -> None:
    order_id, case_id = comes_in(living)
    assert case_row(case_id).kind == "urgent"
    assert [(d.action, d.verdict) for d in decided(case_id)] == [("reassign", "auto")]
    assert any(orders_stop(order_id) in stops for stops in routes().values())
    priced = {o["kind"]: o["cost_cents"] for o in case_row(case_id).options}
    assert priced["reassign"] < priced["carrier"] < priced["wait"]
    with store.transaction() as db:
        assert promises.open_of(db, order_id) is not None
        body = decisions.body(db, decided(case_id)[0].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]


def orders_stop(order_id: str) -> str:
    with store.transaction() as db:
        return str(orders.get(db, order_id).stop_id)


def test_a_price_in_another_currency_can_not_be_compared(living: Living, day: Day) -> None:
    all_out(living, day)
    with environment(DATABASE_URL=living.url, DOORSTEP_DATA=str(living.folder), DOORSTEP_CURRENCY="JPY"):
        _, case_id = comes_in(living)
    assert "carrier" not in {o["kind"] for o in case_row(case_id).options}, "the built-in tariff is in dollars"


def test_when_every_van_has_left_a_carrier_takes_it(living: Living, day: Day, tmp_path: Any) -> None:
    policy_file(tmp_path, extra_cost_cents="1800")
    all_out(living, day)
    order_id, case_id = comes_in(living)
    row = case_row(case_id)
    assert (row.status, row.reason_code) == ("waiting", "limit.extra_cost_cents"), "its 1,890 cents are over the limit"
    approve(case_id, asked(case_id).digest)
    living.work()
    assert [(d.action, d.cost) for d in decided(case_id)] == [("carrier", 1890)]
    with store.transaction() as db:
        assert orders.get(db, order_id).status == "with_carrier"
        assert custody.holders(db, order_id) == {"carrier:flat"}
        assert texts_to(db, order_id) == ["with_carrier"]
        body = decisions.body(db, decided(case_id)[-1].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]
    came = undo(decided(case_id)[-1].id, NOW + timedelta(minutes=5))
    assert came["undone"] == [f"order {order_id} is back from its carrier"]
    with store.transaction() as db:
        assert (orders.get(db, order_id).status, custody.holders(db, order_id)) == ("new", {"depot:dep"})
        assert texts_to(db, order_id) == ["with_carrier", "disregard"]


def test_within_the_limits_the_carrier_is_taken_at_once(living: Living, day: Day, tmp_path: Any) -> None:
    policy_file(tmp_path, extra_cost_cents="1890")
    all_out(living, day)
    order_id, case_id = comes_in(living)
    assert [(d.verdict, d.rule) for d in decided(case_id)] == [("auto", "carrier.within_limits")]
    with store.transaction() as db:
        assert orders.get(db, order_id).status == "with_carrier"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"place": 20}, "it is too far for the same day"),
        ({"weight_g": 40_000}, "it is too heavy"),
        ({"kind": "service"}, "a carrier does no service"),
    ],
)
def test_a_carrier_is_no_option_where_none_delivers_today(
    living: Living, day: Day, given: dict[str, Any], why: str
) -> None:
    all_out(living, day)
    _, case_id = comes_in(living, **given)
    assert "carrier" not in {o["kind"] for o in case_row(case_id).options}, why


def test_a_service_goes_with_a_van_on_the_road(living: Living, day: Day) -> None:
    all_out(living, day)
    order_id, case_id = comes_in(living, kind="service")
    assert decided(case_id)[-1].action == "reassign"
    assert any(orders_stop(order_id) in stops for stops in routes().values())


def test_an_order_that_is_not_urgent_is_worked_as_before(living: Living, day: Day) -> None:
    _, case_id = comes_in(living, priority=2)
    assert case_row(case_id).kind == "unassigned"
