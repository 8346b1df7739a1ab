"""What other programs call our fields, kinds and priorities (the words are in words.yaml), and the units of measures.

Words are compared without case, accents, blanks and punctuation.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import yaml

UNWRITABLE = re.compile("[\\0\ud800-\udfff]")
"""what JSON can spell and a database can't keep: NUL, and halves of surrogate pairs"""


def key(word: str) -> str:
    """What is compared of a word: letters, digits and number signs, without accents."""
    folded = unicodedata.normalize("NFKD", word.casefold().replace("№", "#"))
    return "".join(each for each in folded if each.isalnum() or each == "#")


_WORDS: dict[str, dict[str, list[str]]] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text("utf-8"))


def _means(section: str) -> dict[str, str]:
    return {key(str(word)): ours for ours, words in _WORDS[section].items() for word in (ours, *words)}


HEADERS, KINDS, PRIORITIES = _means("headers"), _means("kinds"), _means("priorities")
"""key of a word -> what we call it"""
YES = frozenset({"yes", "y", "true", "1", "si", "sim", "ja", "oui", "x"})
NO = frozenset({"no", "n", "false", "0", "nao", "nein", "non"})
"""keys of cells that say yes or no"""

POUND_G, OUNCE_G = 453.59237, 28.349523125
CUBIC_FOOT_ML, CUBIC_INCH_ML = 28_316.846592, 16.387064
UNITS: dict[str, dict[str, float]] = {
    "weight": {
        **dict.fromkeys(("kg", "kgs", "kilo", "kilos"), 1000.0),
        **dict.fromkeys(("g", "gr", "grams"), 1.0),
        **dict.fromkeys(("lb", "lbs", "pounds"), POUND_G),
        "oz": OUNCE_G,
        "t": 1_000_000.0,
    },
    "volume": {
        **dict.fromkeys(("l", "liter", "liters", "litre", "litres", "dm3"), 1000.0),
        **dict.fromkeys(("ml", "cm3", "ccm"), 1.0),
        **dict.fromkeys(("m3", "cbm"), 1_000_000.0),
        **dict.fromkeys(("ft3", "cuft"), CUBIC_FOOT_ML),
        **dict.fromkeys(("in3", "cuin"), CUBIC_INCH_ML),
    },
    "service": {
        **dict.fromkeys(("min", "mins", "minutes", "minutos", "minuten", "m"), 60.0),
        **dict.fromkeys(("s", "sec", "secs", "seconds", "segundos", "sekunden"), 1.0),
        **dict.fromkeys(("h", "hr", "hrs", "hours"), 3600.0),
    },
}
"""measure -> unit -> how many grams, millilitres or seconds it is"""
PLAIN_UNIT = {"weight": "kg", "volume": "l", "service": "min"}
"""what a measure's header means that names no unit"""
