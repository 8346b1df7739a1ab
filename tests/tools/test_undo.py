"""Undo: routes, promises and moved days go back while the world allows; what was said is corrected; all of it once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import custody, decisions, orders, promises
from core.errors import AlreadyDecided, DoorstepError, NotAllowed, NotFound, Stale, WrongState
from core.store import db as store
from core.store.tables import message, promise
from tests.living import DAY, Day, Living, a_plan, load_and_leave, texts_to, who
from tests.tools.a_case import (
    NOW,
    Picks,
    approve,
    asked,
    case_row,
    decided,
    late,
    planned,
    route_of,
    routes,
    staff,
    status_of,
    undo,
    world,
)
from tools import approvals

SOON = NOW + timedelta(minutes=5)
TOMORROW = DAY + timedelta(days=1)


def done(living: Living, day: Day, option: str, ref: str = "A1", van: str = "van1") -> str:
    """An option carried out to its end; returns the decision."""
    case_id = late(day, ref, van=van)
    living.work(planner=Picks(option))
    if case_row(case_id).status == "waiting":
        approve(case_id, asked(case_id).digest)
        living.work()
    assert case_row(case_id).status == "closed"
    return str(decided(case_id)[-1].id)


def messages_to(order_id: str) -> list[tuple[str, str]]:
    with store.transaction() as db:
        query = select(message.c.template, message.c.body).where(message.c.order_id == order_id)
        return [(row[0], row[1]) for row in db.execute(query.order_by(message.c.at, message.c.id))]


def open_promise(order_id: str) -> tuple[Any, Any]:
    with store.transaction() as db:
        row = promises.open_of(db, order_id)
    assert row is not None
    return row.lo, row.hi


# Routes


@pytest.mark.parametrize("option", ["resequence", "reassign:van2"])
def test_routes_go_back_to_what_they_were(living: Living, option: str) -> None:
    day = planned(living)
    before = routes()
    made = done(living, day, option)
    assert routes() != before
    said = undo(made, SOON)
    assert routes() == before
    assert said["undone"]
    with store.transaction() as db:
        assert decisions.get(db, made).undone_by == said["decision"]


def test_what_was_done_on_other_routes_since_stays(living: Living) -> None:
    day = planned(living)
    made = done(living, day, "resequence")
    other = done(living, day, "resequence", "B1", "van2")
    moved = routes()["van2"]
    undo(made, SOON)
    assert routes() == {"van1": route_of(day, "A1", "A2", "A3"), "van2": moved}
    undo(other, SOON)
    assert routes()["van2"] == route_of(day, "B1", "B2")


def test_routes_that_somebody_else_changed_since_are_left_alone(living: Living) -> None:
    day = planned(living)
    made = done(living, day, "resequence", "A1")
    done(living, day, "reassign:van2", "A2")
    before = world()
    with pytest.raises(Stale, match="changed again since"):
        undo(made, SOON)
    assert world() == before
    with store.transaction() as db:
        assert decisions.get(db, made).undone_by is None, "it can still be undone when the other one is"


def test_changes_are_undone_from_the_last_one_back(living: Living) -> None:
    day = planned(living)
    before = routes()
    made = [done(living, day, "resequence", "A1"), done(living, day, "reassign:van2", "A2")]
    for decision_id in reversed(made):
        undo(decision_id, SOON)
    assert routes() == before


def test_what_was_served_since_is_not_driven_to_again(living: Living) -> None:
    day = planned(living)
    made = done(living, day, "resequence")
    with store.transaction() as db:
        load_and_leave(db, "van1", list(day.orders.values())[:3], NOW)
        orders.set_status(db, [day.orders["A2"]], "delivered")
    assert routes()["van1"][0] == day.stops["A2"]
    undo(made, SOON)
    still = [stop for stop in routes()["van1"] if stop != day.stops["A2"]]
    assert still == list(route_of(day, "A1", "A3"))
    assert routes()["van1"][0] == day.stops["A2"], "what is behind the van stays behind it"


def test_a_stop_that_the_van_heads_to_is_not_taken_from_it(living: Living) -> None:
    day = planned(living)
    made = done(living, day, "resequence")
    with store.transaction() as db:
        load_and_leave(db, "van1", list(day.orders.values())[:3], NOW)
    heads_to = routes()["van1"][0]
    assert heads_to == day.stops["A2"]
    before = world()
    with pytest.raises(Stale, match="heads to a stop"):
        undo(made, SOON)
    assert world() == before


# Promises


def test_a_message_can_not_be_unsent_but_a_correction_follows_it(living: Living) -> None:
    day = planned(living)
    a1 = day.orders["A1"]
    case_id = late(day)
    told = open_promise(a1)
    living.work(planner=Picks("retell"))
    assert open_promise(a1) != told
    said = undo(decided(case_id)[-1].id, living.to(SOON))
    living.work()
    assert [template for template, _ in messages_to(a1)] == ["promise", "retell", "correction"]
    assert open_promise(a1) == told, "we are held to the first time again"
    assert (said["undone"], len(said["compensated"])) == ([], 1)
    assert [m.text for m in living.phone.delivered][-1] == messages_to(a1)[-1][1]


def test_nobody_who_heard_nothing_gets_a_correction(living: Living) -> None:
    day = planned(living)
    made = done(living, day, "resequence")
    undo(made, SOON)
    for ref in ("A2", "A3", "B1", "B2"):
        assert [template for template, _ in messages_to(day.orders[ref])] == ["promise"]


# Moved days


def moved_to(day: Day, ref: str) -> str:
    with store.transaction() as db:
        row = orders.by_ref(db, f"{ref}/2")
    assert row is not None
    return str(row.id)


def test_an_order_that_was_moved_comes_back_to_its_day_route_and_promise(living: Living) -> None:
    day = planned(living)
    a1, before = day.orders["A1"], routes()
    case_id = late(day)
    told = open_promise(a1)
    living.work(planner=Picks("postpone"))
    approve(case_id, asked(case_id).digest)
    living.work()
    assert status_of(a1) == "rescheduled"
    again = moved_to(day, "A1")
    undo(decided(case_id)[-1].id, SOON)
    living.work()
    assert status_of(a1) == "planned"
    assert routes() == before
    assert open_promise(a1) == told
    assert [template for template, _ in messages_to(a1)] == ["promise", "rescheduled", "correction"]
    with store.transaction() as db:
        assert custody.holders(db, a1) == {"depot:dep"}, "its goods belong to it again"
        with pytest.raises(NotFound):
            orders.get(db, again)


def test_an_order_that_its_new_day_has_planned_stays_there(living: Living) -> None:
    day = planned(living)
    made = done(living, day, "postpone")
    with store.transaction() as db:
        a_plan(db, {"van1": [moved_to(day, "A1")]}, day=TOMORROW)
    before = world()
    with pytest.raises(Stale, match="planned on its new day"):
        undo(made, SOON)
    assert world() == before


def test_an_order_that_was_moved_while_it_was_aboard_is_out_again(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], NOW)
    made = done(living, day, "postpone", "A3")
    undo(made, SOON)
    assert status_of(day.orders["A3"]) == "out"
    with store.transaction() as db:
        assert custody.van_of(db, day.orders["A3"]) == "van1"


# Once, and by whom


def test_a_decision_is_undone_once(living: Living) -> None:
    day = planned(living)
    for made in (done(living, day, "retell", "A1"), done(living, day, "resequence", "A2")):
        undo(made, SOON)
        before = world()
        with pytest.raises(AlreadyDecided, match="undone before"):
            undo(made, SOON, staff("ops_lead"))
        assert world() == before


def test_of_two_who_undo_at_once_one_does(living: Living) -> None:
    day = planned(living)
    made = done(living, day, "resequence")
    gate, came = threading.Barrier(2), []

    def take_back(role: str) -> None:
        by = staff(role)
        gate.wait()
        try:
            undo(made, SOON, by)
            came.append("undone")
        except DoorstepError as error:
            came.append(type(error).__name__)

    threads = [threading.Thread(target=take_back, args=(role,)) for role in ("dispatcher", "ops_lead")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(came) == ["AlreadyDecided", "undone"]
    assert routes()["van1"] == route_of(day, "A1", "A2", "A3")


def test_an_undo_is_a_decision_too(living: Living) -> None:
    day = planned(living)
    made = done(living, day, "resequence")
    said = undo(made, SOON)
    with store.transaction() as db:
        body = decisions.body(db, said["decision"])
    assert (body["verdict"], body["action"], body["applied"]) == ("undone", "undo", {"undoes": made})
    assert body["rule"] == "undo.possible"


def test_an_undo_is_not_undone(living: Living) -> None:
    day = planned(living)
    said = undo(done(living, day, "resequence"), SOON)
    with pytest.raises(WrongState, match="changed nothing"):
        undo(said["decision"], SOON)


def test_what_changed_nothing_is_not_undone(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    living.work(planner=Picks("postpone"))
    with store.transaction() as db:
        made = approvals.reject(db, staff(), case_id, asked(case_id).digest, "no", SOON)
    with pytest.raises(WrongState):
        undo(made, SOON)


@pytest.mark.parametrize("role", ["customer", "driver", "integrator"])
def test_only_staff_undo(living: Living, role: str) -> None:
    day = planned(living)
    made = done(living, day, "resequence")
    before = world()
    with store.transaction() as db:
        somebody = who(db, role)
    with pytest.raises(NotAllowed, match=r"undo\.not_staff"):
        undo(made, SOON, somebody)
    assert world() == before


def test_an_unknown_decision_is_not_undone(living: Living) -> None:
    planned(living)
    with pytest.raises(NotFound):
        undo("dec_x", SOON)


def dates(refs: Sequence[str]) -> list[date]:
    with store.transaction() as db:
        return [row.day for ref in refs if (row := orders.by_ref(db, ref)) is not None]


def test_every_order_is_on_one_day_only(living: Living) -> None:
    day = planned(living)
    made = done(living, day, "postpone")
    assert dates(["A1", "A1/2"]) == [DAY, TOMORROW]
    undo(made, SOON)
    assert dates(["A1", "A1/2"]) == [DAY]
    with store.transaction() as db:
        assert texts_to(db, day.orders["A1"])[-1] == "correction"
        assert db.execute(select(promise.c.id).where(promise.c.status == "open")).all()
