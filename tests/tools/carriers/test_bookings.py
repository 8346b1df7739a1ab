"""Goods on a broken van that a carrier collects: booked once whatever the carrier does, handed over by a scan."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select, update

from agent import casework
from core import breakdowns, carriage, custody, events, orders, promises, reconciliation
from core.errors import WrongState
from core.settings import override
from core.store import db as store
from core.store.tables import case, effect
from tests.agent.cases.test_breakdown import NOW, breaks, holder, out
from tests.living import DAY, Day, Living, tap, texts_to
from tests.tools.a_case import Picks, approve, asked, case_row
from tools import carrying, outages, publishing
from tools.carriers import bookings
from tools.carriers.fake import FakeCarrier, Odds
from tools.carriers.flat import FlatBooking
from tools.carriers.port import Booked, Collection
from tools.optimizer import Local

STRANDED = ("A2", "A3", "A4")
PROVIDER = "provider:carrier:fake"


@pytest.fixture
def day(living: Living) -> Day:
    """van1 has broken down with three orders aboard."""
    return out(living)


def decide(living: Living) -> str:
    """A carrier is decided on, but not asked yet. Returns the case."""
    case_id = breaks()
    living.work(planner=Picks("carrier"))
    if case_row(case_id).status == "waiting":
        approve(case_id, asked(case_id).digest)
    casework.work(case_id, Local())
    return case_id


def drain(living: Living, minutes: int = 0) -> None:
    """So many minutes later: what is due, and all that comes of it."""
    living.pulse(NOW + timedelta(minutes=minutes))


def behaves(living: Living, odds: Odds, seed: int = 0) -> FakeCarrier:
    living.carrier.odds, living.carrier.seed = odds, seed
    return living.carrier


def states(action: str = carriage.BOOK) -> list[tuple[str, str | None]]:
    with store.transaction() as db:
        rows = db.execute(
            select(effect.c.status, effect.c.error).where(effect.c.action == action).order_by(effect.c.key)
        )
        return [(row.status, row.error) for row in rows]


def told(day: Day, ref: str) -> int:
    with store.transaction() as db:
        return texts_to(db, day.orders[ref]).count("with_carrier")


def test_a_carrier_is_priced_with_its_way_to_the_van(living: Living, day: Day) -> None:
    case_id = breaks()
    living.work(planner=Picks("carrier"))
    option = next(o for o in case_row(case_id).options if o["kind"] == "carrier")
    assert option["feasible"]
    assert option["routes"] == {}, "the goods are on its list until they are handed over"
    assert option["cost_cents"] >= 3 * (690 + 1200 + 900 - 1000), "three pieces, less what the van saves"
    assert (asked(case_id).action, case_row(case_id).reason_code) == ("collect", "limit.extra_cost_cents")


def test_all_of_it_is_booked_told_and_handed_over_by_the_scan(living: Living, day: Day) -> None:
    case_id, carrier = decide(living), living.carrier
    assert [told(day, ref) for ref in STRANDED] == [0, 0, 0], "nobody is told before the carrier has said yes"
    drain(living)
    assert sorted(each.key for each in carrier.booked) == sorted({each.key for each in carrier.booked})
    assert states() == [("done", None)] * 3
    assert [told(day, ref) for ref in STRANDED] == [1, 1, 1]
    assert all(holder(day.orders[ref]) == {"van:van1"} for ref in STRANDED)
    assert case_row(case_id).status == "acting", "it waits for the scan"
    with store.transaction() as db:
        assert promises.open_of(db, day.orders["A2"]) is None
        tap(db, "gave_to_carrier", "van1", NOW + timedelta(minutes=30), orders=[day.orders[ref] for ref in STRANDED])
    living.work()
    assert all(holder(day.orders[ref]) == {"carrier:fake"} for ref in STRANDED)
    assert case_row(case_id).reason_code == "done"
    with store.transaction() as db:
        assert {orders.get(db, day.orders[ref]).status for ref in STRANDED} == {"with_carrier"}
        facts = [fact for fact in events.of(db, day.orders["A2"]) if fact.kind == "order.to_carrier"]
        assert facts[0].data["ref"].startswith("fake:fak_")


@pytest.mark.parametrize("seed", range(4))
def test_a_carrier_that_loses_its_answers_comes_once_for_each(living: Living, day: Day, seed: int) -> None:
    """Half of the answers are lost after booking, some before, some are refused for now: nothing is booked twice."""
    decide(living)
    carrier = behaves(living, Odds(lost_after=0.4, lost_before=0.2, unavailable=0.2), seed)
    for minute in range(0, 60, 3):
        drain(living, minute)
    keys = [each.key for each in carrier.booked]
    assert len(keys) == len(set(keys)) == 3
    assert states() == [("done", None)] * 3
    assert [told(day, ref) for ref in STRANDED] == [1, 1, 1]


def test_a_crash_while_it_was_asked_is_looked_up_and_not_asked_again(living: Living, day: Day) -> None:
    decide(living)
    carrier = living.carrier
    with store.transaction() as db:
        mine = effect.c.action == carriage.BOOK
        first = db.execute(select(effect.c.key).where(mine).order_by(effect.c.key).limit(1)).scalar_one()
        db.execute(update(effect).where(effect.c.key == first).values(status="sending"))
    bookings._write(_row(first), carrier.book(_wanted(first)), carrier)  # the carrier had it before
    with store.transaction() as db:
        db.execute(update(effect).where(effect.c.key == first).values(status="sending", done_at=None))
    drain(living)
    assert [each.key for each in carrier.booked].count(first) == 1
    assert states() == [("done", None)] * 3


def _row(key: str) -> Row[Any]:
    with store.transaction() as db:
        return db.execute(select(effect).where(effect.c.key == key)).one()


def _wanted(key: str) -> Collection:
    with store.transaction() as db:
        row = _row(key)
        broken = breakdowns.get(db, case_row(row.case_id).facts["breakdown"])
        return carrying.collection(orders.get(db, row.target), broken, key)


def test_a_carrier_that_says_no_sends_the_case_to_a_person(living: Living, day: Day) -> None:
    case_id = decide(living)
    behaves(living, Odds(declined=1))
    drain(living)
    assert states() == states(carriage.HAND_OVER) == [("failed", "refused")] * 3
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("escalated", "effect_failed")
    assert [told(day, ref) for ref in STRANDED] == [0, 0, 0]
    assert all(holder(day.orders[ref]) == {"van:van1"} for ref in STRANDED)


def test_one_that_can_not_be_asked_is_a_persons_in_the_end_and_never_booked_again(living: Living, day: Day) -> None:
    decide(living)
    carrier = behaves(living, Odds(lost_after=1, lookup_down=1))
    for minute in range(0, 90, 3):
        drain(living, minute)
    keys = [each.key for each in carrier.booked]
    assert len(keys) == len(set(keys))
    with store.transaction() as db:
        assert db.execute(select(case.c.id).where(case.c.kind == "effect_unknown")).all()


def test_a_carrier_that_is_down_is_one_case_and_all_is_booked_when_it_answers(living: Living, day: Day) -> None:
    decide(living)
    carrier = behaves(living, Odds(unavailable=1))
    for minute in range(0, 12, 2):
        drain(living, minute)
    with store.transaction() as db:
        rows = db.execute(select(case).where(case.c.kind == "provider_down")).all()
        assert [(row.subject, row.status) for row in rows] == [(PROVIDER, "waiting")]
        assert outages.is_down(db, PROVIDER)
        assert bookings.measured(db).waiting == 3
    carrier.odds = Odds()
    drain(living, 14)
    assert states() == [("done", None)] * 3
    with store.transaction() as db:
        assert db.execute(select(case.c.reason_code).where(case.c.kind == "provider_down")).scalars().all() == [
            "answers_again"
        ]


def test_what_nobody_has_booked_is_not_given_away(living: Living, day: Day) -> None:
    breaks()
    with store.transaction() as db, pytest.raises(WrongState, match="No carrier comes"):
        tap(db, "gave_to_carrier", "van1", NOW + timedelta(minutes=5), orders=[day.orders["A2"]])
    assert holder(day.orders["A2"]) == {"van:van1"}


def test_what_was_delivered_meanwhile_is_not_booked(living: Living, day: Day) -> None:
    decide(living)
    carrier = living.carrier
    with store.transaction() as db:
        tap(db, "repaired", "van1", NOW + timedelta(minutes=1))
        custody.move(db, day.orders["A2"], "van:van1", "depot:dep", NOW, "test")
        orders.set_status(db, [day.orders["A2"]], "cancelled")
    drain(living, 2)
    assert len(carrier.booked) == 2
    assert sorted(states()) == [("done", None), ("done", None), ("failed", "not_wanted")]


def test_what_no_carrier_collected_by_the_days_end_has_failed(living: Living, day: Day) -> None:
    case_id = decide(living)
    drain(living)
    with store.transaction() as db:
        publishing.close_day(db, "dep", DAY, NOW + timedelta(hours=15))
        assert reconciliation.of_day(db, DAY).agrees, "what is on the van has a case"
    living.work()
    assert states(carriage.HAND_OVER) == [("failed", "day_over")] * 3
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("escalated", "effect_failed")


def test_without_a_price_in_our_currency_it_is_no_option(living: Living, day: Day) -> None:
    override(DOORSTEP_CURRENCY="EUR")
    case_id = breaks()
    living.work(planner=Picks("wait"))
    assert "carrier" not in {o["kind"] for o in case_row(case_id).options}


def test_the_built_in_carrier_keeps_its_bookings_and_books_once(tmp_path: Path, living: Living, day: Day) -> None:
    decide(living)
    with store.transaction() as db:
        keys = list(db.execute(select(effect.c.key).where(effect.c.action == carriage.BOOK)).scalars())
    first, second = FlatBooking(tmp_path / "carrier"), FlatBooking(tmp_path / "carrier")
    assert first.find(keys[0]) is None
    booked = first.book(_wanted(keys[0]))
    assert isinstance(booked, Booked)
    assert second.book(_wanted(keys[0])) == booked == second.find(keys[0])
    assert len(list((tmp_path / "carrier").iterdir())) == 1
