"""Nominatim over HTTP (https://nominatim.org/release-docs/latest/api/Search/), no faster than its owner allows.

The public server allows one request a second and no bulk use: for more than a few orders run one of your own. The
addresses asked for are personal data that leaves this machine; nothing of them is logged here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from core import geo
from core.orders import Address
from tools.geocoder.port import Found, Missed, Precision

AGENT = "Doorstep (delivery dispatch)"
"""its usage policy asks every caller for a name"""
TIMEOUT_S = 10.0
HOUSE_RANK = 30
EXACT_M = 30


class Nominatim:
    name = "nominatim"

    def __init__(
        self,
        url: str,
        per_second: float = 1.0,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_S, headers={"User-Agent": AGENT})
        self._gap = 1.0 / per_second
        self._monotonic, self._sleep = monotonic, sleep
        self._turn = threading.Lock()
        self._next = 0.0

    def find(self, address: Address) -> Found | Missed:
        self._wait()
        try:
            answer = self._http.get("/search", params=_question(address))
            answer.raise_for_status()
            rows = answer.json()
        except (httpx.HTTPError, ValueError):
            return Missed(reason="unavailable")
        if not isinstance(rows, list):
            return Missed(reason="unavailable")
        try:
            return self._best(rows)
        except (AttributeError, KeyError, TypeError, ValueError):
            return Missed(reason="unavailable")

    def _wait(self) -> None:
        with self._turn:
            now = self._monotonic()
            self._sleep(max(self._next - now, 0.0))
            self._next = max(self._next, now) + self._gap

    def _best(self, rows: list[Any]) -> Found | Missed:
        """The first row, when it is a house or a postal code. Of a street alone nobody knows where the door is."""
        if not rows:
            return Missed(reason="not_found")
        first = rows[0]
        precision = _precision(first)
        if precision is None:
            return Missed(reason="not_found")
        lat, lon = float(first["lat"]), float(first["lon"])
        within = EXACT_M if precision == "exact" else _half_diagonal(first)
        found = Found(lat=lat, lon=lon, precision=precision, within_m=within, source=self.name)
        others = [row for row in rows[1:] if _precision(row) == precision]
        apart = [geo.metres(lat, lon, float(row["lat"]), float(row["lon"])) for row in others]
        return Missed(reason="ambiguous") if any(metres > 5 * max(within, EXACT_M) for metres in apart) else found


def _question(address: Address) -> dict[str, str]:
    base = {"format": "jsonv2", "limit": "3", "addressdetails": "0"}
    parts = {
        "street": address.line1, "city": address.city, "state": address.state, "postalcode": address.postal_code,
        "country": address.country,
    }  # fmt: skip
    if not (address.city or address.postal_code):
        return {**base, "q": address.text}
    return base | {name: value for name, value in parts.items() if value}


def _precision(row: Any) -> Precision | None:
    """Houses have rank 30; those that Nominatim computes between two others are ways of type `house`."""
    if row.get("addresstype") == "postcode":
        return "postal_code"
    if int(row.get("place_rank", 0)) < HOUSE_RANK:
        return None
    computed = row.get("osm_type") == "way" and row.get("category") == "place" and row.get("type") == "house"
    return "interpolated" if computed else "exact"


def _half_diagonal(row: Any) -> int:
    south, north, west, east = (float(each) for each in row["boundingbox"])
    return max(round(geo.metres(south, west, north, east) / 2), EXACT_M)
