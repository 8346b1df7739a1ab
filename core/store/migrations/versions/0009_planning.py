"""What plans keep to: areas, docks, speeds, breaks, legal hours; their figures; what customers do again and again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
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
    _again_and_again()


def _again_and_again() -> None:
    """Standing orders, the address book, usual routes."""
    op.create_table(
        "standing_order",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("depot_id", sa.Text(), nullable=False),
        sa.Column("weekdays", JSONB(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("skipped", JSONB(), nullable=False, server_default=EMPTY_LIST),
        sa.Column("windows", JSONB(), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_standing_order_person_id")),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_standing_order_depot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_order")),
        sa.UniqueConstraint("client", "ref", name=op.f("uq_standing_order_client")),
    )
    op.create_index("ix_standing_order_depot", "standing_order", ["depot_id"])
    op.create_table(
        "address_book",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("service_s", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_address_book_person_id")),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_address_book")),
    )
    op.create_table(
        "usual_route",
        sa.Column("depot_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("vehicle_id", sa.Text(), nullable=False),
        sa.Column("persons", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_usual_route_depot_id")),
        sa.PrimaryKeyConstraint("depot_id", "name", "vehicle_id", name=op.f("pk_usual_route")),
    )


def downgrade() -> None:
    for table in ("usual_route", "address_book", "standing_order", "area"):
        op.drop_table(table)
    for table, name, _, _ in reversed(ADDED):
        op.drop_column(table, name)
