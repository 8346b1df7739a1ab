"""Why an attempt failed: codes of a closed list; a driver's own words stay in their row."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, select

from core import attempts, events, orders, people, scans
from core.store.tables import attempt
from tests.living import a_depot, a_van, an_order, at, load_and_leave, tap


@pytest.mark.parametrize(
    ("data", "code", "note", "why"),
    [
        ({"reason": "closed"}, "closed", None, "a code"),
        ({"reason": "Nobody home"}, "nobody_home", None, "a code by hand"),
        ({"reason": "no-access", "note": " gate 12 "}, "no_access", "gate 12", "with a note"),
        ({"reason": "the dog"}, "other", "the dog", "words are no code"),
        ({"reason": "the dog", "note": "big"}, "other", "the dog / big", "both are kept"),
        ({"reason": 7}, "other", "7", "not even words"),
        ({"reason": "other"}, "other", None, "said so"),
        ({"reason": "x" * 900}, "other", "x" * 500, "no novels"),
    ],
)
def test_a_reason_is_a_code_and_the_rest_a_note(data: dict[str, Any], code: str, note: str | None, why: str) -> None:
    assert attempts.read(data) == (code, note), why


def test_words_stand_in_a_row_that_goes_with_the_person(record: Connection) -> None:
    a_depot(record)
    a_van(record)
    order_id = an_order(record, "A1")
    load_and_leave(record, "van1", [order_id], at("08:00"))
    tap(record, "failed", "van1", at("09:00"), order_id, reason="closed", note="ring Mrs Smith at 12")
    assert attempts.last_reason(record, order_id) == "closed"
    assert [row.data for row in events.of(record, order_id) if row.kind == "driver.failed"] == [{"reason": "closed"}]
    kept = select(attempt.c.note).where(attempt.c.order_id == order_id)
    assert record.execute(kept).scalar_one() == "ring Mrs Smith at 12"
    tap(record, "finished", "van1", at("17:00"))
    scans.came_back(record, order_id)
    people.erase(record, orders.get(record, order_id).person_id, at("18:00"))
    assert record.execute(kept).scalar_one() is None
    assert attempts.last_reason(record, order_id) == "closed", "the code says nothing about anybody"
