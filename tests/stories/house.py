"""A whole installation for a story: real processes under the real supervisor, on a free port, with a folder of its own.

`a_house()` starts it and leaves no process and no file behind. Stories talk to it over HTTP and look into its database
and its sent messages afterwards, with connections of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Connection, NullPool, create_engine, text

from core.postgres import EmbeddedPostgres
from evals import report
from evals.client import DoorstepClient
from evals.report import DayReport
from evals.world.result import DayResult
from evals.world.run import run
from evals.world.scenario import Scenario
from tests.stories.serve import DATABASE

ROOT = Path(__file__).parent.parent.parent
TOKEN = "a-token-for-stories"
PATIENCE_S = 60.0
"""How long a story waits for something that must come, before it says that it did not."""
PARTS = ("web", "worker", "engine")
"""The supervisor's children; the database is the fourth process that can die."""


@dataclass
class House:
    """One installation. `start` and `stop` may follow one another: the folder keeps what it knows."""

    folder: Path
    port: int
    seed: int
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    # -- starting and stopping

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOORSTEP_", "DATABASE_"))}
        own = {
            "DOORSTEP_DATA": str(self.data), "DOORSTEP_PORT": str(self.port), "DOORSTEP_ADMIN_TOKEN": TOKEN,
            "DOORSTEP_SENDER": "console", "DOORSTEP_LOG_LEVEL": "info", "OPENAI_API_KEY": "", "PYTHONWARNINGS": "",
        }  # fmt: skip
        return kept | own | dict(self.settings)

    def start(self, settings: Mapping[str, str] | None = None, release: Path = ROOT) -> None:
        """Start all of it, of this release, with these settings besides its own; wait until it is ready."""
        self.settings = settings or {}
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.stories.serve", str(self.seed)],
                cwd=release, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        with self.admin() as client:
            wait_for(client.ready, "the house to be ready", self.log)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        for left in self.processes():
            with suppress(psutil.Error):
                left.kill()
        self.process.wait(5)
        self.process = None

    def log(self, characters: int | None = 3000) -> str:
        """The end of what its processes said; with None all of it."""
        said = (self.folder / "log.txt").read_text(errors="replace")
        return said if characters is None else said[-characters:]

    # -- its processes

    def processes(self) -> list[psutil.Process]:
        """The supervisor and all below it, the database not included."""
        if self.process is None:
            return []
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            return [*top.children(recursive=True), top]
        return []

    def pid_of(self, part: str) -> int | None:
        """Process id of `web`, `worker`, `engine` or `database`; None while it is down."""
        if part == "database":
            return self.server.status().pid
        for process in self.processes():
            with suppress(psutil.Error):
                if process.cmdline()[-2:] == ["run", part] and process.status() != psutil.STATUS_ZOMBIE:
                    return process.pid
        return None

    def kill(self, part: str) -> int:
        """End a process by SIGKILL, as the kernel does when memory is short. Waits for one to be there."""
        pid: int = wait_for(lambda: self.pid_of(part), f"a {part} process", self.log)
        os.kill(pid, signal.SIGKILL)
        return pid

    # -- talking to it

    def admin(self, **given: Any) -> DoorstepClient:
        return DoorstepClient(f"http://127.0.0.1:{self.port}", TOKEN, patience_s=PATIENCE_S, **given)

    def live(self, scenario: Scenario, until: datetime | None = None, **given: Any) -> tuple[DayResult, DayReport]:
        """Let a world run its day against it, or its part up to `until`; what the world saw, and the report."""
        with self.admin(**given) as client:
            result = run(client, scenario, speed="max", until=until)
            return result, report.collect(client, scenario, result)

    def command(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """`doorstep WORDS` on this house's database, as somebody at its machine would type it."""
        environment = self.environment | {"DATABASE_URL": self.url} | settings
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *words],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip

    # -- looking into it

    @property
    def server(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.data / "postgres")

    @property
    def url(self) -> str:
        return self.server.url(DATABASE)

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """A transaction in its database; committed at the end."""
        engine = create_engine(self.url, poolclass=NullPool)
        try:
            with engine.begin() as db:
                yield db
        finally:
            engine.dispose()

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        with self.database() as db:
            return [dict(row) for row in db.execute(text(query), values).mappings()]

    def sent(self) -> list[dict[str, str]]:
        """The messages that went out, in order: what a phone company would have on record."""
        file = self.data / "sent.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


@contextmanager
def a_house(seed: int = 7, **settings: str) -> Iterator[House]:
    """A started installation, empty; stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ds-story-"))
    folder.chmod(0o755)  # as root the database runs as another user, who has to get through
    house = House(folder, free_port(), seed)
    try:
        house.start(settings)
        yield house
    finally:
        house.stop()
        house.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(look: Callable[[], Any], what: str, told: Callable[[], str] = lambda: "", within_s: float = 90.0) -> Any:
    """What `look` returns, as soon as it is something."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {within_s:g} s for {what}\n{told()}")


# What must be true of any day, however it went ------------------------------------------------------------------------

FINAL = ("delivered", "returned", "cancelled", "rescheduled")


def unfinished(house: House, scenario: Scenario) -> list[str]:
    """Orders of the day in no final state."""
    query = "SELECT ref, status FROM order_ WHERE day = :day"
    found = {row["ref"]: row["status"] for row in house.rows(query, day=scenario.day)}
    return [f"{o.ref}: {found.get(o.ref, 'lost')}" for o in scenario.orders if found.get(o.ref) not in FINAL]


def sent_twice(house: House) -> list[str]:
    """What went out more than once: a key, or words to one number; or was handed to the provider again although it had
    it. The console sender knows its keys and would hide the last, so the outbox says it in the log."""
    sent = house.sent()
    counted = Counter(row["key"] for row in sent) + Counter(f"{row['to']}: {row['text']}" for row in sent)
    handed = [line for line in house.log(None).splitlines() if "'message'" in line and "duplicate=True" in line]
    return [what for what, times in counted.items() if times > 1] + handed


def lost(house: House) -> list[str]:
    """Messages that the ledger holds done and nobody got, or that it has not settled, or that no ledger row backs."""
    out = {row["key"] for row in house.sent()}
    ledger = house.rows(
        "SELECT e.key, e.status, o.id, o.done_at FROM effect e LEFT JOIN outbox o ON o.effect_key = e.key"
        " WHERE e.action = 'message.send'"
    )
    open_rows = house.rows("SELECT effect_key FROM outbox WHERE done_at IS NULL")
    done = {row["key"] for row in ledger if row["status"] == "done"}
    unsettled = house.rows("SELECT key, status FROM effect WHERE status NOT IN ('done', 'failed')")
    return [
        *(f"done but not sent: {key}" for key in sorted(done - out)),
        *(f"sent but not done: {key}" for key in sorted(out - done)),
        *(f"{row['status']}: {row['key']}" for row in unsettled),
        *(f"left in the outbox: {row['effect_key']}" for row in open_rows),
    ]
