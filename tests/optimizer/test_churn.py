from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.churn import moves


@pytest.mark.parametrize(
    ("before", "after", "subject", "moved"),
    [
        pytest.param("abcd", "abcd", None, "", id="nothing changed"),
        pytest.param("abcd", "bcda", None, "a", id="one stop went last: the rest keep their order"),
        pytest.param("abcd", "bcd", None, "a", id="one left: nobody else moved"),
        pytest.param("abcd", "abxcd", None, "x", id="one is new"),
        pytest.param("ab", "ba", "a", "a", id="of two swapped the subject is the one that moved"),
        pytest.param("ab", "ba", "b", "b", id="whichever it is"),
        pytest.param("abcdef", "fedcba", None, "bcdef", id="all turned round: one can stay"),
    ],
)
def test_as_few_stops_as_possible_have_moved(before: str, after: str, subject: str | None, moved: str) -> None:
    assert "".join(m.stop_id for m in moves({"v": before}, {"v": after}, subject)) == moved


def test_a_move_says_from_where_to_where() -> None:
    (move,) = moves({"v": "abc", "w": "xy"}, {"v": "ac", "w": "xby"})
    assert move.model_dump() == {
        "stop_id": "b", "from_vehicle": "v", "from_position": 1, "to_vehicle": "w", "to_position": 1,
    }  # fmt: skip


def test_a_stop_that_leaves_the_day_goes_nowhere() -> None:
    (move,) = moves({"v": "abc"}, {"v": "ac"})
    assert (move.stop_id, move.to_vehicle, move.to_position) == ("b", None, None)


@given(st.permutations(list("abcdefgh")))
def test_the_stops_that_stayed_keep_their_order_and_no_larger_set_could(after: list[str]) -> None:
    before = list("abcdefgh")
    moved = {m.stop_id for m in moves({"v": before}, {"v": after})}
    assert [s for s in after if s not in moved] == [s for s in before if s not in moved]
    lengths: list[int] = []
    for i, s in enumerate(after):
        lengths.append(1 + max((lengths[j] for j in range(i) if after[j] < s), default=0))
    assert len(moved) == len(after) - max(lengths)
