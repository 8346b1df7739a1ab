"""What changes is told to who watches: after the commit, to all of them, and never at the cost of who can't keep up."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api import stream
from api.stream import Hub
from core import orders
from core import stream as deltas
from core.store import db as store
from tests.api.visitors import Visitors, refused
from tests.api.wires import served
from tests.living import an_order

SOON_S = 20.0


@pytest.fixture(scope="module")
def address(visitors: Visitors) -> Iterator[str]:
    with served(visitors.app) as url:
        yield url


@contextmanager
def watching(address: str, visitors: Visitors, role: str = "dispatcher") -> Iterator[queue.Queue[str]]:
    """The lines that a watcher gets, from the first on."""
    lines: queue.Queue[str] = queue.Queue()
    token = visitors.a(role).headers["Authorization"]
    http = httpx.Client(base_url=address, headers={"Authorization": token}, trust_env=False, timeout=SOON_S)
    with http, http.stream("GET", "/api/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"

        def read() -> None:
            with suppress(httpx.StreamError, httpx.TransportError):  # the watcher has left
                for line in answer.iter_lines():
                    lines.put(line)

        threading.Thread(target=read, daemon=True).start()
        assert lines.get(timeout=SOON_S) == ": hello"
        _listens()
        yield lines


LISTENERS = "SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN doorstep' AND datname = current_database()"


def _listens(*gone: int) -> int:
    """Wait until the process listens to the database; the backend that serves it, but for one that is gone."""
    until = time.monotonic() + SOON_S
    while time.monotonic() < until:
        with store.transaction() as db:
            found = set(db.execute(text(LISTENERS)).scalars()) - set(gone)
        if found:
            return int(min(found))
        time.sleep(0.02)
    raise AssertionError("nobody listens to the database")


def the_next(lines: queue.Queue[str]) -> tuple[str, Any]:
    """Kind and data of the next delta."""
    kind, until = "", time.monotonic() + SOON_S
    while time.monotonic() < until:
        line = lines.get(timeout=SOON_S)
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            return kind, json.loads(line.removeprefix("data: "))
    raise AssertionError("no delta came")


def tell(number: int) -> None:
    with store.transaction() as db:
        deltas.tell(db, "case", {"id": f"case-{number}"})


def test_a_change_is_told_once_it_is_committed(address: str, visitors: Visitors) -> None:
    with store.transaction() as db:
        order_id = an_order(db, "STREAM-1")
    with watching(address, visitors) as lines:
        with store.transaction() as db:
            orders.set_status(db, [order_id], "planned")
        assert the_next(lines) == ("order", {"orders": [{"id": order_id, "status": "planned"}]})


def test_what_is_rolled_back_is_never_told(address: str, visitors: Visitors) -> None:
    with watching(address, visitors) as lines:
        with store.transaction() as db:
            deltas.tell(db, "case", {"id": "never"})
            db.rollback()
        tell(1)
        assert the_next(lines) == ("case", {"id": "case-1"})


def test_deltas_come_in_the_order_of_their_commits_to_every_watcher(address: str, visitors: Visitors) -> None:
    with watching(address, visitors) as one, watching(address, visitors, "ops_lead") as two:
        for number in range(5):
            tell(number)
        for lines in (one, two):
            assert [the_next(lines)[1]["id"] for _ in range(5)] == [f"case-{number}" for number in range(5)]


def test_words_with_line_ends_stay_in_one_delta(address: str, visitors: Visitors) -> None:
    with watching(address, visitors) as lines:
        with store.transaction() as db:
            deltas.tell(db, "run", {"error": "two\n\nlines\r\nevent: van"})
        assert the_next(lines) == ("run", {"error": "two\n\nlines\r\nevent: van"})


def test_a_quiet_stream_says_that_it_is_still_there(
    address: str, visitors: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.02)
    with watching(address, visitors) as lines:
        while (line := lines.get(timeout=SOON_S)) == "":
            pass
        assert line == ": still here"


def test_a_lost_connection_to_the_database_is_made_again(address: str, visitors: Visitors) -> None:
    with watching(address, visitors) as lines:
        backend = _listens()
        with store.transaction() as db:
            db.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": backend})
        assert _listens(backend) != backend
        tell(7)
        assert the_next(lines) == ("case", {"id": "case-7"})


@pytest.mark.parametrize("role", ["customer", "driver", "integrator"])
def test_only_staff_watch(visitors: Visitors, role: str) -> None:
    refused(visitors.nobody().get("/api/stream"), 401)
    refused(visitors.a(role, "van1-driver").get("/api/stream"), 403)


# The hub by itself ----------------------------------------------------------------------------------------------------


def note(number: int) -> str:
    return json.dumps({"kind": "van", "data": {"n": number}})


def test_a_watcher_that_cannot_keep_up_is_dropped_and_the_others_miss_nothing() -> None:
    async def run() -> tuple[list[str], list[str], int]:
        hub = Hub("postgresql://nobody@127.0.0.1:9/nothing")
        slow, quick = hub.watch(), hub.watch()
        assert (await anext(slow), await anext(quick)) == (": hello\n\n", ": hello\n\n")
        seen = []
        for number in range(stream.QUEUE + 1):
            hub.hand_on(note(number))
            seen.append(await anext(quick))
        left = [line async for line in slow]
        watchers = len(hub.watchers)
        await quick.aclose()  # type: ignore[attr-defined]
        return seen, left, watchers

    seen, left, watchers = asyncio.run(run())

    assert len(seen) == stream.QUEUE + 1
    assert watchers == 1
    assert len(left) < 2, "it is told nothing more: its browser connects again and reads the present state"


def test_who_stops_watching_is_forgotten() -> None:
    async def run() -> int:
        hub = Hub("postgresql://nobody@127.0.0.1:9/nothing")
        watcher = hub.watch()
        await anext(watcher)
        await watcher.aclose()  # type: ignore[attr-defined]
        return len(hub.watchers)

    assert asyncio.run(run()) == 0


def test_closing_ends_every_watch() -> None:
    async def run() -> list[str]:
        hub = Hub("postgresql://nobody@127.0.0.1:9/nothing")
        watcher = hub.watch()
        await anext(watcher)
        hub.close()
        return [line async for line in watcher]

    assert asyncio.run(run()) == []
