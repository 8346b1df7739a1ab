"""Events: facts arrive once and are read in the order they happened, not in the order they came."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from core import events
from core.events import Event
from core.store.tables import event
from tests.living import at


def append(db: Connection, key: str, happened: str = "09:00", **given: Any) -> bool:
    fields = {"kind": "driver.arrived", "source": "dan", "subject": "stp_1", **given}
    return events.append(db, Event(key=key, at=at(happened), **fields), at("10:00"))


def test_a_fact_is_kept_with_when_it_happened_and_when_it_came(record: Connection) -> None:
    assert append(record, "k1", data={"stop": "x"}, vehicle_id="van1")
    row = record.execute(select(event)).one()
    assert (row.at, row.received_at, row.data, row.vehicle_id) == (at("09:00"), at("10:00"), {"stop": "x"}, "van1")


def test_a_key_seen_before_is_no_new_fact(record: Connection) -> None:
    append(record, "k1", data={"n": 1})
    assert not append(record, "k1", data={"n": 2})
    assert record.execute(select(event.c.data)).scalars().all() == [{"n": 1}]


def test_what_is_known_of_a_subject_comes_in_the_order_it_happened(record: Connection) -> None:
    for key, happened in (("late", "09:30"), ("early", "09:00"), ("second", "09:30")):
        append(record, key, happened)
    append(record, "other", subject="stp_2")
    assert [row.key for row in events.of(record, "stp_1")] == ["early", "late", "second"]
