"""Tool: what could be done about a stop, computed by the optimizer on the plan as it is now.

One port, two adapters. `Resident` asks the engine process, which holds plan and matrix in memory. `Local` computes in
the calling process from the database alone: for a worker on a machine without an engine, and for tests.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from core import plans
from core.store.db import snapshot
from optimizer import what_if
from optimizer.options import ONE_STOP, Candidate, Option, Scope
from optimizer.problem import Problem
from tools import problems, wire


class Question(BaseModel):
    """A what-if frozen at one moment: the problem, the plan version it was cut from, and what could be tried."""

    model_config = ConfigDict(frozen=True)

    depot_id: str
    day: date
    version: int
    """0: the day has no published plan yet"""
    t0: datetime
    problem: Problem
    stop: str
    scope: Scope = ONE_STOP
    candidates: tuple[Candidate, ...]


class Optimizer(Protocol):
    """`ask` freezes the question, `evaluate` prices one candidate; both are read-only and may be repeated."""

    def ask(
        self, depot_id: str, day: date, stop: str, kinds: tuple[str, ...], now: datetime, scope: Scope = ONE_STOP
    ) -> Question: ...

    def evaluate(self, problem: Problem, candidate: Candidate) -> Option: ...


class Local:
    """Everything from the database, nothing kept."""

    def ask(
        self, depot_id: str, day: date, stop: str, kinds: tuple[str, ...], now: datetime, scope: Scope = ONE_STOP
    ) -> Question:
        with snapshot() as db:
            current = plans.current(db, depot_id, day)
            here = problems.ground(db, depot_id, day)
            problem = problems.seen(db, here, current, now, stop, kinds)
            return question(here, current.version if current else 0, problem, stop, kinds, scope)

    def evaluate(self, problem: Problem, candidate: Candidate) -> Option:
        return what_if.evaluate(problem, problems.matrices().get(problem.matrix), candidate)


def question(
    here: problems.Ground, version: int, problem: Problem, stop: str, kinds: tuple[str, ...], scope: Scope
) -> Question:
    return Question(
        depot_id=here.depot_id,
        day=here.day,
        version=version,
        t0=here.t0,
        problem=problem,
        stop=stop,
        scope=scope,
        candidates=what_if.candidates(problem, here.matrix, stop, kinds, scope),
    )


class Resident:
    """The engine process of this machine."""

    def __init__(self, client: wire.Client) -> None:
        self.client = client

    def ask(
        self, depot_id: str, day: date, stop: str, kinds: tuple[str, ...], now: datetime, scope: Scope = ONE_STOP
    ) -> Question:
        answer = self.client.call(
            "ask", depot=depot_id, day=day.isoformat(), stop=stop, kinds=kinds, now=now.isoformat(), scope=scope
        )
        return Question.model_validate(answer)

    def evaluate(self, problem: Problem, candidate: Candidate) -> Option:
        answer = self.client.call("evaluate", problem=problem, candidate=candidate)
        return Option.model_validate(answer)

    def tick(self, now: datetime) -> dict[str, Any]:
        """Bring every arrival range up to `now` (a simulated day's pulse; on a real one the engine does it)."""
        answer: dict[str, Any] = self.client.call("tick", now=now.isoformat())
        return answer


@cache
def resident() -> Resident:
    return Resident(wire.Client(wire.socket_path("engine.sock")))
