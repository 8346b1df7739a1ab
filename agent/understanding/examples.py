"""Training examples: lines in prompts/understanding, expanded to what people might send.

A line is text with `(a|b)` for a choice, `[a|b]` for one that may be left out, and `{list}` for a word of a list in
`LANGUAGE/lists.txt`. A line is expanded to some of its readings, each framed the way people frame a text ("hey", "pls",
"thx") and some with a typo, all drawn by chance that is seeded with the line itself: the same files, the same examples.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import prompts

FOLDER = "understanding"
LANGUAGES = ("en", "es")
READINGS = (9, 80)
"""of a line with choices, at least and at most: the square root of all that it has"""
TYPOS = 0.3
_PART = re.compile(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]|\{(\w+)\}")
_KEYS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuiopqsdfghjklaxcvbnmz", strict=True))


@dataclass(frozen=True)
class Example:
    text: str
    intent: str
    language: str


def of_role(role: str) -> list[Example]:
    """All examples for customers or dispatchers, in the order of the files and their lines."""
    return [
        Example(text, intent, language)
        for language in LANGUAGES
        for intent, name in _files(role, language)
        for line in _lines(name)
        for text in expand(line, language)
    ]


def _files(role: str, language: str) -> Iterator[tuple[str, str]]:
    """(intent, file) of a role; what nobody may ask of us is shared by all roles."""
    for name in prompts.names():
        folder, _, file = name.rpartition("/")
        if folder in (f"{FOLDER}/{language}/{role}", f"{FOLDER}/{language}/anyone"):
            yield file.removesuffix(".txt"), name


def _lines(name: str) -> list[str]:
    lines = (line.strip() for line in prompts.read(name).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


@cache
def lists(language: str) -> dict[str, tuple[str, ...]]:
    """The word lists that `{name}` stands for."""
    pairs = (line.split("=", 1) for line in _lines(f"{FOLDER}/{language}/lists.txt"))
    return {name.strip(): tuple(word.strip() for word in words.split("|")) for name, words in pairs}


def expand(line: str, language: str) -> list[str]:
    """What a line stands for: itself when it has no choices, else some framed readings of it."""
    chance = random.Random(f"{language}:{line}")
    if not _PART.search(line):
        framed = [_framed(line, language, chance) for _ in range(2)]
        return [line, *framed, _misspelt(line, chance), _misspelt(framed[0], chance)]
    found: dict[str, None] = {}
    for _ in range(_readings(line, language)):
        text = _framed(_reading(line, language, chance), language, chance)
        found[_misspelt(text, chance) if chance.random() < TYPOS else text] = None
    return list(found)


def _readings(line: str, language: str) -> int:
    sizes = (
        len(lists(language)[m[3]]) if m[3] else (m[1] or m[2]).count("|") + 1 + (m[2] is not None)
        for m in _PART.finditer(line)
    )
    return int(min(max(math.prod(sizes) ** 0.5, READINGS[0]), READINGS[1]))


def _reading(line: str, language: str, chance: random.Random) -> str:
    """One reading, choices drawn innermost first."""

    def draw(m: re.Match[str]) -> str:
        if m[3] is not None:
            return chance.choice(lists(language)[m[3]])
        choices: list[str] = m[1].split("|") if m[1] is not None else [*m[2].split("|"), ""]
        return chance.choice(choices)

    while _PART.search(line):
        line = _PART.sub(draw, line)
    return " ".join(line.split())


def _framed(text: str, language: str, chance: random.Random) -> str:
    opener, closer = chance.choice(lists(language)["opener"]), chance.choice(lists(language)["closer"])
    which = chance.random()
    if which < 0.4:
        return f"{opener} {text}"
    return f"{text} {closer}" if which < 0.8 else f"{opener} {text} {closer}"


def _misspelt(text: str, chance: random.Random) -> str:
    """One slip of the thumb, in a word of four letters or more; sometimes two."""
    words = text.split()
    for _ in range(chance.choice((1, 1, 2))):
        long = [at for at, word in enumerate(words) if len(word) > 3 and word.isalpha()]
        if not long:
            return text
        at = chance.choice(long)
        words[at] = _slip(words[at], chance)
    return " ".join(words)


def _slip(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    match chance.randrange(5):
        case 0:
            return word[:at] + word[at + 1 :]
        case 1:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case 2:
            return word[:at] + word[at] + word[at:]
        case 3:
            return word[:at] + _KEYS.get(word[at].lower(), word[at]) + word[at + 1 :]
        case _:
            return word[1] + word[0] + word[2:]
