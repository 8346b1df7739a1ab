"""An installation of the bench's own: `doorstep serve` on a data folder and port of its own, on the real clock."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from core.errors import Unavailable
from core.postgres import EmbeddedPostgres, default_folder
from core.settings import override
from core.store import db as store
from evals.client import DoorstepClient
from evals.meter import tree

HOST = "127.0.0.1"
READY_WITHIN_S = 90.0
STOP_WITHIN_S = 10.0
DATABASE = "doorstep"
SPEND_A_DAY = 100_000_000
"""the daily limit of what may be spent without a person would end the measurement early"""


class House:
    """Use it as a context: it is up inside and gone without a trace after."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="doorstep-bench-"))
        self.port = _free_port()
        self.token = secrets.token_urlsafe(24)
        self.log = self.folder / "bench.log"
        self.server = EmbeddedPostgres(default_folder(self.folder))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> House:
        policy = self.folder / "policy.json"
        policy.write_text(_policy())
        own = {
            "DATABASE_URL": "", "DOORSTEP_DATA": str(self.folder), "DOORSTEP_HOST": HOST,
            "DOORSTEP_PORT": str(self.port), "DOORSTEP_ADMIN_TOKEN": self.token, "DOORSTEP_SENDER": "console",
            "DOORSTEP_POLICY": str(policy), "DOORSTEP_LOG_LEVEL": "warning", "OPENAI_API_KEY": "",
        }  # fmt: skip
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "serve"], env={**os.environ, **own}, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            self._wait_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        override(DATABASE_URL=self.server.url(DATABASE), DOORSTEP_DATA=str(self.folder))
        store.engine.cache_clear()
        return self

    def _wait_ready(self) -> None:
        assert self._process is not None
        with self.client() as client:
            until = time.monotonic() + READY_WITHIN_S
            while not client.ready():
                if self._process.poll() is not None or time.monotonic() > until:
                    raise Unavailable("The bench's server did not start.", self.log.read_text()[-2000:])
                time.sleep(0.2)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Exception):
            store.engine().dispose()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        with suppress(Exception):
            self.server.stop()
        shutil.rmtree(self.server.folder.parent, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self) -> DoorstepClient:
        return DoorstepClient(f"http://{HOST}:{self.port}", self.token)

    def processes(self) -> list[psutil.Process]:
        """Supervisor, web, worker, engine with its solver, and the database's."""
        roots = [self._process.pid] if self._process else []
        with suppress(Exception):
            roots.append(int((self.server.folder / "postmaster.pid").read_text().split()[0]))
        return tree(roots)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _policy() -> str:
    """The policy that ships, without its daily limit on spending. JSON is YAML too."""
    from tools import policy

    own = policy.default().model_dump(mode="json", by_alias=True, exclude_unset=True)
    own["limits"]["spend_per_day_cents"] = SPEND_A_DAY
    return json.dumps(own)
