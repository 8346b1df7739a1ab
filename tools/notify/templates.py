"""The texts that go to people: `render` fills one, `lint` says what is wrong with any of them.

The words are in prompts/templates/LANGUAGE/NAME.txt; which fields each may use, and how long these get, is declared
here. SMS length is counted the way carriers do it, in segments. A client's own words are in `texts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from string import Formatter

import prompts
from core.errors import BadInput
from tools.notify.lengths import segments

FIELDS: dict[str, str] = {
    "at": "2026-09-30 23:59",
    "by": "23:59",
    "count": "199",
    "answers": "1 to come as planned, 2 to come on the next day, 3 if you no longer want it",
    "choices": (
        "1 to try again later today, 2 to come on the next day, 3 to send it back, "
        "4 to leave it with a neighbour, 5 to pick it up at our depot"
    ),
    "day": "2026-09-30",
    "found": "it was left at a reception, a shop or a locker",
    "hi": "23:59",
    "last_fact": "out for delivery, at the stop before",
    "last_fact_age": "59 minutes",
    "late_stops": "999",
    "lo": "23:59",
    "metres": "150",
    "not_found": "ABCD-123456789012",
    "no_proof": "ABCD-123456789012",
    "next": "How do we get in, and which day suits you? Just write back.",
    "open_cases": "999",
    "order": "ABCD-123456789012",
    "proof": "the driver's note",
    "reason": "nobody was there to take it",
    "slots": (
        "1) Wednesday 30 September 14:00-16:00, 2) Saturday 26 September 14:00-16:00, "
        "3) Sunday 27 September 08:00-10:00"
    ),
    "stops_ahead": "199",
    "stops_left": "9999",
    "quotes": "ground 12.40; express 23.90",
    "van_state": "driving",
    "van": "van-123456789012",
    "vans_out": "999",
    "why": "x" * 200,
    "change": "x" * 200,
    "price": "123.45 USD",
    "minutes_late": "199",
    "stops_moved": "19",
    "told": "199",
    "not_done": "x" * 200,
    "decided": "x" * 200,
    "done": "reassign",
    "undone": "x" * 200,
    "autonomy": "x" * 120,
    "plan_day": "2026-09-30",
    "plan_depot": "austin",
    "plan_stops": "199",
    "plan_now": "version 3",
    "new_kind": "delivery",
    "new_ref": "CHAT-0001",
    "new_name": "x" * 60,
    "new_address": "x" * 120,
    "new_day": "2026-09-30",
    "new_window": "14:00 to 17:00",
    "new_pieces": "12",
    "new_place": "known",
    "words": "x" * 200,
    "what_if": "x" * 200,
    "no_answer": "x" * 120,
    "decisions": "12",
    "last_decision": "reassign approved by rule reassign.far",
    "no_log": "ABCD-123456789012",
    "client": "ACME",
    "own_cost": "123.45 USD",
    "approved_cost": "123.45 USD",
    "no_van": "van-123456789012",
}
"""field -> a long but real value; lint measures with it"""

_WINDOW = ("order", "day", "lo", "hi")
_NEWS = ("last_fact", "last_fact_age")
TEMPLATES: dict[str, tuple[str, ...]] = {
    "promise": _WINDOW,
    "retell": _WINDOW,
    "retell_untimed": ("order",),
    "rescheduled": ("order", "day"),
    "declined": ("order",),
    "cancelled": ("order",),
    "kept": ("order",),
    "going_back": ("order",),
    "not_again": ("order",),
    "with_carrier": ("order",),
    "fetch_it": ("order", "day"),
    "proof_shown": ("order", "at", "proof", "metres"),
    "found": ("order", "found"),
    "replaced": ("order", "day"),
    "fetched": ("order", "day"),
    "claim_taken": ("order",),
    "disregard": ("order",),
    "offer": ("order", "at", "reason", "choices"),
    "confirm_visit": ("order", "day", "answers"),
    "choice_again": (),
    "choice_neighbour": (),
    "choice_pickup": (),
    "choice_come": (),
    "choice_drop": (),
    "choice_postpone": (),
    "choice_wait": (),
    "handed_over": ("order", "by"),
    "confirm": ("order", "day"),
    "out_for_delivery": ("order", "lo", "hi"),
    "out_for_delivery_untimed": ("order",),
    "next": ("order", "stops_ahead", "lo", "hi"),
    "arrived": ("order",),
    "delivered": ("order", "at", "proof"),
    "failed": ("order", "at", "reason", "next"),
    "survey": ("order",),
    "correction": _WINDOW,
    "driver_gives": ("van", "at", "count"),
    "driver_takes": ("van", "at", "count"),
    "driver_overdue": ("van",),
    "reply_new": ("order",),
    "reply_planned": (*_WINDOW, *_NEWS),
    "reply_unassigned": ("order", "day"),
    "reply_out": ("order", "stops_ahead", "lo", "hi", *_NEWS),
    "reply_delivered": ("order", *_NEWS),
    "reply_failed": ("order", *_NEWS),
    "reply_cancelled": ("order",),
    "reply_rescheduled": ("order", "day"),
    "reply_returned": ("order",),
    "reply_no_order": (),
    "reply_not_found": ("not_found",),
    "reply_reschedule_asked": ("order", "day"),
    "reply_slot_asked": ("order", "day", "lo", "hi"),
    "reply_cancel_asked": ("order",),
    "reply_choose_asked": (),
    "reply_instruct_asked": ("order",),
    "reply_missing_delivery_asked": ("order",),
    "reply_damage_asked": ("order",),
    "reply_greeting": (),
    "reply_thanks": (),
    "reply_help": (),
    "reply_out_of_scope": (),
    "reply_person": (),
    "reply_safety": (),
    "reply_feedback": (),
    "reply_complaint": (),
    "reply_proof": ("order", "proof"),
    "reply_no_proof": ("no_proof",),
    "reply_elsewhere": (),
    "reply_van": ("van", "van_state", "stops_left", "late_stops"),
    "reply_quotes": ("quotes",),
    "reply_fleet": ("vans_out", "stops_left", "late_stops", "open_cases"),
    "reply_why": ("why",),
    "reply_opted_out": (),
    "reply_opted_in": (),
    "reply_rated": (),
    "reply_what_if": ("what_if",),
    "reply_no_answer": ("no_answer",),
    "reply_log": ("decisions", "last_decision"),
    "reply_no_log": ("no_log",),
    "reply_pays": ("client", "own_cost", "approved_cost"),
    "reply_no_van": ("no_van",),
    "ask_proposal": (),
    "ask_level": (),
    "ask_name": (),
    "ask_address": (),
    "ask_order": (),
    "ask_van": (),
    "ask_day": (),
    "ask_slot": ("order", "slots"),
    "ask_intent": (),
    "ask_driver_where": ("order",),
}
"""template -> the fields it may use; `reply_` and `ask_` are for conversations, `driver_` for drivers, the others are
sent unasked"""

_FOR_STAFF = (
    "new planned unassigned out delivered failed cancelled rescheduled returned not_found reschedule_asked person "
    "greeting help out_of_scope proof no_proof"
)
TEMPLATES |= {
    "said_proposed": ("change", "price", "minutes_late", "stops_moved", "told"),
    "said_not_done": ("not_done",),
    "said_to_person": ("not_done",),
    "said_case_open": (),
    "said_approved": (),
    "said_changed": (),
    "said_rejected": (),
    "said_left": (),
    "said_decided": ("decided",),
    "said_undo": ("done", "price"),
    "said_undone": ("undone",),
    "said_no_undo": (),
    "said_autonomy": ("autonomy",),
    "said_autonomy_set": ("autonomy",),
    "said_tell": ("van", "words"),
    "said_told_driver": ("van",),
    "said_autonomy_is": ("autonomy",),
    "said_plan": ("plan_day", "plan_depot", "plan_stops", "plan_now"),
    "said_planning": ("plan_day",),
    "said_still_planning": (),
    "said_published": ("plan_day",),
    "said_add": ("new_kind", "new_ref", "new_name", "new_address", "new_day", "new_window", "new_pieces", "new_place"),
    "said_added": ("new_ref",),
}
"""what staff are told of what they asked for or decided: said by the conversation itself, never by a planner"""
TEMPLATES |= {f"staff_{name}": TEMPLATES[f"reply_{name}"] for name in _FOR_STAFF.split()}
"""replies that staff get in words of their own: nobody calls a dispatcher's orders theirs"""
UNASKED = frozenset(name for name in TEMPLATES if not name.startswith(("reply_", "staff_", "said_", "ask_", "driver_")))
"""these exist in every language, and a client may put them in its own words"""
_STAFF_READ = frozenset(
    {
        "reply_fleet",
        "reply_van",
        "reply_quotes",
        "reply_why",
        "reply_what_if",
        "reply_no_answer",
        "reply_log",
        "reply_no_log",
        "reply_pays",
        "reply_no_van",
        "reply_elsewhere",
        "ask_driver_where",
        "ask_van",
        "ask_proposal",
        "ask_level",
        "ask_name",
        "ask_address",
    }
)
SPOKEN = frozenset(name for name in TEMPLATES if name.startswith(("reply_", "ask_")) and name not in _STAFF_READ)
"""what is said to customers in conversations, in every language"""

OPT_OUT_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "ARRET"})
"""words that carriers read as an opt-out; a text that holds one invites it"""
MAX_SEGMENTS = 2
MAX_VALUE = 240
_LINK = re.compile(r"https?://\S+|www\.\S+|\b[\w-]+\.(?:com|net|org|io|co|app|me|ly|info|link)\b\S*", re.I)

_DAY_NAMES: dict[str, tuple[str, str]] = {
    "en": (
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "January February March April May June July August September October November December",
    ),
    "es": (
        "lunes martes miércoles jueves viernes sábado domingo",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    ),
}
_LONG_DAYS = ("2026-09-30", "2026-09-26")  # the longest in letters, and in Spanish the one that is not GSM-7
LANGUAGES = tuple(sorted(_DAY_NAMES))


def fields(name: str) -> tuple[str, ...]:
    """The fields that a template may use."""
    if name not in TEMPLATES:
        raise BadInput(f"there is no template {name!r}", f"Templates are {', '.join(sorted(TEMPLATES))}.", field="name")
    return TEMPLATES[name]


def render(name: str, text: str | None = None, /, *, lang: str = "en", **facts: str | int) -> str:
    """A template with its fields filled: our own words for it, or the client's in `text`.

    Raises BadInput for a missing, unknown or unfit fact.
    """
    wanted = fields(name)
    if lang not in LANGUAGES:
        raise BadInput(f"there are no texts in {lang!r}", f"Languages are {', '.join(LANGUAGES)}.", field="lang")
    for field in (*sorted(wanted), *sorted(facts)):
        if field not in facts or field not in wanted:
            what = "is missing" if field not in facts else "is no field of this template"
            raise BadInput(f"{what} ({name})", f"It takes {', '.join(wanted) or 'no fields'}.", field=field)
    said = {field: _say(field, value, lang) for field, value in facts.items()}
    return (shipped(name, lang) if text is None else text).format_map(said)


def to_staff(name: str) -> str:
    """The template that says the same to staff; itself where there is none."""
    staff = name.replace("reply_", "staff_", 1)
    return staff if staff in TEMPLATES else name


def shipped(name: str, lang: str) -> str:
    """Our own words; what staff and drivers read is there in English only."""
    path = f"templates/{lang}/{name}.txt"
    return prompts.read(path if path in prompts.names() else f"templates/en/{name}.txt")


@cache
def words(kind: str, lang: str) -> dict[str, str]:
    """How the codes of a kind are said to people: `words("reason", "en")["closed"]`. Kinds: reason, next, proof."""
    said = {}
    for line in prompts.read(f"words/{lang}.txt").splitlines():
        key, _, text = line.partition(" = ")
        if key.startswith(f"{kind}."):
            said[key.removeprefix(f"{kind}.")] = text
    return said


def lint(read: Callable[[str], str] = prompts.read, there: Iterable[str] | None = None) -> list[str]:
    """What is wrong with the texts, one line a finding; empty when they can be sent."""
    paths = set(prompts.names() if there is None else there)
    findings: list[str] = []
    for lang in LANGUAGES:
        needed = sorted(TEMPLATES if lang == "en" else UNASKED | SPOKEN)
        for name in needed:
            path = f"templates/{lang}/{name}.txt"
            found = lint_text(name, read(path), lang) if path in paths else ["has no text"]
            findings += [f"{lang}/{name}: {finding}" for finding in found]
        listed = {f"templates/{lang}/{name}.txt" for name in needed}
        here = {path for path in paths if path.startswith(f"templates/{lang}/")}
        findings += [f"{path}: is not declared" for path in sorted(here - listed)]
    return findings


def opt_out_words(text: str) -> set[str]:
    """Which opt-out words a text holds."""
    return {word.upper() for word in re.findall(r"\w+", text)} & OPT_OUT_WORDS


def lint_text(name: str, text: str, lang: str) -> list[str]:
    """What is wrong with one text for this template: fields, opt-out words, links, length."""
    try:
        parts = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        return [f"can't be read: {error}"]
    if not text.strip() or not text.isprintable():
        return ["is not one line of printable text"]
    used = {field or "" for field, _, _ in parts}
    findings = [f"uses {field!r}, which is not declared" for field in sorted(used - set(fields(name)))]
    findings += [f"does not use {field!r}" for field in fields(name) if field not in used]
    findings += [f"formats {field!r}; fields stand alone" for field, spec, how in parts if spec or how]
    findings += [f"invites the opt-out word {word}" for word in sorted(opt_out_words(text))]
    findings += [f"holds the link {link}, which carriers filter" for link in _LINK.findall(text)]
    if not findings and name not in _NOT_SMS:
        said = {field: _say(field, sample(field, lang), lang) for field in fields(name)}
        days = [{"day": _say("day", day, lang)} if "day" in said else {} for day in _LONG_DAYS]
        long = max(segments(text.format_map(said | day)) for day in days)
        findings += [f"takes {long} SMS segments"] if long > MAX_SEGMENTS else []
    return findings


def sample(field: str, lang: str) -> str:
    """A long but real value of a field, in this language."""
    said = words(field, lang).values()
    return max(said, key=len) if said else FIELDS[field]


_NOT_SMS = _STAFF_READ | {name for name in TEMPLATES if name.startswith("said_")}  # on a screen


def _say(field: str, value: str | int, lang: str) -> str:
    """A value as people read it: a day by its name, the rest as it is."""
    text = str(value)
    if isinstance(value, bool) or not text.strip() or len(text) > MAX_VALUE or not text.isprintable():
        raise BadInput("can't be said in a message", f"Give one line of 1 to {MAX_VALUE} characters.", field=field)
    return say_day(text, lang, field) if field == "day" else text


def say_day(text: str, lang: str, field: str = "day") -> str:
    """An ISO date as people read it: Wednesday 3 June."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no date", "Give it as YYYY-MM-DD.", field=field) from error
    weekdays, months = (names.split() for names in _DAY_NAMES[lang])
    return f"{weekdays[day.weekday()]} {day.day} {months[day.month - 1]}"
