"""The anchor file: signed heads outside the database, one JSON line each, so that cutting both tables short is found.

It only ever grows. Keep it, or a copy, where whoever can write to the database can't.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from core import canonical
from core.chain import Findings, Head, read_head

LINE_AT_MOST = 4096


def append(path: Path, heads: Iterable[Head]) -> int:
    """Add the heads that are newer than the file's last one, durably; how many that were. The file is made when it
    isn't there, even if there is no head yet: a missing file is then always a finding."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last = _cut_torn_line(file)
        lines = [canonical.dumps(asdict(head)) + b"\n" for head in heads if head.seq > last]
        file.seek(0, os.SEEK_END)
        file.write(b"".join(lines))
        file.flush()
        os.fsync(file.fileno())
    return len(lines)


def last_seq(path: Path) -> int:
    """The newest anchored entry; -1 when there is none."""
    if not path.exists():
        return -1
    with path.open("rb") as file:
        return _seq_of(_last_line(file))


def read(path: Path, found: Findings) -> Iterator[Head]:
    """The anchored heads, as many as there are now: lines that are added while reading could be ahead of a view of
    the database that was opened before them."""
    size = path.stat().st_size
    return _read(path, size, found)


def _read(path: Path, size: int, found: Findings) -> Iterator[Head]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            size -= len(line)
            if size < 0 or not line.endswith(b"\n"):
                return  # torn by a crash while it was written; the next append cuts it off
            try:
                yield read_head(json.loads(line))
            except (ValueError, AttributeError, RecursionError):
                found.add(0, f"line {number} of the anchor file {path} can't be read as a signed head.")


def _cut_torn_line(file: BinaryIO) -> int:
    """Remove a last line that a crash left half written. Returns the seq of the last whole one."""
    end = file.seek(0, os.SEEK_END)
    tail = _tail(file)
    torn = len(tail) - (tail.rfind(b"\n") + 1)
    if torn:
        file.truncate(end - torn)
    return _seq_of(_last_line(file))


def _last_line(file: BinaryIO) -> bytes:
    whole, _, _ = _tail(file).rpartition(b"\n")
    return whole.rpartition(b"\n")[2]


def _tail(file: BinaryIO) -> bytes:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - LINE_AT_MOST))
    return file.read()


def _seq_of(line: bytes) -> int:
    if not line:
        return -1
    try:
        return read_head(json.loads(line)).seq
    except (ValueError, AttributeError, RecursionError):
        return -1  # a damaged line: verifying names it; anchoring goes on with every head
