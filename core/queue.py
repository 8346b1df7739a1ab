"""Background work: jobs are only hints to look at a row, so a lost one loses nothing and a double does nothing twice.

A job is deferred in the transaction that wrote its row. The queue runs what is due now; when something becomes due is a
timer row (`core.timers`). In a simulated day all jobs share one lock and run in the order they were deferred, so that
one seed gives one log whatever the number of cores.
"""

from __future__ import annotations

from functools import cache

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.retry import RetryStrategy
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, select, text

from core.errors import Unavailable
from core.store.tables import instance

HEARTBEAT_S = 2.0
DEAD_AFTER_S = 6.0
"""A worker that missed three heartbeats is dead, and its jobs are worked again."""

RETRY = RetryStrategy(max_attempts=20, linear_wait=1, retry_exceptions={Unavailable})


def conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def worker_app(url: str) -> procrastinate.App:
    """The queue as a worker process sees it. Nobody waits for the disk when a job is taken or is done: what a crash of
    the database makes of that is a job that is worked again."""
    quick = {"options": "-c synchronous_commit=off"}
    link = procrastinate.PsycopgConnector(conninfo=conninfo(url), min_size=2, max_size=8, kwargs=quick)
    return procrastinate.App(connector=link)


@cache
def _deferrer() -> procrastinate.App:
    """Used with the caller's connection only, so its own pool is never opened."""
    return procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def install(db: Connection) -> None:
    """Create the queue's own tables; part of the first migration."""
    raw = db.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    with raw.cursor() as cursor:
        cursor.execute(SchemaManager.get_schema())


def defer(db: Connection, task: str, subject: str = "") -> None:
    """Ask for `task` on `subject`, once this transaction commits. Asking twice before it runs is asking once."""
    key = f"{task}:{subject}"
    lock = "day" if _simulated(db) else key
    job = _deferrer().configure_task(
        task, lock=lock, queueing_lock=key, connection=db.connection.driver_connection, allow_unknown=True
    )
    try:
        with db.begin_nested():
            job.defer(subject=subject)
    except AlreadyEnqueued:
        pass


def _simulated(db: Connection) -> bool:
    return str(db.execute(select(instance.c.mode)).scalar_one()) == "simulated"


def busy(db: Connection) -> int:
    """Jobs that wait or run."""
    query = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    return int(db.execute(text(query)).scalar_one())
