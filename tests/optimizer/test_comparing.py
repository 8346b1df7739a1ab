"""Plans beside each other, the price of leaving a stop where it was, and fleets of other sizes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from optimizer import ortools_engine
from optimizer.comparing import Solve, compare, fleet_sizes, why_moved
from optimizer.problem import Problem, with_routes
from optimizer.schedule import Schedule
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, MINUTE, days, few, problem, road, stop, van


def by_ortools(matrix: Matrix) -> Solve:
    return lambda problem: ortools_engine.solve(problem, matrix, iterations=3000)


def test_what_moved_who_waits_and_what_it_costs_are_said() -> None:
    matrix = road(4)
    stops = [stop(1, due_s=8 * HOUR + 15 * MINUTE), stop(2), stop(3)]
    day = problem(matrix, stops, [van(), van("v2")])
    found = compare(day, matrix, {"v1": ("s1", "s2", "s3")}, {"v1": ("s2", "s1"), "v2": ()})

    assert (found.dropped, found.gained, found.moved[0] in ("s1", "s2")) == (("s3",), (), True)
    assert (found.broken, found.kept) == (("s1",), ())
    assert found.payers[0].late_s == 20 * MINUTE
    assert found.penalty_cents == stops[2].drop_penalty
    assert [(van.vehicle_id, van.stops) for van in found.by_van] == [("v1", -1)]


@given(days(), st.data())
@few
def test_a_comparison_is_the_difference_of_the_plans_and_turns_round(
    made: tuple[Problem, Matrix], data: st.DataObject
) -> None:
    day, matrix = made
    order = data.draw(st.permutations([s.id for s in day.stops]))
    other = {day.vehicles[0].id: tuple(order[: data.draw(st.integers(0, len(order)))])}
    there, back = compare(day, matrix, day.routes, other), compare(day, matrix, other, day.routes)
    schedule = Schedule(day, matrix)  # the live first leg is that of the present plan

    def price(routes: Mapping[str, tuple[str, ...]]) -> int:
        served = {stop_id for stops in routes.values() for stop_id in stops}
        left_out = sum(s.drop_penalty for s in day.stops if s.id not in served)
        return left_out + sum(schedule.cost(v, routes.get(v.id, ())) for v in day.vehicles)

    assert there.cents + there.penalty_cents == price(other) - price(day.routes)
    assert (there.cents, there.late_s, there.vans) == (-back.cents, -back.late_s, -back.vans)
    assert (there.dropped, there.broken) == (back.gained, back.kept)
    assert sum(van.cents for van in there.by_van) == there.cents
    assert compare(day, matrix, other, other).by_van == ()


def test_a_stop_that_was_moved_for_good_reason_costs_something_where_it_was() -> None:
    """One van goes north, the other south: the northern stop began on the southern van."""
    matrix = road(9)
    fleet = [van("north", start=0, end=0), van("south", start=8, end=8)]
    day = problem(matrix, [stop(n) for n in (1, 2, 6, 7)], fleet, {"north": ("s1", "s2"), "south": ("s7", "s6")})
    was = with_routes(day, {"north": ("s1",), "south": ("s7", "s6", "s2")})
    found = why_moved(was, matrix, day.routes, "s2", by_ortools(matrix))

    assert (found.vehicle_id, found.feasible) == ("south", True)
    assert found.comparison.cents > 0, "leaving it there is dearer"
    assert "s2" in found.comparison.moved
    assert {each.vehicle_id for each in found.comparison.by_van} == {"north", "south"}
    with pytest.raises(BadInput, match="no van had"):
        why_moved(with_routes(day, {"north": ("s1",)}), matrix, day.routes, "s2", by_ortools(matrix))


def test_the_fewest_vans_are_those_that_serve_all_and_the_curve_says_what_fewer_leave() -> None:
    matrix = road(7)
    fleet = [van(name, capacity=(2,), fixed_cost=5000) for name in ("a", "b", "c", "d", "e")]
    day = problem(matrix, [stop(n) for n in range(1, 7)], fleet)
    found = fleet_sizes(day, lambda days: map(by_ortools(matrix), days))

    assert found.fewest == 3, "six pieces, two a van"
    assert found.cheapest in (3, 5)
    by_vans = {size.vans: size for size in found.sizes}
    assert (by_vans[5].unserved, by_vans[3].unserved, by_vans[2].unserved) == (0, 0, 2)
    assert by_vans[5].used == 3


def test_a_running_day_keeps_its_vans() -> None:
    matrix = road(3)
    day = problem(matrix, [stop(1)], [van(on_road=True)])
    with pytest.raises(BadInput, match="on the road"):
        fleet_sizes(day, lambda days: map(by_ortools(matrix), days))
