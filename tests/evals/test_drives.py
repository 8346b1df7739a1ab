"""Days driven in memory: the same as the world's, seen as the engine would, and driven on from any moment."""

from __future__ import annotations

from itertools import pairwise

import pytest

from evals import drives
from evals.drives import Lived, Visit
from evals.world.driver import Van
from evals.world.synthetic import synthetic
from optimizer import eta


@pytest.fixture(scope="module")
def lived() -> Lived:
    return drives.live(synthetic(3, orders=40, vans=3), iterations=2_000)


def busiest(lived: Lived) -> tuple[str, list[Visit]]:
    van = max(lived.drives, key=lambda name: len(lived.drives[name].visits))
    return van, lived.drives[van].visits


def test_every_planned_stop_is_driven_to_in_its_order(lived: Lived) -> None:
    for yard in lived.yards:
        for van, planned in yard.planned.items():
            assert [visit.stop for visit in lived.drives[van].visits] == list(planned)


def test_times_of_a_visit_follow_one_another(lived: Lived) -> None:
    _, visits = busiest(lived)
    assert len(visits) > 5
    for visit in visits:
        assert visit.left < visit.arrived <= visit.began < visit.done
    for before, after in pairwise(visits):
        assert after.left == before.done
        assert after.a == before.b


def test_the_same_seed_is_the_same_day(lived: Lived) -> None:
    again = drives.live(synthetic(3, orders=40, vans=3), iterations=2_000)
    assert again.drives == lived.drives
    assert drives.live(synthetic(4, orders=40, vans=3), iterations=2_000).drives != lived.drives


def test_the_engine_sees_what_has_happened_and_nothing_more(lived: Lived) -> None:
    van, visits = busiest(lived)
    yard = next(yard for yard in lived.yards if van in yard.planned)
    third = visits[2]

    def look(at: int) -> tuple[str, tuple[str, ...]]:
        problem = lived.problem(yard, at)
        return eta.situation(problem.vehicle(van), problem.now_s), problem.routes[van]

    stops = tuple(visit.stop for visit in visits)
    assert look(visits[0].left - 1)[1] == stops, "all of it, before it leaves"
    assert look(third.left) == ("driving", stops[2:])
    assert look(third.arrived) == ("serving", stops[3:])
    assert look(third.done) == ("driving", stops[3:])


def test_a_van_halfway_is_seen_halfway(lived: Lived) -> None:
    van, visits = busiest(lived)
    yard = next(yard for yard in lived.yards if van in yard.planned)
    longest = max(visits, key=lambda visit: visit.arrived - visit.left)
    early, late = (
        lived.problem(yard, longest.left + (longest.arrived - longest.left) * share // 4).vehicle(van).first_leg_s
        for share in (1, 3)
    )
    assert early is not None
    assert late is not None
    assert 0 < late < early


def test_the_rest_of_a_day_is_drawn_anew_and_what_was_stays(lived: Lived) -> None:
    van, visits = busiest(lived)
    for at in (visits[2].left + 1, visits[2].arrived + 1, visits[2].done):
        again = lived.again(van, at, 12)
        expected = {visit.stop for visit in visits if visit.arrived > at}
        assert set(again) == expected, "no stop twice, none left out"
        assert all(start > at for starts in again.values() for start in starts)
        last = again[visits[-1].stop]
        assert len(last) == 12
        assert len(set(last)) > 6, "the luck differs"


def test_before_it_leaves_the_whole_day_is_drawn_anew(lived: Lived) -> None:
    van, visits = busiest(lived)
    at = visits[0].left - 60
    again = lived.again(van, at, 5)
    assert set(again) == {visit.stop for visit in visits}
    assert min(again[visits[0].stop]) > at, "who has not left by then leaves later"


def test_what_is_under_way_is_not_over_in_any_luck(lived: Lived) -> None:
    van, visits = busiest(lived)
    longest = max(visits[:-1], key=lambda visit: visit.done - visit.began)
    at = longest.done - 1
    after = visits[visits.index(longest) + 1]
    assert min(lived.again(van, at, 12)[after.stop]) > at


def test_a_van_without_a_route_stays_at_home(lived: Lived) -> None:
    vehicle = lived.scenario.vehicles[0]
    empty = lived.routes[vehicle.id].model_copy(update={"stops": ()})
    assert drives.follow(Van.at_depot(vehicle, lived.day), empty) == drives.Drive(vehicle.id)
