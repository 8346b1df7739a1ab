"""Goods aboard a broken van: who collects them comes to it first, and what comes out is sound."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from optimizer.checker import check
from optimizer.native.rescue import Rescued, collect
from optimizer.native.resident import Resident
from optimizer.problem import Problem, Stop, rebuilt
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, as_plan, few, problem, road, stop, van
from tests.optimizer.native.test_engine import EIGHT
from tests.optimizer.native.test_resident import running


def on_the_road(seed: int) -> tuple[Problem, Matrix]:
    """All vans are out with what is on their lists; each is driving to its first stop."""
    day, matrix, _ = running(40, 4, seed)
    aboard = {s: v for v, stops in day.routes.items() for s in stops}
    stops = tuple(s.model_copy(update={"aboard": aboard.get(s.id)}) for s in day.stops if s.id in aboard)
    vans = tuple(
        v.model_copy(
            update={"on_road": True, "locked": min(1, len(day.routes[v.id])), "shift_end_s": EIGHT + 14 * HOUR}
        )
        for v in day.vehicles
    )
    return rebuilt(day, stops=stops, vehicles=vans), matrix


def rescued(day: Problem, matrix: Matrix, broken: str, place: int, minutes: int) -> tuple[Rescued, Problem]:
    """(who collects what, the day after)"""
    known = {s.id: s for s in day.stops}
    meeting = Stop(id="meeting", location=place, service_s=60 * minutes)
    resident = Resident(day, matrix)
    before = resident.routes
    found = collect(resident, matrix, known, broken, meeting)
    assert resident.routes == before
    met = {part.vehicle_id: meeting.model_copy(update={"id": f"meeting {part.vehicle_id}", "aboard": part.vehicle_id})
           for part in found.parts}  # fmt: skip
    taken = {s: part.vehicle_id for part in found.parts for s in part.taken}
    stops = [s.model_copy(update={"aboard": taken[s.id], "met_at": met[taken[s.id]].id}) if s.id in taken else s
             for s in day.stops if s.id not in found.left]  # fmt: skip
    routes = {
        v: tuple(met[v].id if s == "meeting" else s for s in found.routes.get(v, stops_of))
        for v, stops_of in day.routes.items()
    }
    gone = {*taken, *found.left}
    routes[broken] = tuple(s for s in day.routes[broken] if s not in gone)
    return found, rebuilt(day, stops=(*stops, *met.values()), routes=routes)


@given(seed=st.integers(0, 3), which=st.integers(0, 3), minutes=st.integers(1, 30))
@few
def test_who_collects_comes_to_the_broken_van_first_and_the_day_is_sound(seed: int, which: int, minutes: int) -> None:
    day, matrix = next(DAYS[seed])
    out = [v for v, on in day.routes.items() if on]
    broken = out[which % len(out)]
    found, after = rescued(day, matrix, broken, day.stop(day.routes[broken][0]).location, minutes)
    for part in found.parts:
        at = part.route.index("meeting")
        assert all(part.route.index(s) > at for s in part.taken)
        first = day.routes[part.vehicle_id][:1]
        assert part.route[: len(first)] == first, "the stop that it drives to stays first"
    assert {*found.left, *(s for part in found.parts for s in part.taken)} == set(day.routes[broken])
    wrong = [v for v in check(after, matrix, as_plan(after, matrix)) if v.kind != "cost"]
    assert not wrong


def test_goods_that_nobody_has_room_for_are_left() -> None:
    matrix = road(8)
    stops = [stop(n, aboard="b") for n in (4, 5)] + [stop(2, aboard="near")]
    vans = [van("b", start=3, on_road=True), van("near", start=1, on_road=True, capacity=(2,))]
    day = problem(matrix, stops, vans, {"b": ("s4", "s5"), "near": ("s2",)})
    found = collect(
        Resident(day, matrix), matrix, {s.id: s for s in stops}, "b", Stop(id="m", location=3, service_s=60)
    )
    assert [len(part.taken) for part in found.parts] == [1], "what is aboard and what is collected count together"
    assert len(found.left) == 1


def _days(seed: int) -> Iterator[tuple[Problem, Matrix]]:
    made = on_the_road(seed)
    while True:
        yield made


DAYS = [_days(seed) for seed in range(4)]
