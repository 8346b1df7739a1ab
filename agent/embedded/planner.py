"""The planner that needs no key: a trained reading of messages, arithmetic for cases. Pure and deterministic."""

from __future__ import annotations

from datetime import date

from agent import slotting
from agent.planner import Answer, Ask, Choose, Escalate, Look, Option, Propose, Situation, Step
from agent.staff import steps as staff
from agent.staff.reading import any_van
from agent.staff.steps import PROOF, TRACK
from agent.understanding import rules, slots
from agent.understanding.dates import read_day
from agent.understanding.understand import CHANGES, SURE, Understanding, understand
from tools.notify import templates

ACTIONS = {
    "reschedule": "reschedule",
    "cancel_order": "cancel",
    "not_received": "missing_delivery",
    "damaged_or_wrong": "damage",
    "delivery_instructions": "instruct",
}
SLOTS = "slots.offer"
"""gives slot_order and offered; or `no_slot`"""
CLAIMS = frozenset({"not_received", "damaged_or_wrong"})
"""wishes about what was delivered; of anything else they are questions where it is"""
CARRIER_WORDS = frozenset({"CANCEL", "END", "QUIT", "REVOKE"})  # alone, an opt-out only where carriers read them so
ANYBODYS = frozenset({"where_is_order", "proof_request"})
"""what customers and staff ask alike"""
SMALL_TALK = ("greeting", "thanks", "help", "feedback", "out_of_scope")
CHOICES = {
    "en": ("where is my order", "another day", "a person"),
    "es": ("dónde está mi pedido", "otro día", "una persona"),
}
HAND_OVER = {
    "opt_out": ("opted_out", "opted out of messages"),
    "opt_in": ("opted_in", "wants messages again"),
    "safety": ("safety", "said something about danger to people"),
    "talk_to_human": ("asked_for_human", "asked for a person"),
}
FOR_A_PERSON = {
    "refund": "refund_wanted",
    "complaint": "complaint",
    "policy_question": "asks_policy",
    "change_address": "change_wanted",
    "change_order": "change_wanted",
    "delivery_instructions": "change_wanted",
}
"""understood, and a person's to settle"""


class EmbeddedPlanner:
    name = "embedded"
    version = "understanding-1"

    def next_step(self, situation: Situation) -> Step:
        if situation.kind == "case":
            return choose(situation.options)
        return _converse(situation, _intent(situation))


def choose(options: tuple[Option, ...]) -> Step:
    """The cheapest option that can be done; of equals the first by id, so that a replay chooses the same."""
    ranked = sorted((o for o in options if o.feasible), key=lambda option: (option.cost_cents, option.id))
    left_out = [f"{o.id} can't be done{f': {o.why}' if o.why else ''}" for o in options if not o.feasible]
    if not ranked:
        return Escalate(reason_code="no_feasible_option", summary="; ".join(left_out) or "the case has no options")
    best, others = ranked[0], ranked[1:]
    why = [f"{best.id} ({best.kind}) costs {best.cost_cents} cents, the least of {len(ranked)} that can be done"]
    why += [f"{o.id} ({o.kind}) costs {o.cost_cents - best.cost_cents} cents more" for o in others[:1]]
    return Choose(option_id=best.id, why="; ".join(why + left_out))


def _intent(situation: Situation) -> Understanding:
    """What they want now; the answer to our question keeps the wish that made us ask."""
    today = date.fromisoformat(situation.today) if situation.today else None
    now = understand(situation.said(), situation.role, today)
    if now.slots.get("word") in CARRIER_WORDS and situation.channel not in {"sms", "whatsapp"}:
        return now.model_copy(update={"intent": "out_of_scope", "slots": {}, "confidence": 0.0})
    slot = situation.question_open
    if now.intent in HAND_OVER or (now.intent in FOR_A_PERSON and now.intent not in ACTIONS):
        return now
    if slot not in {"order", "day", "van"} or (now.intent not in {"out_of_scope", "confirm"} and slot not in now.slots):
        return now
    wish = _last_wish(situation, today)
    said = now.slots.get(slot) or _bare_slot(slot, situation.said(), today)
    if wish is None or not said:
        return now
    return now.model_copy(
        update={
            "intent": wish.intent, "slots": {**wish.slots, **now.slots, slot: said}, "confidence": wish.confidence,
            "text": now.text if situation.role == "customer" else f"{wish.text}. {now.text}",
        }
    )  # fmt: skip


def _last_wish(situation: Situation, today: date | None) -> Understanding | None:
    earlier = [line.text for line in situation.messages if line.who == "them"][:-1]
    read = (understand(text, situation.role, today) for text in reversed(earlier))
    answerable = {*ANYBODYS, *ACTIONS} if situation.role == "customer" else ANYBODYS | staff.WISHES
    return next((u for u in read if u.intent in answerable), None)


def _bare_slot(slot: str, text: str, today: date | None) -> str | None:
    if slot == "day":
        return read_day(text, today)
    if slot == "van":
        return any_van(text, slots.read_names(text)) or text.strip()[:40]
    return slots.read_order(text) or slots.read_order(f"#{text.strip()}")


def _converse(situation: Situation, wish: Understanding) -> Step:
    choice = slots.read_choice(situation.said()) if situation.question_open == "choice" else None
    if choice is not None and "choose" in situation.allowed_tools:
        return Propose(action="choose", args={"choice": str(choice)})
    taken = _taken(situation, wish)
    if taken is not None:
        return taken
    if wish.intent in HAND_OVER:
        code, words = HAND_OVER[wish.intent]
        return Escalate(reason_code=code, summary=f"the {situation.role} {words}")
    if situation.role == "customer" and rules.is_legal(situation.said()):
        return Escalate(reason_code="legal", summary="the customer speaks of the law")
    if wish.confidence < SURE or wish.intent in {"confirm", "deny"} or _torn(wish):
        return _unsure(situation)
    if wish.intent == "out_of_scope" and "order" in wish.slots:  # it is about an order, whatever it wants of it
        return _unsure(situation)
    if wish.intent in SMALL_TALK:
        return Answer(template=f"reply_{wish.intent}")
    if situation.role != "customer":
        return _for_staff(situation, wish)
    if "delivery_instructions" in wish.also and wish.intent == "where_is_order":
        wish = wish.model_copy(update={"intent": "delivery_instructions", "also": (wish.intent,)})
    first = None if _is_for_the_driver(situation, wish) else _asks_too(situation, wish)
    if first is not None:
        return first
    if wish.intent == "proof_request" and PROOF in situation.allowed_tools:
        return _proof(situation, wish)
    if wish.intent in FOR_A_PERSON and not _is_for_the_driver(situation, wish):
        return Escalate(
            reason_code=FOR_A_PERSON[wish.intent], summary=f"the {situation.role} wants {_said(wish.intent)}"
        )
    if wish.intent == "where_is_order" or ACTIONS.get(wish.intent) in situation.allowed_tools:
        return _about_order(situation, wish)
    return Escalate(reason_code="cannot_do", summary=f"the {situation.role} wants {_said(wish.intent)}")


def _said(intent: str) -> str:
    return intent.replace("_", " ")


def _torn(wish: Understanding) -> bool:
    """Two changes in one message: which one first is theirs to say."""
    return len({name for name in (wish.intent, *wish.also) if name in CHANGES or name == "refund"}) > 1


def _unsure(situation: Situation) -> Step:
    if situation.question_open is not None:
        return Escalate(
            reason_code="not_understood", summary=f"not understood after asking for {situation.question_open}"
        )
    return _ask("intent", situation, CHOICES[situation.language])


def _ask(slot: str, situation: Situation, choices: tuple[str, ...] = ()) -> Ask:
    return Ask(slot=slot, question=templates.render(f"ask_{slot}", lang=situation.language), choices=choices)


def _about_order(situation: Situation, wish: Understanding) -> Step:
    """Find the order first: every reply and every proposal is about one that the tracker named."""
    asked, known = wish.slots.get("order"), situation.fact("order")
    if situation.fact("not_found") is not None:
        return Answer(template="reply_not_found", facts=("not_found",))
    if known is None and situation.fact("orders") is not None:
        orders = tuple(o.strip() for o in str(situation.fact("orders")).split(",") if o.strip())
        if not orders:
            return Answer(template="reply_no_order", facts=("orders",))
        return _ask("order", situation, orders)
    if known is None or (asked and asked.casefold() not in str(known).casefold()):
        return Look(tool=TRACK, args={"order": asked} if asked else {})
    if wish.intent == "where_is_order" or (situation.fact("status") == "delivered") != (wish.intent in CLAIMS):
        return _status(situation)
    if situation.fact("status") == "cancelled":
        return _status(situation)
    timed = {name: str(wish.slots[name]) for name in ("after", "before") if name in wish.slots}
    if wish.intent == "reschedule" and ("day" not in wish.slots or timed):
        offer = _offer(situation, {name: str(wish.slots[name]) for name in ("day",) if name in wish.slots} | timed)
        if offer is not None:
            return offer
    if wish.intent == "reschedule" and "day" not in wish.slots:
        return _ask("day", situation)
    day = {"day": wish.slots["day"]} if wish.intent == "reschedule" else {}
    return Propose(action=ACTIONS[wish.intent], args={"order": str(known), **day})


def _asks_too(situation: Situation, wish: Understanding) -> Step | None:
    """A question where it is beside a wish that is a person's: look first, so that both are answered."""
    wishes = (wish.intent, *wish.also)
    theirs = next((name for name in wishes if name in FOR_A_PERSON), None)
    if "where_is_order" not in wishes or theirs is None or TRACK not in situation.allowed_tools:
        return None
    if not any(situation.fact(name) is not None for name in ("order", "orders", "not_found")):
        return Look(tool=TRACK, args={"order": wish.slots["order"]} if "order" in wish.slots else {})
    return Escalate(reason_code=FOR_A_PERSON[theirs], summary=f"the {situation.role} wants {_said(theirs)}")


def _is_for_the_driver(situation: Situation, wish: Understanding) -> bool:
    """Words that the driver is to see; another address in them makes it a person's."""
    moves = "address" in wish.slots or "change_address" in wish.also
    return wish.intent == "delivery_instructions" and "instruct" in situation.allowed_tools and not moves


def _offer(situation: Situation, wanted: dict[str, str]) -> Step | None:
    """Times that are free, to choose from; None when there are none."""
    if SLOTS not in situation.allowed_tools or situation.fact("no_slot") is not None:
        return None
    if situation.fact("offered") is None:
        return Look(tool=SLOTS, args={"order": str(situation.fact("order"))} | wanted)
    order, coded = str(situation.fact("slot_order")), str(situation.fact("offered"))
    choices = tuple(window.words(situation.language) for window in slotting.read(coded))
    return Ask(slot="slot", question=slotting.question(order, coded, situation.language), choices=choices)


def _taken(situation: Situation, wish: Understanding) -> Step | None:
    """One of the times that were offered, however it is said; another day than those is a wish of its own."""
    if situation.question_open != "slot" or wish.intent in HAND_OVER:
        return None
    order, offered = str(situation.fact("asked_order")), slotting.read(str(situation.fact("asked_slots")))
    today = date.fromisoformat(situation.today) if situation.today else None
    window = slotting.chosen(situation.said(), offered, today)
    if window is None and wish.intent == "confirm" and len(offered) == 1:
        window = offered[0]
    if window is not None:
        args = {"order": order, "day": window.day.isoformat(), "lo": window.lo, "hi": window.hi}
        return Propose(action="reschedule", args=args)
    if "day" in wish.slots and wish.intent in ("reschedule", "out_of_scope", "confirm", "deny"):
        return Propose(action="reschedule", args={"order": order, "day": str(wish.slots["day"])})
    return None


def _proof(situation: Situation, wish: Understanding) -> Step:
    """What proves the delivery of an order; of what is not delivered, where it is."""
    if situation.fact("no_proof") is not None:
        return Answer(template="reply_no_proof", facts=("no_proof",))
    if situation.fact("proof") is not None:
        return Answer(template="reply_proof", facts=("order", "proof"))
    found = _about_order(situation, wish.model_copy(update={"intent": "where_is_order"}))
    if not isinstance(found, Answer) or situation.fact("status") != "delivered":
        return found
    return Look(tool=PROOF, args={"order": str(situation.fact("order"))})


def _status(situation: Situation) -> Step:
    template = f"reply_{situation.fact('status')}"
    if template not in templates.TEMPLATES:
        return Escalate(reason_code="cannot_do", summary=f"no reply for status {situation.fact('status')}")
    wanted = templates.fields(template)
    missing = [name for name in wanted if situation.fact(name) is None]
    if missing:
        return Escalate(reason_code="cannot_do", summary=f"the tracker did not say {', '.join(missing)}")
    return Answer(template=template, facts=("status", *wanted))


def _for_staff(situation: Situation, wish: Understanding) -> Step:
    """Staff name orders in part, by whose they are, or as the one that was spoken of; they have none of their own."""
    if wish.intent in ("approve", "reject") and wish.also:  # "yes, but give it to Maria"
        wish = wish.model_copy(update={"intent": wish.also[0]})
    if wish.intent not in ANYBODYS:
        return staff.step(situation, wish)
    if situation.fact("order") is not None:
        known = {name: value for name, value in wish.slots.items() if name != "order"}
        found = wish.model_copy(update={"slots": known})
    else:
        meant = staff.order_meant(situation, wish)
        if meant is None:
            return _ask("order", situation)
        found = wish.model_copy(update={"slots": {**wish.slots, "order": meant}})
    return _proof(situation, found) if wish.intent == "proof_request" else _about_order(situation, found)
