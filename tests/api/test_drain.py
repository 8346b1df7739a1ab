"""The pulse of a simulated day: the engine looks now and then, not at every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from api.drain import advance
from core import clock
from core.store import db as store
from tests.living import Living
from tests.tools.a_case import NOW, planned
from tools.engine import Engine
from tools.wire import Server, socket_path


@contextmanager
def watched() -> Iterator[list[str]]:
    """When an engine behind the socket was asked to look."""
    engine, looks = Engine(), list[str]()

    def answer(op: str, args: Mapping[str, Any]) -> Any:
        if op == "tick":
            looks.append(args["now"])
        return engine.answer(op, args)

    path = socket_path("engine.sock")
    server = Server(path, answer)
    server.start()
    try:
        yield looks
    finally:
        server.shutdown()
        server.server_close()
        path.unlink(missing_ok=True)
        path.parent.rmdir()
        if engine._holder is not None:
            engine._holder.close()


def test_steps_of_a_second_are_looked_at_twice_a_minute(living: Living) -> None:
    planned(living)
    living.work()
    with watched() as looks:
        for second in range(1, 62):
            advance(NOW + timedelta(seconds=second))
        with store.snapshot() as db:
            assert clock.now(db) == NOW + timedelta(seconds=61)
    assert looks == [(NOW + timedelta(seconds=second)).isoformat() for second in (1, 31, 61)]


def test_a_step_of_a_minute_is_looked_at(living: Living) -> None:
    planned(living)
    living.work()
    with watched() as looks:
        for minute in (1, 2, 3):
            advance(NOW + timedelta(minutes=minute))
    assert len(looks) == 3
