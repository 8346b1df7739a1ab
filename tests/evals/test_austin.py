"""Ours against what was driven: one estimator for both, its error measured, and no credit for other stops."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from core.errors import BadFile
from evals import austin
from evals.austin import LEGS, STOPS, Driven
from optimizer.travel import DETOUR, EARTH_M

DEGREE_KM = EARTH_M * 3.141592653589793 / 180 / 1000
STEP = 0.01
LEG_KM = DEGREE_KM * STEP * DETOUR
"""one step of road, as the estimator has it"""


def line(name: str, *places: float, km: float = LEG_KM, minutes: float = 3.0) -> Driven:
    """A route along a meridian: the station, then stops at so many steps north."""
    points = tuple((30.0 + STEP * place, -97.0) for place in places)
    return Driven(name, points, (km,) * len(points), (minutes,) * len(points))


def write(folder: Path, legs: list[str], stops: list[str]) -> Path:
    tables = (
        (LEGS, "route,stop,lat,lon,distance_to_next_stop(km),duration(min)", legs),
        (STOPS, "Route_ID,stop,type,lat,lon,zone_id", stops),
    )
    for name, head, rows in tables:
        with gzip.open(folder / name, "wt", encoding="utf-8") as file:
            file.write("\n".join([head, *rows]) + "\n")
    return folder


LEGS_OF_TWO = ["R1,S,30.0,-97.0,1.5,2.0", "R1,A,30.01,-97.0,1.4,0.0", "R2,S,30.0,-97.0,3.0,4.0", "R2,B,30.02,-97.0,3,5"]
STOPS_OF_TWO = ["R1,A,Dropoff,30.01,-97.0,z", "R1,S,Station,30.0,-97.0,", "R2,S,Station,30,-97,", "R2,B,Dropoff,1,1,z"]


def test_a_driven_order_that_is_best_is_found_again() -> None:
    as_driven, ours, order = austin.alone(line("R", 0, 1, 2, 3), seconds=5, iterations=2_000)
    assert sorted(order) == [1, 2, 3]
    assert ours == as_driven
    assert ours.km == pytest.approx(6 * LEG_KM, rel=0.001)


def test_a_driven_zigzag_is_straightened() -> None:
    as_driven, ours, _ = austin.alone(line("R", 0, 3, 1, 4, 2), seconds=5, iterations=2_000)
    assert as_driven.km == pytest.approx((3 + 2 + 3 + 2 + 2) * LEG_KM, rel=0.001)
    assert ours.km == pytest.approx(8 * LEG_KM, rel=0.001)
    assert ours.hours < as_driven.hours
    assert ours.cents < as_driven.cents


def test_the_price_is_use_hours_and_kilometres() -> None:
    side, _, _ = austin.alone(line("R", 0, 1), seconds=5, iterations=100)
    by_hand = austin.USE + austin.AN_HOUR * side.hours + austin.A_KM * side.km
    assert side.cents == pytest.approx(by_hand, abs=1)


def test_as_one_problem_stops_go_to_the_van_they_lie_next_to() -> None:
    """Each van was given a stop next to the other one's station."""
    routes = [line("R1", 0, 1, 101), line("R2", 100, 99, 2)]
    alone = [austin.alone(driven, seconds=5, iterations=500) for driven in routes]
    one, used = austin.together(routes, [order for _, _, order in alone], seconds=5, iterations=20_000)
    assert one.km < sum(ours.km for _, ours, _ in alone) / 10
    assert used == 2


def test_the_error_of_the_estimator_is_that_on_the_driven_legs() -> None:
    km, minutes = austin.errors([line("R", 0, 1, km=LEG_KM / 2), line("R", 0, 1, km=LEG_KM / 2)])
    assert (km.legs, km.bias, km.median, km.p90) == (4, *[pytest.approx(1.0, abs=0.01)] * 3)
    assert minutes.legs == 4
    again, _ = austin.errors([line("R", 0, 1)])
    assert again.bias == pytest.approx(0, abs=0.001)


def test_a_leg_of_no_minutes_counts_in_the_bias_only() -> None:
    first, second = line("R", 0, 1), line("R", 0, 1, minutes=0.0)
    _, alone = austin.errors([first])
    _, both = austin.errors([first, second])
    assert (both.median, both.p90) == (alone.median, alone.p90)
    assert 1 + both.bias == pytest.approx(2 * (1 + alone.bias))


def test_the_first_routes_of_the_file_are_read(tmp_path: Path) -> None:
    folder = write(tmp_path, LEGS_OF_TWO, STOPS_OF_TWO)
    assert [driven.route for driven in austin.read(folder, 1)] == ["R1"]
    second = austin.read(folder, 9)[1]
    assert second == Driven("R2", ((30.0, -97.0), (30.02, -97.0)), (3.0, 3.0), (4.0, 5.0))


@pytest.mark.parametrize(
    ("legs", "stops", "says"),
    [
        (LEGS_OF_TWO, STOPS_OF_TWO[1:], "other stops for R1"),
        ([*LEGS_OF_TWO[:3], "R2,B,north,-97.0,3,5"], STOPS_OF_TWO, "R2 is not whole"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, legs: list[str], stops: list[str], says: str) -> None:
    with pytest.raises(BadFile, match=says):
        austin.read(write(tmp_path, legs, stops), 12)


def test_without_the_files_it_says_where_they_should_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert austin.main(["--data", str(tmp_path)]) == 2
    assert "--data" in capsys.readouterr().err


def test_the_command_says_both_sides_and_the_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path, LEGS_OF_TWO, STOPS_OF_TWO)
    assert austin.main(["--data", str(folder), "-t", "5", "--iterations", "200"]) == 0
    told = capsys.readouterr().out
    for words in ("each alone", "as one", "estimator, km, 4 driven legs", "estimator, minutes", "is better on 0: -"):
        assert words in told


def test_on_real_routes_ours_is_no_longer_than_what_was_driven(shared_data: Path) -> None:
    routes = austin.read(shared_data / "routes" / "amazon_last_mile", 12)
    assert [len(driven.points) - 1 for driven in routes[:2]] == [162, 157]
    for driven in routes[:2]:
        as_driven, ours, order = austin.alone(driven, seconds=60, iterations=20_000)
        assert sorted(order) == list(range(1, len(driven.points)))
        assert ours.cents < as_driven.cents
    km, minutes = austin.errors(routes)
    assert abs(km.bias) < 0.1, "the detour factor holds"
    assert abs(minutes.bias) < 0.1, "and so do the speeds, which were fitted elsewhere"
