"""When each step of a route begins: as few seconds outside windows as possible, then home early, then away late.

A step may begin at any time, but no earlier than the one before it lets it; each second before a window opens or after
it closes counts. Let y be a step's time less the shortest time from the first step to it: then y never falls along the
route, and in some best solution every y is an edge of some step's window or bound, less its own shortest time. So one
pass of dynamic programming over those few values is exact, whatever the windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NEVER = 2**60


class Moment(NamedTuple):
    """A step to be timed."""

    windows: tuple[tuple[int, int], ...] = ()
    """when it should begin; empty: at any time"""
    after: int = 0
    before: int = NEVER
    """when it must begin"""
    gap_s: int = 0
    """how long after the step before it begins at the earliest: that one's work and the way"""


def outside(windows: Sequence[tuple[int, int]], at: int) -> tuple[int, int]:
    """(seconds too early, seconds too late) for the nearest window; both 0 inside one or without any."""
    early = min((lo - at for lo, hi in windows if at < lo), default=NEVER)
    late = min((at - hi for lo, hi in windows if at > hi), default=NEVER)
    if not windows or any(lo <= at <= hi for lo, hi in windows):
        return 0, 0
    return (early, 0) if early < late else (0, late)


def times(moments: Sequence[Moment]) -> tuple[int, list[int]] | None:
    """(seconds outside windows, when each step begins); None when no times keep the bounds."""
    shortest = np.cumsum([moment.gap_s for moment in moments])
    values = _values(moments, shortest)
    best = np.zeros(len(values), dtype=np.int64)
    """seconds outside windows up to this step, when its y is this value"""
    sums, reached = [], best
    for moment, offset in zip(moments, shortest.tolist(), strict=True):
        best = np.minimum(_outside(moment, values + offset) + reached, NEVER)
        reached = np.minimum.accumulate(best)
        sums.append(best)
    if reached[-1] >= NEVER:
        return None
    at = int(np.argmin(best))
    begun: list[int] = []
    for total, offset in zip(reversed(sums), shortest[::-1].tolist(), strict=True):
        least = total[: at + 1].min()
        at = int(np.flatnonzero(total[: at + 1] == least)[-1]) if begun else at
        begun.append(int(values[at]) + offset)
    return int(reached[-1]), begun[::-1]


def _values(moments: Sequence[Moment], shortest: NDArray[np.int64]) -> NDArray[np.int64]:
    edges = {0}
    for moment, offset in zip(moments, shortest.tolist(), strict=True):
        bounds = [edge for edge in (moment.after, moment.before) if 0 < edge < NEVER]
        edges |= {edge - offset for edge in (*bounds, *(each for window in moment.windows for each in window))}
    return np.array(sorted(edge for edge in edges if edge >= 0), dtype=np.int64)


def _outside(moment: Moment, at: NDArray[np.int64]) -> NDArray[np.int64]:
    found = np.full(at.shape, NEVER if moment.windows else 0, dtype=np.int64)
    for opens, closes in moment.windows:
        found = np.minimum(found, np.maximum(opens - at, 0) + np.maximum(at - closes, 0))
    return np.where((at < moment.after) | (at > moment.before), NEVER, found)
