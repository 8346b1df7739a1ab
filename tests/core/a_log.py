"""A log of ten entries to sign, read and tamper with, for the tests of core/log.py."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, text

from core import log
from core.log import Verdict
from core.signing import Signer
from core.store.tables import log_entry, log_head, log_tip

SEED: Final = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OTHER_SEED: Final = "HxEdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="
DAY: Final = date(2025, 5, 1)
AT: Final = datetime(2025, 5, 1, 8, tzinfo=UTC)


def clear(db: Connection) -> Connection:
    for table in (log_entry, log_head, log_tip):
        db.execute(delete(table))
    return db


def fill(db: Connection, signer: Signer, anchors: Path) -> Connection:
    """Ten entries over two days, signed and anchored at the fifth and the tenth."""
    clear(db)
    for number in range(1, 11):
        at, day = AT + timedelta(minutes=number), DAY if number < 7 else DAY + timedelta(1)
        log.append(db, "plan", {"order": f"ord_{number}"}, at, day)
        if number in (5, 10):
            log.sign_head(db, signer, at)
    log.anchor(db, anchors)
    return db


def tamper(db: Connection, statements: str) -> None:
    for statement in statements.strip().rstrip(";").split(";"):
        db.execute(text(statement))


def said(verdict: Verdict) -> list[tuple[int, str]]:
    return sorted((problem.seq, problem.what) for problem in verdict.problems)
