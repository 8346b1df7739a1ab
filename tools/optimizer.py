"""Tool: what could be done about a stop, computed by the optimizer on the plan as it is now.

One port, two adapters. `Resident` asks the engine process, which holds the plan in memory, for the question. `Local`
reads it from the database alone: for a worker on a machine without an engine, and for tests. Both price candidates in
the calling process: a question names its travel times by hash, and sending a day's problem with each costs far more.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from core import orders, plans
from core.errors import EngineDown, WrongState
from core.store.db import snapshot
from optimizer import what_if
from optimizer.comparing import Pinned
from optimizer.options import ONE_STOP, Candidate, Option, Scope
from optimizer.problem import Problem
from optimizer.travel import Matrix, MatrixStore
from tools import problems, wire
from tools.slots import DAYS, HOURS, Slot, Wanted

if TYPE_CHECKING:
    from tools.live_day import LiveDay


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


class Placer(Protocol):
    """Who finds a place for one more order on a running day: the engine process, which holds the day, or `Local`."""

    def place(self, depot_id: str, day: date, order_id: str, kinds: tuple[str, ...], now: datetime) -> Question: ...


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
        return what_if.evaluate(problem, _matrix(problems.matrices().folder, problem.matrix), candidate)

    def place(self, depot_id: str, day: date, order_id: str, kinds: tuple[str, ...], now: datetime) -> Question:
        from tools import live_day  # compiled code: loaded when it is used

        with snapshot() as db:
            current = plans.current(db, depot_id, day)
            if current is None:
                raise WrongState(f"Depot {depot_id} has no published plan for {day}.", "Plan and publish first.")
            held = live_day.read(db, problems.ground(db, depot_id, day), current, now)
            return placed(db, held, order_id, kinds)

    def slots(
        self, wanted: Wanted, now: datetime, *, days: int = DAYS, hours: int = HOURS, first: date | None = None
    ) -> tuple[Slot, ...]:
        """`tools.slot_search.find`."""
        from tools.slot_search import find  # compiled code: loaded when it is used

        with snapshot() as db:
            return find(db, wanted, now, days, hours, first)


@lru_cache(4)
def _matrix(folder: Path, key: str) -> Matrix:
    """Travel times that were used last; reading them checks every number against the hash."""
    return MatrixStore(folder).get(key)


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


def placed(db: Connection, held: LiveDay, order_id: str, kinds: tuple[str, ...]) -> Question:
    """Where an order that no van has may go, on a day that is held."""
    row = orders.get(db, order_id)
    problem, scope, tried = held.question(db, row, kinds)
    return Question(
        depot_id=held.here.depot_id, day=held.here.day, version=held.plan.version, t0=held.here.t0, problem=problem,
        stop=row.stop_id, scope=scope, candidates=tried,
    )  # fmt: skip


class Resident(Local):
    """The engine process of this machine freezes the question."""

    def __init__(self, client: wire.Client) -> None:
        self.client = client

    def ask(
        self, depot_id: str, day: date, stop: str, kinds: tuple[str, ...], now: datetime, scope: Scope = ONE_STOP
    ) -> Question:
        answer = self.client.call(
            "ask", depot=depot_id, day=day.isoformat(), stop=stop, kinds=kinds, now=now.isoformat(), scope=scope
        )
        return Question.model_validate(answer)

    def place(self, depot_id: str, day: date, order_id: str, kinds: tuple[str, ...], now: datetime) -> Question:
        args = {"depot": depot_id, "day": day.isoformat(), "order": order_id, "kinds": kinds, "now": now.isoformat()}
        return Question.model_validate(self.client.call("place", **args))

    def slots(
        self, wanted: Wanted, now: datetime, *, days: int = DAYS, hours: int = HOURS, first: date | None = None
    ) -> tuple[Slot, ...]:
        begins = first.isoformat() if first else None
        answer = self.client.call("slots", wanted=wanted, now=now.isoformat(), days=days, hours=hours, first=begins)
        return tuple(Slot.model_validate(each) for each in answer)

    def why_moved(self, depot_id: str, day: date, before: int, version: int, stop: str) -> Pinned:
        """`tools.plan_questions.why_moved`, solved by the engine."""
        asked = {"depot": depot_id, "day": day.isoformat(), "before": before, "version": version, "stop": stop}
        return Pinned.model_validate(self.client.call("why_moved", **asked))

    def tick(self, now: datetime) -> dict[str, Any]:
        """Bring every arrival range up to `now` (a simulated day's pulse; on a real one the engine does it)."""
        answer: dict[str, Any] = self.client.call("tick", now=now.isoformat())
        return answer


@cache
def resident() -> Resident:
    return Resident(wire.Client(wire.socket_path("engine.sock")))


class AtHand(Resident):
    """The engine while it is there, else the database: for a conversation, which waits for nobody's restart."""

    def ask(
        self, depot_id: str, day: date, stop: str, kinds: tuple[str, ...], now: datetime, scope: Scope = ONE_STOP
    ) -> Question:
        try:
            self.client.ping()
        except EngineDown:
            return Local.ask(self, depot_id, day, stop, kinds, now, scope)
        return super().ask(depot_id, day, stop, kinds, now, scope)

    def slots(
        self, wanted: Wanted, now: datetime, *, days: int = DAYS, hours: int = HOURS, first: date | None = None
    ) -> tuple[Slot, ...]:
        try:
            self.client.ping()
        except EngineDown:
            return Local.slots(self, wanted, now, days=days, hours=hours, first=first)
        return super().slots(wanted, now, days=days, hours=hours, first=first)


def at_hand() -> AtHand:
    return AtHand(resident().client)
