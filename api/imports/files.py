"""A whole file -> rows. What can't be read at all is a BadFile; single bad rows are left to `rows.read`."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.imports.mapping import ColumnMap
from api.imports.xlsx import read_sheet
from core.errors import BadFile

Rows = Sequence[Mapping[str, Any]]
EXTRA = "(cells without a column)"


@dataclass(frozen=True)
class Table:
    """Rows by the file's own names. In a table with a header unknown columns may be ignored; in JSON a name that nobody
    knows is a mistake of a program's, said by row."""

    header: tuple[str, ...]
    rows: Rows
    has_header: bool


def read_csv(content: bytes, mapping: ColumnMap) -> Table:
    """Comma, semicolon, tab or bar separated, with a header line. UTF-8, or Windows-1252 as spreadsheets write it."""
    text = _text(content)
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise BadFile("The file is empty.", "Send a header line and one line an order.", field="file")
    comma = max(",;\t|", key=lines[0].count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=comma, strict=True)
        header = _header(reader.fieldnames or [])
        reader.fieldnames = list(header)
        rows = [_flat(row) for row in reader]
    except csv.Error as error:
        raise BadFile(f"This is no CSV: {error}.", "Save it again as CSV.", field="file") from error
    return Table(header, rows, has_header=True)


def read_xlsx(content: bytes, mapping: ColumnMap) -> Table:
    """The first sheet of a workbook, or the one that the mapping names."""
    first, *rest = read_sheet(content, mapping.sheet)
    header = _header([str(name) if name is not None else "" for name in first])
    rows = [dict(zip(header, row, strict=False)) | _beyond(row, header) for row in rest]
    return Table(header, rows, has_header=True)


def _beyond(row: Sequence[Any], header: Sequence[str]) -> dict[str, Any]:
    extra = [value for value in row[len(header) :] if value is not None]
    return {EXTRA: extra} if extra else {}


def _header(names: Iterable[str]) -> tuple[str, ...]:
    """The names without blanks around them; a column without one is named by its number."""
    header = [name.strip() or f"(column {number})" for number, name in enumerate(names, 1)]
    while header and header[-1].startswith("(column "):
        header.pop()
    low = [name.casefold() for name in header]
    twice = sorted({name for name in header if low.count(name.casefold()) > 1})
    if twice:
        raise BadFile(f"The column {twice[0]!r} stands twice.", "Keep one of them.", field=twice[0])
    return tuple(header)


def _flat(row: dict[str | None, Any]) -> dict[str, Any]:
    extra = [cell for cell in row.pop(None, None) or [] if cell.strip()]
    named = {str(name): value for name, value in row.items()}
    return named | ({EXTRA: extra} if extra else {})


def read_json(content: bytes, mapping: ColumnMap) -> Table:
    """A list of orders, or an object with a list under `orders` or where the mapping says."""
    data = _json(content)
    under = mapping.rows or "orders"
    rows = _dig(data, under) if isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise BadFile("This is no list of orders.", f'Send [{{"ref": ...}}] or {{"{under}": [...]}}.', field=under)
    deep = [column for column in mapping.columns.values() if "." in column]
    return _objects([_with(row, deep) if isinstance(row, dict) else {"(not an object)": row} for row in rows])


def _objects(rows: Rows) -> Table:
    return Table(tuple(dict.fromkeys(str(name) for row in rows for name in row)), rows, has_header=False)


def _dig(data: Any, path: str) -> Any:
    """What stands under `a.b` in objects; None when nothing does."""
    for name in path.split("."):
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _with(row: dict[str, Any], deep: Sequence[str]) -> dict[str, Any]:
    """A row with what the mapping fetches out of its inner objects, in place of those."""
    inner = {column.split(".")[0] for column in deep}
    return {name: value for name, value in row.items() if name not in inner} | {c: _dig(row, c) for c in deep}


def read_loggi(content: bytes, mapping: ColumnMap) -> Table:
    """Loggi's CVRP format: {origin, vehicle_capacity, deliveries: [{id, point: {lng, lat}, size}]}."""
    data = _json(content)
    deliveries = data.get("deliveries") if isinstance(data, dict) else None
    if not isinstance(deliveries, list):
        raise BadFile("There is no list `deliveries`.", "Send a file of the loggibud format.", field="deliveries")
    seen: Counter[str] = Counter()
    return _objects([_loggi(row, seen) for row in deliveries])


def _loggi(row: Any, seen: Counter[str]) -> Mapping[str, Any]:
    """Loggi's id is that of a place and size: where it stands again, it is one more delivery, told apart by number."""
    point = row.get("point") if isinstance(row, dict) else None
    if not isinstance(point, dict):
        return {"(delivery without a point)": row}
    given = str(row.get("id", ""))
    seen[given] += 1
    again = f"-{seen[given]}" if given and seen[given] > 1 else ""
    return {
        "ref": given + again,
        "name": f"Recipient {given[:6]}{again}",
        "lat": point.get("lat"),
        "lon": point.get("lng"),
        "pieces": row.get("size"),
    }


READERS: dict[str, Callable[[bytes, ColumnMap], Table]] = {
    "csv": read_csv,
    "xlsx": read_xlsx,
    "json": read_json,
    "loggi": read_loggi,
}
BY_SUFFIX = {".json": "json", ".xlsx": "xlsx", ".xlsm": "xlsx"}


def kind_of(name: str) -> str:
    """The format that a file's name speaks of."""
    return next((kind for suffix, kind in BY_SUFFIX.items() if name.lower().endswith(suffix)), "csv")


def _text(content: bytes) -> str:
    if b"\0" in content:
        raise BadFile("This is no text: it holds NUL bytes.", "Save it as CSV in UTF-8.", field="file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"This is no JSON: {error}.", "Check the file's end and quotes.", field="file") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
