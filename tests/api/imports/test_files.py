"""A whole file -> rows, as spreadsheets and other people's programs write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.imports.files import READERS, kind_of, read_csv, read_json, read_loggi
from api.imports.mapping import ColumnMap
from core.errors import BadFile

ANY = ColumnMap()
ROW = {"ref": "A-1", "name": "Zoë", "notes": "left; then right"}
LINES = "ref,name,notes\nA-1,Zoë,left; then right\n"

CSV: list[tuple[bytes, str]] = [
    (LINES.encode(), "comma"),
    ('ref;name;notes\nA-1;Zoë;"left; then right"\n'.encode(), "semicolon, as where the comma is decimal"),
    ("ref\tname\tnotes\nA-1\tZoë\tleft; then right\n".encode(), "tab"),
    (LINES.encode("utf-8-sig"), "with a byte order mark"),
    (LINES.encode("cp1252"), "Windows-1252"),
    (LINES.replace("\n", "\r\n").encode(), "Windows line ends"),
    (LINES.replace("\n", "\r").encode(), "old Macintosh line ends"),
    (LINES.strip().encode(), "no line end at the end"),
    ((LINES + "\n\n").encode(), "empty lines at the end"),
    (LINES.replace("ref,name", "\" Ref \",'NAME'".replace("'", "")).encode(), "header in capitals, padded, quoted"),
]


@pytest.mark.parametrize(("content", "reason"), CSV, ids=[row[1] for row in CSV])
def test_a_csv_is_read_however_it_was_saved(content: bytes, reason: str) -> None:
    table = read_csv(content, ANY)
    known = {"ref": "ref", "name": "name", "notes": "notes"}
    assert {name.lower(): name for name in table.header}.keys() == known.keys(), reason
    assert [{name.lower(): value for name, value in row.items()} for row in table.rows] == [ROW], reason


def test_a_quoted_cell_may_hold_line_ends_and_quotes() -> None:
    content = b'ref,notes,name\nA-1,"2nd floor\nring ""Ada""",Ada\nA-2,,Bob\n'

    rows = read_csv(content, ANY).rows

    assert [row["ref"] for row in rows] == ["A-1", "A-2"]
    assert rows[0]["notes"] == '2nd floor\nring "Ada"'


def test_cells_without_a_column_are_kept_and_told_apart() -> None:
    assert read_csv(b"ref,name\nA-1,Ada,30.2\n", ANY).rows[0] == {
        "ref": "A-1",
        "name": "Ada",
        "(cells without a column)": ["30.2"],
    }


def test_cells_that_a_short_line_lacks_are_empty() -> None:
    assert read_csv(b"ref,name,lat\nA-1\n", ANY).rows[0] == {"ref": "A-1", "name": None, "lat": None}


JSON: list[tuple[object, str]] = [
    ([ROW], "a list"),
    ({"orders": [ROW], "made_by": "somebody"}, "a list under orders"),
]


@pytest.mark.parametrize(("data", "reason"), JSON, ids=[row[1] for row in JSON])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_json_is_read(data: object, reason: str, encoding: str) -> None:
    assert list(read_json(json.dumps(data).encode(encoding), ANY).rows) == [ROW], reason


def test_what_is_no_object_in_a_list_is_kept_as_a_row_of_its_own() -> None:
    assert list(read_json(b'[{"ref": "A-1"}, 5]', ANY).rows) == [{"ref": "A-1"}, {"(not an object)": 5}]


def test_loggis_points_become_places_and_their_size_pieces() -> None:
    content = json.dumps({"deliveries": [{"id": "abcdef12", "point": {"lng": -43.1, "lat": -22.9}, "size": 4}, {}, 7]})

    first, *bad = read_loggi(content.encode(), ANY).rows

    assert first == {"ref": "abcdef12", "name": "Recipient abcdef", "lat": -22.9, "lon": -43.1, "pieces": 4}
    assert [list(row) for row in bad] == [["(delivery without a point)"]] * 2


def test_a_delivery_of_loggis_whose_id_stands_again_is_one_more_delivery() -> None:
    delivery = {"id": "a", "point": {"lng": -43.1, "lat": -22.9}, "size": 4}

    given = {"deliveries": [delivery, delivery, {**delivery, "id": "b"}]}
    rows = read_loggi(json.dumps(given).encode(), ANY).rows

    assert [row["ref"] for row in rows] == ["a", "a-2", "b"]
    assert [row["name"] for row in rows] == ["Recipient a", "Recipient a-2", "Recipient b"], "else they would repeat"


def test_a_real_file_of_loggis_is_read_whole(shared_data: Path) -> None:
    file = shared_data / "routes" / "loggibud" / "cvrp-0-rj-0.json"

    rows = read_loggi(file.read_bytes(), ANY).rows

    assert len(rows) == len(json.loads(file.read_text())["deliveries"]) > 100
    assert all(row["ref"] and row["lat"] and row["lon"] and row["pieces"] for row in rows)


def test_a_bar_separates_too_and_columns_without_a_name_are_numbered() -> None:
    table = read_csv(b"ref|name||lat|\nA-1|Ada|x|1|\n", ANY)

    assert table.header == ("ref", "name", "(column 3)", "lat")
    assert table.rows[0] == {"ref": "A-1", "name": "Ada", "(column 3)": "x", "lat": "1"}


def test_a_mapping_leads_into_the_objects_of_a_json() -> None:
    mapping = ColumnMap(rows="data.stops", columns={"lat": "at.lat", "lon": "at.lng"})
    content = b'{"data": {"stops": [{"id": "A-1", "at": {"lat": 1.5, "lng": 2.5}}, {"id": "A-2", "at": 7}]}}'

    assert list(read_json(content, mapping).rows) == [
        {"id": "A-1", "at.lat": 1.5, "at.lng": 2.5},
        {"id": "A-2", "at.lat": None, "at.lng": None},
    ]


@pytest.mark.parametrize(
    ("name", "kind"), [("a.csv", "csv"), ("A.XLSX", "xlsx"), ("a.json", "json"), ("a.txt", "csv"), ("json", "csv")]
)
def test_a_name_tells_the_format(name: str, kind: str) -> None:
    assert kind_of(name) == kind


UNREADABLE: list[tuple[str, bytes, str, str, str]] = [
    ("csv", b"", "file", "empty", "nothing at all"),
    ("csv", b"\n\nref,name\n", "file", "empty", "a first line of nothing"),
    ("csv", b"ref,name,Ref\nA,B,C\n", "Ref", "twice", "a column that stands twice"),
    ("csv", b'ref,name\n"A-1,Ada\n', "file", "no CSV", "a quote that never ends"),
    ("csv", b'ref,name\n"A"-1,Ada\n', "file", "no CSV", "text after a closing quote"),
    ("csv", b"ref\n" + b"x" * 140_000, "file", "no CSV", "a cell larger than a page"),
    ("csv", LINES.encode("utf-16"), "file", "NUL", "UTF-16"),
    ("csv", b"PK\x03\x04\x14\x00\x06\x00", "file", "NUL", "a spreadsheet's own format"),
    ("json", b"", "file", "no JSON", "nothing at all"),
    ("json", b'[{"ref": "A-1"}', "file", "no JSON", "a list that never ends"),
    ("json", b'[{"ref": "A-1", "lat": NaN}]', "file", "NaN is no JSON", "what JSON has no word for"),
    ("json", b"\xff\xfe[]", "file", "no JSON", "bytes that are no text"),
    ("json", b"[" * 100_000, "file", "no JSON", "nesting without end"),
    ("json", b"[1" + b"0" * 5000 + b"]", "file", "no JSON", "a number of thousands of digits"),
    ("json", b'{"order": []}', "orders", "no list", "a list of another name"),
    ("json", b'"orders"', "orders", "no list", "a text"),
    ("loggi", b'{"origin": {}}', "deliveries", "no list", "no deliveries"),
    ("loggi", b'{"deliveries": {}}', "deliveries", "no list", "deliveries that are no list"),
    ("loggi", b"[]", "deliveries", "no list", "a list for an object"),
]


@pytest.mark.parametrize(("kind", "content", "field", "words", "reason"), UNREADABLE, ids=[r[4] for r in UNREADABLE])
def test_a_file_that_cannot_be_read_says_why_and_what_to_do(
    kind: str, content: bytes, field: str, words: str, reason: str
) -> None:
    with pytest.raises(BadFile) as caught:
        READERS[kind](content, ANY)

    assert caught.value.field == field, reason
    assert words in caught.value.what
    assert caught.value.fix
