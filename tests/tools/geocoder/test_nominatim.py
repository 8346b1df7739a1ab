"""Nominatim, against a server on this machine that answers as it does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from core.orders import Address
from tests.loopback import LoopbackHandler, LoopbackServer, serving
from tools.geocoder.nominatim import AGENT, Nominatim
from tools.geocoder.port import Found, Missed

HOUSE = {"lat": "39.5", "lon": "-119.8", "place_rank": 30, "category": "building", "type": "house", "osm_type": "node",
         "addresstype": "building", "boundingbox": ["39.4999", "39.5001", "-119.8001", "-119.7999"]}  # fmt: skip
COMPUTED = {**HOUSE, "category": "place", "osm_type": "way", "addresstype": "place"}
STREET = {**HOUSE, "place_rank": 26, "category": "highway", "type": "residential", "addresstype": "road"}
POSTAL = {**HOUSE, "place_rank": 21, "category": "place", "type": "postcode", "addresstype": "postcode",
          "boundingbox": ["39.45", "39.55", "-119.85", "-119.75"]}  # fmt: skip
ELSEWHERE = {**HOUSE, "lat": "40.5"}


class Server(LoopbackServer):
    """Answers what it is told to and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(Handler)
        self.answer: tuple[int, bytes] = (200, b"[]")
        self.asked: list[tuple[str, dict[str, str], str]] = []


class Handler(LoopbackHandler):
    server: Server

    def asked(self) -> None:
        parts = urlsplit(self.path)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append((parts.path, given, self.headers["User-Agent"]))
        self.say(*self.server.answer)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as made:
        yield made


ELM = Address(line1="5 Elm St", line2="Apt 2", city="Reno", state="NV", postal_code="89501")

ANSWERS: list[tuple[object, Found | Missed, str]] = [
    ([HOUSE], Found(lat=39.5, lon=-119.8, precision="exact", within_m=30, source="nominatim"), "a house"),
    (
        [HOUSE, HOUSE],
        Found(lat=39.5, lon=-119.8, precision="exact", within_m=30, source="nominatim"),
        "one house twice",
    ),
    ([HOUSE, ELSEWHERE], Missed(reason="ambiguous"), "two houses far apart"),
    ([STREET], Missed(reason="not_found"), "a street only"),
    ([], Missed(reason="not_found"), "nothing"),
    ({"error": "busy"}, Missed(reason="unavailable"), "an object"),
    ([{"lat": "x"}], Missed(reason="not_found"), "a row of nothing"),
    ([{**HOUSE, "lat": None}], Missed(reason="unavailable"), "a house without a place"),
    ([{**HOUSE, "lat": "99"}], Missed(reason="unavailable"), "a house beyond the pole"),
    ([7], Missed(reason="unavailable"), "a number for a row"),
]


@pytest.mark.parametrize(("body", "expected", "why"), ANSWERS, ids=[row[2] for row in ANSWERS])
def test_an_answer_is_read(server: Server, body: object, expected: Found | Missed, why: str) -> None:
    server.answer = (200, json.dumps(body).encode())
    assert Nominatim(server.url, 1000).find(ELM) == expected, why


@pytest.mark.parametrize(("row", "precision"), [(COMPUTED, "interpolated"), (POSTAL, "postal_code")], ids=str)
def test_a_vaguer_place_says_how_vague(server: Server, row: object, precision: str) -> None:
    server.answer = (200, json.dumps([row]).encode())
    found = Nominatim(server.url, 1000).find(ELM)
    assert isinstance(found, Found)
    assert found.precision == precision
    assert found.within_m >= (5000 if precision == "postal_code" else 10)


@pytest.mark.parametrize("answer", [(429, b"[]"), (500, b"no"), (200, b"<html>"), (200, b"")], ids=str)
def test_a_server_that_fails_is_unavailable(server: Server, answer: tuple[int, bytes]) -> None:
    server.answer = answer
    assert Nominatim(server.url, 1000).find(ELM) == Missed(reason="unavailable")


def test_a_server_that_is_not_there_is_unavailable() -> None:
    assert Nominatim("http://127.0.0.1:9", 1000).find(ELM) == Missed(reason="unavailable")


def test_it_is_asked_by_parts_or_by_the_whole_line_and_told_who_asks(server: Server) -> None:
    asks = Nominatim(server.url, 1000)
    asks.find(ELM)
    asks.find(Address(line1="5 Elm St, Reno"))

    (path, parts, agent), (_, whole, _) = server.asked
    assert (path, agent) == ("/search", AGENT)
    assert (parts["street"], parts["city"], parts["postalcode"]) == ("5 Elm St", "Reno", "89501")
    assert "q" not in parts
    assert whole["q"] == "5 Elm St, Reno"


def test_it_is_asked_no_faster_than_its_owner_allows(server: Server) -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))
        now[0] += seconds

    asks = Nominatim(server.url, 2.0, monotonic=lambda: now[0], sleep=sleep)
    for _ in range(3):
        asks.find(ELM)
    now[0] += 10
    asks.find(ELM)
    assert slept == [0, 0.5, 0.5, 0]
