"""Whole imports: forty malformed rows beside good ones, duplicates shown, places found or asked for, real addresses."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core import fleet, orders
from core.store import db as store
from core.store.tables import case
from tests.api.imports.test_rows import MALFORMED
from tests.api.imports.test_xlsx import workbook
from tests.api.visitors import Visitors, refused
from tests.core.test_people import everything
from tests.living import DAY, DEPOT, environment
from tools.geocoder.chosen import geocoder


@pytest.fixture
def caller(visitors: Visitors) -> TestClient:
    return visitors.a("dispatcher")


def sent(caller: TestClient, content: str | bytes, kind: str = "csv", **params: str) -> dict[str, Any]:
    answer = caller.post(
        "/api/imports", content=content, params={"day": DAY.isoformat(), "depot": DEPOT, "format": kind, **params}
    )
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def test_of_many_malformed_rows_each_is_named_and_kept_and_all_good_rows_beside_them_load(caller: TestClient) -> None:
    bad = [(given, field, words) for given, field, words, _ in MALFORMED if "each other" not in words]
    assert len(bad) >= 40
    rows: list[dict[str, Any]] = []
    for at, (given, _, _) in enumerate(bad):
        rows.append({"ref": f"BAD-{at}", "name": "Ada", "lat": "30.2", "lon": "-97.7", **given})
        rows.append({"ref": f"GOOD-{at}", "name": f"Bo {at}", "lat": 30.2, "lon": -97.7})

    done = sent(caller, json.dumps(rows), "json")

    assert done["accepted"] == len(bad)
    assert [row["row"] for row in done["rejected"]] == list(range(1, 2 * len(bad), 2))
    for row, (given, field, words) in zip(done["rejected"], bad, strict=True):
        assert words in row["reason"], (given, row)
        assert row["field"] == field
        assert row["fix"]
    kept = caller.get(f"/api/imports/{done['id']}").json()["rejected"]
    assert len(kept) == len(bad)
    again = sent(caller, json.dumps(rows), "json")
    assert (again["accepted"], again["unchanged"], len(again["rejected"])) == (0, len(bad), len(bad))


HEAD = "Order #,Customer Name,Phone,Ship To Address 1,Zip,Lat,Lng,Qty\n"


def test_what_comes_twice_is_shown_with_what_it_repeats_and_not_taken(caller: TestClient) -> None:
    rows = (
        "DUP-1,Ana Gil,(512) 555-0101,5 Elm St,78701,30.21,-97.71,2\n"
        "DUP-1,Ana Gil,(512) 555-0101,5 Elm St,78701,30.21,-97.71,2\n"
        "DUP-1,Ana Gil,(512) 555-0101,5 Elm St,78701,30.21,-97.71,3\n"
        "DUP-2,A. Gil,+1 512 555 0101,5 Elm Street,78701,30.21,-97.71,2\n"
    )

    done = sent(caller, HEAD + rows)

    assert (done["accepted"], done["unchanged"], len(done["rejected"])) == (1, 1, 2)
    assert [(d["row"], d["ref"], d["same"], d["as_ref"], d["as_row"]) for d in done["duplicates"]] == [
        (3, "DUP-1", "reference", "DUP-1", 1),
        (4, "DUP-2", "contents", "DUP-1", 1),
    ]
    meant = sent(caller, HEAD.strip() + ",again\n" + rows.splitlines()[3] + ",yes\n")
    assert (meant["accepted"], meant["duplicates"]) == (1, [])


def test_a_workbook_is_taken_with_its_types(caller: TestClient) -> None:
    import datetime

    header = ["Order ID", "Customer", "Mobile", "Latitude", "Longitude", "Weight (lb)", "From", "To", "Sales rep"]
    row = ["XL-1", "Ana", 15125550102, 30.22, -97.72, 10, datetime.time(9), datetime.time(12), "Max"]

    done = sent(caller, workbook(("Notes", [["x"]]), ("Stops", [header, row])), "xlsx", mapping="sheet: Stops")

    assert (done["accepted"], done["rejected"], done["ignored"]) == (1, [], ["Sales rep"])
    [order] = [o for o in orders_now(caller) if o["ref"] == "XL-1"]
    assert (order["weight_g"], order["windows"]) == (4536, [["2026-06-02T14:00:00Z", "2026-06-02T17:00:00Z"]])


def orders_now(caller: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get("/api/orders", params={"depot": DEPOT, "day": DAY.isoformat()}).json()[
        "orders"
    ]
    return found


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Path]:
    """A gazetteer of one street."""
    file = tmp_path / "known.csv"
    file.write_text(
        "line1,city,state,postal_code,lat,lon\n"
        "100 Elm St,Austin,TX,78701,30.20,-97.70\n110 Elm St,Austin,TX,78701,30.21,-97.70\n"
    )
    yield from using(file)


def using(file: Path) -> Iterator[Path]:
    """The instance as it is, with this gazetteer."""
    import os

    here = {name: os.environ[name] for name in ("DATABASE_URL", "DOORSTEP_DATA")}
    geocoder.cache_clear()
    with environment(**here, DOORSTEP_GAZETTEER=str(file)):
        yield file
    geocoder.cache_clear()


PLACES = "ref,name,address,city,postal_code\n"


@pytest.mark.usefixtures("known")
def test_places_are_found_and_what_has_none_is_in_with_a_case_that_a_place_closes(caller: TestClient) -> None:
    rows = (
        "GEO-1,A,100 Elm Street,Austin,\nGEO-2,B,105 Elm St,Austin,\nGEO-3,C,7 Oak,,78701\nGEO-4,D,9 Secret Rd,Reno,\n"
    )

    done = sent(caller, PLACES + rows)

    assert (done["accepted"], done["rejected"]) == (4, [])
    assert done["places"] == {"exact": 1, "interpolated": 1, "postal_code": 1, "none": 1}
    assert [warning["row"] for warning in done["warnings"]] == [3], "a postal code is no door"
    [lost] = done["unplaced"]
    assert (lost["row"], lost["reason"]) == (4, "not_found")
    with store.snapshot() as db:
        row = db.execute(case.select().where(case.c.id == lost["case"])).one()
    assert (row.kind, row.subject, row.facts) == (
        "address_problem",
        lost["order"],
        {"order": lost["order"], "reason": "not_found"},
    )
    assert "Secret" not in json.dumps(row.facts)

    placed = caller.put(f"/api/orders/{lost['order']}/place", json={"lat": 30.3, "lon": -97.7}).json()

    assert placed["cases"] == [lost["case"]]
    with store.snapshot() as db:
        closed = db.execute(case.select().where(case.c.id == lost["case"])).one()
        order = orders.get(db, lost["order"])
    assert (closed.status, closed.reason_code) == ("closed", "placed")
    assert (order.lat, order.place, order.stop_id) == (30.3, "person", placed["stop"])
    assert sent(caller, PLACES + rows)["unchanged"] == 4, "an order that was placed since is the same order"
    with store.transaction() as db:
        orders.set_status(db, [lost["order"]], "planned")
    refused(caller.put(f"/api/orders/{lost['order']}/place", json={"lat": 30.4, "lon": -97.7}), 409)


def test_needs_that_no_van_meets_and_clients_without_an_agreement_are_warned_of(caller: TestClient) -> None:
    put = caller.put("/api/fleet", content="clients: [{id: acme, name: Acme, latest_min: 15}]")
    assert put.json()["clients"] == 1
    rows = "ref,client,name,lat,lon,skills,crew\nNEED-1,acme,A,30.2,-97.5,crane,2\nNEED-2,zeta,B,30.2,-97.5,,\n"

    done = sent(caller, rows)

    assert done["accepted"] == 2
    assert [(w["row"], w["field"]) for w in done["warnings"]] == [(1, "skills"), (2, "client")]
    assert "crane, crew" in done["warnings"][0]["reason"]


def test_an_erased_person_leaves_nothing_in_the_rows_that_were_rejected_under_anybodys_header(
    visitors: Visitors, caller: TestClient
) -> None:
    header = "Order #,Customer Name,Phone,Ship To Address 1,Lat,Lng\n"
    row = "ERA-1,Quentin Vanish,512-555-0177,77 Vanish Way,30.25,-97.75\n"
    sent(caller, header + row + row.replace("ERA-1", "ERA-2") + row.replace("77 V", "78 V"))
    with store.transaction() as db:
        found = orders.by_ref(db, "ERA-1")
        assert found is not None
        assert "Vanish" in everything(db)
        orders.set_status(db, [found.id], "cancelled")

    assert caller.post(f"/api/people/{found.person_id}/erase").status_code == 204

    with store.transaction() as db:
        assert "Vanish" not in everything(db)


RRAD = """
rows: addresses
columns: {lat: coordinates.lat, lon: coordinates.lng}
constants: {ref: "RRAD-{row}", name: "Resident {row}"}
"""


def real(shared_data: Path) -> bytes:
    return (shared_data / "addresses" / "rrad_us.json").read_bytes()


@pytest.mark.timeout(300)
def test_the_real_addresses_import_with_their_coordinates(caller: TestClient, shared_data: Path) -> None:
    content = real(shared_data)
    count = len(json.loads(content)["addresses"])

    first, again = sent(caller, content, "json", mapping=RRAD), sent(caller, content, "json", mapping=RRAD)

    assert (first["accepted"], first["rejected"], first["places"]) == (count, [], {"given": count})
    assert (again["accepted"], again["unchanged"]) == (0, count)


@pytest.mark.timeout(300)
def test_the_real_addresses_import_without_coordinates_through_a_gazetteer(
    visitors: Visitors, caller: TestClient, shared_data: Path, tmp_path: Path
) -> None:
    rows = json.loads(real(shared_data))["addresses"]
    file = tmp_path / "rrad.csv"
    known, asked = io.StringIO(), io.StringIO()
    gazetteer, table = csv.writer(known), csv.writer(asked)
    gazetteer.writerow(["line1", "city", "state", "postal_code", "lat", "lon"])
    table.writerow(["Order #", "Customer Name", "Ship To Address 1", "City", "State", "Zip"])
    for at, row in enumerate(rows):
        parts = [row["address1"], row.get("city", ""), row["state"], row["postalCode"]]
        gazetteer.writerow([*parts, row["coordinates"]["lat"], row["coordinates"]["lng"]])
        table.writerow([f"GAZ-{at}", f"Neighbour {at}", parts[0].upper(), *parts[1:]])
    file.write_text(known.getvalue())
    with store.transaction() as db:
        fleet.put_depot(db, fleet.Depot(id="far", name="far", lat=39, lon=-77, tz="America/New_York"))

    for _ in using(file):
        done = sent(caller, asked.getvalue(), depot="far")

    assert (done["accepted"], done["rejected"]) == (len(rows), [])
    assert done["places"].get("exact", 0) >= 0.99 * len(rows)
    assert done["places"].get("none", 0) == len(done["unplaced"])
