"""The decision log and the inputs that it names by hash."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, Integer, LargeBinary, Table, Text

from core.store.tables.base import metadata, moment

log_entry = Table(
    "log_entry",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, nullable=False),
    moment("at", nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),  # canonical JSON
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
)
Index("ix_log_entry_day", log_entry.c.day)

log_head = Table(  # signed heads, at intervals
    "log_head",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    moment("at", nullable=False),
    Column("key_id", Text, nullable=False),
    Column("signature", Text, nullable=False),
)

log_tip = Table(  # one row, locked on append, so that two writers make one chain
    "log_tip",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

blob = Table(  # inputs of decisions by content hash
    "blob",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
