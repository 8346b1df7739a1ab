"""The console sender: a durable file, one line a message, shared by processes, and no number on the screen."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.notify.console import ConsoleSender
from tools.notify.port import OutMessage, Sent, Unknown

SINCE = datetime(2026, 11, 20, tzinfo=UTC)


def message(key: str, text: str = "Hello", to: str = "+15555550123") -> OutMessage:
    return OutMessage(key=key, to=to, text=text)


def lines(path: Path) -> list[dict[str, str]]:
    """The whole lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.endswith("}")]


def test_a_message_is_one_line_with_what_would_be_sent(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "out.jsonl"
    sent = ConsoleSender(path, echo=None).send(message("k1", "Olá, 你好\nsecond line"))
    assert isinstance(sent, Sent)
    [line] = lines(path)
    assert line == {
        "key": "k1",
        "to": "+15555550123",
        "text": "Olá, 你好\nsecond line",
        "channel": "sms",
        "id": sent.provider_id,
    }


def test_the_screen_shows_the_text_and_a_masked_number(tmp_path: Path) -> None:
    shown: list[str] = []
    sender = ConsoleSender(tmp_path / "out.jsonl", echo=shown.append)
    sender.send(message("k1", "Your order A1"))
    sender.send(message("k1", "Your order A1"))
    assert len(shown) == 1
    assert "Your order A1" in shown[0]
    assert "5555550123" not in shown[0]


def test_another_process_finds_it_and_does_not_write_it_again(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    code = (
        "import sys; from pathlib import Path; from tools.notify.console import ConsoleSender;"
        "from tools.notify.port import OutMessage;"
        "print(ConsoleSender(Path(sys.argv[1]), echo=None)"
        ".send(OutMessage(key='k1', to='+15555550123', text='Hello')).duplicate)"
    )
    ours = ConsoleSender(path, echo=None)
    said = [
        subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert [word.strip() for word in said] == ["False", "True"]
    assert isinstance(ours.find(message("k1"), SINCE), Sent)
    assert len(lines(path)) == 1


def test_many_senders_at_once_write_each_key_once(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    senders = [ConsoleSender(path, echo=None) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda sender: [sender.send(message(f"k{n}")) for n in range(25)], senders))
    assert sorted(line["key"] for line in lines(path)) == sorted(f"k{n}" for n in range(25))


def test_a_send_waits_for_whoever_is_writing(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    sender = ConsoleSender(path, echo=None)
    with path.open("ab") as file, ThreadPoolExecutor(1) as pool:
        fcntl.flock(file, fcntl.LOCK_EX)
        sending = pool.submit(sender.send, message("k1"))
        with pytest.raises(TimeoutError):
            sending.result(timeout=0.2)
        assert path.read_bytes() == b""
        fcntl.flock(file, fcntl.LOCK_UN)
        assert isinstance(sending.result(timeout=5), Sent)
    assert len(lines(path)) == 1


def test_a_line_cut_by_a_crash_was_not_sent_and_spoils_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    ConsoleSender(path, echo=None).send(message("k1"))
    with path.open("ab") as file:
        file.write(b'{"key":"k2","te')
    after = ConsoleSender(path, echo=None)
    assert after.find(message("k2"), SINCE) is None
    assert isinstance(after.send(message("k2")), Sent)
    assert [line["key"] for line in lines(path)] == ["k1", "k2"]
    fresh = ConsoleSender(path, echo=None)
    assert isinstance(fresh.find(message("k1"), SINCE), Sent)
    assert isinstance(fresh.find(message("k2"), SINCE), Sent)


def test_a_file_that_was_emptied_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    sender = ConsoleSender(path, echo=None)
    sender.send(message("k1"))
    path.write_bytes(b"")
    assert sender.find(message("k1"), SINCE) is None


def test_a_path_that_can_not_be_written_is_unknown_and_not_an_exception(tmp_path: Path) -> None:
    sender = ConsoleSender(tmp_path / "out.jsonl", echo=None)
    (tmp_path / "out.jsonl").mkdir()
    assert isinstance(sender.send(message("k1")), Unknown)
    assert isinstance(sender.find(message("k1"), SINCE), Unknown)
