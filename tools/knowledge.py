"""The index over notes (playbooks, site notes, precedents): which of them are near to a question.

Chroma holds the index and is imported here only; the notes themselves live elsewhere, so any process can rebuild it.
What a search returns is text with a source, never an instruction. The vectors are lexical: hashed words and letter
groups, computed here. Chroma's own default would download a model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

import prompts
from core import canonical
from core.errors import BadInput, Misconfigured, Unavailable
from core.settings import settings

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

DIMENSIONS = 1024
COLLECTION = "doorstep-notes"
_BATCH = 500


class Note(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    text: str
    source: str


class Hit(BaseModel):
    """A note that a search found. `distance` is 0 for the same words and 1 for nothing in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    text: str
    source: str
    distance: float


class KnowledgeIndex:
    def __init__(self, client: ClientAPI, collection: str = COLLECTION) -> None:
        self._client = client
        self._name = collection

    def rebuild(self, notes: Iterable[Note]) -> int:
        """Replace the index by these notes; returns how many."""
        kept = sorted(notes, key=lambda note: note.id)
        if len({note.id for note in kept}) != len(kept):
            raise BadInput("two notes have the same id", "Give each an id of its own.", field="notes")
        with _answering():
            if self._name in {c.name for c in self._client.list_collections()}:
                self._client.delete_collection(self._name)
            collection = self._collection()
            for at in range(0, len(kept), _BATCH):
                batch = kept[at : at + _BATCH]
                collection.add(
                    ids=[note.id for note in batch],
                    documents=[note.text for note in batch],
                    metadatas=[{"source": note.source} for note in batch],
                    embeddings=[vector(note.text) for note in batch],
                )
        return len(kept)

    def search(self, query: str, k: int = 4) -> tuple[Hit, ...]:
        """The nearest notes, nearest first, of equals the first by id; none when nothing has been indexed."""
        if k < 1 or not query.strip():
            return ()
        with _answering():
            collection = self._collection()
            count = min(k, collection.count())
            if count == 0:
                return ()
            found = collection.query(query_embeddings=[vector(query)], n_results=count)
        return tuple(sorted(_hits(found), key=lambda hit: (hit.distance, hit.id)))

    def _collection(self) -> Any:
        return self._client.get_or_create_collection(
            self._name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )


def connect(url: str = "") -> ClientAPI:
    """A client of the server at `url`, or an index inside this process. Sends no telemetry."""
    import chromadb
    from chromadb.config import Settings

    quiet = Settings(anonymized_telemetry=False)
    if not url:
        return chromadb.EphemeralClient(settings=quiet)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Misconfigured(f"{url!r} is no address", "Write it as http://HOST:PORT.", field="CHROMA_URL")
    port = parts.port or (443 if parts.scheme == "https" else 8000)
    with _answering():
        return chromadb.HttpClient(host=parts.hostname, port=port, ssl=parts.scheme == "https", settings=quiet)


def playbook_notes() -> tuple[Note, ...]:
    """The standard procedures that ship, a note a numbered step, each with its title."""
    return tuple(note for name in prompts.names() if name.startswith("playbooks/") for note in _steps(name))


def vector(text: str) -> NDArray[np.float32]:
    """A text as a point: counts of words (twice as heavy) and of letter groups of 3 and 4, hashed, of length 1."""
    sums = np.zeros(DIMENSIONS, dtype=np.float64)
    for token, weight in _tokens(text):
        hashed = int.from_bytes(hashlib.blake2b(token.encode(), digest_size=8).digest(), "big")
        sums[hashed % DIMENSIONS] += weight if hashed >> 63 else -weight
    length = float(np.sqrt((sums * sums).sum()))
    return (sums / length if length else sums).astype(np.float32)


def _tokens(text: str) -> Iterator[tuple[str, float]]:
    for word in re.findall(r"\w+", text.casefold()):
        yield f"w:{word}", 2.0
        padded = f"<{word}>"
        for size in (3, 4):
            for at in range(len(padded) - size + 1):
                yield f"{size}:{padded[at : at + size]}", 0.5


def _steps(name: str) -> Iterator[Note]:
    text = prompts.read(name)
    title = text.splitlines()[0].lstrip("# ")
    for step in re.split(r"\n(?=\d+\. )|\n\n", text)[1:]:
        plain = " ".join(step.split())
        yield Note(id=canonical.short("note", name, plain), text=f"{title}: {plain}", source=f"prompts/{name}")


def _hits(found: Any) -> Iterator[Hit]:
    rows = zip(found["ids"][0], found["documents"][0], found["metadatas"][0], found["distances"][0], strict=True)
    for id_, text, metadata, distance in rows:
        yield Hit(id=id_, text=text, source=str(metadata["source"]), distance=round(float(distance), 6))


@contextmanager
def _answering() -> Iterator[None]:
    """Chroma's failures as ours: the index is down, the notes are not lost."""
    try:
        yield
    except Exception as error:  # its client raises a dozen kinds, from itself and from three libraries below
        what = f"the knowledge index does not answer ({type(error).__name__})"
        fix = "Check CHROMA_URL, and NO_PROXY when a proxy is set; `rebuild` makes the index anew."
        raise Unavailable(what, fix, field="CHROMA_URL") from error


@cache
def index() -> KnowledgeIndex:
    """The playbooks, indexed once a process: the index can be rebuilt from them at any time."""
    made = KnowledgeIndex(connect(settings().chroma_url))
    made.rebuild(playbook_notes())
    return made
