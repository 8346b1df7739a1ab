"""Days driven in memory: the same as the world's, seen as the engine would, and driven on from any moment."""

from __future__ import annotations

from itertools import pairwise

import pytest

from evals import drives
from evals.drives import Lived, Visit
from evals.world.driver import Van
from evals.world.operation import Operation
from evals.world.rates import Rates
from evals.world.synthetic import city, synthetic
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
    assert drives.follow(Van.at_depot(vehicle, lived.day), empty, {}) == drives.Drive(vehicle.id)


TROUBLE = Rates(breakdowns=2, breaks=1.0, cancelled=0.2, live=0.1, quick_vans=1, breakdown_min=(40, 60))


@pytest.fixture(scope="module")
def troubled() -> Lived:
    """A day on which everything happens."""
    return drives.live(city(Operation(rates=TROUBLE), 6, orders=80, vans=4), iterations=2_000)


def test_what_the_world_does_to_vans_is_in_the_day(troubled: Lived) -> None:
    out = [drive for drive in troubled.drives.values() if drive.departed is not None]
    assert any(drive.rest is not None for drive in out)
    assert any(drive.breakdown is not None for drive in out)
    assert troubled.withdrawn
    assert len(troubled.rows) == 72, "what comes live is in no plan of the morning"


def test_a_broken_van_says_no_times_and_goes_on_later(troubled: Lived) -> None:
    van, drive = next((name, each) for name, each in sorted(troubled.drives.items()) if each.breakdown)
    assert drive.breakdown is not None
    yard = next(yard for yard in troubled.yards if van in yard.planned)
    at = drive.breakdown.at

    def told(when: int) -> bool:
        return van in {each.id for each in troubled.moving(troubled.problem(yard, when), when)}

    assert (told(at - 1), told(at), told(drive.breakdown.until)) == (True, False, True)
    assert all(visit.left >= drive.breakdown.until for visit in drive.visits if visit.arrived > at)


def test_who_rests_is_known_to_go_on_when_they_said(troubled: Lived) -> None:
    van, drive = next((name, each) for name, each in sorted(troubled.drives.items()) if each.rest)
    assert drive.rest is not None
    yard = next(yard for yard in troubled.yards if van in yard.planned)
    seen = troubled.problem(yard, drive.rest.at + 60).vehicle(van)
    assert int(yard.here.t0.timestamp()) + seen.ready_s == drive.rest.until


def test_nobody_drives_to_who_has_withdrawn_before(troubled: Lived) -> None:
    gone = {stop for yard in troubled.yards for stop in troubled._not_wanted(yard, 2**40)}
    assert gone
    for drive in troubled.drives.values():
        for visit in drive.visits:
            since = [
                troubled.withdrawn.get(o, 2**40) for y in troubled.yards for o in y.here.orders.get(visit.stop, ())
            ]
            assert max(since) > visit.left - 60, "unless the van was on its way"


def test_a_troubled_day_goes_on_from_any_moment(troubled: Lived) -> None:
    start, end = int(troubled.scenario.start.timestamp()), max(troubled.began.values())
    for at in range(start, end, 4_000):
        for van, drive in sorted(troubled.drives.items()):
            if drive.departed is None or drive.is_broken(at):
                continue
            ahead = {visit.stop for visit in drive.visits if visit.arrived > at}
            again = troubled.again(van, at, 2)
            assert all(start > at for starts in again.values() for start in starts)
            assert not drive.is_out(at) or len(again.keys() & ahead) >= len(ahead) - len(troubled.withdrawn)
