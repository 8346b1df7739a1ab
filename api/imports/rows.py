"""One row of a file -> an order, or what is wrong with which field and how to mend it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from core import clock
from core.clock import iso
from core.errors import BadInput
from core.orders import NewOrder

FIELDS = (
    "ref", "client", "name", "phone", "email", "address", "lat", "lon", "window_start", "window_end", "service_min",
    "pieces", "weight_kg", "notes", "depot", "parcels",
)  # fmt: skip
REQUIRED = ("ref", "name", "lat", "lon")
DEFAULT_SERVICE_MIN = 3.0
UNWRITABLE = re.compile("[\\0\ud800-\udfff]")
"""what JSON can spell and a database can't keep: NUL, and halves of surrogate pairs"""
NEAR = timedelta(days=2)
"""a window further from the day of delivery than this is a slip"""


@dataclass(frozen=True)
class Read:
    """A row that can be taken: which depot it is for, and the order."""

    row: int
    depot: str
    order: NewOrder


def filled(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row that say something. Raises BadInput for what can't be a field of an order."""
    row = {str(k): v for k, v in raw.items() if v is not None and str(v).strip() != ""}
    unknown = sorted(row.keys() - set(FIELDS))
    if unknown:
        raise BadInput("There is no such field.", f"Fields are {', '.join(FIELDS)}.", field=unknown[0])
    for field in REQUIRED:
        if field not in row:
            raise BadInput("This field is empty.", f"Fill in {field}.", field=field)
    for field, value in row.items():
        if field != "parcels" and not isinstance(value, str | int | float):
            raise BadInput("This is no plain value.", "Write one text or one number.", field=field)
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and UNWRITABLE.search(text) for text in texts):
            raise BadInput("It holds a character that can't be stored.", "Take NUL and broken ones out.", field=field)
    return row


def read(number: int, raw: Mapping[str, Any], depot: str, day: date, tz: str) -> Read:
    """Raises BadInput naming the field."""
    row = filled(raw)
    values: dict[str, Any] = {
        "ref": str(row["ref"]).strip(), "name": str(row["name"]).strip(),
        "lat": _number(row, "lat", -90, 90), "lon": _number(row, "lon", -180, 180),
        "windows": _windows(row, day, tz),
        "service_s": round(60 * _number(row, "service_min", 0, 480, DEFAULT_SERVICE_MIN)),
        "pieces": _whole(row, "pieces"), "weight_g": round(1000 * _number(row, "weight_kg", 0, 1_000_000, 0.0)),
        "parcels": _parcels(row),
    }  # fmt: skip
    values |= {
        field: str(row[field]).strip() for field in ("client", "phone", "email", "address", "notes") if field in row
    }
    _phone(str(values.get("phone", "")))
    try:
        return Read(number, str(row.get("depot", depot)), NewOrder(**values))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(str(first["msg"]), "Correct it and import the row again.", field=str(first["loc"][0])) from None


def _number(row: Mapping[str, Any], field: str, lo: float, hi: float, default: float | None = None) -> float:
    if field not in row and default is not None:
        return default
    text = str(row[field]).strip()
    if re.fullmatch(r"-?\d+,\d+", text):
        raise BadInput(f"{text!r} has a decimal comma.", "Write a point: " + text.replace(",", "."), field=field)
    try:
        value = float(text.replace("_", "no"))  # Python would read 1_0 as 10
    except ValueError:
        raise BadInput(f"{text!r} is no number.", "Write digits with a decimal point.", field=field) from None
    if not math.isfinite(value) or not lo <= value <= hi:
        raise BadInput(f"{text} is not between {lo:g} and {hi:g}.", "Check the unit and the sign.", field=field)
    return value


def _whole(row: Mapping[str, Any], field: str) -> int:
    value = _number(row, field, 1, 100_000, 1.0)
    if value != int(value):
        raise BadInput(f"{row[field]} is not whole.", "Write a whole number of pieces.", field=field)
    return int(value)


def _phone(phone: str) -> None:
    digits = re.sub(r"\D", "", phone)
    if phone and (not re.fullmatch(r"[\d\s()+./x-]+", phone) or not 7 <= len(digits) <= 15):
        raise BadInput(f"{len(digits)} digits are no phone number.", "Write it as +15550100.", field="phone")


def _parcels(row: Mapping[str, Any]) -> tuple[str, ...]:
    given = row.get("parcels", [])
    if not isinstance(given, list | tuple) or not all(isinstance(p, str) and p for p in given):
        raise BadInput("Parcels are a list of ids.", 'Write ["box-1", "box-2"].', field="parcels")
    if len(set(given)) != len(given):
        raise BadInput("Two parcels have one id.", "Give each parcel an id of its own.", field="parcels")
    return tuple(given)


def _windows(row: Mapping[str, Any], day: date, tz: str) -> tuple[tuple[datetime, datetime], ...]:
    if "window_start" not in row and "window_end" not in row:
        return ()
    for field in ("window_start", "window_end"):
        if field not in row:
            raise BadInput("A window needs both ends.", f"Fill in {field}.", field=field)
    lo, hi = (_instant(str(row[field]).strip(), field, day, tz) for field in ("window_start", "window_end"))
    if hi <= lo:
        raise BadInput(
            f"The window ends at {iso(hi)}, not after it starts.", "Swap them or correct one.", field="window_end"
        )
    return ((lo, hi),)


def _instant(text: str, field: str, day: date, tz: str) -> datetime:
    wall = re.fullmatch(r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?", text)
    if wall:
        hours, minutes, seconds = (int(part or 0) for part in wall.groups())
        return clock.at_second(day, tz, hours * 3600 + minutes * 60 + seconds)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no time.", "Write 09:30 or 2026-03-10T09:30.", field=field) from None
    if abs(at.replace(tzinfo=None) - datetime.combine(day, time())) > NEAR:
        raise BadInput(f"{text} is not on {day}.", "Correct it, or import the row for its day.", field=field)
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(tz))
