"""Text as people send it, made comparable: one spelling for chat abbreviations, marks for numbers, days, times, names.

`normal` is what the classifier reads; slots are read from the original (slots.py). The marks are words in `<>`, so that
"where is 4471" and "where is #A-1042" are the same sentence to the classifier.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import prompts

_QUOTES = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "“": '"', "”": '"', "¿": " ", "¡": " "})
_EMOJI = {
    "👍": " yes ", "👌": " yes ", "✅": " yes ", "👎": " no ", "🙏": " thanks ", "❤": " love ", "😍": " love ",
    "😡": " angry ", "🤬": " angry ", "😠": " angry ", "😤": " angry ", "🔥": " fire ", "👋": " hi ", "⭐": " stars ",
    "🌟": " stars ", "📦": " package ", "🚚": " van ", "💔": " broken ",
}  # fmt: skip
_DAY_WORDS = (
    r"(?:day after tomorrow|tomorrow|2moro+w?|tomm?or+ow|tmrw|tmrow|tmr|tmw|today|2day|tonight|2nite|tonite|yesterday"
    r"|mon(?:day)?s?|tue(?:s|sday)?s?|wed(?:nesday|s)?s?|thu(?:r|rs|rsday)?s?|fri(?:day)?s?|sat(?:urday)?s?"
    r"|sun(?:day)?s?|weekend|pasado manana|manana|hoy|ayer|lunes|martes|miercoles|jueves|viernes|sabado|domingo"
    r"|fin de semana|jan(?:uary)? \d+|feb(?:ruary)? \d+|mar(?:ch)? \d+|apr(?:il)? \d+|june? \d+|july? \d+"
    r"|aug(?:ust)? \d+|sept?(?:ember)? \d+|oct(?:ober)? \d+|nov(?:ember)? \d+|dec(?:ember)? \d+)"
)
_SAME: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^\W*good (?:morning|afternoon|evening|day)\b"), "hello"),
    (re.compile(r"\b(?:you|u) (?:guys|all|people|folks)\b|\byou lot\b"), "you"),
    (
        re.compile(
            r"\b(?:your|ur|the|that|this|yr) (?:\w+ )?(?:delivery |van |truck )?"
            r"(?:guy|dude|courier|driver|delivery (?:man|boy|girl|lady|person|woman)|deliveryman|delivery driver)\b"
        ),
        "the driver",
    ),
)
"""ways to say the same that are longer than a word"""
_MARKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"https?://\S+|www\.\S+"), " <url> "),
    (re.compile(r"[\w.+-]+@[\w-]+\.\w+"), " <email> "),
    (re.compile(r"[$€£]\s?\d[\d,.]*k?|\b\d[\d,.]*\s?(?:dollars?|bucks?|usd|euros?|eur|pounds?|cents|dolares|pesos)\b"),
     " <money> "),
    (re.compile(r"(?<=order )\d+|(?<=chase )\d+|\b\d{12,}\b|\b0\d{7,8}\b"), " <ref> "),
    (re.compile(r"\+\d{8,15}\b|\(?\b\d{3}\)?[ .-]\d{3}[ .-]?\d{4}\b|\b0?\d{10}\b|\b\d{2,4}(?: \d{2,4}){2,4}\b"),
     " <phone> "),
    (re.compile(r"\b\d{1,2}[:.h]\d{2}\s?(?:[ap]\.?m\.?)?|\b\d{1,2}\s?(?:[ap]\.?m\b\.?|o'?clock)|\b\d{1,2}\s?-\s?\d{1,2}"
                r"\s?[ap]m\b|\bnoon\b|\bmidday\b|\bmediodia\b"), " <time> "),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b"), " <day> "),
    (re.compile(rf"\b{_DAY_WORDS}\b"), " <day> "),
    (re.compile(r"#\s?[a-z]{0,6}-?\d[\w-]*|\b[a-z]{1,6}-?\d{2,}[\w-]*\b|\b[a-z]{3,8}-\d[\w-]*\b|\b\d{4,}[\w-]*\b"),
     " <ref> "),
    (re.compile(r"\b\d+(?:st|nd|rd|th)?\b"), " <num> "),
)  # fmt: skip
_TOKEN = re.compile(r"<\w+>|[^\W\d_]+(?:'[^\W\d_]+)?|[!?]")
_LONG = re.compile(r"([^\W\d])\1{2,}")
UNITS = frozenset({"van", "truck", "route", "driver", "stop", "unit", "bay", "apt", "floor", "furgoneta", "ruta"})
"""before a number these name a thing of the fleet or of a door, not an order"""


@cache
def _spellings() -> dict[str, str]:
    """Chat spelling -> the words it stands for (prompts/understanding/spellings.txt)."""
    lines = prompts.read("understanding/spellings.txt").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {short.strip(): long.strip() for shorts, long in pairs for short in shorts.split("|")}


@cache
def first_names() -> frozenset[str]:
    return frozenset(fold(prompts.read("understanding/names.txt")).split())


_NOTHING = frozenset({"", "i", "it", "me", "us", "you", "that", "this"})
"""what is no wish by itself"""


@cache
def _frames() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What people wrap a wish in, at its start and at its end (prompts/understanding/frames.txt)."""
    found: dict[str, list[str]] = {"start": [], "end": []}
    for line in prompts.read("understanding/frames.txt").splitlines():
        place, _, frame = line.partition(" = ")
        if place in found:
            found[place].append(_as_pattern(frame))
    start, end = ("|".join(sorted(frames, key=len, reverse=True)) for frames in found.values())
    return re.compile(rf"^(?:{start})(?= )"), re.compile(rf"(?<= )(?:{end})$")


def _as_pattern(frame: str) -> str:
    """`(a|b)` and `[a|b]` with the spaces between them, as a regular expression."""
    parts = re.findall(r"\([^)]*\)|\[[^]]*\]|[^\s()\[\]]+", frame)
    return "".join(
        rf"(?: ?(?:{part[1:-1]})\b)?" if part[0] == "[" else rf" ?(?:{part[1:-1] if part[0] == '(' else part})\b"
        for part in parts
    )


@cache
def goods() -> frozenset[str]:
    """What is delivered, by its common names: to a wish it is the same whether a lamp or a sofa is late."""
    return frozenset(fold(prompts.read("understanding/goods.txt")).split())


def fold(text: str) -> str:
    """Lower case without accents; typographic quotes become plain ones. May change the length of the text."""
    text = unicodedata.normalize("NFKD", text.translate(_QUOTES).casefold())
    return "".join(c for c in text if not unicodedata.combining(c))


def normal(text: str) -> list[str]:
    """What the classifier reads: the words of a message without what its wish is wrapped in."""
    return _bare(words_of(text))


def words_of(text: str) -> list[str]:
    """The words of a message in one spelling, marks for what varies, `!` and `?` once each."""
    for sign, words in _EMOJI.items():
        text = text.replace(sign, words)
    text = _LONG.sub(r"\1", fold(text))
    for pattern, mark in (*_SAME, *_MARKS):
        text = pattern.sub(mark, text)
    found: list[str] = []
    for said in _TOKEN.findall(text):
        if said in ("!", "?") and found[-1:] == [said]:
            continue
        found += _word(said)
    return _named(found)


def _bare(words: list[str]) -> list[str]:
    """Without what the wish is wrapped in: "i do not know how to", "can you help me", "thanks"."""
    start, end = _frames()
    text = " ".join(word for word in words if word not in "!?")
    signs = [word for word in dict.fromkeys(words) if word in "!?"]
    while True:
        less = end.sub("", start.sub("", text).strip()).strip()
        if less == text or less in _NOTHING:
            return [*text.split(), *signs]
        text = less


def _word(token: str) -> list[str]:
    long = _spellings().get(token)
    if long is None and "'" in token:
        long = _spellings().get(token.replace("'", ""))
    if long is not None:
        return long.split()
    if token in goods() or token.removesuffix("s") in goods():
        return ["<goods>"]
    if token in first_names() or token.removesuffix("'s") in first_names():
        return ["<name>"]
    return [token.replace("'s", "").replace("'", "")]


def _named(words: list[str]) -> list[str]:
    """A number after "van" or "route" is that van's or route's."""
    return [
        "<unit>" if word in ("<num>", "<ref>") and at and words[at - 1] in UNITS else word
        for at, word in enumerate(words)
    ]
