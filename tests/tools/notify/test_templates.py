"""Texts: all of them can be sent, each asks for just its fields, and length is counted as carriers do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import prompts
from core.attempts import REASONS
from core.errors import BadInput
from tools.notify.lengths import parts as in_parts
from tools.notify.lengths import segments
from tools.notify.templates import (
    FIELDS,
    LANGUAGES,
    TEMPLATES,
    UNASKED,
    fields,
    lint,
    opt_out_words,
    render,
    words,
)

WINDOW = {"order": "A1", "day": "2026-11-21", "lo": "14:00", "hi": "15:00"}


def test_every_text_that_ships_can_be_sent() -> None:
    assert lint() == []


def test_every_declared_field_is_used_by_some_template() -> None:
    assert {field for names in TEMPLATES.values() for field in names} == set(FIELDS)


def test_days_are_said_by_name_and_times_as_they_are() -> None:
    text = render("retell", **WINDOW)
    assert "Saturday 21 November" in text
    assert "between 14:00 and 15:00" in text


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", sorted(name for name in UNASKED if not name.startswith("choice_")))
def test_what_is_sent_unasked_names_the_order(name: str, lang: str) -> None:
    said = {field: FIELDS[field] for field in fields(name)} | {"order": "A1042"}
    assert "A1042" in render(name, lang=lang, **said)


@pytest.mark.parametrize(
    ("name", "facts", "field"),
    [
        ("retell", {k: v for k, v in WINDOW.items() if k != "hi"}, "hi"),
        ("retell", WINDOW | {"weather": "fine"}, "weather"),
        ("retell", WINDOW | {"day": "tomorrow"}, "day"),
        ("retell", WINDOW | {"order": ""}, "order"),
        ("retell", WINDOW | {"order": "x" * 241}, "order"),
        ("retell", WINDOW | {"order": "A1\nURGENT"}, "order"),
        ("retell", WINDOW | {"order": True}, "order"),
        ("no_such", {}, "name"),
        ("retell", WINDOW | {"lang": "xx"}, "lang"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(name: str, facts: dict[str, str], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        render(name, **facts)
    assert caught.value.field == field


@pytest.mark.parametrize("value", ["{order.__class__}", "{0}", "{", "%s"])
def test_a_value_is_never_read_as_a_format(value: str) -> None:
    assert value in render("reply_cancelled", order=value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Reply STOP to end it", {"STOP", "END"}),
        ("reply stop", {"STOP"}),
        ("Stops before yours: 4, cancelled, ended", set()),
        ("unsubscribe.", {"UNSUBSCRIBE"}),
    ],
)
def test_opt_out_words_are_whole_words(text: str, words: set[str]) -> None:
    assert opt_out_words(text) == words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),  # two septets each
        ("€" * 81, 2),
        ("€" * 152, 2),  # a pair is not cut: 76 a segment
        ("€" * 153, 3),
        ("ё" * 70, 1),
        ("ё" * 71, 2),
        ("ё" * 134, 2),
        ("ё" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),  # 33 pairs a segment
        ("😀" * 67, 3),
        ("a" * 159 + "ё", 3),  # one foreign letter makes all of it UCS-2
    ],
)
def test_segments_are_counted_as_carriers_do(text: str, count: int) -> None:
    assert segments(text) == count


@given(st.text(max_size=500))
def test_more_text_never_takes_fewer_segments(text: str) -> None:
    assert segments(text) <= segments(text + "a")


@pytest.mark.parametrize(
    ("name", "text", "finding"),
    [
        ("promise", "{order} {day} {lo}", "en/promise: does not use 'hi'"),
        ("retell", "{order} {day} {lo} {hi} {secret}", "en/retell: uses 'secret', which is not declared"),
        ("retell", "{order} {day} {lo} {hi} reply STOP", "en/retell: invites the opt-out word STOP"),
        ("retell", "{order} {day} {lo} {hi!r}", "en/retell: formats 'hi'; fields stand alone"),
        ("retell", "{order} {day} {lo} {hi} see bit.ly/x", "en/retell: holds the link bit.ly/x, which carriers filter"),
        ("arrived", "{order} {", "en/arrived: can't be read: Single '{' encountered in format string"),
        ("arrived", "{order}\nbad", "en/arrived: is not one line of printable text"),
        ("rescheduled", "{order} {day}" + " long" * 80, "en/rescheduled: takes 3 SMS segments"),
        ("rescheduled", "{order} {day} ñandú ё" + " long" * 20, "en/rescheduled: takes 3 SMS segments"),
    ],
)
def test_lint_finds_a_text_that_breaks_a_rule(name: str, text: str, finding: str) -> None:
    changed = {f"templates/en/{name}.txt": text}
    assert lint(lambda path: changed.get(path) or prompts.read(path)) == [finding]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("kind", "codes"),
    [("reason", set(REASONS)), ("next", set(REASONS)), ("proof", {"photo", "signature", "barcode", "code", "note"})],
)
def test_every_code_has_its_words_in_every_language(lang: str, kind: str, codes: set[str]) -> None:
    said = words(kind, lang)
    assert set(said) == codes
    assert all(text.strip() and not opt_out_words(text) for text in said.values())


def test_a_day_is_said_in_the_language_of_the_text() -> None:
    assert "sábado 21 noviembre" in render("retell", lang="es", **WINDOW)


def test_what_is_said_to_customers_is_there_in_spanish_and_to_staff_in_english_only() -> None:
    assert render("reply_thanks", lang="es") != render("reply_thanks")
    assert render("ask_van", lang="es") == render("ask_van")


def test_a_text_of_the_clients_own_is_filled_like_ours() -> None:
    assert render("arrived", "Ding dong, {order}!", order="A1") == "Ding dong, A1!"


def test_lint_finds_texts_that_are_missing_or_not_declared() -> None:
    there = [*prompts.names(), "templates/en/extra.txt"]
    there.remove("templates/en/promise.txt")
    assert lint(there=there) == ["en/promise: has no text", "templates/en/extra.txt: is not declared"]


@pytest.mark.parametrize(
    ("text", "most", "parts"),
    [
        ("One. Two. Three.", 10, ["One. Two.", "Three."]),
        ("one two three", 8, ["one two", "three"]),
        ("onetwothree", 4, ["onet", "woth", "ree"]),
        ("short", 10, ["short"]),
    ],
)
def test_a_long_text_is_broken_where_it_reads_well(text: str, most: int, parts: list[str]) -> None:
    assert in_parts(text, most) == parts
