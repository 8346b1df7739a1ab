"""What every test gets: no network but loopback, the real cases where they are, and no silent skips in CI."""

from __future__ import annotations

import ipaddress
import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, Engine, NullPool, create_engine, text

from core.postgres import EmbeddedPostgres, ensure_database
from core.store import db as store

pytest_plugins = ("tests.living",)

ROOT = Path(__file__).parent.parent
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


# No test leaves the machine


class NetworkBlocked(RuntimeError):
    """Not an OSError: code that survives a provider's outage must not survive this."""


def block_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a Unix socket's address is a path
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if isinstance(host, str) and not is_here(host):
        raise NetworkBlocked(f"a test tried to reach {host}")


def is_here(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


sys.addaudithook(block_network)


# Real cases that nobody here wrote; they are not part of this repository


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real orders, routes and matrices; without it the test is skipped and says so."""
    folder = Path(os.environ.get("DOORSTEP_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real cases are not here: no folder {folder} (DOORSTEP_SHARED_DATA names another)")
    return folder


# With DOORSTEP_TEST_ALL=1 everything must run: a skip is a failure that tells its reason


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return refuse_skip((yield))


def refuse_skip(report: Report) -> Report:
    everything = os.environ.get("DOORSTEP_TEST_ALL") == "1"
    if everything and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"DOORSTEP_TEST_ALL=1 allows no skip: {reason}"
    return report


# A database: one server and one migrated database a run; what a test writes is rolled back


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A migrated, empty database on a server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="doorstep-test-"))
    folder.chmod(0o755)  # as root the server runs as another user, who has to get through
    server = EmbeddedPostgres(folder / "postgres")
    try:
        admin = server.start()
        careless(admin)
        ensure_database(admin, "doorstep")
        url = server.url("doorstep")
        store.migrate(url)
        yield url
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def careless(admin: str) -> None:
    """No wait for the disk: what a test server knows need not survive, and copies are quick."""
    made = create_engine(admin, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with made.connect() as db:
        for word in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
            db.execute(text(word))


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    made = store.connect(database_url)
    yield made
    made.dispose()


@pytest.fixture
def db(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back."""
    with engine.connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()
