"""The matrix as the kernels read it: seconds and metres of a leg beside each other, a table for each profile."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from core.errors import BadInput
from optimizer.native import layout as at
from optimizer.native.layout import SCALE
from optimizer.native.near import spread
from optimizer.problem import Vehicle
from optimizer.travel import INT32_MAX, Matrix


class Tables(NamedTuple):
    out: at.I32
    inn: at.I32
    """as in `Ground`"""
    of: tuple[tuple[int, int], ...]
    """each vehicle's first row in them, and its units for one of their metres"""


def tables_of(matrix: Matrix, vehicles: tuple[Vehicle, ...], rows: at.I64) -> Tables:
    """A table for each profile that some vehicle takes. Where legs have prices of their own, what a leg costs stands in
    place of its metres, in thousandths of a cent: a table for each price of a kilometre too."""
    kinds = [(v.profile, v.cost_per_km if matrix.of(v.profile).tolls is not None else -1) for v in vehicles]
    order = list(dict.fromkeys(kinds))
    legs = [_legs(matrix.of(profile), km) for profile, km in order]
    alike = all(_is_symmetric(table) for both in legs for table in both)
    size = len(rows)
    out = np.empty((len(order) * size, size, 2), np.int32)
    inn = np.empty((0, 0, 2) if alike else out.shape, np.int32)
    for n, (seconds, metres) in enumerate(legs):
        own = slice(n * size, (n + 1) * size)
        spread(seconds, metres, rows, out[own], inn[own])
    of = [(order.index(kind) * size, (v.cost_per_km if kind[1] < 0 else 1) * SCALE // 1000)
          for v, kind in zip(vehicles, kinds, strict=True)]  # fmt: skip
    return Tables(out, out if alike else inn, tuple(of))


def _legs(matrix: Matrix, km: int) -> tuple[at.I32, at.I32]:
    """Seconds, and metres or thousandths of a cent."""
    if matrix.tolls is None:
        return matrix.durations_s, matrix.distances_m
    prices = matrix.distances_m.astype(np.int64) * km + matrix.tolls.astype(np.int64) * 1000
    if prices.max(initial=0) > INT32_MAX // 4:
        what = f"a leg that costs {prices.max() // 1000} cents is too dear to plan with"
        raise BadInput(what, f"Use at most {INT32_MAX // 4000}.", field="costs")
    dear: at.I32 = np.ascontiguousarray(prices, np.int32)
    dear.setflags(write=False)
    return matrix.durations_s, dear


def _is_symmetric(table: Any, block: int = 512) -> bool:
    """Block by block, so that no second copy is made and the first difference ends it."""
    return all(
        np.array_equal(table[i : i + block, j : j + block], table[j : j + block, i : i + block].T)
        for i in range(0, len(table), block)
        for j in range(0, i + 1, block)
    )
