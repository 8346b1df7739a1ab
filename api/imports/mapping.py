"""A mapping file: how somebody's table becomes ours, where the words of its header do not say it.

columns: {ref: Auftrag, lat: coordinates.lat}   # our field: their column; a dot leads into an object of JSON
constants: {client: acme, name: "Resident {row}"}
values: {kind: {Abhol: pickup}}                 # our field: their value: ours
ignore: [Sales rep]                             # columns that are not to be mentioned
rows: addresses                                 # where the list is in a JSON object
sheet: Orders                                   # which sheet of a workbook; else the first
decimal: ","                                    # 30,25 is 30.25
dates: "%d.%m.%Y"                               # how days are written
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from api.imports.words import HEADERS, PLAIN_UNIT, UNITS
from core.errors import BadFile

MAX_BYTES = 100_000


def is_field(name: str) -> bool:
    """Whether a name is a field as rows have it: `ref`, `weight_lb`, `window_end_2`."""
    base, _, end = name.rpartition("_")
    numbered = base in ("window_start", "window_end") and end in set("23456789")
    return numbered or (base in UNITS and end in UNITS[base]) or (name in set(HEADERS.values()) - UNITS.keys())


def full_name(name: str) -> str:
    """`weight` is `weight_kg`: a measure without its unit is in the plain one."""
    return f"{name}_{PLAIN_UNIT[name]}" if name in UNITS else name


class ColumnMap(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, str] = {}
    constants: dict[str, str | int | float | bool] = {}
    values: dict[str, dict[str, str | int | float | bool]] = {}
    ignore: tuple[str, ...] = ()
    rows: str = ""
    sheet: str = ""
    decimal: Literal[".", ","] = "."
    dates: str = Field("", max_length=40)

    @field_validator("columns", "constants", "values")
    @classmethod
    def _ours(cls, given: dict[str, Any]) -> dict[str, Any]:
        named = {full_name(name): value for name, value in given.items()}
        unknown = sorted(name for name in named if not is_field(name))
        if unknown:
            raise ValueError(f"there is no field {unknown[0]!r}; our fields stand left, their columns right")
        return named

    @property
    def ours(self) -> set[str]:
        """Fields that the mapping fills itself."""
        return {*self.columns, *self.constants}

    def fill(self, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
        """The constants, `{row}` being the row's number, and values as we call them. What the row says wins."""
        filled = {name: _numbered(value, number) for name, value in self.constants.items()}
        filled |= {name: value for name, value in row.items() if value not in (None, "")}
        for name, words in self.values.items():
            if name in filled:
                filled[name] = words.get(str(filled[name]).strip(), filled[name])
        return filled


def _numbered(value: Any, number: int) -> Any:
    return value.replace("{row}", str(number)) if isinstance(value, str) else value


def load(text: str | bytes) -> ColumnMap:
    """Raises BadFile naming what is wrong in a mapping."""
    if not text:
        return ColumnMap()
    if len(text) > MAX_BYTES:
        raise BadFile(f"The mapping has {len(text)} characters.", f"Give {MAX_BYTES} at most.", field="mapping")
    try:
        data = yaml.safe_load(text)
        return ColumnMap.model_validate(data if data is not None else {})
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise BadFile(f"In the mapping, {where}: {first['msg']}.", "Correct it.", field="mapping") from None
        raise BadFile(
            f"The mapping is no YAML: {str(error)[:200]}", "Check its indentation.", field="mapping"
        ) from None
