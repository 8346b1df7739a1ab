"""Which stops lie near one another: on the map, for ruins, and in a sequence, for insertion."""

from __future__ import annotations

import numpy as np

from optimizer.native.compiled import entry, kernel
from optimizer.native.layout import I32, I64, wide

WAIT, HURRY = 20, 100
"""percent of the price of a second's drive that a second of waiting, and one too late, counts"""


READ_ONLY = np.zeros((1, 1), np.int32)
READ_ONLY.setflags(write=False)


@kernel
def keep(found: I32, scores: I64, x: int, score: int) -> None:
    """Put a stop into a row that is sorted by score, if it belongs there; the last one goes."""
    i = len(scores) - 1
    if score >= scores[i]:
        return
    while i > 0 and scores[i - 1] > score:
        scores[i], found[i] = scores[i - 1], found[i - 1]
        i -= 1
    scores[i], found[i] = score, x


@kernel
def misfit(stops: I32, a: int, b: int, leg_s: int) -> int:
    """Hundredths of seconds that are waited or too late, weighed, when b follows a at the best moment."""
    earliest, latest = wide(stops[a, 0]) + stops[a, 2] + leg_s, wide(stops[a, 1]) + stops[a, 2] + leg_s
    return WAIT * max(wide(0), stops[b, 0] - latest) + HURRY * max(wide(0), earliest - stops[b, 1])


@entry(
    np.zeros((1, 1, 2), np.int32), np.zeros((1, 1, 2), np.int32), np.zeros((1, 1), np.int32), np.zeros(4, np.int64),
    np.zeros((1, 1), np.int32), np.zeros((1, 1), np.int32), np.zeros((2, 1), np.int64),
)  # fmt: skip
def neighbours(out: I32, inn: I32, stops: I32, prices: I64, near: I32, beside: I32, scores: I64) -> None:
    """Fill both tables. `prices`: units a second, units a metre, units of a second's drive, first row to fill;
    `scores`: two rows to work in."""
    near_scores, beside_scores = scores[0, : near.shape[1]], scores[1, : beside.shape[1]]
    second, metre, drive = prices[0], prices[1], prices[2]
    for c in range(prices[3], len(stops)):
        for i in range(near.shape[1]):
            near[c, i], near_scores[i] = -1, 2**62
        for i in range(beside.shape[1]):
            beside[c, i], beside_scores[i] = -1, 2**62
        for x in range(len(stops)):
            if x == c:
                continue
            there = second * out[c, x, 0] + metre * out[c, x, 1]
            back = second * inn[c, x, 0] + metre * inn[c, x, 1]
            keep(near[c], near_scores, x, there + back)
            before = back + drive * misfit(stops, x, c, wide(inn[c, x, 0])) // 100
            behind = there + drive * misfit(stops, c, x, wide(out[c, x, 0])) // 100
            keep(beside[c], beside_scores, x, min(before, behind))


@entry(
    READ_ONLY, READ_ONLY, np.zeros(1, np.int64), np.zeros((1, 1, 2), np.int32),
    np.zeros((1, 1, 2), np.int32),
)  # fmt: skip
def spread(seconds: I32, metres: I32, rows: I64, out: I32, inn: I32) -> None:
    """Both figures of a leg beside each other, row by row; `inn` the other way round. A row of -1 is near to all."""
    size, block = len(rows), 64
    for low in range(0, size, block):
        for left in range(0, size, block):
            for i in range(low, min(size, low + block)):
                for j in range(left, min(size, left + block)):
                    a, b = rows[i], rows[j]
                    if a < 0 or b < 0:
                        out[i, j, 0], out[i, j, 1] = 0, 0
                    else:
                        out[i, j, 0], out[i, j, 1] = seconds[a, b], metres[a, b]
                    if len(inn) == size:
                        inn[j, i, 0], inn[j, i, 1] = out[i, j, 0], out[i, j, 1]
