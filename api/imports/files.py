"""A whole file -> rows. What can't be read at all is a BadFile; single bad rows are left to `rows.read`."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.errors import BadFile

Rows = Sequence[Mapping[str, Any]]


def read_csv(content: bytes) -> Rows:
    """Comma, semicolon or tab separated, with a header line. UTF-8, or Windows-1252 as spreadsheets write it."""
    text = _text(content)
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise BadFile("The file is empty.", "Send a header line and one line an order.", field="file")
    comma = max(",;\t", key=lines[0].count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=comma, strict=True)
        header = [name.strip().lower() for name in reader.fieldnames or []]
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise BadFile(f"The column {twice[0]!r} stands twice.", "Keep one of them.", field=twice[0])
        reader.fieldnames = header
        rows = [_flat(row) for row in reader]
    except csv.Error as error:
        raise BadFile(f"This is no CSV: {error}.", "Save it again as CSV.", field="file") from error
    if "ref" not in header:
        raise BadFile("There is no column `ref`.", f"The header is: {', '.join(header)[:200]}.", field="ref")
    return rows


def _flat(row: dict[str | None, Any]) -> dict[str, Any]:
    extra = row.pop(None, None)
    named = {str(name): value for name, value in row.items()}
    return named | ({"(cells without a column)": extra} if extra else {})


def read_json(content: bytes) -> Rows:
    """A list of orders, or an object with a list under `orders`."""
    data = _json(content)
    rows = data.get("orders") if isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise BadFile("This is no list of orders.", 'Send [{"ref": ...}] or {"orders": [...]}.', field="orders")
    return [row if isinstance(row, dict) else {"(not an object)": row} for row in rows]


def read_loggi(content: bytes) -> Rows:
    """Loggi's CVRP format: {origin, vehicle_capacity, deliveries: [{id, point: {lng, lat}, size}]}."""
    data = _json(content)
    deliveries = data.get("deliveries") if isinstance(data, dict) else None
    if not isinstance(deliveries, list):
        raise BadFile("There is no list `deliveries`.", "Send a file of the loggibud format.", field="deliveries")
    seen: Counter[str] = Counter()
    return [_loggi(row, seen) for row in deliveries]


def _loggi(row: Any, seen: Counter[str]) -> Mapping[str, Any]:
    """Loggi's id is that of a place and size: where it stands again, it is one more delivery, told apart by number."""
    point = row.get("point") if isinstance(row, dict) else None
    if not isinstance(point, dict):
        return {"(delivery without a point)": row}
    ref = str(row.get("id", ""))
    seen[ref] += 1
    ref += f"-{seen[ref]}" if ref and seen[ref] > 1 else ""
    return {
        "ref": ref,
        "name": f"Recipient {ref[:6]}",
        "lat": point.get("lat"),
        "lon": point.get("lng"),
        "pieces": row.get("size"),
    }


READERS: dict[str, Callable[[bytes], Rows]] = {"csv": read_csv, "json": read_json, "loggi": read_loggi}


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
