"""VROOM's input: what is read, and what is refused by the name under which its writer finds it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.vroom import optimize
from api.vroom.given import LATER, read
from core.errors import BadFile, BadInput

HOME = [2.35, 48.71]
VEHICLE: dict[str, Any] = {"id": 1, "start": HOME, "end": HOME}
JOB: dict[str, Any] = {"id": 7, "location": [2.4, 48.8]}


def text(vehicle: dict[str, Any] | None = None, job: dict[str, Any] | None = None, **more: Any) -> bytes:
    data = {"vehicles": [{**VEHICLE, **(vehicle or {})}], "jobs": [{**JOB, **(job or {})}], **more}
    return json.dumps(data).encode()


def test_the_defaults_are_vrooms() -> None:
    given = read(text())

    assert (given.vehicles[0].profile, given.vehicles[0].costs.fixed, given.vehicles[0].costs.per_hour) == (
        "car",
        0,
        3600,
    )
    assert (given.jobs[0].service, given.jobs[0].priority, given.jobs[0].time_windows) == (0, 0, ())


def test_a_byte_order_mark_is_no_part_of_the_problem() -> None:
    assert read(b"\xef\xbb\xbf" + text()) == read(text())


NOTHING: list[tuple[dict[str, Any], str]] = [
    ({"vehicle": {"breaks": [], "speed_factor": 1.0, "steps": []}}, "empty lists and factor 1"),
    ({"vehicle": {"costs": {"per_km": 0, "per_task_hour": 0}}}, "prices of 0"),
    ({"job": {"setup": 0, "service_per_type": {}}}, "set-up of 0"),
    ({"shipments": []}, "no shipments"),
]


@pytest.mark.parametrize(("given", "reason"), NOTHING, ids=[row[1] for row in NOTHING])
def test_a_key_that_is_not_served_may_stand_there_and_say_nothing(given: dict[str, Any], reason: str) -> None:
    assert read(text(**given)) == read(text()), reason


UNSERVED: list[tuple[dict[str, Any], str, str]] = [
    ({"shipments": [{"pickup": {"id": 1, "setup": 5}}]}, "shipments[0].pickup.setup", "later"),
    ({"matrix": [[0]]}, "matrix", "matrices.car.durations"),
    ({"vehicle": {"breaks": [{"id": 1, "max_load": [1]}]}}, "vehicles[0].breaks[0].max_load", "later"),
    ({"vehicle": {"steps": [{"type": "start"}]}}, "vehicles[0].steps", "later"),
    ({"vehicle": {"max_travel_time": 60}}, "vehicles[0].max_travel_time", "later"),
    ({"vehicle": {"max_distance": 60}}, "vehicles[0].max_distance", "later"),
    ({"vehicle": {"costs": {"per_km": 1}}}, "vehicles[0].costs.per_km", "later"),
    ({"vehicle": {"costs": {"per_task_hour": 1}}}, "vehicles[0].costs.per_task_hour", "later"),
    ({"job": {"setup": 60}}, "jobs[0].setup", "later"),
    ({"job": {"setup_per_type": {"big": 1}}}, "jobs[0].setup_per_type", "later"),
    ({"job": {"service_per_type": {"big": 1}}}, "jobs[0].service_per_type", "later"),
    ({"job": {"amount": [1]}}, "jobs[0].amount", "delivery"),
    ({"matrices": {"car": {"durations": [[0]], "costs": [[0]]}}}, "matrices.car.costs", "later"),
]


@pytest.mark.parametrize(("given", "field", "fix"), UNSERVED, ids=[row[1] for row in UNSERVED])
def test_what_is_not_served_is_refused_by_name(given: dict[str, Any], field: str, fix: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text(**given))

    assert caught.value.field == field
    assert fix in caught.value.fix


def test_every_key_that_is_not_served_is_tried_above() -> None:
    tried = {row[1].split(".")[-1] for row in UNSERVED}

    assert {key for keys in LATER.values() for key in keys} == tried


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
    (text(vehicles=[VEHICLE, {**VEHICLE, "id": 2, "profile": "b"}]), "vehicles.profile", "two profiles"),
    (text(matrices={"car": {"durations": [[0]]}}), "jobs[0].location_index", "places where rows are asked for"),
    (
        text(job={"location_index": 1}, matrices={"car": {"durations": [[0]]}}),
        "jobs[0].location_index", "a row that the matrix lacks",
    ),
    (
        text({"start_index": 0}, {"location_index": 1}, matrices={"car": {"durations": [[0, 1], [1]]}}),
        "matrices.car.durations", "rows of different length",
    ),
    (
        text({"start_index": 0}, {"location_index": 1}, matrices={"car": {"durations": [[0, 1], [1, 1]]}}),
        "matrices.car.durations", "a place that is not at itself",
    ),
    (
        text(
            {"start_index": 0}, {"location_index": 1},
            matrices={"car": {"durations": [[0, 1], [1, 0]], "distances": [[0]]}},
        ),
        "matrices.car.distances", "distances of other size",
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
