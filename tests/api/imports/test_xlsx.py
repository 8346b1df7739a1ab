"""Workbooks as spreadsheets save them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest

from api.imports.xlsx import MOST_UNPACKED, read_sheet
from core.errors import BadFile


def workbook(*sheets: tuple[str, Sequence[Sequence[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def test_cells_are_typed_as_the_spreadsheet_has_them() -> None:
    row = ["A-1", 5, 5.0, 2.5, date(2026, 6, 2), datetime(2026, 6, 2, 9, 30), time(9, 30), timedelta(hours=8), " x "]  # noqa: DTZ001

    [_, found] = read_sheet(workbook(("Orders", [["h"] * len(row), row])))

    assert found == [
        "A-1", 5, 5, 2.5, "2026-06-02T00:00:00", "2026-06-02T09:30:00", "09:30:00", "8:00:00", "x",
    ]  # fmt: skip


def test_the_first_sheet_is_read_or_the_one_that_is_named() -> None:
    content = workbook(("One", [["a"]]), ("Two", [["b"]]))

    assert read_sheet(content) == [["a"]]
    assert read_sheet(content, "Two") == [["b"]]
    with pytest.raises(BadFile, match="'Three'") as caught:
        read_sheet(content, "Three")
    assert "One, Two" in caught.value.fix


def test_blank_rows_before_the_header_and_at_the_end_are_left_out_and_those_between_keep_their_place() -> None:
    rows: list[list[Any]] = [[], [None, ""], ["ref", "name"], ["A-1", "Ada"], [], ["A-2", "Bob"], [], [None]]

    assert read_sheet(workbook(("Orders", rows))) == [["ref", "name"], ["A-1", "Ada"], [], ["A-2", "Bob"]]


def test_of_a_formula_the_value_counts_that_it_last_had() -> None:
    """A workbook that a spreadsheet has saved holds both; one that no program has calculated holds none."""
    content = workbook(("Orders", [["ref"], ["=CONCATENATE(1,2)"]]))
    assert read_sheet(content) == [["ref"]]
    calculated = repacked(content, lambda xml: xml.replace(b"<v></v>", b"<v>12</v>").replace(b"<v />", b"<v>12</v>"))
    assert read_sheet(calculated) == [["ref"], [12]]


def repacked(content: bytes, change: Any) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for each in old.infolist():
            data = old.read(each)
            new.writestr(each, change(data) if each.filename.startswith("xl/worksheets/") else data)
    return made.getvalue()


def bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("xl/workbook.xml", "w") as file:
        for _ in range(MOST_UNPACKED // 10_000_000 + 1):
            file.write(b" " * 10_000_000)
    return made.getvalue()


BROKEN: list[tuple[Any, str, str]] = [
    (lambda: b"", "no workbook", "nothing"),
    (lambda: b"ref,name\nA,B\n", "no workbook", "a CSV"),
    (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "password", "one with a password, or of old"),
    (lambda: workbook(("Orders", [["a"]]))[:-200], "no workbook", "one that was cut off"),
    (lambda: repacked(workbook(("Orders", [["a"]])), lambda xml: xml[:50]), "broken", "a sheet that was cut off"),
    (lambda: workbook(("Orders", [])), "empty", "a sheet of nothing"),
    (bomb, "Unpacked", "one that would fill the memory"),
]


@pytest.mark.parametrize(("content", "words", "why"), BROKEN, ids=[row[2] for row in BROKEN])
def test_a_workbook_that_can_not_be_read_says_why(content: Any, words: str, why: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_sheet(content())
    assert words in caught.value.what, why
    assert caught.value.field == "file"
    assert caught.value.fix
