"""Why a stop is in no route, and what would have to give."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from optimizer.problem import Problem, Stop, Vehicle, with_routes
from optimizer.relaxing import Relaxation, Why, relaxed, why_unassigned
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, MINUTE, days, few, problem, road, stop, van, violations


def asked(stops: list[Stop], fleet: list[Vehicle], routes: dict[str, tuple[str, ...]], of: str = "new") -> Why:
    matrix = road(6)
    return why_unassigned(problem(matrix, stops, fleet, routes), matrix, of)


def with_(thing: Any, **changes: object) -> Any:
    return type(thing).model_validate({**dict(thing), **changes})


CASES: list[tuple[Stop, Vehicle, str, int, str]] = [
    (stop(2, name="new", windows=((8 * HOUR, 8 * HOUR + 10 * MINUTE),)), van(), "window", 10 * MINUTE,
     "place 2 is 20 minutes away: ten after it closes"),
    (stop(3, name="new"), van(shift_end_s=9 * HOUR), "shift", 5 * MINUTE, "there, 5 at the door and back take 65"),
    (with_(stop(2, name="new"), demand=(7,)), van(capacity=(4,)), "capacity", 3, "seven pieces, room for four"),
    (with_(stop(2, name="new"), skills=("lift",)), van(), "skills", 0, "nobody has a lift"),
    (stop(2, name="new"), van(max_stops=0), "stops", 1, "one more stop"),
]  # fmt: skip


@pytest.mark.parametrize(("new", "vehicle", "kind", "amount", "reason"), CASES, ids=[row[2] for row in CASES])
def test_the_one_thing_that_has_to_give_is_said_with_how_much(
    new: Stop, vehicle: Vehicle, kind: str, amount: int, reason: str
) -> None:
    why = asked([new], [vehicle], {})
    [only] = why.relaxations[:1]
    [change] = only.changes

    assert (change.kind, change.amount) == (kind, amount), reason
    assert [refusal.vehicle_id for refusal in why.refusals] == ["v1"]
    assert why.refusals[0].words
    assert change.words.endswith(".")


def test_of_several_vans_the_cheapest_gives_and_each_says_what_it_breaks() -> None:
    full = van("full", capacity=(1,))
    away = with_(van("away"), areas=("south",))
    fleet = [full, with_(van("tired"), shift_end_s=8 * HOUR + 30 * MINUTE), away]
    why = asked([stop(1), stop(2, name="new")], fleet, {"full": ("s1",)})

    assert {refusal.vehicle_id: refusal.kinds for refusal in why.refusals} == {
        "full": ("capacity1",), "tired": ("shift",), "away": ("area",)
    }  # fmt: skip
    assert [each.changes[0].kind for each in why.relaxations] == ["capacity", "shift"], "a detour is cheaper than a van"
    assert why.relaxations[0].cost_cents < why.relaxations[1].cost_cents


def test_where_two_things_are_broken_both_have_to_give() -> None:
    new = with_(stop(2, name="new"), demand=(9,), skills=("lift",))
    why = asked([new], [van(capacity=(4,))], {})

    assert [sorted(c.kind for c in each.changes) for each in why.relaxations] == [["capacity", "skills"]]


def test_what_nobody_can_loosen_is_only_explained() -> None:
    new = stop(2, name="new", aboard="gone")
    why = asked([new], [van()], {})

    assert (why.relaxations, why.refusals[0].kinds, why.reason) == ((), ("aboard",), "no_vehicle")


def test_a_window_that_gives_may_not_push_another_stop_out_of_its_own() -> None:
    tight = stop(3, windows=((8 * HOUR, 8 * HOUR + 45 * MINUTE),))
    new = stop(2, name="new", service_min=30, windows=((8 * HOUR, 8 * HOUR + 5 * MINUTE),))
    why = asked([tight, new], [van()], {"v1": ("s3",)})

    assert [each.position for each in why.relaxations] == [1], "behind the tight one, not before it"


@given(days())
@few
def test_with_what_has_to_give_given_the_stop_fits_and_without_it_does_not(made: tuple[Problem, Matrix]) -> None:
    """The checker's word, on random running days with every constraint."""
    day, matrix = made
    left_out = [s.id for s in day.stops if day.place_of(s.id) is None and s.after is None]
    pairs = {s.after for s in day.stops}
    for stop_id in [s for s in left_out if s not in pairs][:2]:
        for each in why_unassigned(day, matrix, stop_id).relaxations:
            before = violations(day, matrix)
            assert violations(put(day, each, stop_id), matrix) - before, "it is not needed"
            eased = relaxed(day, each)
            new = violations(put(eased, each, stop_id), matrix) - violations(eased, matrix)
            assert new == set(), (each, new)


def put(day: Problem, at: Relaxation, stop_id: str) -> Problem:
    rest = day.routes.get(at.vehicle_id, ())
    return with_routes(day, {at.vehicle_id: (*rest[: at.position], stop_id, *rest[at.position :])})
