"""The classifier learns what it is shown, the same each time, and says little about what it was not."""

from __future__ import annotations

import numpy as np
import pytest

from agent.understanding import classifier, clauses, rules
from agent.understanding.text import words_of

SHOWN = [
    *((f"where is my {thing}", "where") for thing in ("order", "parcel", "box", "delivery") * 3),
    *((f"cancel my {thing}", "cancel") for thing in ("order", "parcel", "box", "delivery") * 3),
]


def trained() -> classifier.Linear:
    return classifier.train([said.split() for said, _ in SHOWN], [label for _, label in SHOWN], [1.0] * len(SHOWN))


def test_it_learns_and_does_so_the_same_each_time() -> None:
    first, second = trained(), trained()
    assert np.array_equal(first.weights, second.weights)
    for said, label in SHOWN:
        assert first.labels[int(first.scores(said.split()).argmax())] == label


def test_a_typo_leaves_the_answer_and_the_unknown_leaves_it_open() -> None:
    model = trained()
    assert model.labels[int(model.scores(["cnacel", "my", "parcle"]).argmax())] == "cancel"
    known, unknown = (model.scores(said.split()).max() for said in ("cancel my order", "zebra quantum fjord"))
    assert known > unknown + 0.2


@pytest.mark.parametrize(
    ("said", "danger"),
    [
        ("your driver just hit my dog", True),
        ("your driver is drunk", True),
        ("there is smoke coming out of the van", True),
        ("su chofer está borracho", True),
        ("i will shoot that driver", True),
        ("that price hit me hard", False),
        ("the box is on the fireplace", False),
        ("no accident, just late", False),
        ("", False),
    ],
)
def test_danger_is_known_by_its_words(said: str, danger: bool) -> None:
    assert rules.is_danger(said) is danger


@pytest.mark.parametrize(
    ("said", "word"),
    [("STOP", "opt_out"), ("stop!", "opt_out"), ("Start", "opt_in"), ("stop by tomorrow", None), ("", None)],
)
def test_carriers_words_count_alone(said: str, word: str | None) -> None:
    found = rules.opt_word(said)
    assert (found and found[0]) == word


@pytest.mark.parametrize(
    ("said", "intent"),
    [("hi there", "greeting"), ("ok thanks!", "thanks"), ("yes please", "confirm"), ("no gracias", "deny"),
     ("where", None), ("please", None), ("", None)],
)  # fmt: skip
def test_small_words_need_no_classifier(said: str, intent: str | None) -> None:
    assert rules.small_talk(words_of(said)) == intent


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("where is it? leave it with bob", ["where is it", "leave it with bob"]),
        ("cancel it and refund me", ["cancel it", "refund me"]),
        ("no. thanks", ["no. thanks"]),
        ("450 elm st. apt 4", ["450 elm st. apt 4"]),
        ("", [""]),
    ],
)
def test_a_message_is_cut_into_clauses(said: str, parts: list[str]) -> None:
    assert clauses.split(said) == parts
