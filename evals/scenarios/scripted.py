"""People who are played by a script: what they write first, and what they answer when they are asked."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

MANNERS = ("patient", "terse", "angry", "confused", "wrong", "wavering", "two_topics", "spanish")
UNSEEN = 100
"""scenarios were developed on seeds below; from here on people use other words"""


@cache
def bank() -> dict[tuple[str, str, str], list[str]]:
    """(what they want, `seen` or `apart`, language) -> wordings."""
    found: dict[tuple[str, str, str], list[str]] = {}
    about = ""
    for line in (Path(__file__).parent / "words.txt").read_text("utf-8").splitlines():
        if line.startswith("== "):
            about = line[3:]
        elif line and not line.startswith("#"):
            half, lang, text = line.split(" ", 2)
            found.setdefault((about, half, lang), []).append(text)
    return found


@dataclass
class Script:
    """One person: the first message, then answers to what is asked, in turn."""

    manner: str
    first: str
    answers: Mapping[str, str] = field(default_factory=dict)
    """slot that is asked for -> answer"""
    then: list[str] = field(default_factory=list)
    """what they add of their own accord, one a turn"""

    def says_next(self, question: str | None) -> str | None:
        if question is not None:
            return self.answers.get(question, self.answers.get("any"))
        return self.then.pop(0) if self.then else None


def script(draw: random.Random, seed: int, about: str, known: Mapping[str, str], manner: str) -> Script:
    """Somebody with this concern and manner. `known` fills the wording: ref, wrong, day."""
    half = "seen" if seed < UNSEEN else "apart"
    lang = "es" if manner == "spanish" and (about, half, "es") in bank() else "en"
    day = known["dia"] if lang == "es" else known["day"]
    text = draw.choice(bank()[about, half, lang]).format(**{**known, "day": day})
    asks = about not in ("chatter", "injected", "opt_out")  # those want nothing that a question would clear up
    answers = {"order": known.get("ref", ""), "day": day, "any": text} if asks else {}
    made = Script(manner, text, answers)
    return _in_manner(made, draw, half, known)


def _in_manner(made: Script, draw: random.Random, half: str, known: Mapping[str, str]) -> Script:
    ref = known.get("ref", "")
    if made.manner == "patient":
        end = "" if made.first[-1] in ".!?" else "."
        made.first = f"Hello, I hope you are well. {made.first}{end} No hurry, thank you!"
    elif made.manner == "terse":
        made.first = (
            made.first.lower().rstrip(".!?") if ref == "" or ref not in made.first else made.first.rstrip(".!?")
        )
    elif made.manner == "angry":
        made.first = f"{made.first.upper().replace(ref.upper(), ref)}!!! This is ridiculous!"
    elif made.manner == "confused":
        made.first = f"Umm sorry not sure if this is the right place... {made.first}"
    elif made.manner == "wrong" and ref in made.first and ref:
        made.then = [made.first]  # first with a reference that is nobody's, then corrected
        made.first = made.first.replace(ref, known["wrong"])
    elif made.manner == "wavering":
        made.first, made.then = draw.choice(bank()["hello", half, "en"]), [made.first]
    elif made.manner == "two_topics":
        made.then = [draw.choice(bank()["thanks", half, "en"])]
    return made
