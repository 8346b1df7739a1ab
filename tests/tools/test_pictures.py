"""Pictures from the provider: fetched from our own account there only, up to the size we keep, and asked for again."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from core import proofs
from core.errors import Unavailable
from core.settings import override
from tests.loopback import LoopbackHandler, LoopbackServer, serving
from tools.pictures import Picture, fetch

ACCOUNT, TOKEN = "AC" + "a" * 32, "not-a-secret"
MEDIA = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"


class Store(LoopbackServer):
    """Answers what it is told to and keeps who asked."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.answer: tuple[int, bytes] = (200, b"\xff\xd8\xff")
        self.asked: list[tuple[str, str]] = []


class _Handler(LoopbackHandler):
    server: Store

    def asked(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        self.say(*self.server.answer)


@pytest.fixture
def store() -> Iterator[Store]:
    override(TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=TOKEN)
    with serving(Store()) as made:
        yield made
    override(TWILIO_ACCOUNT_SID="", TWILIO_AUTH_TOKEN="")


def test_a_picture_is_fetched_with_our_login(store: Store) -> None:
    assert fetch(store.url + MEDIA, store.url) == Picture(b"\xff\xd8\xff", "application/json")
    login = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    assert store.asked == [(MEDIA, f"Basic {login}")]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (MEDIA.replace("AC" + "a" * 32, "AC" + "b" * 32), "another account's"),
        ("/latest/meta-data", "a place inside our own network"),
        ("@evil.example" + MEDIA, "a host that only begins like theirs"),
    ],
)
def test_nothing_else_is_fetched(store: Store, path: str, why: str) -> None:
    assert fetch(store.url + path, store.url) is None, why
    assert store.asked == [], "our login goes nowhere else"


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_gone(store: Store, status: int) -> None:
    store.answer = (status, b"")
    assert fetch(store.url + MEDIA, store.url) is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_who_has_trouble_is_asked_again(store: Store, status: int) -> None:
    store.answer = (status, b"")
    with pytest.raises(Unavailable):
        fetch(store.url + MEDIA, store.url)


def test_nobody_there_is_asked_again(store: Store) -> None:
    with pytest.raises(Unavailable):
        fetch("http://127.0.0.1:9" + MEDIA, "http://127.0.0.1:9")


def test_what_is_too_large_is_left(store: Store) -> None:
    store.answer = (200, b"\xff\xd8\xff" + bytes(proofs.MAX_FILE))
    assert fetch(store.url + MEDIA, store.url) is None
