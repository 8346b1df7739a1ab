"""One row by our fields -> an order, or what is wrong with which field and how to mend it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row

from api.imports import recurrence, windows
from api.imports.mapping import ColumnMap, is_field
from api.imports.words import HEADERS, KINDS, NO, PRIORITIES, UNITS, UNWRITABLE, YES, key
from core import fleet, geo, phones
from core.errors import BadInput
from core.orders import PRIORITIES as RANKS
from core.orders import Address, NewOrder

REQUIRED = ("ref", "name")
LISTS = ("parcels", "skills", "windows")
PARTS = {"address1": "line1", "address2": "line2", "city": "city", "state": "state",
         "postal_code": "postal_code", "country": "country"}  # fmt: skip
MOST = {"weight": 1e9, "volume": 1e9, "service": 8 * 3600.0}
"""grams, millilitres, seconds"""
FORMULA_ERROR = re.compile(r"#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!)")
EMAIL = re.compile(r"[^\s@\"(),:;<>\[\]\\]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_]{2,63}")
FAR_M = 1_000_000.0
"""An order so far from its depot, that would be near with its coordinates swapped, has them swapped."""
NO_PLACE_M = 1_000.0
"""Around 0, 0 there is only sea: it is what programs write for "don't know"."""


@dataclass(frozen=True)
class Home:
    """The depot of a row: what its texts mean there."""

    id: str
    tz: str
    region: str
    lat: float
    lon: float

    @classmethod
    def of(cls, row: Row[Any]) -> Home:
        return cls(row.id, row.tz, fleet.region(row), row.lat, row.lon)


@dataclass(frozen=True)
class Read:
    """A row that can be taken: for which depot and day, the order, and whether it repeats another one on purpose."""

    row: int
    depot: str
    order: NewOrder
    day: date
    again: bool = False
    weekdays: tuple[int, ...] = ()
    """it comes again on these days, from `day` on; none: once"""
    until: date | None = None


def filled(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row that say something. Raises BadInput for what can't be a field of an order."""
    row = {str(k): v for k, v in raw.items() if v is not None and str(v).strip() != ""}
    unknown = sorted(name for name in row if not is_field(name))
    if unknown:
        known = ", ".join(dict.fromkeys(HEADERS.values()))
        raise BadInput("There is no such field.", f"Fields are {known}.", field=unknown[0])
    for field in REQUIRED:
        if field not in row:
            raise BadInput("This field is empty.", f"Fill in {field}.", field=field)
    for field, value in row.items():
        if not isinstance(value, str | int | float) and not (field in LISTS and isinstance(value, list | tuple)):
            raise BadInput("This is no plain value.", "Write one text or one number.", field=field)
        if isinstance(value, str) and FORMULA_ERROR.fullmatch(value.strip()):
            raise BadInput(f"Its formula failed: {value.strip()}.", "Correct it in the spreadsheet.", field=field)
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and UNWRITABLE.search(text) for text in texts):
            raise BadInput("It holds a character that can't be stored.", "Take NUL and broken ones out.", field=field)
    return row


def read(number: int, raw: Mapping[str, Any], home: Home, day: date, mapping: ColumnMap | None = None) -> Read:
    """Raises BadInput naming the field."""
    rules = mapping or ColumnMap()
    row = filled(raw)
    on = _day(row, day, rules.dates)
    values: dict[str, Any] = {
        **{field: str(row[field]).strip() for field in ("ref", "name", "client", "notes") if field in row},
        **_place(row, home, rules.decimal), "windows": windows.read(row, on, home.tz),
        **_service(row, rules.decimal),
        "weight_g": _measure(row, "weight", rules.decimal), "volume_ml": _measure(row, "volume", rules.decimal),
        "pieces": _whole(row, "pieces", 100_000, rules.decimal), "crew": _crew(row),
        "kind": _word(row, "kind", KINDS, "delivery"),
        "priority": RANKS.index(_word(row, "priority", PRIORITIES, "normal")),
        "skills": _skills(row), "parcels": _parcels(row), "email": _email(row), **_phone(row, home),
    }  # fmt: skip
    try:
        order, again = NewOrder(**values), _flag(row, "again")
        return Read(number, home.id, order, on, again, recurrence.weekdays(row), recurrence.until(row))
    except ValidationError as error:
        first = error.errors()[0]
        where = str(first["loc"][0]) if first["loc"] else "address"
        raise BadInput(f"{first['msg']}.", "Correct it and import the row again.", field=where) from None


def _number(row: Mapping[str, Any], field: str, lo: float, hi: float, decimal: str) -> float:
    text = str(row[field]).strip()
    if decimal == "," and not isinstance(row[field], float | int):
        text = text.replace(".", "").replace(",", ".")
    if re.fullmatch(r"-?\d+,\d+", text):
        fix = f"Write a point: {text.replace(',', '.')}. Or give a mapping with decimal: ','."
        raise BadInput(f"{text!r} has a decimal comma.", fix, field=field)
    if re.fullmatch(r"-?[\d.]+\s*[a-zA-Z]+[³23]?", text):
        fix = "Write the number alone and the unit in the header, such as weight (lb)."
        raise BadInput(f"{text[:40]!r} is no number: it has a unit.", fix, field=field)
    try:
        value = float(text.replace("_", "no"))  # Python would read 1_0 as 10
    except ValueError:
        raise BadInput(f"{text[:40]!r} is no number.", "Write digits with a decimal point.", field=field) from None
    if not math.isfinite(value) or not lo <= value <= hi:
        raise BadInput(f"{text[:40]} is not between {lo:g} and {hi:g}.", "Check the unit and the sign.", field=field)
    return value


def _whole(row: Mapping[str, Any], field: str, most: int, decimal: str = ".") -> int:
    if field not in row:
        return 1
    value = _number(row, field, 1, most, decimal)
    if value != int(value):
        raise BadInput(f"{row[field]} is not whole.", f"Write a whole number of {field}.", field=field)
    return int(value)


def _measure(row: Mapping[str, Any], measure: str, decimal: str) -> int:
    """A weight in grams, a volume in millilitres, a time in seconds, whatever unit it came in."""
    given = [(name, factor) for unit, factor in UNITS[measure].items() if (name := f"{measure}_{unit}") in row]
    if not given:
        return 0
    if len(given) > 1:
        raise BadInput(f"It stands there twice, as {given[0][0]}, too.", "Keep one of them.", field=given[1][0])
    name, factor = given[0]
    return round(factor * _number(row, name, 0, MOST[measure] / factor, decimal))


def _service(row: Mapping[str, Any], decimal: str) -> dict[str, int]:
    """Nothing when the row says nothing: the address book may know."""
    said = any(f"service_{unit}" in row for unit in UNITS["service"])
    return {"service_s": _measure(row, "service", decimal)} if said else {}


def _day(row: Mapping[str, Any], day: date, pattern: str) -> date:
    if "day" not in row:
        return day
    text = str(row["day"]).strip()
    try:
        if pattern:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007
        return date.fromisoformat(text.removesuffix("T00:00:00"))
    except ValueError:
        fix = "Write it as 2026-03-10, or give a mapping with dates: '%d.%m.%Y'."
        raise BadInput(f"{text[:40]!r} is no date.", fix, field="day") from None


def _place(row: Mapping[str, Any], home: Home, decimal: str) -> dict[str, Any]:
    """Coordinates, address in one line, its parts: what there is of them."""
    for here, other in (("lat", "lon"), ("lon", "lat")):
        if here not in row and other in row:
            raise BadInput("This field is empty.", f"Fill in {here}, or leave {other} empty, too.", field=here)
    found: dict[str, Any] = {}
    if "lat" in row:
        lat, lon = _number(row, "lat", -90, 90, decimal), _number(row, "lon", -180, 180, decimal)
        _is_on_land(lat, lon, home)
        found = {"lat": lat, "lon": lon}
    parts = {theirs: str(row[ours]).strip() for ours, theirs in PARTS.items() if ours in row}
    if "address" in row:
        found["address"] = str(row["address"]).strip()
    if parts:
        found["parts"] = _parts(parts, home, has_line="address" in row or "lat" in row)
        found.setdefault("address", found["parts"].text)
    if not found:
        raise BadInput("This field is empty.", "Fill in an address, or lat and lon.", field="address")
    return found


def _is_on_land(lat: float, lon: float, home: Home) -> None:
    if geo.metres(lat, lon, 0.0, 0.0) < NO_PLACE_M:
        raise BadInput("0, 0 is in the sea.", "Leave lat and lon empty when they are not known.", field="lat")
    away = geo.metres(lat, lon, home.lat, home.lon)
    if away > FAR_M and abs(lon) <= 90 and geo.metres(lon, lat, home.lat, home.lon) < FAR_M / 4:
        raise BadInput("lat and lon stand in each other's place.", "Swap them.", field="lat")


def _parts(parts: dict[str, str], home: Home, *, has_line: bool) -> Address:
    if not parts.get("line1") and not has_line:
        raise BadInput("This field is empty.", "Fill in the street and number.", field="address1")
    code = parts.get("postal_code", "").removesuffix(".0")
    if home.region == "US" and re.fullmatch(r"\d{3,4}", code):
        code = code.zfill(5)  # a spreadsheet takes the zeros off 00501
    try:
        return Address(**{**parts, "postal_code": code})
    except ValidationError as error:
        first = error.errors()[0]
        ours = next(name for name, theirs in PARTS.items() if theirs == first["loc"][0])
        raise BadInput(f"{first['msg']}.", "Shorten it.", field=ours) from None


def _phone(row: Mapping[str, Any], home: Home) -> dict[str, str]:
    """E.164; an extension is kept in the notes, where the driver reads it."""
    if "phone" not in row:
        return {}
    text = str(row["phone"]).removesuffix(".0")
    country = str(row.get("country", "")).strip().upper()
    number = phones.normalise(text, country if country in phones.REGIONS else home.region)
    extension = phones.extension(text)
    if not extension:
        return {"phone": number}
    notes = " ".join([str(row.get("notes", "")).strip(), f"Phone extension {extension}."]).strip()
    return {"phone": number, "notes": notes}


def _email(row: Mapping[str, Any]) -> str:
    text = str(row.get("email", "")).strip()
    if text and not EMAIL.fullmatch(text):
        raise BadInput("This is no address of mail.", "Write one, such as ana@example.org, or nothing.", field="email")
    user, _, domain = text.rpartition("@")
    return f"{user}@{domain.lower()}" if text else ""


def _word(row: Mapping[str, Any], field: str, words: Mapping[str, str], default: str) -> str:
    if field not in row:
        return default
    found = words.get(key(str(row[field]).removesuffix(".0")))
    if found is None:
        ours = ", ".join(dict.fromkeys(words.values()))
        raise BadInput(f"{str(row[field])[:40]!r} is no {field}.", f"Write one of {ours}.", field=field)
    return found


def _flag(row: Mapping[str, Any], field: str) -> bool:
    word = key(str(row.get(field, "no")).removesuffix(".0"))
    if word not in YES | NO:
        raise BadInput(f"{str(row[field])[:40]!r} is neither yes nor no.", "Write yes or no.", field=field)
    return word in YES


def _crew(row: Mapping[str, Any]) -> int:
    """How many persons a job takes; "yes" in a column of two-person jobs is two."""
    word = key(str(row.get("crew", "no")))
    if word in YES - {"1"}:
        return 2
    return 1 if word in NO - {"0"} else _whole(row, "crew", 9)


def _listed(row: Mapping[str, Any], field: str) -> Any:
    given = row.get(field, [])
    return [each.strip() for each in re.split(r"[;,|\n]+", given) if each.strip()] if isinstance(given, str) else given


def _skills(row: Mapping[str, Any]) -> tuple[str, ...]:
    words = [re.sub(r"\s+", "-", str(each).strip().lower()) for each in _listed(row, "skills")]
    for word in words:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", word):
            raise BadInput(f"{word[:40]!r} is no skill.", "Write words as the fleet file has them.", field="skills")
    return tuple(dict.fromkeys(words))


def _parcels(row: Mapping[str, Any]) -> tuple[str, ...]:
    given = _listed(row, "parcels")
    if not isinstance(given, list | tuple) or not all(isinstance(p, str) and p for p in given):
        raise BadInput("Parcels are a list of ids.", 'Write ["box-1", "box-2"] or box-1; box-2.', field="parcels")
    if len(set(given)) != len(given):
        raise BadInput("Two parcels have one id.", "Give each parcel an id of its own.", field="parcels")
    return tuple(given)
