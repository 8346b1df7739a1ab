"""Many solves at once: scenarios, seeds or depots on any `concurrent.futures.Executor`.

By default a pool of spawned processes on this machine. The same call takes a pool of threads (our own engine holds no
lock while it searches), or the executor of a cluster, whose machines need this package and the folder of matrices. A
solve is told everything by its arguments, budgets are iterations, and plans come in the order of their problems: what
comes out does not depend on who ran it.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from optimizer import plan as planning
from optimizer.plan import DAY_ENGINE, Engine
from optimizer.problem import Plan, Problem
from optimizer.travel import MatrixStore

SolveAll = Callable[[Sequence[Problem]], Iterator[Plan]]


@dataclass(frozen=True)
class Solver:
    """A solve that can be sent to another process or machine: it reads the travel times there, by their hash."""

    folder: Path
    iterations: int | None = None
    seed: int = 1
    engine: Engine = DAY_ENGINE

    def __call__(self, problem: Problem) -> Plan:
        matrix = MatrixStore(self.folder).get(problem.matrix)
        return planning.solve(problem, matrix, engine=self.engine, seed=self.seed, iterations=self.iterations)


@contextmanager
def processes(at_once: int | None = None) -> Iterator[Executor]:
    """A pool of spawned processes, as many as there are cores unless told; gone at the end."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(at_once or os.cpu_count() or 1, mp_context=spawn) as pool:
        yield pool


def on(pool: Executor, solve: Callable[[Problem], Plan], at_once: int) -> SolveAll:
    """Solves as many at a time, lazily: who stops asking spares what has not begun."""

    def solve_all(problems: Sequence[Problem]) -> Iterator[Plan]:
        for first in range(0, len(problems), at_once):
            yield from pool.map(solve, problems[first : first + at_once])

    return solve_all
