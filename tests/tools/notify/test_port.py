"""What the port promises of every sender, tried on each that needs no account, and the masking of addresses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.notify.console import ConsoleSender
from tools.notify.fake import FakeProvider
from tools.notify.port import OutMessage, Sender, Sent, mask

SINCE = datetime(2026, 11, 20, 8, tzinfo=UTC)
SENDERS: list[Callable[[Path], Sender]] = [
    lambda folder: ConsoleSender(folder / "out.jsonl", echo=None),
    lambda folder: ConsoleSender(None, echo=None),
    lambda folder: FakeProvider(),
]


def message(key: str = "k1", to: str = "+15555550123", text: str = "Hello") -> OutMessage:
    return OutMessage(key=key, to=to, text=text)


@pytest.mark.parametrize("make", SENDERS)
def test_what_was_sent_is_found_and_what_was_not_is_not(make: Callable[[Path], Sender], tmp_path: Path) -> None:
    sender = make(tmp_path)
    assert sender.find(message(), SINCE) is None
    sent = sender.send(message())
    assert isinstance(sent, Sent)
    assert sender.find(message(), SINCE) == sent
    assert sender.find(message("k2"), SINCE) is None


@pytest.mark.parametrize("make", SENDERS)
def test_the_same_key_again_is_a_duplicate_with_the_same_id(make: Callable[[Path], Sender], tmp_path: Path) -> None:
    sender = make(tmp_path)
    first, second = sender.send(message()), sender.send(message())
    assert isinstance(first, Sent)
    assert not first.duplicate
    assert second == first.model_copy(update={"duplicate": True})


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("+15555550123", "+1********23"),
        ("whatsapp:+15555550123", "wh*****************23"),
        ("5550123", "55***23"),
        ("123", "**3"),
        ("", "*"),
        ("maria@example.org", "m***@example.org"),
    ],
)
def test_an_address_is_masked(address: str, masked: str) -> None:
    assert mask(address) == masked
