"""The best plan out of routes that searches have seen: set partitioning by OR-Tools' CP-SAT.

Searches throw away good routes together with bad ones. Each route is a choice; every stop is on at most one, left out
it costs its penalty; of each sort of vehicle no more go out than there are (Foster and Ryan, "An integer programming
approach to the vehicle scheduling problem", 1976).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ortools.sat.python import cp_model


class Seen(NamedTuple):
    """A route that some search had."""

    sort: int
    """of its vehicle"""
    stops: tuple[int, ...]
    """in the order of the visits"""
    cost: int


def partition(
    seen: Sequence[Seen], penalties: Mapping[int, int], fleet: Sequence[int], known: Sequence[int], effort: float,
    seconds: float | None = None,
) -> list[int] | None:  # fmt: skip
    """Which of the routes, by their places in `seen`, make the cheapest plan; None: nothing better than the one that is
    `known` was found. `penalties`: what a stop costs that is on none; `fleet`: vehicles of each sort; `effort`:
    deterministic seconds, so that the same question has the same answer on every machine; `seconds`: of the clock, for
    who does not need that."""
    model, hinted = cp_model.CpModel(), set(known)
    taken = [model.new_bool_var("") for _ in seen]
    out = {stop: model.new_bool_var("") for stop in penalties}
    on: dict[int, list[cp_model.IntVar]] = {stop: [variable] for stop, variable in out.items()}
    for route, variable in zip(seen, taken, strict=True):
        for stop in route.stops:
            on[stop].append(variable)
    for choices in on.values():
        model.add_exactly_one(choices)
    for sort, count in enumerate(fleet):
        of_sort = [variable for route, variable in zip(seen, taken, strict=True) if route.sort == sort]
        if len(of_sort) > count:
            model.add(sum(of_sort) <= count)
    served = {stop for n in known for stop in seen[n].stops}
    for n, variable in enumerate(taken):
        model.add_hint(variable, n in hinted)
    for stop, variable in out.items():
        model.add_hint(variable, stop not in served)
    spent = [route.cost * variable for route, variable in zip(seen, taken, strict=True)]
    total = sum(spent) + sum(penalties[stop] * variable for stop, variable in out.items())
    model.minimize(total)
    before = sum(seen[n].cost for n in known) + sum(cost for stop, cost in penalties.items() if stop not in served)
    model.add(total <= before)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = effort
    solver.parameters.linearization_level = 2
    if seconds is not None:
        solver.parameters.max_time_in_seconds = seconds
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE) or solver.objective_value >= before:
        return None
    return [n for n, variable in enumerate(taken) if solver.value(variable)]
