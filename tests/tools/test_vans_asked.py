"""A van is found by its id, its number or its driver's name, and several of a name are told apart."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from tests.living import a_depot, a_van, at
from tools import vans_asked

NOW: datetime = at("09:00")


def asked(db: Connection, about: str) -> dict[str, Any]:
    return {fact["name"]: fact["value"] for fact in vans_asked.look(db, {"about": about}, NOW)}


@pytest.fixture
def fleet(record: Connection) -> Connection:
    a_depot(record)
    a_van(record, "van1")
    a_van(record, "van12")
    return record


@pytest.mark.parametrize("said", ["van1", "Van 1", "truck 01", "V-1"])
def test_a_van_is_found_however_it_is_called(fleet: Connection, said: str) -> None:
    assert asked(fleet, said)["van"] == "van1"


@pytest.mark.parametrize("said", ["van 7", "", "nobody"])
def test_a_van_that_is_not_there_is_said_so(fleet: Connection, said: str) -> None:
    assert set(asked(fleet, said)) == {"no_van"}


def test_a_van_that_is_not_out_has_no_stops(fleet: Connection) -> None:
    assert asked(fleet, "van 12") == {"van": "van12", "van_state": "not out", "stops_left": 0, "late_stops": 0}
