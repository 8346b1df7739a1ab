"""How long a text is as a message: the segments that it is billed by, and the parts that a provider takes it in."""

from __future__ import annotations

MAX_PART = 1600
"""characters of one message that providers take"""
_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_DOUBLE = frozenset("^{}\\[~]|€\f")


def segments(text: str) -> int:
    """How many SMS segments a text takes: GSM-7 (160, or 153 each) or UCS-2 (70, or 67 each)."""
    if all(c in _GSM7 or c in _GSM7_DOUBLE for c in text):
        return _segments([2 if c in _GSM7_DOUBLE else 1 for c in text], 160, 153)
    return _segments([2 if ord(c) > 0xFFFF else 1 for c in text], 70, 67)


def parts(text: str, most: int = MAX_PART) -> list[str]:
    """A text in pieces that a provider takes, broken at the end of a sentence or at a blank where there is one."""
    found = []
    while len(text) > most:
        head = text[:most]
        at = max(head.rfind(end) + 1 for end in (". ", "! ", "? ", "\n")) or head.rfind(" ") + 1 or most
        found.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*found, text]


def _segments(sizes: list[int], single: int, each: int) -> int:
    """A character of two units is never cut in half, so a segment may stay one unit short."""
    if sum(sizes) <= single:
        return 1
    count, room = 1, each
    for size in sizes:
        if size > room:
            count, room = count + 1, each
        room -= size
    return count
