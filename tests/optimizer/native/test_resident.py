from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput, NotFound, WrongState
from optimizer.checker import check
from optimizer.churn import moves
from optimizer.insertion import cheapest_insertions
from optimizer.native.engine import solve
from optimizer.native.resident import SPARE, Place, Resident
from optimizer.problem import Problem, Stop, rebuilt
from optimizer.schedule import Schedule
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, as_plan, few, problem, road, stop, van
from tests.optimizer.native.test_engine import EIGHT, city

Day = tuple[Problem, Matrix, tuple[Stop, ...]]


def running(stops: int, vans: int, seed: int, both_ways: bool = True) -> Day:
    """A planned day on its way, and ten stops that nobody has ordered yet."""
    day, matrix = city(stops + 10, vans, seed, both_ways)
    later = tuple(
        s.model_copy(update={"due_s": EIGHT + 2 * HOUR}) if n % 2 else s for n, s in enumerate(day.stops[-10:])
    )
    start = rebuilt(day, stops=day.stops[:-10])
    plan = solve(start, matrix, iterations=300)
    return rebuilt(start, routes={r.vehicle_id: r.stop_ids for r in plan.routes}), matrix, later


@pytest.fixture(scope="module")
def town() -> Day:
    return running(60, 5, 4)


def now(resident: Resident, later: tuple[Stop, ...]) -> Problem:
    """The day as the resident plan has it."""
    there = {s for stop_ids in resident.routes.values() for s in stop_ids} | set(resident.absent)
    known = {s.id: s for s in (*resident.problem.stops, *later)}
    return rebuilt(resident.problem, stops=tuple(known[s] for s in sorted(there)), routes=resident.routes)


@pytest.mark.parametrize("both_ways", [True, False])
def test_places_cost_what_timing_every_position_says(both_ways: bool) -> None:
    day, matrix, later = running(60, 5, 4, both_ways)
    resident = Resident(day, matrix)
    for more in later:
        wider = rebuilt(day, stops=(*day.stops, more))
        best = {i.vehicle_id: i for i in cheapest_insertions(wider, matrix, more.id) if i.feasible}
        found = resident.places(more)
        assert [p.cost_cents for p in found] == sorted(i.delta_cost for i in best.values())[: len(found)]
        for place in found:
            assert place.cost_cents == best[place.vehicle_id].delta_cost
            late = sum(v.late_s for v in best[place.vehicle_id].route.visits)
            was = Schedule(day, matrix).timing(day.vehicle(place.vehicle_id), day.routes[place.vehicle_id]).late_s
            assert place.late_s == late - was


def test_asking_changes_nothing_and_putting_in_and_out_neither(town: Day) -> None:
    day, matrix, later = town
    resident = Resident(day, matrix)
    for more in later:
        before = resident.routes
        places = resident.places(more)
        assert (resident.routes, resident.places(more)) == (before, places)
        resident.insert(more, places[0])
        assert more.id in resident.routes[places[0].vehicle_id]
        assert resident.routes[places[0].vehicle_id][places[0].position] == more.id
        resident.remove(more.id)
        assert resident.routes == before
        assert resident.places(more) == places


def test_a_day_of_insertions_stays_what_the_checker_passes(town: Day) -> None:
    """More of them than nodes are kept free: the plan is compiled anew on the way."""
    day, matrix, later = town
    resident = Resident(day, matrix)
    came = []
    for n in range(SPARE + 5):
        more = later[n % 10].model_copy(update={"id": f"more-{n}", "demand": (0,), "service_s": 5, "windows": ()})
        places = resident.places(more)
        if places:
            resident.insert(more, places[0])
            came.append(more)
    assert len(came) > 10
    there = now(resident, tuple(came))
    assert not [v for v in check(there, matrix, as_plan(there, matrix)) if v.kind != "cost"]


def test_many_what_ifs_say_what_one_after_the_other_says(town: Day) -> None:
    day, matrix, later = town
    resident = Resident(day, matrix)
    many = resident.what_ifs(later)
    one_by_one = [next(iter(resident.places(s)), None) for s in later]
    assert many == one_by_one


def test_the_stops_of_a_broken_van_go_elsewhere_and_nothing_goes_to_it(town: Day) -> None:
    day, matrix, later = town
    resident = Resident(day, matrix)
    van_id = max(day.routes, key=lambda v: len(day.routes[v]))
    rescue = resident.break_down(van_id)
    assert resident.routes[van_id] == ()
    assert {*rescue.taken, *rescue.left} == set(day.routes[van_id])
    assert rescue.taken
    assert all(resident.routes[v].count(s) == 1 for s, v in rescue.taken.items())
    assert set(resident.absent) == set(rescue.left)
    assert van_id not in {p.vehicle_id for more in later for p in resident.places(more)}
    there = now(resident, later)
    assert not check(there, matrix, as_plan(there, matrix))


def test_polishing_offers_only_what_pays_and_changes_nothing_by_itself(town: Day) -> None:
    day, matrix, _ = town
    resident = Resident(day, matrix)
    resident.break_down("v0")
    before, schedule = resident.routes, Schedule(day, matrix)
    assert resident.polish(3000, at_least_cents=10**9) is None
    offer = resident.polish(3000, seed=1)
    assert offer is not None
    assert resident.routes == before
    resident.adopt(offer)
    saved = sum(
        schedule.cost(day.vehicle(v), before[v]) - schedule.cost(day.vehicle(v), r) for v, r in offer.routes.items()
    )
    assert abs(saved - offer.gain_cents) <= 2 * len(offer.routes)
    assert resident.routes == before | offer.routes
    resident.remove(next(s for stop_ids in offer.routes.values() for s in stop_ids))
    with pytest.raises(WrongState, match="changed"):
        resident.adopt(offer)


@given(seed=st.integers(0, 30), cap=st.integers(0, 12), least=st.integers(0, 2000))
@few
def test_no_more_stops_move_than_may_and_it_pays(town: Day, seed: int, cap: int, least: int) -> None:
    day, matrix, later = town
    resident, schedule = Resident(day, matrix), Schedule(day, matrix)
    resident.break_down(f"v{seed % 5}")
    before = resident.routes
    free, offer = (
        resident.polish(400, seed=seed, at_least_cents=n, most_moved=m) for n, m in ((0, None), (least, cap))
    )
    if offer is None:
        return
    assert free is not None
    assert offer.moved <= cap
    assert offer.moved == len(moves(offer.before, offer.routes))
    price = day.weights.stop_moved
    assert offer.gain_cents - price * offer.moved >= least
    assert free.gain_cents - price * free.moved >= offer.gain_cents - price * offer.moved
    resident.adopt(offer)
    assert resident.routes == before | offer.routes
    there = now(resident, later)
    assert not check(there, matrix, as_plan(there, matrix))
    was = sum(schedule.cost(day.vehicle(v), stops) for v, stops in offer.before.items())
    saved = was - sum(schedule.cost(day.vehicle(v), stops) for v, stops in offer.routes.items())
    back = {s for v in offer.routes.values() for s in v} - {s for v in offer.before.values() for s in v}
    saved += sum(day.stop(s).drop_penalty for s in back)
    assert abs(saved - offer.gain_cents) <= 2 * len(offer.routes)


def test_a_fork_is_a_plan_of_its_own(town: Day) -> None:
    day, matrix, later = town
    resident = Resident(day, matrix)
    before, places = resident.routes, resident.places(later[0])
    twin = resident.fork()
    twin.break_down("v1")
    for more in later[1:3]:
        found = twin.places(more)
        if found:
            twin.insert(more, found[0])
    assert resident.routes == before
    assert resident.places(later[0]) == places


def test_what_is_locked_is_never_before_a_place() -> None:
    matrix = road(6)
    day = problem(matrix, [stop(3), stop(1)], [van(locked=2)], {"v1": ("s3", "s1")})
    place = Resident(day, matrix).places(stop(2))[0]
    assert place == Place("v1", 2, place.cost_cents, 0, 0, 0)


def test_what_it_does_not_know_is_named(town: Day) -> None:
    day, matrix, later = town
    resident = Resident(day, matrix)
    with pytest.raises(BadInput, match="belongs to another"):
        resident.places(later[0].model_copy(update={"after": "s1"}))
    with pytest.raises(BadInput, match="no plain stop"):
        resident.what_ifs([later[0].model_copy(update={"skills": ("lift",)})])
    with pytest.raises(NotFound, match="no stop"):
        resident.remove("nobody")
    with pytest.raises(WrongState, match="on a route"):
        resident.places(day.stop(next(iter(day.routes["v0"]))))
    met = tuple(s.model_copy(update={"met_at": "s2"}) if s.id == "s1" else s for s in day.stops)
    with pytest.raises(BadInput, match="fetched from another van"):
        Resident(rebuilt(day, stops=met), matrix)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=25), st.integers(0, 3))
@few
def test_whatever_comes_and_goes_the_plan_is_sound(acts: list[tuple[int, bool]], breaks: int) -> None:
    day, matrix, later = next(DAYS)
    resident = Resident(day, matrix)
    on: set[int] = set()
    for number, comes in acts:
        if comes and number not in on:
            places = resident.places(later[number])
            if places:
                resident.insert(later[number], places[-1])
                on.add(number)
        elif number in on:
            resident.remove(later[number].id)
            on.remove(number)
    resident.break_down(f"v{breaks}")
    offer = resident.polish(50, seed=breaks)
    if offer is not None:
        resident.adopt(offer)
    there = now(resident, later)
    wrong = check(there, matrix, as_plan(there, matrix))
    assert not wrong
    assert resident.routes[f"v{breaks}"] == ()


def _days() -> Iterator[Day]:
    made = running(40, 4, 9)
    while True:
        yield made


DAYS = _days()
