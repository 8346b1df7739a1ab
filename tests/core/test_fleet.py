"""The fleet: what a fleet file may say, and what is refused with the field that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection, func, select

from core import fleet
from core.errors import BadInput, NotFound
from core.store.tables import driver, person, principal
from tests.living import DEPOT, a_depot, a_van


def a_vehicle(**given: Any) -> fleet.Vehicle:
    return fleet.Vehicle.model_validate({"id": "van1", "depot": DEPOT, "driver": "dan", **given})


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    fleet.put_driver(record, fleet.Driver(id="dan", name="Dan Ruiz", phone="+15550100200"))
    return record


def test_a_vehicle_is_kept_in_seconds_grams_and_cents(db: Connection) -> None:
    fleet.put_vehicle(db, a_vehicle(shift_start="7:30", shift_end="16:00", weight_kg=800.5, cost_per_km=40))
    row = fleet.get_vehicle(db, "van1")
    assert (row.shift_start_s, row.shift_end_s) == (27_000, 57_600)
    assert (row.weight_g, row.cost_per_km, row.name) == (800_500, 40, "van1")


def test_a_vehicle_put_again_is_changed(db: Connection) -> None:
    fleet.put_vehicle(db, a_vehicle())
    fleet.put_vehicle(db, a_vehicle(pieces=5, name="Big van"))
    row = fleet.get_vehicle(db, "van1")
    assert (row.pieces, row.name) == (5, "Big van")
    assert len(fleet.of_depot(db, DEPOT)) == 1


def test_a_driver_may_sign_in(db: Connection) -> None:
    roles = db.execute(select(principal.c.role).where(principal.c.subject == "dan")).scalars().all()
    assert roles == ["driver"]


def test_a_driver_is_found_by_what_they_drive(db: Connection) -> None:
    fleet.put_vehicle(db, a_vehicle())
    assert fleet.of_driver(db, "dan").id == "van1"
    with pytest.raises(NotFound, match="has no vehicle"):
        fleet.of_driver(db, "eve")


def test_vehicles_are_listed_by_depot(db: Connection) -> None:
    a_depot(db, "dep2")
    a_van(db, "van2")
    a_van(db, "van1")
    a_van(db, "van3", "dep2")
    assert [row.id for row in fleet.of_depot(db, DEPOT)] == ["van1", "van2"]


@pytest.mark.parametrize(
    ("given", "field", "why"),
    [
        ({"depot": "nowhere"}, "depot", "no such depot"),
        ({"driver": "nobody"}, "driver", "no such driver"),
        ({"shift_start": "18:00", "shift_end": "08:00"}, "shift_end", "it ends before it starts"),
        ({"shift_start": "08:00", "shift_end": "08:00"}, "shift_end", "it has no length"),
    ],
)
def test_a_vehicle_that_does_not_fit_the_fleet_is_refused(
    db: Connection, given: dict[str, Any], field: str, why: str
) -> None:
    with pytest.raises(BadInput) as refused:
        fleet.put_vehicle(db, a_vehicle(**given))
    assert refused.value.field == field, why


def test_a_driver_drives_one_vehicle(db: Connection) -> None:
    fleet.put_vehicle(db, a_vehicle())
    with pytest.raises(BadInput, match="drives van1 already"):
        fleet.put_vehicle(db, a_vehicle(id="van2"))
    fleet.put_vehicle(db, a_vehicle(pieces=3))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"shift_start": 450}, "YAML reads a bare 7:30 as 450"),
        ({"shift_start": "7.30"}, "a dot"),
        ({"shift_start": "07:60"}, "no such minute"),
        ({"shift_end": "24:30"}, "past the day's end"),
        ({"shift_end": "25:00"}, "no such hour"),
        ({"shift_start": ""}, "nothing"),
        ({"pieces": 0}, "a van that carries nothing"),
        ({"weight_kg": 0}, "nor any weight"),
        ({"weight_kg": float("nan")}, "not a number"),
        ({"cost_per_hour": -1}, "earns by driving"),
        ({"max_stops": 0}, "stops nowhere"),
        ({"colour": "red"}, "a word that nothing reads is a spelling mistake"),
        ({"id": ""}, "no name"),
    ],
)
def test_a_vehicle_that_can_not_be_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError):
        a_vehicle(**given)


@pytest.mark.parametrize(("text", "seconds"), [("0:00", 0), ("07:30", 27_000), ("23:59", 86_340), ("24:00", 86_400)])
def test_a_shift_may_end_at_any_time_of_the_day(text: str, seconds: int) -> None:
    assert a_vehicle(shift_start="00:00", shift_end=text).shift_s == (0, seconds)


@pytest.mark.parametrize("tz", ["Mars/Olympus", "", "America", "../../etc/passwd", "/etc/passwd", "UTC+1"])
def test_a_time_zone_that_is_none_is_refused(tz: str) -> None:
    with pytest.raises(ValidationError, match="no time zone"):
        fleet.Depot(id="d", name="d", lat=0, lon=0, tz=tz)


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (-91, 0), (0, 181), (0, -181), (float("nan"), 0)])
def test_a_depot_is_on_earth(lat: float, lon: float) -> None:
    with pytest.raises(ValidationError):
        fleet.Depot(id="d", name="d", lat=lat, lon=lon)


def test_unknown_depots_and_vehicles_are_said_to_be_unknown(db: Connection) -> None:
    with pytest.raises(NotFound, match="no depot x"):
        fleet.get_depot(db, "x")
    with pytest.raises(NotFound, match="no vehicle x"):
        fleet.get_vehicle(db, "x")


def test_a_driver_without_a_number_stays_who_they_are_when_put_again(db: Connection) -> None:
    for _ in range(2):
        fleet.put_driver(db, fleet.Driver(id="eve", name="Eve Lund"))
    fleet.put_driver(db, fleet.Driver(id="other", name="Eve Lund"))
    found = db.execute(select(driver.c.id, driver.c.person_id).where(driver.c.id != "dan")).all()
    assert len(found) == 2
    assert len({row.person_id for row in found}) == 2, "two drivers of one name are two persons"
    assert db.execute(select(func.count()).where(person.c.name == "Eve Lund")).scalar_one() == 2


@pytest.mark.parametrize(
    ("given", "country"), [({"tz": "Europe/Madrid"}, "ES"), ({"country": "pt"}, "PT"), ({"tz": "UTC"}, "US")], ids=str
)
def test_a_depot_delivers_in_the_country_of_its_zone_or_the_one_it_names(
    db: Connection, given: dict[str, str], country: str
) -> None:
    fleet.put_depot(db, fleet.Depot.model_validate({"id": "d", "name": "d", "lat": 40, "lon": -3, **given}))
    assert fleet.region(fleet.get_depot(db, "d")) == country


def test_a_country_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="no country"):
        fleet.Depot(id="d", name="d", lat=0, lon=0, country="Spain")


@pytest.mark.parametrize(
    ("skills", "crew", "missing", "why"),
    [
        ((), 1, (), "nothing asked"),
        (("lift",), 1, (), "van1 has it"),
        (("cold", "lift"), 1, ("cold",), "no van has both; van1 lacks least"),
        (("lift",), 2, ("crew",), "van1 has the lift, but one person"),
        ((), 2, (), "van2 has two persons"),
        (("adr",), 1, ("adr",), "nobody has it"),
    ],
)
def test_an_orders_needs_meet_the_vehicles(
    db: Connection, skills: tuple[str, ...], crew: int, missing: tuple[str, ...], why: str
) -> None:
    a_van(db, "van1", skills=("lift", "tail"))
    a_van(db, "van2", crew=2, skills=("cold",))
    assert fleet.unmet(db, DEPOT, skills, crew) == missing, why


def test_a_depot_without_vehicles_lacks_nothing_yet(db: Connection) -> None:
    assert fleet.unmet(db, DEPOT, ("lift",), 2) == ()
