"""Fleet files and travel times over HTTP: good entries are taken, bad ones come back with field, reason and fix."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.visitors import Visitors, post, refused
from tests.living import DEPOT, HOME

FAR_DAYS = ["0001-01-01", "1999-12-31", "2100-01-01", "9999-12-31", "2026-02-30", "today", "1e9"]


@pytest.fixture
def caller(visitors: Visitors) -> TestClient:
    return visitors.a("admin")


def put(caller: TestClient, text: str) -> dict[str, Any]:
    answer = caller.put("/api/fleet", content=text.encode())
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def test_a_fleet_in_yaml_is_taken_and_given_back(caller: TestClient) -> None:
    done = put(
        caller,
        """
        depots: [{id: north, name: North, lat: 30.1, lon: -97.5, tz: America/Chicago}]
        drivers: [{id: nora, name: Nora}]
        vehicles: [{id: n1, depot: north, driver: nora, shift_start: "07:30", weight_kg: 0.5, max_stops: 40}]
        """,
    )

    assert done == {"clients": 0, "depots": 1, "areas": 0, "drivers": 1, "vehicles": 1, "rejected": []}
    vehicles = {van["id"]: van for van in caller.get("/api/fleet").json()["vehicles"]}
    assert (vehicles["n1"]["shift_start_s"], vehicles["n1"]["weight_g"], vehicles["n1"]["max_stops"]) == (
        27_000,
        500,
        40,
    )


def test_the_same_fleet_twice_changes_nothing_and_json_is_yaml_too(caller: TestClient) -> None:
    text = json.dumps({"depots": [{"id": "south", "name": "South", "lat": 30, "lon": -97}]})
    put(caller, text)
    before = caller.get("/api/fleet").json()

    assert put(caller, text)["depots"] == 1
    assert caller.get("/api/fleet").json() == before


VAN = f"id: x, depot: {DEPOT}, driver: van1-driver"
ENTRIES: list[tuple[str, str, str]] = [
    ("depots: [{id: d, name: D, lat: 91, lon: 0}]", "lat", "beyond the pole"),
    ("depots: [{id: d, name: D, lat: .inf, lon: 0}]", "lat", "nowhere"),
    ("depots: [{id: d, name: D, lat: .nan, lon: 0}]", "lat", "not a number"),
    ("depots: [{id: d, name: D, lat: 1, lon: 0, tz: Mars/Olympus}]", "tz", "a zone of another planet"),
    ('depots: [{id: d, name: D, lat: 1, lon: 0, tz: "../../etc/passwd"}]', "tz", "a zone that is a path"),
    ("depots: [{id: d, lat: 1, lon: 0}]", "name", "no name"),
    ('depots: [{id: "", name: D, lat: 1, lon: 0}]', "id", "no id"),
    ('depots: [{id: "a\\0b", name: D, lat: 1, lon: 0}]', "entry", "NUL"),
    ('depots: [{id: d, name: D, lat: 1, lon: 0, "\\ud800": 1}]', "entry", "half a character for a field"),
    ("depots: [{id: 7, name: D, lat: 1, lon: 0}]", "id", "a number for an id"),
    ("depots: [{1: 2}]", "id", "a number for a field"),
    ("depots: [north]", "entry", "a word for an entry"),
    ("depots: [null]", "entry", "nothing for an entry"),
    ("drivers: [{id: d, name: D, phone: [1]}]", "phone", "a list for a phone number"),
    (f"vehicles: [{{{VAN}, pieces: {10**30}}}]", "pieces", "more than a number can be"),
    (f"vehicles: [{{{VAN}, cost_per_km: {2**40}}}]", "cost_per_km", "a price that no column holds"),
    (f"vehicles: [{{{VAN}, max_stops: {2**40}}}]", "max_stops", "stops that no column holds"),
    (f"vehicles: [{{{VAN}, weight_kg: 1.0e+300}}]", "weight_kg", "heavier than the earth"),
    (f"vehicles: [{{{VAN}, weight_kg: 0}}]", "weight_kg", "no weight"),
    (f"vehicles: [{{{VAN}, shift_start: 7:30}}]", "shift_start", "a time without quotes, which YAML reads as 450"),
    (f'vehicles: [{{{VAN}, shift_start: "18:00", shift_end: "08:00"}}]', "shift_end", "a shift that ends first"),
    ("vehicles: [{id: x, depot: nowhere, driver: van1-driver}]", "depot", "an unknown depot"),
    (f"vehicles: [{{id: x, depot: {DEPOT}, driver: nobody}}]", "driver", "an unknown driver"),
    (f"vehicles: [{{{VAN}}}]", "driver", "a driver of two vehicles"),
]


@pytest.mark.parametrize(("text", "field", "reason"), ENTRIES, ids=[row[2] for row in ENTRIES])
def test_a_bad_entry_is_rejected_by_its_place_and_the_good_ones_are_taken(
    caller: TestClient, text: str, field: str, reason: str
) -> None:
    good = "drivers: [{id: dora, name: Dora}]" if "drivers" not in text else "depots: []"

    done = put(caller, f"{text}\n{good}")

    [row] = done["rejected"]
    assert (row["row"], row["field"]) == (f"{text.split(':')[0]}[1]", field), reason
    assert row["reason"]
    assert row["fix"]
    assert done["drivers"] == ("drivers" not in text)


FILES: list[tuple[bytes, str, str]] = [
    (b"depots: [", "file", "a list that never ends"),
    (b"\xff\xfe\x00", "file", "bytes that are no text"),
    (b"", "file", "nothing"),
    (b"- a\n- b", "file", "a list"),
    (b"depots: {a: 1}", "depots", "a mapping for a list"),
    (b"a: !!python/object/apply:os.system [ls]", "file", "a command"),
    (b"a: 2001-99-99", "file", "a date that there is not"),
    (b"[" * 5000, "file", "nesting without end"),
]


@pytest.mark.parametrize(("content", "field", "reason"), FILES, ids=[row[2] for row in FILES])
def test_a_fleet_file_that_cannot_be_read_is_refused(
    caller: TestClient, content: bytes, field: str, reason: str
) -> None:
    problem = refused(caller.put("/api/fleet", content=content), 422)

    assert problem["field"] == field, reason
    assert problem["fix"]


PLACES = [{"lat": HOME[0], "lon": HOME[1]}, {"lat": 30.3, "lon": -97.7}]
MATRICES: list[tuple[dict[str, Any], str, str]] = [
    ({"locations": PLACES[::-1], "durations_s": [[0, 1], [1, 0]]}, "locations", "the depot is not first"),
    ({"locations": [], "durations_s": []}, "locations", "no places"),
    ({"locations": PLACES, "durations_s": [[0, 1]]}, "durations_s", "a row too few"),
    ({"locations": PLACES, "durations_s": [[0, 1], [1]]}, "durations_s", "a cell too few"),
    ({"locations": PLACES, "durations_s": [[0, -1], [1, 0]]}, "durations_s", "a time before it starts"),
    ({"locations": PLACES, "durations_s": [[0, 10**400], [1, 0]]}, "durations_s", "longer than any float"),
    ({"locations": PLACES, "durations_s": [[0, 2**40], [1, 0]]}, "durations_s", "longer than a life"),
    ({"locations": PLACES, "durations_s": [[5, 1], [1, 0]]}, "durations_s", "a place that is not at itself"),
    ({"locations": PLACES, "durations_s": [[0, "x"], [1, 0]]}, "durations_s.0.1", "a word for a time"),
    ({"locations": PLACES, "durations_s": [[0, 1], [1, 0]], "distances_m": [[0]]}, "distances_m", "other distances"),
]


@pytest.mark.parametrize(("body", "field", "reason"), MATRICES, ids=[row[2] for row in MATRICES])
def test_travel_times_that_cannot_be_right_are_refused(
    caller: TestClient, body: dict[str, Any], field: str, reason: str
) -> None:
    answer = caller.put(f"/api/depots/{DEPOT}/matrix", json=body)

    assert refused(answer, 422)["field"] == field, reason


def test_travel_times_of_ones_own_are_kept_by_their_hash(caller: TestClient) -> None:
    own = {"locations": PLACES, "durations_s": [[0, 60], [90, 0]]}
    path = f"/api/depots/{DEPOT}/matrix"

    assert caller.put(path, json=own).json() == caller.put(path, json=own).json()
    refused(caller.put("/api/depots/nowhere/matrix", json=own), 404, field="depot")


@pytest.mark.parametrize("day", FAR_DAYS)
def test_a_day_that_nobody_can_mean_is_refused_by_every_route_that_takes_one(caller: TestClient, day: str) -> None:
    asked = {"depot": DEPOT, "day": day}
    answers = [
        caller.get(f"/api/report/{day}"),
        caller.get("/api/orders", params=asked),
        caller.get("/api/cases", params={"day": day}),
        caller.get(f"/api/plans/{DEPOT}/{day}"),
        caller.post(f"/api/plans/{DEPOT}/{day}/1/publish"),
        caller.post("/api/imports", params=asked, content="ref,name\n"),
        post(caller, "/api/plans", asked),
    ]

    assert [refused(answer, 422)["field"] for answer in answers] == ["day"] * len(answers)


@pytest.mark.parametrize("to", ["9999-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "2026-06-02T12:00:00", "soon"])
def test_the_clock_is_not_set_to_where_it_could_not_go_on(caller: TestClient, to: str) -> None:
    assert refused(post(caller, "/api/admin/clock", {"to": to}), 422)["field"] == "to"
