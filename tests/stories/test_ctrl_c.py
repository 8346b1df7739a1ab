"""Story: `doorstep demo` in a terminal. Ctrl-C ends all of it, quickly; it starts again; and it touches nothing that it
did not make."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from core.postgres import EmbeddedPostgres, default_folder, ensure_database
from tests.stories.house import ROOT, free_port, wait_for

WITHIN_S = 5.0
"""what was promised for Ctrl-C"""


def heeds_ctrl_c() -> None:
    """As in a terminal, also when the tests run in the background, where a shell has them ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Terminal:
    """Where somebody types `doorstep demo`."""

    folder: Path
    port: int
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def demo(self, *words: str, **settings: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOORSTEP_", "DATABASE_"))}
        own = {"DOORSTEP_DATA": str(self.folder), "DOORSTEP_PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        with (self.folder / "log.txt").open("wb") as log:
            demo = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "demo", "--orders", "6", *words],
                cwd=ROOT, env=kept | own | settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, text=True, preexec_fn=heeds_ctrl_c,
            )  # fmt: skip
        self.started.append(demo)
        return demo

    def end(self) -> None:
        """Leave nothing behind, also when a story has failed half-way."""
        for demo in self.started:
            if demo.poll() is None:
                for process in reversed(family(demo.pid)):
                    process.kill()
                demo.wait(10)
        self.server.stop()
        shutil.rmtree(self.server.folder.parent, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def said(self) -> str:
        return (self.folder / "log.txt").read_text(errors="replace")

    def ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def server(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(default_folder(self.folder))


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    folder = Path(tempfile.mkdtemp(prefix="ds-demo-"))
    folder.chmod(0o755)
    here = Terminal(folder, free_port())
    try:
        yield here
    finally:
        here.end()


def family(pid: int) -> list[psutil.Process]:
    top = psutil.Process(pid)
    return [top, *top.children(recursive=True)]


@pytest.mark.timeout(200)
def test_ctrl_c_ends_everything_and_a_second_start_works(terminal: Terminal) -> None:
    _run_and_interrupt(terminal, "--fresh", begun="published")
    _run_and_interrupt(terminal, "--resume", begun="vans out")


def alive(process: psutil.Process) -> bool:
    """One that has ended and that nobody has asked after yet is gone, too."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _run_and_interrupt(terminal: Terminal, how: str, begun: str) -> None:
    demo = terminal.demo("--speed", "300", how)
    wait_for(terminal.ready, "the demo to be ready", terminal.said)
    wait_for(lambda: begun in terminal.said(), "the day to go on", terminal.said)
    everybody = family(demo.pid)
    assert len(everybody) >= 5, "demo, engine, worker, web and the world"
    began = time.monotonic()
    demo.send_signal(signal.SIGINT)
    demo.wait(30)
    assert time.monotonic() - began < WITHIN_S
    assert demo.returncode == 130
    wait_for(lambda: not any(alive(each) for each in everybody), "the last process to go", terminal.said, 1.0)
    assert not terminal.server.status().running, "its database too"
    assert "Traceback" not in terminal.said()


@pytest.mark.timeout(100)
def test_a_port_that_is_taken_is_said_at_once(terminal: Terminal) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", terminal.port))
        other.listen()
        demo = terminal.demo()
        assert demo.wait(60) == 2
    assert f"Port {terminal.port} is taken" in terminal.said()
    assert "DOORSTEP_PORT" in terminal.said(), "and what to do"
    assert "Traceback" not in terminal.said()
    assert not terminal.server.status().running


@pytest.mark.timeout(100)
def test_a_database_of_that_name_that_the_demo_did_not_make_is_left_alone(
    terminal: Terminal, database_url: str
) -> None:
    admin = make_url(database_url).set(database="postgres").render_as_string(hide_password=False)
    theirs = make_url(database_url).set(database="doorstep_demo").render_as_string(hide_password=False)
    ensure_database(admin, "doorstep_demo")
    engine = create_engine(theirs)
    with engine.begin() as db:
        db.execute(text("CREATE TABLE orders_of_a_real_company (id int)"))
    demo = terminal.demo("--headless", "--fresh", "--speed", "max", DATABASE_URL=admin)
    assert demo.wait(60) == 2
    assert "was not made by the demo" in terminal.said()
    with engine.begin() as db:
        assert db.execute(text("SELECT count(*) FROM orders_of_a_real_company")).scalar_one() == 0
    engine.dispose()
