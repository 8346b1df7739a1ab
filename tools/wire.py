"""How processes of one machine talk: one JSON line there, one back, over a socket that only this user can open."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import socketserver
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core import canonical, errors
from core.errors import DoorstepError, EngineDown, Misconfigured
from core.settings import settings

Handler = Callable[[str, Mapping[str, Any]], Any]


def socket_path(name: str) -> Path:
    """A short path (a socket's may have about 100 characters) in a folder that only we can enter."""
    of = hashlib.sha256(f"{settings().folder}|{settings().database_url}".encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"doorstep-{os.getuid()}-{of}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Misconfigured(f"{folder} belongs to somebody else or is open to others.", "Remove it and start again.")
    return folder / name


class Server(socketserver.ThreadingUnixStreamServer):
    """Answers requests in threads until `shutdown()`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, handler: Handler) -> None:
        path.unlink(missing_ok=True)
        self.handler = handler
        super().__init__(str(path), _Connection)
        path.chmod(0o600)

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        return thread


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Server)
        for line in self.rfile:
            request = json.loads(line)
            try:
                answer = {"ok": self.server.handler(request["op"], request["args"])}
            except DoorstepError as error:
                answer = {"error": type(error).__name__, "what": error.what, "fix": error.fix}
            except Exception as error:  # a bug in one request must not end the engine
                answer = {"error": "DoorstepError", "what": f"{type(error).__name__}: {error}", "fix": ""}
            self.wfile.write(canonical.dumps(answer) + b"\n")


class Client:
    """One connection, opened when needed and again after the other side was restarted. Thread-safe."""

    def __init__(self, path: Path, timeout_s: float = 60.0, patience_s: float = 20.0) -> None:
        self.path = path
        self.timeout_s = timeout_s
        self.patience_s = patience_s
        self._local = threading.local()

    def call(self, op: str, **args: Any) -> Any:
        """Ask, and wait out a restart of the other side. Requests are such that asking twice does no harm."""
        return self._call(op, args, self.patience_s)

    def ping(self) -> None:
        """Raises EngineDown at once when the other side is not there now."""
        self._call("ping", {}, 0.0)

    def _call(self, op: str, args: Mapping[str, Any], patience_s: float) -> Any:
        until = time.monotonic() + patience_s
        while True:
            try:
                return self._answer(self._ask(canonical.dumps({"op": op, "args": args}) + b"\n"))
            except (OSError, json.JSONDecodeError):
                self._local.file = None
                if time.monotonic() > until:
                    raise EngineDown(
                        "The engine process does not answer.", "It is restarted by `doorstep serve`; try again."
                    ) from None
                time.sleep(0.1)

    def _ask(self, line: bytes) -> bytes:
        file = getattr(self._local, "file", None)
        if file is None:
            with socket.socket(socket.AF_UNIX) as link:  # the file keeps it open
                link.settimeout(self.timeout_s)
                link.connect(str(self.path))
                file = self._local.file = link.makefile("rwb")
        file.write(line)
        file.flush()
        answer: bytes = file.readline()
        return answer

    @staticmethod
    def _answer(line: bytes) -> Any:
        answer = json.loads(line)
        if "error" in answer:
            kind = getattr(errors, answer["error"], DoorstepError)
            raise kind(answer["what"], answer["fix"])
        return answer["ok"]
