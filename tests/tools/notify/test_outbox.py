"""The outbox: never sent twice, never silently lost, and nothing that policy does not let through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from core import effects, orders, timers
from core.settings import override
from core.store import db as store
from core.store.tables import effect, order, outbox, person
from tests.living import Living, a_depot, an_order, at, effects_by_status, the_case
from tests.tools.a_case import open_cases
from tests.tools.notify.a_message import NOON, ledger, write
from tools.notify import outbox as post
from tools.notify.console import ConsoleSender
from tools.notify.fake import FakeProvider, Odds
from tools.notify.port import Outcome, OutMessage, Sent, Unknown


class Dies(BaseException):
    """The process is gone: nothing after this line runs."""


class Breaks(FakeProvider):
    """A provider with which our process dies once, before or after it has taken the message."""

    def __init__(self, when: str, dedupes: bool = False) -> None:
        super().__init__(dedupes=dedupes)
        self.when = when

    def send(self, message: OutMessage) -> Outcome:
        when, self.when = self.when, ""
        if when == "before":
            raise Dies
        came = super().send(message)
        if when == "after":
            raise Dies
        return came


class Mute(FakeProvider):
    """Takes what it gets and never says what became of it."""

    def send(self, message: OutMessage) -> Outcome:
        super().send(message)
        return Unknown(key=message.key, reason="timeout")

    def find(self, message: OutMessage, since: datetime, claimed: frozenset[str] = frozenset()) -> Unknown:
        return Unknown(key=message.key, reason="lookup_failed")


def later(living: Living, seconds: int = 31) -> None:
    """The clock moves on past the next try; the timers that are due have the outbox drained."""
    with store.transaction() as db:
        now = max(NOON, db.execute(select(func.max(outbox.c.due_at))).scalar_one())
    living.to(now + timedelta(seconds=seconds - 30))
    with store.transaction() as db:
        timers.fire(db, now + timedelta(seconds=seconds - 30))


# The plain way


def test_a_message_goes_out_once_and_the_ledger_says_so(noon: Living) -> None:
    write()
    phone = FakeProvider(dedupes=False)
    assert post.drain(phone) == 1
    assert [(m.text, m.channel) for m in phone.delivered] == [("On its way", "sms")]
    assert ledger() == [("done", None, 1)]
    with store.transaction() as db:
        assert db.execute(select(effect.c.key)).scalar_one() == phone.delivered[0].key, "it knows it by its effect"
    assert post.drain(phone) == 0
    assert len(phone.delivered) == 1


def test_messages_go_out_in_the_order_they_were_written(noon: Living) -> None:
    for number in range(5):
        write(f"A{number}", str(number))
    phone = FakeProvider()
    post.drain(phone)
    assert [m.text for m in phone.delivered] == list("01234")


def test_what_is_not_due_yet_waits(noon: Living) -> None:
    write()
    with store.transaction() as db:
        db.execute(update(outbox).values(due_at=at("12:30")))
    phone = FakeProvider()
    assert post.drain(phone) == 0
    noon.to(at("12:30"))
    assert post.drain(phone) == 1


def test_the_console_sender_writes_what_would_be_sent(noon: Living, tmp_path: Path) -> None:
    write()
    override(DOORSTEP_SENDER="console")
    post.drain()
    assert "On its way" in (noon.folder / "sent.jsonl").read_text("utf-8")
    assert isinstance(post.sender(), ConsoleSender)
    assert ledger()[0][0] == "done"


# A crash in the middle


@pytest.mark.parametrize("dedupes", [True, False])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_around_the_send_neither_loses_nor_doubles_the_message(noon: Living, when: str, dedupes: bool) -> None:
    write()
    phone = Breaks(when, dedupes)
    with pytest.raises(Dies):
        post.drain(phone)
    assert ledger() == [("sending", None, 1)], "what the next process finds"
    post.drain(phone)
    assert len(phone.delivered) == 1
    assert ledger()[0][0] == "done"


def test_what_was_left_unknown_is_settled_before_anything_new_is_sent(noon: Living) -> None:
    write("A1", "first")
    phone = Breaks("after")
    with pytest.raises(Dies):
        post.drain(phone)
    write("A0", "second")
    assert post.drain(phone) == 2
    assert [m.text for m in phone.delivered] == ["first", "second"]


def test_many_crashes_in_a_row_still_send_it_once(noon: Living) -> None:
    write()
    phone = Breaks("before")
    for when in ("before", "before", "after"):
        phone.when = when
        with pytest.raises(Dies):
            post.drain(phone)
    post.drain(phone)
    assert (len(phone.delivered), ledger()[0][0]) == (1, "done")


# A provider that does not answer


def test_an_answer_that_got_lost_is_looked_up_and_not_sent_again(noon: Living) -> None:
    write()
    phone = FakeProvider(Odds(timeout_after=1), dedupes=False)
    post.drain(phone)
    assert ledger()[0][0] == "unknown"
    later(noon)
    post.drain(phone)
    assert (ledger()[0][0], len(phone.delivered)) == ("done", 1)


def test_a_request_that_got_lost_is_sent_again(noon: Living) -> None:
    write()
    phone = FakeProvider(Odds(timeout_before=1), dedupes=False)
    post.drain(phone)
    assert (ledger()[0][0], len(phone.delivered)) == ("unknown", 0)
    phone.odds = Odds()
    later(noon)
    post.drain(phone)
    assert (ledger()[0][0], len(phone.delivered)) == ("done", 1)


def test_an_unknown_message_is_not_asked_about_all_the_time(noon: Living) -> None:
    write()
    phone = Mute()
    post.drain(phone)
    assert post.drain(phone) == 0, "only when it is due again"
    assert noon.jobs() == [("drain_outbox", "")]


def test_what_stays_unknown_goes_to_a_person_and_is_not_touched_again(noon: Living) -> None:
    write()
    phone = Mute()
    post.drain(phone)
    for _ in range(10):
        later(noon)
        post.drain(phone)
    assert (ledger()[0][0], len(phone.delivered)) == ("unknown", 1)
    assert open_cases() == ["effect_unknown"]
    with store.transaction() as db:
        assert db.execute(select(outbox.c.done_at)).scalar_one() is not None
    noon.work(phone)
    with store.transaction() as db:
        row = the_case(db, "effect_unknown")
    assert (row.status, row.reason_code) == ("escalated", "effect_unknown")
    assert len(phone.delivered) == 1


def test_a_message_that_another_one_claims_is_not_taken_for_this_one(noon: Living) -> None:
    write("A1")
    write("A2")

    class Listing(FakeProvider):
        """Knows no keys: it finds whatever was sent and is not claimed yet."""

        settle_s = 1

        def find(self, message: OutMessage, since: datetime, claimed: frozenset[str] = frozenset()) -> Sent | None:
            free = [m for m in self.delivered if m.to == message.to and f"id-{m.key}" not in claimed]
            return Sent(key=message.key, provider_id=f"id-{free[0].key}") if free else None

        def send(self, message: OutMessage) -> Outcome:
            self.delivered.append(message)
            return Unknown(key=message.key, reason="timeout")

    phone = Listing()
    post.drain(phone)
    later(noon)
    post.drain(phone)
    with store.transaction() as db:
        refs = list(db.execute(select(effect.c.provider_ref)).scalars())
    assert len(set(refs)) == 2
    assert len(phone.delivered) == 2


# A provider that says no


def test_a_provider_that_is_too_busy_is_tried_again_later(noon: Living) -> None:
    write()
    phone = FakeProvider(Odds(rate_limited=1))
    post.drain(phone)
    assert ledger() == [("pending", "rate_limited", 1)]
    assert post.drain(phone) == 0, "not at once"
    phone.odds = Odds()
    later(noon)
    post.drain(phone)
    assert (ledger()[0][0], len(phone.delivered)) == ("done", 1)


def test_a_provider_that_stays_too_busy_is_given_up_on(noon: Living) -> None:
    write()
    phone = FakeProvider(Odds(rate_limited=1))
    post.drain(phone)
    for _ in range(10):
        later(noon)
        post.drain(phone)
    assert ledger() == [("failed", "rate_limited", post.MAX_ATTEMPTS)]


def test_who_opted_out_at_the_provider_is_written_to_no_more(noon: Living) -> None:
    order_id = write()
    with store.transaction() as db:
        number = db.execute(select(person.c.phone).join_from(person, order)).scalar_one()
    phone = FakeProvider(opted_out=frozenset({number}))
    post.drain(phone)
    with store.transaction() as db:
        gone = select(person.c.opted_out).where(person.c.id == orders.get(db, order_id).person_id)
        assert db.execute(gone).scalar_one()
    assert ledger() == [("failed", "opted_out", 1)]
    phone.opted_out.clear()
    write(body="another")
    post.drain(phone)
    assert phone.delivered == []
    assert [row[1] for row in ledger()] == ["opted_out", "opted_out"]


# What policy does not let through


def opt_out() -> None:
    with store.transaction() as db:
        db.execute(update(person).values(opted_out=True))


def no_number() -> None:
    with store.transaction() as db:
        db.execute(update(person).values(phone=None))


@pytest.mark.parametrize(
    ("before", "clock_time", "template", "error", "why"),
    [
        (opt_out, "12:00", "promise", "opted_out", "they want nothing"),
        (no_number, "12:00", "promise", "bad_address", "there is no number"),
        (lambda: None, "23:30", "promise", "message.night", "it is night at the depot"),
        (lambda: None, "12:00", "", "message.free_text", "no template holds it, and no person wrote it"),
    ],
)
def test_what_is_not_let_through_never_reaches_the_provider(
    noon: Living, before: Callable[[], None], clock_time: str, template: str, error: str, why: str
) -> None:
    noon.to(at(clock_time))
    write(template=template)
    before()
    phone = FakeProvider()
    post.drain(phone)
    assert phone.delivered == [], why
    assert [(status, said) for status, said, _ in ledger()] == [("failed", error)]


@pytest.mark.parametrize(
    ("clock_time", "sent"),
    [("05:59", False), ("06:00", True), ("21:59", True), ("22:00", False)],
)
def test_nobody_is_woken_for_a_parcel(living: Living, clock_time: str, sent: bool) -> None:
    with store.transaction() as db:
        a_depot(db)
        an_order(db, "A1")
    moment = at(clock_time) + (timedelta(days=1) if clock_time < "07:00" else timedelta(0))
    living.to(moment)
    write()
    phone = FakeProvider()
    post.drain(phone)
    assert bool(phone.delivered) is sent


def test_eight_messages_a_day_are_enough(noon: Living) -> None:
    phone = FakeProvider()
    for number in range(10):
        write(body=f"message {number}")
    post.drain(phone)
    assert len(phone.delivered) == 8
    assert sorted(error for _, error, _ in ledger() if error) == ["message.too_many"] * 2
    noon.to(NOON + timedelta(days=1))
    with store.transaction() as db:
        row = orders.by_ref(db, "A1")
        assert row is not None
        effects.queue_message(db, "plan:x", row.person_id, row.id, "promise", "next day", NOON + timedelta(days=1))
    post.drain(phone)
    assert phone.delivered[-1].text == "next day", "a new day, a new count"


def test_the_count_is_of_one_person(noon: Living) -> None:
    phone = FakeProvider()
    for number in range(8):
        write("A1", f"message {number}")
    write("B1", "to somebody else")
    post.drain(phone)
    assert len(phone.delivered) == 9


def test_what_failed_does_not_count_as_sent(noon: Living) -> None:
    phone = FakeProvider(Odds(rate_limited=1))
    write(body="x")
    for _ in range(7):
        post.drain(phone)
        later(noon)
    phone.odds = Odds()
    for number in range(8):
        write(body=f"message {number}")
    post.drain(phone)
    assert len(phone.delivered) == 8


# Bad days, by the seed


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dedupes", [True, False])
def test_on_a_bad_day_every_message_is_delivered_at_most_once_and_none_is_forgotten(
    noon: Living, seed: int, dedupes: bool
) -> None:
    bad = Odds(timeout_after=0.3, timeout_before=0.2, rate_limited=0.2, lookup_down=0.3)
    phone = FakeProvider(bad, seed=seed, dedupes=dedupes)
    for number in range(8):
        write(f"A{number}", str(number))
    for _ in range(12):
        post.drain(phone)
        later(noon)
    sent = [m.key for m in phone.delivered]
    assert len(sent) == len(set(sent))
    with store.transaction() as db:
        states = {row.key: row.status for row in db.execute(select(effect))}
        assert effects_by_status(db).keys() <= {"done", "failed", "unknown"}
        open_rows = db.execute(select(outbox.c.id).where(outbox.c.done_at.is_(None))).all()
    assert open_rows == [], "each has ended, or is with a person"
    assert {key for key, status in states.items() if status == "done"} <= set(sent)
    assert not {key for key, status in states.items() if status == "failed"} & set(sent)
