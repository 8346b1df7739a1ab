"""The knowledge index: finds the right procedure, is rebuilt to the same, and asks nobody outside."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput, Misconfigured, Unavailable
from tools.knowledge import KnowledgeIndex, Note, connect, playbook_notes, vector

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def index() -> Callable[[str], KnowledgeIndex]:
    client = connect()
    return lambda name: KnowledgeIndex(client, f"test-{name}")


def test_a_question_finds_the_procedure_that_answers_it(index: Callable[[str], KnowledgeIndex]) -> None:
    ours = index("playbooks")
    assert ours.rebuild(playbook_notes()) == len(playbook_notes()) > 8
    [hit] = ours.search("how often may a promise be retold in one day?", 1)
    assert "re-told at most twice a day" in hit.text
    assert hit.source == "prompts/playbooks/predicted_late.md"
    [hit] = ours.search("what if attempts failed two times in a row", 1)
    assert "Two failed attempts" in hit.text


def test_rebuilding_replaces_what_was_there_and_gives_the_same(index: Callable[[str], KnowledgeIndex]) -> None:
    ours = index("rebuilt")
    ours.rebuild([Note(id="old", text="gate code is on the left", source="a")])
    ours.rebuild(playbook_notes())
    before = ours.search("gate code", 100)
    assert "old" not in {hit.id for hit in before}
    ours.rebuild(reversed(playbook_notes()))
    assert ours.search("gate code", 100) == before


def test_hits_come_nearest_first_and_equal_ones_by_id(index: Callable[[str], KnowledgeIndex]) -> None:
    ours = index("order")
    twins = [Note(id=name, text="ring the bell", source=name) for name in ("c", "a", "b")]
    ours.rebuild([*twins, Note(id="d", text="leave it with the concierge", source="d")])
    hits = ours.search("ring the bell", 4)
    assert [hit.id for hit in hits] == ["a", "b", "c", "d"]
    assert hits[0].distance == pytest.approx(0, abs=1e-5)
    assert hits[3].distance > 0.5


def test_an_empty_index_or_question_has_no_hits(index: Callable[[str], KnowledgeIndex]) -> None:
    ours = index("empty")
    assert ours.search("anything") == ()
    assert ours.rebuild([]) == 0
    assert ours.search("anything") == ()
    ours.rebuild([Note(id="a", text="x", source="s")])
    assert ours.search("  ") == ours.search("x", 0) == ()
    assert len(ours.search("x", 99)) == 1


def test_two_notes_with_one_id_are_refused(index: Callable[[str], KnowledgeIndex]) -> None:
    note = Note(id="a", text="x", source="s")
    with pytest.raises(BadInput):
        index("twice").rebuild([note, note])


@given(st.text())
def test_a_vector_is_of_length_one_and_always_the_same(text: str) -> None:
    made = vector(text)
    assert np.array_equal(made, vector(text))
    length = float(np.linalg.norm(made.astype(np.float64)))
    assert length == pytest.approx(1, abs=1e-5) or (length == 0 and not any(c.isalnum() or c == "_" for c in text))


def test_a_misspelt_word_is_nearer_than_another_word() -> None:
    near, far = vector("concierge") @ vector("conceirge"), vector("concierge") @ vector("warehouse")
    assert near > far + 0.2


OFFLINE = """
import sys
def only_loopback(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "urllib.Request"):
        print("NETWORK", event, arguments[1:], flush=True)
        raise RuntimeError("network")
sys.addaudithook(only_loopback)
from tools.knowledge import KnowledgeIndex, connect, playbook_notes
index = KnowledgeIndex(connect())
print(index.rebuild(playbook_notes()), [hit.id for hit in index.search("another day", 2)])
"""


def test_it_needs_no_network_no_home_and_no_model(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, env=env, cwd=tmp_path, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "NETWORK" not in run.stdout
    assert run.stdout.startswith(str(len(playbook_notes())))
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://"])
def test_a_bad_address_is_named(url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        connect(url)
    assert caught.value.field == "CHROMA_URL"


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        connect("http://127.0.0.1:9")
