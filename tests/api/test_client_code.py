"""The typed client is written from the OpenAPI, and the examples of docs/api.md do what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import client_code
from core.store import db as store
from evals import wire
from evals.client import ApiError, DoorstepClient
from tests.api.visitors import Visitors
from tests.api.wires import served
from tests.living import DAY, a_plan, an_order

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")


def test_the_client_in_the_tree_is_the_one_that_the_api_gives(visitors: Visitors) -> None:
    now = client_code.write(visitors.app.openapi())
    assert (ROOT / "evals" / "wire.py").read_text("utf-8") == now, "run `doorstep client > evals/wire.py`"


def test_every_operation_but_the_stream_is_a_method(visitors: Visitors) -> None:
    paths = visitors.app.openapi()["paths"].items()
    named = {each["operationId"] for path, methods in paths for each in methods.values() if path != "/api/stream"}
    assert named <= set(vars(wire.Calls))


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "format": "date-time"}, "datetime"),
        ({"type": "string", "enum": ["a", "b"]}, 'Literal["a", "b"]'),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Plan"}}, "tuple[Plan, ...]"),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}, "tuple[str, int]"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "dict[str, int]"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "float | None"),
        ({}, "Json"),
    ],
)
def test_a_schema_is_a_type(schema: dict[str, Any], said: str) -> None:
    assert client_code._type(schema) == said


@pytest.fixture(scope="module")
def address(visitors: Visitors) -> Iterator[str]:
    with served(visitors.app) as url:
        yield url


def bearer(visitors: Visitors, role: str) -> str:
    return visitors.a(role).headers["Authorization"].removeprefix("Bearer ")


def test_what_the_client_reads_is_what_the_server_says(visitors: Visitors, address: str) -> None:
    with store.transaction() as db:
        version = a_plan(db, {"van1": [an_order(db, "TYPED-1")]})
    with DoorstepClient(address, bearer(visitors, "admin")) as client:
        [row] = [each for each in client.orders("dep", DAY) if each.ref == "TYPED-1"]
        assert (row.vehicle, row.day, row.priority) == ("van1", DAY, "normal")
        plan = client.plan("dep", DAY)
        assert (plan.version, [stop.stop for stop in plan.routes[0].stops]) == (version, [row.stop])
        page = client.api.list_messages(limit=1)
        older = client.api.list_messages(limit=1, after=page.next)
        assert older.messages[0].at <= page.messages[0].at


def test_an_id_may_hold_what_a_path_may_not(visitors: Visitors, address: str) -> None:
    with DoorstepClient(address, bearer(visitors, "admin")) as client, pytest.raises(ApiError) as refused:
        client.api.order_story("a?b #c")
    assert (refused.value.status, refused.value.detail) == (404, "There is no order a?b #c.")


# The page -------------------------------------------------------------------------------------------------------------


def test_the_python_on_the_page_runs(visitors: Visitors, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, {"base_url": address, "token": bearer(visitors, "integrator"), "day": DAY})  # noqa: S102
    assert capsys.readouterr().out == "1 ['PY-1']\n"


def test_the_requests_on_the_page_get_the_answers_on_the_page(visitors: Visitors) -> None:
    client = visitors.a("dispatcher")
    told = re.findall(
        r"```http\n(\w+) (\S+)\nContent-Type: (\S+)\n\n(.*?)```(?:\n\n```json\n(.*?)```)?", PAGE, re.DOTALL
    )
    assert len(told) == PAGE.count("```http")
    for method, path, kind, body, answer in told:
        got = client.request(method, path, content=body.encode(), headers={"Content-Type": kind})
        assert got.status_code == (json.loads(answer).get("status", 200) if answer else 200), got.text
        if answer:
            assert holds(got.json(), json.loads(answer)), got.text


def holds(whole: Any, part: Any) -> bool:
    """Whether all that the part says is so in the whole."""
    if isinstance(part, dict):
        return all(name in whole and holds(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(holds, whole, part))
    return bool(whole == part)
