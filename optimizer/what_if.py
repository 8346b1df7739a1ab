"""What can be done, and what each way costs: about one stop (`optimizer.options`), many at once, one van,
or what changes no route."""

from __future__ import annotations

from collections.abc import Collection

from optimizer import batch, options, relief, unrouted
from optimizer.options import ONE_STOP, USUAL, Candidate, Option, Scope
from optimizer.problem import Problem
from optimizer.travel import Matrix


def candidates(
    problem: Problem, matrix: Matrix, subject: str, kinds: Collection[str] = USUAL, scope: Scope = ONE_STOP
) -> tuple[Candidate, ...]:
    """What can be tried, of these kinds."""
    if unrouted.is_asked(scope):
        return unrouted.candidates(subject, kinds, scope)
    if relief.is_asked(scope):
        return relief.candidates(subject, kinds, scope)
    if scope.stops:
        return batch.candidates(subject, kinds, scope)
    return options.candidates(problem, matrix, subject, kinds, scope)


def evaluate(problem: Problem, matrix: Matrix, candidate: Candidate) -> Option:
    if unrouted.is_asked(candidate.scope):
        return unrouted.evaluate(problem, candidate)
    if relief.is_asked(candidate.scope):
        return relief.evaluate(problem, matrix, candidate)
    if candidate.scope.stops:
        return batch.evaluate(problem, matrix, candidate)
    return options.evaluate(problem, matrix, candidate)
