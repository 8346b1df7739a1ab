"""One row -> one order, or which field is wrong, why, and how to mend it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from api.imports.mapping import ColumnMap
from api.imports.rows import Home, read
from core.errors import BadInput

DAY = date(2026, 6, 2)
TZ = "America/Chicago"
GOOD = {"ref": "A-1", "name": "Ada", "lat": "30.2", "lon": "-97.7"}


HOME = Home("dep", TZ, "US", 30.2, -97.7)


def order(**given: Any) -> Any:
    return read(1, {**GOOD, **given}, HOME, DAY).order


def test_the_least_that_an_order_needs_is_a_reference_a_name_and_a_place() -> None:
    made = read(7, GOOD, HOME, DAY)

    assert (made.row, made.depot, made.day, made.again) == (7, "dep", DAY, False)
    assert (made.order.ref, made.order.name, made.order.lat, made.order.lon) == ("A-1", "Ada", 30.2, -97.7)
    assert (made.order.client, made.order.pieces, made.order.service_s, made.order.windows) == ("default", 1, 180, ())


GIVEN: list[tuple[dict[str, Any], str, Any, str]] = [
    ({"name": "  Ada  "}, "name", "Ada", "cells are padded"),
    ({"client": ""}, "client", "default", "an empty cell says nothing"),
    ({"client": None}, "client", "default", "JSON spells an empty cell null"),
    ({"lat": 30.25}, "lat", 30.25, "JSON has numbers"),
    ({"lat": 30}, "lat", 30.0, "a whole degree is one, too"),
    ({"lat": "3.02e1"}, "lat", 30.2, "a spreadsheet writes small numbers so"),
    ({"service_min": "2.5"}, "service_s", 150, "minutes become seconds"),
    ({"weight_kg": "0.25"}, "weight_g", 250, "kilograms become grams"),
    ({"pieces": "2.0"}, "pieces", 2, "a spreadsheet writes whole numbers so"),
    ({"phone": "(512) 555-0100"}, "phone", "+15125550100", "phone numbers become E.164"),
    ({"parcels": ["box-1", "box-2"]}, "parcels", ("box-1", "box-2"), "JSON has lists"),
    ({"name": "Zoë 😀"}, "name", "Zoë 😀", "a name is any text"),
    ({"phone": "512 555 0100 x3"}, "notes", "Phone extension 3.", "an extension is kept for the driver"),
    ({"phone": 15125550100}, "phone", "+15125550100", "a spreadsheet takes a phone number for one"),
    ({"phone": "600 000 000", "country": "es"}, "phone", "+34600000000", "the row's country reads its number"),
    ({"email": "Ana@Example.ORG"}, "email", "Ana@example.org", "domains have no case"),
    ({"service_s": "90"}, "service_s", 90, "seconds"),
    ({"service_h": 0.5}, "service_s", 1800, "hours"),
    ({"weight_lb": "10"}, "weight_g", 4536, "pounds"),
    ({"weight_oz": 8}, "weight_g", 227, "ounces"),
    ({"weight_g": 750}, "weight_g", 750, "grams"),
    ({"volume_l": 2.5}, "volume_ml", 2500, "litres"),
    ({"volume_m3": "0.1"}, "volume_ml", 100_000, "cubic metres"),
    ({"volume_ft3": 1}, "volume_ml", 28_317, "cubic feet"),
    ({"kind": "Pick-Up"}, "kind", "pickup", "a word for it"),
    ({"kind": "Abholung"}, "kind", "pickup", "a German one"),
    ({"kind": "devolución"}, "kind", "return", "a Spanish one"),
    ({"priority": "urgent"}, "priority", 3, "a word for it"),
    ({"priority": 2}, "priority", 2, "a number"),
    ({"skills": "Tail lift; cold"}, "skills", ("tail-lift", "cold"), "words in a cell"),
    ({"skills": ["lift", "lift"]}, "skills", ("lift",), "a list"),
    ({"crew": "yes"}, "crew", 2, "yes in a column of two-person jobs"),
    ({"crew": "no"}, "crew", 1, "no in it"),
    ({"crew": 3}, "crew", 3, "a number of people"),
    ({"parcels": "box-1; box-2"}, "parcels", ("box-1", "box-2"), "packages in a cell"),
    ({"lat": "", "lon": "", "address": " 5 Elm St "}, "address", "5 Elm St", "an address for a place"),
    (
        {"address1": "5 Elm St", "address2": "Apt 2", "city": "Austin", "state": "TX", "postal_code": "78701"},
        "address", "5 Elm St, Apt 2, Austin, TX 78701", "an address in parts, as a label says it",
    ),
    ({"address1": "5 Elm St", "postal_code": 501}, "address", "5 Elm St, 00501", "zeros that a spreadsheet took"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "field", "value", "reason"), GIVEN, ids=[row[3] for row in GIVEN])
def test_a_field_is_read(given: dict[str, Any], field: str, value: object, reason: str) -> None:
    assert getattr(order(**given), field) == value, reason


MALFORMED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"ref": ""}, "ref", "empty", "no reference"),
    ({"ref": "   "}, "ref", "empty", "a reference of blanks"),
    ({"name": None}, "name", "empty", "no name"),
    ({"lat": "", "address": "5 Elm"}, "lat", "empty", "half of a place"),
    ({"lon": ""}, "lon", "empty", "no longitude"),
    ({"colour": "red"}, "colour", "no such field", "a field that there is not"),
    ({"(cells without a column)": ["x"]}, "(cells without a column)", "no such field", "more cells than columns"),
    ({"lat": "north"}, "lat", "no number", "words for a number"),
    ({"lat": "30,2"}, "lat", "decimal comma", "a comma for a point"),
    ({"lat": "3_0.2"}, "lat", "no number", "what only Python calls a number"),
    ({"lat": True}, "lat", "no number", "true is not 1 degree"),
    ({"lat": "91"}, "lat", "not between", "beyond the pole"),
    ({"lon": "-180.5"}, "lon", "not between", "beyond the date line"),
    ({"lat": "nan"}, "lat", "not between", "not a number"),
    ({"lat": "1e999"}, "lat", "not between", "infinite"),
    ({"lat": 10**400}, "lat", "not between", "larger than any float"),
    ({"lat": [30.2]}, "lat", "no plain value", "a list for a number"),
    ({"name": {"first": "Ada"}}, "name", "no plain value", "an object for a text"),
    ({"name": "A\0da"}, "name", "can't be stored", "NUL"),
    ({"name": "A\ud800da"}, "name", "can't be stored", "half of a surrogate pair"),
    ({"depot": "de\0p"}, "depot", "can't be stored", "NUL in a name that is looked up"),
    ({"ref": "A" * 81}, "ref", "at most 80", "a reference too long"),
    ({"name": "A" * 201}, "name", "at most 200", "a name too long"),
    ({"address": "A" * 501}, "address", "at most 500", "an address too long"),
    ({"notes": "A" * 2001}, "notes", "at most 2000", "notes too long"),
    ({"email": "A" * 201}, "email", "no address of mail", "an address of mail without a place"),
    ({"phone": "ask Bob"}, "phone", "no phone number", "words for a phone number"),
    ({"phone": "12345"}, "phone", "too few digits", "too few digits"),
    ({"phone": "+1234567890123456"}, "phone", "too many digits", "too many digits"),
    ({"pieces": "0"}, "pieces", "not between", "nothing to bring"),
    ({"pieces": "1.5"}, "pieces", "not whole", "half a parcel"),
    ({"pieces": "1000000000000"}, "pieces", "not between", "more than any van"),
    ({"weight_kg": "-1"}, "weight_kg", "not between", "less than nothing"),
    ({"weight_kg": "5 kg"}, "weight_kg", "has a unit", "a number with its unit"),
    ({"service_min": "481"}, "service_min", "not between", "a stop of more than a day's work"),
    ({"window_start": "09:00"}, "window_end", "both ends", "a window without an end"),
    ({"window_end": "09:00"}, "window_start", "both ends", "a window without a start"),
    ({"window_start": "12:00", "window_end": "09:00"}, "window_end", "not after", "a window that ends first"),
    ({"window_start": "12:00", "window_end": "12:00"}, "window_end", "not after", "a window of no length"),
    ({"window_start": "9.30", "window_end": "12:00"}, "window_start", "no time", "a point for a colon"),
    ({"window_start": "25:00", "window_end": "26:00"}, "window_start", "no time", "hours that no day has"),
    ({"window_start": "09:60", "window_end": "12:00"}, "window_start", "no time", "minutes that no hour has"),
    ({"window_start": "13pm", "window_end": "14:00"}, "window_start", "no time", "an hour that no half day has"),
    ({"window_start_2": "15:00"}, "window_end_2", "both ends", "a second window without an end"),
    ({"windows": "mornings"}, "windows", "no window", "a word for a window"),
    ({"windows": "09:00-12:00-15:00"}, "windows", "no window", "three ends"),
    ({"windows": "09:00-12:00; 16:00-15:00"}, "windows", "not after", "one of two ends first"),
    ({"windows": ["09:00"]}, "windows", "no window", "a list of times"),
    ({"day": "10.03.2026"}, "day", "no date", "a date as people write it"),
    ({"day": "2026-02-30"}, "day", "no date", "a date that no month has"),
    ({"weight_kg": "5", "weight_lb": "11"}, "weight_lb", "twice", "two weights"),
    ({"weight_kg": "abc"}, "weight_kg", "no number", "words for a weight"),
    ({"volume_m3": "5000"}, "volume_m3", "not between", "a house"),
    ({"volume_l": "-1"}, "volume_l", "not between", "less than no room"),
    ({"kind": "teleport"}, "kind", "no kind", "a kind that there is not"),
    ({"priority": "9"}, "priority", "no priority", "beyond urgent"),
    ({"skills": "lift!"}, "skills", "no skill", "a mark in a word"),
    ({"crew": "10"}, "crew", "not between", "more than any van seats"),
    ({"crew": "two"}, "crew", "no number", "a number in words"),
    ({"again": "perhaps"}, "again", "neither yes nor no", "an answer that is none"),
    ({"email": "ana@"}, "email", "no address of mail", "no domain"),
    ({"email": "ana at example.org"}, "email", "no address of mail", "written for people"),
    ({"email": "a@b.org, c@d.org"}, "email", "no address of mail", "two in one cell"),
    ({"phone": "5.12555E+09"}, "phone", "cut", "what a spreadsheet makes of it"),
    ({"phone": "000-000-0000"}, "phone", "no range", "zeros to please a form"),
    ({"phone": "+999 123 456"}, "phone", "country code", "no such country"),
    ({"phone": "555-0100"}, "phone", "area code", "no area code"),
    ({"name": "#N/A"}, "name", "formula failed", "a lookup that found nothing"),
    ({"lat": "0", "lon": "0"}, "lat", "in the sea", "no place at all"),
    ({"lat": "-43.1", "lon": "-22.9"}, "lat", "each other's place", "a place beside another one"),
    ({"lat": "", "lon": "", "address": ""}, "address", "empty", "neither address nor coordinates"),
    ({"lat": "", "lon": "", "city": "Austin"}, "address1", "empty", "a town for an address"),
    ({"city": "A" * 101, "address1": "5 Elm"}, "city", "at most 100", "a town too long"),
    (
        {"window_start": "2026-02-30T09:00", "window_end": "2026-03-01T09:00"},
        "window_start", "no time", "a day that no month has",
    ),
    (
        {"window_start": "2025-06-02T09:00", "window_end": "2025-06-02T12:00"},
        "window_start", "not on 2026-06-02", "last year's date",
    ),
    (
        {"window_start": "0001-01-01T00:00Z", "window_end": "12:00"},
        "window_start", "not on 2026-06-02", "the first day there is",
    ),
    ({"parcels": 5}, "parcels", "a list", "a number for a list"),
    ({"parcels": ["box-1", "box-1"]}, "parcels", "one id", "two parcels of one id"),
    ({"parcels": ["box-1", ""]}, "parcels", "a list of ids", "a parcel without an id"),
    ({"parcels": ["box-1", 2]}, "parcels", "a list of ids", "a parcel whose id is a number"),
    ({"parcels": ["a\0b"]}, "parcels", "can't be stored", "NUL in a list"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "field", "words", "reason"), MALFORMED, ids=[row[3] for row in MALFORMED])
def test_a_malformed_row_names_the_field_and_says_what_to_do(
    given: dict[str, Any], field: str, words: str, reason: str
) -> None:
    home = Home("rio", "America/Sao_Paulo", "BR", -22.9, -43.1) if "each other" in words else HOME
    with pytest.raises(BadInput) as caught:
        read(1, {**GOOD, **given}, home, DAY)

    assert caught.value.field == field, reason
    assert words in caught.value.what
    assert caught.value.fix


def test_a_row_may_be_of_another_day_and_a_mapping_says_how_days_and_numbers_are_written() -> None:
    german = ColumnMap(decimal=",", dates="%d.%m.%Y")
    made = read(
        1, {**GOOD, "lat": "30,25", "lon": "-97,7", "weight_kg": "1.250,5", "day": "03.06.2026"}, HOME, DAY, german
    )

    assert (made.order.lat, made.order.weight_g, made.day) == (30.25, 1_250_500, date(2026, 6, 3))
    assert read(1, {**GOOD, "day": "2026-06-04T00:00:00"}, HOME, DAY).day == date(2026, 6, 4), "a spreadsheet's date"


def test_a_row_may_say_that_it_repeats_another_on_purpose() -> None:
    assert read(1, {**GOOD, "again": "yes"}, HOME, DAY).again
