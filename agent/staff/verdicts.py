"""What staff decide by chat: yes or no to exactly what was shown, undo, and how much Doorstep may do by itself.

Read from the person's own words by rule, before any planner is asked: no step of a planner gives a verdict. What is
asked stands in the thread as a verb with what it is about ("approve CASE DIGEST"), so that a yes can only mean what was
shown; whatever else is said closes the question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from agent.planner import Fact, Line
from agent.saying import Said
from agent.staff import reading
from agent.understanding import rules
from agent.understanding.text import words_of
from agent.understanding.understand import SURE, Understanding
from core import cases, fleet, money
from core.errors import AlreadyDecided, DoorstepError, NotFound, Stale, Unavailable
from core.principals import Principal
from tools import approvals, autonomy, drafts, driver_talk, publishing, shown
from tools.notify import templates

VERBS = frozenset({"approve", "undo", "autonomy", "plan", "publish", "add", "tell"})
YES, NO = "approve", "reject"
MOST_CHOICES = 6


@dataclass(frozen=True)
class Heard:
    """A message of somebody on the staff, as it was understood, with what we have asked."""

    who: Principal
    wish: Understanding
    lines: tuple[Line, ...]
    """the conversation, this message last"""
    question: str | None
    case: str | None
    """the case that was spoken of last"""
    now: datetime
    today: date

    @property
    def text(self) -> str:
        return self.lines[-1].text


Act = Callable[[Connection], Said]


def read(heard: Heard) -> Act | None:
    """What a verdict comes to; None when the message is none."""
    verb, _, about = (heard.question or "").partition(" ")
    said = _yes_or_no(heard)
    if verb in VERBS and said is not None:
        return lambda db: _answered(db, heard, verb, about, said)
    if verb == "publish" and "publish" in heard.text.casefold():
        return lambda db: _answered(db, heard, verb, about, YES)
    if verb in ("name", "address") and _yes_or_no(heard) is None:
        return lambda db: ask_order(db, heard)
    if heard.wish.confidence < SURE:
        return None
    asked = {YES: _show_waiting, NO: _show_waiting, "undo": _show_undo, "autonomy": _show_setting}
    show = None if heard.wish.also else asked.get(heard.wish.intent)
    return None if show is None else lambda db: show(db, heard)


def _yes_or_no(heard: Heard) -> str | None:
    """A plain yes or no, that names nothing else which it could be about."""
    small = rules.small_talk(words_of(heard.text))
    if small in ("confirm", "deny"):
        return YES if small == "confirm" else NO
    wish = heard.wish
    if wish.intent not in (YES, NO) or wish.confidence < SURE:
        return None
    names_another = wish.intent == YES and (wish.also or {"order", "vehicle"} & wish.slots.keys())
    return None if names_another else wish.intent


def _answered(db: Connection, heard: Heard, verb: str, about: str, said: str) -> Said:
    try:
        with db.begin_nested():  # what is refused half-way leaves nothing
            return (_ACCEPTED if said == YES else _REFUSED)[verb](db, heard, about.split())
    except AlreadyDecided as error:
        return _say("said_decided", decided=error.what)
    except Stale:
        return _say("said_changed")
    except Unavailable:
        raise
    except DoorstepError as error:
        return _say("said_not_done", not_done=f"{error.what} {error.fix}".strip(". ")[:200])


def _say(template: str, **facts: str | int) -> Said:
    return Said(templates.render(template, lang="en", **facts))


# Yes ------------------------------------------------------------------------------------------------------------------


def _approve(db: Connection, heard: Heard, about: list[str]) -> Said:
    case_id, digest = about
    if not approvals.approve(db, heard.who, case_id, digest):
        return Said(templates.render("said_changed"), case=case_id)
    return Said(templates.render("said_approved"), case=case_id)


def _undo(db: Connection, heard: Heard, about: list[str]) -> Said:
    done = approvals.undo(db, heard.who, about[0], heard.now)
    words = "; ".join([*done["undone"], *done["compensated"]]) or "nothing was left to take back"
    return _say("said_undone", undone=words[:200])


def _set(db: Connection, heard: Heard, about: list[str]) -> Said:
    wanted = autonomy.change(db, about[0], int(about[1]))
    autonomy.put(db, heard.who, about[0], int(about[1]), heard.now)
    return _say("said_autonomy_set", autonomy=wanted.words())


def _plan(db: Connection, heard: Heard, about: list[str]) -> Said:
    depot, day = about
    run = drafts.start(db, heard.who, depot, date.fromisoformat(day), heard.now)
    return Said(templates.render("said_planning", plan_day=day), question=f"publish {run}")


def _publish(db: Connection, heard: Heard, about: list[str]) -> Said:
    run = drafts.run_of(db, about[0])
    if run is None or run.version is None:
        if run is not None and run.error:
            return _say("said_not_done", not_done=str(run.error)[:200])
        return Said(templates.render("said_still_planning"), question=f"publish {about[0]}")
    publishing.publish(db, heard.who, run.depot_id, run.day, run.version, heard.now)
    return _say("said_published", plan_day=run.day.isoformat())


def _add(db: Connection, heard: Heard, about: list[str]) -> Said:
    made, depot, day = drafts.new_order(db, heard.who, _draft(heard, heard.lines[:-1]), heard.now)
    drafts.take_in(db, heard.who, made, depot, day, heard.now)
    return _say("said_added", new_ref=made.ref)


def _tell(db: Connection, heard: Heard, about: list[str]) -> Said:
    found = next((words for line in _theirs(heard)[-2::-1] if (words := reading.for_driver(line))), None)
    if found is None:
        return _say("said_left")
    driver_talk.answer(db, fleet.get_vehicle(db, about[0]).driver_id, found[1], heard.now)
    return _say("said_told_driver", van=about[0])


_ACCEPTED: Mapping[str, Callable[[Connection, Heard, list[str]], Said]] = {
    "approve": _approve, "undo": _undo, "autonomy": _set, "plan": _plan, "publish": _publish, "add": _add,
    "tell": _tell,
}  # fmt: skip


# No -------------------------------------------------------------------------------------------------------------------


def _reject(db: Connection, heard: Heard, about: list[str]) -> Said:
    case_id, digest = about
    approvals.reject(db, heard.who, case_id, digest, heard.text, heard.now)
    return Said(templates.render("said_rejected"), case=case_id)


def _leave(db: Connection, heard: Heard, about: list[str]) -> Said:
    return _say("said_left")


_REFUSED = dict.fromkeys(_ACCEPTED, _leave) | {"approve": _reject}


# What is shown before it is decided -----------------------------------------------------------------------------------


def show_case(db: Connection, case_id: str, now: datetime) -> Said:
    """What a case proposes, exactly, with the question whether to do it; or why nothing is up."""
    facts = tuple(Fact(**fact) for fact in shown.proposal(db, case_id, now))
    told = {fact.name: fact.value for fact in facts}
    if "proposal" in told:
        values = {name: told[name] for name in templates.fields("said_proposed")}
        text, digest = templates.render("said_proposed", lang="en", **values), str(told["proposal"])
        return Said(text, case_id, f"approve {case_id} {digest}", ("yes", "no"), facts, digest)
    status = cases.get(db, case_id).status
    if status in cases.WORKABLE:
        return Said(templates.render("said_case_open"), case_id, facts=facts)
    template = "said_to_person" if status == "escalated" else "said_not_done"
    return Said(templates.render(template, not_done=str(told["not_done"])), case_id, facts=facts)


def _show_waiting(db: Connection, heard: Heard) -> Said:
    """A yes or no to something that we did not ask about: show it first, exactly as it stands now."""
    named = reading.order_said(heard.text) or next(iter(reading.words_with_digits(heard.text)), None)
    subjects = [named] if named else [heard.case, reading.mentioned(heard.lines, "order")]
    for subject in filter(None, subjects):
        found = shown.waiting(db, subject)
        if found is not None:
            return show_case(db, found.id, heard.now)
    refs = shown.waiting_refs(db)[:MOST_CHOICES]
    if not refs:
        return _say("said_not_done", not_done="nothing waits for a yes")
    return Said(templates.render("ask_proposal"), question="order", choices=tuple(f"approve {ref}" for ref in refs))


def _show_undo(db: Connection, heard: Heard) -> Said:
    named = reading.order_said(heard.text)
    subjects = [named] if named else [heard.case, reading.mentioned(heard.lines[:-1], "order")]
    found = next((row for each in subjects if each and (row := shown.last_done(db, each)) is not None), None)
    if found is None:
        return _say("said_no_undo")
    text = templates.render("said_undo", done=found.action.replace("_", " "), price=money.say(found.cost))
    return Said(text, found.case_id, f"undo {found.id}", ("yes", "no"))


def _show_setting(db: Connection, heard: Heard) -> Said:
    """To pause or lower is done at once: it only makes Doorstep ask. To raise is asked first."""
    said = reading.setting(heard.text)
    if said is None:
        return Said(templates.render("ask_level"), question="intent")
    subject, level = said
    try:
        if level is None:
            return _say("said_autonomy_is", autonomy=autonomy.standing(db, subject))
        wanted = autonomy.change(db, subject, level)
        if not wanted.raises:
            return _set(db, heard, [subject, str(level)])
    except DoorstepError as error:
        return _say("said_not_done", not_done=f"{error.what} {error.fix}".strip(". ")[:200])
    text = templates.render("said_autonomy", autonomy=wanted.words())
    return Said(text, question=f"autonomy {subject} {level}", choices=("yes", "no"))


def prepare(db: Connection, heard: Heard, action: str, args: Mapping[str, str]) -> Said:
    """Show what would be put in, and ask: an order, a day to plan, words to a driver."""
    try:
        if action == "add_order":
            return ask_order(db, heard)
        if action == "plan":
            return _show_plan(db, heard, args)
        return _show_words(heard, args)
    except NotFound as error:
        return _say("said_not_done", not_done=error.what.strip(". "))
    except DoorstepError as error:
        return _say("said_not_done", not_done=f"{error.what} {error.fix}".strip(". ")[:200])


def _show_plan(db: Connection, heard: Heard, args: Mapping[str, str]) -> Said:
    facts = tuple(Fact(**fact) for fact in drafts.shown_plan(db, dict(args), heard.now))
    told = {fact.name: fact.value for fact in facts}
    question = f"plan {told['plan_depot']} {told['plan_day']}"
    return Said(templates.render("said_plan", lang="en", **told), question=question, choices=("yes", "no"), facts=facts)


def _show_words(heard: Heard, args: Mapping[str, str]) -> Said:
    found = reading.for_driver(heard.text)
    if found is None:
        return _say("said_left")
    text = templates.render("said_tell", van=args["van"], words=found[1][:200])
    return Said(text, question=f"tell {args['van']}", choices=("yes", "no"))


def ask_order(db: Connection, heard: Heard) -> Said:
    """The draft of a new order, or the one thing that it lacks."""
    said = _draft(heard, heard.lines)
    missing = next((field for field in ("address", "name") if not said.get(field)), None)
    if missing is not None:
        return Said(templates.render(f"ask_{missing}"), question=f"{missing} order")
    made, depot, day = drafts.new_order(db, heard.who, said, heard.now)
    facts = tuple(Fact(**fact) for fact in drafts.shown_order(db, made, depot, day, heard.now))
    told = {fact.name: fact.value for fact in facts if fact.name in templates.fields("said_add")}
    return Said(
        templates.render("said_add", lang="en", **told), question="add order", choices=("yes", "no"), facts=facts
    )


def _theirs(heard: Heard) -> list[str]:
    return [line.text for line in heard.lines if line.who == "them"]


def _draft(heard: Heard, lines: tuple[Line, ...]) -> dict[str, Any]:
    """All that was said of the new order since it was begun: answers to our questions are taken for what we asked."""
    asked = {templates.render(f"ask_{field}"): field for field in ("name", "address")}
    said: list[str] = []
    before = ""
    for line in lines:
        if line.who == "us":
            before = asked.get(line.text, "")
        elif before:
            said.append(f"{before}: {line.text}")
            before = ""
        else:
            said = [line.text]
    return reading.new_order(said, heard.today)
