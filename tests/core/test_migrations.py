"""Migrations: they give the tables that the code names, once, however many processes start together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine, inspect, text
from sqlalchemy.engine import make_url

from core.errors import Misconfigured
from core.postgres import ensure_database
from core.store import db as store
from core.store.tables import metadata


def is_ours(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """The queue's library owns its tables; the tables of single days come and go."""
    table = name if kind == "table" else item.table.name
    return not str(table).startswith(("procrastinate_", "position_"))


def test_the_migrated_tables_are_those_that_the_code_names(db: Connection) -> None:
    options = {"include_object": is_ours, "compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(db, opts=options)
    assert compare_metadata(context, metadata) == []


def test_a_difference_would_be_seen(db: Connection) -> None:
    db.execute(text("ALTER TABLE timer DROP COLUMN subject"))
    context = MigrationContext.configure(db, opts={"include_object": is_ours})
    assert [change[0] for change in compare_metadata(context, metadata)] == ["add_column"]


def test_positions_have_a_table_for_days_without_one(db: Connection) -> None:
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'position'::regclass"
    assert "position_default" in set(db.execute(text(query)).scalars())


@pytest.fixture
def empty_url(database_url: str) -> Iterator[str]:
    url = make_url(database_url)
    admin = url.set(database="postgres").render_as_string(hide_password=False)
    ensure_database(admin, "doorstep_empty")
    yield url.set(database="doorstep_empty").render_as_string(hide_password=False)
    with create_engine(admin, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as db:
        db.execute(text("DROP DATABASE doorstep_empty WITH (FORCE)"))


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    came: list[str] = []

    def start() -> None:
        store.migrate(empty_url)
        came.append("ready")

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    store.migrate(empty_url)
    assert came == ["ready"] * 3
    with create_engine(empty_url, poolclass=NullPool).connect() as db:
        assert {table.name for table in metadata.sorted_tables} <= set(inspect(db).get_table_names())
        assert "procrastinate_jobs" in inspect(db).get_table_names()


@pytest.mark.parametrize(
    "url",
    ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"],
)
def test_an_address_may_be_written_in_the_usual_ways(url: str) -> None:
    assert store.sqlalchemy_url(url) == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize("url", ["mysql://u:p@h/d", "sqlite:///x.db", "h/d", ""])
def test_another_database_is_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        store.sqlalchemy_url(url)
    assert "u:p" not in str(refused.value)
