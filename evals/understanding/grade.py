"""Grades `understand` on labelled messages. What counts as right is in the mapping of the rows and in our own files.

A refund is a question to a person and changes nothing, so it counts as in scope only.
"""

from __future__ import annotations

import csv
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from agent.understanding.understand import CHANGES, understand

HERE = Path(__file__).parent
OUTSIDE = "out_of_scope"
HARMLESS = frozenset({"greeting", "thanks", "help", OUTSIDE, "confirm", "deny"})
SETS = {
    "voices kept apart, customers": ("customer_voices.tsv", "customer", None),
    "voices kept apart, dispatchers": ("dispatcher_voices.tsv", "dispatcher", None),
    "voices kept apart, Spanish": ("spanish_voices.tsv", "customer", None),
    "held apart, customers": ("customer_apart.tsv", "customer", None),
    "held apart, dispatchers": ("dispatcher_apart.tsv", "dispatcher", None),
    "looked at, customers": ("customer.tsv", "customer", 0.92),
    "looked at, dispatchers": ("dispatcher.tsv", "dispatcher", 0.90),
    "looked at, Spanish": ("spanish.tsv", "customer", 0.90),
}
"""voices and what was held apart are learned from by nobody: only their shares are looked at, never which texts fail;
what was looked at has been learned from and keeps that from being lost (docs/understanding.md has each first look)"""
FILES = (
    ("bitext", "intents/bitext_customer_support.csv", "utterance", "intent"),
    ("clinc150", "intents/clinc150_oos.csv", "utterance", "intent"),
    ("banking77", "intents/banking77_near_miss.csv", "utterance", "intent"),
    ("sms", "sms/uci_sms_ham_spam.csv", "text", "label"),
)


@dataclass(frozen=True)
class Row:
    source: str
    label: str
    intent: str
    text: str


@dataclass(frozen=True)
class Score:
    what: str
    rows: int
    value: float
    gate: float | None
    """None: reported, not gated"""
    more: bool = True
    """more is better"""

    @property
    def holds(self) -> bool:
        return self.gate is None or (self.value >= self.gate if self.more else self.value <= self.gate)


def rows_of_others(folder: Path) -> list[Row]:
    """All labelled rows, their label mapped onto our intents; what is not in the mapping is out of scope."""
    with (folder / "intents" / "mapping.csv").open(encoding="utf-8") as file:
        ours = {(row["dataset"], row["label"]): row["our_intent"] for row in csv.DictReader(file)}
    found = []
    for source, path, text, label in FILES:
        with (folder / path).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.append(Row(source, row[label], ours.get((source, row[label]), OUTSIDE), row[text]))
    return found


def rows_of_ours(name: str) -> list[Row]:
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [Row(name, intent, intent, text) for intent, text in (line.split("\t", 1) for line in lines)]


def others(folder: Path, by_label: Callable[[dict[str, tuple[int, int]]], object]) -> list[Score]:
    """The gates on rows that nobody here wrote."""
    rows = rows_of_others(folder)
    took: list[float] = []
    read = [(row, _timed(row.text, "customer", took)) for row in rows]
    bitext = [(row, got) for row, got in read if row.source == "bitext"]
    inside = [(row, got) for row, got in bitext if row.intent != OUTSIDE]
    outside = [(row, got) for row, got in read if row.source != "bitext" and row.intent == OUTSIDE]
    table: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row, got in bitext:
        right, count = table[row.label]
        table[row.label] = right + (got == row.intent), count + 1
    by_label(dict(table))
    return [
        Score("Bitext rows in scope, right", len(inside), _share(row.intent == got for row, got in inside), 0.95),
        Score("all Bitext rows, right", len(bitext), _share(row.intent == got for row, got in bitext), None),
        _at_most("others read as an intent that changes", (got in CHANGES for _, got in outside), 0.01),
        _at_most("others read as any in scope", (got not in HARMLESS for _, got in outside), 0.05),
        *(
            _at_most(f"  of {source}: changes", (got in CHANGES for row, got in outside if row.source == source), None)
            for source in ("clinc150", "banking77", "sms")
        ),
        _at_most("  read as a refund", (got == "refund" for _, got in outside), None),
        Score("milliseconds a message, p50", len(rows), statistics.median(took) * 1000, 5.0, False),
    ]


def _at_most(what: str, hits: Iterable[bool], gate: float | None) -> Score:
    said = list(hits)
    return Score(what, len(said), _share(said), gate, more=False)


def own() -> list[Score]:
    """Texts of our own that nothing was trained or tuned on."""
    found = []
    for what, (file, role, gate) in SETS.items():
        rows = rows_of_ours(file)
        right = _share(understand(row.text, role).intent == row.intent for row in rows)
        found.append(Score(f"our own, {what}", len(rows), right, gate))
    return found


def _timed(text: str, role: str, took: list[float]) -> str:
    started = time.perf_counter()
    got = understand(text, role).intent
    took.append(time.perf_counter() - started)
    return got


def _share(hits: Iterable[bool]) -> float:
    said = list(hits)
    return sum(said) / len(said) if said else 0.0
