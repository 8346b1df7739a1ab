"""Road networks out of OpenStreetMap extracts (`.osm.pbf`): what a car may drive, how far and how fast when nothing is
in its way. For calibrating and judging travel times; not a router for plans.

The format is the one of the OpenStreetMap wiki's page "PBF Format": length-delimited blobs of protocol buffers, of
which only nodes and ways are read. Speeds are the signed limit where there is one, else `USUAL_KMH` by class of road.
"""

from __future__ import annotations

import heapq
import math
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from core.errors import BadFile

USUAL_KMH: Mapping[str, float] = {
    "motorway": 105, "motorway_link": 60, "trunk": 80, "trunk_link": 50, "primary": 60, "primary_link": 45,
    "secondary": 55, "secondary_link": 40, "tertiary": 50, "tertiary_link": 40, "unclassified": 40, "residential": 40,
    "living_street": 15, "service": 20,
}  # fmt: skip
"""what a car does on a free road of the class without a sign: usual limits of the United States, rounded to 5"""
CROSSING_S = 4.0
"""seconds that a junction takes off a free drive, on average over those that are passed and those that are waited at"""
EARTH_M = 6_371_008.8
Place = tuple[float, float]


@dataclass(frozen=True)
class Roads:
    """A graph: node -> its place; node -> (next node, metres, seconds)."""

    places: dict[int, Place]
    legs: dict[int, list[tuple[int, float, float]]]

    def reach(self, start: int) -> Iterator[tuple[int, float, float]]:
        """(node, seconds, metres) of the fastest way to each node from `start`, the nearest first."""
        done: set[int] = set()
        heap = [(0.0, 0.0, start)]
        while heap:
            seconds, metres, node = heapq.heappop(heap)
            if node in done:
                continue
            done.add(node)
            yield node, seconds, metres
            for there, leg_m, leg_s in self.legs.get(node, ()):
                if there not in done:
                    heapq.heappush(heap, (seconds + leg_s, metres + leg_m, there))


def read(path: Path) -> Roads:
    """The drivable roads of an extract, without what can't be reached from most of it and back."""
    places: dict[int, Place] = {}
    ways: list[tuple[tuple[int, ...], dict[str, str]]] = []
    try:
        for block in _blocks(path.read_bytes()):
            _read_block(block, places, ways)
    except (OSError, struct.error, zlib.error, IndexError, KeyError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} can't be read: {error}", "Name an .osm.pbf extract.", field="osm") from error
    roads = _graph(places, [(refs, tags) for refs, tags in ways if tags.get("highway") in USUAL_KMH])
    return _connected(roads)


def straight_m(a: Place, b: Place) -> float:
    lat_a, lat_b = math.radians(a[0]), math.radians(b[0])
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b[1] - a[1]) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


# -- roads


def _graph(places: dict[int, Place], ways: list[tuple[tuple[int, ...], dict[str, str]]]) -> Roads:
    seen: dict[int, int] = {}
    for refs, _ in ways:
        for ref in refs:
            seen[ref] = seen.get(ref, 0) + 1
    legs: dict[int, list[tuple[int, float, float]]] = {}
    for refs, tags in ways:
        if tags.get("access") in ("no", "private"):
            continue
        kmh, oneway = _kmh(tags), tags.get("oneway", "")
        forth, back = oneway != "-1", oneway not in ("yes", "1", "true") and tags.get("junction") != "roundabout"
        back = back and tags["highway"] != "motorway"
        for a, b in pairwise(refs):
            if a not in places or b not in places:
                continue
            metres = straight_m(places[a], places[b])
            if forth:
                legs.setdefault(a, []).append((b, metres, metres / kmh * 3.6 + _crossing(seen[b], tags)))
            if back:
                legs.setdefault(b, []).append((a, metres, metres / kmh * 3.6 + _crossing(seen[a], tags)))
    return Roads({node: places[node] for node in seen if node in places}, legs)


def _kmh(tags: Mapping[str, str]) -> float:
    signed = re.fullmatch(r"(\d+)( ?mph)?", tags.get("maxspeed", ""))
    if signed is None:
        return USUAL_KMH[tags["highway"]]
    return float(signed[1]) * (1.609344 if signed[2] else 1.0)


def _crossing(ways_there: int, tags: Mapping[str, str]) -> float:
    return CROSSING_S if ways_there > 1 and tags["highway"] not in ("motorway", "motorway_link") else 0.0


def _connected(roads: Roads) -> Roads:
    """The largest part in which every node reaches every other: forth and back from a node of its middle."""
    back: dict[int, list[tuple[int, float, float]]] = {}
    for node, legs in roads.legs.items():
        for there, metres, seconds in legs:
            back.setdefault(there, []).append((node, metres, seconds))
    against = Roads(roads.places, back)
    best: set[int] = set()
    for start in sorted(roads.legs)[:: max(1, len(roads.legs) // 10)]:
        found = {node for node, _, _ in roads.reach(start)} & {node for node, _, _ in against.reach(start)}
        best = max(best, found, key=len)
    kept = {node: [leg for leg in roads.legs[node] if leg[0] in best] for node in sorted(best)}
    return Roads({node: roads.places[node] for node in kept}, kept)


# -- the format


def _blocks(content: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        header = dict(_fields(content[at + 4 : at + 4 + size]))
        at += 4 + size
        blob = dict(_fields(content[at : at + int(header[3])]))
        at += int(header[3])
        if header[1] == b"OSMData":
            yield _bytes(blob[1]) if 1 in blob else zlib.decompress(_bytes(blob[3]))


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """(number, value) of a protocol buffer's fields: whole numbers, or bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
        elif kind == 2:
            size, at = _varint(message, at)
            yield key >> 3, message[at : at + size]
            at += size
        else:
            at += 8 if kind == 1 else 4


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _bytes(field: bytes | int) -> bytes:
    if isinstance(field, int):
        raise struct.error("a number where bytes should be")
    return field


def _packed(message: bytes | int) -> Iterator[int]:
    content, at = _bytes(message), 0
    while at < len(content):
        value, at = _varint(content, at)
        yield value


def _running(message: bytes | int) -> Iterator[int]:
    """Signed numbers, each the difference from the one before."""
    total = 0
    for value in _packed(message):
        total += (value >> 1) ^ -(value & 1)
        yield total


def _read_block(block: bytes, places: dict[int, Place], ways: list[tuple[tuple[int, ...], dict[str, str]]]) -> None:
    fields = list(_fields(block))
    words = [w for n, table in fields if n == 1 and isinstance(table, bytes) for _, w in _fields(table)]
    numbers = {n: value for n, value in fields if isinstance(value, int)}
    grain, lat_0, lon_0 = numbers.get(17, 100), numbers.get(19, 0), numbers.get(20, 0)
    for number, group in fields:
        if number != 2 or not isinstance(group, bytes):
            continue
        for kind, message in _fields(group):
            if kind == 2 and isinstance(message, bytes):
                dense = dict(_fields(message))
                for node, lat, lon in zip(*(_running(dense[n]) for n in (1, 8, 9)), strict=True):
                    places[node] = (lat_0 + grain * lat) * 1e-9, (lon_0 + grain * lon) * 1e-9
            elif kind == 3 and isinstance(message, bytes):
                way = dict(_fields(message))
                pairs = zip(_packed(way.get(2, b"")), _packed(way.get(3, b"")), strict=True)
                tags = {_text(words[k]): _text(words[v]) for k, v in pairs}
                ways.append((tuple(_running(way.get(8, b""))), tags))


def _text(word: bytes | int) -> str:
    return _bytes(word).decode()
