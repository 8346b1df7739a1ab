"""The connection to PostgreSQL: one pool a process, short transactions, migrations at start.

`transaction()` is the only way to write. Reads that follow one another share one with `snapshot()`; a single one needs
only a `glance()`.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError

from core import canonical, stream
from core.errors import Misconfigured, Unavailable
from core.postgres import EmbeddedPostgres, default_folder
from core.settings import settings
from core.store.tables import instance

SIMULATION_BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
"""What a simulated clock says before the world has set it."""
MIGRATE_LOCK = 7304501
"""Advisory lock that lets one process migrate while the others wait."""


def sqlalchemy_url(url: str) -> str:
    """Accepts the usual spellings of DATABASE_URL and names our driver."""
    for prefix in ("postgres://", "postgresql://", "postgresql+psycopg://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    raise Misconfigured(
        f"DATABASE_URL is not a PostgreSQL address: it starts with {url.split(':')[0]!r}.",
        "Write it as postgresql://user:password@host:5432/database.",
    )


def database_url() -> str:
    """Where the database is. The embedded server must have been started by the supervisor or `embedded()`."""
    if settings().database_url:
        return sqlalchemy_url(settings().database_url)
    return embedded().url("doorstep")


@cache
def embedded() -> EmbeddedPostgres:
    return EmbeddedPostgres(default_folder(settings().folder))


def connect(url: str) -> Engine:
    made = create_engine(
        url,
        pool_size=20,
        max_overflow=20,
        json_serializer=lambda value: canonical.dumps(value).decode(),
        connect_args={"connect_timeout": 5, "options": "-c timezone=UTC"},
    )
    stream.heed(made)
    listen(made, "checkout", _still_there)
    return made


def _still_there(link: Any, record: object, fairy: object) -> None:
    """A connection that lay idle has nothing to read, unless the server has ended it: then the pool makes a new one.
    Asking the server each time would be a round trip more for every transaction."""
    if link.closed:
        raise DisconnectionError
    look = select.poll()
    look.register(link.fileno(), select.POLLIN)
    if look.poll(0):
        raise DisconnectionError


@cache
def engine() -> Engine:
    return connect(database_url())


READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


@contextmanager
def transaction() -> Iterator[Connection]:
    """One transaction: committed at the end, rolled back by any exception. A lost database is `Unavailable`."""
    with _begin(engine()) as db:
        yield db


@contextmanager
def snapshot() -> Iterator[Connection]:
    """One consistent read-only view."""
    with _begin(engine().execution_options(**READING)) as db:
        yield db


@contextmanager
def glance() -> Iterator[Connection]:
    """For one read alone: without the two round trips that begin and end a transaction."""
    with _outages(), engine().execution_options(isolation_level="AUTOCOMMIT").connect() as db:
        yield db


@contextmanager
def _begin(on: Engine) -> Iterator[Connection]:
    with _outages(), on.connect() as db:
        with db.begin():
            yield db
        stream.send(db)


@contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except (OperationalError, DBAPIError) as error:
        if isinstance(error, OperationalError) or error.connection_invalidated:
            raise Unavailable("The database did not answer.", "Try again in a few seconds.") from error
        raise


def migrate(url: str) -> None:
    """Bring the tables to the newest revision; safe when several processes start at once."""
    from alembic import command  # heavy, and needed once a start
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with _connected(url) as db:
        db.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATE_LOCK})
        db.commit()
        config.attributes["connection"] = db
        try:
            command.upgrade(config, "head")
            db.commit()
        finally:
            db.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATE_LOCK})
            db.commit()


def _connected(url: str) -> Connection:
    try:
        return create_engine(sqlalchemy_url(url), poolclass=NullPool).connect()
    except OperationalError as error:
        raise Unavailable("The database did not answer.", "See that it runs, and that DATABASE_URL is its.") from error


def prepare(db: Connection, *, made_by: str = "doorstep", mode: str = "real", seed: int | None = None) -> None:
    """Write the instance row at first start; a later start keeps what is there."""
    sim_now = SIMULATION_BEGINS if mode == "simulated" else None
    row = {"id": 1, "made_by": made_by, "mode": mode, "seed": seed, "sim_now": sim_now}
    db.execute(insert(instance).values(row).on_conflict_do_nothing())
