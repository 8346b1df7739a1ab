"""VROOM's matrices, read row by row from the JSON text into one array each: no number is held as a Python object for
longer than its row, and no table twice."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np

from core.errors import BadInput
from optimizer.travel import INT32_MAX, Int32

LEVEL = dict[str, msgspec.Raw]
NAMES = ("durations", "distances", "costs")
ROW = msgspec.json.Decoder(list[Annotated[int, msgspec.Meta(ge=0, le=INT32_MAX)]])
FIX = "Give each table as equal rows of whole numbers from 0 on."


class Tables(NamedTuple):
    """Of one profile. Each has a row and a column more than places: nowhere, 0 from and to everywhere, which is where a
    route without a start begins."""

    durations: Int32
    distances: Int32 | None
    costs: Int32 | None

    @property
    def places(self) -> int:
        return len(self.durations) - 1


def read(raw: msgspec.Raw) -> dict[str, Tables]:
    """Profile -> its tables. Raises BadInput naming the table, row and column."""
    found: dict[str, Tables] = {}
    for profile, given in _decoded(raw, LEVEL, "matrices").items():
        path = f"matrices.{profile}"
        tables = _decoded(given, LEVEL, path)
        strange = sorted(tables.keys() - set(NAMES))
        if strange:
            raise BadInput("VROOM has no such table.", f"Use {', '.join(NAMES)}.", field=f"{path}.{strange[0]}")
        if "durations" not in tables:
            raise BadInput("Travel times are missing.", FIX, field=f"{path}.durations")
        read = {name: _table(tables[name], f"{path}.{name}") for name in NAMES if name in tables}
        for name, table in read.items():
            if table.shape != read["durations"].shape:
                what = f"It has {len(table) - 1} rows, durations has {len(read['durations']) - 1}."
                raise BadInput(what, FIX, field=f"{path}.{name}")
        found[profile] = Tables(read["durations"], read.get("distances"), read.get("costs"))
    _same_places(found)
    return found


def _same_places(found: dict[str, Tables]) -> None:
    first = next(iter(found), "")
    for profile, tables in found.items():
        if tables.places != found[first].places:
            what = f"It has {tables.places} places, {first} has {found[first].places}."
            raise BadInput(what, "Give every profile the same places.", field=f"matrices.{profile}")


def _decoded(raw: Any, shape: Any, path: str) -> Any:
    """One level of the text; what stands below stays text."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadInput(f"{error}.", FIX, field=path) from None


def _table(raw: msgspec.Raw, path: str) -> Int32:
    rows = _decoded(raw, list[msgspec.Raw], path)
    if not rows:
        raise BadInput("A table needs a row a place.", FIX, field=path)
    table = np.zeros((len(rows) + 1, len(rows) + 1), dtype="<i4")
    for at, row in enumerate(rows):
        try:
            figures = ROW.decode(row)
        except msgspec.MsgspecError as error:
            column = re.search(r"\$(\[\d+\])", str(error))
            raise BadInput(f"{error}.", FIX, field=f"{path}[{at}]{column[1] if column else ''}") from None
        if len(figures) != len(rows):
            raise BadInput(f"It has {len(figures)} figures for {len(rows)} places.", FIX, field=f"{path}[{at}]")
        if figures[at]:
            raise BadInput("A place is 0 from itself.", FIX, field=f"{path}[{at}][{at}]")
        table[at, :-1] = figures
    return table
