"""Replay: every decision again, from its recorded inputs and with its recorded outputs withheld, to the byte.

What comes out is compared with what the log holds. A plan is solved again with the same problem, matrix, seed and
iterations; a case is weighed again; a person's verdict is an input, not something to recompute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from agent import weigh
from agent.embedded.planner import EmbeddedPlanner
from agent.planner import Planner, Situation
from agent.weigh import Inputs
from core import blobs, canonical, log
from core.errors import DoorstepError
from optimizer import plan as planning
from optimizer.options import Scope
from optimizer.problem import Problem
from tools import problems
from tools.policy import Policy
from tools.publishing import plan_outcome


class Replayed(BaseModel):
    """One decision and whether it came out the same; `why` says what differs or why it could not be recomputed."""

    model_config = ConfigDict(frozen=True)

    seq: int
    decision: str
    action: str
    same: bool
    why: str = ""


def replay(db: Connection, day: date | None = None, decision_id: str | None = None) -> Iterator[Replayed]:
    """Recompute the decisions of a day (or one, or all)."""
    which = log.Filter(kind="decision", day=day, about=decision_id)
    for entry in log.entries(db, which):
        body = entry.body
        if not body["inputs"] or (decision_id is not None and body["id"] != decision_id):
            continue
        yield _one(db, entry.seq, body)


def _one(db: Connection, seq: int, body: Mapping[str, Any]) -> Replayed:
    try:
        again = recompute(db, body["inputs"])
    except DoorstepError as error:
        return Replayed(seq=seq, decision=body["id"], action=body["action"], same=False, why=str(error))
    same = canonical.dumps(again) == canonical.dumps(body["outcome"])
    why = "" if same else "differs in " + ", ".join(sorted(_differing(again, body["outcome"])))
    return Replayed(seq=seq, decision=body["id"], action=body["action"], same=same, why=why)


def recompute(db: Connection, hashes: Mapping[str, Any], planner: Planner | None = None) -> dict[str, Any]:
    """The outcome of a decision from the hashes of its inputs."""
    if "solve" in hashes:
        return resolve(db, hashes)
    inputs = load(db, hashes)
    matrix = problems.matrices().get(inputs.problem.matrix)
    return weigh.recompute(inputs, matrix, planner or EmbeddedPlanner()).model_dump(mode="json")


def load(db: Connection, hashes: Mapping[str, Any]) -> Inputs:
    """A decision's inputs, each read back by its hash."""
    return Inputs(
        case=hashes["case"], kind=hashes["kind"], stop=hashes["stop"],
        scope=Scope.model_validate(hashes["scope"]), picked=hashes["picked"],
        problem=Problem.model_validate(blobs.get(db, hashes["problem"])),
        situation=Situation.model_validate(blobs.get(db, hashes["situation"])),
        policy=Policy.model_validate(blobs.get(db, hashes["policy"])), facts=blobs.get(db, hashes["facts"]),
    )  # fmt: skip


def resolve(db: Connection, hashes: Mapping[str, Any]) -> dict[str, Any]:
    """Solve a published plan again."""
    problem = Problem.model_validate(blobs.get(db, hashes["problem"]))
    solve = hashes["solve"]
    plan = planning.solve(
        problem,
        problems.matrices().get(problem.matrix),
        engine=solve.get("engine", "ortools"),  # older decisions knew no other
        seed=solve["seed"],
        iterations=solve["iterations"],
        time_limit_s=600,
    )
    return plan_outcome(plan)


def _differing(one: Any, two: Any, path: str = "") -> set[str]:
    if isinstance(one, dict) and isinstance(two, dict):
        return {
            d
            for key in one.keys() | two.keys()
            for d in _differing(one.get(key), two.get(key), f"{path}.{key}".strip("."))
        }
    return set() if one == two else {path or "everything"}
