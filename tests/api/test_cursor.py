"""Pages: each row once, in order, whatever the size; and cursors that were made up are refused."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import cursor
from core.errors import BadInput
from core.store import db as store
from tests.api.visitors import Visitors, refused
from tests.living import a_plan, an_order


def all_of(caller: TestClient, path: str, name: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        answer = caller.get(path, params={"limit": limit} | after)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert len(body[name]) <= limit
        found += body[name]
        if body["next"] is None:
            return found
        after = {"after": body["next"]}


@pytest.fixture
def busy(visitors: Visitors) -> TestClient:
    """A dispatcher of an instance with several decisions and messages, some of one moment."""
    with store.transaction() as db:
        for number in range(3):
            a_plan(db, {"van1": [an_order(db, f"PAGE-{number}-{nth}", nth) for nth in range(1, 4)]})
    return visitors.a("dispatcher")


@pytest.mark.parametrize(("path", "name"), [("/api/decisions", "decisions"), ("/api/messages", "messages")])
@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_every_row_comes_once_and_in_order(busy: TestClient, path: str, name: str, limit: int) -> None:
    whole = busy.get(path, params={"limit": 1000}).json()[name]
    assert len(whole) >= 3
    assert all_of(busy, path, name, limit) == whole


@pytest.mark.parametrize("path", ["/api/decisions", "/api/messages"])
@pytest.mark.parametrize(
    ("made_up", "why"),
    [
        ("x", "no base64"),
        ("", "nothing"),
        (cursor.write("a", "b", "c", "d"), "another list's"),
        (cursor.write({"a": 1}), "an object for a key"),
        (cursor.write("nine"), "a word for a number"),
        (cursor.write(float("inf")), "no end"),
    ],
)
def test_a_cursor_that_was_made_up_is_refused(visitors: Visitors, path: str, made_up: str, why: str) -> None:
    answer = visitors.a("dispatcher").get(path, params={"after": made_up})
    refused(answer, 422, field="after")


def test_a_key_comes_back_as_it_was_written() -> None:
    assert cursor.read(cursor.write(7, "é", ""), int, str, str) == (7, "é", "")
    with pytest.raises(BadInput):
        cursor.read(cursor.write(7), int, str)
