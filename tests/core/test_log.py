from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, func, select

from core import log
from core.chain import iso
from core.errors import BadInput, LogBroken, NotFound
from core.log import Filter, Verdict
from core.signing import FileSigner, load_or_create
from core.store.tables import log_entry, log_tip
from tests.core.a_log import AT, DAY, SEED, clear, fill, tamper

PER_1 = "per_" + "1" * 20
PER_2 = "per_" + "2" * 20


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


# Appending ------------------------------------------------------------------------------------------------------------


def test_entries_follow_one_another_from_the_first(empty: Connection) -> None:
    one = log.append(empty, "plan.published", {"version": 1}, AT, DAY)
    two = log.append(empty, "decision", {"rule": "R7"}, AT, DAY)
    assert (one.seq, one.prev) == (1, log.GENESIS)
    assert (two.seq, two.prev) == (2, one.hash)


def test_the_entry_returned_is_the_one_that_is_stored(empty: Connection) -> None:
    made = [log.append(empty, "decision", {"cost": 1250, "options": [{"id": "nothing"}]}, AT, DAY) for _ in range(3)]
    assert list(log.entries(empty)) == made


def test_the_moment_is_hashed_whatever_zone_it_is_told_in(empty: Connection) -> None:
    at = AT.replace(microsecond=120)
    first = log.append(empty, "decision", {}, at, DAY)
    clear(empty)
    second = log.append(empty, "decision", {}, at.astimezone(timezone(timedelta(hours=-3))), DAY)
    assert first == second


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc_", min_size=1), inner, max_size=3),
        max_leaves=8,
    ),
    at=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    day=st.dates(date(1970, 1, 1), date(2200, 1, 1)),
)
def test_whatever_is_appended_verifies(
    empty: Connection, signer: FileSigner, value: Any, at: datetime, day: date
) -> None:
    made = log.append(empty, "decision", {"outcome": value}, at, day)
    (stored,) = log.entries(empty, Filter(seq=made.seq))
    assert stored == made
    assert log.verify(empty, signer.public).ok


@pytest.mark.parametrize("key", sorted(log.PERSONAL))
@pytest.mark.parametrize("shape", ["{}", '{{"facts": {}}}', '{{"facts": [1, [{}]]}}'], ids=["top", "deep", "in lists"])
def test_names_for_personal_data_are_refused_at_any_depth(empty: Connection, key: str, shape: str) -> None:
    inner = json.dumps({key.title(): "x"})
    with pytest.raises(BadInput) as error:
        log.append(empty, "decision", json.loads(shape.format(inner)), AT, DAY)
    assert error.value.field.endswith(f".{key.title()}")
    assert "x" not in error.value.what.split()
    assert list(log.entries(empty)) == []


def test_names_that_only_contain_such_a_word_are_taken(empty: Connection) -> None:
    body = {"phone_digest": "ab", "template_name": "late", "lateness_s": 60}
    assert log.append(empty, "decision", body, AT, DAY).body == body


@pytest.mark.parametrize(
    ("kind", "body", "at", "field", "why"),
    [
        ("Call Ann on 555-0100", {}, AT, "kind", "free text could carry anything"),
        ("", {}, AT, "kind", "an entry without a kind can't be found"),
        ("decision", {}, datetime(2025, 5, 1), "at", "a naive time means another moment elsewhere"),  # noqa: DTZ001
        ("decision", {"at": AT}, AT, "", "a datetime is not JSON"),
        ("decision", {"a": float("inf")}, AT, "", "JSON has no infinity"),
        ("decision", {10: "a", 9: "b"}, AT, "", "keys that sort as numbers now and as text when read back"),
    ],
    ids=["free text", "no kind", "naive", "datetime", "infinity", "key"],
)
def test_what_does_not_fit_the_log_is_refused(
    empty: Connection, kind: str, body: dict[str, Any], at: datetime, field: str, why: str
) -> None:
    with pytest.raises(BadInput) as error:
        log.append(empty, kind, body, at, DAY)
    assert error.value.field == field
    assert error.value.fix


def test_a_rolled_back_append_leaves_no_gap(empty: Connection, signer: FileSigner) -> None:
    log.append(empty, "decision", {"n": 1}, AT, DAY)
    undone = empty.begin_nested()
    log.append(empty, "decision", {"n": 2}, AT, DAY)
    undone.rollback()
    log.append(empty, "decision", {"n": 3}, AT, DAY)
    assert [entry.seq for entry in log.entries(empty)] == [1, 2]
    assert log.verify(empty, signer.public).ok


def test_a_log_whose_tip_is_gone_takes_no_more_entries(ten: Connection) -> None:
    ten.execute(delete(log_tip))
    with pytest.raises(LogBroken, match="last one is gone"):
        log.append(ten, "decision", {}, AT, DAY)


# Signing and anchoring ------------------------------------------------------------------------------------------------


def test_a_signed_head_covers_the_last_entry(ten: Connection, signer: FileSigner) -> None:
    last = log.append(ten, "decision", {}, AT, DAY)
    head = log.sign_head(ten, signer, AT)
    assert (head.seq, head.hash, head.at, head.key_id) == (11, last.hash, iso(AT), signer.key_id)
    assert signer.public.verifies(head.signature, head.signed_bytes())


def test_signing_the_same_entry_again_returns_the_first_signature(ten: Connection, signer: FileSigner) -> None:
    first = log.sign_head(ten, signer, AT + timedelta(minutes=10))
    assert log.sign_head(ten, signer, AT + timedelta(hours=5)) == first


def test_an_empty_log_can_be_signed(empty: Connection, signer: FileSigner, anchors: Path) -> None:
    assert log.sign_head(empty, signer, AT).seq == 0
    assert log.anchor(empty, anchors) == 1
    assert log.verify(empty, signer.public, anchors).ok


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE log_entry SET kind = 'policy' WHERE seq = 10",
        "UPDATE log_entry SET hash = repeat('f', 64) WHERE seq = 9; UPDATE log_tip SET hash = repeat('f', 64)",
        "DELETE FROM log_entry WHERE seq = 10",
        "UPDATE log_tip SET seq = 9",
    ],
)
def test_a_log_whose_end_was_changed_is_not_signed(ten: Connection, signer: FileSigner, harm: str) -> None:
    tamper(ten, harm)
    with pytest.raises(LogBroken):
        log.sign_head(ten, signer, AT)


def test_another_hash_at_an_entry_that_was_signed_before_is_not_signed(ten: Connection, signer: FileSigner) -> None:
    tamper(ten, "DELETE FROM log_entry WHERE seq = 10")
    tamper(ten, "UPDATE log_tip SET seq = 9, hash = (SELECT hash FROM log_entry WHERE seq = 9)")
    log.append(ten, "decision", {"other": True}, AT, DAY)
    with pytest.raises(LogBroken, match="Another hash was signed"):
        log.sign_head(ten, signer, AT)


def test_anchoring_again_adds_only_what_is_new(ten: Connection, signer: FileSigner, anchors: Path) -> None:
    assert log.anchor(ten, anchors) == 0
    log.append(ten, "decision", {}, AT, DAY)
    log.sign_head(ten, signer, AT)
    assert log.anchor(ten, anchors) == 1
    assert len(anchors.read_text().splitlines()) == 3


def test_heads_that_a_crash_left_without_an_anchor_are_anchored_the_next_time(
    ten: Connection, signer: FileSigner, anchors: Path
) -> None:
    for _ in range(3):
        log.append(ten, "decision", {}, AT, DAY)
        log.sign_head(ten, signer, AT)
    assert log.verify(ten, signer.public, anchors).ok
    assert log.anchor(ten, anchors) == 3


# Reading --------------------------------------------------------------------------------------------------------------


def test_ids_of_erased_persons_read_erased_wherever_they_stand(empty: Connection, signer: FileSigner) -> None:
    body = {
        "person": PER_1,
        "others": [PER_2, PER_1],
        "effect": f"cas_{'3' * 20}:message:{PER_1}:ab12",
        "promises": {PER_1: 1, "order": 2},
        "digest": "9f" * 32,
    }
    log.append(empty, "decision", body, AT, DAY)
    (shown,) = log.show(empty, lambda person: person == PER_1)
    assert shown["body"] == {
        "person": "erased",
        "others": [PER_2, "erased"],
        "effect": f"cas_{'3' * 20}:message:erased:ab12",
        "promises": {"erased": 1, "order": 2},
        "digest": "9f" * 32,
    }
    assert PER_1 not in json.dumps(shown)
    assert log.verify(empty, signer.public).ok


def test_whether_a_person_is_erased_is_asked_once_for_each_id(empty: Connection) -> None:
    asked: list[str] = []

    def is_erased(person: str) -> bool:
        asked.append(person)
        return False

    for _ in range(5):
        log.append(empty, "decision", {"person": PER_1, "also": PER_2}, AT, DAY)
    assert len(list(log.show(empty, is_erased))) == 5
    assert sorted(asked) == [PER_1, PER_2]


def test_an_entry_is_shown_with_all_its_columns(empty: Connection) -> None:
    made = log.append(empty, "decision", {"rule": "R7"}, AT, DAY)
    assert list(log.show(empty, lambda _: False)) == [
        {
            "seq": 1,
            "day": "2025-05-01",
            "at": "2025-05-01T08:00:00.000000Z",
            "kind": "decision",
            "body": {"rule": "R7"},
            "prev": log.GENESIS,
            "hash": made.hash,
        }
    ]


@pytest.mark.parametrize(
    ("which", "seqs"),
    [
        (Filter(), [1, 2, 3, 4]),
        (Filter(seq=3), [3]),
        (Filter(seq=9), []),
        (Filter(kind="outcome"), [3]),
        (Filter(day=DAY + timedelta(1)), [4]),
        (Filter(about="dec_1"), [2, 3]),
        (Filter(about="dec_"), []),
        (Filter(about="dec%1"), []),
        (Filter(after=2), [3, 4]),
        (Filter(limit=2), [1, 2]),
        (Filter(about="dec_1", kind="outcome"), [3]),
    ],
    ids=str,
)
def test_entries_are_found_by_number_kind_day_and_what_they_are_about(
    empty: Connection, which: Filter, seqs: list[int]
) -> None:
    log.append(empty, "plan", {"version": 1}, AT, DAY)
    log.append(empty, "decision", {"id": "dec_1"}, AT, DAY)
    log.append(empty, "outcome", {"of": ["dec_1"]}, AT, DAY)
    log.append(empty, "decision", {"id": "dec_10"}, AT, DAY + timedelta(1))
    assert [entry.seq for entry in log.entries(empty, which)] == seqs


def test_reading_an_entry_whose_body_was_broken_says_so(ten: Connection) -> None:
    tamper(ten, "UPDATE log_entry SET body = '{' WHERE seq = 4")
    with pytest.raises(LogBroken, match="Entry 4"):
        list(log.entries(ten))


# Exporting ------------------------------------------------------------------------------------------------------------


def test_an_exported_day_verifies_without_the_database(ten: Connection, signer: FileSigner, tmp_path: Path) -> None:
    file = tmp_path / "2025-05-01.jsonl"
    file.write_bytes(b"".join(log.export(ten, DAY, signer)))
    with file.open("rb") as lines:
        verdict = log.verify_export(lines, signer.public)
    assert (verdict.ok, verdict.entries, verdict.signed_to) == (True, 6, 6)
    assert verdict.head == next(log.entries(ten, Filter(seq=6))).hash


def test_days_that_interleave_are_exported_without_each_others_bodies(empty: Connection, signer: FileSigner) -> None:
    for number in range(9):
        log.append(empty, "decision", {"order": f"ord_{number}"}, AT, DAY + timedelta(number % 2))
    for day, mine in ((DAY, 5), (DAY + timedelta(1), 4)):
        lines = list(log.export(empty, day, signer))
        assert log.verify_export(lines, signer.public).entries == mine
        assert log.verify_export(lines, signer.public).ok
        assert sum(b"ord_" in line for line in lines) == mine


def test_a_day_without_entries_is_said_so_at_once(ten: Connection, signer: FileSigner) -> None:
    with pytest.raises(NotFound, match="2025-06-01"):
        log.export(ten, date(2025, 6, 1), signer)


def test_a_tampered_day_is_not_exported_with_a_signature(ten: Connection, signer: FileSigner) -> None:
    tamper(ten, "UPDATE log_entry SET kind = 'policy' WHERE seq = 4")
    with pytest.raises(LogBroken, match="entry 4 was changed"):
        list(log.export(ten, DAY, signer))


def test_an_entry_moved_to_another_day_is_missed_in_neither_days_export(ten: Connection, signer: FileSigner) -> None:
    tamper(ten, "UPDATE log_entry SET day = day + 1 WHERE seq = 2")
    for day in (DAY, DAY + timedelta(1)):
        with pytest.raises(LogBroken, match="its day was swapped"):
            list(log.export(ten, day, signer))


def test_an_export_takes_any_number_of_entries_in_little_memory(empty: Connection, signer: FileSigner) -> None:
    for number in range(1200):
        log.append(empty, "decision", {"order": f"ord_{number}"}, AT, DAY)
    assert empty.execute(select(func.count()).select_from(log_entry)).scalar_one() == 1200
    assert log.verify_export(log.export(empty, DAY, signer), signer.public).entries == 1200
    assert log.verify(empty, signer.public).ok


def test_a_verdict_can_not_be_changed() -> None:
    verdict = Verdict(True, 0, log.GENESIS, 0, ())
    with pytest.raises(AttributeError):
        verdict.ok = False  # type: ignore[misc]
    assert replace(verdict, ok=False) != verdict
