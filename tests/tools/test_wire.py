"""The wire: a socket that only we can open, errors that arrive as what they are, and a client that outlives the other
side's restart."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, DoorstepError, EngineDown, Misconfigured, NotFound, Stale
from core.settings import override
from tests.living import environment
from tools import wire

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def here(tmp_path: Path) -> Iterator[Path]:
    """A data folder of our own; its socket folder is removed at the end."""
    with environment(DOORSTEP_DATA=str(tmp_path / "data")):
        path = wire.socket_path("x.sock")
        yield path
        path.unlink(missing_ok=True)
        path.parent.chmod(0o700)
        path.parent.rmdir()


def answer(op: str, args: Mapping[str, Any]) -> Any:
    if op == "stale":
        raise Stale("The plan has moved on.", "Look again.")
    if op == "bug":
        raise ZeroDivisionError("a bug of ours")
    return {"op": op, "args": dict(args)}


@pytest.fixture
def server(here: Path) -> Iterator[Path]:
    made = wire.Server(here, answer)
    made.start()
    yield here
    made.shutdown()
    made.server_close()


def client(path: Path, patience_s: float = 20.0) -> wire.Client:
    return wire.Client(path, timeout_s=10, patience_s=patience_s)


# Who may open it


def test_nobody_else_can_enter_the_folder_or_open_the_socket(server: Path) -> None:
    assert stat.S_IMODE(server.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701, 0o777], ids=oct)
def test_a_folder_that_is_open_to_others_is_refused(here: Path, mode: int) -> None:
    here.parent.chmod(mode)
    with pytest.raises(Misconfigured, match="open to others"):
        wire.socket_path("x.sock")


def test_a_link_to_somewhere_else_is_refused(here: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    here.parent.rmdir()
    here.parent.symlink_to(tmp_path / "theirs")
    try:
        with pytest.raises(Misconfigured):
            wire.socket_path("x.sock")
    finally:
        here.parent.unlink()
        here.parent.mkdir(mode=0o700)


def test_its_path_is_short_however_long_the_data_folders_is(here: Path, tmp_path: Path) -> None:
    override(DOORSTEP_DATA=str(tmp_path / ("x" * 120)))
    path = wire.socket_path("engine.sock")
    try:
        assert len(str(path)) < 100
        assert path.parent != here.parent, "and another instance has another one"
    finally:
        path.parent.rmdir()


# Question and answer


def test_an_answer_comes_back_as_it_was_given(server: Path) -> None:
    words = {"text": 'ä\n"quoted" \u2028 line', "number": 7, "list": [1, None, True]}
    assert client(server).call("echo", **words) == {"op": "echo", "args": words}


def test_an_error_arrives_as_what_it_is(server: Path) -> None:
    with pytest.raises(Stale, match="moved on") as came:
        client(server).call("stale")
    assert came.value.fix == "Look again."


def test_a_bug_in_one_request_does_not_end_the_server(server: Path) -> None:
    ours = client(server)
    with pytest.raises(DoorstepError, match="ZeroDivisionError: a bug of ours"):
        ours.call("bug")
    assert ours.call("echo") == {"op": "echo", "args": {}}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("NotFound", NotFound), ("BadInput", BadInput), ("NoSuchError", DoorstepError), ("DoorstepError", DoorstepError)],
)
def test_errors_are_told_apart_by_name(name: str, kind: type[DoorstepError]) -> None:
    with pytest.raises(kind) as came:
        wire.Client._answer(f'{{"error": "{name}", "what": "w", "fix": "f"}}'.encode())
    assert type(came.value) is kind


def test_threads_ask_at_the_same_time_and_each_gets_its_own_answer(server: Path) -> None:
    ours, came = client(server), dict[int, Any]()

    def ask(number: int) -> None:
        for turn in range(20):
            came[number * 100 + turn] = ours.call("echo", n=number * 100 + turn)["args"]["n"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(came) == 120
    assert all(asked == answered for asked, answered in came.items())


# Restarts

SERVER = """
import os, sys
from pathlib import Path
from tools import wire
server = wire.Server(Path(sys.argv[1]), lambda op, args: {"pid": os.getpid()})
print("ready", flush=True)
server.serve_forever()
"""


def start(path: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    made = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(path)], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert made.stdout is not None
    assert made.stdout.readline() == "ready\n"
    made.stdout.close()
    return made


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def test_a_client_goes_on_after_the_other_side_was_killed_and_started_again(here: Path) -> None:
    ours, first = client(here), start(here)
    try:
        assert ours.call("who") == {"pid": first.pid}
        kill(first)
        second = start(here)
        try:
            assert ours.call("who") == {"pid": second.pid}
        finally:
            kill(second)
    finally:
        kill(first)


def test_a_client_waits_for_the_other_side_to_come_back(here: Path) -> None:
    ours, came = client(here), []
    asking = threading.Thread(target=lambda: came.append(ours.call("who")))
    asking.start()
    process = start(here)
    try:
        asking.join(20)
        assert came == [{"pid": process.pid}]
    finally:
        kill(process)


def test_when_nobody_answers_it_says_so(here: Path) -> None:
    with pytest.raises(EngineDown, match="does not answer") as down:
        client(here, patience_s=0).call("who")
    assert down.value.status == 503


def test_a_dead_servers_socket_is_replaced(here: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(here))
    left.close()
    made = wire.Server(here, answer)
    made.start()
    try:
        assert client(here).call("echo")["op"] == "echo"
    finally:
        made.shutdown()
        made.server_close()
