from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.canonical import dumps
from core.errors import BadInput
from optimizer.checker import check
from optimizer.native.engine import solve
from optimizer.native.ground import LARGEST_CENTS, lay_out, routes_of, start, unsupported
from optimizer.native.layout import BEST, SCALE, TOTAL
from optimizer.native.search import lay_out as time_all
from optimizer.ortools_engine import Progress
from optimizer.ortools_engine import solve as by_ortools
from optimizer.problem import Plan, Problem, Stop
from optimizer.schedule import Schedule
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, days, few, problem, road, stop, van

EIGHT = 8 * HOUR


def planned(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {route.vehicle_id: route.stop_ids for route in plan.routes if route.visits}


def city(stops: int, vans: int, seed: int = 4, both_ways: bool = True) -> tuple[Problem, Matrix]:
    """Stops in a square of 20 km, every third with a window, loads that fill the vans to four fifths."""
    draw = np.random.default_rng(seed)
    at = draw.integers(0, 20_000, (stops + 1, 2))
    metres = np.abs(at[:, None] - at[None]).sum(axis=2)
    seconds = metres // 8 if both_ways else metres // 8 + draw.integers(0, 120, metres.shape)
    np.fill_diagonal(seconds, 0)
    matrix = Matrix(seconds, metres, "test:city")
    opens = draw.integers(8, 14, stops + 1) * HOUR
    windows = [((int(opens[i]), int(opens[i]) + 2 * HOUR),) if i % 3 == 0 else () for i in range(stops + 1)]
    made = [stop(i, windows=windows[i], demand=(4,)) for i in range(1, stops + 1)]
    room = math.ceil(stops * 5 / vans)
    return problem(matrix, made, [van(f"v{i}", capacity=(room,)) for i in range(vans)]), matrix


def test_lateness_is_weighed_against_the_way() -> None:
    """The farther stop was promised first: 25 cents a minute late are more than the way back."""
    matrix = road(8)
    stops = [stop(2), stop(5, due_s=EIGHT + 50 * 60), stop(7)]
    assert planned(solve(problem(matrix, stops), matrix, iterations=500)) == {"v1": ("s5", "s7", "s2")}


def test_a_pair_is_fetched_before_it_is_brought_and_needs_room_in_between() -> None:
    matrix = road(6)
    fetched = Stop(id="a", location=4, service_s=60, pickup=(8,))
    brought = Stop(id="b", location=1, service_s=60, demand=(8,), after="a")
    beside = Stop(id="c", location=5, service_s=60, pickup=(8,))
    day = problem(matrix, [brought, fetched, beside], [van(capacity=(10,))])
    plan = solve(day, matrix, iterations=500)
    assert check(day, matrix, plan) == ()
    assert planned(plan) == {"v1": ("a", "b", "c")}, "both do not fit at once"


def test_what_is_locked_stays_first_and_what_is_aboard_stays_on_its_van() -> None:
    matrix = road(9)
    stops = [stop(8, aboard="v1"), stop(1), stop(3, aboard="v1"), stop(4, aboard="v2"), stop(6, free=True), stop(7)]
    fleet = [van("v1", locked=1, first_leg_s=300, on_road=True), van("v2", on_road=True), van("v3")]
    day = problem(matrix, stops, fleet, {"v1": ("s8",), "v2": ()})
    plan = solve(day, matrix, iterations=2000)
    on = {s: v for v, stop_ids in planned(plan).items() for s in stop_ids}
    assert check(day, matrix, plan) == ()
    assert planned(plan)["v1"][0] == "s8"
    assert (on["s3"], on["s4"], on["s1"], on["s7"]) == ("v1", "v2", "v3", "v3")


@pytest.mark.parametrize("both_ways", [True, False])
def test_it_finds_better_plans_than_guided_local_search_on_a_city(both_ways: bool) -> None:
    day, matrix = city(60, 5, both_ways=both_ways)
    ours, theirs = solve(day, matrix, iterations=20_000), by_ortools(day, matrix, iterations=60_000)
    assert check(day, matrix, ours) == ()
    assert not ours.unassigned
    assert ours.cost <= theirs.cost


def test_the_same_inputs_give_the_same_bytes_and_another_seed_another_search() -> None:
    day, matrix = city(150, 8)
    first = solve(day, matrix, seed=3, iterations=500)
    assert dumps(first) == dumps(solve(day, matrix, seed=3, iterations=500))
    assert len({dumps(solve(day, matrix, seed=seed, iterations=500)) for seed in range(4)}) > 1


def test_progress_only_gets_better_begins_with_a_whole_plan_and_ends_at_the_plan() -> None:
    day, matrix = city(80, 5)
    steps: list[Progress] = []
    plan = solve(day, matrix, iterations=3000, progress=steps.append)
    assert steps[0].stops_planned == 80
    assert [s.cost for s in steps] == sorted((s.cost for s in steps), reverse=True)
    assert steps[-1].cost == plan.cost


def test_a_search_ends_when_it_is_cancelled_or_its_time_is_over() -> None:
    day, matrix = city(40, 3)
    asked: list[int] = []

    def at_the_third_look() -> bool:
        asked.append(1)
        return len(asked) == 3

    stopped = solve(day, matrix, iterations=10**9, cancelled=at_the_third_look)
    assert (stopped.stopped_by, check(day, matrix, stopped)) == ("cancelled", ())
    timed = solve(day, matrix, time_limit_s=0.3)
    assert (timed.stopped_by, check(day, matrix, timed)) == ("time", ())


def test_it_starts_from_the_present_routes() -> None:
    day, matrix = city(60, 5)
    made = planned(solve(day, matrix, iterations=20_000))
    steps: list[Progress] = []
    again = solve(day.model_copy(update={"routes": made}), matrix, iterations=1, progress=steps.append)
    assert steps[0].cost == sum(Schedule(day, matrix).cost(day.vehicle(v), r) for v, r in made.items())
    assert again.cost <= steps[0].cost


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("cost", lambda day: {"stops": (*day.stops[1:], stop(1, drop_penalty=LARGEST_CENTS + 1))}),
        ("cost", lambda day: {"vehicles": (van(fixed_cost=LARGEST_CENTS + 1),)}),
        ("time", lambda day: {"vehicles": (van(ready_s=2**40, shift_end_s=2**41),)}),
    ],
)
def test_figures_that_could_overflow_are_refused_by_name(field: str, changed: Any) -> None:
    matrix = road(4)
    day = problem(matrix, [stop(1), stop(2)])
    with pytest.raises(BadInput, match="too") as refused:
        solve(day.model_copy(update=changed(day)), matrix, iterations=1)
    assert refused.value.field == field


def test_where_there_is_nothing_to_search_the_plan_is_what_is_locked() -> None:
    matrix = road(4)
    nothing = solve(problem(matrix, []), matrix, iterations=10)
    assert (nothing.routes[0].visits, nothing.stopped_by) == ((), "optimal")
    locked = problem(matrix, [stop(1)], [van(locked=1)], {"v1": ("s1",)})
    assert planned(solve(locked, matrix, iterations=10)) == {"v1": ("s1",)}
    nobody = problem(matrix, [stop(1)]).model_copy(update={"vehicles": ()})
    assert [u.stop_id for u in solve(nobody, matrix, iterations=10).unassigned] == ["s1"]
    elsewhere = problem(matrix, [stop(1, aboard="v9")])
    assert [u.stop_id for u in solve(elsewhere, matrix, iterations=10).unassigned] == ["s1"]


def test_it_says_what_it_does_not_support() -> None:
    matrix = road(4)
    assert unsupported(problem(matrix, [stop(1)])) == ()
    met = [stop(1), stop(2).model_copy(update={"met_at": "s1"})]
    assert unsupported(problem(matrix, met)) == ("goods fetched from another van",)
    assert unsupported(problem(matrix, [])) == ("no stop or no vehicle",)


@given(days(), st.integers(0, 2))
@few
def test_every_plan_passes_the_checker_or_breaks_only_what_was_locked(made: tuple[Problem, Matrix], seed: int) -> None:
    day, matrix = made
    plan = solve(day, matrix, seed=seed, iterations=200)
    locked = {v.id: day.routes.get(v.id, ())[: v.locked] for v in day.vehicles}
    given_up = {s for stop_ids in locked.values() for s in stop_ids} | {v for v, stop_ids in locked.items() if stop_ids}
    assert {v.subject for v in check(day, matrix, plan)} <= given_up
    assert dumps(plan) == dumps(solve(day, matrix, seed=seed, iterations=200))
    aboard = {s.id: s.aboard for s in day.stops if s.aboard and s.id not in given_up}
    for route in plan.routes:
        assert route.stop_ids[: len(locked[route.vehicle_id])] == locked[route.vehicle_id]
        assert all(aboard.get(s, route.vehicle_id) == route.vehicle_id for s in route.stop_ids)


def bare(day: Problem) -> Problem:
    """Without what the kernels leave to the exact pass: hours, breaks and zones."""
    vehicles = tuple(v.model_copy(update={"hours": None, "breaks": ()}) for v in day.vehicles)
    return day.model_copy(update={"vehicles": vehicles, "zones": ()})


@given(days(), st.integers(0, 3))
@few
def test_kernels_price_routes_as_the_exact_pass_does(made: tuple[Problem, Matrix], seed: int) -> None:
    """Whatever a search has come to: the sum it carries along is what timing its routes anew gives, to the rounding of
    each route's four parts."""
    day, matrix = bare(made[0]), made[1]
    schedule = Schedule(day, matrix)
    layout = lay_out(schedule, matrix)
    if unsupported(day) or not layout.stops:
        return
    state, plan = start(layout, {}), solve(day, matrix, seed=seed, iterations=150)
    state = start(layout, {r.vehicle_id: r.stop_ids for r in plan.routes})
    time_all(layout.ground, state)
    routes = routes_of(layout, state.best_next)
    out = {v.id for v, head in zip(layout.vehicles, layout.heads, strict=True) if head}
    behind = sum(schedule.cost(v, routes[v.id]) for v in day.vehicles if v.id not in out)
    ours = sum(int(state.routes[i, 4]) for i, v in enumerate(layout.vehicles) if v.id not in out)
    assert abs(ours / SCALE - behind) <= 2 * len(day.vehicles)
    assert state.numbers[BEST] == state.numbers[TOTAL]


def test_what_is_fetched_counts_when_a_smaller_vehicle_would_be_cheaper() -> None:
    matrix = road(4)
    fleet = [
        *(van(f"small{i}", capacity=(5,), fixed_cost=10_000) for i in (1, 2)),
        van(capacity=(10,), fixed_cost=12_000),
    ]
    fetched = [Stop(id=f"s{i}", location=i, service_s=60, pickup=(5,)) for i in (1, 2)]
    day = problem(matrix, fetched, fleet)
    plan = solve(day, matrix, iterations=500)
    assert (check(day, matrix, plan), set(planned(plan)), plan.unassigned) == ((), {"v1"}, ())


def priced(day: Problem, matrix: Matrix) -> int:
    """Cents of the day's own routes, as the kernels add them up."""
    layout = lay_out(Schedule(day, matrix), matrix)
    state = start(layout, day.routes)
    time_all(layout.ground, state)
    return round(int(state.numbers[TOTAL]) / SCALE)


def test_profiles_and_prices_of_legs_driving_and_work_are_priced_as_the_exact_pass_does() -> None:
    cars, bikes = road(5), road(5, minutes=17, metres=3000)
    tolls = (np.arange(25).reshape(5, 5) * 7).astype(np.int32)
    matrix = Matrix(cars.durations_s, cars.distances_m, "test", tolls=tolls, profiles={"bike": bikes})
    more = {"cost_per_driving_hour": 1800, "cost_per_task_hour": 720}
    fleet = [
        van("v1").model_copy(update=more),
        van("v2").model_copy(update={"profile": "bike", "kind": "bike", **more}),
    ]
    doors = [stop(i).model_copy(update={"setup_s": 120, "by_kind": {"bike": (0, 900)}}) for i in (1, 2, 3, 4)]
    day = problem(matrix, doors, fleet, {"v1": ("s1", "s3"), "v2": ("s2", "s4")})
    schedule = Schedule(day, matrix)
    assert priced(day, matrix) == sum(schedule.cost(v, day.routes[v.id]) for v in fleet)
    plan = solve(day, matrix, iterations=500)
    assert check(day, matrix, plan) == ()


LIMITS = {"max_driving_s": 4 * 10 * 60, "max_distance_m": 4 * 5000, "max_route_s": 4 * 10 * 60 + 2 * 5 * 60}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_on_a_route_is_kept_while_searching(name: str) -> None:
    """Two stops a van are what each limit allows: of four all are served, by two vans."""
    matrix, limit = road(3), {name: LIMITS[name]}
    wait = (10 * HOUR, 12 * HOUR)
    doors = [
        stop(1, name="a"),
        stop(2, name="b", windows=(wait,)),
        stop(2, name="c"),
        stop(1, name="d", windows=(wait,)),
    ]
    day = problem(matrix, doors, [van(f"v{i}").model_copy(update=limit) for i in (1, 2, 3)])
    plan = solve(day, matrix, iterations=500)
    assert check(day, matrix, plan) == ()
    assert (plan.unassigned, len(planned(plan))) == ((), 1 if name != "max_route_s" else 2)
    less = [v.model_copy(update={name: LIMITS[name] - 1}) for v in day.vehicles]
    shorter = solve(problem(matrix, doors, less), matrix, iterations=500)
    assert check(day, matrix, shorter) == ()
    assert len(shorter.unassigned) == (0 if name == "max_route_s" else 2)


@pytest.mark.parametrize(("load", "used"), [(2, {"small1"}), (4, {"large1"}), (5, {"large1", "small1"})])
def test_of_a_mixed_fleet_those_go_out_that_carry_it_for_the_least(load: int, used: set[str]) -> None:
    """Two small vans would cost more than a large one; a large one is too dear for what a small one carries."""
    matrix = road(5)
    small = [van(f"small{i}", capacity=(8,), fixed_cost=30_000) for i in (1, 2, 3)]
    large = [van(f"large{i}", capacity=(16,), fixed_cost=40_000) for i in (1, 2)]
    day = problem(matrix, [stop(i, demand=(load,)) for i in (1, 2, 3, 4)], [*small, *large])
    plan = solve(day, matrix, iterations=500)
    assert check(day, matrix, plan) == ()
    assert (set(planned(plan)), plan.unassigned) == (used, ())


def test_thousands_of_alike_vehicles_are_no_burden() -> None:
    matrix = road(30)
    fleet = [van(f"v{i}", capacity=(5,)) for i in range(400)]
    day = problem(matrix, [stop(i) for i in range(1, 30)], fleet)
    plan = solve(day, matrix, iterations=500)
    assert check(day, matrix, plan) == ()
    assert not plan.unassigned
