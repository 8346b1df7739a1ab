"""Our own texts are understood as well as they were, and none of those held apart is among the examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.understanding import examples
from evals.understanding import grade
from tests.agent.understanding.test_examples import CUSTOMER, DISPATCHER, masked


def test_our_own_texts_stay_understood() -> None:
    assert [score for score in grade.own() if not score.holds] == []


APART = [
    ("customer_apart.tsv", "customer"), ("dispatcher_apart.tsv", "dispatcher"), ("customer_voices.tsv", "customer"),
    ("dispatcher_voices.tsv", "dispatcher"), ("spanish_voices.tsv", "customer"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "role"), APART)
def test_texts_held_apart_are_of_known_intents(name: str, role: str) -> None:
    rows = grade.rows_of_ours(name)
    assert len(rows) >= 40
    assert {row.intent for row in rows} <= set(CUSTOMER if role == "customer" else DISPATCHER)


@pytest.mark.parametrize(("name", "role"), APART)
def test_long_texts_held_apart_are_no_examples(name: str, role: str) -> None:
    ours = {masked(example.text) for example in examples.of_role(role)}
    long = [row.text for row in grade.rows_of_ours(name) if len(row.text.split()) > 4]
    assert [text for text in long if masked(text) in ours] == []


def test_rows_of_others_are_graded_by_the_mapping(shared_data: Path) -> None:
    labels: list[str] = []
    scores = grade.others(shared_data, lambda table: labels.extend(table))
    assert len(labels) == 27
    assert [score for score in scores if not score.holds] == []


def test_a_gate_holds_from_its_own_side() -> None:
    assert grade.Score("", 1, 0.95, 0.95).holds
    assert not grade.Score("", 1, 0.94, 0.95).holds
    assert grade.Score("", 1, 0.01, 0.01, more=False).holds
    assert not grade.Score("", 1, 0.02, 0.01, more=False).holds
    assert grade.Score("", 1, 0.0, None).holds
