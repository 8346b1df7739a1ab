"""A message cut into clauses, so that two wishes in one message are both seen."""

from __future__ import annotations

import re

SHORTEST = 2
"""words that a clause must have to stand alone"""
_CUT = re.compile(
    r"(?<!\bst)(?<!\bave)(?<!\bapt)(?<!\bno)(?<!\bdr)(?<!\bmr)(?<!\bmrs)[.!?;]+(?=\s|$)|\n+|\s-+\s"
    r"|,?\s(?:and also|also|and btw|btw|oh and|by the way|plus|another thing|one more thing|ademas|tambien|y tambien|"
    r"por cierto|and then)\s"
    r"|,\s?(?=(?:and|but|y|pero|can|could|where|when|how|what|please|pls|also|i want|i need|is|do|did|cuando|donde|"
    r"pueden|quiero)\b)"
    r"|\s(?:and|y)\s(?=(?:can|could|where|when|how|what|please|pls|i want|i need|is there|do you|did|"
    r"cuando|donde|pueden|quiero|cancel|refund|leave|change|tell|text|move|hold|send|give)\b)",
    re.I,
)


def split(text: str) -> list[str]:
    """The clauses of a message in order; one that is too short to stand alone goes with the one before."""
    found: list[str] = []
    for part in (part.strip(" ,") for part in _CUT.split(text)):
        if found and part and len(part.split()) < SHORTEST:
            found[-1] += f", {part}"
        elif part:
            found.append(part)
    return found or [text]
