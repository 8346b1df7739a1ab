"""Orders and parcels, and what happened to them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.store.tables.base import metadata, moment

order = Table(
    "order_",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ref", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("depot_id", ForeignKey("depot.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("status", Text, nullable=False),
    Column("address", Text),  # personal: erased with the person, as are its parts and the coordinates
    Column(
        "address_parts", JSONB(none_as_null=True)
    ),  # {line1, line2, city, state, postal_code, country}, those that were sent
    Column("lat", Double),
    Column("lon", Double),
    Column("place", Text, nullable=False, server_default="given"),  # how it is known: core.orders.PLACES
    Column("notes", Text),
    Column("stop_id", Text, nullable=False),
    Column("windows", JSONB, nullable=False),  # [[iso, iso], ...] in UTC
    Column("service_s", Integer, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("weight_g", Integer, nullable=False),
    Column("volume_ml", Integer, nullable=False, server_default="0"),
    Column("kind", Text, nullable=False, server_default="delivery"),  # core.orders.KINDS
    Column("priority", Integer, nullable=False, server_default="1"),  # 0 low, 1 normal, 2 high, 3 urgent
    Column("skills", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # what van or driver must have
    Column("crew", Integer, nullable=False, server_default="1"),  # persons that the job takes
    Column("source", Text, nullable=False),  # digest of the row it came from: the same row twice changes nothing
    moment("created_at", nullable=False),
    UniqueConstraint("client", "ref"),
)
Index("ix_order_day", order.c.depot_id, order.c.day)
Index("ix_order_person", order.c.person_id)
Index("ix_order_stop", order.c.stop_id)

standing_order = Table(  # one that comes again each week
    "standing_order",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("depot_id", ForeignKey("depot.id"), nullable=False),
    Column("weekdays", JSONB, nullable=False),  # 1 Monday to 7 Sunday
    Column("starts", Date, nullable=False),
    Column("until", Date),  # the last day; NULL: for good
    Column("skipped", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # days without it, ISO
    Column("windows", JSONB, nullable=False),  # [[seconds, seconds], ...] after local midnight
    Column("body", JSONB, nullable=False),  # the rest of core.orders.NewOrder; personal: the row goes with the person
    UniqueConstraint("client", "ref"),
)
Index("ix_standing_order_depot", standing_order.c.depot_id)

address_book = Table(  # what is known of a customer's door; personal: goes with the person
    "address_book",
    metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("key", Text, primary_key=True),  # the address without case, accents, blanks and punctuation
    Column("address", Text, nullable=False),
    Column("lat", Double),
    Column("lon", Double),
    Column("notes", Text),
    Column("service_s", Integer),
    moment("at", nullable=False),
)

usual_route = Table(  # a named sequence of customers, for plans to start from
    "usual_route",
    metadata,
    Column("depot_id", ForeignKey("depot.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("vehicle_id", Text, primary_key=True),
    Column("persons", JSONB, nullable=False),  # [person id, ...] in order
)

parcel = Table(
    "parcel",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", ForeignKey("order_.id"), nullable=False),
    Column("holder", Text, nullable=False),  # depot:ID | van:ID | customer:ID | carrier:ID | lost
    moment("since", nullable=False),
    Column("event_key", Text),
)
Index("ix_parcel_order", parcel.c.order_id)
Index("ix_parcel_holder", parcel.c.holder)

import_batch = Table(
    "import_batch",
    metadata,
    Column("id", Text, primary_key=True),
    moment("at", nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
)

import_row = Table(  # rows that could not be taken, kept with their reason
    "import_row",
    metadata,
    Column("batch_id", ForeignKey("import_batch.id"), primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("field", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("fix", Text, nullable=False),
    Column("ref", Text),
    Column("order_id", Text),  # of the order that the row repeats
    Column("raw", JSONB),
)

proof = Table(
    "proof",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", ForeignKey("order_.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("sha256", Text),
    Column("note", Text),
    Column("metres_away", Integer),
    Column("lat", Double),  # where it was taken: personal, like the address
    Column("lon", Double),
    Column("code", Text),  # that the customer showed
    Column("barcodes", JSONB(none_as_null=True)),  # parcel ids that were scanned at the door
    Column("event_key", Text),
    moment("at", nullable=False),
)
Index("ix_proof_order", proof.c.order_id)

attempt = Table(  # an attempt that failed
    "attempt",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", ForeignKey("order_.id"), nullable=False),
    Column("reason", Text, nullable=False),  # core.attempts.REASONS
    Column("note", Text),  # the driver's own words: personal
    moment("at", nullable=False),
)
Index("ix_attempt_order", attempt.c.order_id)
event = Table(
    "event",
    metadata,
    Column("seq", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("subject", Text, nullable=False),  # order, stop, vehicle ... the event is about
    Column("vehicle_id", Text),
    moment("at", nullable=False),
    moment("received_at", nullable=False),
    Column("data", JSONB, nullable=False),
)
Index("ix_event_subject", event.c.subject)
Index("ix_event_vehicle", event.c.vehicle_id, event.c.at)

position = Table(  # bulk data, partitioned by day, with retention: not events
    "position",
    metadata,
    Column("vehicle_id", Text, nullable=False),
    moment("at", nullable=False),
    Column("lat", Double, nullable=False),
    Column("lon", Double, nullable=False),
    Column("speed_kmh", Double),
    Column("heading", Double),
    postgresql_partition_by="RANGE (at)",
)
Index("ix_position_vehicle", position.c.vehicle_id, position.c.at)

van = Table(  # what a van is doing now; one row a vehicle
    "van",
    metadata,
    Column("vehicle_id", ForeignKey("vehicle.id"), primary_key=True),
    Column("day", Date, nullable=False),
    Column("state", Text, nullable=False),  # core.vans.STATES
    Column("stop_id", Text),  # the stop it heads to or serves
    Column("last_stop_id", Text),  # the stop it left last
    moment("state_at", nullable=False),
    Column("lat", Double),
    Column("lon", Double),
    moment("position_at"),
    Column("hours", JSONB),  # the driver's day by its taps: core.driving.Day
)

fence = Table(  # at which door a van stands, by its positions
    "fence",
    metadata,
    Column("vehicle_id", ForeignKey("vehicle.id"), primary_key=True),
    Column("stop_id", Text),
    moment("entered_at"),
    moment("seen_at", nullable=False),  # positions up to here are judged
)
