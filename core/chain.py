"""The hash chain of the log without a database: links, signed heads, and the walk that checks them one at a time.

The same walk serves the tables (core/log.py) and an exported file (core/log_export.py). It never raises on bad data and
never holds more than one link: what is wrong becomes a `Problem` with the entry's number and a sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from core import canonical
from core.signing import PublicKey

GENESIS: Final = "0" * 64
"""What the first entry follows."""

MOST_PROBLEMS = 100
NEAR_ENTRIES = 1000
NEAR_DAYS = 366


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as the text that its hash is made of. The hash covers the body by the body's own hash, so that an
    export can pass through an entry of another day, proving its place in the chain without showing its body."""

    seq: int
    day: str
    at: str
    kind: str
    body_hash: str
    prev: str
    hash: str

    def expected_hash(self) -> str:
        row = {"seq": self.seq, "day": self.day, "at": self.at, "kind": self.kind}
        return canonical.digest({**row, "body": self.body_hash, "prev": self.prev})


@dataclass(frozen=True, slots=True)
class Head:
    """A signature over the hash of entry `seq`, and so over everything before it."""

    seq: int
    hash: str
    at: str
    key_id: str
    signature: str = ""

    def signed_bytes(self) -> bytes:
        return canonical.dumps({"seq": self.seq, "hash": self.hash, "at": self.at, "key_id": self.key_id})


@dataclass(frozen=True, slots=True)
class Problem:
    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`head` is the hash of the last entry, `signed_to` the last entry that a good signature covers: what comes after
    it is chained but not yet signed."""

    ok: bool
    entries: int
    head: str
    signed_to: int
    problems: tuple[Problem, ...]


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def iso(at: datetime) -> str:
    """UTC with all six decimals and Z: one spelling for one moment, whatever zone the database session is in."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Findings:
    """What is wrong so far. A log that is wrong everywhere must not fill memory: the first hundred are kept."""

    def __init__(self) -> None:
        self._kept: list[Problem] = []
        self._more = 0

    def add(self, seq: int, what: str) -> None:
        if self.full:
            self._more += 1
        else:
            self._kept.append(Problem(seq, what))

    @property
    def full(self) -> bool:
        return len(self._kept) >= MOST_PROBLEMS

    def all(self) -> tuple[Problem, ...]:
        if not self._more:
            return tuple(self._kept)
        return (*self._kept, Problem(self._kept[-1].seq, f"{self._more} more problems are not listed."))


class Walk:
    """Walks a chain link by link, and holds the links it passes against the heads that `witnesses` signed."""

    def __init__(self, found: Findings, seq: int = 0, prev: str = GENESIS, witnesses: Iterable[Witness] = ()) -> None:
        self._found = found
        self._witnesses = tuple(witnesses)
        self.seq = seq
        self.hash = prev
        self._hashes = {prev}
        self._meet()

    def step(self, link: Link) -> None:
        expected = link.expected_hash()
        if link.hash != expected:
            self._found.add(link.seq, self._what_changed(link))
        if link.seq <= self.seq:
            self._found.add(
                link.seq, f"entry {link.seq} comes after entry {self.seq}: entries were reordered or repeated."
            )
            return
        if link.seq > self.seq + 1:
            self._found.add(self.seq + 1, f"{_entries(self.seq + 1, link.seq - 1)} missing.")
        elif link.prev not in self._hashes:
            self._found.add(
                link.seq, f"entry {link.seq} does not follow entry {self.seq}: its prev is not that entry's hash."
            )
        self.seq, self.hash = link.seq, link.hash
        # Where the two differ it has been reported; its neighbours are judged by the one that was not changed.
        self._hashes = {link.hash, expected}
        self._meet()

    def end(self) -> int:
        """The chain is over. Heads that are left cover entries that are gone. Returns how far it is signed."""
        for witness in self._witnesses:
            witness.end(self.seq)
        return max((witness.signed_to for witness in self._witnesses), default=0)

    def _meet(self) -> None:
        for witness in self._witnesses:
            witness.meet(self.seq, self._hashes)

    def _what_changed(self, link: Link) -> str:
        """Which column it was, where trying the likely values can tell."""
        if not self._found.full:
            if replace(link, prev=self.hash).expected_hash() == link.hash:
                return f"entry {link.seq}: its prev was changed."
            for seq in range(max(1, link.seq - NEAR_ENTRIES), link.seq + NEAR_ENTRIES + 1):
                if replace(link, seq=seq).expected_hash() == link.hash:
                    return f"entry {link.seq} was written as entry {seq}: entries were reordered or renumbered."
            for day in _days_near(link.day):
                if replace(link, day=day).expected_hash() == link.hash:
                    return f"entry {link.seq} was written for day {day} and now says {link.day}: its day was swapped."
        return f"entry {link.seq} was changed: its day, at, kind, body and prev no longer give its hash."


class Witness:
    """Signed heads from one place, in rising seq, held against the chain as it goes by."""

    def __init__(self, place: str, heads: Iterator[Head], keys: Mapping[str, PublicKey], found: Findings) -> None:
        self.place = place
        self._heads = heads
        self._keys = keys
        self._found = found
        self._last = -1
        self._coming = self._next_good()
        self.signed_to = 0

    def meet(self, seq: int, hashes: set[str]) -> None:
        while self._coming is not None and self._coming.seq <= seq:
            head, self._coming = self._coming, self._next_good()
            if head.seq < seq:
                continue  # its entry is missing, which the walk has said
            if head.hash in hashes:
                self.signed_to = seq
            else:
                self._found.add(seq, f"entry {seq} is not the one whose hash was signed in {self.place}.")

    def end(self, last: int) -> None:
        newest = self._coming
        while (head := self._next_good()) is not None:
            newest = head
        if newest is not None:
            self._found.add(
                last + 1,
                f"the log ends at entry {last}, but entry {newest.seq} was signed in {self.place}: "
                f"{_entries(last + 1, newest.seq)} cut off.",
            )

    def _next_good(self) -> Head | None:
        for head in self._heads:
            if head.seq < self._last:
                self._found.add(head.seq, f"the signed head of entry {head.seq} is out of order in {self.place}.")
            elif (wrong := self._wrong(head)) is not None:
                self._found.add(head.seq, f"the signed head of entry {head.seq} in {self.place} {wrong}")
            else:
                self._last = head.seq
                return head
        return None

    def _wrong(self, head: Head) -> str | None:
        key = self._keys.get(head.key_id)
        if key is None:
            return f"is signed by another key: {head.key_id} is not among the keys it is checked with."
        if not key.verifies(head.signature, head.signed_bytes()):
            return f"was changed or forged: its signature is not by key {head.key_id}."
        return None


def read_head(row: Mapping[str, Any]) -> Head:
    """A head from JSON. Raises ValueError unless every field is there and of its type."""
    texts = [row.get(name) for name in ("hash", "at", "key_id", "signature")]
    return Head(_number(row.get("seq")), *(_text(text) for text in texts))


def read_link(row: Mapping[str, Any]) -> Link:
    """A link from JSON, with its body or only the body's hash. Raises ValueError as `read_head` does."""
    body_hash = text_hash(_text(row["body"])) if "body" in row else _text(row.get("body_hash"))
    day, at, kind, prev, stored = (_text(row.get(name)) for name in ("day", "at", "kind", "prev", "hash"))
    return Link(_number(row.get("seq")), day, at, kind, body_hash, prev, stored)


def _number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("a number is missing")


def _text(value: object) -> str:
    if isinstance(value, str):
        value.encode()  # half of a surrogate pair has no bytes to hash: UnicodeEncodeError is a ValueError
        return value
    raise ValueError("a text is missing")


def _entries(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"


def _days_near(day: str) -> Iterator[str]:
    try:
        middle = date.fromisoformat(day)
    except ValueError:
        return
    for distance in range(1, NEAR_DAYS + 1):
        for sign in (-1, 1):
            try:
                yield (middle + timedelta(days=sign * distance)).isoformat()
            except OverflowError:
                continue
