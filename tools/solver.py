"""Runs one long solve in a process of its own: it holds the interpreter for seconds, and cancelling it is ending it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from core.errors import DoorstepError, Unavailable
from optimizer.problem import Plan, Problem
from optimizer.travel import MatrixStore

DEFAULT_TIME_S = 300.0
"""A safety stop only: budgets are iterations, so that a plan can be computed again."""

NICE = 5
"""A long solve gives way to whoever waits for an answer."""
AUTOGROUP = Path("/proc/self/autogroup")
"""Linux shares its cores out by session first; niceness alone counts within one only."""


def _work(pipe: Connection, problem_json: str, folder: str, request: Mapping[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which ends us
    _give_way()
    from optimizer import plan as planning

    problem = Problem.model_validate_json(problem_json)
    try:
        plan = planning.solve(
            problem,
            MatrixStore(Path(folder)).get(problem.matrix),
            engine=request.get("engine", planning.DAY_ENGINE),
            seed=request["seed"],
            iterations=request["iterations"],
            time_limit_s=request.get("time_limit_s", DEFAULT_TIME_S),
            progress=lambda step: pipe.send(("progress", step.model_dump())),
        )
        pipe.send(("done", plan.model_dump_json()))
    except DoorstepError as error:
        pipe.send(("failed", str(error)))
    except Exception as error:
        pipe.send(("failed", f"{type(error).__name__}: {error}"))


def _give_way() -> None:
    os.nice(NICE)
    os.setsid()
    with suppress(OSError):
        AUTOGROUP.write_text(str(NICE))


class Solve:
    """A running solve. Iterate it for progress; the last item is the plan."""

    def __init__(self, problem: Problem, matrices: MatrixStore, request: Mapping[str, Any]) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe(duplex=False)
        args = (theirs, problem.model_dump_json(), str(matrices.folder), dict(request))
        self._process = spawn.Process(target=_work, args=args, daemon=True)
        self._process.start()
        theirs.close()

    def run(self, on_progress: Callable[[Mapping[str, Any]], None]) -> Plan:
        for kind, payload in self._messages():
            if kind == "progress":
                on_progress(payload)
            elif kind == "done":
                self._process.join(5)
                return Plan.model_validate_json(payload)
            else:
                raise Unavailable(f"The solver failed: {payload}", "Correct what it names and plan again.")
        raise Unavailable("The solver process ended before it had a plan.", "Plan again.")

    def _messages(self) -> Iterator[tuple[str, Any]]:
        with suppress(EOFError, OSError):
            while True:
                yield self._pipe.recv()

    def cancel(self) -> None:
        self._process.kill()
        self._process.join(5)
