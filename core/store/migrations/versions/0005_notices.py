"""What a message was let through or held back by, how a person wants to be written to, clients' own texts, and why an
attempt failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("person", sa.Column("lang", sa.Text(), nullable=True))
    op.add_column("person", sa.Column("tz", sa.Text(), nullable=True))
    op.add_column("effect", sa.Column("rule", sa.Text(), nullable=True))
    op.create_table(
        "template",
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client", "lang", "name", name=op.f("pk_template")),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["order_.id"], name=op.f("fk_attempt_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index("ix_attempt_order", "attempt", ["order_id"], unique=False)


def downgrade() -> None:
    op.drop_table("attempt")
    op.drop_table("template")
    op.drop_column("effect", "rule")
    op.drop_column("person", "tz")
    op.drop_column("person", "lang")
