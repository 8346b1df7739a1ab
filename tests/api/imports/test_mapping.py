"""Mapping files: what they may say, and that a mistake in one is said before any row is read."""

from __future__ import annotations

import pytest

from api.imports.mapping import ColumnMap, load
from core.errors import BadFile

THEIRS = """
columns: {ref: Beleg, weight: Gewicht}
constants: {client: acme, name: "Resident {row}"}
values: {kind: {Abhol: pickup}}
ignore: [Vertreter]
decimal: ","
"""


def test_a_mapping_fills_constants_row_numbers_and_values() -> None:
    mapping = load(THEIRS)

    assert mapping.columns == {"ref": "Beleg", "weight_kg": "Gewicht"}
    assert mapping.fill(7, {"ref": "A", "kind": "Abhol"}) == {
        "client": "acme", "name": "Resident 7", "ref": "A", "kind": "pickup",
    }  # fmt: skip


def test_what_a_row_says_wins_over_a_constant() -> None:
    assert load(THEIRS).fill(1, {"name": "Ada", "client": ""})["name"] == "Ada"
    assert load(THEIRS).fill(1, {"name": "Ada", "client": ""})["client"] == "acme"


@pytest.mark.parametrize("text", ["", "{}", "# nothing"])
def test_an_empty_mapping_changes_nothing(text: str) -> None:
    assert load(text) == ColumnMap()


WRONG: list[tuple[str, str, str]] = [
    ("columns: [", "no YAML", "a list that never ends"),
    ("columns: {colour: Farbe}", "no field 'colour'", "a field that there is not"),
    ("columns: {Beleg: ref}", "no field 'Beleg'", "the wrong way round"),
    ("constants: {ref: [1]}", "constants", "a list for a text"),
    ("colums: {ref: A}", "colums", "a word that nothing reads"),
    ("- ref", "mapping", "a list"),
    ("decimal: ';'", "decimal", "a sign that separates nothing"),
    ("x" * 100_001, "100001", "too long"),
]


@pytest.mark.parametrize(("text", "words", "why"), WRONG, ids=[row[2] for row in WRONG])
def test_a_mapping_that_can_not_be_is_refused(text: str, words: str, why: str) -> None:
    with pytest.raises(BadFile) as caught:
        load(text)
    assert caught.value.field == "mapping"
    assert words in caught.value.what, why
    assert caught.value.fix
