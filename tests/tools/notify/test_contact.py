"""Who opts out is heard, and nobody's promise breaks in silence for it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core import orders
from core.store import db as store
from core.store.tables import case
from tests.living import Living
from tests.tools.a_case import NOW, late, open_cases, planned
from tools.notify import contact


@pytest.mark.parametrize(
    ("is_late", "cases", "why"),
    [
        (False, [], "the van comes as promised: there is nothing to tell"),
        (True, ["opted_out_waiting", "predicted_late"], "they would wait for it and hear nothing"),
    ],
)
def test_a_person_is_asked_to_call_only_where_a_promise_is_at_risk(
    living: Living, is_late: bool, cases: list[str], why: str
) -> None:
    day = planned(living)
    if is_late:
        late(day)
    with store.transaction() as db:
        person_id = orders.get(db, day.orders["A1"]).person_id
        assert contact.opted_out(db, person_id, "somebody", NOW)
    assert open_cases() == cases, why


def test_opting_out_again_opens_no_second_case(living: Living) -> None:
    day = planned(living)
    late(day)
    with store.transaction() as db:
        person_id = orders.get(db, day.orders["A1"]).person_id
        for _ in range(3):
            contact.opted_out(db, person_id, "somebody", NOW)
        rows = db.execute(select(case).where(case.c.kind == "opted_out_waiting")).all()
    assert [(row.subject, row.facts["order"]) for row in rows] == [(day.orders["A1"], day.orders["A1"])]


def test_the_case_goes_to_a_person_at_once(living: Living) -> None:
    day = planned(living)
    late(day)
    with store.transaction() as db:
        contact.opted_out(db, orders.get(db, day.orders["A1"]).person_id, "somebody", NOW)
    living.work()
    with store.transaction() as db:
        row = db.execute(select(case).where(case.c.kind == "opted_out_waiting")).one()
    assert (row.status, row.reason_code) == ("escalated", "opted_out_waiting")
