from __future__ import annotations

import pytest
from hypothesis import given

from core.canonical import dumps
from core.errors import BadInput
from optimizer.options import (
    ONE_STOP,
    Candidate,
    Option,
    Scope,
    applied,
    candidates,
    choose,
    diff,
    evaluate,
    options,
    removal,
)
from optimizer.problem import Problem, Weights, with_routes
from optimizer.schedule import time_route
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, MINUTE, days, few, problem, road, stop, van, violations

EIGHT = 8 * HOUR
ROAD = road(7)
WEIGHTS = Weights()
AT_THE_DOOR = 300
"""cents of five minutes at a door, at 36.00 an hour: put off, they are paid another day"""


def late_day() -> Problem:
    """s1 was promised for 08:40, but v1 goes to s3 and s2 first; v2 stands by with one stop further out."""
    stops = [stop(1, due_s=EIGHT + 40 * MINUTE), stop(2), stop(3), stop(5)]
    return problem(ROAD, stops, [van(), van("v2")], {"v1": ("s3", "s2", "s1"), "v2": ("s5",)})


def by_id(day: Problem, matrix: Matrix, stop_id: str) -> dict[str, Option]:
    return {option.id: option for option in options(day, matrix, stop_id)}


def test_every_way_out_is_offered_and_doing_nothing_too() -> None:
    kinds = [c.id for c in candidates(late_day(), ROAD, "s1")]
    assert kinds == ["wait", "retell", "resequence", "reassign:v2", "postpone"]


def test_doing_nothing_costs_the_lateness_and_the_broken_promise() -> None:
    wait = by_id(late_day(), ROAD, "s1")["wait"]
    assert wait.arrivals == {"s1": EIGHT + 60 * MINUTE}
    assert (wait.minutes_late, wait.promises_broken, wait.promises_retold) == (20, 1, 0)
    assert wait.cost_cents == 20 * WEIGHTS.late_minute + WEIGHTS.broken_promise
    assert (wait.routes, wait.stops_moved, wait.others_delayed_min, wait.feasible) == ({}, 0, 0, True)


def test_telling_the_customer_changes_no_route_and_costs_a_message_instead_of_a_broken_promise() -> None:
    retell = by_id(late_day(), ROAD, "s1")["retell"]
    assert retell.cost_cents == 20 * WEIGHTS.late_minute + WEIGHTS.retold_promise
    assert (retell.routes, retell.retold, retell.promises_broken) == ({}, ("s1",), 0)


def test_going_there_first_is_priced_by_churn_and_what_it_does_to_the_others() -> None:
    option = by_id(late_day(), ROAD, "s1")["resequence"]
    assert option.routes == {"v1": ("s1", "s3", "s2")}
    assert option.arrivals == {"s1": EIGHT + 600, "s3": EIGHT + 35 * MINUTE, "s2": EIGHT + 50 * MINUTE}
    assert (option.minutes_late, option.promises_broken, option.stops_moved) == (0, 0, 1)
    assert option.others_delayed_min == 5 + 5
    assert option.cost_cents == WEIGHTS.stop_moved, "the road is driven out and home either way"


def test_another_van_pays_for_its_detour_and_the_first_one_saves() -> None:
    day = late_day()
    option = by_id(day, ROAD, "s1")["reassign:v2"]
    assert option.routes == {"v1": ("s3", "s2"), "v2": ("s1", "s5")}
    assert option.vehicle_id == "v2"
    assert option.cost_cents == WEIGHTS.stop_moved


def test_another_day_costs_the_second_attempt() -> None:
    option = by_id(late_day(), ROAD, "s1")["postpone"]
    assert option.routes == {"v1": ("s3", "s2")}
    assert option.arrivals == {}
    assert option.cost_cents == WEIGHTS.postponed + WEIGHTS.retold_promise - 5 * MINUTE + AT_THE_DOOR
    assert (option.stops_moved, option.promises_broken) == (0, 0)


def test_the_cost_is_the_documented_sum() -> None:
    day = late_day()
    option = by_id(day, ROAD, "s1")["resequence"]
    late = sum(v.late_s for v in time_route(day, ROAD, day.vehicles[0], option.routes["v1"]).visits)
    after = time_route(day, ROAD, day.vehicles[0], option.routes["v1"]).cost - late * WEIGHTS.late_minute // 60
    before = time_route(day, ROAD, day.vehicles[0], day.routes["v1"]).cost - 20 * WEIGHTS.late_minute
    assert option.cost_cents == after - before + option.stops_moved * WEIGHTS.stop_moved


def test_the_options_come_cheapest_first_and_the_choice_is_the_first() -> None:
    found = options(late_day(), ROAD, "s1")
    assert [o.id for o in found] == ["reassign:v2", "resequence", "retell", "wait", "postpone"]
    assert choose(found) == choose(reversed(found)) == found[0]


def test_what_is_cheap_but_breaks_something_is_not_chosen() -> None:
    tight = stop(3, windows=((0, EIGHT + 30 * MINUTE),))
    day = problem(ROAD, [stop(1, due_s=EIGHT + 35 * MINUTE), tight], [van()], {"v1": ("s3", "s1")})
    found = by_id(day, ROAD, "s1")
    assert found["resequence"].broken == ("s3 misses its window: served at 08:35, closed at 08:30",)
    assert not found["resequence"].feasible
    assert options(day, ROAD, "s1")[-1].id == "resequence"
    assert choose(found.values()).id == "retell"


def test_what_is_broken_anyhow_is_not_held_against_an_option() -> None:
    missed = stop(1, windows=((0, EIGHT),))
    day = problem(ROAD, [missed, stop(2)], [van()], {"v1": ("s2", "s1")})
    assert all(option.feasible for option in options(day, ROAD, "s1"))


def test_a_stop_aboard_is_not_offered_to_other_vans() -> None:
    day = problem(ROAD, [stop(1, aboard="v1"), stop(2)], [van(), van("v2")], {"v1": ("s2", "s1")})
    assert [c.id for c in candidates(day, ROAD, "s1")] == ["wait", "retell", "resequence", "postpone"]
    forced = evaluate(day, ROAD, Candidate(kind="reassign", stop_id="s1", vehicle_id="v2"))
    assert forced.broken == ("s1 is aboard v1: v2 can't deliver it",)


def test_goods_at_the_depot_are_not_offered_to_a_van_that_has_left() -> None:
    day = problem(ROAD, [stop(1), stop(2)], [van(), van("v2", on_road=True), van("v3")], {"v1": ("s2", "s1")})
    assert {c.vehicle_id for c in candidates(day, ROAD, "s1") if c.kind == "reassign"} == {"v3"}
    forced = evaluate(day, ROAD, Candidate(kind="reassign", stop_id="s1", vehicle_id="v2"))
    assert forced.broken == ("s1 is at the depot, which v2 has left: v2 can't deliver it",)
    assert ("aboard", "s1") in violations(with_routes(day, {"v1": ("s2",), "v2": ("s1",)}), ROAD)


def locked_day() -> Problem:
    stops = [stop(1, due_s=EIGHT), stop(2), stop(3)]
    vehicles = [van(start=2, locked=1, first_leg_s=500), van("v2")]
    return problem(ROAD, stops, vehicles, {"v1": ("s1", "s2"), "v2": ("s3",)})


def test_the_stop_that_a_van_drives_to_can_be_told_but_not_moved() -> None:
    day = locked_day()
    assert [c.id for c in candidates(day, ROAD, "s1")] == ["wait", "retell", "postpone"]
    found = by_id(day, ROAD, "s1")
    assert found["wait"].arrivals == {"s1": EIGHT + 500}
    assert found["postpone"].broken == ("v1 is on its way to s1: that stays first",)
    with pytest.raises(BadInput, match="can't be moved"):
        evaluate(day, ROAD, Candidate(kind="resequence", stop_id="s1"))


def test_the_stop_behind_it_moves_only_behind_it() -> None:
    day = locked_day()
    day = problem(ROAD, [*day.stops, stop(4)], day.vehicles, {"v1": ("s1", "s4", "s2"), "v2": ("s3",)})
    assert by_id(day, ROAD, "s2")["resequence"].routes == {"v1": ("s1", "s2", "s4")}


def test_a_lone_stop_has_no_other_place_on_its_route() -> None:
    day = problem(ROAD, [stop(1)], [van()], {"v1": ("s1",)})
    assert [c.id for c in candidates(day, ROAD, "s1")] == ["wait", "retell", "postpone"]


def test_only_the_three_cheapest_vans_are_offered() -> None:
    names = [f"v{i}" for i in range(2, 7)]
    stops = [stop(1), *(stop(i, name=f"o{i}") for i in range(2, 7))]
    routes: dict[str, tuple[str, ...]] = {"v1": ("s1",)}
    routes |= {n: (f"o{i}",) for i, n in enumerate(names, start=2)}
    cheap = [van(n, fixed_cost=1000 - int(n[1])) for n in names]
    day = problem(ROAD, stops, [van(), *cheap], routes)
    offered = [c.vehicle_id for c in candidates(day, ROAD, "s1") if c.kind == "reassign"]
    assert offered == ["v2", "v3", "v4"], "equal in cost: by id"


def test_a_stop_on_no_route_can_be_put_on_one_or_left_for_another_day() -> None:
    day = problem(ROAD, [stop(1, due_s=EIGHT), stop(2)], [van()], {"v1": ("s2",)})
    found = by_id(day, ROAD, "s1")
    assert set(found) == {"wait", "reassign:v1", "postpone"}
    assert found["wait"].cost_cents == WEIGHTS.postponed + WEIGHTS.broken_promise + AT_THE_DOOR
    assert found["reassign:v1"].routes == {"v1": ("s1", "s2")}
    assert found["reassign:v1"].retold == ("s1",), "ten minutes late still"


def test_customers_whom_an_option_makes_late_are_told_with_it() -> None:
    stops = [stop(1, due_s=EIGHT + 900), stop(3, due_s=EIGHT + 32 * MINUTE)]
    day = problem(ROAD, stops, [van()], {"v1": ("s3", "s1")})
    option = by_id(day, ROAD, "s1")["resequence"]
    assert option.retold == ("s3",)
    assert option.cost_cents == 3 * WEIGHTS.late_minute + WEIGHTS.retold_promise + WEIGHTS.stop_moved


def test_other_stops_that_are_late_anyhow_do_not_count_as_broken_by_this_option() -> None:
    stops = [stop(1, due_s=EIGHT), stop(2, due_s=EIGHT)]
    day = problem(ROAD, stops, [van()], {"v1": ("s1", "s2")})
    retell = by_id(day, ROAD, "s1")["retell"]
    assert (retell.promises_broken, retell.minutes_late) == (0, 10 + 25)


def test_lateness_on_another_vans_route_that_was_there_before_is_not_charged() -> None:
    stops = [stop(1), stop(2, due_s=EIGHT), stop(3)]
    day = problem(ROAD, stops, [van(), van("v2")], {"v1": ("s3", "s1"), "v2": ("s2",)})
    option = evaluate(day, ROAD, Candidate(kind="reassign", stop_id="s1", vehicle_id="v2"))
    assert option.routes["v2"] == ("s2", "s1")
    assert option.minutes_late == 0


def test_an_option_can_be_told_as_moves_and_applied() -> None:
    day = late_day()
    option = by_id(day, ROAD, "s1")["reassign:v2"]
    (move,) = diff(day, option)
    assert (move.stop_id, move.from_vehicle, move.from_position) == ("s1", "v1", 2)
    assert (move.to_vehicle, move.to_position) == ("v2", 0)
    assert applied(day, option).routes == {"v1": ("s3", "s2"), "v2": ("s1", "s5")}
    postponed = by_id(day, ROAD, "s1")["postpone"]
    assert [(m.stop_id, m.to_vehicle) for m in diff(day, postponed)] == [("s1", None)]
    assert all(s.id != "s1" for s in applied(day, postponed).stops)


def test_a_cancelled_stop_saves_its_service_and_brings_the_rest_forward() -> None:
    option = removal(late_day(), ROAD, "s3")
    assert (option.id, option.routes) == ("remove", {"v1": ("s2", "s1")})
    assert option.arrivals == {"s2": EIGHT + 20 * MINUTE, "s1": EIGHT + 35 * MINUTE}
    assert option.minutes_late == 0
    assert option.cost_cents == -(1000 + 25 * MINUTE), "ten km and 25 minutes less"


def test_a_cancelled_stop_that_the_van_drives_to_is_left_out_too() -> None:
    day = locked_day()
    option = removal(day, ROAD, "s1")
    assert option.feasible
    assert option.routes == {"v1": ("s2",)}
    assert applied(day, option).vehicle("v1").locked == 0


def test_a_cancelled_stop_that_is_on_no_route_changes_nothing() -> None:
    day = problem(ROAD, [stop(1), stop(2)], [van()], {"v1": ("s2",)})
    assert removal(day, ROAD, "s1").model_dump(include={"routes", "cost_cents", "arrivals"}) == {
        "routes": {}, "cost_cents": 0, "arrivals": {},
    }  # fmt: skip


def test_a_vehicle_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadInput, match="no vehicle v9"):
        evaluate(late_day(), ROAD, Candidate(kind="reassign", stop_id="s1", vehicle_id="v9"))
    with pytest.raises(BadInput, match="no stop"):
        options(late_day(), ROAD, "s9")
    with pytest.raises(BadInput, match="no feasible option"):
        choose([])


@given(days())
@few
def test_a_feasible_option_breaks_nothing_that_was_whole(made: tuple[Problem, Matrix]) -> None:
    day, matrix = made
    before = violations(day, matrix)
    for found in (day.stops[0].id, day.stops[-1].id):
        for option in (*options(day, matrix, found), removal(day, matrix, found)):
            added = violations(applied(day, option), matrix) - before
            if option.kind != "postpone":
                further = any(" h of a day" in words for words in option.broken)  # the law, broken more than before
                assert option.feasible == (not added and not further), (option, added)
            assert option.feasible == (not option.broken)


@given(days())
@few
def test_the_same_question_gets_the_same_bytes_and_each_option_can_be_asked_for_alone(
    made: tuple[Problem, Matrix],
) -> None:
    day, matrix = made
    found = options(day, matrix, "s1")
    assert dumps(list(found)) == dumps(list(options(day, matrix, "s1")))
    alone = [evaluate(day, matrix, c) for c in candidates(day, matrix, "s1")]
    assert sorted(o.id for o in found) == sorted(o.id for o in alone)
    assert all(option in alone for option in found)
    assert choose(found).feasible


# Orders that come late, doors that are shared, doors that were tried


def tried(day: Problem, stop_id: str, *kinds: str, scope: Scope = ONE_STOP) -> dict[str, Option]:
    return {c.id: evaluate(day, ROAD, c) for c in candidates(day, ROAD, stop_id, kinds, scope)}


def test_an_order_joins_a_visit_only_while_the_van_stands_at_the_depot() -> None:
    day = problem(ROAD, [stop(1)], [van()], {"v1": ("s1",)})
    assert "join" in tried(day, "s1", "join", scope=Scope(left_out=True))
    gone = problem(ROAD, [stop(1)], [van(on_road=True)], {"v1": ("s1",)})
    assert tried(gone, "s1", "join", scope=Scope(left_out=True)) == {}
    aboard = problem(ROAD, [stop(1, aboard="v1")], [van()], {"v1": ("s1",)})
    assert tried(aboard, "s1", "join", scope=Scope(left_out=True)) == {}


def test_what_joins_and_overloads_the_van_can_not_be_done() -> None:
    day = problem(ROAD, [stop(1, demand=(101,))], [van(capacity=(100,))], {"v1": ("s1",)})
    assert not tried(day, "s1", "join")["join"].feasible


def test_leaving_a_shared_door_takes_no_visit_away() -> None:
    day = late_day()
    alone, shared = (tried(day, "s1", "postpone", "remove", scope=Scope(shared=s)) for s in (False, True))
    assert alone["postpone"].routes == alone["remove"].routes == {"v1": ("s3", "s2")}
    assert shared["postpone"].routes == shared["remove"].routes == {}
    assert "reassign:v2" not in tried(day, "s1", "reassign", scope=Scope(shared=True))


def failed_day(shift_end_s: int = 18 * HOUR) -> Problem:
    """Nobody was at s1; the goods are on v1, which drives to s2 and then to s3. Not before nine again."""
    again = stop(1, aboard="v1", windows=((EIGHT + HOUR, 16 * HOUR),))
    stops = [again, stop(2, aboard="v1"), stop(3, aboard="v1")]
    out = van(on_road=True, locked=1, first_leg_s=600, shift_end_s=shift_end_s)
    return problem(ROAD, stops, [out, van("v2")], {"v1": ("s2", "s3"), "v2": ()})


def test_a_door_is_tried_again_on_the_same_van_beyond_its_next_stop() -> None:
    found = tried(failed_day(), "s1", "wait", "again", "postpone", scope=Scope(left_out=True))
    assert found["again"].feasible
    assert found["again"].routes["v1"][0] == "s2"
    assert found["again"].arrivals["s1"] >= EIGHT + HOUR
    assert found["again"].cost_cents >= WEIGHTS.failed_again
    moved = WEIGHTS.postponed + WEIGHTS.retold_promise + AT_THE_DOOR
    assert found["postpone"].cost_cents == moved < found["wait"].cost_cents


def test_where_the_van_comes_again_for_a_neighbour_another_try_costs_no_way() -> None:
    day = failed_day()
    back = with_routes(day, {"v1": ("s2", "s1")})
    found = tried(back, "s1", "again", "wait", scope=Scope(left_out=True, shared=True))
    assert (found["again"].routes, found["again"].cost_cents) == ({}, WEIGHTS.failed_again)
    assert "s1" in found["again"].arrivals
    assert "again" not in tried(back, "s1", "again", "wait"), "a stop that is only late has not failed"


def test_each_order_that_leaves_the_day_costs_another_attempt() -> None:
    one, three = (tried(late_day(), "s1", "postpone", scope=Scope(orders=n))["postpone"].cost_cents for n in (1, 3))
    assert three - one == 2 * WEIGHTS.postponed


def test_a_van_whose_shift_is_full_does_not_try_again() -> None:
    found = tried(failed_day(shift_end_s=EIGHT + 70 * MINUTE), "s1", "again")
    assert not found["again"].feasible
    assert "its shift at" in found["again"].broken[0]
