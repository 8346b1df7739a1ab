"""A header -> which field each column is. What is ambiguous or missing is said for the whole file, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from api.imports.mapping import ColumnMap
from api.imports.words import HEADERS, PLAIN_UNIT, UNITS, UNWRITABLE, key
from core.errors import BadFile

REQUIRED = ("ref", "name")
PLACES = (("lat", "lon"), ("address",), ("address1",))
"""one of these says where an order goes"""
NUMBERED = re.compile(r"(.+?)[\s_#-]*([2-9])")


@dataclass(frozen=True)
class Columns:
    """`fields`: column -> field, a measure with its unit (`weight_lb`), a further window with its number
    (`window_start_2`). `ignored`: columns that nobody asked for."""

    fields: Mapping[str, str]
    ignored: tuple[str, ...] = field(default=())


def field_of(header: str) -> str | None:
    """The field that a column's name means."""
    if UNWRITABLE.search(header):
        return None
    known = HEADERS.get(key(header))
    if known is not None:
        return f"{known}_{PLAIN_UNIT[known]}" if known in UNITS else known
    return _measure(header) or _numbered(header)


def _measure(header: str) -> str | None:
    """ "Weight (lb)", "weight_lb", "Peso kg": the unit is the last word."""
    words = re.findall(r"[^\W_]+", header.replace("³", "3").replace("^", ""))
    for count in (1, 2):
        measure = HEADERS.get(key(" ".join(words[:-count]))) if len(words) > count else None
        unit = "".join(words[-count:]).casefold()
        if measure in UNITS and unit in UNITS[measure]:
            return f"{measure}_{unit}"
    return None


def _numbered(header: str) -> str | None:
    found = NUMBERED.fullmatch(header.strip())
    base = HEADERS.get(key(found.group(1))) if found else None
    return f"{base}_{found.group(2)}" if found and base in ("window_start", "window_end") else None


def columns(header: Iterable[str], mapping: ColumnMap) -> Columns:
    """Which column is which field. Raises BadFile naming a column of the mapping's that is not there.

    What the mapping names wins: another column of the same meaning is ignored then.
    """
    names = list(header)
    mapped = {column: ours for ours, column in mapping.columns.items()}
    gone = sorted(column for column in mapped if column not in names and "." not in column)
    if gone:
        raise BadFile(
            f"The mapping names a column {gone[0]!r} that is not there.", f"There are: {_listed(names)}.", field=gone[0]
        )
    chosen = {_what(ours) for ours in mapping.columns}
    found: dict[str, str] = {}
    for name in names:
        ours = mapped.get(name) or (None if name in mapping.ignore else field_of(name))
        if ours is not None and (name in mapped or _what(ours) not in chosen):
            found[name] = ours
    found |= {column: ours for column, ours in mapped.items() if column not in found}
    return Columns(found, tuple(name for name in names if name not in found and name not in mapping.ignore))


def _no_field_twice(found: Mapping[str, str]) -> None:
    for ours in found.values():  # in a table; of JSON each row says for itself what it has
        same = [name for name, other in found.items() if _what(other) == _what(ours)]
        if len(same) > 1:
            raise BadFile(
                f"The columns {_listed(same)} both mean {ours}.",
                f"Keep one, or say which in a mapping: columns: {{{_what(ours)}: {same[0]}}}.",
                field=same[1],
            )


def _what(ours: str) -> str:
    """A field without its unit: weight in pounds and in kilograms is one weight."""
    base, _, unit = ours.rpartition("_")
    return base if base in UNITS and unit in UNITS[base] else ours


def require(found: Columns, mapping: ColumnMap) -> None:
    """Raises BadFile when two columns of a table are one field, or none is there for what every order needs."""
    _no_field_twice(found.fields)
    there = set(found.fields.values()) | mapping.ours
    for ours in REQUIRED:
        if ours not in there:
            raise _missing(ours, f"There is no column for `{ours}`", found)
    if not any(there.issuperset(place) for place in PLACES):
        raise _missing("address", "There is no column for the place: `address`, or `lat` and `lon`", found)


def _missing(ours: str, what: str, found: Columns) -> BadFile:
    names = [*found.fields, *found.ignored]
    fix = f"Name it so, or say which it is in a mapping: columns: {{{ours}: ...}}."
    return BadFile(f"{what}. The columns are {_listed(names)}.", fix, field=ours)


def _listed(names: Iterable[str]) -> str:
    text = ", ".join(repr(name) for name in names)
    return text if len(text) <= 400 else f"{text[:400]} ..."
