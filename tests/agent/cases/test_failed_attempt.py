"""Nobody took it: the customer is asked what they want, and the driver's route changes only beyond the next stop."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row, update

from agent import conversation, replay
from agent.saying import Turn
from core import collecting, custody, decisions, orders, promises
from core.errors import WrongState
from core.principals import Principal
from core.store import db as store
from core.store.tables import case, person, vehicle
from tests.living import Day, Living, a_day, at, customer_of, load_and_leave, tap, texts_to, the_case
from tests.tools.a_case import approve, asked, case_row, decided, routes, status_of, undo
from tools.notify import stages

LEFT = at("08:00")
RANG = at("08:10")
HALF_AN_HOUR = timedelta(minutes=30)


def settled(case_id: str) -> list[Row[Any]]:
    """What was decided, the asking left out."""
    return [row for row in decided(case_id) if row.action != "offer"]


@pytest.fixture
def day(living: Living) -> Day:
    """One van with five stops, on the road; nobody opens at the first door."""
    day = a_day(living, {"van1": ["A1", "A2", "A3", "A4", "A5"]}, {"A4": 30, "A5": 31})
    with store.transaction() as db:
        load_and_leave(db, "van1", list(day.orders.values()), LEFT)
        tap(db, "arrived", "van1", RANG, day.stops["A1"])
        tap(db, "failed", "van1", RANG, day.orders["A1"], reason="nobody_home")
    return day


@pytest.fixture
def ana(day: Day) -> Principal:
    with store.transaction() as db:
        return customer_of(db, day.orders["A1"])


def opened(living: Living) -> str:
    living.pulse(RANG)
    with store.transaction() as db:
        return str(the_case(db, "failed_attempt").id)


def answer(living: Living, who: Principal, words: str) -> Turn:
    turn = conversation.turn(who, words)
    living.work()
    return turn


def test_the_customer_is_asked_by_number_what_can_be_done(living: Living, day: Day) -> None:
    case_id = opened(living)
    assert case_row(case_id).status == "offered"
    assert case_row(case_id).facts["offer"] == {
        "1": "again", "2": "postpone", "3": "wait", "4": "neighbour", "5": "pickup",
    }  # fmt: skip
    words = "1 to try again later today, 2 to come on the next day, 3 to send it back, 4 to leave it with a neighbour"
    assert words in living.phone.delivered[-1].text
    assert [(d.verdict, d.action, d.rule) for d in decided(case_id)] == [("auto", "offer", "offer.asks")]
    assert settled(case_id) == [], "nothing is done before they say so"


def test_what_happened_and_what_is_asked_are_one_text(living: Living, day: Day) -> None:
    opened(living)
    with store.transaction() as db:
        stages.failed(db, day.orders["A1"], RANG + stages.ASKED_FIRST)
        assert texts_to(db, day.orders["A1"])[-1] == "offer"
        assert "failed" not in texts_to(db, day.orders["A1"])
    assert (
        "at 08:10 but could not hand it over: nobody was there to take it. Write 1" in living.phone.delivered[-1].text
    )


def test_again_today_is_later_on_the_same_van_beyond_its_next_stop(living: Living, day: Day, ana: Principal) -> None:
    case_id = opened(living)
    assert answer(living, ana, "1").case == case_id
    assert [(d.verdict, d.action, d.rule) for d in settled(case_id)] == [("auto", "again", "again.wished")]
    assert status_of(day.orders["A1"]) == "out"
    with store.transaction() as db:
        still = orders.open_stops(db, "dep", case_row(case_id).day)
        ahead = [stop for stop in routes()["van1"] if stop in still]
        told = promises.open_of(db, day.orders["A1"])
        assert told is not None
        assert told.hi > RANG + timedelta(hours=1)
        assert sorted(texts_to(db, day.orders["A1"])[-2:]) == ["offer", "promise"], "at one and the same time"
        body = decisions.body(db, settled(case_id)[0].id)
        assert body["inputs"]["picked"] == "again"
        assert replay.recompute(db, body["inputs"]) == body["outcome"]
    assert ahead[0] == day.stops["A2"], "the stop that the van heads to stays next"
    assert day.stops["A1"] in ahead[1:]


def test_the_next_day_is_a_second_attempt_whose_goods_come_back_with_the_van(
    living: Living, day: Day, ana: Principal
) -> None:
    case_id = opened(living)
    answer(living, ana, " 2. ")
    assert [(d.verdict, d.action) for d in settled(case_id)] == [("auto", "retry_day")]
    assert status_of(day.orders["A1"]) == "rescheduled"
    with store.transaction() as db:
        again = orders.by_ref(db, "A1/2")
        assert again is not None
        assert custody.van_of(db, again.id) == "van1"
        tap(db, "finished", "van1", at("18:00"))
        assert custody.holders(db, again.id) == {"depot:dep"}
        assert orders.get(db, again.id).status == "new"


def test_who_wants_it_no_more_has_it_sent_back(living: Living, day: Day, ana: Principal) -> None:
    case_id = opened(living)
    answer(living, ana, "3")
    assert [(d.verdict, d.action, d.rule) for d in settled(case_id)] == [("auto", "return", "return.wished")]
    with store.transaction() as db:
        assert sorted(texts_to(db, day.orders["A1"])[-2:]) == ["going_back", "offer"], "at one and the same time"
        tap(db, "finished", "van1", at("18:00"))
    assert status_of(day.orders["A1"]) == "returned"


def test_a_neighbour_takes_it_later_today_and_the_driver_reads_so(living: Living, day: Day, ana: Principal) -> None:
    case_id = opened(living)
    answer(living, ana, "4")
    assert [(d.verdict, d.action, d.rule) for d in settled(case_id)] == [("auto", "neighbour", "neighbour.wished")]
    assert status_of(day.orders["A1"]) == "out"
    with store.transaction() as db:
        assert orders.get(db, day.orders["A1"]).notes == "A neighbour takes it."
        assert promises.open_of(db, day.orders["A1"]) is not None
        body = decisions.body(db, settled(case_id)[0].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]


def test_who_fetches_it_at_the_depot_gets_it_there_once_the_van_is_back(
    living: Living, day: Day, ana: Principal
) -> None:
    case_id, a1 = opened(living), day.orders["A1"]
    answer(living, ana, "5")
    assert [(d.action, d.rule) for d in settled(case_id)] == [("hold_at_depot", "hold_at_depot.wished")]
    assert "waits for you at our depot" in living.phone.delivered[-1].text
    with store.transaction() as db:
        with pytest.raises(WrongState, match="is failed"):
            collecting.collect(db, a1, "pri_1", at("10:00"))
        tap(db, "finished", "van1", at("18:00"))
        assert collecting.collect(db, a1, "pri_1", at("19:00"))
        assert not collecting.collect(db, a1, "pri_1", at("19:01")), "it is handed over once"
        assert orders.get(db, a1).status == "picked_up"
        assert custody.holders(db, a1) == {f"customer:{ana.subject}"}
        with pytest.raises(WrongState, match="does not wait to be fetched"):
            collecting.collect(db, day.orders["A2"], "pri_1", at("19:00"))
        body = decisions.body(db, settled(case_id)[0].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]


HOME_AGAIN = at("08:20")


@pytest.fixture
def back(living: Living, day: Day) -> str:
    """The van is home before the customer has answered."""
    case_id = opened(living)
    with store.transaction() as db:
        for ref in ("A2", "A3", "A4", "A5"):
            tap(db, "delivered", "van1", at("08:15"), day.orders[ref], proof={"kind": "photo"})
        tap(db, "finished", "van1", HOME_AGAIN)
    living.to(HOME_AGAIN)
    assert status_of(day.orders["A1"]) == "failed", "what becomes of it is the customer's to say"
    return case_id


def test_what_is_back_before_the_answer_can_be_brought_again_from_the_depot(
    living: Living, day: Day, back: str, ana: Principal
) -> None:
    answer(living, ana, "1")
    assert [(d.verdict, d.action) for d in settled(back)] == [("auto", "again")]
    assert status_of(day.orders["A1"]) == "planned"
    assert day.stops["A1"] in routes()["van1"]
    with store.transaction() as db:
        assert promises.open_of(db, day.orders["A1"]) is not None
        body = decisions.body(db, settled(back)[0].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]
        load_and_leave(db, "van1", [day.orders["A1"]], at("09:30"))
        tap(db, "delivered", "van1", at("10:00"), day.orders["A1"], proof={"kind": "photo"})
    assert status_of(day.orders["A1"]) == "delivered"


def test_another_van_brings_what_is_back_and_the_first_one_has_it_on_its_list_no_more(living: Living) -> None:
    day = a_day(living, {"van1": ["A1", "A2"], "van2": ["B1"]}, {"B1": 3})
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders["A1"], day.orders["A2"]], LEFT)
        tap(db, "arrived", "van1", RANG, day.stops["A1"])
        tap(db, "failed", "van1", RANG, day.orders["A1"], reason="nobody_home")
    case_id = opened(living)
    with store.transaction() as db:
        tap(db, "delivered", "van1", at("08:15"), day.orders["A2"], proof={"kind": "photo"})
        tap(db, "finished", "van1", HOME_AGAIN)
        db.execute(update(vehicle).where(vehicle.c.id == "van1").values(shift_end_s=9 * 3600))
        who = customer_of(db, day.orders["A1"])
    living.to(HOME_AGAIN)
    answer(living, who, "1")
    assert [(d.verdict, d.action) for d in settled(case_id)] == [("auto", "again")]
    assert day.stops["A1"] in routes()["van2"]
    assert day.stops["A1"] not in routes()["van1"]
    undo(settled(case_id)[0].id, HOME_AGAIN + timedelta(minutes=5))
    assert status_of(day.orders["A1"]) == "failed"


def test_a_try_from_the_depot_can_be_taken_back_until_it_is_made(
    living: Living, day: Day, back: str, ana: Principal
) -> None:
    answer(living, ana, "1")
    undo(settled(back)[0].id, HOME_AGAIN + timedelta(minutes=5))
    assert status_of(day.orders["A1"]) == "failed"


@pytest.mark.parametrize(("said", "action"), [("3", "return"), ("5", "hold_at_depot")])
def test_what_is_back_before_the_answer_and_stays_ends_at_once(
    living: Living, day: Day, back: str, ana: Principal, said: str, action: str
) -> None:
    answer(living, ana, said)
    assert [d.action for d in settled(back)] == [action]
    assert status_of(day.orders["A1"]) == "returned"
    with store.transaction() as db:
        assert promises.open_of(db, day.orders["A1"]) is None
        fetched = [collecting.collect(db, day.orders["A1"], "pri_1", at("10:00"))] if said == "5" else []
    assert fetched == [True] * (said == "5")


def test_what_is_back_before_the_answer_goes_out_another_day_when_none_comes(
    living: Living, day: Day, back: str
) -> None:
    living.pulse(RANG + HALF_AN_HOUR)
    assert [d.action for d in settled(back)] in (["retry_day"], ["again"])
    assert status_of(day.orders["A1"]) in ("rescheduled", "planned")


def test_nobody_is_sent_to_a_neighbour_or_a_depot_unasked(living: Living, day: Day) -> None:
    case_id = opened(living)
    living.pulse(RANG + HALF_AN_HOUR)
    row = case_row(case_id)
    cheapest = min((o for o in row.options if o["feasible"]), key=lambda o: o["cost_cents"])
    assert cheapest["kind"] in ("neighbour", "pickup")
    assert row.inputs["outcome"]["picked"] not in ("neighbour", "pickup")


def test_without_an_answer_the_planner_chooses_after_half_an_hour(living: Living, day: Day) -> None:
    case_id = opened(living)
    living.pulse(RANG + HALF_AN_HOUR - timedelta(seconds=1))
    assert case_row(case_id).status == "offered"
    living.pulse(RANG + HALF_AN_HOUR)
    assert case_row(case_id).status == "waiting", "a second try costs more than policy lets go by itself"
    tried = [o for o in case_row(case_id).options if o["feasible"] and o["kind"] not in ("neighbour", "pickup")]
    cheapest = min(tried, key=lambda o: o["cost_cents"])
    assert case_row(case_id).inputs["outcome"]["picked"] == cheapest["id"]
    assert case_row(case_id).inputs["hashes"]["picked"] is None


def test_an_answer_that_comes_too_late_changes_nothing(living: Living, day: Day, ana: Principal) -> None:
    case_id = opened(living)
    living.pulse(RANG + HALF_AN_HOUR)
    before = case_row(case_id)
    assert answer(living, ana, "2").case != case_id
    assert case_row(case_id) == before


def test_a_number_that_was_not_offered_goes_to_a_person(living: Living, day: Day, ana: Principal) -> None:
    case_id = opened(living)
    turn = answer(living, ana, "7")
    assert case_row(str(turn.case)).kind == "human"
    assert case_row(case_id).status == "offered"


def test_who_can_not_be_reached_is_not_asked(living: Living, day: Day) -> None:
    with store.transaction() as db:
        db.execute(update(person).values(opted_out=True))
    case_id = opened(living)
    assert case_row(case_id).status == "waiting"
    assert asked(case_id).option_id == "again"


def test_a_second_failure_goes_to_a_person(living: Living, day: Day, ana: Principal) -> None:
    first = opened(living)
    answer(living, ana, "1")
    with store.transaction() as db:
        tap(db, "arrived", "van1", at("10:00"), day.stops["A1"])
        tap(db, "failed", "van1", at("10:05"), day.orders["A1"], reason="nobody_home")
    living.pulse(at("10:06"))
    with store.transaction() as db:
        second = str(db.execute(case.select().where(case.c.status == "offered")).one().id)
    assert second != first
    answer(living, ana, "2" if case_row(second).facts["offer"].get("2") == "postpone" else "1")
    assert case_row(second).reason_code == "retry_day.third"


def test_a_shift_without_room_offers_no_second_try(living: Living) -> None:
    day = a_day(living, {"van1": ["A1", "A2", "A3"]}, {"A1": 1, "A2": 2, "A3": 3})
    late = at("17:30")
    with store.transaction() as db:
        load_and_leave(db, "van1", list(day.orders.values()), late - timedelta(minutes=20))
        tap(db, "arrived", "van1", late, day.stops["A1"])
        tap(db, "failed", "van1", late, day.orders["A1"], reason="nobody_home")
    living.pulse(late)
    with store.transaction() as db:
        row = the_case(db, "failed_attempt")
    assert "again" not in row.facts["offer"].values()


def test_undo_gives_up_on_the_second_try_until_the_driver_has_rung(living: Living, day: Day, ana: Principal) -> None:
    case_id = opened(living)
    before = routes()
    answer(living, ana, "1")
    came = undo(settled(case_id)[0].id, RANG + timedelta(minutes=5))
    assert f"order {day.orders['A1']} is not tried again today" in came["undone"]
    assert status_of(day.orders["A1"]) == "failed"
    with store.transaction() as db:
        still = orders.open_stops(db, "dep", case_row(case_id).day)
    assert [s for s in routes()["van1"] if s in still] == [s for s in before["van1"] if s in still]


def test_undo_tells_the_customer_that_nobody_comes_today(living: Living, day: Day, ana: Principal) -> None:
    case_id = opened(living)
    answer(living, ana, "1")
    came = undo(settled(case_id)[0].id, living.to(RANG + timedelta(minutes=5)))
    living.work()
    assert came["compensated"] == ["a correction tells the customer of A1 that nobody comes again today"]
    with store.transaction() as db:
        assert sorted(texts_to(db, day.orders["A1"])[-3:-1]) == ["offer", "promise"], "at one and the same time"
        assert texts_to(db, day.orders["A1"])[-1] == "not_again"
        assert promises.open_of(db, day.orders["A1"]) is None
    assert "not come again today" in living.phone.delivered[-1].text


def test_a_dispatcher_may_decide_what_the_customer_did_not(living: Living, day: Day) -> None:
    with store.transaction() as db:
        tap(db, "arrived", "van1", at("08:20"), day.stops["A2"])
    case_id = opened(living)
    with store.transaction() as db:
        db.execute(update(case).where(case.c.id == case_id).values(facts=case_row(case_id).facts | {"wish": "wait"}))
    living.pulse(RANG + HALF_AN_HOUR)
    row = case_row(case_id)
    assert (row.status, row.reason_code) == ("waiting", "return.unasked")
    approve(case_id, asked(case_id).digest)
    living.work()
    assert settled(case_id)[-1].action == "return"
