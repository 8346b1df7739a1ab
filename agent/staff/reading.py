"""What staff's messages say beyond intent and slots: where to, whose order, which setting, what a new order is.

A grammar, pure: it reads words; what they mean in the store is looked up by the tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from agent.planner import Line
from agent.understanding import slots
from agent.understanding.text import first_names, fold
from tools.autonomy import EVERYTHING, PAUSED, RUNNING

_VAN = r"(?:(?:the )?(?:van|truck|unit|vehicle|furgoneta|camioneta|camion|unidad)\s?#?\s?\w{1,4}|v-?\d{1,3}|van\d{1,4})"
_TO = re.compile(
    rf"\b(?:on ?to|to|over to|for|with|on|a la|al|a|para|en) (?P<van>{_VAN})\b"
    r"|\b(?:on ?to|to|over to|a) (?P<name>[a-z]{3,})\b"
)
_FROM = re.compile(rf"\b(?:from|off|of|de la|del|de) (?P<van>{_VAN})\b|\b(?:from|off) (?P<name>[a-z]{{3,}})\b")
_ANY_VAN = re.compile(rf"\b(?P<van>{_VAN})\b")
_WHOSE = re.compile(
    r"\b(?:the )?(?P<of>[a-z]+(?: [a-z]+)?)(?:'s|s') (?:order|parcel|package|delivery|stop|drop|box)\b"
    r"|\b(?:order|parcel|package|delivery|stop|drop|box|pedido|paquete) (?:for|of|de|para) "
    r"(?:mr |mrs |ms |the |la |el |senora |senor )*(?P<for>[a-z]{3,}(?: [a-z]{3,})?)\b"
    r"|\b(?:mrs?|ms|miss|senora|senor|sra|sr)\.? (?P<title>[a-z]{3,})\b"
)
_NOBODY = frozenset(
    """the that this today tomorrow customer customers driver someone somebody another other one his her their our your
    next last first all everyone everybody day now depot me him them us it order stop van route time morning""".split()  # noqa: SIM905
)
_THAT = re.compile(r"\b(?:it|that|this|that one|this one|the same|them|eso|esa|ese|lo|la misma)\b")


def target_van(text: str) -> str | None:
    """The van or driver that something is to go to: "to van 2", "give it to Maria"."""
    return _named(_TO, _plain(text))


def source_van(text: str) -> str | None:
    """The van or driver that something is taken from."""
    return _named(_FROM, _plain(text))


def any_van(text: str, names: Sequence[str] = ()) -> str | None:
    """A van by its number, else somebody's first name."""
    found = _ANY_VAN.search(_plain(text))
    return found["van"] if found else next(iter(names), None)


def whose_order(text: str) -> str | None:
    """The name of the customer whose order is meant."""
    found = _WHOSE.search(_plain(text))
    name = next((part for part in found.groups() if part), None) if found else None
    return None if name is None or set(name.split()) & _NOBODY else name


def order_said(text: str) -> str | None:
    """A reference, else whose order it is."""
    return slots.read_order(text, staff=True) or whose_order(text)


def words_with_digits(text: str) -> list[str]:
    """What could be a reference, however short."""
    return re.findall(r"\b[\w/-]*\d[\w/-]*", text)


def mentioned(lines: Iterable[Line], what: str) -> str | None:
    """The order or van that was spoken of last, by either side."""
    for line in reversed(list(lines)):
        found = order_said(line.text) if what == "order" else any_van(line.text, slots.read_names(line.text))
        if found:
            return found
    return None


def points_back(text: str) -> bool:
    """Does it speak of something that was mentioned before?"""
    return _THAT.search(_plain(text)) is not None


def _named(pattern: re.Pattern[str], plain: str) -> str | None:
    for found in pattern.finditer(plain):
        name = found["van"] or found["name"]
        if found["van"] or (name in first_names() and name not in _NOBODY):
            return str(name)
    return None


def _plain(text: str) -> str:
    return " ".join(fold(text).split())


# Which question about the log -----------------------------------------------------------------------------------------

_LOG = re.compile(r"\b(?:log|history|audit|trail|trace|record|decisions?|bitacora|registro|historial)\b")
_PAYS = re.compile(r"\b(?:pays?|paying|paid|charged?|bill(?:ed)?|whose (?:dime|account|cost)|on the hook|paga|cobra)\b")
_WHO = re.compile(r"\b(?:who|whose|quien|is it on us|are we)\b")


def asks_log(text: str) -> bool:
    return _LOG.search(_plain(text)) is not None


def asks_who_pays(text: str) -> bool:
    plain = _plain(text)
    return _PAYS.search(plain) is not None and _WHO.search(plain) is not None


# What to tell a driver ------------------------------------------------------------------------------------------------

_TELL = re.compile(
    rf"\b(?:tell|text|message|msg|radio|ping|ask|notify|inform|warn|remind|let|dile a|avisale a) "
    rf"(?:the driver of |driver )?(?P<who>{_VAN}|[a-z]{{3,}}) (?:know )?(?:to |that |about |que )?"
    r"(?P<words>.{3,300})$"
)
_CUSTOMERS = re.compile(r"\b(?:customers?|clients?|everyone|everybody|people|clientes?|todos)\b")


def for_driver(text: str) -> tuple[str, str] | None:
    """(who, words) of a message to one driver; None when it is for customers."""
    found = _TELL.search(_plain(text))
    if found is None or _CUSTOMERS.search(_plain(text)[: found.start("words")]):
        return None
    who = found["who"]
    if not _ANY_VAN.fullmatch(who) and who not in first_names():
        return None
    words = (
        text[-len(found["words"]) :] if _plain(text).endswith(_plain(text[-len(found["words"]) :])) else found["words"]
    )
    return who, words.strip(" .\"'")


# How much Doorstep may do by itself -----------------------------------------------------------------------------------

_PAUSE = re.compile(
    r"\b(?:pause|stop|suspend|halt|turn off|switch off|disable|kill|hands off|manual|report only|"
    r"recommend only|read only|ask me (?:first|before)|check with me|(?:do not|dont|don't) (?:do|move|act|change)|"
    r"i(?:'ll| will) take (?:it|over)|autopilot off|only recommend|no automatic|take over|pausa|detente|deja de)\b"
)
_RESUME = re.compile(
    r"\b(?:resume|unpause|turn (?:it |the autopilot |auto )?(?:back )?on|switch on|enable|reactivate|restart|"
    r"back to normal|carry on|autopilot on|full auto|automatic mode|by yourself|on your own|without asking|alone|"
    r"go ahead|you can|stop asking|quit asking|reanuda|sigue)\b"
)
_LEVEL = re.compile(r"\blevel (?P<n>[0-3])\b|\bnivel (?P<m>[0-3])\b")
_ASKS_ONLY = re.compile(r"\b(?:what are you allowed|what is your|whats your|what's your|what can you do)\b")
_KINDS: tuple[tuple[str, str], ...] = (
    (r"reassign\w*|moving stops between|moves? between", "reassign"), (r"reschedul\w*", "reschedule"),
    (r"cancel\w*", "cancel"), (r"resequenc\w*|reorder\w*", "resequence"), (r"re-?tell\w*|new times?", "retell"),
    (r"postpon\w*", "postpone"), (r"redeliver\w*", "redeliver"), (r"rescue\w*", "rescue"),
    (r"carriers?", "carrier"), (r"publish\w*", "plan.publish"), (r"claims?", "claim"),
    (r"text\w*|messag\w*|sms", "message.send"),
)  # fmt: skip


def setting(text: str) -> tuple[str, int | None] | None:
    """(what, level) that a message wants Doorstep's autonomy set to; a level of None: how it stands now is asked. None
    when it does not say."""
    plain = _plain(text)
    kind = next((name for words, name in _KINDS if re.search(rf"\b(?:{words})\b", plain)), EVERYTHING)
    level = _LEVEL.search(plain)
    if _ASKS_ONLY.search(plain):
        return kind, None
    if level is not None:
        said = int(level["n"] or level["m"])
        return (kind, said) if kind != EVERYTHING else (kind, PAUSED if said <= 1 else RUNNING)
    resumes, pauses = _RESUME.search(plain), _PAUSE.search(plain)
    if resumes and re.search(r"\b(?:stop|quit) asking\b", plain):
        pauses = None
    negated = re.search(r"\b(?:not|dont|don't|no)\b", plain) is not None
    if pauses is not None and (resumes is None or pauses.start() < resumes.start() or negated):
        return kind, 1
    if resumes is not None:
        return kind, 2
    if kind != EVERYTHING and re.search(r"\bask\b|\bto ask\b", plain):
        return kind, 1
    return None


# A new order ----------------------------------------------------------------------------------------------------------

_FOR = re.compile(
    r"\b(?:for|to|from|customer is|name is|its for|it's for|para|de) (?:mr\.? |mrs\.? |ms\.? |the |la |el )?"
    r"(?P<name>[A-Z][\w'&.-]+(?: [A-Z][\w'&.-]+){0,3})"
)
_PICKUP = re.compile(r"\b(?:pick ?-?up|collect(?:ion)?|return|fetch|recoger|recogida)\b")
_PIECES = ("box", "boxes", "parcel", "parcels", "package", "packages", "pieces", "items", "bags", "cases", "pallets",
           "cajas", "paquetes", "chairs", "bottles")  # fmt: skip


def new_order(said: Sequence[str], today: date | None) -> dict[str, Any]:
    """What is known of a new order from all that was said about it, the newest word counting: name, address, phone,
    pieces, kind, day, after, before. A bare answer to our question (`name: `, `address: `) counts too."""
    found: dict[str, Any] = {}
    for text in said:
        field, _, rest = text.partition(": ")
        asked = field if field in ("name", "address") and rest else ""
        words = rest if asked else text
        read = slots.read(words, today, staff=True)
        found |= {name: read[name] for name in ("address", "phone", "day", "after", "before") if name in read}
        if read.get("of") in _PIECES:
            found["pieces"] = read["quantity"]
        if _PICKUP.search(_plain(words)):
            found["kind"] = "pickup"
        name = _FOR.search(_without(words, read.get("address")))
        if name is not None and name["name"].casefold() not in _NOBODY:
            found["name"] = name["name"]
        if asked == "name":
            found["name"] = words.strip(" .")
        if asked == "address" and "address" not in read:
            found["address"] = words.strip(" .")
    return found


def _without(text: str, address: object) -> str:
    """The text without its address: a street's name is nobody's."""
    if not address:
        return text
    at = fold(text).find(str(address))
    return text if at < 0 else text[:at] + "," + text[at + len(str(address)) :]
