"""Reading a file that somebody else wrote: plain or gzipped, text or JSON, with an error that names it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from core.errors import BadFile

GZIP = b"\x1f\x8b"
AGAIN = "Copy it again from where it came."


def read_text(path: Path) -> str:
    """The text of a file, unpacked when it is gzipped."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} can't be read: {error.strerror}.", "Check the path.") from None
    try:
        text = (gzip.decompress(raw) if raw.startswith(GZIP) else raw).decode("utf-8-sig")
    except (EOFError, OSError) as error:
        raise BadFile(f"{path.name} is a broken gzip file: {error}.", AGAIN) from None
    except UnicodeDecodeError:
        raise BadFile(f"{path.name} is not UTF-8 text.", "Save it as UTF-8.") from None
    if not text.strip():
        raise BadFile(f"{path.name} is empty.", AGAIN)
    return text


def parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadFile(
            f"{path.name} is broken JSON at line {error.lineno}: {error.msg}.", "Repair it or copy it again."
        ) from None
