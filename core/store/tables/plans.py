"""What is planned, expected and promised."""

from __future__ import annotations

from sqlalchemy import Column, Date, DateTime, ForeignKey, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from core.store.tables.base import metadata, moment

plan = Table(
    "plan",
    metadata,
    Column("depot_id", ForeignKey("depot.id"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("parent", Integer),
    Column("digest", Text, nullable=False),
    Column("status", Text, nullable=False),  # draft | published
    Column("cost", Integer, nullable=False),
    Column("unassigned", JSONB, nullable=False),
    Column("made_by", JSONB, nullable=False),  # engine, iterations, seed, stopped_by, problem and matrix hashes
    moment("created_at", nullable=False),
    Column("decision_id", Text),
)

plan_route = Table(  # a version stores the routes that it changes
    "plan_route",
    metadata,
    Column("depot_id", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("vehicle_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("visits", JSONB, nullable=False),  # [{stop, arrival, departure}] planned, ISO UTC
    Column("start", DateTime(timezone=True), nullable=False),
    Column("end", DateTime(timezone=True), nullable=False),
    Column("distance_m", Integer, nullable=False),
    Column("driving_s", Integer, nullable=False),
    Column("cost", Integer, nullable=False),
    Column("rests", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # [{after, at, seconds, driven_s, own}]
    Column(
        "figures", JSONB, nullable=False, server_default=text("'{}'::jsonb")
    ),  # optimizer.figures, as it was planned
)

plan_run = Table(
    "plan_run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("depot_id", ForeignKey("depot.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("status", Text, nullable=False),  # queued | running | done | failed
    Column("request", JSONB, nullable=False),
    Column("progress", JSONB, nullable=False),
    Column("version", Integer),
    Column("error", Text),
    moment("at", nullable=False),
)

live_route = Table(  # the present judgement of a van's remaining route
    "live_route",
    metadata,
    Column("vehicle_id", ForeignKey("vehicle.id"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("version", Integer, nullable=False),
    moment("at", nullable=False),  # domain time of the facts it rests on
    Column("etas", JSONB, nullable=False),  # [{stop, p50, lo, hi}] ISO UTC in visiting order
    Column("late", JSONB, nullable=False),  # stop ids judged late at present
)

promise = Table(
    "promise",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", ForeignKey("order_.id"), nullable=False),
    moment("lo", nullable=False),
    moment("hi", nullable=False),
    Column("message_id", Text, nullable=False),
    moment("made_at", nullable=False),
    Column("status", Text, nullable=False),  # open | kept | broken | superseded | released
)
Index("ix_promise_order", promise.c.order_id)
