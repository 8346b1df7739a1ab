"""What plans keep to: areas, docks, speeds, breaks, legal hours; and their figures."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None

EMPTY_LIST, EMPTY_MAP = sa.text("'[]'::jsonb"), sa.text("'{}'::jsonb")
LAW = """{"drive_min": 270, "break_min": 45, "day_min": 540}"""

ADDED: tuple[tuple[str, str, sa.types.TypeEngine[Any], sa.TextClause | str | None], ...] = (
    ("vehicle", "areas", JSONB(none_as_null=True), None),
    ("vehicle", "speed_percent", sa.Integer(), "100"),
    ("vehicle", "co2_g_km", sa.Integer(), "250"),
    ("vehicle", "loading_s", sa.Integer(), "0"),
    ("vehicle", "breaks", JSONB(), EMPTY_LIST),
    ("vehicle", "hours", JSONB(none_as_null=True), None),
    ("depot", "docks", sa.Integer(), None),
    ("depot", "service_quantile", sa.Double(), "0.5"),
    ("plan_route", "rests", JSONB(), EMPTY_LIST),
    ("plan_route", "figures", JSONB(), EMPTY_MAP),
)
"""table, column, type, what rows have that were there before (none: nothing)"""


def upgrade() -> None:
    for table, name, kind, default in ADDED:
        op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))
    op.execute(sa.text("UPDATE vehicle SET hours = CAST(:law AS jsonb)").bindparams(law=LAW))
    op.create_table(
        "area",
        sa.Column("depot_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("polygon", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_area_depot_id")),
        sa.PrimaryKeyConstraint("depot_id", "id", name=op.f("pk_area")),
    )


def downgrade() -> None:
    op.drop_table("area")
    for table, name, _, _ in reversed(ADDED):
        op.drop_column(table, name)
