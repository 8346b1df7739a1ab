from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from core import canonical
from core.chain import (
    GENESIS,
    MOST_PROBLEMS,
    Findings,
    Head,
    Link,
    Walk,
    Witness,
    iso,
    read_head,
    read_link,
    text_hash,
)
from core.signing import FileSigner, load_or_create

SEED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OTHER_SEED = "HxEdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return load_or_create(tmp_path / "keys", SEED)


def chain(length: int) -> list[Link]:
    links: list[Link] = []
    prev = GENESIS
    for seq in range(1, length + 1):
        body = canonical.dumps({"order": f"ord_{seq}"}).decode()
        day, at = f"2025-05-{1 + seq // 4:02}", f"2025-05-01T08:00:{seq:02}.000000Z"
        link = Link(seq, day, at, "plan", text_hash(body), prev, "")
        links.append(replace(link, hash=link.expected_hash()))
        prev = links[-1].hash
    return links


def walked(links: list[Link], *witnesses: Witness, found: Findings | None = None) -> list[tuple[int, str]]:
    found = Findings() if found is None else found
    walk = Walk(found, witnesses=witnesses)
    for link in links:
        walk.step(link)
    walk.end()
    return [(problem.seq, problem.what) for problem in found.all()]


def sign(signer: FileSigner, link: Link) -> Head:
    head = Head(link.seq, link.hash, link.at, signer.key_id)
    return replace(head, signature=signer.sign(head.signed_bytes()))


def witness(signer: FileSigner, heads: list[Head], found: Findings) -> Witness:
    return Witness("the anchor file", iter(heads), {signer.key_id: signer.public}, found)


def test_an_untouched_chain_has_no_problem(signer: FileSigner) -> None:
    links = chain(12)
    found = Findings()
    heads = [sign(signer, links[4]), sign(signer, links[11])]
    assert walked(links, witness(signer, heads, found), found=found) == []


def test_the_hash_is_over_exactly_these_bytes() -> None:
    # Written out, so that somebody else can write a verifier from this line.
    link = Link(1, "2025-05-01", "2025-05-01T08:00:00.000000Z", "plan", text_hash('{"a":1}'), GENESIS, "")
    whole = (
        '{"at":"2025-05-01T08:00:00.000000Z",'
        '"body":"015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862",'
        '"day":"2025-05-01","kind":"plan",'
        '"prev":"0000000000000000000000000000000000000000000000000000000000000000","seq":1}'
    )
    assert link.expected_hash() == text_hash(whole)


@given(
    at=st.integers(0, 11),
    column=st.sampled_from(["day", "at", "kind", "body_hash", "prev", "hash"]),
    place=st.integers(0, 200),
    letter=st.characters(min_codepoint=32, max_codepoint=126),
)
def test_any_changed_letter_is_found_at_its_entry(at: int, column: str, place: int, letter: str) -> None:
    links = chain(12)
    before = getattr(links[at], column)
    place %= len(before)
    after = before[:place] + letter + before[place + 1 :]
    assume(after != before)
    links[at] = replace(links[at], **{column: after})
    problems = walked(links)
    assert problems
    assert problems[0][0] == at + 1
    assert {seq for seq, _ in problems} <= {at + 1, at + 2}


@given(order=st.permutations(range(6)))
def test_any_reordering_is_found(order: list[int]) -> None:
    assume(order != sorted(order))
    links = chain(6)
    assert walked([links[at] for at in order])


@given(order=st.permutations(range(6)))
def test_a_reordering_with_renumbered_entries_is_named_with_the_numbers_they_had(order: list[int]) -> None:
    assume(order != sorted(order))
    links = chain(6)
    moved = [replace(links[old], seq=new + 1) for new, old in enumerate(order)]
    sentences = [what for _, what in walked(moved)]
    for new, old in enumerate(order):
        said = f"entry {new + 1} was written as entry {old + 1}: entries were reordered or renumbered."
        assert (said in sentences) == (new != old)


@given(gone=st.sets(st.integers(0, 8), min_size=1, max_size=8))
def test_missing_entries_are_named(gone: set[int]) -> None:
    links = chain(10)
    problems = walked([link for at, link in enumerate(links) if at not in gone])
    starts = {at + 1 for at in gone if at - 1 not in gone}
    assert {seq for seq, _ in problems} == starts
    assert all("missing" in what for _, what in problems)


def test_the_sentences_for_gaps_are_in_singular_and_plural() -> None:
    links = chain(10)
    assert walked(links[:4] + links[5:]) == [(5, "entry 5 is missing.")]
    assert walked(links[:4] + links[6:]) == [(5, "entries 5 to 6 are missing.")]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("day", "2025-05-09", "was written for day 2025-05-02 and now says 2025-05-09: its day was swapped"),
        ("day", "9999-12-31", "no longer give its hash"),
        ("day", "infinity", "no longer give its hash"),
        ("at", "infinity", "no longer give its hash"),
        ("kind", "policy", "no longer give its hash"),
        ("prev", "f" * 64, "its prev was changed"),
        ("hash", "f" * 64, "no longer give its hash"),
    ],
)
def test_the_changed_column_is_named_where_it_can_be(column: str, value: str, says: str) -> None:
    links = chain(10)
    links[4] = replace(links[4], **{column: value})  # type: ignore[arg-type]
    assert says in walked(links)[0][1]


def test_an_entry_that_was_rehashed_no_longer_carries_the_next_one() -> None:
    links = chain(6)
    forged = replace(links[2], kind="policy")
    links[2] = replace(forged, hash=forged.expected_hash())
    assert walked(links) == [(4, "entry 4 does not follow entry 3: its prev is not that entry's hash.")]


def rewritten(links: list[Link], at: int) -> list[Link]:
    """The chain as somebody makes it who changes an entry and then hashes all that follows anew."""
    done = links[:at]
    for link in [replace(links[at], kind="policy"), *links[at + 1 :]]:
        moved = replace(link, prev=done[-1].hash if done else GENESIS)
        done.append(replace(moved, hash=moved.expected_hash()))
    return done


def test_a_chain_rewritten_from_the_middle_is_found_by_the_next_signed_head(signer: FileSigner) -> None:
    links, found = chain(10), Findings()
    heads = [sign(signer, links[1]), sign(signer, links[6])]
    problems = walked(rewritten(links, 3), witness(signer, heads, found), found=found)
    assert problems == [(7, "entry 7 is not the one whose hash was signed in the anchor file.")]


def test_a_chain_cut_short_is_found_by_a_head_beyond_its_end(signer: FileSigner) -> None:
    links, found = chain(10), Findings()
    heads = [sign(signer, links[at]) for at in (4, 7, 9)]
    problems = walked(links[:6], witness(signer, heads, found), found=found)
    assert problems == [
        (7, "the log ends at entry 6, but entry 10 was signed in the anchor file: entries 7 to 10 are cut off.")
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(column=st.sampled_from(["seq", "hash", "at", "signature"]), data=st.data())
def test_any_change_to_a_signed_head_is_found(signer: FileSigner, column: str, data: st.DataObject) -> None:
    links, found = chain(6), Findings()
    head = sign(signer, links[3])
    before = getattr(head, column)
    if column == "seq":
        after: object = data.draw(st.integers(0, 20).filter(lambda seq: seq != before))
    else:
        place = data.draw(st.integers(0, len(before) - 1))
        letter = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda c: c != before[place]))
        after = before[:place] + letter + before[place + 1 :]
    forged = replace(head, **{column: after})  # type: ignore[arg-type]
    problems = walked(links, witness(signer, [forged], found), found=found)
    assert [seq for seq, _ in problems] == [forged.seq]
    assert "was changed or forged" in problems[0][1]


def test_a_head_signed_by_another_key_is_named_with_that_key(signer: FileSigner, tmp_path: Path) -> None:
    other = load_or_create(tmp_path / "other", OTHER_SEED)
    links, found = chain(4), Findings()
    problems = walked(links, witness(signer, [sign(other, links[3])], found), found=found)
    assert [seq for seq, _ in problems] == [4]
    assert f"signed by another key: {other.key_id}" in problems[0][1]


def test_another_keys_signature_under_our_key_id_is_found(signer: FileSigner, tmp_path: Path) -> None:
    other = load_or_create(tmp_path / "other", OTHER_SEED)
    links, found = chain(4), Findings()
    head = Head(4, links[3].hash, links[3].at, signer.key_id)
    forged = replace(head, signature=other.sign(head.signed_bytes()))
    problems = walked(links, witness(signer, [forged], found), found=found)
    assert [(seq, "changed or forged" in what) for seq, what in problems] == [(4, True)]


def test_a_forged_head_beyond_the_end_is_no_proof_that_the_log_was_cut_short(signer: FileSigner) -> None:
    links, found = chain(4), Findings()
    forged = replace(sign(signer, links[3]), seq=99)
    problems = walked(links, witness(signer, [forged], found), found=found)
    assert all("cut off" not in what for _, what in problems)
    assert problems


def test_heads_out_of_order_are_found(signer: FileSigner) -> None:
    links, found = chain(6), Findings()
    heads = [sign(signer, links[4]), sign(signer, links[1])]
    problems = walked(links, witness(signer, heads, found), found=found)
    assert problems == [(2, "the signed head of entry 2 is out of order in the anchor file.")]


def test_only_good_heads_that_fit_count_as_signed(signer: FileSigner) -> None:
    links, found = chain(8), Findings()
    bad = replace(sign(signer, links[6]), hash=links[5].hash)
    seen = witness(signer, [sign(signer, links[2]), bad], found)
    walk = Walk(found, witnesses=[seen])
    for link in links:
        walk.step(link)
    assert walk.end() == 3


def test_an_empty_log_can_be_signed(signer: FileSigner) -> None:
    found = Findings()
    head = Head(0, GENESIS, "2025-05-01T08:00:00.000000Z", signer.key_id)
    head = replace(head, signature=signer.sign(head.signed_bytes()))
    assert walked(chain(3), witness(signer, [head], found), found=found) == []


def test_a_log_that_is_wrong_everywhere_lists_a_hundred_problems_and_counts_the_rest() -> None:
    links = [replace(link, kind="policy") for link in chain(130)]
    problems = walked(links)
    assert len(problems) == MOST_PROBLEMS + 1
    assert problems[-1][1] == "30 more problems are not listed."


def test_a_long_chain_is_walked_in_the_memory_of_a_short_one() -> None:
    def links() -> Iterator[Link]:
        prev = GENESIS
        for seq in range(1, 20_001):
            link = Link(seq, "2025-05-01", "2025-05-01T08:00:00.000000Z", "plan", GENESIS, prev, "")
            prev = link.expected_hash()
            yield replace(link, hash=prev)

    walk = Walk(Findings())
    tracemalloc.start()
    for link in links():
        walk.step(link)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert walk.seq == 20_000
    assert peak < 100_000


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-3))])
def test_one_moment_has_one_spelling(zone: timezone) -> None:
    at = datetime(2025, 5, 1, 8, 0, 0, 120, tzinfo=UTC)
    assert iso(at.astimezone(zone)) == "2025-05-01T08:00:00.000120Z"
    assert iso(at.replace(microsecond=0)) == "2025-05-01T08:00:00.000000Z"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(change=st.dictionaries(st.sampled_from(["seq", "hash", "at", "key_id", "signature", "kind", "body"]), JSON))
def test_a_row_from_a_file_is_read_or_refused_as_a_value_error(change: dict[str, object]) -> None:
    link = asdict(chain(1)[0])
    head = {"seq": 1, "hash": "", "at": "", "key_id": "", "signature": ""}
    for read, row in ((read_link, link), (read_head, head)):
        try:
            read({**row, **change})
        except ValueError:
            continue


def test_a_link_reads_the_same_with_its_body_and_with_its_bodys_hash() -> None:
    row = json.loads(canonical.dumps(asdict(chain(1)[0])))
    body = '{"order":"ord_1"}'
    shown = {name: value for name, value in row.items() if name != "body_hash"} | {"body": body}
    assert read_link(row) == read_link(shown)


def test_half_a_surrogate_pair_is_refused_as_text() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        read_link({**asdict(chain(1)[0]), "kind": "\ud800"})
