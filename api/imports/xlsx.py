"""Workbooks (.xlsx): the cells of one sheet, typed as the spreadsheet has them; of a formula the value it last had."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl

from core.errors import BadFile

OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"
"""how .xls files begin, and .xlsx files with a password"""
MOST_UNPACKED = 500_000_000
"""bytes; what packs a thousand times smaller is no table of orders"""
MOST_ROWS = 200_000


def read_sheet(content: bytes, sheet: str = "") -> list[list[Any]]:
    """The header and the rows below it, blank ones included so that rows keep their number. Raises BadFile."""
    _is_workbook(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            names = book.sheetnames
            if sheet and sheet not in names:
                raise BadFile(f"There is no sheet {sheet!r}.", f"There are: {', '.join(names)}.", field="sheet")
            if not names:
                raise BadFile("The workbook has no sheet.", "Put the orders on one.", field="file")
            rows = list(_rows(book[sheet or names[0]].iter_rows(values_only=True)))
        finally:
            book.close()
    except BadFile:
        raise
    except Exception as error:  # a broken workbook fails anywhere in zip, XML or the library
        raise BadFile(
            f"The workbook is broken: {type(error).__name__}.", "Save it again as .xlsx.", field="file"
        ) from error
    if not rows:
        raise BadFile("The sheet is empty.", "Send a header row and one row an order.", field="file")
    return rows


def _is_workbook(content: bytes) -> None:
    if content.startswith(OLD_OR_LOCKED):
        what = "The workbook has a password, or is an old .xls."
        raise BadFile(what, "Take the password off, or save it as .xlsx.", field="file")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(each.file_size for each in packed.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
        raise BadFile("This is no workbook.", "Save it as .xlsx, or send it as CSV.", field="file") from error
    if unpacked > MOST_UNPACKED:
        raise BadFile(f"Unpacked the workbook has {unpacked} bytes.", "Split it into smaller ones.", field="file")


def _rows(found: Iterator[Sequence[Any]]) -> Iterator[list[Any]]:
    """From the first row with anything in it to the last one, without the empty cells at their ends."""
    waiting: list[list[Any]] = []
    begun = False
    for number, cells in enumerate(found):
        if number > MOST_ROWS:
            raise BadFile(f"The sheet has more than {MOST_ROWS} rows.", "Split it.", field="file")
        row = [_plain(cell) for cell in cells]
        while row and row[-1] is None:
            row.pop()
        if not row:
            waiting += [[]] if begun else []
            continue
        begun = True
        yield from waiting
        waiting.clear()
        yield row


def _plain(cell: Any) -> Any:
    """A cell as our readers of text would have it: times as 09:30, dates as 2026-03-10, 5.0 as 5."""
    match cell:
        case datetime():
            return cell.isoformat()
        case date():
            return cell.isoformat()
        case time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return int(cell)
        case str():
            return cell.strip() or None
    return cell
