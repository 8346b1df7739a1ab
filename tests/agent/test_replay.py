"""Replay: a decision comes out again from the hashes of its inputs, and whatever was changed since shows."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, text

from agent import replay
from core import blobs, canonical, decisions, log
from core.store import db as store
from optimizer import plan as planning
from optimizer.problem import Problem
from optimizer.travel import Matrix, great_circle
from tests.living import Day, Living
from tests.optimizer.a_problem import HOUR, problem, stop, van
from tests.tools.a_case import decided, late, planned
from tools import problems
from tools.publishing import plan_outcome


@pytest.fixture
def day(living: Living) -> Day:
    return planned(living)


@pytest.fixture
def case_id(living: Living, day: Day) -> str:
    """A case that was decided and carried out."""
    made = late(day)
    living.work()
    return made


def recorded(db: Connection, case_id: str) -> dict[str, Any]:
    return decisions.body(db, decided(case_id)[0].id)


def again(db: Connection, hashes: dict[str, Any]) -> bytes:
    return canonical.dumps(replay.recompute(db, hashes))


def test_a_decision_comes_out_again_to_the_byte(case_id: str) -> None:
    with store.transaction() as db:
        body = recorded(db, case_id)
        assert again(db, body["inputs"]) == canonical.dumps(body["outcome"])
        assert [(one.same, one.why) for one in replay.replay(db, decision_id=body["id"])] == [(True, "")]


def _blob(name: str, change: Callable[[Any], Any]) -> Callable[[Connection, dict[str, Any]], dict[str, Any]]:
    def changed(db: Connection, hashes: dict[str, Any]) -> dict[str, Any]:
        return hashes | {name: blobs.put(db, change(blobs.get(db, hashes[name])))}

    return changed


def _slower(db: Connection, hashes: dict[str, Any]) -> dict[str, Any]:
    """The same problem on travel times that are a quarter longer."""
    given = Problem.model_validate(blobs.get(db, hashes["problem"]))
    known = problems.matrices().get(given.matrix)
    slow = Matrix(known.durations_s * 5 // 4, known.distances_m, known.provider)
    problems.matrices().put(slow)
    return hashes | {"problem": blobs.put(db, given.model_copy(update={"matrix": slow.hash}))}


def _stop_sooner(given: dict[str, Any]) -> dict[str, Any]:
    return given | {"stops": [s | {"due_s": s["due_s"] and s["due_s"] - 120} for s in given["stops"]]}


Change = Callable[[Connection, dict[str, Any]], dict[str, Any]]
CHANGES: list[tuple[str, Change, str]] = [
    ("problem", _blob("problem", _stop_sooner), "what was promised ends two minutes sooner"),
    ("matrix", _slower, "the roads are slower"),
    ("situation", _blob("situation", lambda seen: seen | {"facts": []}), "the planner knew nothing"),
    ("prompts", _blob("situation", lambda seen: seen | {"prompt_version": "other"}), "other prompts"),
    ("policy", _blob("policy", lambda rules: rules | {"kill_switch": "deny"}), "the switch was pulled"),
    ("facts", _blob("facts", lambda facts: facts | {"retold_today": 9}), "its customer was told nine times"),
    ("kind", lambda db, hashes: hashes | {"kind": "unassigned"}, "another kind may try other things"),
    ("picked", lambda db, hashes: hashes | {"picked": "wait"}, "a person took another option"),
]


@pytest.mark.parametrize(("name", "change", "why"), CHANGES, ids=[row[0] for row in CHANGES])
def test_another_input_gives_another_outcome(case_id: str, name: str, change: Change, why: str) -> None:
    with store.transaction() as db:
        body = recorded(db, case_id)
        assert again(db, change(db, body["inputs"])) != canonical.dumps(body["outcome"]), why


def test_another_stop_gives_another_outcome(case_id: str, day: Day) -> None:
    with store.transaction() as db:
        body = recorded(db, case_id)
        assert again(db, body["inputs"] | {"stop": day.stops["A2"]}) != canonical.dumps(body["outcome"])


# What is wrong is said ------------------------------------------------------------------------------------------------


def _rewrite(db: Connection, decision_id: str, change: Callable[[dict[str, Any]], None]) -> None:
    body = decisions.body(db, decision_id)
    change(body)
    query = "UPDATE log_entry SET body = :body WHERE seq = (SELECT seq FROM decision WHERE id = :id)"
    db.execute(text(query), {"body": json.dumps(body), "id": decision_id})


def _replayed(decision_id: str, change: Callable[[dict[str, Any]], None]) -> replay.Replayed:
    with store.transaction() as db:
        _rewrite(db, decision_id, change)
        return next(replay.replay(db, decision_id=decision_id))


def test_an_outcome_that_was_not_what_came_out_is_named(case_id: str) -> None:
    found = _replayed(decided(case_id)[0].id, lambda body: body["outcome"].update(picked="postpone"))
    assert (found.same, found.why) == (False, "differs in picked")


def test_a_price_that_was_changed_by_a_cent_is_found(case_id: str) -> None:
    def cheaper(body: dict[str, Any]) -> None:
        body["outcome"]["options"][0]["cost_cents"] -= 1

    assert _replayed(decided(case_id)[0].id, cheaper).why == "differs in options"


def test_an_input_that_is_gone_is_said_and_does_not_end_the_rest(case_id: str) -> None:
    with store.transaction() as db:
        gone = recorded(db, case_id)["inputs"]["facts"]
        db.execute(text("DELETE FROM blob WHERE hash = :hash"), {"hash": gone})
        found = list(replay.replay(db))
    mine = [one for one in found if one.decision == decided(case_id)[0].id]
    assert [one.same for one in mine] == [False]
    assert gone in mine[0].why
    assert len(found) > len(mine)


def test_verdicts_of_people_and_escalations_have_nothing_to_recompute(living: Living, day: Day) -> None:
    with store.transaction() as db:
        without = [e for e in log.entries(db, log.Filter(kind="decision")) if not e.body["inputs"]]
        assert {one.decision for one in replay.replay(db)}.isdisjoint(e.body["id"] for e in without)


# A plan ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["ortools", "native", None])
def solved(living: Living, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Hashes of a solve that is stopped long before there is nothing left to gain, and what came of it. A decision that
    names no engine is from when there was only one."""
    engine = planning.named(request.param or "ortools")
    iterations = 12 if engine == "native" else 300
    draw = random.Random(5)
    points = tuple((30 + draw.random() / 5, -97 + draw.random() / 5) for _ in range(36))
    matrix = great_circle(points)
    day = problem(matrix, [stop(n, service_min=8) for n in range(1, 36)], [van("v1"), van("v2"), van("v3")], now_s=0)
    problems.matrices().put(matrix)
    plan = planning.solve(day, matrix, engine=engine, seed=3, iterations=iterations, time_limit_s=60)
    solve = {"seed": 3, "iterations": iterations} | ({"engine": engine} if request.param else {})
    with store.transaction() as db:
        hashes = {"problem": blobs.put(db, day), "matrix": matrix.hash, "solve": solve}
    return {"inputs": hashes, "outcome": plan_outcome(plan)}


def test_a_plan_comes_out_again_to_the_byte(solved: dict[str, Any]) -> None:
    with store.transaction() as db:
        assert again(db, solved["inputs"]) == canonical.dumps(solved["outcome"])


def _earlier_end(given: dict[str, Any]) -> dict[str, Any]:
    return given | {"vehicles": [v | {"shift_end_s": 10 * HOUR} for v in given["vehicles"]]}


PLANS: list[tuple[str, Change, str]] = [
    ("seed", lambda db, h: h | {"solve": h["solve"] | {"seed": 7}}, "the search takes other turns"),
    ("iterations", lambda db, h: h | {"solve": h["solve"] | {"iterations": 20}}, "it is stopped sooner"),
    ("problem", _blob("problem", _earlier_end), "shifts end sooner"),
    ("matrix", _slower, "the roads are slower"),
]


@pytest.mark.parametrize(("name", "change", "why"), PLANS, ids=[row[0] for row in PLANS])
def test_another_input_gives_another_plan(solved: dict[str, Any], name: str, change: Change, why: str) -> None:
    with store.transaction() as db:
        assert again(db, change(db, solved["inputs"])) != canonical.dumps(solved["outcome"]), why
