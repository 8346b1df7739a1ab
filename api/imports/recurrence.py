"""On which days of the week an order comes again: "mon, thu", "Mo Do", "1;4", daily, workdays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from api.imports.words import key
from core.errors import BadInput

NAMES = (
    ("monday", "lunes", "segunda", "montag", "mo", "lundi"),
    ("tuesday", "martes", "terca", "dienstag", "di", "mardi"),
    ("wednesday", "miercoles", "quarta", "mittwoch", "mi", "mercredi"),
    ("thursday", "jueves", "quinta", "donnerstag", "do", "jeudi"),
    ("friday", "viernes", "sexta", "freitag", "fr", "vendredi"),
    ("saturday", "sabado", "samstag", "sa", "samedi"),
    ("sunday", "domingo", "sonntag", "so", "dimanche"),
)
"""in English, Spanish, Portuguese, German and French; German's two letters, others where only one day has them"""
SEVERAL: Mapping[str, tuple[int, ...]] = {
    "daily": (1, 2, 3, 4, 5, 6, 7), "everyday": (1, 2, 3, 4, 5, 6, 7), "workdays": (1, 2, 3, 4, 5),
    "weekdays": (1, 2, 3, 4, 5), "weekend": (6, 7),
}  # fmt: skip


def weekdays(row: Mapping[str, Any]) -> tuple[int, ...]:
    """1 Monday to 7 Sunday, in order; none: the order comes once. Raises BadInput naming the word."""
    if "weekdays" not in row:
        return ()
    words = [word for word in re.split(r"[\s;,|/+]+", str(row["weekdays"]).strip()) if word]
    return tuple(sorted({day for word in words for day in _days(key(word), word)}))


def _days(word: str, said: str) -> tuple[int, ...]:
    if word in SEVERAL:
        return SEVERAL[word]
    if re.fullmatch(r"[1-7]", word):
        return (int(word),)
    exact = {n for n, names in enumerate(NAMES, 1) for name in names if name == word or word == name[:3]}
    begun = {n for n, names in enumerate(NAMES, 1) for name in names if name.startswith(word) and len(word) > 1}
    found = exact or begun
    if len(found) != 1:
        raise BadInput(f"{said[:40]!r} is no day of the week.", "Write mon, tue ... or 1 to 7.", field="weekdays")
    return tuple(found)


def until(row: Mapping[str, Any]) -> date | None:
    if "until" not in row:
        return None
    text = str(row["until"]).strip().removesuffix("T00:00:00")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is no date.", "Write it as 2026-12-31.", field="until") from None
