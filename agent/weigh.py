"""Options, choice and gate as one pure function of recorded inputs: casework decides with it, replay repeats it.

Everything it needs is in `Inputs` and the matrix that the problem names. Nothing here reads a clock or a database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from agent import planner as port
from agent.planner import Choose, Escalate, Planner, Situation, Step
from core import canonical
from core.broken import TOLD_BEFORE
from optimizer import what_if
from optimizer.options import ONE_STOP, Option, Scope
from optimizer.problem import Problem
from optimizer.travel import Matrix
from tools import desk, kinds
from tools.policy import Policy, Value, Verdict


class Inputs(BaseModel):
    """What a decision was made from."""

    model_config = ConfigDict(frozen=True)

    case: str
    kind: str
    problem: Problem
    stop: str
    scope: Scope = ONE_STOP
    situation: Situation
    """what the planner saw, without the options: those are recomputed"""
    policy: Policy
    facts: dict[str, Value]
    """what policy judged besides the option"""
    picked: str | None = None
    """option that a person, or the customer, took instead of the planner's"""


class Outcome(BaseModel):
    """What came out. A replay must give the same bytes."""

    model_config = ConfigDict(frozen=True)

    options: tuple[dict[str, Any], ...]
    situation: str
    """digest of the whole situation that the planner saw, options included"""
    step: dict[str, Any]
    picked: str | None
    verdict: Verdict | None
    pressing: bool = False
    """there was no time to ask a person: an option that policy lets through was taken instead of the planner's"""


def priced(kind: str, problem: Problem, options: Sequence[Option]) -> tuple[dict[str, Any], ...]:
    """Options in their order of price, for this kind of case (`tools.kinds.Kind.charged`)."""
    rows = [option.model_dump(mode="json") for option in options]
    for row in rows:
        row["cost_cents"] += problem.weights.postponed * kinds.KINDS[kind].charged.get(row["kind"], 0)
    return tuple(sorted(rows, key=lambda row: (not row["feasible"], row["cost_cents"], row["id"])))


def decide(inputs: Inputs, options: tuple[dict[str, Any], ...], planner: Planner) -> Outcome:
    """Let the planner choose among the options and policy judge the choice."""
    situation = inputs.situation.model_copy(
        update={"options": tuple(_shown(inputs.kind, option) for option in options)}
    )
    step = planner.next_step(situation)
    picked = inputs.picked or (step.option_id if isinstance(step, Choose) else None)
    option = next((o for o in options if o["id"] == picked and o["feasible"]), None)
    verdict = _judged(inputs, option) if option is not None else None
    pressing = verdict is not None and verdict.verdict == "ask" and inputs.picked is None and _is_pressing(inputs)
    told = _tells_at_once(inputs, options) if pressing else None
    if told is not None:
        option, verdict = told, _judged(inputs, told)
    return Outcome(
        options=options,
        situation=canonical.digest(situation),
        step=checked(step, situation).model_dump(mode="json"),
        picked=option["id"] if option else None,
        verdict=verdict,
        pressing=told is not None,
    )


def _judged(inputs: Inputs, option: dict[str, Any]) -> Verdict:
    action = kinds.action_kind(inputs.kind, option)
    return desk.judge(inputs.policy, action, inputs.stop, inputs.facts, option)


def _is_pressing(inputs: Inputs) -> bool:
    """Whether the stop's promise breaks before a person has answered and its customer could still be told in time."""
    stop = next((each for each in inputs.problem.stops if each.id == inputs.stop), None)
    if stop is None or stop.due_s is None:
        return False
    left_s = stop.due_s - inputs.problem.now_s
    return 0 < left_s < (desk.OWNER_ANSWERS_WITHIN + TOLD_BEFORE).total_seconds()


def _tells_at_once(inputs: Inputs, options: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The cheapest option that tells the stop's customer and that policy lets through without a person."""
    tells = [o for o in options if o["feasible"] and inputs.stop in o["retold"]]
    return next((o for o in tells if _judged(inputs, o).verdict == "auto"), None)


def recompute(inputs: Inputs, matrix: Matrix, planner: Planner) -> Outcome:
    """Everything again, from the inputs alone."""
    tried = what_if.candidates(inputs.problem, matrix, inputs.stop, kinds.tried(inputs.kind), inputs.scope)
    found = [what_if.evaluate(inputs.problem, matrix, candidate) for candidate in tried]
    return decide(inputs, priced(inputs.kind, inputs.problem, found), planner)


def checked(step: Step, situation: Situation) -> Step:
    """A step that this situation does not allow becomes an escalation: whatever a planner says, it stays in bounds."""
    problems = port.check_step(step, situation)
    if not isinstance(step, Choose | Escalate):
        problems.append(f"step: a case is not settled by {step.step}")
    if not problems:
        return step
    return Escalate(reason_code="no_feasible_option", summary="; ".join(problems)[:500])


def _shown(kind: str, option: dict[str, Any]) -> port.Option:
    wished = option["kind"] in kinds.KINDS[kind].wished
    return port.Option(
        id=option["id"], kind=kinds.action_kind(kind, option), cost_cents=option["cost_cents"],
        minutes_late=option["minutes_late"], promises_broken=option["promises_broken"],
        stops_moved=option["stops_moved"], feasible=option["feasible"] and not wished,
        why="only for who wishes it" if wished else "; ".join(option["broken"]),
    )  # fmt: skip
