"""`doorstep log`: verify, replay, show and export, on the database that the settings name or the demo's."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from rich.console import Console
from sqlalchemy import Connection

from agent import counterfactual
from agent import replay as again
from api import start
from core import clock, decisions, log, people, principals, reviews
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


def why_not(decision_id: str) -> None:
    """Print what would have had to be different for a decision to come out another way."""
    with reading() as db:
        for each in counterfactual.of_decision(db, decision_id):
            out.print(str(each), markup=False)


def sample(count: int, seed: int, day: str) -> None:
    """Print automatic decisions to look at, with what was done and by which rule."""
    with reading() as db:
        for made in reviews.sample(db, count, seed, day_of(day) if day else None):
            row = decisions.get(db, made)
            out.print(f"{made} {row.action} by {row.rule}, case {row.case_id}", markup=False)


def review(decision_id: str, verdict: str, why: str, by: str) -> None:
    start.prepare()
    with store.transaction() as db:
        who = principals.ensure(db, "ops_lead", by)
        seq = reviews.review(db, who, decision_id, verdict, why, clock.now(db))
    out.print(f"entry {seq} of the log", markup=False)


def reviewed() -> None:
    """Print what the reviews say of escalation."""
    with reading() as db:
        found = reviews.figures(db)
    for name, value in dataclasses.asdict(found).items():
        out.print(f"{name}: {value}", markup=False)
    for name, share in (("precision", found.precision), ("recall", found.recall)):
        out.print(f"{name}: {'not enough reviews' if share is None else f'{share:.3f}'}", markup=False)
