"""VROOM's input: what is read, and what is refused by the name under which its writer finds it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from api.vroom import given, optimize
from api.vroom.given import read
from core.errors import BadFile, BadInput

HOME = [2.35, 48.71]
VEHICLE: dict[str, Any] = {"id": 1, "start": HOME, "end": HOME}
JOB: dict[str, Any] = {"id": 7, "location": [2.4, 48.8]}


def text(vehicle: dict[str, Any] | None = None, job: dict[str, Any] | None = None, **more: Any) -> bytes:
    data = {"vehicles": [{**VEHICLE, **(vehicle or {})}], "jobs": [{**JOB, **(job or {})}], **more}
    return json.dumps(data).encode()


def test_the_defaults_are_vrooms() -> None:
    found = read(text())
    vehicle, job = found.vehicles[0], found.jobs[0]

    assert (vehicle.profile, vehicle.speed_factor, vehicle.costs) == ("car", 1, given.Costs(fixed=0, per_hour=3600))
    assert (job.service, job.setup, job.priority, job.time_windows) == (0, 0, 0, ())


def test_a_byte_order_mark_is_no_part_of_the_problem() -> None:
    assert read(b"\xef\xbb\xbf" + text()) == read(text())


SAME: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"vehicle": {"breaks": [], "speed_factor": 1.0, "steps": []}}, {}, "empty lists and factor 1"),
    ({"vehicle": {"costs": {"per_km": 0, "per_task_hour": 0}}}, {}, "prices of 0"),
    ({"job": {"setup": 0, "service_per_type": {}}}, {}, "set-up of 0"),
    ({"shipments": []}, {}, "no shipments"),
]


@pytest.mark.parametrize(("one", "other", "reason"), SAME, ids=[row[2] for row in SAME])
def test_a_key_may_stand_there_and_say_nothing(one: dict[str, Any], other: dict[str, Any], reason: str) -> None:
    assert read(text(**one)) == read(text(**other)), reason


def test_vrooms_older_word_for_the_matrix_of_cars_is_understood() -> None:
    old, new = read(text(matrix=[[0, 7], [8, 0]])), read(text(matrices={"car": {"durations": [[0, 7], [8, 0]]}}))

    assert old.matrices["car"].durations.tolist() == new.matrices["car"].durations.tolist()
    assert new.matrices["car"].durations.tolist() == [[0, 7, 0], [8, 0, 0], [0, 0, 0]], "with nowhere"


def test_every_key_of_the_documents_tables_is_read(shared_data: Path) -> None:
    file = shared_data.parent / "contracts" / "vroom" / "API.md"
    if not file.is_file():
        pytest.skip(f"VROOM's documents are not here: no {file}")
    said = file.read_text().split("# Output")[0]
    keys = {name for row in re.findall(r"^\| (.+?) \|", said, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    models = (given.Input, given.Job, given.Shipment, given.Door, given.Vehicle, given.Break, given.Costs, given.Step)
    known = {name for model in models for name in model.model_fields}

    assert sorted(keys - known) == ["matrix"], "which is read as matrices.car.durations"
    assert known <= keys | {"costs"}, "and nothing that VROOM does not have"


WRONG: list[tuple[bytes, str, str]] = [
    (b"", "problem", "nothing"),
    (b"[]", "problem", "a list"),
    (b'{"vehicles": [{"id": NaN}]}', "problem", "what JSON has no word for"),
    (b"[" * 100_000, "problem", "nesting without end"),
    (b"{}", "vehicles", "no vehicles"),
    (b'{"vehicles": []}', "vehicles", "an empty fleet"),
    (text(vehicle={"id": -1}), "vehicles[0].id", "an id below 0"),
    (text(vehicle={"id": "1"}), "vehicles[0].id", "an id that is a text"),
    (text(vehicle={"start": [2.3]}), "vehicles[0].start[1]", "half a place"),
    (text(vehicle={"start": [2.3, 91]}), "vehicles[0].start[1]", "beyond the pole"),
    (text(job={"location": "Paris"}), "jobs[0].location", "a word for a place"),
    (text(job={"service": 1.5}), "jobs[0].service", "half a second"),
    (text(job={"service": 2**40}), "jobs[0].service", "a service of millennia"),
    (text(job={"priority": 101}), "jobs[0].priority", "a priority over 100"),
    (text(job={"time_windows": [[10, 5]]}), "jobs[0].time_windows[0]", "a window that ends before it starts"),
    (text(vehicle={"time_window": [10]}), "vehicles[0].time_window[1]", "half a window"),
    (text(job={"time_window": [[0, 10]]}), "jobs[0].time_window", "a key that VROOM does not have"),
    (text(job={"delivery": [1]}), "jobs[0].delivery", "an amount without a capacity"),
    (text(vehicle={"capacity": [4, 5]}, job={"pickup": [1]}), "jobs[0].pickup", "an amount of other length"),
    (text(vehicle={"costs": 5}), "vehicles[0].costs", "a number for costs"),
    (text(vehicles=[VEHICLE, VEHICLE]), "vehicles[1].id", "two vehicles of one id"),
    (text(jobs=[JOB, JOB]), "jobs[1].id", "two jobs of one id"),
    (text(jobs=7), "jobs", "a number of jobs"),
    (text(matrices={"car": {"durations": []}}), "matrices.car.durations", "a matrix of nothing"),
    (text(matrices={"car": {"durations": [[-1]]}}), "matrices.car.durations[0][0]", "a negative time"),
]


@pytest.mark.parametrize(("content", "field", "reason"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_input_names_its_field(content: bytes, field: str, reason: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(content)

    assert caught.value.field == field, reason
    assert caught.value.fix


def test_an_unreadable_input_is_a_bad_file() -> None:
    with pytest.raises(BadFile):
        read(b"\xff\xfe")


UNFIT: list[tuple[bytes, str, str]] = [
    (text(job={"location": None}), "jobs[0].location", "a job without a place"),
    (text(vehicle={"start": None, "end": None}), "vehicles[0].start", "a vehicle without a place"),
    (text(job={"time_windows": [[5, 9], [1, 3]]}), "jobs[0].time_windows", "windows in the wrong order"),
    (text(job={"time_windows": [[1, 5], [3, 9]]}), "jobs[0].time_windows", "windows that overlap"),
    (text(vehicle={"profile": "bike"}), "matrices.bike", "a profile without travel times"),
    (text(vehicles=[VEHICLE, {**VEHICLE, "id": 2, "profile": "b"}]), "matrices.b", "a second profile without times"),
    (text(matrices={"car": {"durations": [[0]]}}), "jobs[0].location_index", "places where rows are asked for"),
    (
        text(job={"location_index": 1}, matrices={"car": {"durations": [[0]]}}),
        "jobs[0].location_index", "a row that the matrix lacks",
    ),
    (
        text({"start_index": 0}, {"location_index": 1}, matrices={"car": {"durations": [[0, 1], [1]]}}),
        "matrices.car.durations[1]", "rows of different length",
    ),
    (
        text({"start_index": 0}, {"location_index": 1}, matrices={"car": {"durations": [[0, 1], [1, 1]]}}),
        "matrices.car.durations[1][1]", "a place that is not at itself",
    ),
    (
        text(
            {"start_index": 0}, {"location_index": 1},
            matrices={"car": {"durations": [[0, 1], [1, 0]], "distances": [[0]]}},
        ),
        "matrices.car.distances", "distances of other size",
    ),
    (text(matrices={"car": {"distances": [[0]]}}), "matrices.car.durations", "distances alone"),
    (text(matrices={"car": {"durations": [[0]], "tolls": [[0]]}}), "matrices.car.tolls", "no such table"),
    (
        text(matrices={"car": {"durations": [[0]]}, "bike": {"durations": [[0, 1], [1, 0]]}}), "matrices.bike",
        "profiles of different size",
    ),
    (text({"costs": {"per_km": 5}}, matrices={"car": {"durations": [[0]]}}), "matrices.car.distances", "km without"),
    (text({"max_distance": 0}, matrices={"car": {"durations": [[0]]}}), "matrices.car.distances", "a limit on them"),
    (
        text({"costs": {"per_hour": 5}}, matrices={"car": {"durations": [[0]], "costs": [[0]]}}), "vehicles[0].costs",
        "costs said twice",
    ),
    (text({"breaks": [{"id": 1}, {"id": 1}]}), "vehicles[0].breaks[1].id", "two breaks of one id"),
    (text({"breaks": [{"id": 1, "max_load": [1]}]}), "vehicles[0].breaks[0].max_load", "a load without a capacity"),
    (text({"steps": [{"type": "job", "id": 9}]}), "vehicles[0].steps[0].id", "a step to nowhere"),
    (text({"steps": [{"type": "job", "id": 7}] * 2}), "vehicles[0].steps[1].id", "a job on two places"),
    (text({"steps": [{"type": "drive"}]}), "vehicles[0].steps[0].type", "a step that VROOM does not have"),
    (
        text({"steps": [{"type": "job", "id": 7}], "time_window": [0, 1]}), "vehicles[0].steps",
        "a route to begin with that breaks a shift",
    ),
    (text({"speed_factor": 9}), "vehicles[0].speed_factor", "five times as fast at most"),
    (text(shipments=[{}]), "shipments[0].pickup", "a shipment without ends"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "field", "reason"), UNFIT, ids=[row[2] for row in UNFIT])
def test_what_does_not_fit_together_is_vrooms_input_error(content: bytes, field: str, reason: str) -> None:
    answer = optimize(content)

    assert answer.keys() == {"code", "error"}, reason
    assert answer["code"] == 2
    assert answer["error"].startswith(f"{field}: "), answer["error"]
