"""Persons, clients, depots, vehicles and drivers."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.store.tables.base import metadata, moment

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("salt", LargeBinary),
    Column("name", Text),
    Column("phone", Text),
    Column("email", Text),
    Column("opted_out", Boolean, nullable=False, server_default="false"),
    Column("lang", Text),  # the language to write in; None: the client's
    Column("tz", Text),  # where the person is, for quiet hours; None: where the order's depot is
    moment("erased_at"),
)
Index("ix_person_phone", person.c.phone)

client = Table(  # who sends us orders, and what was agreed with them; an order may name one that is not here
    "client",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("latest_min", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("retry", Text, nullable=False),  # core.clients.RETRIES
)

depot = Table(
    "depot",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("lat", Double, nullable=False),
    Column("lon", Double, nullable=False),
    Column("tz", Text, nullable=False),
    Column("country", Text),  # ISO 3166 alpha-2; else told from the time zone
    Column("matrix", Text),  # hash of a travel-time matrix of its own; else the calibrated great-circle
    Column("docks", Integer),  # vans that can be loaded at a time; NULL: all
    Column("service_quantile", Double, nullable=False, server_default="0.5"),  # how safe plans are: core.fleet
)

area = Table(  # a part of a depot's map, for vehicles that keep to some
    "area",
    metadata,
    Column("depot_id", ForeignKey("depot.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("polygon", JSONB, nullable=False),  # [[lat, lon], ...]
)

matrix_place = Table(  # which row of a depot's own matrix stands for which point
    "matrix_place",
    metadata,
    Column("depot_id", ForeignKey("depot.id"), primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("lat", Double, nullable=False),
    Column("lon", Double, nullable=False),
)

vehicle = Table(
    "vehicle",
    metadata,
    Column("id", Text, primary_key=True),
    Column("depot_id", ForeignKey("depot.id"), nullable=False),
    Column("driver_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("weight_g", Integer, nullable=False),
    Column("volume_ml", Integer, nullable=False, server_default="100000000"),
    Column("skills", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("crew", Integer, nullable=False, server_default="1"),  # persons aboard
    Column("shift_start_s", Integer, nullable=False),  # seconds after local midnight
    Column("shift_end_s", Integer, nullable=False),
    Column("cost_per_use", Integer, nullable=False),
    Column("cost_per_hour", Integer, nullable=False),
    Column("cost_per_km", Integer, nullable=False),
    Column("max_stops", Integer),
    Column("ends_at_depot", Boolean, nullable=False),
    Column("areas", JSONB(none_as_null=True)),  # the only ones it delivers in; NULL: anywhere
    Column("speed_percent", Integer, nullable=False, server_default="100"),
    Column("co2_g_km", Integer, nullable=False, server_default="250"),
    Column("loading_s", Integer, nullable=False, server_default="0"),
    Column("breaks", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # [[seconds, earliest, latest], ...]
    Column("hours", JSONB(none_as_null=True)),  # {drive_min, break_min, day_min}; NULL: no limits
    UniqueConstraint("driver_id"),
)

driver = Table(
    "driver",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
)
