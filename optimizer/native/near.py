"""Which stops lie near one another, and the tables of legs in the order that a search reads them."""

from __future__ import annotations

import numpy as np

from optimizer.native.compiled import entry, kernel
from optimizer.native.layout import I32, I64

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


@entry(
    np.zeros((1, 1, 2), np.int32), np.zeros((1, 1, 2), np.int32), 0, 0, 0, np.zeros((1, 1), np.int32),
    np.zeros(1, np.int64),
)  # fmt: skip
def neighbours(out: I32, inn: I32, second: int, metre: int, stops: int, near: I32, scores: I64) -> None:
    """The nearest of the first `stops` stops of each, there and back, at so many units a second and a metre. `scores`
    is a row to work in."""
    for c in range(len(near)):
        for i in range(near.shape[1]):
            near[c, i], scores[i] = -1, 2**62
        for x in range(stops):
            if x != c:
                seconds, metres = out[c, x, 0] + inn[c, x, 0], out[c, x, 1] + inn[c, x, 1]
                keep(near[c], scores, x, second * seconds + metre * metres)


@entry(READ_ONLY, READ_ONLY, np.zeros(1, np.int64), np.zeros((1, 1, 2), np.int32), np.zeros((1, 1, 2), np.int32))
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
