"""Somebody does not want their order: off the route while it is at the depot, a person's decision once it is aboard."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent import conversation, replay
from core import custody, decisions, orders, promises
from core.errors import NotAllowed, WrongState
from core.principals import Principal
from core.store import db as store
from tests.living import Day, Living, a_day, an_order, at, customer_of, deliver, load_and_leave, tap, texts_to, who
from tests.tools.a_case import PLACES, ROUTES, approve, asked, case_row, decided, routes, staff, status_of, undo
from tools import approvals, desk

CANCEL = "please cancel my order A2"
NOW = at("07:00")


@pytest.fixture
def day(living: Living) -> Day:
    """At seven; the promise of A2 begins half an hour later."""
    return a_day(living, ROUTES, PLACES)


@pytest.fixture
def ana(day: Day) -> Principal:
    """The customer of the second stop of van1."""
    with store.transaction() as db:
        return customer_of(db, day.orders["A2"])


def all_out(day: Day) -> None:
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], NOW)


def wish(by: Principal, ref: str) -> str:
    with store.transaction() as db:
        return desk.propose(db, by, "cancel", {"order": ref}, NOW)


def test_a_customer_cancels_in_time_and_is_told(living: Living, day: Day, ana: Principal) -> None:
    turn = conversation.turn(ana, CANCEL)
    assert turn.case is not None
    assert "A2" in turn.reply
    living.work()
    assert [(d.verdict, d.action, d.rule) for d in decided(turn.case)] == [("auto", "cancel", "cancel.at_depot")]
    assert status_of(day.orders["A2"]) == "cancelled"
    assert "van1" in case_row(turn.case).options[0]["routes"]
    with store.transaction() as db:
        assert promises.open_of(db, day.orders["A2"]) is None
        assert texts_to(db, day.orders["A2"])[-1] == "cancelled"
        body = decisions.body(db, decided(turn.case)[0].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]


def test_shortly_before_the_promised_time_a_person_looks(living: Living, day: Day, ana: Principal) -> None:
    with store.transaction() as db:
        told = promises.open_of(db, day.orders["A2"])
        assert told is not None
    living.to(told.lo - timedelta(minutes=29))
    case_id = wish(ana, "A2")
    living.work()
    assert case_row(case_id).status == "waiting"
    assert case_row(case_id).reason_code == "cancel.short_notice"


def test_aboard_a_person_decides_and_the_goods_come_back_with_the_van(living: Living, day: Day, ana: Principal) -> None:
    all_out(day)
    case_id = wish(ana, "A2")
    living.work()
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("waiting", "cancel.aboard")
    approve(case_id, asked(case_id).digest)
    living.work()
    assert status_of(day.orders["A2"]) == "cancelled"
    with store.transaction() as db:
        assert custody.van_of(db, day.orders["A2"]) == "van1", "no scan, no move"
        deliver(db, "van1", day.orders["A1"], NOW + timedelta(minutes=20))
        deliver(db, "van1", day.orders["A3"], NOW + timedelta(minutes=50))
        tap(db, "finished", "van1", NOW + timedelta(minutes=90))
        assert custody.holders(db, day.orders["A2"]) == {"depot:dep"}
    assert status_of(day.orders["A2"]) == "cancelled"


def test_a_person_who_says_it_comes_has_the_customer_told(living: Living, day: Day, ana: Principal) -> None:
    all_out(day)
    case_id = wish(ana, "A2")
    living.work()
    with store.transaction() as db:
        digest = approvals.edit(db, staff(), case_id, asked(case_id).digest, "wait", NOW)
    approve(case_id, digest)
    living.work()
    assert decided(case_id)[-1].action == "decline"
    assert status_of(day.orders["A2"]) == "out"
    assert "can no longer be taken back" in [m.text for m in living.phone.delivered][-1]


@pytest.mark.parametrize("status", ["delivered", "cancelled"])
def test_what_is_over_is_refused_with_words(living: Living, day: Day, ana: Principal, status: str) -> None:
    all_out(day)
    if status == "delivered":
        with store.transaction() as db:
            deliver(db, "van1", day.orders["A2"], NOW + timedelta(minutes=20))
    else:
        approve(case := wish(ana, "A2"), (living.work(), asked(case).digest)[1])
        living.work()
    with pytest.raises(WrongState, match=status):
        wish(ana, "A2")
    turn = conversation.turn(ana, CANCEL)
    assert turn.case is None
    assert status in turn.reply


def test_others_may_not_cancel_and_a_clients_system_may(living: Living, day: Day, ana: Principal) -> None:
    with store.transaction() as db:
        driver, client = who(db, "driver", "van1-driver"), who(db, "integrator", "shop")
    with pytest.raises(NotAllowed):
        wish(driver, "A1")
    case_id = wish(client, "A2")
    living.work()
    assert status_of(day.orders["A2"]) == "cancelled"
    assert decided(case_id)[0].verdict == "auto"


def test_the_neighbour_at_the_same_door_is_still_visited(living: Living, day: Day, ana: Principal) -> None:
    with store.transaction() as db:
        other = an_order(db, "A2-more", 2)
        orders.set_status(db, [other], "planned")
    before = routes()
    case_id = wish(ana, "A2")
    living.work()
    assert decided(case_id)[0].action == "cancel"
    assert routes() == before
    assert status_of(other) == "planned"


def test_undo_wants_the_order_again_and_corrects_what_was_said(living: Living, day: Day, ana: Principal) -> None:
    before = routes()
    case_id = wish(ana, "A2")
    living.work()
    came = undo(decided(case_id)[0].id, NOW + timedelta(minutes=5))
    assert f"order {day.orders['A2']} is to be delivered again" in came["undone"]
    assert status_of(day.orders["A2"]) == "planned"
    assert routes() == before
    with store.transaction() as db:
        assert promises.open_of(db, day.orders["A2"]) is not None
        assert texts_to(db, day.orders["A2"])[-1] == "correction"
