from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count

import httpx
import pytest

from core import canonical, clock
from core.errors import Unavailable
from evals.client import ApiError, DoorstepClient
from evals.fake_api import FakeApi
from evals.world.synthetic import synthetic

NOW = datetime(2026, 3, 10, 7, tzinfo=UTC)
DAY = date(2026, 3, 10)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi(NOW)


def test_a_refused_connection_and_a_503_are_tried_again(api: FakeApi) -> None:
    api.trouble.extend(["refuses", "503", "refuses"])
    client = api.client()
    assert client.clock().now == NOW
    assert client.calls == 4


def test_a_write_that_was_done_before_the_server_died_is_not_done_twice(api: FakeApi) -> None:
    scenario = synthetic(1, orders=5, vans=1)
    client = api.client()
    client.put_fleet(scenario.fleet())
    api.trouble.append("dies_after")
    taken = client.import_orders("dep-a", DAY, canonical.dumps(scenario.import_rows("dep-a")))
    assert (taken.accepted, taken.unchanged) == (0, 5)
    assert len(api.orders) == 5


def test_patience_ends_with_an_error_that_names_the_call(api: FakeApi) -> None:
    api.trouble.extend(["refuses"] * 1000)
    seconds = count()
    client = api.client(patience_s=10, wall=lambda: float(next(seconds)))
    with pytest.raises(Unavailable, match=r"GET /api/v1/clock for 10 s; at last: ConnectError"):
        client.clock()


def test_pauses_between_tries_grow_and_stay_bounded(api: FakeApi) -> None:
    api.trouble.extend(["refuses"] * 9)
    pauses: list[float] = []
    api.client(sleep=pauses.append).clock()
    assert pauses == sorted(pauses)
    assert pauses[0] < 0.1
    assert pauses[-1] == 2.0


def test_a_refusal_carries_the_problem_and_is_not_tried_again(api: FakeApi) -> None:
    client = api.client(token="nobody")
    with pytest.raises(ApiError) as refused:
        client.clock()
    assert (refused.value.status, refused.value.title) == (401, "NotSignedIn")
    assert str(refused.value) == "401 NotSignedIn: No such token."
    assert client.calls == 1


def test_acting_as_somebody_else_has_only_their_rights(api: FakeApi) -> None:
    admin = api.client()
    customer = admin.acting(admin.token("customer", "per_1"))
    with pytest.raises(ApiError, match="A customer may not do this"):
        customer.advance(NOW + timedelta(minutes=1))
    assert admin.advance(NOW + timedelta(minutes=1)).now == NOW + timedelta(minutes=1)


def test_positions_go_out_in_batches_that_the_server_takes(api: FakeApi) -> None:
    sent = [{"vehicle": "van-01", "at": NOW.isoformat(), "lat": 1.0, "lon": float(n)} for n in range(250)]
    assert api.client().send_positions(sent) == 250
    assert [(each["lon"], clock.parse(each["at"])) for each in api.positions] == [(each["lon"], NOW) for each in sent]
    assert sum(api.calls.values()) == 3


def test_results_of_many_events_come_back_in_the_order_sent(api: FakeApi) -> None:
    sent = [
        {"key": f"k{n}", "kind": "driver.departed", "at": NOW.isoformat(), "vehicle": "nowhere"} for n in range(700)
    ]
    results = api.client().send_events(sent)
    assert [result.key for result in results] == [event["key"] for event in sent]
    assert {result.result for result in results} == {"rejected"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(b"{}", "fields are missing", id="an empty answer"),
        pytest.param(b"<html>", "a proxy answered in the server's place", id="not JSON"),
        pytest.param(b'{"mode": "lunar", "now": "2026-03-10T00:00:00Z"}', "a value nobody knows", id="unknown mode"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_an_error_that_names_the_path(body: bytes, why: str) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    client = DoorstepClient("http://fake", "token", transport=transport)
    with pytest.raises(ApiError, match="/api/v1/clock answered"):
        client.clock()


def test_an_error_page_that_is_no_problem_document_is_still_told(api: FakeApi) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(500, text="Internal Server Error"))
    with pytest.raises(ApiError, match="500 Internal Server Error: Internal Server Error"):
        DoorstepClient("http://fake", "token", transport=transport).clock()


def test_ready_answers_at_once_when_nobody_is_there(api: FakeApi) -> None:
    client = api.client()
    assert client.ready()
    api.trouble.append("refuses")
    assert not client.ready()
