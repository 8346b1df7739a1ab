from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core import anchors
from core.chain import Findings, Head


def head(seq: int) -> Head:
    return Head(seq, f"{seq:064x}", "2025-05-01T08:00:00.000000Z", "56475aa75463474c", "ab" * 64)


def read(path: Path) -> tuple[list[int], list[str]]:
    found = Findings()
    seqs = [item.seq for item in anchors.read(path, found)]
    return seqs, [problem.what for problem in found.all()]


def test_heads_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    anchors.append(path, [head(5), head(10)])
    assert list(anchors.read(path, Findings())) == [head(5), head(10)]


def test_only_heads_newer_than_the_last_are_added(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    assert anchors.append(path, [head(5), head(10)]) == 2
    assert anchors.append(path, [head(5), head(10), head(12)]) == 1
    assert anchors.append(path, []) == 0
    assert read(path) == ([5, 10, 12], [])


def test_the_file_is_made_before_there_is_a_head(tmp_path: Path) -> None:
    path = tmp_path / "new" / "anchors.jsonl"
    anchors.append(path, [])
    assert path.exists()
    assert anchors.last_seq(path) == -1


def test_the_head_of_an_empty_log_is_anchored(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    assert anchors.append(path, [head(0)]) == 1
    assert anchors.last_seq(path) == 0


@pytest.mark.parametrize("left", [1, 40, 150])
def test_a_line_torn_by_a_crash_is_cut_off_and_written_again(tmp_path: Path, left: int) -> None:
    path = tmp_path / "anchors.jsonl"
    anchors.append(path, [head(5), head(10)])
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    path.write_bytes(whole[: first + left])
    assert read(path) == ([5], [])
    assert anchors.append(path, [head(5), head(10)]) == 1
    assert path.read_bytes() == whole


def test_a_file_whose_only_line_is_torn_starts_again(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    path.write_bytes(b'{"seq":')
    assert anchors.append(path, [head(5)]) == 1
    assert read(path) == ([5], [])


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b'"x"\n', b"\xff\n", b'{"seq":"5"}\n', b"[" * 5000 + b"\n"])
def test_a_damaged_line_is_named_by_its_number(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "anchors.jsonl"
    anchors.append(path, [head(5)])
    with path.open("ab") as file:
        file.write(line)
    seqs, problems = read(path)
    assert seqs == [5]
    assert problems == [f"line 2 of the anchor file {path} can't be read as a signed head."]


def test_heads_added_while_the_file_is_read_are_left_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    anchors.append(path, [head(5)])
    reading = anchors.read(path, Findings())
    anchors.append(path, [head(10)])
    assert [item.seq for item in reading] == [5]


def test_two_writers_make_one_file(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"

    def write() -> None:
        for last in range(1, 30):
            anchors.append(path, [head(seq) for seq in range(1, last + 1)])

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(path) == (list(range(1, 30)), [])
