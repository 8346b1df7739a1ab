from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from core import canonical, log_export
from core.chain import GENESIS, Problem, read_link
from core.errors import LogBroken
from core.signing import FileSigner, load_or_create

SEED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OTHER_SEED = "HxEdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="
DAY = "2025-05-01"
NEXT = "2025-05-02"


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return load_or_create(tmp_path / "keys", SEED)


def rows(days: list[str]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    prev = GENESIS
    for seq, day in enumerate(days, 1):
        body = canonical.dumps({"order": f"ord_{seq}"}).decode()
        row = {"seq": seq, "day": day, "at": f"2025-05-01T08:00:{seq:02}.000000Z", "kind": "plan", "body": body}
        row |= {"prev": prev, "hash": ""}
        prev = row["hash"] = read_link(row).expected_hash()
        made.append(row)
    return made


def a_day(signer: FileSigner) -> list[bytes]:
    """Entries 3 to 8 of a log, of which 5 and 6 are of the next day."""
    log = rows([NEXT, NEXT, DAY, DAY, NEXT, NEXT, DAY, DAY, NEXT])
    return list(log_export.write(DAY, log[2:8], signer))


def sentences(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.what for problem in problems]


def test_a_days_file_verifies_against_the_public_key_alone(signer: FileSigner) -> None:
    verdict = log_export.verify(a_day(signer), signer.public)
    assert verdict.ok
    assert (verdict.entries, verdict.signed_to, verdict.problems) == (4, 8, ())


def test_an_entry_of_another_day_is_passed_through_without_its_body(signer: FileSigner) -> None:
    lines = [json.loads(line) for line in a_day(signer)[1:-1]]
    assert [(row["seq"], "body" in row) for row in lines] == [
        (3, True), (4, True), (5, False), (6, False), (7, True), (8, True),
    ]  # fmt: skip


def test_the_header_tells_where_the_day_begins_and_which_key_to_look_for(signer: FileSigner) -> None:
    header = json.loads(a_day(signer)[0])
    assert header == {
        "format": "doorstep-log/1",
        "day": DAY,
        "first_seq": 3,
        "first_prev": rows([NEXT, NEXT])[1]["hash"],
        "key_id": signer.key_id,
        "public_key": signer.public.raw.hex(),
    }


def test_the_same_day_exports_to_the_same_bytes(signer: FileSigner) -> None:
    assert a_day(signer) == a_day(signer)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None)
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_any_changed_byte_is_found(signer: FileSigner, place: int, byte: int) -> None:
    whole = b"".join(a_day(signer))
    place %= len(whole)
    assume(whole[place] != byte)
    changed = whole[:place] + bytes([byte]) + whole[place + 1 :]
    verdict = log_export.verify(changed.splitlines(keepends=True), signer.public)
    assert not verdict.ok


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, 10_000), junk=st.binary(min_size=1, max_size=40))
def test_anything_put_in_between_is_found(signer: FileSigner, place: int, junk: bytes) -> None:
    whole = b"".join(a_day(signer))
    place %= len(whole) + 1
    changed = whole[:place] + junk + whole[place:]
    assume(changed != whole)
    assert not log_export.verify(changed.split(b"\n")[:-1], signer.public).ok


@given(lines=st.lists(st.binary(max_size=60)))
def test_what_is_no_export_at_all_is_said_so_and_never_a_crash(lines: list[bytes]) -> None:
    assert not log_export.verify(lines, []).ok


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["seq", "hash", "signature", "day", "format", "first_seq", "body"]), inner)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 7), value=JSON)
def test_any_json_in_place_of_a_line_is_found(signer: FileSigner, at: int, value: object) -> None:
    lines = a_day(signer)
    lines[at] = json.dumps(value).encode() + b"\n"
    assert not log_export.verify(lines, signer.public).ok


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(order=st.permutations(range(8)))
def test_any_other_order_of_the_lines_is_found(signer: FileSigner, order: list[int]) -> None:
    assume(order != sorted(order))
    lines = a_day(signer)
    assert not log_export.verify([lines[at] for at in order], signer.public).ok


def edit(lines: list[bytes], number: int, /, **fields: Any) -> list[bytes]:
    row = {**json.loads(lines[number]), **fields}
    return [*lines[:number], canonical.dumps(row) + b"\n", *lines[number + 1 :]]


def footer(lines: list[bytes], **fields: Any) -> list[bytes]:
    return edit(lines, len(lines) - 1, **fields)


TAMPERS: list[tuple[str, Callable[[list[bytes]], list[bytes]], int, str]] = [
    ("a body", lambda f: edit(f, 2, body='{"order":"ord_9"}'), 4, "entry 4 was changed"),
    ("a time", lambda f: edit(f, 2, at="2025-05-01T09:00:00.000000Z"), 4, "entry 4 was changed"),
    ("a day", lambda f: edit(f, 2, day=NEXT), 4, "entry 4 was written for day 2025-05-01 and now says 2025-05-02"),
    ("the file's day", lambda f: edit(f, 0, day=NEXT), 3, "but the file's day is 2025-05-02"),
    ("the start", lambda f: edit(f, 0, first_prev="f" * 64), 3, "entry 3 does not follow entry 2"),
    ("the format", lambda f: edit(f, 0, format="doorstep-log/0"), 0, "not in the format doorstep-log/1"),
    ("two lines swapped", lambda f: [*f[:2], f[3], f[2], *f[4:]], 4, "entry 4 comes after entry 5"),
    ("a line left out", lambda f: f[:4] + f[5:], 6, "entry 6 is missing"),
    ("the last entry left out", lambda f: f[:-2] + f[-1:], 7, "for entry 8, but the file ends at entry 7"),
    ("the end cut off", lambda f: f[:-1], 8, "ends without its signed footer"),
    ("all but the header cut off", lambda f: f[:1], 2, "ends without its signed footer"),
    ("nothing left", lambda _: [], 0, "ends without its signed footer"),
    ("a line after the end", lambda f: [*f, f[1]], 8, "line 9 comes after the signed footer"),
    ("an empty line", lambda f: [*f[:2], b"\n", *f[2:]], 3, "line 3 can't be read as an entry or a footer"),
    ("the count", lambda f: footer(f, entries=3), 8, "counts 3 entries"),
    ("the footer's hash", lambda f: footer(f, hash="f" * 64), 8, "changed or forged"),
    ("the footer's key", lambda f: footer(f, key_id="0" * 16), 8, "signed by another key"),
    ("the signature", lambda f: footer(f, signature="00" * 64), 8, "changed or forged"),
    ("a field added to the footer", lambda f: footer(f, note=1), 8, "not written the way it was signed"),
    ("the spelling of the footer", lambda f: [*f[:-1], f[-1].replace(b":", b": ", 1)], 8, "the way it was signed"),
    ("a field added to an entry", lambda f: edit(f, 2, note=1), 8, "bytes are not the ones that were signed"),
]


@pytest.mark.parametrize(("tamper", "seq", "says"), [row[1:] for row in TAMPERS], ids=[row[0] for row in TAMPERS])
def test_each_tampering_is_named_at_its_entry(
    signer: FileSigner, tamper: Callable[[list[bytes]], list[bytes]], seq: int, says: str
) -> None:
    verdict = log_export.verify(tamper(a_day(signer)), signer.public)
    assert not verdict.ok
    assert next((problem.seq for problem in verdict.problems if says in problem.what), None) == seq, verdict.problems


def test_an_entry_of_the_day_whose_body_was_withheld_is_found_even_when_signed(signer: FileSigner) -> None:
    log = rows([DAY, DAY, DAY])
    lines = a_file(signer, log, lambda row: bool(row["seq"] != 2))
    verdict = log_export.verify(lines, signer.public)
    assert sentences(verdict.problems) == ["entry 2 is of the file's day, but its body was left out."]


def a_file(signer: FileSigner, log: list[dict[str, Any]], shown: Callable[[dict[str, Any]], bool]) -> list[bytes]:
    """A file as its signer would make it who wants to hide something."""
    whole = list(log_export.write(DAY, log, signer))
    for at, row in enumerate(log, 1):
        if not shown(row):
            hidden = {name: value for name, value in row.items() if name != "body"}
            whole[at] = canonical.dumps({**hidden, "body_hash": read_link(row).body_hash}) + b"\n"
    sha256 = hashlib.sha256(b"".join(whole[:-1])).hexdigest()
    shown_ones = sum(shown(row) for row in log)
    return [*whole[:-1], log_export.footer(DAY, log[-1]["seq"], log[-1]["hash"], shown_ones, sha256, signer)]


def test_a_log_that_begins_after_something_that_is_not_shown_is_found_even_when_signed(signer: FileSigner) -> None:
    first = rows([DAY])[0] | {"prev": "f" * 64}
    first["hash"] = read_link(first).expected_hash()
    verdict = log_export.verify(log_export.write(DAY, [first], signer), signer.public)
    assert sentences(verdict.problems) == ["the header's first_prev is not what the first entry of a log follows."]


def test_a_file_of_another_key_is_refused_whatever_its_header_says(signer: FileSigner, tmp_path: Path) -> None:
    other = load_or_create(tmp_path / "other", OTHER_SEED)
    verdict = log_export.verify(a_day(other), signer.public)
    assert sentences(verdict.problems) == [
        f"the file is signed by another key: {other.key_id} is not among the keys it is checked with."
    ]
    assert log_export.verify(a_day(other), [signer.public, other.public]).ok


def test_a_broken_chain_is_not_signed(signer: FileSigner) -> None:
    log = rows([DAY] * 4)
    log[2]["kind"] = "policy"
    written: list[bytes] = []
    with pytest.raises(LogBroken, match="entry 3 was changed"):
        written.extend(log_export.write(DAY, log, signer))
    assert not log_export.verify(written, signer.public).ok
