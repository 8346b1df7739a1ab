"""What a van's driver has driven and rested on the day, as counted from the taps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("van", sa.Column("hours", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("van", "hours")
