"""How goods change hands on the road: broken vans, transfers between vans, proofs' files, drivers' rests."""

from __future__ import annotations

from sqlalchemy import Column, Date, Double, ForeignKey, Index, Integer, LargeBinary, Table, Text

from core.store.tables.base import metadata, moment

breakdown = Table(  # a van that could not go on
    "breakdown",
    metadata,
    Column("id", Text, primary_key=True),
    Column("vehicle_id", ForeignKey("vehicle.id"), nullable=False),
    Column("depot_id", ForeignKey("depot.id"), nullable=False),
    Column("day", Date, nullable=False),
    moment("at", nullable=False),
    Column("lat", Double, nullable=False),
    Column("lon", Double, nullable=False),
    Column("reason", Text, nullable=False),  # core.breakdowns.REASONS
    Column("minutes", Integer),  # until it goes on, as the driver says; None: nobody knows
    Column("note", Text),  # the driver's own words: personal
    moment("ended_at"),
)
Index("ix_breakdown_day", breakdown.c.depot_id, breakdown.c.day)

transfer = Table(  # a meeting of two vans at which goods go from one to the other; a stop on the route of the second
    "transfer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("breakdown_id", ForeignKey("breakdown.id"), nullable=False),
    Column("depot_id", ForeignKey("depot.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("from_vehicle", ForeignKey("vehicle.id"), nullable=False),
    Column("to_vehicle", ForeignKey("vehicle.id"), nullable=False),
    Column("service_s", Integer, nullable=False),
    Column("effect_key", Text, nullable=False),  # of the ledger: settled when both have scanned
    Column("status", Text, nullable=False),  # open | done | void
    moment("at", nullable=False),
    moment("ended_at"),
)
Index("ix_transfer_day", transfer.c.depot_id, transfer.c.day)

transfer_line = Table(  # one order of a transfer, with the scan of who gives and of who takes
    "transfer_line",
    metadata,
    Column("transfer_id", ForeignKey("transfer.id"), primary_key=True),
    Column("order_id", ForeignKey("order_.id"), primary_key=True),
    moment("given_at"),
    moment("taken_at"),
)

proof_file = Table(  # pictures and signatures, by the hash of their bytes: personal, they go with the person
    "proof_file",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("order_id", ForeignKey("order_.id"), primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary),
    Column("by", Text, nullable=False),  # principal
    moment("at", nullable=False),
)

rest = Table(  # a driver's breaks, for the legal hours
    "rest",
    metadata,
    Column("id", Text, primary_key=True),
    Column("vehicle_id", ForeignKey("vehicle.id"), nullable=False),
    Column("day", Date, nullable=False),
    moment("began_at", nullable=False),
    moment("ended_at"),
)
Index("ix_rest_day", rest.c.vehicle_id, rest.c.day)
