"""One van helped by others, its own time used, and customers told that it comes sooner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given

from optimizer import what_if
from optimizer.options import Option, Scope
from optimizer.problem import Problem, Stop, Vehicle, with_routes
from optimizer.schedule import Schedule
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, MINUTE, days, few, problem, road, stop, van

ROAD = road(9)
KINDS = ("wait", "rebalance", "pull_ahead", "tell_earlier")
WEIGHTS = Problem(matrix="", stops=(), vehicles=()).weights
SIX = tuple(f"s{n}" for n in range(1, 7))


def answers(day: Problem, scope: Scope, matrix: Matrix = ROAD) -> dict[str, Option]:
    tried = what_if.candidates(day, matrix, scope.vehicle or "incident", KINDS, scope)
    return {candidate.id: what_if.evaluate(day, matrix, candidate) for candidate in tried}


def far_van(**given: Any) -> Vehicle:
    """v2, which stands at the far end of the road."""
    return van("v2", start=6, end=6, **given)


def overrun(other: Vehicle | None = None, changed: Mapping[str, Stop] | None = None) -> Problem:
    """v1 has six stops and one and a half hours; v2 has the day before it and nothing to do."""
    stops = [(changed or {}).get(f"s{n}", stop(n)) for n in range(1, 7)]
    short = van("v1", shift_end_s=8 * HOUR + 90 * MINUTE)
    return problem(ROAD, stops, [short, other or far_van()], {"v1": SIX, "v2": ()})


def ends_late(day: Problem, option: Option) -> set[str]:
    schedule, after = Schedule(day, ROAD), with_routes(day, option.routes)
    timed = {v.id: schedule.timing(v, after.routes.get(v.id, ())) for v in after.vehicles}
    return {v.id for v in day.vehicles if timed[v.id].overtime_s}


def test_a_van_that_overruns_gives_stops_to_one_with_slack_until_it_ends_in_time() -> None:
    day = overrun()
    found = answers(day, Scope(vehicle="v1", stops=SIX))
    assert found["wait"].cost_cents == 0
    given_away = found["rebalance"]
    assert given_away.feasible
    assert given_away.cost_cents < 0, "it saves overtime"
    assert set(given_away.routes) == {"v1", "v2"}
    assert sorted(s for stops in given_away.routes.values() for s in stops) == sorted(SIX), "nothing is lost"
    assert ends_late(day, given_away) == set()
    assert 1 <= given_away.stops_moved <= 4


def test_only_stops_that_may_move_do() -> None:
    found = answers(overrun(), Scope(vehicle="v1", stops=("s6",)))["rebalance"]
    assert found.routes["v2"] == ("s6",)


def test_loaded_goods_stay_and_goods_at_the_depot_do_not_follow_a_van_that_has_left() -> None:
    aboard = {s: stop(int(s[1:]), aboard="v1") for s in SIX}
    for day in (overrun(changed=aboard), overrun(far_van(on_road=True))):
        found = answers(day, Scope(vehicle="v1", stops=SIX))["rebalance"]
        assert (found.routes, found.feasible) == ({}, False)
        assert found.broken == ("no stop that may move costs less elsewhere",)


def test_pick_ups_and_services_go_with_a_van_that_has_left() -> None:
    day = overrun(far_van(on_road=True), {"s6": stop(6, free=True)})
    assert answers(day, Scope(vehicle="v1", stops=SIX))["rebalance"].routes["v2"] == ("s6",)


def test_nothing_goes_to_a_van_that_has_trouble_of_its_own() -> None:
    full = far_van(capacity=(0,))
    busy = far_van(shift_end_s=8 * HOUR)
    for other in (full, busy):
        assert not answers(overrun(other), Scope(vehicle="v1", stops=SIX))["rebalance"].feasible


def test_a_van_that_carries_too_much_gives_away_what_does_not_fit() -> None:
    stops = [stop(n, demand=(30,)) for n in range(1, 7)]
    day = problem(ROAD, stops, [van("v1", capacity=(100,)), far_van()], {"v1": SIX, "v2": ()})
    found = answers(day, Scope(vehicle="v1", stops=SIX))
    assert found["wait"].cost_cents == 3 * WEIGHTS.postponed, "three of six stay at the dock"
    assert found["rebalance"].stops_moved == 3
    assert found["rebalance"].cost_cents < found["wait"].cost_cents


# Far ahead


def waiting_day(**changed: Stop) -> Problem:
    """The van waits at its first stop until ten; three more lie nearer to the depot, at any time."""
    stops = {"s4": stop(4, windows=((10 * HOUR, 12 * HOUR),)), "s1": stop(1), "s2": stop(2), "s3": stop(3)} | changed
    return problem(ROAD, list(stops.values()), [van("v1")], {"v1": ("s4", "s3", "s2", "s1")})


def test_a_van_that_would_wait_serves_later_stops_meanwhile() -> None:
    found = answers(waiting_day(), Scope(vehicle="v1", stops=("s1", "s2", "s3")))
    ahead = found["pull_ahead"]
    assert ahead.feasible
    assert ahead.cost_cents < 0
    assert ahead.routes["v1"].index("s4") > 0
    assert ahead.retold == ()


def test_nobody_is_pulled_before_the_time_they_were_told_or_their_window() -> None:
    told = tuple((s, 10 * HOUR + 20 * MINUTE) for s in ("s1", "s2", "s3"))
    scope = Scope(vehicle="v1", stops=("s1", "s2", "s3"), not_before=told)
    assert not answers(waiting_day(), scope)["pull_ahead"].feasible
    closed = {f"s{n}": stop(n, windows=((11 * HOUR, 15 * HOUR),)) for n in (1, 2, 3)}
    day = waiting_day(**closed)
    assert not answers(day, Scope(vehicle="v1", stops=("s1", "s2", "s3")))["pull_ahead"].feasible


def test_who_is_reached_before_the_time_that_they_were_told_is_told_or_costs_more() -> None:
    day = problem(ROAD, [stop(1), stop(2)], [van("v1")], {"v1": ("s1", "s2")})
    found = answers(day, Scope(not_before=(("s1", 9 * HOUR), ("s2", 8 * HOUR))))
    assert found["tell_earlier"].retold == ("s1",)
    assert found["tell_earlier"].arrivals["s1"] == 8 * HOUR + 10 * MINUTE
    assert found["wait"].cost_cents - found["tell_earlier"].cost_cents == WEIGHTS.unexpected - WEIGHTS.retold_promise
    late_enough = answers(day, Scope(not_before=(("s1", 8 * HOUR),)))["tell_earlier"]
    assert (late_enough.feasible, late_enough.broken) == (
        False,
        ("nobody is reached before the time that they were told",),
    )


@few
@given(days())
def test_on_any_day_no_answer_loses_a_stop_moves_goods_or_breaks_what_was_whole(day: tuple[Problem, Matrix]) -> None:
    made, matrix = day
    vehicle = made.vehicles[0]
    movable = made.routes.get(vehicle.id, ())
    for option in answers(made, Scope(vehicle=vehicle.id, stops=movable), matrix).values():
        after = with_routes(made, option.routes)
        assert sorted(s for r in after.routes.values() for s in r) == sorted(s for r in made.routes.values() for s in r)
        if not option.feasible:
            continue
        was, now = Schedule(made, matrix), Schedule(after, matrix)
        for each in made.vehicles:
            before = {b.key for b in was.breaches(each, was.timing(each, made.routes.get(each.id, ())))}
            assert {b.key for b in now.breaches(each, now.timing(each, after.routes.get(each.id, ())))} <= before
            locked = made.routes.get(each.id, ())[: each.locked]
            assert after.routes.get(each.id, ())[: each.locked] == locked
