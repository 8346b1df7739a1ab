"""Texts that wait to be answered, and what a provider says became of ours."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbound",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("principal_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("pictures", JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_inbound_principal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
    )
    waiting = sa.text("done_at IS NULL")
    op.create_index("ix_inbound_waiting", "inbound", ["principal_id", "seq"], postgresql_where=waiting)
    op.add_column("effect", sa.Column("delivery", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("effect", "delivery")
    op.drop_table("inbound")
