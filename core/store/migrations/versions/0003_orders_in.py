"""Orders as they come: parts of an address, kind, priority, skills, crew, volume; clients; what a bad row repeats."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NONE = sa.text("'[]'::jsonb")
COLUMNS: dict[str, tuple[tuple[str, Any, Any], ...]] = {
    "order_": (
        ("address_parts", postgresql.JSONB(), None),
        ("place", sa.Text(), "given"),
        ("volume_ml", sa.Integer(), "0"),
        ("kind", sa.Text(), "delivery"),
        ("priority", sa.Integer(), "1"),
        ("skills", postgresql.JSONB(), NONE),
        ("crew", sa.Integer(), "1"),
    ),
    "depot": (("country", sa.Text(), None),),
    "vehicle": (
        ("volume_ml", sa.Integer(), "100000000"),
        ("skills", postgresql.JSONB(), NONE),
        ("crew", sa.Integer(), "1"),
    ),
    "import_row": (("ref", sa.Text(), None), ("order_id", sa.Text(), None)),
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, kind, default in columns:
            op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))
    op.execute("UPDATE import_row SET ref = raw->>'ref'")
    op.create_table(
        "client",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("latest_min", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
    )


def downgrade() -> None:
    op.drop_table("client")
    for table, columns in COLUMNS.items():
        for name, _, _ in columns:
            op.drop_column(table, name)
