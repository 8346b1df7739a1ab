"""An order that comes in while its day's plan is published: it gets a place in the plan that runs, or another day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from agent import replay
from agent.casework import MAX_ROUNDS
from api.imports import take
from core import clock, decisions, orders, promises
from core.store import db as store
from core.store.tables import van
from optimizer import wave
from tests.living import DAY, DEPOT, HOME, STEP, Day, Living, a_plan, a_van, an_order, at, load_and_leave, tap, texts_to
from tests.tools.a_case import approve, asked, case_row, decided, planned, routes, status_of
from tools import publishing

NOW = at("07:30")


@pytest.fixture
def day(living: Living) -> Day:
    day = planned(living)
    living.to(NOW)
    return day


def came_in(ref: str, place: float, **given: Any) -> tuple[str, str]:
    """An order as an import brings it; returns its id and its case."""
    with store.transaction() as db:
        made = an_order(db, ref, place, **given)
        opened = publishing.came_late(db, DEPOT, DAY, [made], clock.now(db))
    assert len(opened) == 1
    return made, opened[0]


def leave(day: Day, van: str, *refs: str) -> None:
    with store.transaction() as db:
        load_and_leave(db, van, [day.orders[ref] for ref in refs], NOW)


def test_an_import_opens_a_case_only_while_a_plan_is_published(living: Living, day: Day) -> None:
    row = f'[{{"ref": "LIVE-1", "name": "Lea", "lat": {HOME[0] + STEP}, "lon": -97.71}}]'.encode()
    assert take.take(row, "json", DEPOT, DAY).accepted == 1
    assert take.take(row, "json", DEPOT, DAY).unchanged == 1
    take.take(row.replace(b"LIVE-1", b"LATER-1"), "json", DEPOT, DAY + timedelta(days=1))
    worked = living.work()
    assert len({subject for task, subject in worked if task == "work_case"}) == 1


def test_it_goes_on_a_van_that_has_not_left_and_its_customer_is_promised_a_time(living: Living, day: Day) -> None:
    leave(day, "van1", "A1", "A2", "A3")
    made, case_id = came_in("LIVE-1", 1.6)
    living.work()
    assert [(d.verdict, d.action, d.rule) for d in decided(case_id)] == [("auto", "reassign", "reassign.within_limits")]
    with store.transaction() as db:
        assert orders.get(db, made).stop_id in routes()["van2"]
        told = promises.open_of(db, made)
        assert told is not None
        assert told.lo < told.hi
        assert texts_to(db, made) == ["promise"]
        again = replay.recompute(db, decisions.body(db, decided(case_id)[0].id)["inputs"])
        assert again == decisions.body(db, decided(case_id)[0].id)["outcome"]
    assert status_of(made) == "planned"
    assert case_row(case_id).reason_code == "done"


def test_a_van_that_comes_to_the_same_door_takes_it_along(living: Living, day: Day) -> None:
    before = routes()
    made, case_id = came_in("A2-more", 2)
    living.work()
    assert [(d.verdict, d.action) for d in decided(case_id)] == [("auto", "join")]
    assert routes() == before, "no stop is added: it is the same door"
    with store.transaction() as db:
        mine, theirs = promises.open_of(db, made), promises.open_of(db, day.orders["A2"])
        assert mine is not None
        assert theirs is not None
        assert mine.lo <= theirs.hi
    assert status_of(made) == "planned"


def test_two_orders_at_one_new_door_make_one_stop(living: Living, day: Day) -> None:
    first, one = came_in("LIVE-1", 1.6)
    second, other = came_in("LIVE-2", 1.6)
    living.work()
    assert [d.action for d in decided(one) + decided(other)] == ["reassign", "join"]
    with store.transaction() as db:
        stop = orders.get(db, first).stop_id
        assert stop == orders.get(db, second).stop_id
    assert [stops.count(stop) for stops in routes().values() if stop in stops] == [1]


def test_what_overloads_the_van_does_not_join_it(living: Living, day: Day) -> None:
    _, case_id = came_in("A2-more", 2, pieces=10_000)
    living.work()
    join = next(o for o in case_row(case_id).options if o["kind"] == "join")
    assert not join["feasible"]
    assert "overloaded" in join["broken"][0]


def all_leave(day: Day) -> None:
    leave(day, "van1", "A1", "A2", "A3")
    leave(day, "van2", "B1", "B2")


def come_home(living: Living, van: str, minutes: int) -> None:
    """It has served nobody: what it had goes back."""
    with store.transaction() as db:
        tap(db, "finished", van, NOW + timedelta(minutes=minutes))
    living.work()


def actions(case_id: str) -> list[tuple[str, str]]:
    return [(d.verdict, d.action) for d in decided(case_id)]


def test_when_every_van_has_left_an_order_is_held_until_one_is_back(living: Living, day: Day) -> None:
    all_leave(day)
    made, case_id = came_in("LIVE-1", 0.3)
    living.work()
    row = case_row(case_id)
    assert (row.status, actions(case_id)) == ("held", [("auto", "hold")])
    assert row.due_by == NOW + timedelta(seconds=wave.WAITS_S[0])
    assert status_of(made) == "new"
    with store.transaction() as db:
        assert texts_to(db, made) == [], "nothing is promised yet"
    come_home(living, "van2", 30)
    assert actions(case_id)[1:] == [("auto", "reassign")]
    assert made in on_route("van2")
    with store.transaction() as db:
        assert texts_to(db, made) == ["promise"]
        for each in decided(case_id):
            body = decisions.body(db, each.id)
            assert replay.recompute(db, body["inputs"]) == body["outcome"]


def on_route(van: str) -> list[str]:
    """Orders of the van's published list."""
    with store.transaction() as db:
        return [row.id for stop in routes()[van] for row in orders.at_stop(db, stop)]


def test_what_waits_at_the_depot_goes_out_together_by_one_decision(living: Living, day: Day) -> None:
    all_leave(day)
    waiting = [came_in(f"LIVE-{n}", 1.5 + n / 10) for n in range(3)]
    living.work()
    assert {case_row(case_id).status for _, case_id in waiting} == {"held"}
    come_home(living, "van2", 30)
    first, *others = [case_id for _, case_id in waiting]
    assert actions(first)[1:] == [("auto", "serve")]
    assert [actions(case_id)[1:] for case_id in others] == [[], []], "nothing is decided twice"
    assert {(case_row(c).status, case_row(c).reason_code) for c in others} == {("closed", "in_the_plan")}
    assert {made for made, _ in waiting} <= set(on_route("van2"))
    with store.transaction() as db:
        assert [texts_to(db, made) for made, _ in waiting] == [["promise"]] * 3
        body = decisions.body(db, decided(first)[-1].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]
        without = body["inputs"] | {"scope": body["inputs"]["scope"] | {"pool": []}}
        assert replay.recompute(db, without) != body["outcome"], "who waited with it made a difference"


def test_the_trip_is_taken_like_the_first_one(living: Living, day: Day) -> None:
    all_leave(day)
    made, _ = came_in("LIVE-1", 0.3)
    living.work()
    come_home(living, "van2", 30)
    with store.transaction() as db:
        load_and_leave(db, "van2", [made], NOW + timedelta(minutes=50))
        stop = orders.get(db, made).stop_id
        state = db.execute(select(van).where(van.c.vehicle_id == "van2")).one()
        assert (state.state, state.stop_id) == ("driving", stop)
        tap(db, "arrived", "van2", NOW + timedelta(minutes=60), stop)
        tap(db, "delivered", "van2", NOW + timedelta(minutes=61), made, proof={"kind": "photo"})
    assert status_of(made) == "delivered"


def test_held_in_vain_a_person_decides_while_something_can_still_be_done(living: Living, day: Day) -> None:
    all_leave(day)
    made, case_id = came_in("LIVE-1", 1.6)
    living.work()
    while case_row(case_id).status == "held":
        living.pulse(case_row(case_id).due_by)
    row = case_row(case_id)
    assert row.status == "waiting"
    ends = clock.at_second(DAY, "America/Chicago", 18 * 3600)
    assert row.due_by < ends - timedelta(hours=1)
    assert len(decided(case_id)) > MAX_ROUNDS, "to wait is not a ground that shifts"
    approve(case_id, asked(case_id).digest)
    living.work()
    assert status_of(made) == "rescheduled"


def test_a_door_that_a_van_has_on_its_list_already_is_visited_once_more(living: Living, day: Day) -> None:
    leave(day, "van1", "A1", "A2", "A3")
    before = routes()
    made, case_id = came_in("A2-more", 2)
    living.work()
    with store.transaction() as db:
        assert orders.get(db, made).stop_id != day.stops["A2"], "its driver does not have these goods"
    assert routes()["van1"] == before["van1"]
    assert actions(case_id) == [("auto", "reassign")]
    assert made in on_route("van2")


def test_a_new_plan_that_takes_it_in_settles_the_case(living: Living, day: Day) -> None:
    made, case_id = came_in("LIVE-1", 1.6)
    with store.transaction() as db:
        a_van(db, "van3")
        a_plan(
            db,
            {"van1": [day.orders[r] for r in ("A1", "A2", "A3")], "van2": [day.orders["B1"], day.orders["B2"], made]},
        )
    living.work()
    row = case_row(case_id)
    assert (row.status, row.reason_code) == ("closed", "in_the_plan")
    assert decided(case_id) == []
