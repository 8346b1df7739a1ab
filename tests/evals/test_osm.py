from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from core.errors import BadFile
from evals import osm

WORDS = ["", "highway", "residential", "maxspeed", "30 mph", "oneway", "yes", "primary", "footway"]
NODES = [(1, 52.0, 13.0), (2, 52.001, 13.0), (3, 52.002, 13.0), (4, 52.003, 13.0), (5, 60.0, 10.0), (6, 60.001, 10.0)]


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def part(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def running(values: list[int]) -> bytes:
    steps = [b - a for a, b in zip([0, *values], values, strict=False)]
    return b"".join(varint(step * 2 if step >= 0 else -step * 2 - 1) for step in steps)


def way(refs: list[int], **tags: str) -> bytes:
    keys = b"".join(varint(WORDS.index(key)) for key in tags)
    values = b"".join(varint(WORDS.index(value)) for value in tags.values())
    return part(3, part(1, 7) + part(2, keys) + part(3, values) + part(8, running(refs)))


def extract(tmp_path: Path, *ways: bytes) -> Path:
    """A file as the extracts are: a header of another kind, then a zipped block."""
    columns = [[n for n, _, _ in NODES], *([round(row[at] * 1e7) for row in NODES] for at in (1, 2))]
    dense = b"".join(part(number, running(values)) for number, values in zip((1, 8, 9), columns, strict=True))
    words = b"".join(part(1, word.encode()) for word in WORDS)
    block = part(1, words) + part(2, part(2, dense) + b"".join(ways))
    content = b""
    for kind, blob in (("OSMHeader", part(1, b"any")), ("OSMData", part(3, zlib.compress(block)))):
        header = part(1, kind.encode()) + part(3, len(blob))
        content += struct.pack(">I", len(header)) + header + blob
    path = tmp_path / "a.osm.pbf"
    path.write_bytes(content)
    return path


def test_roads_have_the_signed_speed_and_the_length_between_their_nodes(tmp_path: Path) -> None:
    roads = osm.read(extract(tmp_path, way([1, 2, 3], highway="residential", maxspeed="30 mph")))
    found = {node: (seconds, metres) for node, seconds, metres in roads.reach(1)}
    assert found[3][1] == pytest.approx(222.4, abs=0.1), "two thousandths of a degree of latitude"
    assert found[3][0] == pytest.approx(222.4 / (30 * 1.609344) * 3.6, abs=0.1)


def test_a_junction_costs_time_and_a_one_way_street_leads_one_way(tmp_path: Path) -> None:
    ways = (
        way([1, 2], highway="primary", oneway="yes"),
        way([2, 3], highway="residential"),
        way([3, 1], highway="residential"),
    )
    roads = osm.read(extract(tmp_path, *ways))
    there = {node: seconds for node, seconds, _ in roads.reach(1)}
    assert there[2] == pytest.approx(111.2 / 60 * 3.6 + osm.CROSSING_S, abs=0.1)
    assert [leg[0] for leg in roads.legs[2]] == [3], "not back along the one-way street"


def test_what_no_car_reaches_is_left_out(tmp_path: Path) -> None:
    ways = (way([1, 2, 3], highway="residential"), way([3, 4], highway="footway"), way([5, 6], highway="residential"))
    assert sorted(osm.read(extract(tmp_path, *ways)).places) == [1, 2, 3]


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.osm.pbf"
    path.write_bytes(b"\x00\x00\x00\x09no extract")
    with pytest.raises(BadFile, match=r"b\.osm\.pbf"):
        osm.read(path)
