from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput, NotFound
from optimizer.travel import DETOUR, Matrix, MatrixStore, great_circle, leg_m, leg_s, table, widened

BERLIN = [(52.52, 13.405), (52.5206, 13.4062), (52.50, 13.45), (52.39, 13.06)]
points = st.tuples(st.floats(-60, 60), st.floats(-179, 179))


def test_a_known_distance_comes_out_with_the_detour() -> None:
    straight = 111_195  # one degree of latitude
    assert leg_m((0.0, 0.0), (1.0, 0.0)) == pytest.approx(straight * DETOUR, rel=1e-4)


@pytest.mark.parametrize(
    ("km", "slowest", "fastest"),
    [
        pytest.param(0.1, 15, 21, id="round the corner"),
        pytest.param(0.4, 18, 23, id="down the street"),
        pytest.param(1.0, 21, 24, id="through the quarter"),
        pytest.param(8.0, 36, 45, id="across the city"),
        pytest.param(30.0, 53, 62, id="to the next one"),
        pytest.param(200.0, 64, 69.1, id="a motorway does not get faster for ever"),
    ],
)
def test_short_legs_are_slower(km: float, slowest: float, fastest: float) -> None:
    assert slowest < km / (leg_s(round(km * 1000)) / 3600) < fastest


@given(st.lists(points, min_size=1, max_size=8))
def test_any_places_make_a_sound_matrix(places: list[tuple[float, float]]) -> None:
    matrix = great_circle(places)
    assert (np.diag(matrix.durations_s) == 0).all()
    assert (matrix.durations_s >= 0).all()
    assert (matrix.distances_m == matrix.distances_m.T).all()


def test_a_longer_way_never_takes_less_time() -> None:
    seconds = [leg_s(m) for m in range(0, 300_000, 50)]
    assert seconds == sorted(seconds)
    assert seconds[0] == 0


def test_going_by_a_third_place_is_never_faster_on_the_same_road() -> None:
    for metres in range(100, 60_000, 700):
        assert leg_s(metres) <= leg_s(metres // 3) + leg_s(metres - metres // 3) + 1


def test_the_same_places_give_the_same_hash_and_any_change_another() -> None:
    one = great_circle(BERLIN)
    assert one.hash == great_circle(BERLIN).hash
    assert one.hash != great_circle([*BERLIN[:3], (52.39, 13.0601)]).hash
    assert one.hash != great_circle(BERLIN, detour=1.3).hash
    assert one.hash != Matrix(one.durations_s, one.distances_m, "other").hash
    assert one.hash != Matrix(one.distances_m, one.durations_s, one.provider).hash


def test_a_matrix_can_not_be_written_to() -> None:
    matrix = great_circle(BERLIN)
    with pytest.raises(ValueError, match="read-only"):
        matrix.durations_s[0, 1] = 5


@pytest.mark.parametrize(
    ("seconds", "metres"),
    [
        pytest.param([[0, 2**31], [1, 0]], [[0, 1], [1, 0]], id="would wrap to a negative time"),
        pytest.param([[0, 1], [-1, 0]], [[0, 1], [1, 0]], id="negative"),
        pytest.param([[0, 1], [1, 0]], [[0]], id="not for the same places"),
        pytest.param([[0, 1]], [[0, 1]], id="not square"),
    ],
)
def test_a_matrix_is_never_made_of_unsound_figures(seconds: list[list[int]], metres: list[list[int]]) -> None:
    with pytest.raises(BadInput):
        Matrix(np.array(seconds), np.array(metres), "test")


def test_places_off_the_earth_are_refused() -> None:
    with pytest.raises(BadInput, match="place 1 is not on earth"):
        great_circle([(0.0, 0.0), (91.0, 0.0)])
    with pytest.raises(BadInput, match="place 0"):
        great_circle([(float("nan"), 0.0)])


@pytest.mark.parametrize(
    ("durations", "says"),
    [
        pytest.param([[0, 1], [1, 0], [1, 1]], r"is \(3, 2\)", id="not square"),
        pytest.param([[0, 1], [1]], "not a table", id="ragged"),
        pytest.param([[0, "x"], [1, 0]], "not a table", id="not numbers"),
        pytest.param([[0, -1], [1, 0]], "row 0, column 1 is negative", id="time does not run back"),
        pytest.param([[0, 1], [float("inf"), 0]], "row 1, column 0 is not a finite", id="infinite"),
        pytest.param([[0, 1], [float("nan"), 0]], "row 1, column 0 is not a finite", id="not a number"),
        pytest.param([[0, 1], [1, 3]], "row 1, column 1 is not 0", id="from itself"),
        pytest.param([[0, 2**31], [1, 0]], "row 0, column 1 is over", id="more than 32 bits"),
    ],
)
def test_a_faulty_table_is_refused_with_its_row_and_column(durations: list[list[float]], says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        table(durations, BERLIN[:2])
    assert caught.value.field == "durations_s"


def test_a_table_is_taken_as_it_is_and_distances_are_estimated_when_it_brings_none() -> None:
    matrix = table([[0, 70], [90, 0]], BERLIN[:2])
    assert matrix.durations_s.tolist() == [[0, 70], [90, 0]]
    assert matrix.distances_m[0, 1] == leg_m(BERLIN[0], BERLIN[1])
    brought = table([[0, 70], [90, 0]], BERLIN[:2], [[0, 5], [6, 0]])
    assert brought.distances_m.tolist() == [[0, 5], [6, 0]]
    assert brought.hash != matrix.hash


def test_a_stored_matrix_comes_back_the_same(tmp_path: Path) -> None:
    store, matrix = MatrixStore(tmp_path / "new"), great_circle(BERLIN)
    assert store.put(matrix) == matrix.hash
    found = store.get(matrix.hash)
    assert found.hash == matrix.hash
    assert found.provider == matrix.provider
    assert (found.durations_s == matrix.durations_s).all()


def test_storing_twice_leaves_one_copy_and_no_half_written_files(tmp_path: Path) -> None:
    store = MatrixStore(tmp_path)
    store.put(great_circle(BERLIN))
    store.put(great_circle(BERLIN))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".npy", ".provider"]


def test_a_missing_matrix_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        MatrixStore(tmp_path).get("0" * 64)
    assert "Make the matrix again" in caught.value.fix


def test_a_matrix_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    store, matrix = MatrixStore(tmp_path), great_circle(BERLIN)
    path = tmp_path / f"{store.put(matrix)}.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(NotFound, match="other numbers"):
        store.get(matrix.hash)


def test_places_that_a_matrix_does_not_know_are_added_beside_it() -> None:
    points = [(30.2, -97.7), (30.3, -97.7)]
    own = table([[0, 777], [888, 0]], points, [[0, 7000], [8000, 0]])
    wide = widened(own, points, [(30.25, -97.7)])
    assert wide.size == 3
    assert (wide.durations_s[0, 1], wide.durations_s[1, 0], wide.distances_m[0, 1]) == (777, 888, 7000), "its own stay"
    guessed = great_circle([*points, (30.25, -97.7)])
    assert wide.durations_s[0, 2] == guessed.durations_s[0, 2]
    assert wide.hash != own.hash
    assert wide.provider.startswith("table+1:great_circle")
    assert widened(own, points, []) is own
