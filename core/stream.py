"""What just changed, told to whoever watches: small deltas over PostgreSQL's NOTIFY, sent once the transaction has
committed. `api.stream` hands them on to browsers.

A delta names what changed; it is a hint to look, not a record. It is not part of the transaction: commits that notify
wait for one another, each with its write to disk, and that was the limit of everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

from sqlalchemy import Connection, Engine, text
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError

from core import canonical

CHANNEL = "doorstep"
MAX_BYTES = 7900
"""NOTIFY takes at most 8000 bytes."""

Kind = Literal["clock", "van", "case", "order", "plan", "message", "run", "person"]


TOLD, POINTS = "doorstep.told", "doorstep.savepoints"
SEND = text(
    "SELECT set_config('synchronous_commit', 'off', true), pg_notify(:channel, told.payload) "
    "FROM unnest(CAST(:payloads AS text[])) AS told (payload)"
)


def tell(db: Connection, kind: Kind, data: Mapping[str, Any]) -> None:
    """To be sent when this transaction has committed."""
    payload = canonical.dumps({"kind": kind, "data": dict(data)}).decode()
    if len(payload.encode()) <= MAX_BYTES:
        db.info.setdefault(TOLD, []).append(payload)


def tell_many(db: Connection, kind: Kind, field: str, rows: Sequence[Mapping[str, Any]], batch: int = 40) -> None:
    for start in range(0, len(rows), batch):
        tell(db, kind, {field: rows[start : start + batch]})


def heed(engine: Engine) -> None:
    """What is rolled back, whole or to a savepoint, is not told."""
    listen(engine, "begin", lambda db: db.info.update({TOLD: [], POINTS: []}))
    listen(engine, "rollback", _forget)
    listen(engine, "savepoint", lambda db, name: db.info[POINTS].append(len(db.info[TOLD])))
    listen(engine, "release_savepoint", lambda db, name, context: db.info[POINTS].pop())
    listen(engine, "rollback_savepoint", _back_to)


def _forget(db: Connection) -> None:
    if not db.invalidated:  # a connection that was lost has lost its notes too, and would be asked to reconnect
        db.info.update({TOLD: [], POINTS: []})


def _back_to(db: Connection, name: str, context: None) -> None:
    if not db.invalidated:
        del db.info[TOLD][db.info[POINTS].pop() :]


def send(db: Connection) -> None:
    """The transaction has committed: send what it told. What can't be sent is lost, as a hint may be."""
    told = db.info.pop(TOLD, None)
    if told:
        with suppress(DBAPIError):
            db.execution_options(isolation_level="AUTOCOMMIT").execute(SEND, {"channel": CHANNEL, "payloads": told})
