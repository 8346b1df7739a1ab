"""Travel times from a road server: in blocks, kept, null where no road leads, and never half of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import Unavailable
from optimizer import ortools_engine, roads
from optimizer.osrm import Osrm
from optimizer.problem import Problem, Stop
from optimizer.roads import KnownLegs, RoadServer, table_of
from optimizer.travel import NO_ROAD_S, Point
from optimizer.valhalla import Valhalla
from tests.loopback import serving
from tests.optimizer.a_problem import van
from tests.optimizer.road_servers import Fake

Make = Callable[..., RoadServer]
BOTH = pytest.mark.parametrize("make", [Osrm, Valhalla])


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving(Fake()) as server:
        yield server


def places(count: int, first: int = 0) -> list[Point]:
    return [(50 + n % 7 / 100, 8 + n / 100) for n in range(first, first + count)]


@BOTH
def test_a_matrix_is_what_the_server_says_and_names_it(make: Make, fake: Fake) -> None:
    points = places(9)
    found = roads.matrix(make(fake.url), points)

    assert found.durations_s[2, 5] == round(fake.seconds(points[2], points[5]) or 0)
    assert found.distances_m[2, 5] == round(10 * (fake.seconds(points[2], points[5]) or 0))
    assert found.durations_s[0, 1] != found.durations_s[1, 0], "one way may be longer than the other"
    assert found.provider == make(fake.url).name
    assert fake.url in found.provider


def test_an_older_valhalla_says_the_same_cell_by_cell(fake: Fake) -> None:
    new = roads.matrix(Valhalla(fake.url), places(4))
    fake.old_valhalla = True

    assert roads.matrix(Valhalla(fake.url), places(4)).hash == new.hash


@BOTH
def test_many_places_are_asked_for_in_blocks(make: Make, fake: Fake) -> None:
    found = roads.matrix(make(fake.url), places(120))

    assert len(fake.asked) == 2 * 9, "three blocks a side; seconds and metres counted each"
    assert max(fake.asked) == roads.SIDE**2
    assert found.durations_s[119, 0] == round(fake.seconds(places(120)[119], places(120)[0]) or 0)


def test_a_place_that_stands_twice_is_asked_for_once(fake: Fake) -> None:
    found = roads.matrix(Osrm(fake.url), [*places(3), places(3)[1]])

    assert fake.asked == [9, 9]
    assert found.size == 4
    assert (found.durations_s[1], found.durations_s[1, 3]) == (pytest.approx(found.durations_s[3]), 0)


@BOTH
def test_what_is_known_is_not_asked_again_and_new_doors_add_their_legs_alone(
    make: Make, fake: Fake, tmp_path: Path
) -> None:
    known, server = KnownLegs(tmp_path), make(fake.url)
    first = roads.matrix(server, places(30), known, "dep/day")
    asked = sum(fake.asked)
    again = roads.matrix(server, places(30), known, "dep/day")
    assert (again.hash, sum(fake.asked)) == (first.hash, asked)

    more = roads.matrix(server, [*places(30), *places(2, first=30)], known, "dep/day")
    assert sum(fake.asked) - asked == 2 * (2 * 32 + 30 * 2), "from the new ones to all, from the others to the new"
    assert np.array_equal(more.durations_s[:30, :30], first.durations_s)
    assert np.array_equal(more.durations_s, roads.matrix(server, [*places(30), *places(2, first=30)]).durations_s)

    roads.matrix(server, places(30), known, "dep/other day")
    assert sum(fake.asked) > asked + 248, "another scope knows nothing"


def test_a_file_of_known_legs_that_cannot_be_read_is_as_none(fake: Fake, tmp_path: Path) -> None:
    known = KnownLegs(tmp_path)
    first = roads.matrix(Osrm(fake.url), places(3), known)
    [file] = tmp_path.iterdir()
    file.write_bytes(b"half a fi")

    assert roads.matrix(Osrm(fake.url), places(3), known).hash == first.hash


@BOTH
def test_where_no_road_leads_a_stop_is_left_out_with_that_reason(make: Make, fake: Fake) -> None:
    points = places(4)
    fake.islands = {points[2]}
    found = roads.matrix(make(fake.url), points)
    assert found.durations_s[2, 0] == found.durations_s[0, 2] == found.distances_m[2, 0] == NO_ROAD_S
    assert found.durations_s[2, 2] == 0

    stops = tuple(Stop(id=f"s{n}", location=n, service_s=60) for n in (1, 2, 3))
    plan = ortools_engine.solve(Problem(matrix=found.hash, stops=stops, vehicles=(van(),)), found, iterations=1000)
    assert [(u.stop_id, u.reason) for u in plan.unassigned] == [("s2", "no_road")]
    assert sorted(plan.routes[0].stop_ids) == ["s1", "s3"]


WRONG: list[tuple[tuple[int, Any], str]] = [
    ((400, {"code": "TooBig", "message": "Too many", "error_code": 150, "error": "Too many"}), "says 400"),
    ((200, {"code": "NoTable", "sources_to_targets": None}), "NoTable|of shape"),
    ((500, b"<html>oops</html>"), "JSONDecodeError"),
    ((200, b"[]"), "says 200"),
    ((200, {"code": "Ok", "durations": [[0]], "distances": [[0]],
            "sources_to_targets": {"durations": [[0]], "distances": [[0]]}}), "of shape"),
    ((200, {"code": "Ok", "durations": [[0, -1], [1, 0]], "distances": [[0, 1], [1, 0]],
            "sources_to_targets": {"durations": [[0, -1], [1, 0]], "distances": [[0, 1], [1, 0]]}}), "negative"),
    ((200, {"code": "Ok", "durations": [[0, "x"], [1, 0]], "distances": [[0, 1], [1, 0]],
            "sources_to_targets": [[{"time": 0}]]}), "of shape"),
]  # fmt: skip


@BOTH
@pytest.mark.parametrize(("answer", "said"), WRONG, ids=[row[1] + str(n) for n, row in enumerate(WRONG)])
def test_a_server_that_says_something_else_fails_the_whole_matrix(
    make: Make, fake: Fake, tmp_path: Path, answer: tuple[int, Any], said: str
) -> None:
    fake.answer = answer
    with pytest.raises(Unavailable, match=said) as caught:
        roads.matrix(make(fake.url), places(2), KnownLegs(tmp_path))
    assert "DOORSTEP_TRAVEL_FALLBACK" in caught.value.fix
    assert list(tmp_path.iterdir()) == [], "nothing of it is kept"


@BOTH
def test_a_server_that_does_not_answer_in_time_or_at_all_is_unavailable(make: Make, fake: Fake) -> None:
    fake.slow_s = 1.0
    with pytest.raises(Unavailable, match="ReadTimeout"):
        roads.matrix(make(fake.url, timeout_s=0.1), places(2))
    with pytest.raises(Unavailable, match="ConnectError"):
        roads.matrix(make("http://127.0.0.1:9"), places(2))


def test_osrms_documented_answer_is_read(shared_data: Path) -> None:
    file = shared_data.parent / "contracts" / "osrm" / "http.md"
    if not file.is_file():
        pytest.skip(f"OSRM's documents are not here: no {file}")
    said = file.read_text().split("### Table service")[1].split("```json")[1].split("```")[0]
    answer = json.loads(said)

    assert table_of(answer["durations"], (3, 3), "OSRM", "durations")[0, 1] == 192.6
    assert table_of([[None, 5]], (1, 2), "OSRM", "durations")[0, 1] == 5
    assert np.isnan(table_of([[None, 5]], (1, 2), "OSRM", "durations")[0, 0])
