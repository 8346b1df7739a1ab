"""`doorstep demo`: a live day in a database of its own. The world is a program beside the server, an HTTP client of it.

Whatever keys are set, nothing leaves the machine: messages go to the console sender. A database that the demo did not
make is refused.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from rich.console import Console
from sqlalchemy import NullPool, create_engine, inspect, select, text
from sqlalchemy.engine import make_url

from api import start
from api.supervisor import Supervisor
from core import principals
from core.errors import Misconfigured
from core.postgres import ensure_database
from core.settings import override, settings
from core.store import db as store
from core.store.tables import instance

DATABASE = "doorstep_demo"
MADE_BY = "doorstep demo"
SEED = 7
"""of the instance, when none is asked for"""
out = Console(highlight=False)


@dataclass(frozen=True)
class World:
    """The day to simulate; None leaves it to the operation."""

    operation: str | None = None
    seed: int | None = None
    orders: int | None = None
    vans: int | None = None
    intensity: int = 1
    strict: bool = False
    until: str | None = None

    def words(self) -> list[str]:
        """As the world's own command line wants them."""
        given = {
            "operation": self.operation, "seed": self.seed, "orders": self.orders, "vans": self.vans,
            "until": self.until,
        }  # fmt: skip
        named = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
        return [*named, "--intensity", str(self.intensity), *(["--strict"] if self.strict else [])]


@dataclass(frozen=True)
class Wish:
    """What the command line asked for."""

    headless: bool
    world: World
    speed: str
    data: Path | None
    fresh: bool | None
    report: Path | None


def run(wish: Wish) -> int:
    """Start the server on the demo's database, let the world run its day, and stop. The exit code is the report's."""
    base = settings().folder
    if wish.data is not None and not wish.data.exists():
        raise Misconfigured(f"There is no {wish.data}.", "Give a file or folder of real orders.")
    start.free_port()
    token = secrets.token_urlsafe(24)
    server = store.embedded() if not settings().database_url else None
    admin = start.started(server) if server else store.sqlalchemy_url(settings().database_url)
    url = _database(admin, _fresh(admin, wish), base)
    override(DOORSTEP_LOG_LEVEL=os.environ.get("DOORSTEP_LOG_LEVEL", "warning"))
    override(DATABASE_URL=url, DOORSTEP_DATA=str(base / "demo"), DOORSTEP_SENDER="console", DOORSTEP_ADMIN_TOKEN=token)
    _no_keys()
    store.engine.cache_clear()
    start.prepare(DATABASE, made_by=MADE_BY, mode="simulated", seed=wish.world.seed or SEED)
    signal.signal(signal.SIGTERM, _interrupt)
    supervisor = Supervisor({}, settings().workers, server)
    supervisor.start()
    try:
        start.wait_for("/readyz" if wish.headless else "/healthz", supervisor)
        return _day(supervisor, wish, token)
    except KeyboardInterrupt:
        return 130
    finally:
        supervisor.stop()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _no_keys() -> None:
    """A demo sends nothing and asks no model, whatever is set in the shell."""
    override(OPENAI_API_KEY="", TWILIO_ACCOUNT_SID="", TWILIO_AUTH_TOKEN="")


def _fresh(admin: str, wish: Wish) -> bool:
    """Begin anew? A day that is there is resumed only when somebody says so."""
    if wish.fresh is not None:
        return wish.fresh
    if wish.headless or not sys.stdin.isatty() or not _exists(admin):
        return True
    answer = out.input("A demo day is there already. [b]f[/b]resh day or [b]r[/b]esume it? [f] ")
    return not answer.strip().lower().startswith("r")


def _exists(admin: str) -> bool:
    with create_engine(admin, poolclass=NullPool).connect() as db:
        found = db.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": DATABASE}).first()
    return found is not None


def _database(admin: str, fresh: bool, base: Path) -> str:
    url = make_url(admin).set(database=DATABASE).render_as_string(hide_password=False)
    if _exists(admin):
        _refuse_foreign(url)
        if fresh:
            with create_engine(admin, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as db:
                db.execute(text(f"DROP DATABASE {DATABASE} WITH (FORCE)"))
            with suppress(FileNotFoundError):
                rmtree(base / "demo")
    ensure_database(admin, DATABASE)
    return url


def _refuse_foreign(url: str) -> None:
    with create_engine(url, poolclass=NullPool).connect() as db:
        tables = inspect(db).get_table_names()
        made_by = db.execute(select(instance.c.made_by)).scalar_one_or_none() if "instance" in tables else None
    if tables and made_by != MADE_BY:
        raise Misconfigured(
            f"The database {DATABASE} on this server was not made by the demo.",
            "Rename it, or point DATABASE_URL to another server.",
        )


def _day(supervisor: Supervisor, wish: Wish, token: str) -> int:
    if not wish.headless:
        link = _sign_in_link()
        out.print(
            f"\n  The day runs at [b]{settings().url}[/b]. Sign in once by this link:\n\n  {link}\n\n  Ctrl-C ends.\n"
        )
    command = [
        sys.executable,
        "-m",
        "evals.world",
        "--url",
        f"http://{settings().host}:{settings().port}",
        "--speed",
        wish.speed,
        "--watch",
        *map(str, _processes(supervisor)),
    ]
    command += wish.world.words()
    command += ["--data", str(wish.data)] if wish.data else []
    command += ["--json", str(wish.report)] if wish.report else []
    command += [] if wish.headless else ["--no-dispatcher"]
    world = subprocess.Popen(command, env={**os.environ, "DOORSTEP_ADMIN_TOKEN": token})
    try:
        while world.poll() is None:
            supervisor.step()
            time.sleep(0.1)
        if not wish.headless and world.returncode in (0, 1):
            out.print("The day is over. The page stays open until Ctrl-C.")
            supervisor.run()
        return world.returncode
    finally:
        world.kill()  # a client of the API, with nothing to save
        world.wait()


def _processes(supervisor: Supervisor) -> list[int]:
    """Where the trees of all that runs begin; the database is nobody's child."""
    database = supervisor.database.status().pid if supervisor.database is not None else None
    return [os.getpid(), *([database] if database else [])]


def _sign_in_link() -> str:
    with store.transaction() as db:
        code = principals.issue(db, principals.ensure(db, "dispatcher", "you"), kind="link")
    return f"{settings().url}/signin/{code}"
