"""Keeps the processes of one machine running: web, engine, workers and the embedded database.

Each child is started in a session of its own, so that Ctrl-C reaches the supervisor alone, which then ends them in
order. A child that dies is started again; the database is looked after the same way.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from core.postgres import EmbeddedPostgres

log = structlog.get_logger("supervisor")

POLL_S = 0.1
STOP_WITHIN_S = 3.0
DATABASE_EVERY_S = 0.5
RESTART_PAUSE_S = 0.3
LONGEST_PAUSE_S = 10.0
STABLE_AFTER_S = 20.0


@dataclass
class Child:
    """One process that is kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_after: float = 0.0
    pause_s: float = RESTART_PAUSE_S
    restarts: int = 0

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment, "DOORSTEP_PARENT": str(os.getpid())},
            start_new_session=True,
        )
        self.started_at = time.monotonic()

    def keep(self) -> None:
        """Start it again when it has died; more slowly when it keeps dying."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is None:
            if now - self.started_at > STABLE_AFTER_S:
                self.pause_s = RESTART_PAUSE_S
            return
        if self.process is not None:
            log.warning("child.died", name=self.name, code=self.process.returncode, again_in_s=self.pause_s)
            self.process, self.start_after = None, now + self.pause_s
            self.pause_s, self.restarts = min(self.pause_s * 2, LONGEST_PAUSE_S), self.restarts + 1
        if now >= self.start_after:
            self.start()

    def signal(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """`run()` returns after a stop signal, with all children ended."""

    environment: Mapping[str, str]
    workers: int = 1
    database: EmbeddedPostgres | None = None
    children: list[Child] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        names = ["web", "engine", *[f"worker-{n + 1}" for n in range(self.workers)]]  # people look at the page first
        for name in names:
            command = [sys.executable, "-m", "api.cli", "run", name.partition("-")[0]]
            self.children.append(Child(name, command, self.environment))

    def start(self) -> None:
        for child in self.children:
            child.start()
        threading.Thread(target=self._keep_database, daemon=True).start()

    def _keep_database(self) -> None:
        while self.database is not None and not self.stopping.wait(DATABASE_EVERY_S):
            try:
                if self.database.ensure_running():
                    log.warning("database.restarted")
            except Exception as error:
                log.error("database.failed", error=str(error))

    def step(self) -> None:
        for child in self.children:
            child.keep()

    def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stopping.set())
        while not self.stopping.wait(POLL_S):
            self.step()
        self.stop()

    def stop(self) -> None:
        """Ask all to end, wait a little, end what is left, and let go of the database."""
        self.stopping.set()
        for child in self.children:
            child.signal(signal.SIGTERM)
        until = time.monotonic() + STOP_WITHIN_S
        while time.monotonic() < until and any(child.alive() for child in self.children):
            time.sleep(0.02)
        for child in self.children:
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()
        if self.database is not None:
            self.database.release()


def end_with_parent() -> None:
    """In a child: end when the supervisor has gone, however it went."""
    parent = int(os.environ.get("DOORSTEP_PARENT", "0"))
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_WITHIN_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
