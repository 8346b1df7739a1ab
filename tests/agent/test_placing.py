"""An order put on the running plan at once: the engine that holds the day, the record and a replay say the same."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from agent import placing, replay
from agent.embedded.planner import EmbeddedPlanner
from agent.placing import Placed
from core import blobs, decisions, orders, plans
from core.errors import NotFound, WrongState
from core.store import db as store
from core.store.tables import case
from optimizer import inserting
from optimizer.native.resident import Resident
from optimizer.options import Scope
from optimizer.problem import Problem
from tests.living import DAY, DEPOT, Living, an_order, load_and_leave, who
from tests.living import at as clock_at
from tests.tools.a_case import planned
from tools import live_day, problems
from tools.engine import Engine
from tools.optimizer import Local, Placer, Question


class Held:
    """The engine that holds the day, without its socket."""

    def __init__(self) -> None:
        self.engine = Engine()

    def place(self, *args: object) -> Question:
        return self.engine.place(*args)  # type: ignore[arg-type]


def late(ref: str, place: float, **given: Any) -> str:
    with store.transaction() as db:
        return an_order(db, ref, place, **given)


def put(ref: str, by: Placer, vehicle: str | None = None) -> Placed:
    with store.transaction() as db:
        dispatcher = who(db, "dispatcher")
    return placing.place(dispatcher, DEPOT, DAY, ref, vehicle, by, EmbeddedPlanner())


def test_it_is_on_a_van_decided_promised_and_its_case_ends(living: Living) -> None:
    planned(living)
    order_id = late("N1", 2.2)
    done = put("N1", Local())
    with store.transaction() as db:
        plan, row = plans.current(db, DEPOT, DAY), orders.get(db, order_id)
        assert plan is not None
        assert (plan.version, plan.vehicle_of(row.stop_id)) == (done.version, done.vehicle)
        assert decisions.get(db, done.decision).verdict == "approved"
    living.work()
    with store.transaction() as db:
        assert db.execute(select(case.c.status).where(case.c.id == done.case)).scalar_one() == "closed"
        assert orders.get(db, order_id).status == "planned"
    assert {o.kind for o in done.options} == {"wait", "reassign", "postpone"}
    assert all(o.stops_moved <= 1 for o in done.options)


def test_a_day_that_is_held_says_what_the_record_says_one_after_the_other(living: Living) -> None:
    planned(living)
    held = Held()
    for number, place in enumerate((2.2, 0.7, 3.3, 2.25, 5.0)):
        order_id = late(f"N{number}", place)
        asked = held.place(DEPOT, DAY, order_id, placing.TRIED, clock_at("07:10"))
        fresh = Local().place(DEPOT, DAY, order_id, placing.TRIED, clock_at("07:10"))
        assert asked.candidates == fresh.candidates
        assert (asked.version, asked.stop) == (fresh.version, fresh.stop)
        put(f"N{number}", held)


def test_a_replay_finds_the_same_places_in_what_was_recorded(living: Living) -> None:
    planned(living)
    late("N1", 2.2)
    done = put("N1", Held())
    with store.transaction() as db:
        [again_so] = replay.replay(db, decision_id=done.decision)
        assert again_so.same, again_so.why
        kept = decisions.body(db, done.decision)["inputs"]
        problem, scope = Problem.model_validate(blobs.get(db, kept["problem"])), Scope.model_validate(kept["scope"])
    travel = problems.matrices().get(problem.matrix)
    again = inserting.candidates(problem, travel, kept["stop"], placing.TRIED, scope)
    reassigned = [o.id for o in done.options if o.kind == "reassign"]
    assert sorted(c.id for c in again if c.kind == "reassign") == sorted(reassigned)
    assert Resident(problem, travel).places(problem.stop(kept["stop"]))


def test_another_van_than_the_cheapest_can_be_named(living: Living) -> None:
    planned(living)
    late("N1", 2.2)
    late("N2", 2.3)
    best = put("N1", Local())
    vans = {o.vehicle_id for o in best.options if o.kind == "reassign"}
    other = put("N2", Local(), min(v for v in vans if v and v != best.vehicle))
    assert other.vehicle != best.vehicle
    late("N3", 2.4)
    with pytest.raises(WrongState, match="no place for it among the best"):
        put("N3", Local(), "van9")


def test_what_has_a_place_or_is_not_there_is_refused(living: Living) -> None:
    planned(living)
    with pytest.raises(WrongState, match="is planned"):
        put("A1", Local())
    with pytest.raises(NotFound, match="NOBODY"):
        put("NOBODY", Local())
    late("N1", 1)  # at A1's door
    with pytest.raises(WrongState, match="comes to the door"):
        put("N1", Local())
    late("N2", 2.6, weight_g=10**9)
    with pytest.raises(WrongState, match="No van has a place"):
        put("N2", Local())


def test_the_stop_that_a_van_drives_to_stays_first(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], clock_at("08:00"))
    living.to(clock_at("08:05"))
    late("N1", 0.5)
    done = put("N1", Held())
    assert done.vehicle == "van2", "the goods are at the depot, which van1 has left"
    with store.transaction() as db:
        plan = plans.current(db, DEPOT, DAY)
    assert plan is not None
    assert plan.routes["van1"].stops[0] == day.stops["A1"]


def test_a_day_that_is_held_is_read_anew_when_it_is_old_or_cannot_follow(living: Living) -> None:
    planned(living)
    engine = Engine()
    with store.transaction() as db:
        first = engine._live_day(db, DEPOT, DAY, clock_at("07:10"))
        assert engine._live_day(db, DEPOT, DAY, clock_at("07:10") + live_day.FRESH / 2) is first
        assert engine._live_day(db, DEPOT, DAY, clock_at("07:10") + live_day.FRESH) is not first
        plan = plans.current(db, DEPOT, DAY)
        assert plan is not None
        turned = plan.routes["van2"].model_copy(update={"visits": plan.routes["van2"].visits[::-1]})
        assert not first.follow(plan.model_copy(update={"routes": {**plan.routes, "van2": turned}}))
        shorter = plan.routes["van2"].model_copy(update={"visits": plan.routes["van2"].visits[:1]})
        assert first.follow(plan.model_copy(update={"routes": {**plan.routes, "van2": shorter}}))
        assert first.resident.route_of("van2") == shorter.stops
