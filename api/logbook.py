"""`doorstep log`: verify, replay, show and export, on the database that the settings name or the demo's."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from rich.console import Console
from sqlalchemy import Connection

from agent import replay as again
from api import start
from core import clock, log, people
from core.errors import BadFile, BadInput
from core.settings import settings
from core.signing import known_keys, load_or_create
from core.store import db as store

out = Console(highlight=False)


@contextmanager
def reading() -> Iterator[Connection]:
    start.prepare()
    with store.snapshot() as db:
        yield db


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no date.", "Write it as YYYY-MM-DD.", field="day") from None


def verify(file: Path | None) -> int:
    keys = known_keys(settings().folder / "keys").values()
    if file is not None:
        try:
            lines = file.read_bytes().splitlines()
        except OSError as error:
            raise BadFile(f"{file} can't be read: {error.strerror}.", "Give an exported day.", field="file") from error
        verdict = log.verify_export(lines, keys)
    else:
        with reading() as db:
            verdict = log.verify(db, keys, settings().anchor)
    for problem in verdict.problems:
        out.print(f"entry {problem.seq}: {problem.what}", style="red", markup=False)
    state = "verifies" if verdict.ok else "DOES NOT VERIFY"
    out.print(f"{verdict.entries} entries, signed to {verdict.signed_to}, head {verdict.head[:16]}: {state}")
    return 0 if verdict.ok else 1


def replay(day: str) -> int:
    same = different = 0
    with reading() as db:
        for one in again.replay(db, day_of(day) if day else None):
            same, different = same + one.same, different + (not one.same)
            if not one.same:
                out.print(f"{one.decision} {one.action}: {one.why}", style="red", markup=False)
    out.print(f"{same} decisions came out the same, {different} did not")
    return 1 if different else 0


def show(about: str) -> None:
    with reading() as db:
        which = log.Filter(about=about) if about else log.ALL
        for entry in log.show(db, lambda found: people.tells_of_erased(db, found), which):
            sys.stdout.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")


def export(day: str) -> None:
    start.prepare()
    signer = load_or_create(settings().folder / "keys")
    with store.transaction() as db:
        log.sign_head(db, signer, clock.now(db))
        for line in log.export(db, day_of(day), signer):
            sys.stdout.buffer.write(line if line.endswith(b"\n") else line + b"\n")
