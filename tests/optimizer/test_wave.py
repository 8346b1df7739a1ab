"""Orders that wait at the depot: held while a van can still bring them, served together when a trip pays."""

from __future__ import annotations

from hypothesis import given

from optimizer import wave, what_if
from optimizer.checker import check
from optimizer.options import Option, Scope
from optimizer.problem import Problem, Weights, rebuilt, with_routes
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, MINUTE, as_plan, days, few, problem, road, stop, van

EIGHT = 8 * HOUR
ROAD = road(7)
SHORT = road(7, minutes=2, metres=500)
WEIGHTS = Weights()
AT_THE_DOOR = 300
"""cents of five minutes at a door, at 36.00 an hour: put off, they are paid another day"""
KINDS = ("wait", "hold", "reassign", "serve", "postpone")


def waiting(*pool: str) -> Scope:
    return Scope(left_out=True, pool=pool)


def found(day: Problem, mine: str, *pool: str, matrix: Matrix = ROAD) -> dict[str, Option]:
    tried = what_if.candidates(day, matrix, mine, KINDS, waiting(*pool))
    return {each.id: what_if.evaluate(day, matrix, each) for each in tried}


def all_out(ground: Matrix = ROAD) -> Problem:
    """v1 is on the road for an hour yet; s1, s2 and s6 wait at the depot, which v2 has not left today."""
    vans = [van(on_road=True, fixed_cost=0), van("v2", fixed_cost=4000)]
    return problem(ground, [stop(1), stop(2), stop(6), stop(3, name="far")], vans, {"v1": ("far",)})


def test_an_order_is_held_for_as_long_as_a_van_can_still_bring_it() -> None:
    held = found(all_out(), "s1")["hold"]
    assert (held.feasible, held.until_s, held.cost_cents) == (True, EIGHT + wave.WAITS_S[0], WEIGHTS.held + AT_THE_DOOR)
    assert held.routes == {}


def test_a_window_that_closes_is_waited_for_less_long() -> None:
    closing = stop(2, name="soon", windows=((EIGHT, EIGHT + 80 * MINUTE + wave.MARGIN_S),))
    day = rebuilt(all_out(), stops=(*all_out().stops, closing))
    assert found(day, "soon")["hold"].until_s == EIGHT + 3600, "twenty minutes' drive after an hour's wait"


def test_who_can_wait_no_longer_is_not_held() -> None:
    closing = stop(2, name="soon", windows=((EIGHT, EIGHT + 40 * MINUTE + wave.MARGIN_S),))
    day = rebuilt(all_out(), stops=(*all_out().stops, closing))
    held = found(day, "soon")["hold"]
    assert not held.feasible
    assert held.until_s is None
    assert "half an hour" in held.broken[0]


def test_a_van_that_comes_back_counts_with_the_time_to_load_it_again() -> None:
    alone = rebuilt(all_out(), vehicles=(van(on_road=True, fixed_cost=0),), routes={"v1": ("far", "s6")})
    back = EIGHT + 185 * MINUTE + wave.RELOAD_S  # an hour out, an hour and five minutes at two doors, an hour back
    assert back > EIGHT + wave.WAITS_S[-1] + wave.MARGIN_S
    just = stop(1, name="just", windows=((EIGHT, back + 10 * MINUTE),))
    missed = stop(1, name="missed", windows=((EIGHT, back + 9 * MINUTE),))
    long = stop(3, name="far", service_min=60)
    day = rebuilt(alone, stops=(*(s for s in alone.stops if s.id != "far"), long, just, missed))
    assert found(day, "just")["hold"].feasible
    assert not found(day, "missed")["hold"].feasible


def test_a_trip_that_takes_others_along_is_paid_for_by_them_too() -> None:
    alone, shared = found(all_out(SHORT), "s1", matrix=SHORT), found(all_out(SHORT), "s1", "s2", matrix=SHORT)["serve"]
    assert "serve" not in alone, "there is nothing to share"
    assert set(shared.routes["v2"]) == {"s1", "s2"}
    assert shared.arrivals.keys() == {"s1", "s2"}
    assert shared.stops_moved == 0, "no driver finds a stop elsewhere"
    hours, km = 18 * 60, 200  # 8 minutes of driving and two doors at 36.00 an hour, 2 km at 1.00
    assert shared.cost_cents == 4000 + hours + km - (WEIGHTS.held + AT_THE_DOOR)


def test_who_makes_the_trip_dearer_than_waiting_does_stays() -> None:
    served = found(all_out(SHORT), "s1", "s2", "s6", matrix=SHORT)["serve"]
    assert set(served.routes["v2"]) == {"s1", "s2"}, "four doors further and back are 16 minutes and 4 km"


def test_the_one_asked_about_goes_whatever_it_costs() -> None:
    served = found(all_out(SHORT), "s6", "s1", matrix=SHORT)["serve"]
    assert set(served.routes["v2"]) == {"s1", "s6"}
    assert served.cost_cents > WEIGHTS.postponed, "the planner will find it too dear"


def test_a_van_that_is_paid_for_goes_first() -> None:
    day = all_out(SHORT)
    paid = rebuilt(day, vehicles=(*day.vehicles, van("v3", fixed_cost=0)))
    assert found(paid, "s1", "s2", matrix=SHORT)["serve"].routes.keys() == {"v3"}


def test_what_is_planned_or_aboard_is_neither_held_nor_taken_along() -> None:
    day = all_out()
    aboard = stop(2, name="carried", aboard="v1")
    day = with_routes(rebuilt(day, stops=(*day.stops, aboard)), {"v2": ("s2",)})
    assert {"hold", "serve"}.isdisjoint(found(day, "carried", "s1"))
    assert "serve" not in found(day, "s1", "s2", "carried"), "one is on a list, the other on a van"


@few
@given(days())
def test_a_trip_breaks_nothing_takes_no_van_back_and_always_takes_the_one_asked_about(
    drawn: tuple[Problem, Matrix],
) -> None:
    day, matrix = drawn
    left = [s.id for s in day.stops if day.place_of(s.id) is None and s.aboard is None]
    if len(left) < 2:
        return
    served = found(day, left[0], *left[1:], matrix=matrix)["serve"]
    on_road = {v.id for v in day.vehicles if v.on_road}
    assert on_road.isdisjoint(served.routes)
    if served.feasible:
        assert any(left[0] in stop_ids for stop_ids in served.routes.values())
        after = with_routes(day, served.routes)
        known = {(v.kind, v.subject) for v in check(day, matrix, as_plan(day, matrix))}
        assert {(v.kind, v.subject) for v in check(after, matrix, as_plan(after, matrix))} <= known
