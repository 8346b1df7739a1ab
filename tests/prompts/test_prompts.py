"""The texts are read by name, and their version is their content."""

from __future__ import annotations

import re

import pytest

import prompts
from core.errors import NotFound
from tools.notify.templates import opt_out_words


def test_every_text_is_listed_and_read() -> None:
    assert {"system.md", "playbooks/predicted_late.md", "templates/en/retell.txt"} <= set(prompts.names())
    assert all(prompts.read(name) for name in prompts.names())


@pytest.mark.parametrize("name", ["no.md", "../core/errors.py", "__init__.py", "/etc/passwd", ""])
def test_nothing_else_is_read(name: str) -> None:
    with pytest.raises(NotFound):
        prompts.read(name)


def test_the_version_is_a_digest_and_stays() -> None:
    first = prompts.version()
    prompts.version.cache_clear()
    assert prompts.version() == first
    assert re.fullmatch(r"[0-9a-f]{64}", first)


def test_the_system_text_forbids_the_opt_out_words_and_names_the_reasons() -> None:
    text = prompts.read("system.md")
    assert {"STOP", "CANCEL", "REVOKE"} <= opt_out_words(text)
    assert "`safety`" in text
    assert "`asked_for_human`" in text
