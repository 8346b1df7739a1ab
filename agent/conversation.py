"""One turn of a conversation: a bounded loop in which the planner may look, ask, answer, propose or hand over.

It runs no effect by itself: a proposal opens a case, and what it says is in its facts. Six steps, then a person.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import cache
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

import prompts
from agent import reply as phrasing
from agent.budget import Budget
from agent.embedded.planner import EmbeddedPlanner
from agent.planner import (
    Answer,
    Ask,
    Choose,
    Counted,
    Escalate,
    Fact,
    Line,
    Look,
    Planner,
    Propose,
    Situation,
    Step,
    Try,
    check_step,
)
from agent.saying import TABLE, Said, Turn, table_of, without_table
from agent.shadow import Shadowed
from agent.staff import verdicts
from agent.understanding import slots
from agent.understanding.understand import understand
from core import clock, effects, threads
from core.errors import BadInput, DoorstepError, NotAllowed, NotFound, Unavailable, WrongState
from core.principals import Principal
from core.settings import settings
from core.store import db as store
from tools import desk, instructions, offers, wishes
from tools.notify import accounts, contact, lengths, survey, templates
from tools.optimizer import at_hand

logger = structlog.get_logger("conversation")

Channel: TypeAlias = Literal["chat", "sms", "whatsapp"]
MAX_STEPS = 6
MAX_CHARS = 2000
HAND_OVER_REPLY = {"safety": "reply_safety", "complaint": "reply_complaint"}
OPTS = {"opted_out": (contact.opted_out, "reply_opted_out"), "opted_in": (contact.opted_in, "reply_opted_in")}


@cache
def planner() -> Planner:
    """The embedded planner, or the hosted one with the embedded one to fall back on when a key is set; or the embedded
    one with the hosted one as its shadow."""
    own = settings()
    if not own.openai_api_key:
        return EmbeddedPlanner()
    from agent.hosted import HostedPlanner

    hosted = HostedPlanner(
        EmbeddedPlanner(), api_key=own.openai_api_key, model=own.model, base_url=own.openai_base_url,
        budget=Budget(own.model_calls_talk, own.model_calls_day),
    )  # fmt: skip
    return Shadowed(EmbeddedPlanner(), hosted) if own.shadow == "hosted" else hosted


def turn(
    who: Principal, text: str, by: Planner | None = None, key: str | None = None, channel: Channel = "chat"
) -> Turn:
    """Answer one message of somebody. The same `key` of the same principal again gets the same reply, and nothing is
    done twice: what a turn does is written in one transaction with its reply. Where it came by text, the reply is in
    the outbox as well."""
    said = text.strip()
    if not said or len(said) > MAX_CHARS:
        raise BadInput(f"The message has {len(said)} characters.", f"Write 1 to {MAX_CHARS}.", field="text")
    by = by or planner()
    if isinstance(by, Counted):
        by = by.of_conversation(who.id)
    with store.transaction() as db:
        now, zone = clock.here(db)
        talk = threads.open_of(db, who, now)
        heard = threads.hear(talk, said, now, key, channel)
        if heard.reply is not None:
            return Turn.model_validate(heard.reply)
        lines = [Line(who="them" if row.direction == "in" else "us", text=row.body or "") for row in heard.before]
        loop = _Loop(who, heard, (*lines, Line(who="them", text=said)), _open_question(talk), now, zone, channel)
        loop.case = next((row.case_id for row in reversed(heard.before) if row.case_id), None)
        # what staff propose is worked before it is shown, and so has to be written first
        if isinstance(by, EmbeddedPlanner) and not who.is_staff:  # its turn is one transaction
            loop.talk = talk
            return loop.run(by)
    return loop.run(by)


def _open_question(talk: threads.Talk) -> str | None:
    """What we asked last in this conversation, else what a case has asked by message."""
    return talk.question or ("choice" if offers.open_to(talk.db, talk.who) is not None else None)


class _Loop:
    """The steps of one turn. With `talk` all of it happens in the transaction that has that open; without, nothing is
    held while the planner thinks."""

    talk: threads.Talk | None = None
    case: str | None = None
    """the case that was spoken of last"""

    def __init__(
        self, who: Principal, heard: threads.Heard, lines: tuple[Line, ...], question: str | None, now: datetime,
        zone: ZoneInfo, channel: Channel,
    ) -> None:  # fmt: skip
        self.who, self.heard, self.lines, self.question = who, heard, lines, question
        self.now, self.zone, self.channel = now, zone, channel
        self.facts: tuple[Fact, ...] = ()

    def situation(self) -> Situation:
        return Situation(
            kind="conversation",
            role="dispatcher" if self.who.is_staff else self.who.role,  # type: ignore[arg-type]
            channel="sms" if self.who.role == "customer" else "chat",
            messages=self.lines,
            facts=self._spoken_of() + self.facts,
            allowed_tools=desk.box(self.who),
            question_open=self.question.split()[0] if self.question else None,
            prompt_version=prompts.version(),
            today=self.now.astimezone(self.zone).date().isoformat(),
            language=self._language(),
        )

    def _spoken_of(self) -> tuple[Fact, ...]:
        told = {"case": self.case} if self.case is not None and self.who.is_staff else {}
        verb, _, about = (self.question or "").partition(" ")
        if verb == "slot":
            told["asked_order"], _, told["asked_slots"] = about.rpartition(" ")
        at = clock.iso(self.now)
        return tuple(Fact(name=name, value=value, source="the conversation", at=at) for name, value in told.items())

    def run(self, by: Planner) -> Turn:
        if self._rates():
            return self._conclude(self._rated)
        verdict = verdicts.read(self._heard()) if self.who.is_staff else None
        if verdict is not None:
            return self._conclude(verdict)
        for _ in range(MAX_STEPS):
            situation = self.situation()
            step = by.next_step(situation)
            problems = check_step(step, situation)
            if problems:
                logger.warning("step.refused", step=step.step, problems=problems)
                return self._hand_over("cannot_do")
            done = self._take(step, situation)
            if done is not None:
                return done
        return self._hand_over("too_many_steps")

    def _take(self, step: Step, situation: Situation) -> Turn | None:
        match step:
            case Look() | Try():
                self._look(step.tool, step.args)
                return None
            case Answer():
                return self._answer(step, situation)
            case Ask():
                return self._ask(step)
            case Propose():
                return self._propose(step)
            case Escalate():
                return self._hand_over(step.reason_code)
            case Choose():
                return self._hand_over("cannot_do")

    def _answer(self, step: Answer, situation: Situation) -> Turn:
        try:
            said = phrasing.words(step, situation)
        except BadInput:  # a planner named a template whose facts are not there
            return self._hand_over("cannot_do")
        tables = tuple(fact for fact in self.facts if fact.name == TABLE)
        return self._finish(Said(said.text, case=self._named_case(step), facts=(*said.facts, *tables)))

    def _named_case(self, step: Answer) -> str | None:
        """The case that an answer to staff is about, so that the next question may say "that"."""
        return self.case if self.who.is_staff and "case" in step.facts else None

    def _ask(self, step: Ask) -> Turn:
        plain, problems = phrasing.question(step, self.facts)
        if problems:
            logger.warning("question.refused", problems=len(problems))
        asked = self._offering(plain) if plain.slot == "slot" else plain.slot
        return self._finish(Said(plain.question, question=asked, choices=plain.choices))

    def _offering(self, step: Ask) -> str:
        """What a choice will be about: the times that were offered, and for which order."""
        known = {fact.name: str(fact.value) for fact in self.facts}
        return f"slot {known['slot_order']} {known['offered']}" if "offered" in known else "intent"

    def _look(self, tool: str, args: dict[str, str]) -> None:
        try:
            with self._reading() as db:
                found = desk.look(db, self.who, tool, args, self.now)
        except (BadInput, NotFound, WrongState) as error:  # an answer too: there is nothing to read or to try
            why = error.what.strip(". ")[:120]
            self.facts += (Fact(name="no_answer", value=why, source=tool, at=clock.iso(self.now)),)
            return
        self.facts += tuple(Fact(**fact) for fact in found)

    def _reading(self) -> AbstractContextManager[Connection]:
        return store.snapshot() if self.talk is None else nullcontext(self.talk.db)

    def _heard(self) -> verdicts.Heard:
        today = self.now.astimezone(self.zone).date()
        wish = understand(self.lines[-1].text, "dispatcher", today)
        return verdicts.Heard(self.who, wish, self.lines, self.question, self.case, self.now, today)

    def _propose(self, step: Propose) -> Turn:
        if self.who.is_staff:
            return self._show(step)
        try:
            return self._conclude(lambda db: self._proposed(db, step))
        except NotFound:
            return self._finish(Said(self._words("reply_not_found", not_found=step.args.get("order", ""))))
        except Unavailable:
            raise
        except DoorstepError as error:
            logger.info("proposal.refused", why=type(error).__name__)
            return self._hand_over("cannot_do")

    def _show(self, step: Propose) -> Turn:
        """What staff ask for is priced at once and shown as it would be done; a yes is a message of its own."""
        if step.action in wishes.PREPARED:
            return self._conclude(lambda db: verdicts.prepare(db, self._heard(), step.action, step.args))
        from agent import casework  # heavy, and customers' turns need none of it

        try:
            with store.transaction() as db:
                case_id = desk.propose(db, self.who, step.action, step.args, self.now, to_approve=True)
            casework.work(case_id, at_hand())
        except Unavailable:
            raise
        except DoorstepError as error:
            said = f"{error.what} {error.fix}".strip(". ")[:200]
            return self._finish(Said(templates.render("said_not_done", not_done=said)))
        return self._conclude(lambda db: verdicts.show_case(db, case_id, self.now))

    def _proposed(self, db: Connection, step: Propose) -> Said:
        args = step.args
        if step.action == instructions.ACTION:  # in the customer's own words, whatever a planner makes of them
            args = {"order": step.args.get("order", ""), "words": self._own_words()}
        with db.begin_nested():  # what is refused half-way leaves nothing
            case_id = desk.propose(db, self.who, step.action, args, self.now) or None
        template = "reply_slot_asked" if "lo" in step.args else f"reply_{step.action}_asked"
        said = {name: step.args[name] for name in templates.fields(template)}
        words = self._words(template, **said)
        if "where_is_order" in self._wishes(self.lines[-1].text):
            words = f"{self._status()} {words}".strip()
        return Said(words, case=case_id, facts=self.facts)

    def _wishes(self, text: str) -> tuple[str, ...]:
        read = understand(text, self.who.role, self.now.date())
        return (read.intent, *read.also)

    def _own_words(self) -> str:
        """What the customer wants the driver to know. Raises NotAllowed for words with an address in them."""
        theirs = [line.text for line in reversed(self.lines) if line.who == "them"]
        words = next((text for text in theirs if "delivery_instructions" in self._wishes(text)), theirs[0])
        if slots.read_address(words):
            raise NotAllowed("The words name an address.", "A person allows where goods go.")
        return words

    def _words(self, template: str, **said: str) -> str:
        if self.who.is_staff:
            return templates.render(templates.to_staff(template), **said)
        return templates.render(template, lang=self._language(), **said)

    def _language(self) -> str:
        """What they write in; staff are answered in English."""
        lang = "en"
        for line in self.lines:
            lang = slots.language(line.text, lang) if line.who == "them" else lang
        return "en" if self.who.is_staff else lang

    def _hand_over(self, reason_code: str) -> Turn:
        return self._conclude(lambda db: self._handed_over(db, reason_code))

    def _handed_over(self, db: Connection, reason_code: str) -> Said:
        if reason_code in OPTS:
            return self._opted(db, reason_code)
        try:
            case_id, _ = desk.hand_over(db, self.who, reason_code, self.who.id, self.now)
        except NotFound:  # somebody without an order: there is no depot to hand them to
            return Said(self._words("reply_no_order"))
        words = self._words(HAND_OVER_REPLY.get(reason_code, "reply_person"))
        return Said(f"{self._status()} {words}".strip(), case=case_id, facts=self.facts)

    def _status(self) -> str:
        """Where the order is, when that was looked up on the way."""
        known = {fact.name: fact.value for fact in self.facts}
        template = f"reply_{known.get('status')}"
        if template not in templates.TEMPLATES or any(name not in known for name in templates.fields(template)):
            return ""
        answer = Answer(template=template, facts=("status", *templates.fields(template)))
        return phrasing.words(answer, self.situation()).text

    def _opted(self, db: Connection, reason_code: str) -> Said:
        """Opting out or in is confirmed once, as carriers ask; who had done so before gets no further word of it."""
        change, template = OPTS[reason_code]
        if self.who.role != "customer" or not change(db, self.who.subject, self.who.id, self.now):
            return Said("")
        if self.channel != "chat" and reason_code == "opted_out":
            return Said("")  # the carrier confirms it, and lets nothing more through
        return Said(self._words(template))

    def _rates(self) -> bool:
        """Whether this is a bare number that answers a survey of ours."""
        if self.who.role != "customer" or self.question is not None or self.lines[-1].text not in survey.RATINGS:
            return False
        with self._reading() as db:
            return survey.waiting(db, self.who.subject, self.now) is not None

    def _rated(self, db: Connection) -> Said:
        survey.rate(db, self.who.subject, int(self.lines[-1].text), self.who.id, self.now)
        return Said(self._words("reply_rated"))

    def _finish(self, said: Said) -> Turn:
        return self._conclude(lambda db: said)

    def _conclude(self, act: Callable[[Connection], Said]) -> Turn:
        """Do what the turn comes to, and write it down with the reply: both or neither, and once."""
        if self.talk is not None:
            return self._written(self.talk, act)
        with store.transaction() as db:
            return self._written(threads.open_of(db, self.who, self.now), act)

    def _written(self, talk: threads.Talk, act: Callable[[Connection], Said]) -> Turn:
        before = threads.answered(talk.db, self.who, self.heard)
        if before is not None:
            return Turn.model_validate(before)
        said = act(talk.db)
        talk.ask(said.question, self.now)
        if said.text and not talk.erased:
            self._reply(talk, said)
        done = Turn(
            reply=said.text, intent=self._intent(), case=said.case, choices=said.choices,
            facts=without_table(said.facts), table=table_of(said.facts), proposal=said.proposal,
        )  # fmt: skip
        threads.answer(talk.db, self.who, self.heard, done.model_dump(mode="json"))
        return done

    def _reply(self, talk: threads.Talk, said: Said) -> None:
        if self.channel == "chat":  # whoever asked reads the answer to the request
            talk.say("out", said.text, self.now, said.case)
            return
        for part in lengths.parts(said.text):
            line, _ = talk.say("out", part, self.now, said.case, channel=self.channel, template=accounts.REPLY)
            effects.queue_line(talk.db, line, self.who.subject, self.now)

    def _intent(self) -> str:
        role = "dispatcher" if self.who.is_staff else self.who.role
        return understand(self.lines[-1].text, role, self.now.date()).intent
