"""What can be done, and what each way costs: about one stop (`optimizer.options`), about many at
once (`optimizer.batch`), or about a broken van (`optimizer.breakdown`)."""

from __future__ import annotations

from collections.abc import Collection

from optimizer import batch, breakdown, options
from optimizer.options import ONE_STOP, USUAL, Candidate, Option, Scope
from optimizer.problem import Problem
from optimizer.travel import Matrix


def candidates(
    problem: Problem, matrix: Matrix, subject: str, kinds: Collection[str] = USUAL, scope: Scope = ONE_STOP
) -> tuple[Candidate, ...]:
    """What can be tried, of these kinds."""
    if scope.breakdown:
        return breakdown.candidates(problem, matrix, subject, kinds, scope)
    if scope.stops:
        return batch.candidates(subject, kinds, scope)
    return options.candidates(problem, matrix, subject, kinds, scope)


def evaluate(problem: Problem, matrix: Matrix, candidate: Candidate) -> Option:
    if candidate.scope.breakdown:
        return breakdown.evaluate(problem, matrix, candidate)
    if candidate.scope.stops:
        return batch.evaluate(problem, matrix, candidate)
    return options.evaluate(problem, matrix, candidate)
