"""Broken vans, transfers between vans, files of proofs, drivers' rests."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _breakdowns()
    _transfers()
    _proof_files()
    _rests()
    for name, kind in PROOF:
        op.add_column("proof", sa.Column(name, kind, nullable=True))


def _breakdowns() -> None:
    op.create_table(
        "breakdown",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("vehicle_id", sa.Text(), nullable=False),
        sa.Column("depot_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_breakdown_vehicle_id")),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_breakdown_depot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breakdown")),
    )
    op.create_index("ix_breakdown_day", "breakdown", ["depot_id", "day"])


def _transfers() -> None:
    op.create_table(
        "transfer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("breakdown_id", sa.Text(), nullable=False),
        sa.Column("depot_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("from_vehicle", sa.Text(), nullable=False),
        sa.Column("to_vehicle", sa.Text(), nullable=False),
        sa.Column("service_s", sa.Integer(), nullable=False),
        sa.Column("effect_key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["breakdown_id"], ["breakdown.id"], name=op.f("fk_transfer_breakdown_id")),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_transfer_depot_id")),
        sa.ForeignKeyConstraint(["from_vehicle"], ["vehicle.id"], name=op.f("fk_transfer_from_vehicle")),
        sa.ForeignKeyConstraint(["to_vehicle"], ["vehicle.id"], name=op.f("fk_transfer_to_vehicle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
    )
    op.create_index("ix_transfer_day", "transfer", ["depot_id", "day"])
    op.create_table(
        "transfer_line",
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"], name=op.f("fk_transfer_line_transfer_id")),
        sa.ForeignKeyConstraint(["order_id"], ["order_.id"], name=op.f("fk_transfer_line_order_id")),
        sa.PrimaryKeyConstraint("transfer_id", "order_id", name=op.f("pk_transfer_line")),
    )


def _proof_files() -> None:
    op.create_table(
        "proof_file",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["order_.id"], name=op.f("fk_proof_file_order_id")),
        sa.PrimaryKeyConstraint("sha256", "order_id", name=op.f("pk_proof_file")),
    )


def _rests() -> None:
    op.create_table(
        "rest",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("vehicle_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_rest_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rest")),
    )
    op.create_index("ix_rest_day", "rest", ["vehicle_id", "day"])


PROOF: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("lat", sa.Double()),
    ("lon", sa.Double()),
    ("code", sa.Text()),
    ("barcodes", JSONB(none_as_null=True)),
    ("event_key", sa.Text()),
)


def downgrade() -> None:
    for name, _ in PROOF:
        op.drop_column("proof", name)
    for table in ("rest", "proof_file", "transfer_line", "transfer", "breakdown"):
        op.drop_table(table)
