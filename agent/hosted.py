"""The planner that asks a model behind any OpenAI-compatible endpoint. The SDK is imported here only.

The model makes one tool call, a step by a strict schema. What it says is checked by the same union as everybody's
steps and against the situation; it may repair once; then the fallback planner decides, and the reason is kept.
Safety and opt-out words never reach the model.
"""

from __future__ import annotations

import json
from copy import copy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

import prompts
from agent import grounding, reply
from agent.budget import Budget
from agent.planner import (
    STEPS,
    Answer,
    Ask,
    Choose,
    Escalate,
    Planner,
    Situation,
    Step,
    check_reply,
    check_step,
    read_step,
)
from agent.schemas import from_call, tools_for
from core import canonical
from tools.notify import templates

if TYPE_CHECKING:
    from openai import OpenAI

TRIES = 2
"""one question and one repair"""
GUARDED = frozenset({"safety", "opted_out", "opted_in"})
"""reason codes that the rules decide alone, before any model is asked"""


class Outcome(BaseModel):
    """How a step came about, for the decision log."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    planner: str
    """whose step it is: this planner's name or the fallback's"""
    reason: str = ""
    """why the fallback decided; empty when the model did"""
    notes: tuple[str, ...] = ()
    """what was taken out of the model's step"""
    tries: int = 0
    outputs: tuple[str, ...] = ()
    """what the model said, word for word"""


class _Refused(Exception):
    """The model or its server gives no usable answer, and asking again will not help."""


class HostedPlanner:
    """`next_step` keeps how it went in `last_outcome`; `decide` returns both, for callers that share a planner."""

    name = "hosted"

    def __init__(
        self, fallback: Planner, *, api_key: str, model: str, base_url: str = "", timeout_s: float = 20.0,
        budget: Budget | None = None,
    ) -> None:  # fmt: skip
        self.model = model
        self.fallback = fallback
        self.version = f"hosted-1:{model}"
        self.last_outcome = Outcome(planner=self.name)
        self._client = _client(api_key, base_url, timeout_s)
        self._budget = budget
        self._talk = ""

    def of_conversation(self, talk: str) -> HostedPlanner:
        """The same planner, its calls counted as those of one conversation."""
        mine = copy(self)
        mine._talk = talk
        return mine

    def next_step(self, situation: Situation) -> Step:
        step, self.last_outcome = self.decide(situation)
        return step

    def decide(self, situation: Situation) -> tuple[Step, Outcome]:
        """A step that is right for this situation, whoever it comes from, and how it came about."""
        safe = self.fallback.next_step(situation)
        if isinstance(safe, Escalate) and safe.reason_code in GUARDED:
            return safe, Outcome(planner=self.fallback.name, reason=f"guarded: {safe.reason_code}")
        outputs: list[str] = []
        try:
            step, notes = self._ask(situation, outputs)
        except _Refused as refused:
            reason = str(refused)
            return safe, Outcome(
                planner=self.fallback.name, reason=reason, tries=max(len(outputs), 1), outputs=tuple(outputs)
            )
        return step, Outcome(planner=self.name, notes=tuple(notes), tries=len(outputs), outputs=tuple(outputs))

    def _ask(self, situation: Situation, outputs: list[str]) -> tuple[Step, list[str]]:
        talk = _opening(situation)
        problems: list[str] = []
        for _ in range(TRIES):
            if self._budget is not None and (spent := self._budget.spend(self._talk, situation.today)):
                raise _Refused(spent)
            name, arguments = self._call(talk, situation)
            outputs.append(canonical.dumps({"tool": name, "arguments": arguments}).decode())
            step, problems = _read(name, arguments, situation)
            if step is not None:
                return _grounded(step, situation)
            talk = [*_opening(situation), *_repair(outputs[-1], problems)]
        raise _Refused("invalid: " + "; ".join(problems))

    def _call(self, talk: list[dict[str, str]], situation: Situation) -> tuple[str, str]:
        """One request; the tool that the model calls and its arguments as it wrote them."""
        import openai

        request: dict[str, Any] = {
            "model": self.model,
            "messages": talk,
            "tools": tools_for(situation),
            "tool_choice": "required",
            "parallel_tool_calls": False,
        }
        try:
            answer: Any = self._client.chat.completions.create(**request)
        except openai.OpenAIError as error:
            raise _Refused(_failure(error)) from error
        except (ValueError, TypeError) as error:
            raise _Refused(f"unreadable answer: {type(error).__name__}") from error
        return _tool_call(answer)


def _client(api_key: str, base_url: str, timeout_s: float) -> OpenAI:
    from openai import DefaultHttpxClient, OpenAI

    loopback = urlsplit(base_url).hostname in {"127.0.0.1", "localhost", "::1"}
    http = DefaultHttpxClient(trust_env=False) if loopback else None  # HTTP_PROXY would catch loopback
    return OpenAI(api_key=api_key, base_url=base_url or None, timeout=timeout_s, max_retries=0, http_client=http)


def _opening(situation: Situation) -> list[dict[str, str]]:
    """What the model reads: the rules, the playbooks, the templates, and the situation as data."""
    playbooks = [prompts.read(name) for name in prompts.names() if name.startswith("playbooks/")]
    replies = {name: prompts.read(f"templates/en/{name}.txt") for name in templates.TEMPLATES if "reply_" in name}
    rules = [prompts.read("system.md"), *playbooks, f"Templates: {canonical.dumps(replies).decode()}"]
    return [
        {"role": "system", "content": "\n\n".join(rules)},
        {"role": "user", "content": canonical.dumps({"situation": situation}).decode()},
    ]


def _repair(output: str, problems: list[str]) -> list[dict[str, str]]:
    return [
        {"role": "assistant", "content": output},
        {"role": "user", "content": f"That step can't be used: {'; '.join(problems)}. Call one tool again, corrected."},
    ]


def _failure(error: Exception) -> str:
    """Why there was no answer, by kind. The server's own words stay out: they may hold anything."""
    status = getattr(error, "status_code", None)
    if status == 429:
        return "rate limited (429)"
    if status is not None:
        return f"server error (HTTP {status})"
    return {"APITimeoutError": "timeout", "APIConnectionError": "no connection"}.get(
        type(error).__name__, f"unreadable answer: {type(error).__name__}"
    )


def _tool_call(answer: Any) -> tuple[str, str]:
    """SDK objects are built without checks, so any part may be missing or of another type."""
    try:
        choice = answer.choices[0]
        message = choice.message
        refusal, calls, content = message.refusal, message.tool_calls, message.content
        if refusal or choice.finish_reason == "content_filter":
            raise _Refused("the model refused")
        if not calls:
            return "", str(content or "")
        if len(calls) > 1:
            return "", f"{len(calls)} tool calls"
        return str(calls[0].function.name), str(calls[0].function.arguments)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise _Refused(f"unreadable answer: {type(error).__name__}") from error


def _read(name: str, arguments: str, situation: Situation) -> tuple[Step | None, list[str]]:
    """The step, or what is wrong with it in words that help to repair it."""
    if name not in {kind.model_fields["step"].default for kind in STEPS}:
        return None, [f"{name!r} is no step; call exactly one of the tools"]
    try:
        data = json.loads(arguments)
        step = read_step({"step": name, **from_call(data)})
    except ValidationError as error:
        where = [".".join(str(part) for part in e["loc"][1:]) or name for e in error.errors()]
        return None, [f"{at}: {e['msg']}" for at, e in zip(where, error.errors(), strict=True)]
    except (ValueError, TypeError, RecursionError) as error:
        return None, [f"the arguments are not the JSON object asked for ({type(error).__name__})"]
    problems = check_step(step, situation) + _template_problems(step, situation)
    return (None, problems) if problems else (step, [])


def _template_problems(step: Step, situation: Situation) -> list[str]:
    """The template goes out when the text fails, so its facts must be there."""
    if not isinstance(step, Answer):
        return []
    if not step.template.startswith("reply_") or step.template not in templates.TEMPLATES:
        return [f"template: {step.template!r} is none of the reply templates"]
    missing = [name for name in templates.fields(step.template) if situation.fact(name) is None]
    return [f"template: {step.template} needs {', '.join(missing)}, which is no fact"] if missing else []


def _grounded(step: Step, situation: Situation) -> tuple[Step, list[str]]:
    """The step without the words that its facts do not bear, and what was taken out."""
    if isinstance(step, Answer) and step.text:
        used = tuple(fact for fact in situation.facts if fact.name in step.facts)
        if problems := check_reply(step.text, used):
            return step.model_copy(update={"text": ""}), [f"text: {problem}" for problem in problems]
    if isinstance(step, Ask):
        plain, unborne = reply.question(step, situation.facts)
        return plain, [f"question: {each}" for each in unborne]
    if isinstance(step, Choose):
        return _grounded_choice(step, situation)
    return step, []


def _grounded_choice(step: Choose, situation: Situation) -> tuple[Step, list[str]]:
    known: dict[str, str | int | bool] = {fact.name: fact.value for fact in situation.facts}
    for option in situation.options:
        known |= {f"{option.id}.{name}": value for name, value in option.model_dump().items()}
        known[f"{option.id}.cents"] = f"{option.cost_cents} late promised broken"
    problems = grounding.check(step.why, known)
    if not problems:
        return step, []
    chosen = next(option for option in situation.options if option.id == step.option_id)
    why = f"{chosen.id} ({chosen.kind}) at {chosen.cost_cents} cents; the model's own words were not borne out"
    return step.model_copy(update={"why": why}), [f"why: {problem}" for problem in problems]
