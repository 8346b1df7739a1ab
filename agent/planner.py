"""The port between the loop that does the work and whatever decides: a frozen `Situation` in, one `Step` out.

A planner is pure: it reads nothing but the situation, so a decision can be replayed from it. What checks a step or a
phrased reply from outside the model lives here too (`check_step`, `check_reply`); what runs a step does not.
"""

from __future__ import annotations

from typing import Annotated, Literal, Protocol, TypeAlias, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agent.grounding import Ungrounded
from agent.grounding import check as _check_words

Value: TypeAlias = str | int | bool
Role: TypeAlias = Literal["customer", "driver", "dispatcher", "ops_lead", "system"]

REASON_CODES: dict[str, str] = {
    "asked_for_human": "the person asked for a human",
    "asks_policy": "a question about fees, hours, rules or what we offer",
    "complaint": "a complaint about us or a driver",
    "refund_wanted": "the person wants money back",
    "change_wanted": "another address, other goods or a wish for the driver: a person sees to it",
    "cannot_do": "understood, but nothing that we may do for this principal answers it",
    "legal": "courts, lawyers, regulators, the police, or rights over the person's own data",
    "no_feasible_option": "every option of the case breaks a hard constraint, or there is none",
    "not_understood": "not understood after one question",
    "opted_in": "the person wants messages again",
    "opted_out": "the person opted out of messages: nothing more is sent to them",
    "safety": "injury, fire, threat, violence or an impaired driver",
    "too_many_steps": "the conversation used all its steps",
}


SAID_BY_THE_LOOP = frozenset(
    {
        "reply_reschedule_asked", "reply_slot_asked", "reply_cancel_asked", "reply_choose_asked",
        "reply_instruct_asked",
        "reply_missing_delivery_asked",
        "reply_damage_asked", "reply_person", "reply_safety", "reply_complaint", "reply_opted_out", "reply_opted_in",
        "reply_rated",
    }
)  # fmt: skip
"""replies that tell what a turn has done: a planner that answers has done nothing"""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(Frozen):
    """One thing a tool returned, fit to be said: times as local "HH:MM", days as ISO dates, money in `_cents`."""

    name: str
    value: Value
    source: str
    """the tool, event or row that said so"""
    at: str
    """when it was true, ISO"""


class Line(Frozen):
    """One message of the thread."""

    who: Literal["them", "us"]
    text: str


class Option(Frozen):
    """One way to settle a case, scored by the optimizer. Doing nothing is always among them."""

    id: str
    kind: str
    """the action kind that policy knows: wait, decline, retell, resequence, reassign, postpone"""
    cost_cents: int
    minutes_late: int = 0
    promises_broken: int = 0
    stops_moved: int = 0
    feasible: bool = True
    why: str = ""
    """what it does or which constraint it breaks, in words a dispatcher reads"""


class Situation(Frozen):
    """All that a planner may know."""

    kind: Literal["conversation", "case"]
    role: Role
    channel: str = "chat"
    messages: tuple[Line, ...] = ()
    """oldest first; the last one from them is what is answered"""
    facts: tuple[Fact, ...] = ()
    allowed_tools: tuple[str, ...] = ()
    """tools to look or try with, and action kinds that may be proposed"""
    options: tuple[Option, ...] = ()
    question_open: str | None = None
    """the slot that our last question asked for: order, day, intent, choice"""
    prompt_version: str = ""
    today: str = ""
    """ISO date where the deliveries are"""
    language: str = "en"
    """what the person writes in: en or es"""

    def said(self) -> str:
        """The last message from them, or nothing."""
        return next((line.text for line in reversed(self.messages) if line.who == "them"), "")

    def fact(self, name: str) -> Value | None:
        """The newest value told under this name; the loop appends, so the last one wins."""
        return next((fact.value for fact in reversed(self.facts) if fact.name == name), None)


class Look(Frozen):
    """Read something with a tool."""

    step: Literal["look"] = "look"
    tool: str
    args: dict[str, str] = {}


class Try(Frozen):
    """Compute what would happen; nothing changes."""

    step: Literal["try"] = "try"
    tool: str
    args: dict[str, str] = {}


class Choose(Frozen):
    """Pick one of the case's options by id."""

    step: Literal["choose"] = "choose"
    option_id: str
    why: str


class Answer(Frozen):
    """Reply from facts: by `template`, or in words of its own (`text`) that `check_reply` must pass."""

    step: Literal["answer"] = "answer"
    template: str
    """the reply that goes out when there is no text or the text fails the check"""
    text: str = ""
    facts: tuple[str, ...] = ()
    """names of the facts that the reply uses"""


class Ask(Frozen):
    """Ask for one slot."""

    step: Literal["ask"] = "ask"
    slot: str
    question: str
    choices: tuple[str, ...] = ()


class Propose(Frozen):
    """Ask the desk for an action; it opens a case, it runs nothing."""

    step: Literal["propose"] = "propose"
    action: str
    args: dict[str, str] = {}


class Escalate(Frozen):
    """Hand over to a person."""

    step: Literal["escalate"] = "escalate"
    reason_code: str
    """one of REASON_CODES"""
    summary: str


Step: TypeAlias = Annotated[Look | Try | Choose | Answer | Ask | Propose | Escalate, Field(discriminator="step")]
STEPS: tuple[type[Frozen], ...] = (Look, Try, Choose, Answer, Ask, Propose, Escalate)
_step: TypeAdapter[Step] = TypeAdapter(Step)


class Planner(Protocol):
    """Whatever decides. `name` and `version` go into every decision."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def next_step(self, situation: Situation) -> Step: ...


@runtime_checkable
class Counted(Protocol):
    """A planner that has a budget a conversation."""

    def of_conversation(self, talk: str) -> Planner: ...


def read_step(data: object) -> Step:
    """A step from plain data (JSON already read). Raises pydantic's ValidationError."""
    return _step.validate_python(data)


def check_step(step: Step, situation: Situation) -> list[str]:
    """What is wrong with this step here, in words a model can repair; empty when it may run."""
    match step:
        case Look() | Try():
            return _among("tool", step.tool, situation.allowed_tools)
        case Propose():
            return _among("action", step.action, situation.allowed_tools)
        case Choose():
            return _among("option_id", step.option_id, tuple(o.id for o in situation.options if o.feasible))
        case Escalate():
            return _among("reason_code", step.reason_code, tuple(REASON_CODES))
        case Answer():
            return _answer_problems(step, situation)
        case Ask():
            return _question_problems(step)


def _question_problems(step: Ask) -> list[str]:
    """A slot is one word: what is asked about a verdict names its subject, and only the conversation asks that."""
    problems = [] if step.question.strip() else ["question: is empty"]
    return problems if step.slot.isidentifier() else [*problems, f"slot: {step.slot!r} is not one word"]


def check_reply(text: str, facts: tuple[Fact, ...]) -> list[Ungrounded]:
    """What a phrased reply says that its facts do not: numbers, times, days, money, places, names, links, statuses."""
    return _check_words(text, {fact.name: fact.value for fact in facts})


def _among(field: str, value: str, allowed: tuple[str, ...]) -> list[str]:
    if value in allowed:
        return []
    return [f"{field}: {value!r} is not one of {', '.join(sorted(allowed)) or '(none)'}"]


def _answer_problems(step: Answer, situation: Situation) -> list[str]:
    known = {fact.name for fact in situation.facts}
    problems = [f"facts: {name!r} is not a fact of this situation" for name in step.facts if name not in known]
    if step.template in SAID_BY_THE_LOOP:
        problems.append(f"template: {step.template!r} says what was done, and only who did it says so")
    if situation.kind == "case":
        problems.append("step: a case is settled by choose or escalate, not by an answer")
    return problems
