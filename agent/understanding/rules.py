"""What is known by rule, before any classifier: opt-out words as carriers read them, danger to people, small words.

An opt-out word counts when it is all of a message; danger counts wherever it stands. The rules err on one side only:
a person too many is called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import prompts
from agent.understanding.text import fold

OPT_OUT = frozenset("stop stopall unsubscribe cancel end quit revoke optout alto baja".split())  # noqa: SIM905 (a list)
OPT_IN = frozenset({"start", "unstop"})
_NO_MORE = re.compile(
    r"\b(?:stop|quit) (?:texting|messaging|spamming) (?:me|us|my)\b"
    r"|\b(?:stop|quit) sending me (?:\w+ )?(?:texts|messages)\b"
    r"|\b(?:dejen?|deje) de (?:escribirme|mandarme|enviarme)\b|\bno me (?:manden|escriban|envien) mas\b"
)
_WHO = r"(?:driver|guy|dude|man|courier|lady|employee|chofer|repartidor|conductor|he|she|someone|somebody)"
_BEING = (
    r"(?:my |our |the |a |an |mi |un |una |el )*(?:\w+ )?"
    r"(?:kid|child|son|daughter|baby|girl|boy|wife|husband|mom|mother|dad|father|man|woman|person|pedestrian|cyclist|"
    r"people|neighbou?r|dog|cat|car|house|fence|bike|garage|mailbox|perro|nino|nina|hijo|hija|senora|senor|carro|coche)"
)
_DANGER = re.compile(
    "|".join(
        (
            rf"\b(?:ran over|run over|hit|struck|backed into|rammed|atropell\w+|choco|crashed into) {_BEING}\b",
            r"\b(?:bleeding|unconscious|ambulance|injured|injury|911|not breathing|heart attack|seizure|sangrando|"
            r"ambulancia|herid[oa]s?|inconsciente)\b",
            r"\b(?:is|are|was|got|am|been) (?:badly |really )?(?:hurt|shot|stabbed|attacked|assaulted|robbed at)\b",
            r"\bi'?m hurt\b|\bim hurt\b",
            r"\b(?:on fire|caught fire|catching fire|in flames|explod\w+|gas leak|"
            r"smell(?:s|ing)? (?:of |like )?(?:gas|smoke|burning)|smoke (?:\w+ )?(?:from|out of|in|inside)|se quema|"
            r"quemando|en llamas|(?:sale|hay) (?:humo|fuego))\b",
            rf"\b{_WHO}\b.{{0,30}}\b(?:drunk|intoxicated|impaired|wasted|stoned|borracho|drogado|ebrio|tomado|smells? "
            r"(?:of|like) (?:alcohol|booze|beer|weed|liquor))\b|\bdrunk driver\b|\bdrunk driving\b",
            r"\b(?:has|had|have|with|pulled|waving|saco|tiene) (?:a |an |his |un |una )?(?:gun|knife|weapon|pistola|"
            r"cuchillo|arma)\b",
            r"\b(?:threaten(?:ed|ing|s)?|amenaz\w+|assault\w*|punched|choked|groped|stabb\w+)\b "
            r"(?:to |me|my|us|him|her|the driver|a mi)",
            r"\b(?:gonna|going to|will|i'?ll|voy a) (?:kill|shoot|stab|hurt|burn|matar) "
            r"(?:you|him|her|them|the|that|your|myself|al|a)\b",
            r"\b(?:had|was in|in|been|hubo|tuvo) (?:an |a |un )?(?:bad |car |terrible )?"
            r"(?:accident|crash|collision|wreck|accidente|choque)\b",
        )
    )
)


_LAW = re.compile(
    r"\b(?:lawyer|attorney|solicitor|barrister|legal action|legal department|sue|suing|lawsuit|small claims|"
    r"in court|to court|ombudsman|regulator|gdpr|ccpa|data protection|consumer (?:protection|rights|affairs)|"
    r"trading standards|(?:call|report\w*|tell|told|going to|to|with) (?:you )?(?:to )?the police|police report|"
    r"abogad[oa]s?|demandar\w*|denunci\w+|juzgado|tribunal(?:es)?|policia|proteccion de datos|"
    r"derechos? del consumidor|oficina del consumidor)\b"
    r"|\b(?:delete|erase|remove) (?:all )?(?:of )?my (?:personal )?data\b|\b(?:borr\w+|elimin\w+) mis datos\b"
    r"|\ball (?:the )?data you (?:hold|have|keep)\b"
)


def opt_word(text: str) -> tuple[str, str] | None:
    """(opt_out or opt_in, the word) when a message is one word that carriers act upon."""
    word = re.sub(r"\W+", "", fold(text))
    for intent, words in (("opt_out", OPT_OUT), ("opt_in", OPT_IN)):
        if word in words:
            return intent, word.upper()
    return None


def opts_out(text: str) -> bool:
    """Does a message say, among whatever else, that no more messages are wanted?"""
    return _NO_MORE.search(" ".join(fold(text).split())) is not None


def is_danger(text: str) -> bool:
    """Does a message speak of injury, fire, threat, violence or somebody unfit to drive?"""
    return _DANGER.search(" ".join(fold(text).split())) is not None


def is_legal(text: str) -> bool:
    """Does a message speak of courts, lawyers, regulators, the police, or of rights over the writer's data?"""
    return _LAW.search(" ".join(fold(text).split())) is not None


def small_talk(words: Sequence[str]) -> str | None:
    """The intent of a message that consists of small words only: "hi there", "ok thanks", "yes please"."""
    said = {word for word in words if word not in "!?"}
    if not said:
        return None
    for intent, (core, also) in _small_words().items():
        if said & core and said <= core | also:
            return intent
    return None


@cache
def _small_words() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    found = {}
    for line in prompts.read("understanding/small_words.txt").splitlines():
        intent, _, words = line.partition(" = ")
        if words:
            core, _, also = words.partition(" | also: ")
            found[intent] = frozenset(core.split()), frozenset(also.split())
    return found
