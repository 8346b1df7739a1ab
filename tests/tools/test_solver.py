"""The solver's process: the plan that the engine would make here, progress on the way, and an end when it is told."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from core.errors import Unavailable
from optimizer import checker
from optimizer import plan as planning
from optimizer.native import engine as native
from optimizer.problem import Problem
from optimizer.travel import MatrixStore
from tests.optimizer.a_problem import problem, road, stop, van
from tools.solver import NICE, Solve

REQUEST = {"seed": 1, "iterations": 2000}


@pytest.fixture
def matrices(tmp_path: Path) -> MatrixStore:
    return MatrixStore(tmp_path)


def small(matrices: MatrixStore, places: int = 9) -> Problem:
    matrix = road(places)
    matrices.put(matrix)
    return problem(matrix, [stop(place) for place in range(1, places)], [van("v1"), van("v2")])


def test_a_solve_gives_the_plan_that_this_process_would_make(matrices: MatrixStore) -> None:
    asked, steps = small(matrices), list[Any]()
    plan = Solve(asked, matrices, REQUEST).run(steps.append)
    matrix = matrices.get(asked.matrix)
    assert plan == planning.solve(asked, matrix, seed=1, iterations=2000)
    assert checker.check(asked, matrix, plan) == ()
    assert steps
    assert steps[-1]["cost"] == plan.cost
    assert [s["cost"] for s in steps] == sorted((s["cost"] for s in steps), reverse=True), "it only gets better"


def test_a_solve_is_made_by_the_engine_that_is_asked_for(matrices: MatrixStore) -> None:
    asked, steps = small(matrices), list[Any]()
    plan = Solve(asked, matrices, REQUEST | {"engine": "native"}).run(steps.append)
    matrix = matrices.get(asked.matrix)
    assert plan == native.solve(asked, matrix, seed=1, iterations=2000)
    assert checker.check(asked, matrix, plan) == ()
    assert steps[-1]["cost"] == plan.cost


def test_a_solve_that_can_not_start_says_why(matrices: MatrixStore) -> None:
    asked = small(matrices)
    for file in matrices.folder.iterdir():
        file.unlink()
    with pytest.raises(Unavailable, match="no travel times"):
        Solve(asked, matrices, REQUEST).run(lambda step: None)


def test_a_cancelled_solve_frees_its_place_within_a_second(matrices: MatrixStore) -> None:
    solve = Solve(small(matrices, 60), matrices, {"seed": 1, "iterations": 10_000_000, "time_limit_s": 600})
    begun, told = threading.Event(), list[float]()

    def cancel() -> None:
        begun.wait(60)
        told.append(time.monotonic())
        solve.cancel()

    waiting = threading.Thread(target=cancel)
    waiting.start()
    with pytest.raises(Unavailable, match="ended before it had a plan"):
        solve.run(lambda step: begun.set())
    assert time.monotonic() - told[0] < 1, "its place is free for the next one"
    waiting.join(10)
    assert not solve._process.is_alive()


def test_a_solve_gives_way_in_a_session_of_its_own(matrices: MatrixStore) -> None:
    solve = Solve(small(matrices, 60), matrices, {"seed": 1, "iterations": 10_000_000, "time_limit_s": 600})
    try:
        next(solve._messages())  # it has begun to search
        pid = solve._process.pid
        assert pid is not None
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + NICE
        assert os.getsid(pid) == pid
    finally:
        solve.cancel()


def test_a_solve_that_has_ended_leaves_no_process_behind(matrices: MatrixStore) -> None:
    solve = Solve(small(matrices), matrices, REQUEST)
    solve.run(lambda step: None)
    assert solve._process.exitcode == 0
