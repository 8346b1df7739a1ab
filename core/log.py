"""The decision log: append-only, hash-chained, its head signed at intervals. Entries carry ids and salted digests only.

`append` and `sign_head` run in the caller's transaction; `anchor` comes after its commit. The chain's arithmetic is in
core/chain.py, the file that lives outside the database in core/anchors.py, a day as a file in core/log_export.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, DateTime, Row, Select, cast, func, select, update
from sqlalchemy import Connection as Db
from sqlalchemy.dialects.postgresql import insert

from core import anchors, blobs, log_export
from core.chain import GENESIS, Findings, Head, Link, Problem, Verdict, Walk, Witness, iso, text_hash
from core.errors import BadInput, LogBroken, NotFound
from core.signing import PublicKey, Signer, keyring
from core.store.tables import log_entry, log_head, log_tip

__all__ = [
    "ALL", "GENESIS", "Entry", "Filter", "Head", "Problem", "Verdict",
    "anchor", "append", "begin", "entries", "export", "show", "sign_head", "verify", "verify_export",
]  # fmt: skip

PERSONAL: Final = frozenset({"name", "phone", "email", "address", "text", "body", "lat", "lon", "photo"})
"""Names under which a body may carry nothing, at any depth: the belt for keeping personal data apart."""

ID = re.compile(r"[a-z]+_[0-9a-f]{20}")
KIND = re.compile(r"[a-z][a-z0-9_.-]*")
VERIFY: Final = "Run `doorstep log verify` for the whole list, and compare with a backup before anything is appended."

verify_export = log_export.verify


@dataclass(frozen=True, slots=True)
class Entry:
    seq: int
    day: date
    at: datetime
    kind: str
    body: dict[str, Any]
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries to read. `about` is the id of anything an entry names: a decision, case, order, person."""

    seq: int | None = None
    about: str | None = None
    kind: str | None = None
    day: date | None = None
    after: int = 0
    limit: int | None = None


ALL: Final = Filter()


def append(db: Db, kind: str, body: Mapping[str, Any], at: datetime, day: date) -> Entry:
    """Chain one entry to the end of the log. Locks the tip until the caller's transaction ends, so that two writers
    make one chain and a rollback leaves no gap."""
    text = _checked(kind, body, at)
    seq, prev = _lock_tip(db)
    link = Link(seq + 1, day.isoformat(), iso(at), kind, text_hash(text), prev, "")
    made = link.expected_hash()
    row = {"seq": link.seq, "day": day, "at": at, "kind": kind, "body": text, "prev": prev, "hash": made}
    db.execute(insert(log_entry).values(row))
    db.execute(update(log_tip).where(log_tip.c.id == 1).values(seq=link.seq, hash=made))
    return Entry(link.seq, day, datetime.fromisoformat(link.at), kind, json.loads(text), prev, made)


def sign_head(db: Db, signer: Signer, at: datetime) -> Head:
    """Sign the log as it stands, and with the last entry all before it. Signing the same entry again returns the
    signature that is there. Call `anchor` once the transaction has committed."""
    seq, tip_hash = _lock_tip(db)
    last = db.execute(_rows().where(log_entry.c.seq == seq)).one_or_none()
    if (_link(last).expected_hash() if last else GENESIS) != tip_hash:
        raise LogBroken(f"Entry {seq} is not the one that the log ended with, so it is not signed.", VERIFY)
    head = Head(seq, tip_hash, iso(at), signer.public.key_id)
    row = {"seq": seq, "hash": tip_hash, "at": at, "key_id": head.key_id, "signature": signer.sign(head.signed_bytes())}
    db.execute(insert(log_head).values(row).on_conflict_do_nothing())
    signed = _head(db.execute(_head_rows().where(log_head.c.seq == seq)).one())
    if signed.hash != tip_hash:
        raise LogBroken(f"Another hash was signed for entry {seq} before.", VERIFY)
    return signed


def begin(db: Db, path: Path) -> None:
    """Make the anchor file of a log that holds nothing yet: from then on a missing one is a finding."""
    if _tip(db)[0] == 0:
        anchors.append(path, ())


def anchor(db: Db, path: Path) -> int:
    """Copy signed heads that the anchor file has not yet; how many. Only in a transaction of its own, after the one
    that signed: a head that is anchored and then rolled back would look like a log cut short. A crash in between
    loses nothing, the next call catches up; call it once at start too."""
    return anchors.append(path, _heads(db, since=anchors.last_seq(path) + 1))


def verify(db: Db, keys: PublicKey | Iterable[PublicKey], anchor: Path | None = None) -> Verdict:
    """Walk the whole log and say what is wrong with it. Streams, and may run while others append; in a snapshot it
    must be the first to read."""
    found, ring = Findings(), keyring(keys)
    # In this order, what was read before the entries can only be behind them, never ahead.
    witnesses = []
    if anchor is not None and anchor.exists():
        witnesses.append(Witness("the anchor file", anchors.read(anchor, found), ring, found))
    elif anchor is not None:
        found.add(0, f"the anchor file {anchor} is missing: it can't be told whether the log was cut short.")
    witnesses.append(Witness("the table of heads", _heads(db), ring, found))
    tip = _tip(db)
    walk = Walk(found, witnesses=witnesses)
    count = 0
    for row in _stream(db, _rows().order_by(log_entry.c.seq)):
        count += 1
        walk.step(_link(row))
        if walk.seq == tip[0] and walk.hash != tip[1]:
            found.add(walk.seq, f"entry {walk.seq} is not the one that the log's tip names.")
    signed_to = walk.end()
    if walk.seq < tip[0]:
        found.add(walk.seq + 1, f"the log ends at entry {walk.seq}, but its tip is at {tip[0]}: the end was cut off.")
    elif walk.seq > tip[0] and (now := _tip(db)[0]) < walk.seq:
        found.add(now + 1, f"the log's tip is at entry {now}: those up to {walk.seq} were not written by appending.")
    problems = found.all()
    return Verdict(not problems, count, walk.hash, signed_to, problems)


def entries(db: Db, which: Filter = ALL) -> Iterator[Entry]:
    """Entries in order, streamed. Reads what is there; whether it is genuine is for `verify` to say."""
    with closing(_stream(db, _filtered(which))) as rows:
        for row in rows:
            try:
                body = json.loads(row.body)
                at, day = datetime.fromisoformat(row.at), date.fromisoformat(row.day)
            except ValueError as error:
                raise LogBroken(f"Entry {row.seq} was changed: it can't be read any more.", VERIFY) from error
            yield Entry(row.seq, day, at, row.kind, body, row.prev, row.hash)


def show(db: Db, is_erased: Callable[[str], bool], which: Filter = ALL) -> Iterator[dict[str, Any]]:
    """Entries for people to read: in their bodies, ids of erased persons read `erased`."""
    known: dict[str, bool] = {}

    def one(match: re.Match[str]) -> str:
        found = match.group()
        if found not in known:
            known[found] = is_erased(found)
        return "erased" if known[found] else found

    for entry in entries(db, which):
        row = {"seq": entry.seq, "day": entry.day.isoformat(), "at": iso(entry.at), "kind": entry.kind}
        yield {**row, "body": _replace_ids(entry.body, one), "prev": entry.prev, "hash": entry.hash}


def export(db: Db, day: date, signer: Signer) -> Iterator[bytes]:
    """A day's entries as the lines of a file that `verify_export` checks without the database."""
    of_day = select(func.min(log_entry.c.seq), func.max(log_entry.c.seq)).where(log_entry.c.day == day)
    first, last = db.execute(of_day).one()
    if first is None:
        raise NotFound(f"The log has no entry of {day}.", "`doorstep log show` lists the days it has.")
    rows = _rows().where(log_entry.c.seq.between(first, last)).order_by(log_entry.c.seq)
    return _export(_stream(db, rows), day, signer)


def _export(rows: Generator[Row[Any], None, None], day: date, signer: Signer) -> Iterator[bytes]:
    with closing(rows):
        yield from log_export.write(day.isoformat(), (dict(row._mapping) for row in rows), signer)


def _checked(kind: str, body: Mapping[str, Any], at: datetime) -> str:
    """The body as the text that is stored, if all is fit to be."""
    if not KIND.fullmatch(kind):
        raise BadInput(f"{kind!r} is not a kind of entry.", "Use lower-case words joined by dots.", field="kind")
    if at.tzinfo is None:
        raise BadInput("The time has no time zone.", "Pass an aware datetime.", field="at")
    text = blobs.encode(dict(body)).decode()
    _refuse_personal(json.loads(text))
    return text


def _refuse_personal(body: dict[str, Any]) -> None:
    left: list[tuple[str, Any]] = [("body", body)]
    while left:
        where, value = left.pop()
        if isinstance(value, list):
            left.extend((f"{where}[{number}]", item) for number, item in enumerate(value))
        elif isinstance(value, dict):
            for key, item in value.items():
                if key.lower() in PERSONAL:
                    raise BadInput(
                        f"The log takes no personal data, and {key!r} is a name for some.",
                        "Keep it in a row of its own; log the person's id or a salted digest.",
                        field=f"{where}.{key}",
                    )
                left.append((f"{where}.{key}", item))


def _replace_ids(value: Any, one: Callable[[re.Match[str]], str]) -> Any:
    # Ids stand alone and inside others (an effect's key names its target), as values and as keys.
    if isinstance(value, str):
        return ID.sub(one, value)
    if isinstance(value, list):
        return [_replace_ids(item, one) for item in value]
    if isinstance(value, dict):
        return {ID.sub(one, key): _replace_ids(item, one) for key, item in value.items()}
    return value


def _lock_tip(db: Db) -> tuple[int, str]:
    tip = _tip_row(db, lock=True)
    if tip is not None:
        return tip.seq, tip.hash
    # The first append ever. Another first one may be under way: this waits for it.
    first = insert(log_tip).values(id=1, seq=0, hash=GENESIS).on_conflict_do_nothing().returning(log_tip.c.id)
    if db.execute(first).first() and db.execute(select(log_entry.c.seq).limit(1)).first():
        raise LogBroken("The log has entries, but the row that names its last one is gone.", VERIFY)
    return _tip(db, lock=True)


def _tip(db: Db, *, lock: bool = False) -> tuple[int, str]:
    tip = _tip_row(db, lock=lock)
    return (0, GENESIS) if tip is None else (tip.seq, tip.hash)


def _tip_row(db: Db, *, lock: bool) -> Row[int, str] | None:
    row = select(log_tip.c.seq, log_tip.c.hash).where(log_tip.c.id == 1)
    return db.execute(row.with_for_update() if lock else row).one_or_none()


def _rows() -> Select[Any]:
    """Entries as the text that is hashed. PostgreSQL spells the times, so that a row that was changed to one that
    Python has no value for is a finding and not a crash."""
    t = log_entry.c
    day = _spelled(cast(t.day, DateTime), "YYYY-MM-DD").label("day")
    return select(t.seq, day, _utc(t.at).label("at"), t.kind, t.body, t.prev, t.hash)


def _utc(at: ColumnElement[Any]) -> ColumnElement[str]:
    return _spelled(func.timezone("UTC", at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')


def _spelled(at: ColumnElement[Any], pattern: str) -> ColumnElement[str]:
    return func.coalesce(func.to_char(at, pattern), "infinity")


def _filtered(which: Filter) -> Select[Any]:
    t = log_entry.c
    rows = _rows().where(t.seq > which.after).order_by(t.seq).limit(which.limit)
    if which.seq is not None:
        rows = rows.where(t.seq == which.seq)
    if which.kind is not None:
        rows = rows.where(t.kind == which.kind)
    if which.day is not None:
        rows = rows.where(t.day == which.day)
    if which.about is not None:
        rows = rows.where(t.body.contains(blobs.encode(which.about).decode(), autoescape=True))
    return rows


def _link(row: Row[Any]) -> Link:
    return Link(row.seq, row.day, row.at, row.kind, text_hash(row.body), row.prev, row.hash)


def _heads(db: Db, since: int = 0) -> Iterator[Head]:
    rows = _head_rows().where(log_head.c.seq >= since).order_by(log_head.c.seq)
    return map(_head, _stream(db, rows))


def _stream(db: Db, rows: Select[Any]) -> Generator[Row[Any], None, None]:
    """Rows by a cursor in the server, a few hundred at a time, as they were when the first was asked for."""
    with db.execute(rows, execution_options={"yield_per": 500}) as found:
        yield from found


def _head_rows() -> Select[Any]:
    t = log_head.c
    return select(t.seq, t.hash, _utc(t.at).label("at"), t.key_id, t.signature)


def _head(row: Row[Any]) -> Head:
    return Head(row.seq, row.hash, row.at, row.key_id, row.signature)
