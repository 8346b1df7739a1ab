"""The fake server must refuse what the real one refuses, or a green test of the world would mean nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from evals.client import ApiError
from evals.fake_api import FakeApi, open_case
from evals.world import setup
from evals.world.synthetic import synthetic

SCENARIO = synthetic(2, orders=6, vans=2)


@pytest.fixture
def api() -> FakeApi:
    server = FakeApi(SCENARIO.start)
    setup.prepare(server.client(), SCENARIO, lambda words: None)
    return server


def event(kind: str, key: str, **rest: Any) -> dict[str, Any]:
    return {"key": key, "kind": f"driver.{kind}", "at": "2026-03-10T12:00:00Z", "vehicle": "van-01", **rest}


def test_a_key_counts_once(api: FakeApi) -> None:
    client = api.client()
    assert [client.send_events([event("departed", "k")])[0].result for _ in range(2)] == ["accepted", "duplicate"]
    assert len(api.log) == 2


@pytest.mark.parametrize("kind", ["delivered", "failed"])
def test_what_is_not_on_the_van_is_not_handed_over(api: FakeApi, kind: str) -> None:
    order = next(id_ for id_, row in api.orders.items() if row["vehicle"] == "van-01")
    refused = api.client().send_events([event(kind, "k", order=order)])[0]
    assert (refused.result, refused.reason) == ("rejected", "order is planned")


def test_another_vans_goods_cant_be_loaded(api: FakeApi) -> None:
    order = next(id_ for id_, row in api.orders.items() if row["vehicle"] == "van-02")
    refused = api.client().send_events([event("loaded", "k", data={"orders": [order]})])[0]
    assert refused.result == "rejected"


def test_the_clock_never_goes_back(api: FakeApi) -> None:
    client = api.client()
    assert client.advance(SCENARIO.start - timedelta(hours=1)).now == SCENARIO.start


def test_a_proposal_is_decided_once_and_only_as_shown(api: FakeApi) -> None:
    client = api.client()
    made = open_case(api, "predicted_late", "van-01", proposes=True)
    with pytest.raises(ApiError, match="Stale"):
        client.approve(made, "another digest")
    proposal = api.cases[made]["proposal"]["digest"]
    client.approve(made, proposal)
    with pytest.raises(ApiError, match="AlreadyDecided"):
        client.reject(made, proposal, "too late")
