"""What can be done, and what each way costs: about one stop (`optimizer.options`), about many that one cause hits
(`optimizer.batch`), about one that waits at the depot with others (`optimizer.wave`), about one van
(`optimizer.relief`), about a broken one (`optimizer.breakdown`), or about what changes no route
(`optimizer.unrouted`)."""

from __future__ import annotations

from collections.abc import Collection

from optimizer import batch, breakdown, options, relief, unrouted, wave
from optimizer.options import ONE_STOP, USUAL, Candidate, Option, Scope
from optimizer.problem import Problem
from optimizer.travel import Matrix


def candidates(
    problem: Problem, matrix: Matrix, subject: str, kinds: Collection[str] = USUAL, scope: Scope = ONE_STOP
) -> tuple[Candidate, ...]:
    """What can be tried, of these kinds."""
    if unrouted.is_asked(scope):
        return unrouted.candidates(subject, kinds, scope)
    if scope.resident:
        from optimizer import inserting  # compiled code: loaded when it is used

        return inserting.candidates(problem, matrix, subject, kinds, scope)
    if scope.breakdown:
        return breakdown.candidates(problem, matrix, subject, kinds, scope)
    if relief.is_asked(scope):
        return relief.candidates(subject, kinds, scope)
    if scope.stops:
        return batch.candidates(subject, kinds, scope)
    found = options.candidates(problem, matrix, subject, kinds, scope)
    return (*found, *wave.candidates(problem, subject, kinds, scope)) if scope.left_out else found


def evaluate(problem: Problem, matrix: Matrix, candidate: Candidate) -> Option:
    if unrouted.is_asked(candidate.scope):
        return unrouted.evaluate(problem, candidate)
    if candidate.scope.breakdown:
        return breakdown.evaluate(problem, matrix, candidate)
    if relief.is_asked(candidate.scope):
        return relief.evaluate(problem, matrix, candidate)
    if candidate.scope.stops:
        return batch.evaluate(problem, matrix, candidate)
    if candidate.kind in ("serve", "hold"):
        return wave.evaluate(problem, matrix, candidate)
    return options.evaluate(problem, matrix, candidate)
