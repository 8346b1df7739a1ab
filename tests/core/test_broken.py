"""Broken promises on small made-up days: one order, a promise until 11:00, and what happened around it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from core import broken, cases, effects, events, orders, promises
from core.broken import Broken
from core.clock import iso
from core.events import Event
from core.store.tables import outbox, person, promise
from tests.living import DAY, DEPOT, a_depot, a_van, an_order, at, stop_of

HI = at("11:00")


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    a_van(record)
    return record


@pytest.fixture
def order(db: Connection) -> str:
    """An order whose customer was promised 10:00 to 11:00 at seven."""
    made = an_order(db, "A1")
    promises.make(db, made, at("10:00"), HI, say(db, made, "promise", "07:00"), at("07:00"))
    return made


def say(db: Connection, order_id: str, template: str, when: str, *, error: str = "") -> str:
    """A message, and at once what became of it."""
    row = orders.get(db, order_id)
    made = effects.queue_message(db, "case_1", row.person_id, order_id, template, f"{template} {when}", at(when))
    key = db.execute(select(outbox.c.effect_key).where(outbox.c.message_id == made)).scalar_one()
    effects.settle(db, key, "failed" if error else "done", at(when), error=error or None)
    return made


def retell(db: Connection, order_id: str, when: str, until: str, *, error: str = "") -> None:
    made = say(db, order_id, "retell", when, error=error)
    promises.make(db, order_id, at(when), at(until), made, at(when))


def seen(db: Connection, kind: str, subject: str, when: str, **data: Any) -> None:
    fact = Event(
        key=f"{kind}:{subject}:{when}", kind=kind, source="test", subject=subject, at=at(when), vehicle_id="van1",
        data=data,
    )  # fmt: skip
    events.append(db, fact, at(when))


def arrive(db: Connection, order_id: str, when: str) -> None:
    seen(db, "driver.arrived", stop_of(db, order_id), when)
    promises.settle(db, order_id, at(when))


def judged_late(db: Connection, order_id: str, when: str, expected: str) -> None:
    seen(db, "stop.predicted_late", stop_of(db, order_id), when, expected=iso(at(expected)))


def found(db: Connection) -> list[Broken]:
    return broken.of_day(db, DAY, at("00:00"), at("00:00") + timedelta(days=1))


def the_one(db: Connection) -> Broken:
    rows = found(db)
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize("arrived", ["09:00", "11:00"])
def test_a_van_that_is_there_by_the_end_breaks_nothing(db: Connection, order: str, arrived: str) -> None:
    arrive(db, order, arrived)
    assert found(db) == []


def test_a_late_van_that_nobody_expected_to_be_late_was_known_later(db: Connection, order: str) -> None:
    arrive(db, order, "11:05")
    row = the_one(db)
    assert (row.reason, row.told, row.knowable) == ("known_later", None, None)
    assert (row.hi, row.arrived) == (HI, at("11:05"))
    assert not row.was_knowable


def test_who_was_told_an_hour_before_was_told_in_time_and_the_second_is_kept(db: Connection, order: str) -> None:
    judged_late(db, order, "09:30", "11:20")
    retell(db, order, "10:00", "12:00")
    arrive(db, order, "11:20")
    row = the_one(db)
    assert (row.reason, row.told, row.knowable) == ("told", at("10:00"), at("09:30"))
    assert row.told_in_time
    assert row.was_knowable
    assert row.told_when_knowable


def test_a_retold_time_that_is_broken_too_is_judged_by_itself(db: Connection, order: str) -> None:
    judged_late(db, order, "09:30", "11:20")
    retell(db, order, "10:00", "11:30")
    arrive(db, order, "11:45")
    first, second = sorted(found(db), key=lambda row: row.hi)
    assert (first.reason, second.reason) == ("told", "known_later")


def test_a_superseded_promise_that_was_kept_all_the_same_is_not_broken(db: Connection, order: str) -> None:
    retell(db, order, "10:00", "12:00")
    arrive(db, order, "10:50")
    assert found(db) == []


@pytest.mark.parametrize(
    ("when", "reason", "in_time", "ahead"),
    [
        pytest.param("10:30", "told", True, True, id="half an hour before"),
        pytest.param("10:45", "told", True, False, id="a quarter of an hour before"),
        pytest.param("10:46", "untold", False, False, id="a minute later"),
        pytest.param("11:02", "untold", False, False, id="when it was broken"),
    ],
)
def test_a_quarter_of_an_hour_before_the_end_is_the_line(
    db: Connection, order: str, when: str, reason: str, in_time: bool, ahead: bool
) -> None:
    judged_late(db, order, "09:30", "11:20")
    retell(db, order, when, "12:00")
    arrive(db, order, "11:20")
    row = next(row for row in found(db) if row.hi == HI)
    assert (row.reason, row.told_in_time, row.told_when_knowable) == (reason, in_time, ahead)


def test_known_in_time_and_never_told_has_no_excuse(db: Connection, order: str) -> None:
    judged_late(db, order, "10:44", "11:20")
    arrive(db, order, "11:20")
    row = the_one(db)
    assert row.reason == "untold"
    assert not row.was_knowable, "a quarter of an hour is less than a half"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("opted_out", "opted_out"),
        ("message.opted_out", "opted_out"),
        ("bad_address", "no_contact"),
        ("message.too_many", "cap"),
        ("message.news_cap", "cap"),
        ("message.night", "quiet_hours"),
        ("provider exploded", "untold"),
    ],
)
def test_a_message_that_did_not_go_out_gives_its_reason(db: Connection, order: str, error: str, reason: str) -> None:
    judged_late(db, order, "09:30", "11:20")
    retell(db, order, "10:00", "12:00", error=error)
    arrive(db, order, "11:20")
    assert the_one(db).reason == reason


@pytest.mark.parametrize(("gone", "reason"), [({"opted_out": True}, "opted_out"), ({"phone": None}, "no_contact")])
def test_who_can_not_be_told_is_a_reason_without_a_message(
    db: Connection, order: str, gone: dict[str, Any], reason: str
) -> None:
    judged_late(db, order, "09:30", "11:20")
    arrive(db, order, "11:20")
    db.execute(update(person).where(person.c.id == orders.get(db, order).person_id).values(gone))
    assert the_one(db).reason == reason


def test_a_breakdown_of_the_van_that_was_to_come_makes_it_knowable(db: Connection, order: str) -> None:
    seen(db, "driver.breakdown", "van1", "10:10", minutes=60)
    arrive(db, order, "11:40")
    assert the_one(db).knowable == at("10:10")


def test_expected_late_but_within_the_promise_is_not_knowing(db: Connection, order: str) -> None:
    judged_late(db, order, "09:30", "10:59")
    arrive(db, order, "11:20")
    assert the_one(db).knowable is None


def test_late_once_and_on_time_again_is_not_knowing(db: Connection, order: str) -> None:
    judged_late(db, order, "09:00", "11:20")
    seen(db, "stop.on_time_again", stop_of(db, order), "09:30", expected=iso(at("10:50")))
    arrive(db, order, "11:05")
    row = the_one(db)
    assert (row.knowable, row.reason) == (None, "known_later")


def test_late_again_counts_from_the_second_time(db: Connection, order: str) -> None:
    judged_late(db, order, "09:00", "11:20")
    seen(db, "stop.on_time_again", stop_of(db, order), "09:30", expected=iso(at("10:50")))
    judged_late(db, order, "10:40", "11:10")
    arrive(db, order, "11:10")
    row = the_one(db)
    assert (row.knowable, row.reason) == (at("10:40"), "untold")
    assert not row.was_knowable


def test_in_time_for_a_retold_time_is_still_late_for_the_first_one(db: Connection, order: str) -> None:
    judged_late(db, order, "09:00", "11:20")
    seen(db, "stop.on_time_again", stop_of(db, order), "09:30", expected=iso(at("11:15")))
    arrive(db, order, "11:15")
    assert the_one(db).knowable == at("09:00")


@pytest.mark.parametrize(("called", "reason"), [(True, "told"), (False, "untold")])
def test_a_call_by_who_worked_the_case_is_telling(db: Connection, order: str, called: bool, reason: str) -> None:
    judged_late(db, order, "09:00", "11:20")
    made, _ = cases.open_or_join(db, "predicted_late", stop_of(db, order), DEPOT, DAY, {}, at("09:00"))
    facts = {"called": called, "note": "Called."}
    cases.advance(db, cases.get(db, made), "closed", closed_at=at("09:20"), facts=facts)
    arrive(db, order, "11:20")
    row = the_one(db)
    assert (row.reason, row.told) == (reason, at("09:20") if called else None)


def test_a_call_about_an_incident_reaches_all_whom_it_hits(db: Connection, order: str) -> None:
    judged_late(db, order, "09:00", "11:20")
    made, _ = cases.open_or_join(db, "incident", "inc_1", DEPOT, DAY, {}, at("09:00"))
    cases.fold(db, "predicted_late", stop_of(db, order), DEPOT, DAY, {}, made, at("09:00"))
    facts = {"called": True, "note": "Called them all."}
    cases.advance(db, cases.get(db, made), "closed", closed_at=at("09:20"), facts=facts)
    arrive(db, order, "11:20")
    assert (the_one(db).reason, the_one(db).told) == ("told", at("09:20"))


def test_who_cancelled_is_not_failed_by_the_van_that_comes_to_the_same_door(db: Connection, order: str) -> None:
    facts = {"order": order, "requester": "customer"}
    cases.open_or_join(db, "cancel", order, DEPOT, DAY, facts, at("09:00"))
    promises.release(db, order)
    orders.set_status(db, [order], "cancelled")
    seen(db, "driver.arrived", stop_of(db, order), "11:40")
    assert found(db) == []


def test_a_van_that_never_came_breaks_the_promise_unless_the_customer_chose_so(db: Connection, order: str) -> None:
    orders.set_status(db, [order], "rescheduled")
    promises.release(db, order)
    assert [row.arrived for row in found(db)] == [None], "we moved it"
    facts = {"order": order, "requester": "customer"}
    cases.open_or_join(db, "reschedule", order, DEPOT, DAY, facts, at("08:00"))
    assert found(db) == [], "the customer wanted it so"


def test_telling_of_another_day_counts_as_telling(db: Connection, order: str) -> None:
    say(db, order, "rescheduled", "09:00")
    orders.set_status(db, [order], "rescheduled")
    promises.release(db, order)
    assert the_one(db).reason == "told"


def test_what_is_not_about_times_tells_nothing(db: Connection, order: str) -> None:
    judged_late(db, order, "09:30", "11:20")
    say(db, order, "delivered", "10:00")
    arrive(db, order, "11:20")
    assert the_one(db).reason == "untold"


def test_a_row_names_nobody(db: Connection, order: str) -> None:
    arrive(db, order, "11:05")
    shown = the_one(db).as_json()
    made: datetime = db.execute(select(promise.c.made_at)).scalar_one()
    assert shown.keys() == {"promise", "order", "hi", "arrived", "knowable", "told", "reason"}
    assert made < the_one(db).hi
