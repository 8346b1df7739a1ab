"""What the embedded planner does about a wish of staff: look, try, ask for one thing, or propose. Pure.

What was not said is taken from what was spoken of last: "why?", "and if Maria takes it?", "who pays for that".
"""

from __future__ import annotations

from datetime import date, timedelta

from agent.planner import Answer, Ask, Escalate, Look, Propose, Situation, Step, Try
from agent.staff import reading
from agent.understanding import slots
from agent.understanding.understand import Understanding
from tools.notify import templates

TRACK = "tracker.order_status"
"""gives order, status, day, lo, hi, stops_ahead, last_fact, last_fact_age; or `orders` (references, to choose from);
or `not_found`. Times are local, `lo` and `hi` are the range of arrival"""
FLEET = "fleet.status"
VAN = "fleet.van"
QUOTE = "carriers.quote"
PROOF = "proof.lookup"
"""gives proof; or `no_proof`"""
WHY = "log.why"
LOG = "log.of"
PAYS = "log.who_pays"
WHAT_IF = "what_if"
ABOUT_AN_ORDER = {"quote_carriers": (QUOTE, "reply_quotes"), "why": (WHY, "reply_why")}
WISHES = frozenset(
    {
        "where_is_driver",
        "quote_carriers",
        "why",
        "what_if",
        "reassign",
        "hold_order",
        "rebalance",
        "breakdown",
        "notify",
    }
)
"""what may need an order or a van that was not named at once"""
OUT_OF_IT = ("no_answer", "no_log", "no_proof")
"""facts that are an answer by themselves: the tool has looked, and there is nothing"""


def step(situation: Situation, wish: Understanding) -> Step:
    """The next step; an intent that is not here is for a person."""
    over = _over(situation)
    if over is not None:
        return over
    match wish.intent:
        case "fleet_status":
            return _told(situation, "reply_fleet") or Look(tool=FLEET)
        case "where_is_driver":
            return _told(situation, "reply_van") or _look_at_van(situation, wish)
        case "quote_carriers" | "why":
            return _about(situation, wish)
        case "what_if":
            return _what_if(situation, wish)
        case "reassign":
            return _reassign(situation, wish)
        case "hold_order":
            return _hold(situation, wish)
        case "rebalance" | "breakdown":
            return _van_wish(situation, wish)
        case "notify":
            return _notify(situation, wish)
        case "plan" | "add_order":
            return Propose(action=wish.intent, args={"day": wish.slots["day"]} if "day" in wish.slots else {})
        case _:
            return Escalate(reason_code="cannot_do", summary=f"staff want {wish.intent.replace('_', ' ')}")


def _over(situation: Situation) -> Step | None:
    """What a tool has said that ends the search: nothing there, or several to choose from."""
    for name in OUT_OF_IT:
        if situation.fact(name) is not None:
            return Answer(template=f"reply_{name}", facts=(name,))
    if situation.fact("no_van") is not None:
        return Answer(template="reply_no_van", facts=("no_van",))
    if situation.fact("not_found") is not None:
        return Answer(template="reply_not_found", facts=("not_found",))
    if situation.fact("vans") is not None and situation.fact("van") is None:
        return _ask("van", tuple(str(situation.fact("vans")).split(", ")))
    if situation.fact("orders") is not None and situation.fact("order") is None:
        return _ask("order", tuple(str(situation.fact("orders")).split(", ")))
    return None


def _ask(slot: str, choices: tuple[str, ...] = ()) -> Ask:
    return Ask(slot=slot, question=templates.render(f"ask_{slot}"), choices=choices)


def _told(situation: Situation, template: str) -> Answer | None:
    wanted = templates.fields(template)
    known = all(situation.fact(name) is not None for name in wanted)
    table = ("table",) if situation.fact("table") is not None else ()
    return Answer(template=template, facts=(*wanted, *table)) if known else None


# What is meant --------------------------------------------------------------------------------------------------------


def order_meant(situation: Situation, wish: Understanding) -> str | None:
    """The order that the message names, else the one that was spoken of last."""
    said = str(wish.slots["order"]) if "order" in wish.slots else reading.whose_order(wish.text)
    return said or reading.mentioned(situation.messages[:-1], "order")


def _van_meant(situation: Situation, wish: Understanding) -> str | None:
    names = wish.slots.get("names", ())
    return reading.any_van(wish.text, names) or reading.mentioned(situation.messages[:-1], "van")


def _look_at_van(situation: Situation, wish: Understanding) -> Step:
    about = _van_meant(situation, wish)
    return Look(tool=VAN, args={"about": about}) if about else _ask("van")


def _look_at_order(situation: Situation, wish: Understanding) -> Step:
    about = order_meant(situation, wish)
    return Look(tool=TRACK, args={"order": about}) if about else _ask("order")


# What is asked --------------------------------------------------------------------------------------------------------


def _about(situation: Situation, wish: Understanding) -> Step:
    """Why, the log, who pays, what carriers take: of an order, or of the case that was spoken of."""
    if wish.intent == "why" and reading.asks_who_pays(wish.text):
        return _told(situation, "reply_pays") or _of_case_or_order(situation, wish, PAYS)
    if wish.intent == "why" and reading.asks_log(wish.text):
        return _told(situation, "reply_log") or _of_case_or_order(situation, wish, LOG)
    tool, template = ABOUT_AN_ORDER[wish.intent]
    told = _told(situation, template)
    if told is not None:
        return told
    if situation.fact("order") is not None:
        return Look(tool=tool, args={"order": str(situation.fact("order"))})
    if order_meant(situation, wish) is None and wish.intent == "why" and situation.fact("case") is not None:
        return _told(situation, "reply_log") or Look(tool=LOG, args={"case": str(situation.fact("case"))})
    return _look_at_order(situation, wish)


def _of_case_or_order(situation: Situation, wish: Understanding, tool: str) -> Step:
    named = "order" in wish.slots or reading.whose_order(wish.text) is not None
    if situation.fact("case") is not None and not named:
        return Look(tool=tool, args={"case": str(situation.fact("case"))})
    if situation.fact("order") is not None:
        return Look(tool=tool, args={"order": str(situation.fact("order"))})
    return _look_at_order(situation, wish)


def _what_if(situation: Situation, wish: Understanding) -> Step:
    told = _told(situation, "reply_what_if")
    if told is not None:
        return told
    to = reading.target_van(wish.text)
    named = "order" in wish.slots or reading.whose_order(wish.text) is not None
    lone_van = reading.any_van(wish.text, wish.slots.get("names", ()))
    if not named and lone_van and not (to and reading.points_back(wish.text)):
        return Try(tool=WHAT_IF, args={"van": lone_van})
    if situation.fact("order") is None:
        return _look_at_order(situation, wish)
    args = {"order": str(situation.fact("order"))}
    if to:
        args["van"] = to
    elif "day" in wish.slots and wish.slots["day"] != situation.today:
        args["off"] = "day"
    elif any(word in wish.text.casefold() for word in ("cancel", "skip", "drop", "postpone", "push")):
        args["off"] = "day" if "postpone" in wish.text.casefold() or "push" in wish.text.casefold() else "gone"
    return Try(tool=WHAT_IF, args=args)


# What is to be changed ------------------------------------------------------------------------------------------------


def _reassign(situation: Situation, wish: Understanding) -> Step:
    """An order to another van. Several stops without a name are a van to relieve."""
    to = reading.target_van(wish.text)
    several = wish.slots.get("of", "").startswith(("stop", "order", "parada"))
    if "order" not in wish.slots and (several or reading.whose_order(wish.text) is None) and _relieved(wish):
        return _van_wish(situation, wish.model_copy(update={"intent": "rebalance"}))
    if situation.fact("order") is None:
        return _look_at_order(situation, wish)
    if to and situation.fact("van") is None:
        return Look(tool=VAN, args={"about": to})
    args = {"order": str(situation.fact("order"))}
    return Propose(action="reassign", args=args | ({"van": str(situation.fact("van"))} if to else {}))


def _relieved(wish: Understanding) -> bool:
    return reading.source_van(wish.text) is not None and not reading.points_back(wish.text)


def _hold(situation: Situation, wish: Understanding) -> Step:
    """Not today: on the day that was said, else on the next one. It is shown before it is done."""
    if situation.fact("order") is None:
        return _look_at_order(situation, wish)
    day = str(wish.slots.get("day", ""))
    today = str(situation.fact("day"))
    if not day or day <= today:
        day = (date.fromisoformat(today) + timedelta(days=1)).isoformat()
    return Propose(action="reschedule", args={"order": str(situation.fact("order")), "day": day})


def _van_wish(situation: Situation, wish: Understanding) -> Step:
    if situation.fact("van") is None:
        about = reading.source_van(wish.text) if wish.intent == "rebalance" else None
        return Look(tool=VAN, args={"about": about}) if about else _look_at_van(situation, wish)
    args = {"van": str(situation.fact("van"))}
    if wish.intent == "breakdown" and "minutes" in wish.slots:
        args["minutes"] = str(wish.slots["minutes"])
    if wish.intent == "rebalance" and wish.slots.get("of", "").startswith(("stop", "order", "parada")):
        args["count"] = str(wish.slots["quantity"])
    return Propose(action=wish.intent, args=args)


def _notify(situation: Situation, wish: Understanding) -> Step:
    """Customers of an order or of a van; words to a driver are shown and sent as they are."""
    driver = reading.for_driver(wish.text)
    if driver is not None:
        if situation.fact("van") is None:
            return Look(tool=VAN, args={"about": driver[0]})
        return Propose(action="tell_driver", args={"van": str(situation.fact("van"))})
    if situation.fact("order") is not None:
        return Propose(action="notify", args={"order": str(situation.fact("order"))})
    if situation.fact("van") is not None:
        return Propose(action="notify", args={"van": str(situation.fact("van"))})
    if "order" not in wish.slots and reading.whose_order(wish.text) is None:
        named = reading.any_van(wish.text, wish.slots.get("names", ()))
        if named:
            return Look(tool=VAN, args={"about": named})
    if slots.read_order(wish.text, staff=True) or reading.whose_order(wish.text):
        return _look_at_order(situation, wish)
    order = reading.mentioned(situation.messages[:-1], "order")
    return Look(tool=TRACK, args={"order": order}) if order else _look_at_van(situation, wish)
