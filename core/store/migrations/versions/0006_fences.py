"""At which door each van stands, by its positions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fence",
        sa.Column("vehicle_id", sa.Text(), nullable=False),
        sa.Column("stop_id", sa.Text(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_fence_vehicle_id")),
        sa.PrimaryKeyConstraint("vehicle_id", name=op.f("pk_fence")),
    )


def downgrade() -> None:
    op.drop_table("fence")
