"""What a message names: orders, days, times, phones, amounts, addresses, vans, people, quantities, a choice.

A grammar, not a model: it reads what is written and checks nothing against the store; who uses a slot does that.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from agent.understanding import dates
from agent.understanding.text import first_names, fold

_ORDER = re.compile(
    r"#\s*(?P<hash>[\w-]*\d[\w/-]*)|\b(?:order|parcel|package|tracking|number|ref(?:erence)?|pedido|orden|paquete|numero"
    r"|purchase)\s*(?:is|:|number|numero|no\.?|es|\s)*\b(?P<said>[a-z][\w-]*\d[\w/-]*|\d{3,15})\b"
    r"|\b(?P<bare>[a-z]{1,6}(?:-\d{1,12}|\d{3,12})(?:[-/]\d+)*|\d{5,15})\b",
    re.I,
)
_BARE_FOUR = re.compile(r"\b(?<![:$#.-])\d{4}\b(?!-)")
_STREETS = (
    r"st|street|ave?|avenue|rd|road|dr|drive|ln|lane|blvd|boulevard|ct|court|pl|place|way|ter|terrace|pkwy|parkway|hwy|"
    r"highway|cir|circle|sq|square|trl|trail|loop|row|alley|plaza|broadway"
)
_ADDRESS = re.compile(
    rf"\b\d{{1,6}}[a-z]?\s(?:(?:n|s|e|w|north|south|east|west)\.?\s)?(?:[a-z0-9'.]+\s){{1,3}}?(?:{_STREETS})\b\.?"
    r"(?:,?\s(?:apt|apartment|unit|suite|ste|floor|#)\.?\s?#?\w+)?(?:,?\s\d{5}\b)?"
    r"|\b(?:calle|avenida|av|avda|carrera|paseo|plaza|camino|calzada)\.?\s(?:(?:de|del|la|los|las)\s)*[a-z0-9]+"
    r"(?:\s[a-z]+){0,2}?\s(?:numero\s|no\.?\s|#)?\d{1,5}[a-z]?\b(?:,?\s(?:piso|apto|depto|departamento|puerta)\s?\w+)?",
    re.I,
)
_PHONE = re.compile(r"\+?\(?\d{1,3}\)?(?:[ .-]?\(?\d{2,4}\)?){2,4}")
_MONEY = re.compile(
    r"(?P<sign>[$€£])\s?(?P<a>\d[\d,]*(?:\.\d{1,2})?)|\b(?P<b>\d[\d,]*(?:\.\d{1,2})?)\s?(?P<word>dollars?|bucks?|usd|euros?|"
    r"eur|€|pounds?|gbp|dolares|pesos)",
    re.I,
)
_CURRENCY = {"$": "USD", "€": "EUR", "£": "GBP", "e": "EUR", "p": "GBP", "g": "GBP"}
_VEHICLE = re.compile(
    r"\b(?P<kind>van|truck|unit|vehicle|furgoneta|camioneta|camion|unidad)\s?#?(?P<n>\d{1,4}|[a-z]\d?)\b|\b(?P<id>v-?\d{1,3})\b",
    re.I,
)
_ROUTE = re.compile(r"\b(?:route|ruta)\s?#?(\d{1,4}|[a-z])\b", re.I)
_QUANTITY = re.compile(
    r"\b(?P<n>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|dos|tres|cuatro|cinco)\s(?:more\s|extra\s|last\s|next\s"
    r"|remaining\s)?(?P<what>stops?|boxes|box|parcels?|packages?|pieces|items?|orders?|vans?|drivers?|bags?|cases?|pallets?|"
    r"chairs?|bottles?|cajas?|paquetes?|paradas?|pedidos?)\b",
    re.I,
)
_NUMBERS = (
    "zero one two three four five six seven eight nine ten".split(),  # noqa: SIM905 (read as a list)
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez".split(),  # noqa: SIM905
)
_MINUTES = re.compile(r"\b(\d{1,3}|half an|an|one|two)\s?(min(?:ute)?s?|h(?:ou)?rs?|minutos?|horas?)\b", re.I)
_CODE = re.compile(
    r"\b(?:code|codigo|clave|pin)(?: (?:is|es|for|de|the|la|del|gate|door|\w+ ?door|puerta|porton|entrada))*[ :=]+"
    r"(?P<code>[#*:]?\d{2,8}[#*]?)",
    re.I,
)
_CHOICE = re.compile(
    r"\b(?:option|number|choice|proposal|opcion|numero)\s?#?(?P<n>[1-9])\b|\b(?:the |la |el )?"
    r"(?P<word>first|second|third|fourth|primer[ao]?|segund[ao]|tercer[ao]?)"
    r"(?: (?:one|option|slot|choice|proposal|opcion))?\b|^\W*(?P<only>[1-9])\W*$",
    re.I,
)
_ORDINALS = (("first", "primer"), ("second", "segund"), ("third", "tercer"), ("fourth", "cuart"))
_SPANISH = frozenset(
    """que de la el mi los las un una por con para no si es en y donde cuando cuanto como quiero necesito puedo pueden
    puede pedido paquete orden gracias hola buenas buenos dias tardes noches esta estoy estar voy llego llega mañana hoy
    lunes martes miercoles jueves viernes sabado domingo dinero reembolso ayuda favor persona mensajes entregado
    nada puerta vecino casa direccion repartidor cancelar cambiar dejar dejelo ya muy bien claro vale adios sus su
    me se lo le quien firmo foto todo roto otra otro del al""".split()  # noqa: SIM905 (read as a list)
)
_ENGLISH = frozenset(
    """the is my i you it to and a of for in on where when what how can want need please order package delivery thanks
    not do your this that was are with at be have me we they he she will yes hi hello""".split()  # noqa: SIM905
)


def read(text: str, today: date | None = None, staff: bool = False) -> dict[str, Any]:
    """Every slot that is there. With `today` days come as ISO dates; `staff` write order numbers bare."""
    plain = " ".join(text.replace("’", "'").split())[:2000]
    found: dict[str, Any] = {
        "order": read_order(plain, staff),
        "day": dates.read_day(plain, today),
        **dates.read_times(_without_money(plain)),
        "phone": read_phone(plain),
        **_amount(plain),
        "address": read_address(plain),
        "vehicle": _vehicle(plain),
        "route": _first(_ROUTE, plain),
        "names": read_names(plain),
        **_quantity(plain),
        "minutes": _minutes(plain),
        "code": m["code"] if (m := _CODE.search(fold(plain))) else None,
        "choice": read_choice(plain),
    }
    return {name: value for name, value in found.items() if value not in (None, [], "")}


def read_order(text: str, staff: bool = False) -> str | None:
    """The order reference in a message, when there is one."""
    others = [m.span() for pattern in (_ADDRESS, _MONEY) for m in pattern.finditer(text)]
    others += [m.span() for m in _PHONE.finditer(text) if _is_phone(m[0]) and not m[0].isdigit()]
    others += [m.span() for m in re.finditer(r"\d{4}-\d{2}-\d{2}", text)]
    others += [m.span("code") for m in _CODE.finditer(text)]
    patterns = (_ORDER, _BARE_FOUR) if staff else (_ORDER,)
    for m in (m for pattern in patterns for m in pattern.finditer(text)):
        start, end = m.span(m.lastgroup or 0)
        if not any(a <= start and end <= b for a, b in others) and not _VEHICLE.fullmatch(m[m.lastgroup or 0]):
            return m[m.lastgroup or 0]
    return None


def read_phone(text: str) -> str | None:
    """A phone number as + and digits, or digits alone."""
    for m in _PHONE.finditer(text):
        if _is_phone(m[0]):
            return ("+" if m[0].strip().startswith("+") else "") + re.sub(r"\D", "", m[0])
    return None


def _is_phone(said: str) -> bool:
    digits = re.sub(r"\D", "", said)
    written = said.strip().startswith("+") or re.search(r"\d[ .-]\(?\d|\)\s?\d", said) is not None
    return (len(digits) == 10 or (written and 9 <= len(digits) <= 15)) and not re.match(r"\d{4}-\d{2}-\d{2}", said)


def read_address(text: str) -> str | None:
    """A street address as written, without accents."""
    plain = " ".join(fold(text).split())
    return m[0].strip(" ,.") if (m := _ADDRESS.search(plain)) else None


def read_names(text: str) -> list[str]:
    """First names that people commonly have, lower case, in order."""
    words = re.findall(r"[^\W\d_]+(?='s)?|[^\W\d_]+", fold(text))
    return list(dict.fromkeys(word for word in words if word in first_names()))


def read_choice(text: str) -> int | None:
    """Which of several: "2", "option 2", "the second one"."""
    m = _CHOICE.search(" ".join(fold(text).split()))
    if m is None:
        return None
    if m["n"] or m["only"]:
        return int(m["n"] or m["only"])
    return next((at for at, names in enumerate(_ORDINALS, 1) if m["word"].startswith(names)), None)


def language(text: str, before: str = "en") -> str:
    """Spanish or English, by which has more of the words; what they spoke before when neither has."""
    if re.search(r"[¿¡ñ]", text.casefold()):
        return "es"
    words = re.findall(r"[^\W\d_]{2,}", fold(text))
    spanish, english = (sum(word in known for word in words) for known in (_SPANISH, _ENGLISH))
    return before if spanish == english else "es" if spanish > english else "en"


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    return m[1] if (m := pattern.search(text)) else None


def _vehicle(text: str) -> str | None:
    m = _VEHICLE.search(text)
    return None if m is None else (m["id"] or f"{m['kind']} {m['n']}").lower()


def _without_money(text: str) -> str:
    return _ADDRESS.sub(" ", _PHONE.sub(lambda m: " " if _is_phone(m[0]) else m[0], _MONEY.sub(" ", fold(text))))


def _amount(text: str) -> dict[str, Any]:
    m = _MONEY.search(text)
    if m is None:
        return {}
    cents = round(float((m["a"] or m["b"]).replace(",", "")) * 100)
    word = (m["sign"] or m["word"]).lower()
    currency = {"pesos": "MXN"}.get(word, _CURRENCY.get(word, _CURRENCY.get(word[0], "USD")))
    return {"amount_cents": cents, "currency": currency}


def _quantity(text: str) -> dict[str, Any]:
    m = _QUANTITY.search(fold(text))
    if m is None:
        return {}
    said = m["n"]
    count = int(said) if said.isdigit() else next(words.index(said) for words in _NUMBERS if said in words)
    return {"quantity": count, "of": m["what"]}


def _minutes(text: str) -> int | None:
    m = _MINUTES.search(text)
    if m is None:
        return None
    count = {"half an": 0.5, "an": 1, "one": 1, "two": 2}.get(m[1].lower())
    count = float(m[1]) if count is None else count
    return int(count * (60 if m[2].lower().startswith("h") else 1))
