"""How processes start: the database first, then its tables, then the children of the supervisor."""

from __future__ import annotations

import atexit
import logging
import socket
import subprocess
import sys
import time

import structlog

from agent.understanding import model
from api.supervisor import Supervisor, end_with_parent
from core import clock, log, principals, vans
from core.errors import Misconfigured
from core.postgres import EmbeddedPostgres, ensure_database
from core.settings import override, settings
from core.signing import load_or_create
from core.store import db as store

logger = structlog.get_logger("start")
DATABASE = "doorstep"
WAIT_S = 60.0


def logging_to_stderr() -> None:
    level = getattr(logging, settings().log_level.upper(), None)
    if not isinstance(level, int):
        raise Misconfigured(f"DOORSTEP_LOG_LEVEL is {settings().log_level!r}.", "Use debug, info, warning or error.")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def prepare(
    database: str = DATABASE, *, made_by: str = "doorstep", mode: str = "real", seed: int | None = None
) -> EmbeddedPostgres | None:
    """A database with our tables, and DATABASE_URL set to it for this process and its children. Returns the embedded
    server when that is what it is."""
    logging_to_stderr()
    if not all(map(model.is_kept, model.ROLES)):
        logger.info("understanding.train", examples="prompts/understanding", seconds="about 10, once")
        subprocess.run([sys.executable, "-m", "agent.understanding.model"], check=True)  # its memory is given back
    settings().folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    server = None
    if not settings().database_url:
        server = store.embedded()
        admin = started(server)
        ensure_database(admin, database)
        override(DATABASE_URL=server.url(database))
    store.migrate(store.database_url())
    with store.transaction() as db:
        store.prepare(db, made_by=made_by, mode=mode, seed=seed)
        if mode == "real":
            vans.ensure_partitions(db, clock.now(db).date())
        if settings().admin_token:
            principals.issue(db, principals.ensure(db, "admin", "first"), bearer=settings().admin_token)
    load_or_create(settings().folder / "keys")
    with store.snapshot() as db:
        log.begin(db, settings().anchor)
    return server


def started(server: EmbeddedPostgres) -> str:
    """Start the embedded server for as long as this process lives, however it ends; the last one out stops it."""
    atexit.register(server.release)
    return server.start()


def serve() -> None:
    free_port()
    server = prepare()
    supervisor = Supervisor({}, settings().workers, server)
    supervisor.start()
    logger.info("serving", url=settings().url)
    supervisor.run()


def free_port() -> None:
    """Raises Misconfigured when the port is taken: better now than in a child that keeps dying."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings().host, settings().port))
        except OSError as error:
            raise Misconfigured(
                f"Port {settings().port} is taken: {error.strerror}.",
                "Stop what uses it, or set DOORSTEP_PORT to another one.",
            ) from error


def child(part: str, concurrency: int | None = None) -> None:
    """Be one process of the supervisor's until it says stop."""
    logging_to_stderr()
    end_with_parent()
    if part == "web":
        _web()
    elif part == "engine":
        from tools import engine

        engine.main()
    elif part == "worker":
        from api import worker

        worker.main(store.database_url(), concurrency or worker.CONCURRENCY)
    else:
        raise Misconfigured(f"There is no process {part!r}.", "Use web, engine or worker.")


def _web() -> None:
    import uvicorn

    from api.app import create_app

    config = uvicorn.Config(
        create_app(), host=settings().host, port=settings().port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=1, server_header=False, limit_concurrency=500,
    )  # fmt: skip
    uvicorn.Server(config).run()


def wait_for(path: str, supervisor: Supervisor) -> None:
    """Wait until `/healthz` (the web process) or `/readyz` (everything) answers, or say what does not."""
    import httpx

    until, last = time.monotonic() + WAIT_S, ""
    with httpx.Client(base_url=f"http://{settings().host}:{settings().port}", trust_env=False, timeout=5) as http:
        while time.monotonic() < until:
            supervisor.step()
            try:
                answer = http.get(path)
                if answer.status_code == 200:
                    return
                last = answer.text
            except httpx.TransportError as error:
                last = type(error).__name__
            time.sleep(0.05)
    raise Misconfigured(f"The server did not become ready in {WAIT_S:.0f} s: {last}", "See the log lines above.")
