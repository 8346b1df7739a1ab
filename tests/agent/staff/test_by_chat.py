"""What a dispatcher asks for by chat, through the API, to its end: shown exactly, done on a yes, and on the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from api.app import create_app
from api.limits import Limits
from core import breakdowns, decisions, orders, threads
from core.principals import Principal
from core.store import db as store
from core.store.tables import case, decision, order, person, plan_run
from tests.api.visitors import Visitors
from tests.living import DAY, Day, Living, load_and_leave, who
from tests.tools.a_case import NOW, open_cases, planned, routes, status_of, world
from tools import autonomy


class Desk:
    """A dispatcher at the chat."""

    def __init__(self, living: Living, role: str = "dispatcher") -> None:
        self.living = living
        self.client: TestClient = Visitors(create_app(Limits({})), living).a(role)
        with store.transaction() as db:
            self.who: Principal = who(db, role)

    def says(self, text: str) -> dict[str, Any]:
        answer = self.client.post("/api/chat", json={"text": text})
        assert answer.status_code == 200, answer.text
        turn: dict[str, Any] = answer.json()
        return turn


@pytest.fixture
def day(living: Living) -> Day:
    return planned(living)


@pytest.fixture
def desk(day: Day, living: Living) -> Desk:
    living.work()
    return Desk(living)


def van_of(day: Day, ref: str) -> str:
    return next(van for van, stops in routes().items() if day.stops[ref] in stops)


def leaves(day: Day) -> None:
    """The first van is loaded and on its way."""
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], NOW - timedelta(minutes=5))


def last_decision() -> Any:
    with store.transaction() as db:
        return db.execute(select(decision).order_by(decision.c.seq.desc()).limit(1)).one()


# Changes --------------------------------------------------------------------------------------------------------------


def test_a_stop_goes_to_another_van_after_a_yes_and_not_before(desk: Desk, day: Day) -> None:
    before = world()
    shown = desk.says("give order A3 to van 2")
    assert shown["intent"] == "reassign"
    assert "order A3 from van1 to van2" in shown["reply"]
    assert shown["proposal"]
    assert shown["table"][0] == ["order", "from", "to", "expected"]
    assert shown["table"][1][:3] == ["A3", "van1", "van2"]
    assert all(fact["source"] and fact["at"] for fact in shown["facts"])
    desk.living.work()
    assert world() == before, "shown is not done"
    done = desk.says("yes")
    assert "Approved" in done["reply"]
    desk.living.work()
    assert van_of(day, "A3") == "van2"
    made = last_decision()
    assert (made.action, made.verdict, made.approver) == ("reassign", "approved", desk.who.id)


def test_a_changed_mind_changes_what_is_shown(desk: Desk, day: Day) -> None:
    desk.says("move order A3 to van 2")
    again = desk.says("no, leave it")
    assert "Not done" in again["reply"]
    assert van_of(day, "A3") == "van1"
    assert last_decision().verdict == "rejected"
    assert "from van1 to van2" in desk.says("move order A3 to van 2")["reply"]


def test_what_was_shown_is_what_is_approved(desk: Desk, day: Day) -> None:
    shown = desk.says("give order A3 to van 2")
    other = Desk(desk.living, "ops_lead")
    assert "A3" in other.says("approve A3")["reply"], "who has not seen it is shown it first"
    assert "Approved" in other.says("yes")["reply"]
    late = desk.says("yes")
    assert "approved" in late["reply"], "the second is told who decided"
    assert shown["proposal"]


def test_a_yes_without_a_question_does_nothing(desk: Desk) -> None:
    before = world()
    assert "nothing waits" in desk.says("approve")["reply"]
    desk.says("yes")
    desk.living.work()
    assert world() == before


def test_goods_that_are_aboard_stay_with_their_van(desk: Desk, day: Day) -> None:
    leaves(day)
    said = desk.says("give order A3 to van 2")
    assert said["proposal"] is None
    assert "Nothing was changed" in said["reply"]
    assert van_of(day, "A3") == "van1"


def test_a_van_is_relieved_of_some_stops(desk: Desk, day: Day) -> None:
    shown = desk.says("shift 1 stop off van 1")
    assert "from van1 to van2" in shown["reply"]
    desk.says("go ahead")
    desk.living.work()
    assert len(routes()["van1"]) == 2


def test_an_order_is_held_until_another_day(desk: Desk, day: Day) -> None:
    shown = desk.says("hold order A2 till thursday")
    assert shown["intent"] == "hold_order"
    assert shown["proposal"]
    desk.says("yes please")
    desk.living.work()
    assert status_of(day.orders["A2"]) == "rescheduled"
    with store.transaction() as db:
        again = db.execute(select(order).where(order.c.ref == "A2/2")).one()
    assert (again.day - DAY).days == 2


def test_a_breakdown_is_a_fact_and_its_rescue_a_proposal(desk: Desk, day: Day) -> None:
    leaves(day)
    shown = desk.says("van 1 broke down on 35, at least 3 hours he says")
    assert shown["intent"] == "breakdown"
    assert shown["case"]
    with store.transaction() as db:
        found = breakdowns.open_of(db, "van1")
        assert found is not None
        assert found.minutes == 180
    assert len(shown["table"]) > 1
    desk.living.work()
    with store.transaction() as db:
        assert db.execute(select(case.c.status).where(case.c.id == shown["case"])).scalar_one() in ("waiting", "closed")


def test_customers_are_told_their_present_time(desk: Desk, day: Day) -> None:
    leaves(day)
    desk.living.work()
    sent = len(desk.living.phone.delivered)
    shown = desk.says("text the customer of order A2 the new time")
    assert shown["intent"] == "notify"
    assert shown["proposal"]
    assert len(desk.living.phone.delivered) == sent
    desk.says("yes")
    desk.living.work()
    assert len(desk.living.phone.delivered) == sent + 1


def test_words_to_a_driver_are_shown_and_then_sent(desk: Desk) -> None:
    shown = desk.says("tell van 1 to use the back entrance")
    assert "use the back entrance" in shown["reply"]
    with store.transaction() as db:
        driver = who(db, "driver", "van1-driver")
        assert threads.open_of(db, driver, NOW).lines == []
    desk.says("yes")
    with store.transaction() as db:
        assert [row.body for row in threads.open_of(db, driver, NOW).lines] == ["use the back entrance"]


def test_an_order_is_added_after_it_was_shown(desk: Desk) -> None:
    asked = desk.says("add a delivery for Ana Ruiz, 2 boxes before 5pm")
    assert "address" in asked["reply"]
    shown = desk.says("412 Congress Ave")
    assert all(part in shown["reply"] for part in ("Ana Ruiz", "412 congress ave", "17:00", "pieces: 2"))
    with store.transaction() as db:
        assert orders.by_ref(db, "CHAT-0001") is None
    desk.says("yes")
    with store.transaction() as db:
        made = orders.by_ref(db, "CHAT-0001")
        assert made is not None
        assert (made.pieces, made.day) == (2, DAY)


def test_a_day_is_planned_after_a_yes(desk: Desk) -> None:
    shown = desk.says("replan today please")
    assert shown["intent"] == "plan"
    assert "5 doors" in shown["reply"]
    with store.transaction() as db:
        assert db.execute(select(plan_run)).all() == []
    desk.says("yes")
    with store.transaction() as db:
        assert db.execute(select(plan_run.c.status)).scalar_one() == "queued"
    assert "still" in desk.says("publish it")["reply"]


# Questions ------------------------------------------------------------------------------------------------------------


def test_what_if_changes_nothing_and_says_what_it_would_cost(desk: Desk, day: Day) -> None:
    before, cases = world(), open_cases()
    said = desk.says("what if i move order A3 to van 2")
    assert said["intent"] == "what_if"
    assert "van2" in said["reply"]
    assert {"leave it as it is", "reassign to van2"} <= {row[0] for row in said["table"]}
    assert "van1" in desk.says("what if van 1 doesnt come back")["reply"]
    assert (world(), open_cases()) == (before, cases)


def test_what_can_not_be_tried_is_said_so(desk: Desk, day: Day) -> None:
    with store.transaction() as db:
        orders.set_status(db, [day.orders["A3"]], "cancelled")
    assert "cancelled" in desk.says("what if i move order A3 to van 2")["reply"]
    assert "cancelled" in desk.says("give order A3 to van 2")["reply"]


def test_one_subject_is_followed_over_many_questions(desk: Desk, day: Day) -> None:
    assert "A3" in desk.says("where is order A3")["reply"]
    assert "van2" in desk.says("what if i give it to van 2")["reply"]
    assert "from van1 to van2" in desk.says("ok give it to van 2")["reply"]
    desk.says("yes")
    desk.living.work()
    log = desk.says("show me the log of that")
    assert log["table"][0][:3] == ["entry", "action", "verdict"]
    assert [row[1] for row in log["table"][1:]] == ["reassign"]
    assert "default" in desk.says("who pays for that")["reply"]
    assert desk.says("why")["facts"]
    back = desk.says("undo that")
    assert "reassign" in back["reply"]
    assert van_of(day, "A3") == "van2", "an undo is shown first"
    assert "Taken back" in desk.says("yes")["reply"]
    assert van_of(day, "A3") == "van1"


def test_names_may_be_half_remembered(desk: Desk, day: Day) -> None:
    with store.transaction() as db:
        mine = orders.get(db, day.orders["B2"])
        db.execute(update(person).where(person.c.id == mine.person_id).values(name="Joan Henderson"))
    assert "B2" in desk.says("where is mrs hendersons order")["reply"]
    assert "B2" in desk.says("where is the parcel for Hendersen")["reply"]


def test_the_fleet_a_van_proofs_and_carriers(desk: Desk) -> None:
    fleet = desk.says("how is the fleet doing")
    assert fleet["table"][0] == ["van", "state", "stops left", "late"]
    assert "van2" in desk.says("where is van 2")["reply"]
    assert desk.says("what would a carrier take for order A1")["facts"]
    assert desk.says("do we have proof for order A1")["reply"]


# What Doorstep may do by itself ---------------------------------------------------------------------------------------


def policy_now() -> Any:
    with store.transaction() as db:
        return autonomy.in_force(db)


def test_pausing_is_done_at_once_and_raising_is_asked(desk: Desk) -> None:
    assert "asked first" in desk.says("pause the autopilot")["reply"]
    assert policy_now().kill_switch == "ask"
    asked = desk.says("turn the autopilot back on")
    assert policy_now().kill_switch == "ask"
    assert "Shall I" in asked["reply"]
    desk.says("yes")
    assert policy_now().kill_switch == "off"
    with store.transaction() as db:
        said = [decisions.body(db, row.id)["outcome"] for row in decisions.of_case(db, autonomy.SUBJECT)]
    assert [(each["before"], each["after"]) for each in said] == [(2, 1), (1, 2)]


def test_one_kind_of_action_is_lowered_and_only_an_ops_lead_goes_beyond_the_file(desk: Desk) -> None:
    desk.says("from now on ask me before every reschedule")
    assert policy_now().levels["reschedule"] == 1
    desk.says("set the autonomy level for reassign to level 3")
    assert "can't go beyond" in desk.says("yes")["reply"]
    assert policy_now().levels["reassign"] == 2
    lead = Desk(desk.living, "ops_lead")
    lead.says("set the autonomy level for reassign to level 3")
    lead.says("yes")
    assert policy_now().levels["reassign"] == 3
