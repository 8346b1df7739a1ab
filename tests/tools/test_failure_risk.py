"""Failure risk from the record, and visits that are confirmed before they are planned: kept, moved or dropped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from agent import conversation, replay
from core import decisions, orders, people
from core.store import db as store
from core.store.tables import case, effect, person
from tests.living import (
    DAY,
    DEPOT,
    Living,
    a_depot,
    a_plan,
    a_van,
    an_order,
    at,
    customer_of,
    deliver,
    load_and_leave,
    stop_of,
    tap,
    texts_to,
)
from tests.tools.a_case import case_row, decided, status_of, undo
from tools import failure_risk

TOMORROW = DAY + timedelta(days=1)
ASKED = at("18:00")


@pytest.fixture
def past(living: Living) -> dict[str, str]:
    """A day was lived: nobody opened to Nina, Otto took his parcel. Both get one tomorrow."""
    with store.transaction() as db:
        a_depot(db)
        a_van(db)
        phones = {"N1": "+15550100401", "O1": "+15550100402"}
        first = {ref: an_order(db, ref, n, phone=phone) for n, (ref, phone) in enumerate(phones.items(), 1)}
        a_plan(db, {"van1": list(first.values())})
        load_and_leave(db, "van1", list(first.values()), at("08:00"))
        tap(db, "arrived", "van1", at("08:10"), stop_of(db, first["N1"]))
        tap(db, "failed", "van1", at("08:12"), first["N1"], reason="nobody_home")
        deliver(db, "van1", first["O1"], at("08:30"))
        next_day = {"N2": ("+15550100401", 1), "O2": ("+15550100402", 2)}
        return {ref: an_order(db, ref, n, phone=p, day=TOMORROW) for ref, (p, n) in next_day.items()}


def test_who_was_missed_is_riskier_than_who_was_there(past: dict[str, str]) -> None:
    with store.snapshot() as db:
        rows = orders.of_day(db, DEPOT, TOMORROW)
        found = failure_risk.of_orders(db, DEPOT, rows)
        ranked = failure_risk.of_day(db, DEPOT, TOMORROW, 0)
    nina, otto = found[past["N2"]], found[past["O2"]]
    assert nina.percent > 11 > 9 >= otto.percent
    assert "1 of 1 first attempts failed for this customer" in nina.reasons
    assert "1 of 1 first attempts failed for this door" in nina.reasons
    assert ranked[0][0].id == past["N2"]


def test_the_same_day_says_nothing_about_itself(past: dict[str, str]) -> None:
    with store.snapshot() as db:
        found = failure_risk.of_orders(db, DEPOT, orders.of_day(db, DEPOT, DAY))
    assert {each.percent for each in found.values()} == {8}


def ask(living: Living, *ids: str) -> failure_risk.Asked:
    with store.transaction() as db:
        done = failure_risk.ask(db, [orders.get(db, each) for each in ids], ASKED)
    living.pulse(ASKED)
    return done


def answer(living: Living, order_id: str, words: str) -> None:
    with store.transaction() as db:
        who = customer_of(db, order_id)
    conversation.turn(who, words)
    living.work()


def settled(case_id: str) -> list[Any]:
    return [(row.verdict, row.action) for row in decided(case_id) if row.action != "offer"]


def test_customers_are_asked_at_once_each_by_a_judged_message(living: Living, past: dict[str, str]) -> None:
    done = ask(living, *past.values())
    assert sorted(done.cases) == sorted(past.values())
    for order_id, case_id in done.cases.items():
        assert case_row(case_id).status == "offered"
        assert [(d.verdict, d.action, d.rule) for d in decided(case_id)] == [("auto", "offer", "offer.asks")]
        with store.snapshot() as db:
            assert texts_to(db, order_id)[-1] == "confirm_visit"
            sent = select(effect.c.status).where(effect.c.case_id == case_id)
            assert db.execute(sent).scalars().all() == ["done"]
    said = living.phone.delivered[-1].text
    assert "1 to come as planned, 2 to come on the next day, 3 if you don't want it any more" in said
    assert ask(living, past["N2"]).cases[past["N2"]] == done.cases[past["N2"]], "asked once"


@pytest.mark.parametrize(
    ("words", "action", "status"),
    [
        pytest.param("1", "keep", "new", id="somebody will be there"),
        pytest.param("2", "reschedule", "rescheduled", id="another day"),
        pytest.param("3", "cancel", "cancelled", id="not at all"),
    ],
)
def test_the_answer_keeps_moves_or_drops_the_order(
    living: Living, past: dict[str, str], words: str, action: str, status: str
) -> None:
    case_id = ask(living, past["N2"]).cases[past["N2"]]
    answer(living, past["N2"], words)
    assert settled(case_id) == [("auto", action)]
    assert (status_of(past["N2"]), case_row(case_id).status) == (status, "closed")
    with store.transaction() as db:
        still = orders.open_stops(db, DEPOT, TOMORROW)
        assert (stop_of(db, past["N2"]) in still) == (action == "keep")
        last = next(row for row in decided(case_id) if row.action == action)
        body = decisions.body(db, last.id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]


def test_what_was_moved_before_the_plan_is_brought_back(living: Living, past: dict[str, str]) -> None:
    case_id = ask(living, past["N2"]).cases[past["N2"]]
    answer(living, past["N2"], "2")
    undo(next(row.id for row in decided(case_id) if row.action == "reschedule"), ASKED)
    assert status_of(past["N2"]) == "new"


def test_without_an_answer_the_visit_stays_as_planned(living: Living, past: dict[str, str]) -> None:
    case_id = ask(living, past["N2"]).cases[past["N2"]]
    living.pulse(ASKED + timedelta(hours=3, minutes=59))
    assert case_row(case_id).status == "offered"
    living.pulse(ASKED + timedelta(hours=4, minutes=1))
    assert (settled(case_id), status_of(past["N2"])) == ([("auto", "keep")], "new")


def test_who_can_not_be_asked_is_named_with_the_reason(living: Living, past: dict[str, str]) -> None:
    with store.transaction() as db:
        mute = an_order(db, "M1", 3, phone="", day=TOMORROW)
        lost = an_order(db, "L1", 3, lat=None, lon=None, day=TOMORROW)
        who = orders.get(db, past["O2"]).person_id
        db.execute(person.update().where(person.c.id == who).values(opted_out=True))
        gone = an_order(db, "G1", 4, day=TOMORROW)
        orders.set_status(db, [gone], "out")
    done = ask(living, mute, lost, past["O2"], gone)
    assert done.left == {mute: "no_contact", lost: "no_place", past["O2"]: "opted_out", gone: "under_way"}
    assert done.cases == {}
    with store.snapshot() as db:
        assert db.execute(select(case.c.id).where(case.c.kind == "confirm_visit")).all() == []
        assert not people.is_erased(db, who)
