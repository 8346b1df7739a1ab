"""A sender that sends nothing: it appends what would be sent to a file, one JSON line a message, and prints it masked.

The file is its provider: `find` reads it, a key that is in it is not written again. Several processes may share it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from core import canonical
from tools.notify.port import Channel, Outcome, OutMessage, Sent, Unknown, mask


def _stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class ConsoleSender:
    """`ConsoleSender(path)` keeps messages in a file; `ConsoleSender(None)` keeps them for as long as it lives."""

    name = "console"
    settle_s = 0

    def __init__(
        self, path: Path | None, *, channel: Channel = "sms", echo: Callable[[str], None] | None = _stderr
    ) -> None:
        self.path = path
        self._channel: Channel = channel
        self._echo = echo
        self._seen: set[str] = set()
        self._read_to = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)

    @property
    def channel(self) -> Channel:
        return self._channel

    def send(self, message: OutMessage) -> Outcome:
        try:
            known = self._keep(message)
        except OSError as error:
            return Unknown(key=message.key, reason="provider_error", detail=str(error))
        if not known and self._echo is not None:
            self._echo(f"would send {message.channel} to {mask(message.to)}: {message.text}")
        return Sent(key=message.key, provider_id=_provider_id(message.key), duplicate=known)

    def find(
        self, message: OutMessage, since: datetime, claimed: frozenset[str] = frozenset()
    ) -> Sent | Unknown | None:
        try:
            known = message.key in self._keys()
        except OSError as error:
            return Unknown(key=message.key, reason="lookup_failed", detail=str(error))
        return Sent(key=message.key, provider_id=_provider_id(message.key)) if known else None

    def _keep(self, message: OutMessage) -> bool:
        """Write the message down unless its key is there already; says whether it was."""
        if self.path is None:
            known = message.key in self._seen
            self._seen.add(message.key)
            return known
        line = canonical.dumps({**message.model_dump(), "id": _provider_id(message.key)})
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # two workers may send at the same time
            whole = self._catch_up(file)
            if message.key in self._seen:
                return True
            file.write(line + b"\n" if whole else b"\n" + line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return False

    def _keys(self) -> set[str]:
        if self.path is not None and self.path.exists():
            with self.path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                self._catch_up(file)
        return self._seen

    def _catch_up(self, file: BinaryIO) -> bool:
        """Read the lines that came since we last looked; says whether the file ends with a whole line.

        A line cut short by a crash was never acknowledged, so it does not count.
        """
        if os.fstat(file.fileno()).st_size < self._read_to:
            self._seen, self._read_to = set(), 0
        file.seek(self._read_to)
        for line in file:
            if not line.endswith(b"\n"):
                return False
            self._read_to += len(line)
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self._seen.add(str(json.loads(line)["key"]))
        return True


def _provider_id(key: str) -> str:
    return canonical.short("con", key)
