"""Many solves on an executor: the same plans in the same order, whoever runs them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from optimizer import many
from optimizer import plan as planning
from optimizer.comparing import fleet_sizes
from optimizer.many import Solver
from optimizer.problem import Problem
from optimizer.travel import MatrixStore
from tests.optimizer.a_problem import problem, road, stop, van


class Counted(ThreadPoolExecutor):
    """How many solves were begun."""

    begun = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        Counted.begun += 1
        return super().submit(fn, *args, **kwargs)


def scenarios(folder: Path) -> list[Problem]:
    matrix = road(9)
    MatrixStore(folder).put(matrix)
    return [problem(matrix, [stop(n) for n in range(1, 2 + size)], [van("a"), van("b")]) for size in range(1, 7)]


def test_processes_threads_and_this_process_make_the_same_plans(tmp_path: Path) -> None:
    asked, solve = scenarios(tmp_path), Solver(tmp_path, iterations=300)
    here = [planning.solve(each, MatrixStore(tmp_path).get(each.matrix), seed=1, iterations=300) for each in asked]
    with many.processes(2) as pool:
        assert list(many.on(pool, solve, 2)(asked)) == here
    with ThreadPoolExecutor(2) as threads:
        assert list(many.on(threads, solve, 4)(asked)) == here


def test_who_stops_asking_spares_what_has_not_begun(tmp_path: Path) -> None:
    matrix = road(7)
    MatrixStore(tmp_path).put(matrix)
    fleet = [van(name, capacity=(2,), fixed_cost=5000) for name in "abcdef"]
    day = problem(matrix, [stop(n) for n in range(1, 7)], fleet)
    Counted.begun = 0
    with Counted(2) as pool:
        found = fleet_sizes(day, many.on(pool, Solver(tmp_path, iterations=300), 1))
    assert found.fewest == 3
    assert Counted.begun == 3, "all six, three, and two, which do not serve all; nobody asked for one"
