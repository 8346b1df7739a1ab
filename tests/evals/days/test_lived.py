"""A lived day is read off its record: who drove where, how long doors took, what needed a person, what it cost."""

from __future__ import annotations

from datetime import timedelta

from core.store import db as store
from evals import ground
from evals.days import lived
from evals.days.__main__ import hindsight, rules_of
from evals.days.lived import Exceptions, Ground, macro
from evals.ground import DAY, Wanted, at
from tests.living import Living
from tests.tools.a_case import Picks, approve, asked, late, planned
from tools import policy


def driven() -> tuple[ground.Laid, Ground]:
    """Two of three doors are reached, the far one first; at the other nobody opens."""
    laid = ground.lay("D1", {"A": Wanted("v1", 1), "B": Wanted("v1", 2), "C": Wanted("v1", 3)})
    van = laid.vans["v1"]
    with store.transaction() as db:
        ground.leave(db, van, list(laid.orders.values()), at("08:00"))
        ground.deliver(db, van, laid.stops["B"], laid.orders["B"], at("08:20"))
        ground.tap(db, "arrived", van, at("08:35"), laid.stops["A"])
        ground.tap(db, "failed", van, at("08:36"), laid.orders["A"], reason="nobody_home")
        found = lived.ground(db, "D1", DAY)
    return laid, found


def test_trips_and_times_at_the_doors_are_those_of_the_taps(living: Living) -> None:
    laid, found = driven()
    [(van, left_s, stops)] = found.trips
    assert (van, stops) == (laid.vans["v1"], (laid.stops["B"], laid.stops["A"]))
    assert timedelta(seconds=left_s) == timedelta(hours=8, minutes=1)
    took = {stop.id: stop.service_s for stop in found.problem.stops}
    assert took == {laid.stops["B"]: 180, laid.stops["A"]: 60, laid.stops["C"]: 300}


def test_what_was_left_undone_is_paid_and_hindsight_costs_no_more(living: Living) -> None:
    laid, found = driven()
    whole = found.problem.model_copy(
        update={"stops": tuple(stop for stop in found.problem.stops if stop.id != laid.stops["C"])}
    )
    undone = next(stop.drop_penalty for stop in found.problem.stops if stop.id == laid.stops["C"])
    assert found.cost() == Ground("D1", whole, found.matrix, found.trips).cost() + undone
    assert hindsight(found, 0.3) < found.cost(), "it goes to C as well, and to the near door first"


def test_an_exception_about_which_a_person_was_asked_was_not_settled_alone(living: Living) -> None:
    day = planned(living)
    late(day, "A1")
    living.work(planner=Picks("retell"))
    moved = late(day, "B1", van="van2")
    living.work(planner=Picks("postpone"))
    approve(moved, asked(moved).digest)
    living.work()
    with store.transaction() as db:
        assert lived.exceptions(db, DAY) == [Exceptions("predicted_late", 2, 1, 0)]
        assert lived.late_promises(db, DAY) == 0


def test_the_mean_is_over_kinds_not_over_cases() -> None:
    assert macro([Exceptions("a", 98, 98, 0), Exceptions("b", 2, 0, 0)]) == 0.5
    assert macro([]) == 0


def test_each_arm_has_its_policy() -> None:
    shipped, book, nobody = (rules_of(arm)["levels"] for arm in ("agent", "rule_book", "nobody"))
    assert shipped == policy.default().levels
    assert (book["retell"], book["rescue"], book["plan.publish"]) == (2, 0, 2)  # type: ignore[index]
    assert {name for name, level in nobody.items() if level} == {"plan.publish", "message.send", "escalate", "undo"}  # type: ignore[attr-defined]
