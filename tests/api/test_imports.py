"""Files of orders come in over HTTP: good rows load, bad ones are kept with their reason, nothing counts twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.imports import take
from tests.api.visitors import Visitors, refused
from tests.living import DAY, DEPOT

HEAD = "ref,name,lat,lon\n"


@pytest.fixture
def caller(visitors: Visitors) -> TestClient:
    return visitors.a("integrator")


def sent(caller: TestClient, content: str | bytes, kind: str = "csv", **params: str) -> dict[str, Any]:
    answer = caller.post(
        "/api/imports", content=content, params={"day": DAY.isoformat(), "depot": DEPOT, "format": kind, **params}
    )
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def taken(done: dict[str, Any]) -> tuple[int, int, int]:
    return done["accepted"], done["unchanged"], len(done["rejected"])


def orders_of(caller: TestClient, prefix: str) -> list[dict[str, Any]]:
    found = caller.get("/api/orders", params={"depot": DEPOT, "day": DAY.isoformat()}).json()["orders"]
    return [order for order in found if order["ref"].startswith(prefix)]


def test_good_rows_load_and_bad_ones_come_back_with_row_field_reason_and_fix(caller: TestClient) -> None:
    done = sent(
        caller, HEAD + "MIX-1,Ada,30.2,-97.72\nMIX-2,,30.2,-97.72\nMIX-3,Bob,91,-97.72\nMIX-4,Eve,30.3,-97.72\n"
    )

    assert taken(done) == (2, 0, 2)
    assert done["rejected"] == [
        {"row": 2, "field": "name", "reason": "This field is empty.", "fix": "Fill in name."},
        {"row": 3, "field": "lat", "reason": "91 is not between -90 and 90.", "fix": "Check the unit and the sign."},
    ]
    assert sorted(order["ref"] for order in orders_of(caller, "MIX")) == ["MIX-1", "MIX-4"]


def test_rejected_rows_are_kept_with_what_they_held(caller: TestClient) -> None:
    done = sent(caller, HEAD + "KEPT-1,Ada,north,-97.73\n")

    kept = caller.get(f"/api/imports/{done['id']}").json()

    assert kept["id"] == done["id"]
    [row] = kept["rejected"]
    assert row["raw"] == {"ref": "KEPT-1", "name": "Ada", "lat": "north", "lon": "-97.73"}
    assert {name: row[name] for name in ("row", "field", "reason", "fix")} == done["rejected"][0]


def test_rows_that_no_database_can_keep_are_rejected_and_kept_as_far_as_can_be(caller: TestClient) -> None:
    rows: list[dict[str, Any]] = [
        {"ref": "ODD-1", "name": "A\0da", "lat": 1, "lon": 1},
        {"ref": "ODD-2", "name": "A\ud800da", "lat": 1, "lon": 1},
        {"ref": "ODD-3", "na\0me\udfff": "Ada", "lat": 1, "lon": 1},
        {"ref": "ODD-4", "name": "Ada", "lat": 10**400, "lon": 1},
        {"ref": "ODD-5", "name": {"first": [True, None, "\\u0000"]}, "lat": 1, "lon": 1},
        {"ref": "ODD-6", "name": "Ada", "lat": 30.2, "lon": -97.74},
    ]
    done = sent(caller, json.dumps(rows).replace('"lat": 1,', '"lat": 1e999,', 1), "json")

    assert taken(done) == (1, 0, 5)
    kept = caller.get(f"/api/imports/{done['id']}").json()["rejected"]
    assert [row["raw"]["ref"] for row in kept] == ["ODD-1", "ODD-2", "ODD-3", "ODD-4", "ODD-5"]
    assert kept[0]["raw"] == {"ref": "ODD-1", "name": "A\N{REPLACEMENT CHARACTER}da", "lat": "inf", "lon": 1}
    assert kept[4]["raw"]["name"] == {"first": [True, None, "\\u0000"]}


def test_the_same_file_twice_changes_nothing(caller: TestClient) -> None:
    content = HEAD + "SAME-1,Ada,30.2,-97.75\nSAME-2,Bob,30.3,-97.75\n"
    first = sent(caller, content)
    before = orders_of(caller, "SAME")

    again = sent(caller, content)

    assert (taken(first), taken(again)) == ((2, 0, 0), (0, 2, 0))
    assert orders_of(caller, "SAME") == before


def test_the_same_file_with_bad_rows_twice_keeps_them_once_under_each_answer(caller: TestClient) -> None:
    content = HEAD + "SAMEBAD-1,,30.2,-97.76\n"

    ids = {sent(caller, content)["id"] for _ in range(2)}

    assert all(len(caller.get(f"/api/imports/{batch}").json()["rejected"]) == 1 for batch in ids)


@pytest.mark.parametrize(
    "changed",
    ["OTHER-{n},Eve,30.2,-97.77\n", "OTHER-{n},Ada,30.25,-97.77\n"],
    ids=["another person", "another place"],
)
def test_a_known_reference_with_other_contents_is_rejected_and_the_first_stands(
    caller: TestClient, changed: str
) -> None:
    number = len(orders_of(caller, "OTHER")) + 1
    sent(caller, HEAD + f"OTHER-{number},Ada {number},30.2,-97.77\n")
    before = orders_of(caller, f"OTHER-{number}")

    done = sent(caller, HEAD + changed.format(n=number))

    assert taken(done) == (0, 0, 1)
    assert done["rejected"][0]["field"] == "ref"
    assert "in already with other contents" in done["rejected"][0]["reason"]
    assert orders_of(caller, f"OTHER-{number}") == before


def test_one_reference_of_two_clients_is_two_orders(caller: TestClient) -> None:
    done = sent(caller, "ref,client,name,lat,lon\nTWIN,acme,Ada,30.2,-97.78\nTWIN,zeta,Ada,30.2,-97.78\n")

    assert taken(done) == (2, 0, 0)


def test_a_row_may_name_its_own_depot_and_an_unknown_one_is_rejected(caller: TestClient) -> None:
    done = sent(caller, f"ref,name,lat,lon,depot\nHOME-1,Ada,30.2,-97.79,{DEPOT}\nHOME-2,Ada,30.2,-97.79,nowhere\n")

    assert taken(done) == (1, 0, 1)
    assert (done["rejected"][0]["row"], done["rejected"][0]["field"]) == (2, "depot")


def test_a_real_file_of_loggis_imports_whole_and_a_second_time_changes_nothing(
    caller: TestClient, shared_data: Path
) -> None:
    content = (shared_data / "routes" / "loggibud" / "cvrp-0-rj-0.json").read_bytes()
    count = len(json.loads(content)["deliveries"])

    first, again = sent(caller, content, "loggi"), sent(caller, content, "loggi")

    assert (taken(first), taken(again)) == ((count, 0, 0), (0, count, 0))


WRONG_CALLS: list[tuple[dict[str, str], bytes, int, str, str]] = [
    ({"format": "pdf"}, b"x", 422, "format", "a format that nobody reads"),
    ({"format": "xlsx"}, b"x", 422, "file", "a workbook that is none"),
    ({"mapping": "columns: ["}, b"x", 422, "mapping", "a mapping that is no YAML"),
    ({}, b"name,lat,lon\nAda,1,1\n", 422, "ref", "a table without references"),
    ({"day": "2026-06-31"}, b"x", 422, "day", "a day that no month has"),
    ({"day": "0001-01-01"}, b"x", 422, "day", "a day that can't be counted back from"),
    ({"day": "9999-12-31"}, b"x", 422, "day", "a day that can't be counted on from"),
    ({"depot": ""}, b"x", 422, "depot", "no depot"),
    ({}, b"", 422, "file", "no file"),
    ({}, b"ref,name\n", 422, "file", "a header without rows"),
    ({"format": "json"}, b"[]", 422, "file", "a list of nothing"),
    ({}, b"x" * (take.MAX_BYTES + 1), 413, "file", "a file too large"),
]


@pytest.mark.parametrize(
    ("params", "content", "status", "field", "reason"), WRONG_CALLS, ids=[row[4] for row in WRONG_CALLS]
)
def test_a_call_that_cannot_be_right_is_refused_whole(
    caller: TestClient, params: dict[str, str], content: bytes, status: int, field: str, reason: str
) -> None:
    answer = caller.post("/api/imports", content=content, params={"day": DAY.isoformat(), "depot": DEPOT, **params})

    problem = refused(answer, status)
    assert problem["field"] == field, reason
    assert problem["fix"]


def test_every_row_of_a_file_for_an_unknown_depot_is_rejected(caller: TestClient) -> None:
    done = sent(caller, HEAD + "LOST-1,Ada,30.2,-97.82\n", depot="nowhere")

    assert taken(done) == (0, 0, 1)
    assert done["rejected"][0]["field"] == "depot"
