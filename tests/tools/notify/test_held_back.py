"""What the outbox keeps back: until the morning what is still true then, for ever what the caps leave no room for."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from core import clock, events, orders, promises
from core.store import db as store
from core.store.tables import effect, message, order, outbox, person, promise
from tests.living import Living, at
from tests.tools.notify.a_message import write
from tools.notify import outbox as post
from tools.notify.fake import FakeProvider


def stage(template: str, ref: str = "A1") -> None:
    """A message of a stage, written now."""
    write(ref, template, template)


def promised(hi: datetime) -> None:
    """A promise that a message tells, until `hi`."""
    order_id = write()
    with store.transaction() as db:
        row = db.execute(select(message.c.id).where(message.c.order_id == order_id)).scalar_one()
        promises.make(db, order_id, hi - timedelta(hours=1), hi, row, clock.now(db))


def rules() -> list[tuple[str, str | None, str | None]]:
    with store.transaction() as db:
        return [(r.status, r.error, r.rule) for r in db.execute(select(effect).order_by(effect.c.key))]


TOMORROW = at("06:00") + timedelta(days=1)


@pytest.mark.parametrize(
    ("template", "waits", "why"),
    [
        ("delivered", True, "what was done stays done"),
        ("failed", True, "and what was not"),
        ("rescheduled", True, "the new day is still ahead"),
        ("survey", True, "nobody is woken to be asked"),
        ("next", False, "by then the van has come and gone"),
        ("arrived", False, "nobody stands at the door till morning"),
        ("out_for_delivery", False, "the order is not on a van"),
    ],
)
def test_what_is_still_true_in_the_morning_waits_for_it(noon: Living, template: str, waits: bool, why: str) -> None:
    noon.to(at("23:30"))
    stage(template)
    phone = FakeProvider()
    post.drain(phone)
    assert phone.delivered == []
    before = ("pending", None) if waits else ("failed", "message.night")
    assert rules() == [(*before, "message.night")], why
    noon.pulse(TOMORROW - timedelta(minutes=1), phone)
    assert phone.delivered == []
    noon.pulse(TOMORROW, phone)
    assert [m.text for m in phone.delivered] == ([template] if waits else [])


@pytest.mark.parametrize(
    ("hi", "waits", "why"),
    [("05:00", False, "it is over by then"), ("12:00", True, "it is still ahead")],
)
def test_a_time_waits_only_if_it_is_still_ahead_in_the_morning(noon: Living, hi: str, waits: bool, why: str) -> None:
    noon.to(at("23:30"))
    promised(at(hi) + timedelta(days=1))
    phone = FakeProvider()
    post.drain(phone)
    noon.pulse(TOMORROW, phone)
    assert bool(phone.delivered) is waits, why


def test_a_time_that_was_told_anew_by_morning_is_not_sent(noon: Living) -> None:
    noon.to(at("23:30"))
    promised(at("12:00") + timedelta(days=1))
    phone = FakeProvider()
    post.drain(phone)
    with store.transaction() as db:
        db.execute(update(promise).values(status="superseded"))
    noon.pulse(TOMORROW, phone)
    assert phone.delivered == []
    assert rules() == [("failed", "no_longer_true", "message.night")]


def test_nights_are_those_where_the_person_is(noon: Living) -> None:
    """Noon in Chicago is seven in the evening in Madrid; five in the afternoon there is midnight."""
    write()
    with store.transaction() as db:
        db.execute(update(person).values(tz="Europe/Madrid"))
    noon.to(at("17:00"))
    stage("delivered", "A1")
    phone = FakeProvider()
    post.drain(phone)
    assert [m.text for m in phone.delivered] == []
    noon.pulse(at("23:00"), phone)  # six in Madrid
    assert "delivered" in [m.text for m in phone.delivered]


@pytest.mark.parametrize(
    ("sent", "template", "rule", "why"),
    [
        (3, "survey", "message.allowed", "not much was said today"),
        (4, "survey", "message.survey_cap", "surveys are the first to go"),
        (5, "delivered", "message.allowed", "there is room for news"),
        (6, "delivered", "message.news_cap", "the rest is for promises"),
        (7, "retell", "message.allowed", "a promise that is told anew"),
        (8, "retell", "message.too_many", "a person calls"),
    ],
)
def test_caps_leave_the_last_messages_to_promises(noon: Living, sent: int, template: str, rule: str, why: str) -> None:
    for number in range(sent):
        write(body=f"message {number}")
    phone = FakeProvider()
    post.drain(phone)
    assert len(phone.delivered) == sent
    write(body="one more", template=template)
    post.drain(phone)
    with store.transaction() as db:
        last = db.execute(select(effect).join(outbox).order_by(outbox.c.id.desc()).limit(1)).one()
    assert last.rule == rule, why
    assert (last.error is None) == (rule == "message.allowed")


def test_an_opt_out_at_the_provider_is_a_fact_of_its_own(noon: Living) -> None:
    order_id = write()
    with store.transaction() as db:
        number = db.execute(select(person.c.phone).join_from(person, order)).scalar_one()
        person_id = orders.get(db, order_id).person_id
    post.drain(FakeProvider(opted_out=frozenset({number})))
    with store.transaction() as db:
        assert [(e.kind, e.source) for e in events.of(db, person_id)] == [("customer.opted_out", "provider")]
