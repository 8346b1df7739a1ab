"""The country that a time zone lies in, by the table that the time zone database ships with."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

FALLBACK = "US"
"""for zones of no country, such as UTC"""


@cache
def _of_zone() -> dict[str, str]:
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


def of_zone(tz: str) -> str:
    """ISO 3166 alpha-2: `of_zone("Europe/Madrid")` is ES."""
    return _of_zone().get(tz, FALLBACK)
