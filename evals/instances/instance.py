"""A public routing instance as the neutral problem, with the best cost that anybody is known to have found.

Distances are whole numbers: the instance's own times `scale`. A leg takes as long as it is far, and a kilometre costs
1,000: so the cost of a route is its length, and the plan's cost is what the literature compares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import Problem, Stop, Vehicle
from optimizer.travel import Int32, Matrix

Floats = NDArray[np.float64]
BY_LENGTH = 1000
"""cents a kilometre at which a route costs its length"""
UNSERVED = 10**8
"""cents for leaving out a stop that must be served: more than any plan here costs"""
FOREVER = 10**8
"""end of a day that the instance does not end"""


@dataclass(frozen=True)
class Instance:
    name: str
    kind: str
    """cvrp, vrptw, pdptw, hfvrp, mdvrptw, pcvrptw"""
    problem: Problem
    matrix: Matrix
    scale: int = 1
    """cost units of ours for one of the instance's"""
    best: int | None = None
    """best known cost, in our units"""
    best_is: str = ""
    """what `best` is, when it is not the best that anybody is known to have found"""

    def gap_percent(self, cost: int) -> float | None:
        return 100 * (cost - self.best) / self.best if self.best else None


Rounding = Callable[[Floats], Int32]


def rounded(lengths: Floats) -> Int32:
    """TSPLIB's EUC_2D: to the nearest."""
    return np.floor(lengths + 0.5).astype(np.int32)


def dimacs(lengths: Floats) -> Int32:
    """The 12th DIMACS challenge: ten times, cut off."""
    return np.floor(10 * lengths + 1e-9).astype(np.int32)


def thousandth(lengths: Floats) -> Int32:
    """A thousand times, to the nearest."""
    return np.rint(1000 * lengths).astype(np.int32)


def lengths(points: Floats) -> Floats:
    """Straight lines between all of them."""
    north, east = points[:, None, 0] - points[:, 0], points[:, None, 1] - points[:, 1]
    found: Floats = np.sqrt(north * north + east * east)
    return found


def matrix_of(points: Floats, rounding: Rounding) -> Matrix:
    table = rounding(lengths(points))
    return Matrix(table, table, "instance")


def van(name: str, capacity: int, opens: int, closes: int, *, start: int = 0, **more: int) -> Vehicle:
    ground = {"id": name, "start": start, "end": start, "ready_s": opens, "shift_end_s": closes}
    return Vehicle.model_validate({**ground, "capacity": (capacity,), "cost_per_km": BY_LENGTH, **more})


def with_best(instance: Instance, best: float | None, best_is: str = "") -> Instance:
    """`best` in the instance's own units."""
    whole = None if best is None else round(best * instance.scale)
    return Instance(
        instance.name, instance.kind, instance.problem, instance.matrix, instance.scale, whole, best_is
    )  # fmt: skip


def problem_of(matrix: Matrix, stops: list[Stop], vans: list[Vehicle]) -> Problem:
    return Problem(matrix=matrix.hash, stops=tuple(stops), vehicles=tuple(vans))
