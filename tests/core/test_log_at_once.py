from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core import log
from core.signing import FileSigner, load_or_create
from tests.core.a_log import AT, DAY, SEED, clear


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return load_or_create(tmp_path / "keys", SEED)


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "anchors.jsonl"


@pytest.fixture
def committed(engine: Engine) -> Iterator[Engine]:
    """An engine on a log that is empty before and after: these tests commit."""
    with engine.begin() as db:
        clear(db)
    yield engine
    with engine.begin() as db:
        clear(db)


def test_writers_at_the_same_time_make_one_chain(committed: Engine, signer: FileSigner) -> None:
    gate = threading.Barrier(6)

    def write(writer: int) -> None:
        gate.wait()
        for number in range(15):
            with committed.begin() as db:
                log.append(db, "decision", {"writer": writer, "number": number}, AT, DAY)

    run([threading.Thread(target=write, args=(writer,)) for writer in range(6)])
    with committed.connect() as db:
        verdict = log.verify(db, signer.public)
        order = [(entry.body["writer"], entry.body["number"]) for entry in log.entries(db)]
    assert verdict.problems == ()
    assert verdict.entries == 90
    assert sorted(order) == [(writer, number) for writer in range(6) for number in range(15)]


def test_a_second_writer_waits_for_the_first_to_commit(committed: Engine) -> None:
    done = threading.Event()

    def second() -> None:
        with committed.begin() as db:
            log.append(db, "decision", {"writer": 2}, AT, DAY)
        done.set()

    thread = threading.Thread(target=second)
    with committed.begin() as db:
        log.append(db, "decision", {"writer": 1}, AT, DAY)
        thread.start()
        assert not done.wait(0.3)
    run([], [thread])
    with committed.connect() as db:
        assert [entry.body["writer"] for entry in log.entries(db)] == [1, 2]


def test_a_log_verifies_while_others_append_sign_and_anchor(
    committed: Engine, signer: FileSigner, anchors: Path
) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with committed.begin() as db:
                log.append(db, "decision", {}, AT, DAY)
                log.sign_head(db, signer, AT)
            with committed.begin() as db:
                log.anchor(db, anchors)

    with committed.begin() as db:
        log.anchor(db, anchors)
    writers = [threading.Thread(target=write) for _ in range(3)]
    for thread in writers:
        thread.start()
    try:
        for level in ["READ COMMITTED", "REPEATABLE READ"] * 10:
            with committed.connect().execution_options(isolation_level=level) as db:
                assert log.verify(db, signer.public, anchors).problems == ()
    finally:
        stop.set()
        run([], writers)


def run(start: list[threading.Thread], started: list[threading.Thread] | None = None) -> None:
    for thread in start:
        thread.start()
    for thread in [*start, *(started or [])]:
        thread.join(30)
        assert not thread.is_alive()
