"""The instance itself, and who may ask it for something."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Integer, Table, Text, UniqueConstraint

from core.store.tables.base import metadata, moment

instance = Table(
    "instance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("made_by", Text, nullable=False),  # `doorstep` or `doorstep demo`: a demo refuses a database it did not make
    Column("mode", Text, nullable=False),  # real | simulated
    Column("seed", BigInteger),
    moment("sim_now"),
    Column("speed", Double, nullable=False, server_default="1"),
    Column("paused", Boolean, nullable=False, server_default="false"),
)

principal = Table(
    "principal",
    metadata,
    Column("id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("on_duty", Boolean, nullable=False, server_default="true"),
    UniqueConstraint("role", "subject"),
)

token = Table(
    "token",
    metadata,
    Column("hash", Text, primary_key=True),  # sha256 of the bearer token; the token itself is shown once
    Column("principal_id", ForeignKey("principal.id"), nullable=False),
    Column("kind", Text, nullable=False),  # bearer | session | link (link: used once, becomes a session)
    moment("expires_at"),
    moment("used_at"),
)
