"""What an import says: what was taken, what was not and why, and what somebody should look at."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.orders import PlaceKind


class Said(BaseModel):
    model_config = ConfigDict(frozen=True)


class Rejected(Said):
    """A row that was not taken, or in `warnings` one that was. `row` counts from 1, the header not included."""

    row: int
    field: str
    reason: str
    fix: str


class Duplicate(Said):
    """A rejected row that repeats an order: its reference with other contents, or its contents under another one."""

    row: int
    ref: str
    same: Literal["reference", "contents"]
    as_ref: str
    as_row: int | None
    """the row of this file that came first; none when the order was in before"""
    order: str


class Unplaced(Said):
    """An order that is in but can't be planned until somebody says where it goes."""

    row: int
    order: str
    case: str
    """empty while the geocoder does not answer: it is asked again"""
    reason: str


class Risky(Said):
    """An order that is in, and whose first attempt is likely to fail."""

    row: int
    order: str
    percent: int
    reasons: tuple[str, ...]


class Imported(Said):
    id: str
    accepted: int
    unchanged: int
    rejected: tuple[Rejected, ...]
    """every row that was not taken, duplicates included"""
    duplicates: tuple[Duplicate, ...] = ()
    warnings: tuple[Rejected, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    risky: tuple[Risky, ...] = ()
    """to be confirmed before they are planned: POST /api/confirmations"""
    places: dict[PlaceKind, int] = {}
    """how the places of the accepted orders are known"""
    ignored: tuple[str, ...] = ()
    """columns that mean nothing here"""


def as_text(done: Imported) -> str:
    """The answer as a terminal shows it."""
    blocks = [
        ("Not taken", [(f"row {r.row}", r.field, f"{r.reason} {r.fix}".strip()) for r in done.rejected]),
        ("Duplicates", [(f"row {d.row}", d.ref, _same(d)) for d in done.duplicates]),
        ("Look at", [(f"row {w.row}", w.field, f"{w.reason} {w.fix}".strip()) for w in done.warnings]),
        ("Likely to find nobody", [(f"row {r.row}", f"{r.percent} %", "; ".join(r.reasons)) for r in done.risky]),
        ("Without a place", [(f"row {u.row}", u.reason, f"{u.order}, {u.case}") for u in done.unplaced]),
    ]
    lines = [line for title, rows in blocks if rows for line in _block(title, rows)]
    if done.ignored:
        lines.append(f"Columns ignored: {', '.join(done.ignored)}")
    return "\n".join(lines)


def _same(duplicate: Duplicate) -> str:
    where = f"row {duplicate.as_row}" if duplicate.as_row else "an order that is in"
    return f"same {duplicate.same} as {duplicate.as_ref} ({where})"


def _block(title: str, rows: list[tuple[str, str, str]]) -> list[str]:
    wide = [max(len(row[at]) for row in rows) for at in (0, 1)]
    return [title, *(f"  {a:<{wide[0]}}  {b:<{wide[1]}}  {c}" for a, b, c in rows)]
