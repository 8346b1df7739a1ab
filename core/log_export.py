"""One day of the log as a file that proves itself: JSON lines of a header, the entries, and a signed footer.

Days interleave in the log (tomorrow is planned today), so an entry of another day between two of this one is passed
through without its body: its place in the chain and its day are proved all the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from core import canonical
from core.chain import GENESIS, Findings, Verdict, Walk, read_link
from core.errors import LogBroken
from core.signing import PublicKey, Signer, keyring

FORMAT: Final = "doorstep-log/1"
FOOTER: Final = {"entries", "hash", "key_id", "seq", "sha256", "signature"}


def write(day: str, rows: Iterable[Mapping[str, Any]], signer: Signer) -> Iterator[bytes]:
    """The lines of a day's file from the rows of the log, first to last of that day. A chain that does not hold is
    not signed: the file then ends without a footer."""
    found, lines, count = Findings(), hashlib.sha256(), 0
    walk: Walk | None = None
    for row in rows:
        link = read_link(row)
        if walk is None:
            walk = Walk(found, link.seq - 1, link.prev)
            yield _add(lines, _header(day, link.seq, link.prev, signer.public))
        walk.step(link)
        for problem in found.all():
            raise LogBroken(f"The log can't be exported: {problem.what}", "Run `doorstep log verify` for the rest.")
        mine = link.day == day
        count += mine
        hidden = {**{name: row[name] for name in row if name != "body"}, "body_hash": link.body_hash}
        yield _add(lines, dict(row) if mine else hidden)
    if walk is not None:
        yield footer(day, walk.seq, walk.hash, count, lines.hexdigest(), signer)


def footer(day: str, seq: int, last: str, entries: int, sha256: str, signer: Signer) -> bytes:
    """The last line: a signature over the hash of the file's last entry, and over every byte before this line."""
    signed = {"seq": seq, "hash": last, "entries": entries, "sha256": sha256, "key_id": signer.public.key_id}
    signature = signer.sign(canonical.dumps({**signed, "day": day, "format": FORMAT}))
    return canonical.dumps({**signed, "signature": signature}) + b"\n"


def verify(lines: Iterable[bytes], keys: PublicKey | Iterable[PublicKey]) -> Verdict:
    """Check a file against public keys that the reader trusts. The key in its header is not one: it only tells which
    to look for."""
    reading = _Reading(keyring(keys))
    for number, line in enumerate(lines, 1):
        reading.line(number, line)
    return reading.verdict()


class _Reading:
    """A file as it is read, line by line."""

    def __init__(self, keys: Mapping[str, PublicKey]) -> None:
        self._keys = keys
        self._found = Findings()
        self._lines = hashlib.sha256()
        self._walk = Walk(self._found)
        self._day: str | None = None
        self._entries = 0
        self._footer: dict[str, Any] | None = None
        self._signed_to = 0

    def line(self, number: int, line: bytes) -> None:
        # A JSON line holds no bare newline, so only its last byte can be one.
        text = line.removesuffix(b"\n")
        try:
            row = json.loads(text)
            if self._footer is not None:
                self._found.add(self._walk.seq, f"line {number} comes after the signed footer.")
            elif self._day is None:
                self._read_header(row)
            elif "signature" in row:
                self._read_footer(row, text)
            else:
                self._read_entry(row)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._found.add(self._walk.seq, f"line {number} can't be read as {self._due()}.")
        if self._footer is None:
            self._lines.update(text + b"\n")

    def verdict(self) -> Verdict:
        if self._footer is None:
            self._found.add(self._walk.seq, "the file ends without its signed footer: it was cut off.")
        problems = self._found.all()
        return Verdict(not problems, self._entries, self._walk.hash, self._signed_to, problems)

    def _due(self) -> str:
        return "a header" if self._day is None else "an entry or a footer"

    def _read_header(self, row: dict[str, Any]) -> None:
        if row["format"] != FORMAT:
            self._found.add(0, f"the file is not in the format {FORMAT}.")
        first, prev, day = row["first_seq"], row["first_prev"], row["day"]
        if not (isinstance(first, int) and isinstance(prev, str) and isinstance(day, str)):
            raise ValueError("a header with fields of other types")
        if first == 1 and prev != GENESIS:
            self._found.add(1, "the header's first_prev is not what the first entry of a log follows.")
        self._walk = Walk(self._found, first - 1, prev)
        self._day = day

    def _read_entry(self, row: dict[str, Any]) -> None:
        link = read_link(row)
        shown = "body" in row
        self._walk.step(link)
        self._entries += shown
        if shown and link.day != self._day:
            self._found.add(link.seq, f"entry {link.seq} is of day {link.day}, but the file's day is {self._day}.")
        if not shown and link.day == self._day:
            self._found.add(link.seq, f"entry {link.seq} is of the file's day, but its body was left out.")

    def _read_footer(self, row: dict[str, Any], text: bytes) -> None:
        self._footer = row
        seq = self._walk.seq
        if row.keys() != FOOTER or canonical.dumps(row) != text:
            self._found.add(seq, "the footer is not written the way it was signed.")
        if (row["seq"], row["hash"]) != (seq, self._walk.hash):
            self._found.add(seq, f"the signed footer is for entry {row['seq']}, but the file ends at entry {seq}.")
        if row["entries"] != self._entries:
            self._found.add(seq, f"the footer counts {row['entries']} entries of the day; {self._entries} are here.")
        if row["sha256"] != self._lines.hexdigest():
            self._found.add(seq, "the file's bytes are not the ones that were signed.")
        wrong = self._wrong_signature(row)
        if wrong:
            self._found.add(seq, wrong)
        else:
            self._signed_to = seq

    def _wrong_signature(self, row: dict[str, Any]) -> str:
        key = self._keys.get(row["key_id"])
        if key is None:
            return f"the file is signed by another key: {row['key_id']} is not among the keys it is checked with."
        signed = {name: row[name] for name in FOOTER - {"signature"}}
        if not key.verifies(row["signature"], canonical.dumps({**signed, "day": self._day, "format": FORMAT})):
            return f"the footer was changed or forged: its signature is not by key {row['key_id']}."
        return ""


def _header(day: str, seq: int, prev: str, key: PublicKey) -> dict[str, Any]:
    start = {"format": FORMAT, "day": day, "first_seq": seq, "first_prev": prev}
    return {**start, "key_id": key.key_id, "public_key": key.raw.hex()}


def _add(lines: hashlib._Hash, row: dict[str, Any]) -> bytes:
    line = canonical.dumps(row) + b"\n"
    lines.update(line)
    return line
