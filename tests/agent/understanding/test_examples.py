"""The training examples: ours alone, expanded the same each time, enough of each."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from agent.understanding import examples, text

CUSTOMER = """where_is_order reschedule change_address delivery_instructions cancel_order change_order not_received
damaged_or_wrong proof_request refund complaint feedback policy_question talk_to_human confirm deny opt_out opt_in help
greeting thanks safety out_of_scope""".split()  # noqa: SIM905 (read as a list)
DISPATCHER = """fleet_status where_is_driver where_is_order breakdown reassign rebalance add_order hold_order what_if
quote_carriers why approve reject undo notify autonomy proof_request plan out_of_scope""".split()  # noqa: SIM905


def masked(said: str) -> str:
    """Digits masked, words sorted: the same for rows that say the same in another order."""
    return " ".join(sorted(re.findall(r"\w+", re.sub(r"\d+", "0", said.lower()))))


def test_no_example_equals_a_row_of_others(shared_data: Path) -> None:
    theirs = set()
    for file in (*(shared_data / "intents").glob("*.csv"), *(shared_data / "sms").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                theirs.add(masked(row.get("utterance") or row.get("text") or ""))
    ours = {masked(e.text): e for role in ("customer", "dispatcher") for e in examples.of_role(role)}
    assert sorted(e.text for key, e in ours.items() if key in theirs) == []


@pytest.mark.parametrize(("role", "intents", "least"), [("customer", CUSTOMER, 100), ("dispatcher", DISPATCHER, 100)])
def test_each_intent_has_examples_enough(role: str, intents: list[str], least: int) -> None:
    count = Counter(example.intent for example in examples.of_role(role))
    assert {name: count[name] for name in intents if count[name] < least} == {}


def test_a_line_is_expanded_the_same_each_time_and_only_to_what_it_says() -> None:
    line = "where (is|was) my {thing} [now]"
    assert examples.expand(line, "en") == examples.expand(line, "en")
    assert len(examples.expand(line, "en")) > 5
    assert not any(mark in said for said in examples.expand(line, "en") for mark in "(){}[]|")


def test_every_line_names_lists_that_exist() -> None:
    for role in ("customer", "dispatcher"):
        assert examples.of_role(role)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("where's my PKG??", "where is my package ?"),
        ("can u plz help me to track order #A-1042", "track order <ref>"),
        ("I do not know how to cancel it", "cancel it"),
        ("come tmrw at 5pm", "come <day> at <time>"),
        ("mándelo mañana por favor", "mandelo <day>"),
        ("where is mike on van 12", "where is <name> on van <unit>"),
        ("soooo late!!!", "late !"),
        ("refund $12.50", "refund <money>"),
        ("help me", "help me"),
    ],
)
def test_text_is_made_comparable(said: str, words: str) -> None:
    assert " ".join(text.normal(said)) == words
