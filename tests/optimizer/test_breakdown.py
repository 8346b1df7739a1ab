"""What can be done about a broken van: others fetch its goods where it stands, alone or together, or nobody does."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import canonical
from core.errors import BadInput
from core.transfers import identify
from optimizer import breakdown, what_if
from optimizer.options import Option, Scope
from optimizer.problem import Problem, Stop, Vehicle, rebuilt
from optimizer.schedule import Schedule
from tests.optimizer import a_problem
from tests.optimizer.a_problem import HOUR, MINUTE, few, problem, road, stop, violations

ROAD = road(12)
NOW = 9 * HOUR
LEFT = ("s4", "s5", "s6", "s7")
ALL = ("wait", "repair", "rescue", "postpone")


def van(name: str, **given: Any) -> Vehicle:
    """One that costs little to drive: a stop more is worth it."""
    return a_problem.van(name, **given).model_copy(update={"cost_per_hour": 600, "cost_per_km": 10})


def day(due_s: int | None = None) -> Problem:
    """b stands at place 3 with four stops aboard until noon; near comes by at place 2, far is at place 10."""
    stops = [stop(n, due_s=due_s, aboard="b") for n in (4, 5, 6, 7)]
    stops += [stop(2, aboard="near"), stop(9, aboard="far"), stop(10, aboard="far")]
    vans = [
        van("b", start=3, ready_s=12 * HOUR, on_road=True, fixed_cost=0),
        van("near", start=1, ready_s=NOW, on_road=True, fixed_cost=0, locked=1),
        van("far", start=11, ready_s=NOW, on_road=True, fixed_cost=0),
    ]
    return problem(ROAD, stops, vans, {"b": LEFT, "near": ("s2",), "far": ("s10", "s9")}, NOW)


def scope(**given: object) -> Scope:
    return Scope.model_validate({"stops": LEFT, "breakdown": "brk", "vehicle": "b", **given})


def answers(asked: Problem, about: Scope | None = None) -> dict[str, Option]:
    tried = what_if.candidates(asked, ROAD, "b", ALL, about or scope())
    return {candidate.id: what_if.evaluate(asked, ROAD, candidate) for candidate in tried}


def after(asked: Problem, option: Option) -> Problem:
    """The problem once the option is decided, as the record gives it: with meetings, and goods for who takes them."""
    here = breakdown._Roadside(asked, ROAD, scope())
    taken = {s: v for v, stops in option.routes.items() if v != "b" for s in stops if s in LEFT}
    return rebuilt(here._with(taken), routes={**asked.routes, **option.routes})


def test_every_way_is_offered_and_doing_nothing_always() -> None:
    assert answers(day()).keys() == {"wait", "repair", "rescue:near", "rescue:far", "rescue", "postpone"}


def test_the_van_comes_to_the_place_first_and_then_serves_what_it_fetched() -> None:
    found = answers(day())["rescue:near"]
    route = found.routes["near"]
    meeting = identify("brk", "near")
    assert route[0] == "s2", "the stop that it heads to stays first"
    assert all(route.index(meeting) < route.index(s) for s in LEFT)
    assert found.routes["b"] == ()
    assert (found.feasible, found.left) == (True, ())
    assert found.arrivals[meeting] == NOW + 10 * MINUTE + 5 * MINUTE + 10 * MINUTE, "to place 2, served, on to place 3"


def test_a_rescue_can_be_driven_and_what_jumps_is_seen() -> None:
    asked = day()
    found = answers(asked)["rescue:near"]
    done = after(asked, found)
    assert violations(done, ROAD) == set()
    jumped = rebuilt(done, routes={**done.routes, "near": ("s2", *LEFT, identify("brk", "near"))})
    assert {kind for kind, _ in violations(jumped, ROAD)} == {"transfer"}
    schedule = Schedule(jumped, ROAD)
    near = jumped.vehicle("near")
    assert {b.kind for b in schedule.breaches(near, schedule.timing(near, jumped.routes["near"]))} == {"transfer"}


def test_handing_over_takes_longer_with_more_orders() -> None:
    many = answers(day(), scope(order_counts={"s4": 40}))["rescue:near"]
    few_orders = answers(day())["rescue:near"]
    assert many.arrivals["s4"] - few_orders.arrivals["s4"] == 39 * 15


def with_room(asked: Problem, **room: int) -> Problem:
    vehicles = (v.model_copy(update={"capacity": (room[v.id],)}) if v.id in room else v for v in asked.vehicles)
    return rebuilt(asked, vehicles=tuple(vehicles))


def test_several_vans_share_where_that_is_cheaper() -> None:
    """Neither has room for all: alone each would leave stops for tomorrow."""
    found = answers(with_room(day(), near=3, far=4))
    both = found["rescue"]
    assert (both.feasible, both.left) == (True, ())
    takers = sorted(v for v, stops in both.routes.items() if set(stops) & set(LEFT))
    assert takers == ["far", "near"]
    assert all(identify("brk", v) in both.routes[v] for v in takers)
    assert both.cost_cents < min(found["rescue:near"].cost_cents, found["rescue:far"].cost_cents)


def test_where_one_van_is_enough_sharing_is_sending_that_one() -> None:
    found = answers(day())
    assert found["rescue"].routes == found["rescue:far"].routes, "it passes the place on its way home"
    assert found["rescue"].cost_cents == found["rescue:far"].cost_cents <= found["rescue:near"].cost_cents


def test_what_does_not_fit_leaves_the_day() -> None:
    asked = day()
    found = answers(with_room(asked, near=3))["rescue:near"]
    assert len(found.left) == 2, "one place is taken by its own stop"
    assert not set(found.left) & set(found.routes["near"])
    whole = answers(asked)["rescue:near"]
    assert found.cost_cents > whole.cost_cents


def test_a_van_that_would_come_home_after_its_shift_is_not_sent() -> None:
    asked = day()
    home = asked.vehicles[1].ready_s + 40 * MINUTE  # its own stop and back, no more
    short = tuple(v.model_copy(update={"shift_end_s": home}) if v.id == "near" else v for v in asked.vehicles)
    assert "rescue:near" not in answers(rebuilt(asked, vehicles=short))


def test_what_costs_more_than_coming_tomorrow_leaves_the_day() -> None:
    asked = day()
    dear = tuple(v.model_copy(update={"cost_per_km": 300}) for v in asked.vehicles)
    found = answers(rebuilt(asked, vehicles=dear))["rescue:near"]
    assert found.left
    assert found.feasible


def test_a_van_that_stands_itself_is_not_sent() -> None:
    assert "rescue:near" not in answers(day(), scope(unfit=("near",)))


def test_waiting_breaks_promises_and_telling_moves_them() -> None:
    found = answers(day(due_s=11 * HOUR))
    assert found["wait"].promises_broken == found["repair"].promises_retold == 4
    assert set(found["repair"].retold) == set(LEFT)
    weights = day().weights
    assert found["wait"].cost_cents - found["repair"].cost_cents == 4 * (
        weights.broken_promise - weights.retold_promise
    )
    assert found["repair"].arrivals["s4"] >= 12 * HOUR


def test_the_next_day_takes_all_of_them_off_the_list() -> None:
    found = answers(day())["postpone"]
    assert (found.left, found.routes) == (LEFT, {"b": ()})


def test_putting_the_last_stops_off_does_not_save_the_way_home() -> None:
    asked = day()
    broken = asked.vehicle("b")
    saved = Schedule(asked, ROAD).cost(broken, LEFT) - Schedule(asked, ROAD).cost(broken, ())
    put_off = sum(asked.weights.postponed + 600 * 5 * MINUTE // HOUR for _ in LEFT)
    assert answers(asked)["postpone"].cost_cents == put_off - saved
    there_and_back_s = 2 * 4 * 10 * MINUTE + 4 * 5 * MINUTE
    assert saved == 600 * there_and_back_s // HOUR + 10 * 40, "from place 3 to 7 and back, and four services"


def test_a_long_job_is_dear_to_put_off() -> None:
    """Half an hour at a door is paid on the next day as well: putting it off does not save it."""
    short, long = day(), day()
    stops = tuple(s.model_copy(update={"service_s": HOUR // 2}) if s.id in LEFT else s for s in long.stops)
    long = rebuilt(long, stops=stops)
    more = answers(long)["postpone"].cost_cents - answers(short)["postpone"].cost_cents
    assert abs(more) <= len(LEFT), "the same, but for rounding"


def test_goods_at_the_depot_are_taken_by_vans_that_have_not_left() -> None:
    stops: list[Stop] = [stop(n) for n in (1, 2, 3)]
    asked = problem(
        ROAD, stops, [van("b", ready_s=12 * HOUR), van("idle"), van("out", start=5, on_road=True)],
        {"b": ("s1", "s2", "s3"), "idle": (), "out": ()}, NOW,
    )  # fmt: skip
    found = answers(asked, scope(stops=("s1", "s2", "s3")))
    assert "rescue:out" not in found
    assert found["rescue:idle"].routes["idle"] == ("s3", "s2", "s1"), "no meeting: nothing has to change hands"


def test_the_same_question_gives_the_same_bytes() -> None:
    asked = day(due_s=11 * HOUR)
    one, two = (canonical.dumps([o.model_dump(mode="json") for o in answers(asked).values()]) for _ in range(2))
    assert one == two


def test_a_question_without_a_breakdown_is_refused() -> None:
    with pytest.raises(BadInput):
        breakdown.candidates(day(), ROAD, "b", ALL, Scope(stops=LEFT))


@few
@given(
    places=st.lists(st.integers(1, 11), min_size=1, max_size=5, unique=True),
    others=st.lists(st.integers(1, 11), min_size=0, max_size=4, unique=True),
    at=st.integers(0, 11),
    room=st.integers(0, 8),
    ends=st.integers(10, 18),
)
def test_on_random_days_no_rescue_breaks_anything_and_every_stop_is_somewhere(
    places: list[int], others: list[int], at: int, room: int, ends: int
) -> None:
    mine = [stop(p, name=f"m{p}", aboard="b", due_s=11 * HOUR) for p in places]
    theirs = [stop(p, name=f"t{p}", aboard="c") for p in others]
    vans = [
        van("b", start=at, ready_s=13 * HOUR, on_road=True),
        van("c", start=0, ready_s=NOW, on_road=True, capacity=(room + len(others),), shift_end_s=ends * HOUR),
        van("d", start=6, ready_s=NOW, on_road=True, capacity=(room,)),
    ]
    left = tuple(s.id for s in mine)
    asked = problem(ROAD, [*mine, *theirs], vans, {"b": left, "c": tuple(s.id for s in theirs), "d": ()}, NOW)
    about = scope(stops=left)
    before = violations(asked, ROAD)
    for option in answers(asked, about).values():
        if option.kind != "rescue" or not option.feasible:
            continue
        placed = [s for route in option.routes.values() for s in route if s in left]
        assert sorted([*placed, *option.left]) == sorted(left)
        taken = {s: v for v, stops in option.routes.items() for s in stops if s in left}
        here = breakdown._Roadside(asked, ROAD, about)
        done = rebuilt(here._with(taken), routes={**asked.routes, **option.routes})
        new = {(kind, who) for kind, who in violations(done, ROAD) - before if who not in option.left}
        assert new == set()
        for route in option.routes.values():
            assert all(a != b for a, b in pairwise(route))
