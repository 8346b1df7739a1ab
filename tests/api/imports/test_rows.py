"""One row -> one order, or which field is wrong, why, and how to mend it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.imports.rows import read
from core.errors import BadInput

DAY = date(2026, 6, 2)
TZ = "America/Chicago"
GOOD = {"ref": "A-1", "name": "Ada", "lat": "30.2", "lon": "-97.7"}


def order(**given: Any) -> Any:
    return read(1, {**GOOD, **given}, "dep", DAY, TZ).order


def local(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=ZoneInfo(TZ))


def test_the_least_that_an_order_needs_is_a_reference_a_name_and_a_place() -> None:
    made = read(7, GOOD, "dep", DAY, TZ)

    assert (made.row, made.depot) == (7, "dep")
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
    ({"phone": "(512) 555-0100 x3"}, "phone", "(512) 555-0100 x3", "people write phone numbers so"),
    ({"parcels": ["box-1", "box-2"]}, "parcels", ("box-1", "box-2"), "JSON has lists"),
    ({"name": "Zoë 😀"}, "name", "Zoë 😀", "a name is any text"),
]


@pytest.mark.parametrize(("given", "field", "value", "reason"), GIVEN, ids=[row[3] for row in GIVEN])
def test_a_field_is_read(given: dict[str, Any], field: str, value: object, reason: str) -> None:
    assert getattr(order(**given), field) == value, reason


WINDOWS: list[tuple[str, str, datetime, datetime, str]] = [
    ("9:30", "12:00", local(9, 30), local(12), "wall clock of the depot"),
    ("09:30:30", "12:00", local(9, 30).replace(second=30), local(12), "with seconds"),
    ("20:00", "24:00", local(20), local(0, day=3), "to the end of the day"),
    ("2026-06-02T09:30", "2026-06-02T12:00", local(9, 30), local(12), "a date without a zone is the depot's"),
    ("2026-06-02T14:30Z", "2026-06-02T12:00-05:00", local(9, 30), local(12), "a zone is kept"),
]


@pytest.mark.parametrize(("opens", "closes", "lo", "hi", "reason"), WINDOWS, ids=[row[4] for row in WINDOWS])
def test_a_window_is_read(opens: str, closes: str, lo: datetime, hi: datetime, reason: str) -> None:
    assert order(window_start=opens, window_end=closes).windows == ((lo, hi),), reason


def test_a_window_is_wall_clock_on_the_day_the_clocks_change_too() -> None:
    made = read(1, {**GOOD, "window_start": "08:00", "window_end": "10:00"}, "dep", date(2026, 3, 8), TZ)

    assert made.order.windows[0][0].astimezone(ZoneInfo(TZ)).hour == 8


MALFORMED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"ref": ""}, "ref", "empty", "no reference"),
    ({"ref": "   "}, "ref", "empty", "a reference of blanks"),
    ({"name": None}, "name", "empty", "no name"),
    ({"lat": ""}, "lat", "empty", "no latitude"),
    ({"lon": ""}, "lon", "empty", "no longitude"),
    ({"latitude": "30.2"}, "latitude", "no such field", "a column of another name"),
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
    ({"email": "A" * 201}, "email", "at most 200", "an address of mail too long"),
    ({"phone": "ask Bob"}, "phone", "no phone number", "words for a phone number"),
    ({"phone": "12345"}, "phone", "5 digits", "too few digits"),
    ({"phone": "+1234567890123456"}, "phone", "16 digits", "too many digits"),
    ({"pieces": "0"}, "pieces", "not between", "nothing to bring"),
    ({"pieces": "1.5"}, "pieces", "not whole", "half a parcel"),
    ({"pieces": "1000000000000"}, "pieces", "not between", "more than any van"),
    ({"weight_kg": "-1"}, "weight_kg", "not between", "less than nothing"),
    ({"weight_kg": "5 kg"}, "weight_kg", "no number", "a number with its unit"),
    ({"service_min": "481"}, "service_min", "not between", "a stop of more than a day's work"),
    ({"window_start": "09:00"}, "window_end", "both ends", "a window without an end"),
    ({"window_end": "09:00"}, "window_start", "both ends", "a window without a start"),
    ({"window_start": "12:00", "window_end": "09:00"}, "window_end", "not after", "a window that ends first"),
    ({"window_start": "12:00", "window_end": "12:00"}, "window_end", "not after", "a window of no length"),
    ({"window_start": "9.30", "window_end": "12:00"}, "window_start", "no time", "a point for a colon"),
    ({"window_start": "25:00", "window_end": "26:00"}, "window_start", "no time", "hours that no day has"),
    ({"window_start": "09:60", "window_end": "12:00"}, "window_start", "no time", "minutes that no hour has"),
    ({"window_start": "9am", "window_end": "12:00"}, "window_start", "no time", "an English time"),
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
    ({"parcels": "box-1"}, "parcels", "a list", "a text for a list"),
    ({"parcels": ["box-1", "box-1"]}, "parcels", "one id", "two parcels of one id"),
    ({"parcels": ["box-1", ""]}, "parcels", "a list of ids", "a parcel without an id"),
    ({"parcels": ["box-1", 2]}, "parcels", "a list of ids", "a parcel whose id is a number"),
    ({"parcels": ["a\0b"]}, "parcels", "can't be stored", "NUL in a list"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "field", "words", "reason"), MALFORMED, ids=[row[3] for row in MALFORMED])
def test_a_malformed_row_names_the_field_and_says_what_to_do(
    given: dict[str, Any], field: str, words: str, reason: str
) -> None:
    with pytest.raises(BadInput) as caught:
        order(**given)

    assert caught.value.field == field, reason
    assert words in caught.value.what
    assert caught.value.fix
