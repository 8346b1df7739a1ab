"""What is told, and when: after the commit, and nothing that was rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from sqlalchemy import text

from core import stream
from core.queue import conninfo
from core.store import db as store
from tests.living import Living

pytest_plugins = ["tests.living"]


@contextmanager
def heard() -> Iterator[list[str]]:
    """Collects the payloads that were sent by the time the block ends."""
    found: list[str] = []
    with psycopg.connect(conninfo(store.database_url()), autocommit=True) as link:
        link.execute(f"LISTEN {stream.CHANNEL}")
        yield found
        found += [note.payload for note in link.notifies(timeout=0.5)]


def told(*ids: str) -> list[str]:
    return [f'{{"data":{{"id":"{each}"}},"kind":"case"}}' for each in ids]


def test_what_a_transaction_told_is_sent_in_order_once_it_has_committed(living: Living) -> None:
    with heard() as found, store.transaction() as db:
        stream.tell(db, "case", {"id": "a"})
        stream.tell(db, "case", {"id": "b"})
    assert found == told("a", "b")


def test_what_an_exception_rolled_back_is_not_told_by_the_next_one_either(living: Living) -> None:
    with heard() as found:
        with suppress(ZeroDivisionError), store.transaction() as db:
            stream.tell(db, "case", {"id": "never"})
            raise ZeroDivisionError
        with store.transaction() as db:
            stream.tell(db, "case", {"id": "a"})
    assert found == told("a")


def test_what_a_savepoint_rolled_back_is_not_told_and_the_rest_is(living: Living) -> None:
    with heard() as found, store.transaction() as db:
        stream.tell(db, "case", {"id": "before"})
        with db.begin_nested():
            stream.tell(db, "case", {"id": "kept"})
        point = db.begin_nested()
        stream.tell(db, "case", {"id": "never"})
        point.rollback()
        stream.tell(db, "case", {"id": "after"})
    assert found == told("before", "kept", "after")


def test_a_delta_that_notify_can_not_carry_is_left_out(living: Living) -> None:
    with heard() as found, store.transaction() as db:
        stream.tell(db, "case", {"id": "x" * stream.MAX_BYTES})
        stream.tell(db, "case", {"id": "a"})
    assert found == told("a")


def test_after_telling_a_connection_commits_to_disk_again(living: Living) -> None:
    with store.transaction() as db:
        stream.tell(db, "case", {"id": "a"})
    with store.transaction() as db:
        assert db.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
