"""Which provider was asked to carry a message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("effect", sa.Column("via", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("effect", "via")
