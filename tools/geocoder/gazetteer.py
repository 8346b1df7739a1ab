"""A gazetteer: a file of addresses whose places are known, indexed in memory.

A CSV with a header or a JSON list of objects: `lat`, `lon` and either `address` (one line) or `line1`, `city`, `state`,
`postal_code`. An address is looked for from the surest to the vaguest: the same house; between two known numbers of the
same street; the middle of its postal code.
"""

from __future__ import annotations

import csv
import json
import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from core import geo
from core.errors import Misconfigured
from core.orders import Address
from tools.geocoder.normalise import Parsed, parse, same_place
from tools.geocoder.port import Found, Missed

SAME_DOOR_M = 150.0
"""Known places of one address that lie closer together than this are one door."""
EXACT_M = 30
FARTHEST_NEIGHBOURS_M = 1500.0
"""Two known numbers farther apart than this say nothing of those between them."""
VAGUEST_M = 15_000.0
"""A postal code whose known doors lie farther from their middle than this is no place to send a van to."""
POSTAL_M = 5000
"""Least that the middle of a postal code is said to be off by: the doors that are known are not all of its doors."""


class Known(NamedTuple):
    parsed: Parsed
    lat: float
    lon: float

    def metres_to(self, other: Known) -> float:
        return geo.metres(self.lat, self.lon, other.lat, other.lon)


class Gazetteer:
    name = "gazetteer"

    def __init__(self, places: Iterable[tuple[Address, float, float]]) -> None:
        self._streets: dict[str, list[Known]] = defaultdict(list)
        self._postal: dict[str, list[Known]] = defaultdict(list)
        for address, lat, lon in places:
            known = Known(parse(address), lat, lon)
            if known.parsed.street:
                self._streets[known.parsed.street].append(known)
            if known.parsed.postal_code:
                self._postal[known.parsed.postal_code].append(known)

    def find(self, address: Address) -> Found | Missed:
        asked = parse(address)
        street = [known for known in self._streets.get(asked.street, ()) if same_place(known.parsed, asked)]
        same = [known for known in street if known.parsed.number == asked.number]
        if asked.to_the_door and same:
            return self._exact(same)
        return self._between(asked, street) or self._middle(asked) or Missed(reason="not_found")

    def _exact(self, same: Sequence[Known]) -> Found | Missed:
        first = same[0]
        if any(first.metres_to(other) > SAME_DOOR_M for other in same[1:]):
            return Missed(reason="ambiguous")
        return self._found(first.lat, first.lon, "exact", EXACT_M)

    def _between(self, asked: Parsed, street: Sequence[Known]) -> Found | None:
        """Along the street, by number: from the nearest known one below to the nearest above, on the same side if both
        ends are known there."""
        number = _figure(asked.number)
        if number is None or len({(k.parsed.postal_code, k.parsed.city, k.parsed.state) for k in street}) > 1:
            return None
        numbered = sorted((n, k) for k in street if (n := _figure(k.parsed.number)) is not None)
        side = [(n, k) for n, k in numbered if n % 2 == number % 2]
        for row in (side, numbered):
            at = bisect_left([n for n, _ in row], number)
            if 0 < at < len(row):
                return self._along(row[at - 1], row[at], number)
        return None

    def _along(self, below: tuple[int, Known], above: tuple[int, Known], number: int) -> Found | None:
        (low, a), (high, b) = below, above
        gap = a.metres_to(b)
        if gap > FARTHEST_NEIGHBOURS_M:
            return None
        share = (number - low) / (high - low)
        lat, lon = a.lat + share * (b.lat - a.lat), a.lon + share * (b.lon - a.lon)
        return self._found(lat, lon, "interpolated", max(round(gap / 2), EXACT_M))

    def _middle(self, asked: Parsed) -> Found | None:
        there = self._postal.get(asked.postal_code, []) if asked.postal_code else []
        if not there:
            return None
        lat, lon = (math.fsum(each) / len(there) for each in ([k.lat for k in there], [k.lon for k in there]))
        radius = max(geo.metres(lat, lon, known.lat, known.lon) for known in there)
        return None if radius > VAGUEST_M else self._found(lat, lon, "postal_code", max(round(1.5 * radius), POSTAL_M))

    def _found(self, lat: float, lon: float, precision: Any, within_m: int) -> Found:
        return Found(
            lat=round(lat, 6), lon=round(lon, 6), precision=precision, within_m=within_m, source=self.name
        )  # fmt: skip


def _figure(number: str) -> int | None:
    found = re.match(r"\d+", number)
    return int(found.group()) if found and len(found.group()) < 7 else None


def load(file: Path) -> Gazetteer:
    """Raises Misconfigured naming the file, and the row of it that can't be read."""
    try:
        content = file.read_text("utf-8-sig")
        rows = json.loads(content) if file.suffix == ".json" else list(csv.DictReader(content.splitlines()))
    except (OSError, ValueError, csv.Error) as error:
        raise _wrong(f"{file} can't be read: {type(error).__name__}.") from error
    if not isinstance(rows, list):
        raise _wrong(f"{file} is no list.")
    return Gazetteer(_row(file, number, row) for number, row in enumerate(rows, 1))


def _row(file: Path, number: int, row: Any) -> tuple[Address, float, float]:
    try:
        given: Mapping[str, str] = {
            name: str(row.get(name) or "") for name in ("line1", "city", "state", "postal_code")
        }
        line1 = given["line1"] or str(row["address"])
        lat, lon = float(row["lat"]), float(row["lon"])
        if not (line1.strip() and abs(lat) <= 90 and abs(lon) <= 180):
            raise ValueError
        return Address(**{**given, "line1": line1}), lat, lon
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _wrong(f"Row {number} of {file} has no address with lat and lon.") from error


def _wrong(what: str) -> Misconfigured:
    fix = "Give columns address (or line1, city, state, postal_code), lat, lon."
    return Misconfigured(what, fix, field="DOORSTEP_GAZETTEER")
