"""One turn of a conversation: what it may do, what it may not, and that sending it again does nothing twice."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.event import listen

from agent import conversation
from agent.conversation import MAX_CHARS, MAX_STEPS
from agent.planner import Answer, Choose, Escalate, Look, Propose, Situation, Step
from agent.saying import Turn
from core import effects, orders, people, threads
from core.errors import BadInput, Unavailable
from core.principals import Principal
from core.store import db as store
from core.store.tables import case, event, message, person, principal
from tests.living import Day, Living, at, customer_of, who
from tests.tools.a_case import NOW, Says, late, open_cases, planned, world
from tools.notify import templates

MOVE = "Can you deliver order A1 tomorrow instead?"


@pytest.fixture
def day(living: Living) -> Day:
    return planned(living)


@pytest.fixture
def ana(day: Day) -> Principal:
    """The customer of A1."""
    with store.transaction() as db:
        return customer_of(db, day.orders["A1"])


@pytest.fixture
def dan(day: Day) -> Principal:
    with store.transaction() as db:
        return who(db, "dispatcher")


def said(who: Principal) -> list[str]:
    with store.transaction() as db:
        return [f"{row.direction}: {row.body}" for row in threads.open_of(db, who, NOW).lines]


# What it answers ------------------------------------------------------------------------------------------------------


def test_a_customer_hears_where_the_order_is_from_facts_with_sources(living: Living, day: Day, ana: Principal) -> None:
    late(day)
    turn = conversation.turn(ana, "Where is my order A1?")
    assert turn.intent == "where_is_order"
    assert turn.facts
    assert all(fact.source and fact.at for fact in turn.facts)
    assert turn.case is None
    assert said(ana) == ["in: Where is my order A1?", f"out: {turn.reply}"]


def test_others_orders_do_not_exist_for_a_customer(day: Day, ana: Principal) -> None:
    theirs, nobodys = conversation.turn(ana, "Where is order B1?"), conversation.turn(ana, "Where is order ZZ-99?")
    assert theirs.reply.replace("B1", "?") == nobodys.reply.replace("ZZ-99", "?")
    assert conversation.turn(ana, "Can you deliver order B1 tomorrow instead?").case is None
    assert open_cases() == []


def test_a_dispatcher_who_names_no_order_is_asked_which(day: Day, dan: Principal) -> None:
    asked = conversation.turn(dan, "where is the order?")
    assert asked.reply.endswith("?")
    with store.transaction() as db:
        assert threads.open_of(db, dan, NOW).question == "order"
    assert conversation.turn(dan, "order A1").facts, "and the answer is taken for what was asked"


def test_a_wish_opens_a_case_and_changes_nothing_by_itself(day: Day, ana: Principal) -> None:
    before = world()
    turn = conversation.turn(ana, MOVE)
    assert open_cases() == ["reschedule"]
    assert turn.case is not None
    assert world() == before, "the case is worked by casework, under policy"


def test_a_question_stays_open_until_it_is_answered(day: Day, ana: Principal) -> None:
    asked = conversation.turn(ana, "Please deliver order A1 on another day")
    assert asked.reply.endswith("?")
    with store.transaction() as db:
        assert (threads.open_of(db, ana, NOW).question or "").startswith("slot A1 ")
    done = conversation.turn(ana, "tomorrow")
    assert done.case is not None
    with store.transaction() as db:
        assert threads.open_of(db, ana, NOW).question is None


def test_who_wants_a_person_gets_one_with_a_by_when(day: Day, ana: Principal) -> None:
    turn = conversation.turn(ana, "I want to talk to a person")
    with store.transaction() as db:
        row = db.execute(select(case).where(case.c.id == turn.case)).one()
    assert (row.kind, row.status, row.reason_code) == ("human", "escalated", "asked_for_human")
    assert row.owner is not None
    assert row.due_by is not None


def test_somebody_without_an_order_is_told_so(day: Day) -> None:
    with store.transaction() as db:
        stranger = who(db, "customer", people.ensure(db, "New", "+15125550999"))
    turn = conversation.turn(stranger, "I want to talk to a person")
    assert turn.reply
    assert turn.case is None


def opts() -> list[str]:
    with store.transaction() as db:
        kinds = select(event.c.kind).where(event.c.kind.like("customer.opted%")).order_by(event.c.seq)
        return list(db.execute(kinds).scalars())


def test_an_opt_out_is_a_fact_that_is_confirmed_once(day: Day, ana: Principal) -> None:
    first = conversation.turn(ana, "STOP")
    assert "no more messages" in first.reply
    assert conversation.turn(ana, "stop texting me").reply == "", "it was said once"
    assert opts() == ["customer.opted_out"]
    with store.transaction() as db:
        assert db.execute(select(person.c.opted_out).where(person.c.id == ana.subject)).scalar_one()


def test_who_opted_out_can_opt_in_again(day: Day, ana: Principal) -> None:
    assert conversation.turn(ana, "START").reply == "", "nothing to take back"
    conversation.turn(ana, "STOP")
    assert "again" in conversation.turn(ana, "START").reply
    assert conversation.turn(ana, "STOP").reply
    assert opts() == ["customer.opted_out", "customer.opted_in", "customer.opted_out"]


def test_a_dispatcher_is_not_spoken_to_as_a_customer(day: Day, dan: Principal, ana: Principal) -> None:
    asked = "Where is order A1?"
    assert conversation.turn(dan, asked).reply.startswith("Order A1 is planned for")
    assert conversation.turn(ana, asked).reply.startswith("Your order A1 is planned for")
    assert "your" not in conversation.turn(dan, "where is order Z9?").reply.lower()


def test_staff_have_no_messages_to_opt_out_of(day: Day, dan: Principal) -> None:
    conversation.turn(dan, "STOP")
    assert opts() == []


def test_a_number_answers_the_survey_that_went_out(living: Living, day: Day, ana: Principal) -> None:
    assert conversation.turn(ana, "5").reply != templates.render("reply_rated"), "nobody asked"
    with store.transaction() as db:
        threads.open_of(db, ana, NOW).ask(None, NOW)
        orders.set_status(db, [day.orders["A1"]], "delivered")
        row = orders.get(db, day.orders["A1"])
        effects.queue_message(db, f"stage:{row.id}", row.person_id, row.id, "survey", "How was it?", at("08:00"))
    assert conversation.turn(ana, "4").reply != templates.render("reply_rated"), "it has not gone out yet"
    with store.transaction() as db:
        threads.open_of(db, ana, NOW).ask(None, NOW)
    living.to(at("08:00"))
    living.work()
    assert conversation.turn(ana, "4").reply == templates.render("reply_rated")
    assert conversation.turn(ana, "5").reply != templates.render("reply_rated"), "the first one counts"
    with store.transaction() as db:
        rated = db.execute(select(event).where(event.c.kind == "customer.rated")).one()
    assert (rated.subject, rated.data) == (day.orders["A1"], {"rating": 4})


@pytest.mark.parametrize(("words", "why"), [("", "nothing"), ("   ", "blanks"), ("x" * (MAX_CHARS + 1), "a novel")])
def test_a_message_of_no_fit_length_is_refused_and_not_kept(day: Day, ana: Principal, words: str, why: str) -> None:
    with pytest.raises(BadInput):
        conversation.turn(ana, words)
    assert said(ana) == [], why


# Whatever a planner says ----------------------------------------------------------------------------------------------


class Endless:
    """Looks, and looks again."""

    name, version = "endless", "1"

    def __init__(self) -> None:
        self.asked = 0

    def next_step(self, situation: Situation) -> Step:
        self.asked += 1
        return Look(tool="tracker.order_status", args={"order": "A1"})


def reason(turn: Turn) -> str:
    with store.transaction() as db:
        return str(db.execute(select(case.c.reason_code).where(case.c.id == turn.case)).scalar_one())


def test_a_planner_that_does_not_come_to_an_end_hands_over_after_six_steps(day: Day, ana: Principal) -> None:
    planner = Endless()
    assert reason(conversation.turn(ana, "hello", by=planner)) == "too_many_steps"
    assert planner.asked == MAX_STEPS


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (Look(tool="fleet.status", args={}), "a tool that is not in a customer's box"),
        (Look(tool="rm", args={}), "a tool that is not there"),
        (Propose(action="postpone", args={"order": "A1"}), "an action that a conversation may not ask for"),
        (Propose(action="reschedule", args={"order": "A1", "day": "yesterday"}), "no date"),
        (Answer(template="reply_out"), "a status that no tool has told"),
        (Choose(option_id="wait", why=""), "there are no options in a conversation"),
    ],
)
def test_a_step_that_is_not_allowed_hands_over_and_does_nothing(day: Day, ana: Principal, step: Step, why: str) -> None:
    before = world()
    turn = conversation.turn(ana, "hello", by=Says(step))
    assert reason(turn) == "cannot_do", why
    assert open_cases() == ["human"]
    assert world() == before


# What it costs --------------------------------------------------------------------------------------------------------


def test_where_is_my_order_takes_nine_statements_in_one_transaction(day: Day, ana: Principal) -> None:
    conversation.turn(ana, "Where is my order?")
    told: list[str] = []
    engine = store.engine()
    listen(engine, "before_cursor_execute", lambda db, cursor, said, *_: told.append(said))
    listen(engine, "begin", lambda db: told.append("begin"))
    conversation.turn(ana, "Where is my order?")
    assert told.count("begin") == 2, "the turn, and the notes of it for who watches"
    assert len(told) - told.count("begin") <= 9, told


class Slow:
    """Somebody else goes on with the same conversation while this one thinks."""

    name, version = "slow", "1"

    def next_step(self, situation: Situation) -> Step:
        with store.transaction() as db:
            db.execute(text("SET LOCAL lock_timeout = '2s'"))
            mine = select(principal).where(principal.c.role == "customer")
            found = db.execute(mine).one()
            threads.open_of(db, Principal(id=found.id, role=found.role, subject=found.subject), NOW)
        return Escalate(reason_code="asked_for_human", summary="wants a person")


def test_nothing_is_held_while_a_planner_thinks_that_may_take_long(day: Day, ana: Principal) -> None:
    assert reason(conversation.turn(ana, "hello", by=Slow())) == "asked_for_human"


# The same message again -----------------------------------------------------------------------------------------------


def everything() -> dict[str, Any]:
    with store.transaction() as db:
        tables = ("message", "case_", "event", "decision", "thread", "turn", "procrastinate_jobs")
        return {t: sorted(str(row) for row in db.execute(text(f"SELECT * FROM {t}"))) for t in tables}  # noqa: S608


@pytest.mark.parametrize("words", [MOVE, "Where is order A1?", "I want to talk to a person", "STOP", "gibberish blah"])
def test_the_same_key_gets_the_same_reply_and_does_nothing_twice(
    living: Living, day: Day, ana: Principal, words: str
) -> None:
    first = conversation.turn(ana, words, key="k1")
    after = everything()
    living.to(at("08:00"))
    assert conversation.turn(ana, words, key="k1") == first
    assert everything() == after


def test_a_key_belongs_to_its_sender_and_to_one_message(day: Day, ana: Principal, dan: Principal) -> None:
    conversation.turn(ana, "Where is order A1?", key="k1")
    conversation.turn(dan, "Where is order A1?", key="k1")
    assert len(said(dan)) == 2
    with pytest.raises(BadInput, match="Another message"):
        conversation.turn(ana, "Where is my other order?", key="k1")
    assert len(said(ana)) == 2


def test_without_a_key_saying_it_again_is_saying_it_twice(day: Day, ana: Principal) -> None:
    conversation.turn(ana, "Where is order A1?")
    conversation.turn(ana, "Where is order A1?")
    assert len(said(ana)) == 4


class Dies:
    """Fails the first time, as when the database is lost in the middle of a turn."""

    name, version = "dies", "1"

    def __init__(self) -> None:
        self.asked = 0

    def next_step(self, situation: Situation) -> Step:
        self.asked += 1
        if self.asked == 1:
            raise Unavailable("The database did not answer.", "Try again.")
        assert [line.text for line in situation.messages if line.who == "them"] == [MOVE]
        return Propose(action="reschedule", args={"order": "A1", "day": "2026-06-03"})


def test_a_turn_that_broke_off_is_answered_when_it_is_sent_again(living: Living, day: Day, ana: Principal) -> None:
    planner = Dies()
    with pytest.raises(Unavailable):
        conversation.turn(ana, MOVE, by=planner, key="k1")
    living.to(at("07:45"))
    turn = conversation.turn(ana, MOVE, by=planner, key="k1")
    assert said(ana) == [f"in: {MOVE}", f"out: {turn.reply}"], "taken down once"
    assert open_cases() == ["reschedule"]


def test_what_a_turn_does_and_its_reply_are_written_together_or_not_at_all(day: Day, ana: Principal) -> None:
    with store.transaction() as db:
        db.execute(text("ALTER TABLE message ADD CONSTRAINT no_reply CHECK (direction = 'in') NOT VALID"))
    try:
        with pytest.raises(Exception, match="no_reply"):
            conversation.turn(ana, MOVE, key="k1")
        assert open_cases() == []
    finally:
        with store.transaction() as db:
            db.execute(text("ALTER TABLE message DROP CONSTRAINT no_reply"))


def test_the_same_message_twice_at_once_is_answered_once(day: Day, ana: Principal) -> None:
    both: list[Turn] = []
    gate = threading.Barrier(2)

    def send() -> None:
        gate.wait()
        both.append(conversation.turn(ana, MOVE, key="k1"))

    senders = [threading.Thread(target=send) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len(both) == 2
    assert both[0] == both[1]
    assert len(said(ana)) == 2
    assert open_cases() == ["reschedule"]


def test_two_messages_at_once_are_both_kept(day: Day, ana: Principal) -> None:
    gate = threading.Barrier(4)

    def send(words: str) -> None:
        gate.wait()
        conversation.turn(ana, words)

    senders = [threading.Thread(target=send, args=[f"Where is order A1? {n}"]) for n in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(line.split(":")[0] for line in said(ana)) == ["in"] * 4 + ["out"] * 4


def test_a_forgotten_customers_kept_replies_are_gone(living: Living, day: Day, ana: Principal) -> None:
    conversation.turn(ana, "Where is order A1?", key="k1")
    with store.transaction() as db:
        db.execute(text("UPDATE order_ SET status = 'delivered'"))
        people.erase(db, ana.subject, at("20:00"))
        assert db.execute(text("SELECT count(*) FROM turn")).scalar_one() == 0
        bodies = db.execute(select(message.c.body).where(message.c.person_id == ana.subject)).scalars().all()
    assert set(bodies) == {None}
