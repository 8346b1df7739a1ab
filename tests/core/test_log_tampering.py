from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from core import log
from core.chain import iso, read_link
from core.log import Verdict
from core.signing import FileSigner, load_or_create
from core.store.tables import log_entry, log_head, log_tip
from tests.core.a_log import AT, DAY, OTHER_SEED, SEED, clear, fill, said, tamper


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return load_or_create(tmp_path / "keys", SEED)


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "anchors.jsonl"


@pytest.fixture
def empty(db: Connection) -> Connection:
    """The database with an empty log, until the test's transaction is rolled back."""
    return clear(db)


@pytest.fixture
def ten(db: Connection, signer: FileSigner, anchors: Path) -> Connection:
    return fill(db, signer, anchors)


def test_an_untouched_log_verifies(ten: Connection, signer: FileSigner, anchors: Path) -> None:
    last = log.append(ten, "decision", {}, AT, DAY)
    verdict = log.verify(ten, signer.public, anchors)
    assert verdict == Verdict(ok=True, entries=11, head=last.hash, signed_to=10, problems=())


def test_an_empty_log_verifies(empty: Connection, signer: FileSigner) -> None:
    assert log.verify(empty, signer.public) == Verdict(True, 0, log.GENESIS, 0, ())


def test_a_log_signed_before_and_after_a_rotation_verifies_with_both_keys(
    ten: Connection, signer: FileSigner, anchors: Path, tmp_path: Path
) -> None:
    new = load_or_create(tmp_path / "keys", OTHER_SEED)
    log.append(ten, "decision", {}, AT, DAY)
    log.sign_head(ten, new, AT)
    log.anchor(ten, anchors)
    assert log.verify(ten, [signer.public, new.public], anchors).ok
    assert not log.verify(ten, new.public, anchors).ok


CUT = "DELETE FROM log_entry WHERE seq > 7; "
CUT_TIP = "UPDATE log_tip SET seq = 7, hash = (SELECT hash FROM log_entry WHERE seq = 7); "
CUT_HEADS = "DELETE FROM log_head WHERE seq > 7; "
GONE = "the log ends at entry 7, but entry 10 was signed in {}: entries 8 to 10 are cut off."
CHANGED = "entry 4 was changed: its day, at, kind, body and prev no longer give its hash."
SWAP = (
    "UPDATE log_entry SET seq = -4 WHERE seq = 4; UPDATE log_entry SET seq = 4 WHERE seq = 6;"
    "UPDATE log_entry SET seq = 6 WHERE seq = -4"
)
HEAD = "the signed head of entry {} in the table of heads "
FORGED = HEAD + "was changed or forged: its signature is not by key 56475aa75463474c."
OTHER = HEAD + "is signed by another key: {} is not among the keys it is checked with."
NOT_AFTER = "entry {} does not follow entry {}: its prev is not that entry's hash."

TAMPERS: list[tuple[str, str, list[tuple[int, str]]]] = [
    ("a byte of a body", "UPDATE log_entry SET body = replace(body, 'ord_4', 'ord_5') WHERE seq = 4", [(4, CHANGED)]),
    ("a blank in a body", "UPDATE log_entry SET body = body || ' ' WHERE seq = 4", [(4, CHANGED)]),
    ("no JSON in a body", "UPDATE log_entry SET body = '{' WHERE seq = 4", [(4, CHANGED)]),
    ("a kind", "UPDATE log_entry SET kind = 'plam' WHERE seq = 4", [(4, CHANGED)]),
    ("a microsecond", "UPDATE log_entry SET at = at + interval '1 microsecond' WHERE seq = 4", [(4, CHANGED)]),
    ("a time that Python has not", "UPDATE log_entry SET at = 'infinity' WHERE seq = 4", [(4, CHANGED)]),
    ("a day that Python has not", "UPDATE log_entry SET day = 'infinity' WHERE seq = 4", [(4, CHANGED)]),
    (
        "a swapped day",
        "UPDATE log_entry SET day = day + 1 WHERE seq = 4",
        [(4, "entry 4 was written for day 2025-05-01 and now says 2025-05-02: its day was swapped.")],
    ),
    (
        "a prev",
        "UPDATE log_entry SET prev = repeat('f', 64) WHERE seq = 4",
        [(4, "entry 4: its prev was changed."), (4, NOT_AFTER.format(4, 3))],
    ),
    ("a hash", "UPDATE log_entry SET hash = repeat('f', 64) WHERE seq = 4", [(4, CHANGED)]),
    (
        "a hash that was signed",
        "UPDATE log_entry SET hash = repeat('f', 64) WHERE seq = 5",
        [(5, CHANGED.replace("4", "5"))],
    ),
    (
        "a number",
        "UPDATE log_entry SET seq = 14 WHERE seq = 10",
        [
            (14, "entry 14 was written as entry 10: entries were reordered or renumbered."),
            (10, "entries 10 to 13 are missing."),
            (11, "the log's tip is at entry 10: those up to 14 were not written by appending."),
        ],
    ),
    (
        "two entries reordered",
        SWAP,
        [
            (4, "entry 4 was written as entry 6: entries were reordered or renumbered."),
            (4, NOT_AFTER.format(4, 3)),
            (5, NOT_AFTER.format(5, 4)),
            (6, "entry 6 was written as entry 4: entries were reordered or renumbered."),
            (6, NOT_AFTER.format(6, 5)),
            (7, NOT_AFTER.format(7, 6)),
        ],
    ),
    ("one missing in the middle", "DELETE FROM log_entry WHERE seq = 4", [(4, "entry 4 is missing.")]),
    ("the first ones missing", "DELETE FROM log_entry WHERE seq < 4", [(1, "entries 1 to 3 are missing.")]),
    (
        "a signed one missing",
        "DELETE FROM log_entry WHERE seq IN (4, 5)",
        [(4, "entries 4 to 5 are missing.")],
    ),
    (
        "the end cut off",
        CUT,
        [
            (8, GONE.format("the table of heads")),
            (8, GONE.format("the anchor file")),
            (8, "the log ends at entry 7, but its tip is at 10: the end was cut off."),
        ],
    ),
    (
        "the end and the tip cut off",
        CUT + CUT_TIP,
        [(8, GONE.format("the table of heads")), (8, GONE.format("the anchor file"))],
    ),
    ("the end, the tip and the heads cut off", CUT + CUT_TIP + CUT_HEADS, [(8, GONE.format("the anchor file"))]),
    (
        "everything deleted",
        "DELETE FROM log_entry; DELETE FROM log_head; DELETE FROM log_tip",
        [(1, "the log ends at entry 0, but entry 10 was signed in the anchor file: entries 1 to 10 are cut off.")],
    ),
    (
        "the tip's number",
        "UPDATE log_tip SET seq = 9",
        [
            (9, "entry 9 is not the one that the log's tip names."),
            (10, "the log's tip is at entry 9: those up to 10 were not written by appending."),
        ],
    ),
    (
        "the tip's hash",
        "UPDATE log_tip SET hash = repeat('f', 64)",
        [(10, "entry 10 is not the one that the log's tip names.")],
    ),
    ("the hash of a head", "UPDATE log_head SET hash = repeat('f', 64) WHERE seq = 5", [(5, FORGED.format(5))]),
    (
        "the signature of a head",
        "UPDATE log_head SET signature = upper(signature) WHERE seq = 5",
        [(5, FORGED.format(5))],
    ),
    ("the time of a head", "UPDATE log_head SET at = at + interval '1 day' WHERE seq = 5", [(5, FORGED.format(5))]),
    ("the number of a head", "UPDATE log_head SET seq = 6 WHERE seq = 5", [(6, FORGED.format(6))]),
    (
        "the key of a head",
        "UPDATE log_head SET key_id = repeat('0', 16) WHERE seq = 5",
        [(5, OTHER.format(5, "0" * 16))],
    ),
]


@pytest.mark.parametrize(("harm", "problems"), [row[1:] for row in TAMPERS], ids=[row[0] for row in TAMPERS])
def test_each_tampering_is_found_and_named(
    ten: Connection, signer: FileSigner, anchors: Path, harm: str, problems: list[tuple[int, str]]
) -> None:
    tamper(ten, harm)
    verdict = log.verify(ten, signer.public, anchors)
    assert not verdict.ok
    assert said(verdict) == sorted(problems)


def rewrite_from(db: Connection, seq: int) -> None:
    """Change an entry and make the rest of the chain fit, as somebody can who may write to the database."""
    rows = [dict(row._mapping) for row in db.execute(select(log_entry).order_by(log_entry.c.seq))]
    prev = log.GENESIS
    for row in rows:
        if row["seq"] >= seq:
            kind = "forged" if row["seq"] == seq else row["kind"]
            spelled = {**row, "day": row["day"].isoformat(), "at": iso(row["at"]), "kind": kind, "prev": prev}
            made = read_link(spelled).expected_hash()
            db.execute(update(log_entry).where(log_entry.c.seq == row["seq"]).values(kind=kind, prev=prev, hash=made))
            row["hash"] = made
        prev = row["hash"]
    db.execute(update(log_tip).values(hash=prev))


def test_a_chain_made_anew_does_not_fit_the_signed_heads(ten: Connection, signer: FileSigner, anchors: Path) -> None:
    rewrite_from(ten, 4)
    assert said(log.verify(ten, signer.public, anchors)) == [
        (5, "entry 5 is not the one whose hash was signed in the anchor file."),
        (5, "entry 5 is not the one whose hash was signed in the table of heads."),
        (10, "entry 10 is not the one whose hash was signed in the anchor file."),
        (10, "entry 10 is not the one whose hash was signed in the table of heads."),
    ]


def test_a_chain_made_anew_and_signed_with_another_key_is_found(
    ten: Connection, signer: FileSigner, tmp_path: Path
) -> None:
    other = load_or_create(tmp_path / "other", OTHER_SEED)
    rewrite_from(ten, 4)
    ten.execute(delete(log_head))
    log.sign_head(ten, other, AT)
    verdict = log.verify(ten, signer.public)
    assert [seq for seq, _ in said(verdict)] == [10]
    assert f"signed by another key: {other.key_id}" in verdict.problems[0].what
    assert verdict.signed_to == 0


def test_an_unsigned_log_says_that_nothing_of_it_is_signed(ten: Connection, signer: FileSigner) -> None:
    ten.execute(delete(log_head))
    verdict = log.verify(ten, signer.public)
    assert (verdict.ok, verdict.entries, verdict.signed_to) == (True, 10, 0)


def test_entries_written_around_the_door_are_found(ten: Connection, signer: FileSigner) -> None:
    tip = ten.execute(select(log_tip.c.hash)).scalar_one()
    row = {"seq": 11, "day": DAY, "at": AT, "kind": "decision", "body": "{}", "prev": tip}
    made = read_link({**row, "day": DAY.isoformat(), "at": iso(AT), "hash": ""}).expected_hash()
    ten.execute(insert(log_entry).values(**row, hash=made))
    assert said(log.verify(ten, signer.public)) == [
        (11, "the log's tip is at entry 10: those up to 11 were not written by appending.")
    ]


def test_a_missing_anchor_file_is_a_problem_when_one_is_named(
    ten: Connection, signer: FileSigner, anchors: Path
) -> None:
    anchors.unlink()
    assert [seq for seq, _ in said(log.verify(ten, signer.public, anchors))] == [0]
    assert log.verify(ten, signer.public).ok


def test_a_changed_anchor_is_found(ten: Connection, signer: FileSigner, anchors: Path) -> None:
    lines = anchors.read_text().splitlines(keepends=True)
    anchors.write_text(lines[0].replace('"seq":5', '"seq":6') + lines[1] + "not JSON\n")
    assert said(log.verify(ten, signer.public, anchors)) == [
        (0, f"line 3 of the anchor file {anchors} can't be read as a signed head."),
        (6, FORGED.format(6).replace("table of heads", "anchor file")),
    ]


def test_a_log_that_was_changed_everywhere_is_reported_in_bounded_space(empty: Connection, signer: FileSigner) -> None:
    for _ in range(120):
        log.append(empty, "decision", {}, AT, DAY)
    empty.execute(update(log_entry).values(kind="policy"))
    verdict = log.verify(empty, signer.public)
    assert len(verdict.problems) == 101
    assert verdict.problems[-1].what == "20 more problems are not listed."
