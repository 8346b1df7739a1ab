"""A provider that is down: one case, nothing given up, nothing sent twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from agent import replay
from core import decisions, events, promises, timers
from core.errors import Misconfigured
from core.settings import override
from core.store import db as store
from core.store.tables import case, effect, message, outbox
from tests.living import Living, a_day, at, effects_by_status, the_case
from tests.tools.a_case import case_row, decided
from tests.tools.notify.a_message import NOON, write
from tools.notify import outages
from tools.notify import outbox as post
from tools.notify.console import ConsoleSender
from tools.notify.fake import FakeProvider, Odds
from tools.notify.port import Outcome, OutMessage
from tools.outages import is_down

PROVIDER = "provider:sms:fake"


class Line(FakeProvider):
    """A provider that can be unplugged."""

    up = False

    def send(self, message: OutMessage) -> Outcome:
        self.odds = Odds() if self.up else Odds(rate_limited=1)
        return super().send(message)


@pytest.fixture
def line(living: Living) -> Line:
    """At noon, with a published plan; its messages have gone out and the line is dead now."""
    a_day(living, {"van1": ["P1"]})
    living.to(NOON)
    return Line(dedupes=False)


def fail(line: Line, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        write(f"A{number}", str(number))
    post.drain(line)


def drain_at(living: Living, now: datetime, *by: FakeProvider | ConsoleSender) -> None:
    living.to(now)
    with store.transaction() as db:
        timers.fire(db, now)
    post.drain(*by)


def kinds() -> list[str]:
    with store.transaction() as db:
        query = select(case.c.kind).where(case.c.closed_at.is_(None))
        return sorted(db.execute(query).scalars())


def test_eighty_messages_that_fail_are_one_case_and_none_is_given_up(living: Living, line: Line) -> None:
    fail(line, 80)
    assert kinds() == ["provider_down"]
    for minute in range(1, 25):
        drain_at(living, NOON + timedelta(minutes=minute), line)
    assert kinds() == ["provider_down"]
    with store.transaction() as db:
        assert effects_by_status(db)["pending"] == 80
        mine = effect.c.error == "rate_limited"
        assert db.execute(select(func.max(effect.c.attempts)).where(mine)).scalar_one() <= 1, "no try counts meanwhile"


def test_when_it_answers_everything_goes_out_once_and_the_case_is_over(living: Living, line: Line) -> None:
    fail(line, 20)
    with store.transaction() as db:
        opened = the_case(db, "provider_down").id
    line.up = True
    drain_at(living, NOON + timedelta(minutes=2), line)
    assert len(line.delivered) == len({m.key for m in line.delivered}) == 20
    assert case_row(opened).reason_code == "answers_again"
    with store.transaction() as db:
        assert [row.kind for row in events.of(db, PROVIDER)] == ["provider.down", "provider.up"]
        assert not is_down(db, PROVIDER)


def test_a_few_failures_are_no_outage(living: Living, line: Line) -> None:
    fail(line, 4)
    assert kinds() == []


def test_a_provider_that_takes_others_is_not_down(living: Living, line: Line) -> None:
    line.up = True
    fail(line, 1)
    line.up = False
    fail(line, 6, start=1)
    assert kinds() == [], "one went out within two minutes"
    drain_at(living, NOON + timedelta(minutes=3), line)
    assert kinds() == ["provider_down"]


def test_while_it_is_down_one_message_is_tried_not_all(living: Living, line: Line) -> None:
    fail(line, 30)
    tries = sum(line._tries.values())
    drain_at(living, NOON + timedelta(minutes=2), line)
    assert sum(line._tries.values()) == tries + 1


def test_what_waits_for_nobody_is_held_by_itself_and_asked_again_when_it_lasts(living: Living, line: Line) -> None:
    fail(line, 6)
    with store.transaction() as db:
        opened = the_case(db, "provider_down").id
    living.work(by=line)
    assert [(d.action, d.verdict, d.rule) for d in decided(opened)] == [
        ("hold_messages", "auto", "hold_messages.waits")
    ]
    with store.transaction() as db:
        body = decisions.body(db, decided(opened)[0].id)
        assert body["inputs"]["scope"]["outage"] == {"waiting": 6, "urgent": 0, "other": False}
        assert replay.recompute(db, body["inputs"]) == body["outcome"]
    drain_at(living, NOON + timedelta(minutes=10), line)
    assert kinds() == []
    drain_at(living, NOON + timedelta(minutes=40), line)
    assert kinds() == ["provider_down"]


def test_customers_whose_time_is_about_to_come_are_a_persons(living: Living, line: Line) -> None:
    fail(line, 6)
    with store.transaction() as db:
        row = db.execute(select(message).where(message.c.body == "3")).one()
        promises.make(db, row.order_id, NOON + timedelta(minutes=10), NOON + timedelta(hours=1), row.id, NOON)
        opened = the_case(db, "provider_down").id
    living.work(by=line)
    assert (case_row(opened).status, case_row(opened).reason_code) == ("waiting", "hold_messages.urgent")


def test_messages_go_another_way_and_come_back_to_the_first(living: Living, line: Line) -> None:
    override(DOORSTEP_SENDER_FALLBACK="console")
    second = ConsoleSender(None, echo=None)
    fail(line, 6)
    with store.transaction() as db:
        row = db.execute(select(message).where(message.c.body == "3")).one()
        promises.make(db, row.order_id, NOON + timedelta(minutes=10), NOON + timedelta(hours=1), row.id, NOON)
        opened = the_case(db, "provider_down").id
    living.work(by=line)
    assert [(d.action, d.rule) for d in decided(opened)] == [("reroute", "reroute.within_limits")]
    post.drain(line, second)
    with store.transaction() as db:
        sent = db.execute(select(effect.c.via, effect.c.status).where(effect.c.via == "console")).all()
        assert [status for _, status in sent] == ["done"] * 6
    line.up = True
    drain_at(living, NOON + timedelta(minutes=31), line, second)
    fail(line, 1, start=50)
    assert [m.text for m in line.delivered] == ["50"], "after a while the first one is tried again"


def test_what_was_perhaps_sent_is_asked_of_who_was_given_it_and_goes_no_other_way(living: Living, line: Line) -> None:
    fail(line, 6)
    lost = FakeProvider(Odds(timeout_after=1, lookup_down=1))
    with store.transaction() as db:
        query = select(effect.c.key).where(effect.c.status == "pending").order_by(effect.c.key)
        first = db.execute(query.limit(1)).scalar_one()
        db.execute(update(effect).where(effect.c.key == first).values(status="unknown"))
        outages.reroute(db, PROVIDER, NOON)
    second = FakeProvider()
    second.name = "second"
    post.drain(lost, second)
    assert first not in [m.key for m in second.delivered]
    assert len(second.delivered) == 5


@pytest.mark.parametrize("setting", ["DOORSTEP_SENDER", "DOORSTEP_SENDER_FALLBACK"])
def test_a_sender_that_does_not_exist_is_named(living: Living, setting: str) -> None:
    override(**{setting: "pigeon"})
    with pytest.raises(Misconfigured) as refused:
        post.drain()
    assert refused.value.field == setting


def test_what_the_night_holds_back_stays_there(living: Living, line: Line) -> None:
    """A message that the night holds back is not the provider's fault, and an outage's end does not wake anybody."""
    fail(line, 6)
    with store.transaction() as db:
        held = db.execute(select(func.max(outbox.c.id))).scalar_one()
        db.execute(update(outbox).where(outbox.c.id == held).values(due_at=at("23:30")))
    line.up = True
    drain_at(living, NOON + timedelta(minutes=2), line)
    assert len(line.delivered) == 5
