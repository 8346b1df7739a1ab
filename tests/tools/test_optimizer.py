"""What could be done about a stop, without an engine: frozen at one moment, read-only, only what was asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import BadInput, WrongState
from core.store import db as store
from optimizer.options import Candidate
from tests.living import DAY, DEPOT, Living, an_order, at, load_and_leave, stop_of
from tests.tools.a_case import planned, world
from tools.optimizer import Local

ALL = ("wait", "retell", "resequence", "reassign", "postpone")
NOW = at("08:05")


@pytest.mark.parametrize("kinds", [ALL, ("wait", "postpone"), ("wait",), ()], ids=len)
def test_only_what_was_asked_for_is_offered(living: Living, kinds: tuple[str, ...]) -> None:
    day = planned(living)
    asked = Local().ask(DEPOT, DAY, day.stops["A2"], kinds, NOW)
    assert {c.kind for c in asked.candidates} == set(kinds)
    assert {c.stop_id for c in asked.candidates} <= {day.stops["A2"]}


def test_a_question_is_frozen_with_the_plan_it_was_cut_from(living: Living) -> None:
    day = planned(living)
    asked = Local().ask(DEPOT, DAY, day.stops["A2"], ALL, NOW)
    assert (asked.version, asked.stop, asked.depot_id, asked.day) == (1, day.stops["A2"], DEPOT, DAY)
    assert asked.problem.now_s == 8 * 3600 + 300
    with pytest.raises(ValueError, match="frozen"):
        asked.version = 2  # type: ignore[misc]


def test_asking_and_pricing_change_nothing_and_can_be_repeated(living: Living) -> None:
    day = planned(living)
    before = world()
    asked = Local().ask(DEPOT, DAY, day.stops["A2"], ALL, NOW)
    priced = [Local().evaluate(asked.problem, c) for c in asked.candidates]
    assert [Local().evaluate(asked.problem, c) for c in asked.candidates] == priced
    assert Local().ask(DEPOT, DAY, day.stops["A2"], ALL, NOW) == asked
    assert world() == before


def test_doing_nothing_costs_what_it_breaks_and_nothing_else(living: Living) -> None:
    day = planned(living)
    asked = Local().ask(DEPOT, DAY, day.stops["A2"], ALL, NOW)
    wait = Local().evaluate(asked.problem, Candidate(kind="wait", stop_id=day.stops["A2"]))
    assert (wait.cost_cents, wait.stops_moved, wait.promises_broken, wait.feasible) == (0, 0, 0, True)


def test_the_stop_that_a_van_drives_to_is_not_put_elsewhere(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], at("08:00"))
    kinds = {c.kind for c in Local().ask(DEPOT, DAY, day.stops["A1"], ALL, NOW).candidates}
    assert not kinds & {"resequence", "reassign"}
    assert "wait" in kinds


def test_goods_on_a_van_are_offered_to_no_other(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2")], at("08:00"))
    offered = {
        ref: {c.kind for c in Local().ask(DEPOT, DAY, day.stops[ref], ALL, NOW).candidates} for ref in ("A2", "A3")
    }
    assert "reassign" not in offered["A2"]
    assert "reassign" in offered["A3"], "it is still at the depot"


def test_before_a_plan_an_order_can_stay_leave_the_day_or_end(living: Living) -> None:
    planned(living)
    tomorrow = DAY + timedelta(days=1)
    with store.transaction() as db:
        stop = stop_of(db, an_order(db, "T1", 2, day=tomorrow))
    asked = Local().ask(DEPOT, tomorrow, stop, ("wait", "postpone", "remove"), NOW)
    assert (asked.version, [c.kind for c in asked.candidates]) == (0, ["wait", "postpone", "remove"])
    with pytest.raises(WrongState, match="no published plan"):
        Local().ask(DEPOT, tomorrow, stop, ALL, NOW)


def test_a_stop_that_is_not_there_is_refused(living: Living) -> None:
    planned(living)
    with pytest.raises(BadInput, match="no stop stp_x"):
        Local().ask(DEPOT, DAY, "stp_x", ALL, NOW)
