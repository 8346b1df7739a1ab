"""How long a route is from leaving to its end, when the van leaves as late as it can without ending later."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.problem import Stop

Row = tuple[str, int, int, int, int]
"""a visit of `schedule.Timing`"""


def shortest_s(stops: Sequence[Stop], rows: Sequence[Row], ready_s: int, end_s: int) -> int:
    """From the visits of a route that leaves at `ready_s`: what waits at its doors is waited before leaving, as far as
    the windows on the way allow."""
    if not rows:
        return 0
    leaves = [ready_s, *(row[3] for row in rows)]
    latest = rows[-1][2]
    for at in range(len(rows) - 1, -1, -1):
        latest = min(latest, _within(stops[at], latest))
        leg_s = rows[at][1] - leaves[at]
        latest -= leg_s
        if at:
            latest -= rows[at - 1][3] - rows[at - 1][2]
    return end_s - latest


def _within(stop: Stop, at_s: int) -> int:
    """The latest start of service up to this second."""
    return max((min(at_s, closes) for opens, closes in stop.windows if opens <= at_s), default=at_s)
