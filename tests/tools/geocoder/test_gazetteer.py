"""The gazetteer: from the surest place to the vaguest, each said as what it is; never a guess."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from core import geo
from core.errors import Misconfigured
from core.orders import Address
from tools.geocoder.gazetteer import Gazetteer, load
from tools.geocoder.port import Found, Missed

ELM = "Elm Street"
KNOWN: list[tuple[str, str, str, str, float, float]] = [
    (f"100 {ELM}", "Reno", "NV", "89501", 39.5000, -119.8000),
    (f"110 {ELM}", "Reno", "NV", "89501", 39.5010, -119.8000),
    (f"111 {ELM}", "Reno", "NV", "89501", 39.5010, -119.8005),
    (f"900 {ELM}", "Reno", "NV", "89501", 39.6000, -119.8000),
    (f"100 {ELM}", "Sparks", "NV", "89431", 39.6000, -119.7000),
    ("5 Oak Ave", "Sparks", "NV", "89431", 39.6010, -119.7000),
    ("7 Far Rd", "Nowhere", "NV", "89999", 39.0, -118.0),
    ("9 Far Rd", "Nowhere", "NV", "89999", 39.5, -118.0),
]


@pytest.fixture
def known() -> Gazetteer:
    return Gazetteer((Address(line1=a, city=b, state=c, postal_code=d), lat, lon) for a, b, c, d, lat, lon in KNOWN)


FOUND: list[tuple[Address, str, tuple[float, float], str]] = [
    (Address(line1="100 ELM ST Apt 3", city="Reno", state="Nevada"), "exact", (39.5, -119.8), "the same door"),
    (Address(line1="100 Elm St, Reno, NV 89501"), "exact", (39.5, -119.8), "in one line"),
    (Address(line1="100 Elm St", postal_code="89431"), "exact", (39.6, -119.7), "in the other town"),
    (Address(line1="104 Elm St", city="Reno"), "interpolated", (39.5004, -119.8), "between two on its side"),
    (Address(line1="500 Elm St", postal_code="89431"), "postal_code", (39.6005, -119.7), "beyond the known numbers"),
    (Address(line1="1 New St", postal_code="89431-2210"), "postal_code", (39.6005, -119.7), "an unknown street"),
]


@pytest.mark.parametrize(("asked", "precision", "place", "why"), FOUND, ids=[row[3] for row in FOUND])
def test_an_address_is_found_as_surely_as_it_is_known(
    known: Gazetteer, asked: Address, precision: str, place: tuple[float, float], why: str
) -> None:
    found = known.find(asked)
    assert isinstance(found, Found), why
    assert (found.precision, found.source) == (precision, "gazetteer")
    assert (found.lat, found.lon) == pytest.approx(place, abs=1e-6)
    assert found.within_m > 0


MISSED: list[tuple[Address, str, str]] = [
    (Address(line1="100 Elm St"), "ambiguous", "two towns have that door"),
    (Address(line1="5 Elm St", city="Carson City"), "not_found", "a town that nobody knows"),
    (Address(line1="500 Elm St", city="Reno"), "not_found", "between two numbers too far apart"),
    (Address(line1="8 Far Rd", postal_code="89999"), "not_found", "a postal code as large as a county"),
    (Address(line1="Elm Street", city="Reno"), "not_found", "a street without a number"),
    (Address(), "not_found", "nothing"),
]


@pytest.mark.parametrize(("asked", "reason", "why"), MISSED, ids=[row[2] for row in MISSED])
def test_what_is_not_known_is_not_guessed(known: Gazetteer, asked: Address, reason: str, why: str) -> None:
    assert known.find(asked) == Missed.model_validate({"reason": reason}), why


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'address,lat,lon\n"5 Elm St, Reno, NV 89501",39.5,-119.8\n'),
        ("a.csv", "line1,city,state,postal_code,lat,lon\n5 Elm St,Reno,NV,89501,39.5,-119.8\n"),
        ("a.json", '[{"line1": "5 Elm St", "city": "Reno", "postal_code": 89501, "lat": 39.5, "lon": -119.8}]'),
    ],
    ids=["lines", "parts", "JSON"],
)
def test_a_file_of_known_addresses_is_read(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    found = load(tmp_path / name).find(Address(line1="5 Elm Street", postal_code="89501"))
    assert isinstance(found, Found)
    assert (found.lat, found.precision) == (39.5, "exact")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "address,lat,lon\n5 Elm,39.5,-119\n6 Elm,north,-119\n", "Row 2"),
        ("a.csv", "street,lat,lon\n5 Elm,39.5,-119\n", "Row 1"),
        ("a.json", '{"addresses": []}', "no list"),
        ("a.json", "[", "can't be read"),
        ("b.csv", "", "can't be read"),
    ],
    ids=["a word for a number", "no address", "an object", "no JSON", "no file"],
)
def test_a_file_that_can_not_be_read_stops_the_start_with_its_row(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    if name.startswith("a"):
        (tmp_path / name).write_text(content)
    with pytest.raises(Misconfigured, match=words) as caught:
        load(tmp_path / name)
    assert caught.value.field == "DOORSTEP_GAZETTEER"


def real(shared_data: Path) -> list[tuple[Address, float, float]]:
    rows: list[dict[str, Any]] = json.loads((shared_data / "addresses" / "rrad_us.json").read_text())["addresses"]
    return [
        (
            Address(line1=r["address1"], city=r.get("city", ""), state=r["state"], postal_code=r["postalCode"]),
            float(r["coordinates"]["lat"]),
            float(r["coordinates"]["lng"]),
        )
        for r in rows
    ]


def test_real_addresses_are_found_where_they_are_and_others_of_their_streets_near_there(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them with all of them known; then every third one with only the others known."""
    rows = real(shared_data)
    whole = Gazetteer(rows)
    exact = [whole.find(address) for address, _, _ in rows]
    held = [row for at, row in enumerate(rows) if at % 3 == 0]
    others = Gazetteer(row for at, row in enumerate(rows) if at % 3)
    off: dict[str, list[float]] = {}
    within = 0
    for address, lat, lon in held:
        found = others.find(address)
        metres = geo.metres(found.lat, found.lon, lat, lon) if isinstance(found, Found) else 0.0
        off.setdefault(found.precision if isinstance(found, Found) else found.reason, []).append(metres)
        within += isinstance(found, Found) and metres <= found.within_m
    placed = sum(len(each) for name, each in off.items() if name in ("exact", "interpolated", "postal_code"))
    with capsys.disabled():
        print(f"\n{len(rows)} real addresses: {sum(isinstance(f, Found) for f in exact)} found, all of them known.")
        print(
            f"  {len(held)} held out: "
            + ", ".join(f"{k} {len(v)} (median {median(v):.0f} m off)" for k, v in off.items())
        )
        print(f"  {within} of {placed} within what was said")
    surely = [f for f in exact if isinstance(f, Found) and f.precision == "exact"]
    assert len(surely) >= 0.99 * len(rows)
    assert within >= 0.8 * placed
    assert placed >= 0.7 * len(held)
