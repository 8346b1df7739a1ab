from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from core.errors import BadFile
from evals.world.loading import load

LOGGI = {
    "name": "tiny",
    "region": "xx-0",
    "origin": {"lat": -22.8, "lng": -43.3},
    "vehicle_capacity": 10,
    "deliveries": [{"id": "a", "point": {"lat": -22.81, "lng": -43.31}, "size": 3}],
}
CSV = "ref,name,phone,address,lat,lon\nA-1,Ada Blom,+12015550100,1 Elm Road,52.1,4.3\n"
ROWS = [{"ref": "A-1", "name": "Ada Blom", "address": "1 Elm Road", "lat": 52.1, "lon": 4.3}]


@pytest.mark.parametrize(
    ("name", "content", "is_a"),
    [
        pytest.param("day.json", json.dumps(LOGGI).encode(), "loggi-tiny", id="loggi"),
        pytest.param("day.bin", gzip.compress(json.dumps(LOGGI).encode()), "loggi-tiny", id="gzipped, with any name"),
        pytest.param("orders.txt", CSV.encode(), "file-orders", id="csv without its suffix"),
        pytest.param(
            "orders.csv", b"\xef\xbb\xbf" + CSV.encode(), "file-orders", id="csv with the mark that Excel writes"
        ),
        pytest.param("orders.json", json.dumps(ROWS).encode(), "file-orders", id="a JSON list of orders"),
    ],
)
def test_what_a_file_is_is_told_by_its_content(tmp_path: Path, name: str, content: bytes, is_a: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert load(path).name == is_a


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "day.json is empty", id="empty"),
        pytest.param(b" \n", "day.json is empty", id="blank"),
        pytest.param(b'{"a": ', "broken JSON at line 1", id="cut off"),
        pytest.param(b"\x1f\x8bxx", "broken gzip", id="gzip by its first bytes only"),
        pytest.param(gzip.compress(b"a" * 999)[:20], "broken gzip", id="gzip cut off"),
        pytest.param(b"\xff\xfe\x00ref", "not UTF-8", id="another encoding"),
        pytest.param(b'{"hello": 1}', "none of the formats", id="some other JSON"),
        pytest.param(b"[1, 2]", "something that is not an order", id="a list of numbers"),
        pytest.param(b"[]", "no orders", id="an empty list"),
        pytest.param(b"%PDF-1.7\n", "no column ref", id="a PDF"),
    ],
)
def test_a_broken_file_says_what_is_wrong_and_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "day.json"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=said) as error:
        load(path)
    assert error.value.fix


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"nowhere\.csv can't be read: No such file"):
        load(tmp_path / "nowhere.csv")


def test_a_folder_that_holds_no_routes_says_which_files_it_needs(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="has no route_data") as error:
        load(tmp_path)
    assert "travel_times.json.gz" in error.value.fix
