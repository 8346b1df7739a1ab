"""Addresses brought to one spelling, so that two ways to write a door are one: "1745 T Street Southeast, Apt 4" and
"1745 T ST SE". Words of the United States, where the known addresses are; others pass with case, accents and
punctuation evened out. Nothing here looks anything up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from core.orders import Address
from tools.geocoder.port import Frozen
from tools.geocoder.words import COUNTRIES, DIRECTIONS, NUMERALS, STATES, STREETS, UNITS

NUMBER = re.compile(r"(?=.*\d)\d*[a-z]?\d+[a-z]?(-\d+[a-z]?)?")
TRAILING = re.compile(r"\d+[a-z]?")
ORDINAL = re.compile(r"\d+(st|nd|rd|th)")
FRACTION = re.compile(r"\d/\d")
POSTAL = re.compile(r"(\d{5})(?:-?\d{4})?")
UNIT_ID = re.compile(r"[a-z]?\d+[a-z]?(-\d+)?|[a-z]{1,2}")
BOX = re.compile(r"\b(?:p\.?\s*o\.?|post office)\s*box\s*#?\s*(\w+)", re.IGNORECASE)


class Parsed(Frozen):
    """An address in one spelling; what it does not say is empty."""

    number: str = ""
    street: str = ""
    unit: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""

    @property
    def to_the_door(self) -> bool:
        return bool(self.number and self.street)


def plain(text: str) -> str:
    """Small letters without accents; punctuation is a space, but within a number or a word."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(each for each in folded if not unicodedata.combining(each))
    bare = re.sub(r"['’.](?=\w)(?<=\w.)", "", bare)
    return " ".join(re.sub(r"[^\w\s/#-]|_", " ", bare).split())


def parse(address: Address) -> Parsed:
    """The parts that were sent; what they leave open is read from the first line, or from the second one when the first
    is no street: a company, a building."""
    line, second = parse_line(address.line1), parse_line(address.line2)
    if not line.to_the_door and second.to_the_door:
        line = second
    sent = {
        "city": plain(address.city),
        "state": STATES.get(plain(address.state), plain(address.state)),
        "postal_code": postal(address.postal_code),
    }
    return line.model_copy(update={name: value for name, value in sent.items() if value})


def postal(text: str) -> str:
    """A postal code without blanks; of a ZIP+4 the ZIP."""
    found = POSTAL.fullmatch(text.strip())
    return found.group(1) if found else re.sub(r"[^a-z0-9]", "", plain(text))


def parse_line(text: str) -> Parsed:
    """An address in one line, as people write it, read from its end: country, postal code, state, city; then number,
    street and unit from its beginning."""
    box = BOX.search(text)
    if box:
        text = f"{text[: box.start()]} pobox {box.group(1)} {text[box.end() :]}"
    segments = [words for part in re.split(r"[,;\n]+", text) if (words := plain(part).replace("#", " # ").split())]
    _drop(segments, COUNTRIES)
    postal_code = _take_postal(segments)
    _drop(segments, COUNTRIES)
    state = _take_state(segments) if postal_code or len(segments) > 1 or _ends_in_state(segments) else ""
    city = " ".join(segments.pop()) if len(segments) > 1 and not _is_unit(segments[-1]) else ""
    words = [word for segment in segments for word in segment]
    number, words = _number(words)
    words, unit = _without_unit(words)
    if not city and (state or postal_code):
        words, city = _city_after_street(words)
    return Parsed(number=number, street=street(words), unit=unit, city=city, state=state, postal_code=postal_code)


def street(words: Sequence[str]) -> str:
    """One spelling of a street: `["T", "Street", "Southeast"]` -> "t st se"."""
    joined = " ".join(words).casefold()
    for long, short in (("north east", "ne"), ("north west", "nw"), ("south east", "se"), ("south west", "sw")):
        joined = re.sub(rf"\b{long}\b", short, joined)
    found = [DIRECTIONS.get(w) or STREETS.get(w) or NUMERALS.get(w) or w for w in joined.split()]
    return " ".join(found)


def _drop(segments: list[list[str]], words: frozenset[str]) -> None:
    if segments and (" ".join(segments[-1]) in words or (len(segments[-1]) > 1 and segments[-1][-1] in words)):
        segments[-1] = [] if " ".join(segments[-1]) in words else segments[-1][:-1]
        if not segments[-1]:
            segments.pop()


def _take_postal(segments: list[list[str]]) -> str:
    """A ZIP at the end; a house number alone on its line is none."""
    if not segments or (len(segments) == 1 and len(segments[0]) < 2):
        return ""
    found = POSTAL.fullmatch(segments[-1][-1])
    if found is None:
        return ""
    segments[-1].pop()
    if not segments[-1]:
        segments.pop()
    return found.group(1)


def _ends_in_state(segments: Sequence[Sequence[str]]) -> bool:
    """Of a single line without a ZIP only a full name or a code after a few words is taken for a state."""
    return bool(segments) and len(segments[-1]) > 3 and segments[-1][-1] in STATES


def _take_state(segments: list[list[str]]) -> str:
    if not segments:
        return ""
    for count in (3, 2, 1):
        name = " ".join(segments[-1][-count:])
        if len(segments[-1]) >= count and name in STATES and (len(segments) > 1 or len(segments[-1]) > count):
            segments[-1] = segments[-1][:-count]
            if not segments[-1]:
                segments.pop()
            return STATES[name]
    return ""


def _number(words: Sequence[str]) -> tuple[str, list[str]]:
    """The house number and what is left. Where it stands behind the street, as in Calle Mayor 5, it is taken there."""
    if words and NUMBER.fullmatch(words[0]) and not ORDINAL.fullmatch(words[0]):
        rest = list(words[1:])
        number = words[0]
        if rest and FRACTION.fullmatch(rest[0]):
            number += f" {rest.pop(0)}"
        return number, rest
    if len(words) > 1 and TRAILING.fullmatch(words[-1]) and not any(w in STREETS or w in UNITS for w in words[:-1]):
        return words[-1], list(words[:-1])
    return "", list(words)


def _is_unit(words: Sequence[str]) -> bool:
    """Whether a segment between commas says which flat: "apt 4", "2nd floor", "# 12"."""
    return bool(words) and len(words) <= 4 and any(word in UNITS for word in words)


def _without_unit(words: Sequence[str]) -> tuple[list[str], str]:
    """Flat, floor and suite stand apart from the street: a van stops at the door."""
    kept: list[str] = []
    unit: list[str] = []
    left = list(words)
    while left:
        count = _unit_words(left) if kept else 0
        (unit if count else kept).extend(left[: count or 1])
        del left[: count or 1]
    return kept, " ".join(unit)


def _unit_words(words: Sequence[str]) -> int:
    """How many words at the beginning say which flat: "apt 4", "2nd floor", "rear" at the end; else 0."""
    word, after = words[0], words[1] if len(words) > 1 else ""
    if word in UNITS and (UNIT_ID.fullmatch(after) or after in NUMERALS):
        return 2
    if after in UNITS and (ORDINAL.fullmatch(word) or word in NUMERALS or word in ("lower", "upper")):
        return 2
    return int(word in UNITS and (not after or word == "#"))


def _city_after_street(words: Sequence[str]) -> tuple[list[str], str]:
    """Without a comma the street ends with its last type (St, Ave ...) and the direction behind it, if any."""
    ends = [at for at, word in enumerate(words[:-1]) if at and word in STREETS]
    if not ends:
        return list(words), ""
    end = ends[-1] + 1
    if end < len(words) - 1 and DIRECTIONS.get(words[end], "") and len(words[end]) <= 2:
        end += 1
    return list(words[:end]), " ".join(words[end:])


def same_place(one: Parsed, other: Parsed) -> bool:
    """Whether two addresses may lie in one town: their postal codes agree or, where one has none, city and state."""
    if one.postal_code and other.postal_code:
        return one.postal_code == other.postal_code
    pairs = ((one.city, other.city), (one.state, other.state))
    return all(mine == theirs or not mine or not theirs for mine, theirs in pairs)
