"""The engine: nothing in it is the truth, so a new one gives the same answers and takes up what a dead one left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from core import blobs, canonical, plans
from core.errors import BadInput, NotFound, WrongState
from core.store import db as store
from core.store.tables import live_route, plan_run, promise
from optimizer.problem import Problem
from tests.living import DAY, DEPOT, Day, Living, a_depot, a_van, an_order, at, deliver, load_and_leave, stop_of
from tests.tools.a_case import NOW, planned
from tools import problems
from tools.engine import Engine
from tools.optimizer import Local, Question, Resident
from tools.wire import Client, Server, socket_path

KINDS = ("wait", "retell", "resequence", "reassign", "postpone")


@pytest.fixture
def engines() -> Iterator[Any]:
    """Makes engines, and lets go of what they hold at the end."""
    made: list[Engine] = []

    def make() -> Engine:
        made.append(Engine())
        return made[-1]

    yield make
    for engine in made:
        crash(engine)


def crash(engine: Engine) -> None:
    """What the death of its process does: its connection closes, and with it its locks."""
    engine.stop()
    if engine._holder is not None and not engine._holder.closed:
        engine._holder.invalidate()
        engine._holder.close()


def ask(engine: Engine, day: Day, ref: str = "A1") -> Question:
    asked = engine.ask(DEPOT, DAY, day.stops[ref], KINDS, at("08:05"))
    assert isinstance(asked, Question)
    return asked


def on_the_road(living: Living) -> Day:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], at("08:00"))
    return day


# Rebuilt after a crash


def test_a_new_engine_gives_the_same_answers_as_the_one_that_died(living: Living, engines: Any) -> None:
    day = on_the_road(living)
    first = engines()
    before = ask(first, day, "A3")
    first.tick(at("08:05"))
    crash(first)
    second = engines()
    assert ask(second, day, "A3") == before
    assert second.tick(at("08:06")) == {"opened": []}, "it owns the day now"


def test_an_engine_and_a_worker_without_one_say_the_same(living: Living, engines: Any) -> None:
    day = on_the_road(living)
    engine = engines()
    with_it, without = ask(engine, day, "A3"), Local().ask(DEPOT, DAY, day.stops["A3"], KINDS, at("08:05"))
    assert with_it == without
    assert with_it.candidates


def test_what_it_says_over_its_socket_is_the_same(living: Living, engines: Any) -> None:
    day = on_the_road(living)
    path = socket_path("engine.sock")
    server = Server(path, engines().answer)
    server.start()
    try:
        far, near = Resident(Client(path)), Local()
        asked = far.ask(DEPOT, DAY, day.stops["A3"], KINDS, at("08:05"))
        assert asked == near.ask(DEPOT, DAY, day.stops["A3"], KINDS, at("08:05"))
        for candidate in asked.candidates:
            assert far.evaluate(asked.problem, candidate) == near.evaluate(asked.problem, candidate)
        assert far.tick(at("08:05")) == {"opened": []}
        with pytest.raises(WrongState, match="no published plan"):
            far.ask(DEPOT, DAY + timedelta(days=1), day.stops["A3"], KINDS, at("08:05"))
    finally:
        server.shutdown()
        server.server_close()
        path.unlink(missing_ok=True)
        path.parent.rmdir()


@pytest.mark.parametrize(
    "change",
    ["an order is taken in", "an order is delivered", "the plan is changed", "a promise is changed"],
)
def test_what_it_keeps_in_memory_never_hides_what_has_changed(living: Living, engines: Any, change: str) -> None:
    day = on_the_road(living)
    kept = engines()
    before = ask(kept, day, "A3")
    with store.transaction() as db:
        if change == "an order is taken in":
            an_order(db, "N1", 9)
        elif change == "an order is delivered":
            deliver(db, "van1", day.orders["A1"], at("08:01"))
        elif change == "the plan is changed":
            current = plans.current(db, DEPOT, DAY)
            assert current is not None
            visits = current.routes["van2"].visits
            turned = current.routes["van2"].model_copy(update={"visits": visits[::-1]})
            plans.add(db, DEPOT, DAY, [turned], parent=current.version, status="published", made_by={}, at=NOW)
        else:
            db.execute(update(promise).where(promise.c.order_id == day.orders["A3"]).values(hi=at("08:01")))
    after = ask(kept, day, "A3")
    assert after == ask(engines(), day, "A3")
    assert after != before


# One engine a depot-day


def test_of_two_engines_one_keeps_a_day_and_the_other_takes_over_when_it_dies(living: Living, engines: Any) -> None:
    planned(living)
    first, second = engines(), engines()
    first.tick(at("08:05"))
    second.tick(at("08:10"))
    assert refreshed_at() == {at("08:05")}, "the second one has left it alone"
    assert (first.answer("ping", {})["owned"], second.answer("ping", {})["owned"]) == ([f"{DEPOT}/{DAY}"], [])
    crash(first)
    second.tick(at("08:15"))
    assert refreshed_at() == {at("08:15")}


def refreshed_at() -> set[Any]:
    with store.transaction() as db:
        return set(db.execute(select(live_route.c.at)).scalars())


def test_an_engine_that_lost_the_database_takes_its_days_anew(living: Living, engines: Any) -> None:
    planned(living)
    engine = engines()
    engine.tick(at("08:05"))
    engine._holder.invalidate()
    engine.lost_database()
    engine.tick(at("08:10"))
    assert refreshed_at() == {at("08:10")}


# Plan runs


def a_run(status: str, day: Any = DAY, **request: Any) -> str:
    asked = {"iterations": 500, "seed": 1, "time_limit_s": 60.0} | request
    made = canonical.short("run", DEPOT, day.isoformat(), status)
    with store.transaction() as db:
        row = {"id": made, "depot_id": DEPOT, "day": day, "status": status, "request": asked, "progress": [], "at": NOW}
        db.execute(insert(plan_run).values(row))
    return made


def run_row(run_id: str) -> Any:
    with store.transaction() as db:
        return db.execute(select(plan_run).where(plan_run.c.id == run_id)).one()


def worked(engine: Any, run_id: str) -> Any:
    """The run as the engine leaves it."""
    taking = threading.Thread(target=engine.plan_runs)
    taking.start()
    try:
        for _ in range(600):
            if run_row(run_id).status in ("done", "failed"):
                break
            engine.stopping.wait(0.1)
    finally:
        engine.stop()
        taking.join(30)
    return run_row(run_id)


def test_a_run_that_a_dead_engine_left_behind_is_started_over(living: Living, engines: Any) -> None:
    with store.transaction() as db:
        a_depot(db)
        a_van(db)
        for number in range(1, 7):
            an_order(db, f"A{number}", number)
    run_id = a_run("running")
    engine = engines()
    row = worked(engine, run_id)
    assert (row.status, row.version, row.error) == ("done", 1, None)
    assert row.progress, "it said how far it was"
    with store.transaction() as db:
        draft = plans.get(db, DEPOT, DAY, 1)
        here = problems.ground(db, DEPOT, DAY)
    assert draft.status == "draft", "nothing changes until it is published"
    assert draft.made_by["violations"] == 0
    assert sorted(s for r in draft.routes.values() for s in r.stops) == sorted(here.stops)


def test_a_run_that_can_not_be_planned_says_why(living: Living, engines: Any) -> None:
    with store.transaction() as db:
        a_depot(db)
        an_order(db, "A1")
    run_id = a_run("queued")
    engines().run(run_id)
    row = run_row(run_id)
    assert row.status == "failed"
    assert "has no vehicles" in row.error


def test_a_draft_keeps_what_it_takes_to_make_it_again(living: Living, engines: Any) -> None:
    with store.transaction() as db:
        a_depot(db)
        a_van(db, max_stops=2)
        left = [an_order(db, f"A{number}", number) for number in range(1, 4)]
    run_id = a_run("queued", seed=3)
    engines().run(run_id)
    with store.transaction() as db:
        draft = plans.get(db, DEPOT, DAY, run_row(run_id).version)
        asked = Problem.model_validate(blobs.get(db, draft.made_by["problem"]))
        stops = {stop_of(db, order_id) for order_id in left}
    assert (draft.made_by["seed"], draft.made_by["iterations"]) == (3, 500)
    assert asked.matrix == draft.made_by["matrix"]
    assert {s.id for s in asked.stops} == stops
    assert len(draft.unassigned) == 1
    assert draft.unassigned[0]["reason"]
    assert draft.made_by["violations"] == 0


# Requests


def test_an_unknown_request_is_said_to_be_unknown(engines: Any) -> None:
    with pytest.raises(NotFound, match="no operation 'format'"):
        engines().answer("format", {})


def test_a_question_about_a_stop_that_is_not_there_is_refused(living: Living, engines: Any) -> None:
    planned(living)
    with pytest.raises(BadInput, match="no stop stp_x"):
        engines().ask(DEPOT, DAY, "stp_x", KINDS, at("08:05"))


def test_a_day_without_a_plan_is_left_alone(living: Living, engines: Any) -> None:
    with store.transaction() as db:
        a_depot(db)
        a_van(db)
    assert engines().tick(at("08:05")) == {"opened": []}
    assert refreshed_at() == set()
