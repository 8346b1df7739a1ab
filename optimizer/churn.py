"""Churn: which stops a driver finds in another place, as few of them as explain the change.

A stop that leaves the head of a list shifts everything behind it, yet nobody calls that thirty moved stops. So on one
route only the stops outside the longest run that kept its order have moved.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from optimizer.problem import Frozen


class Move(Frozen):
    stop_id: str
    from_vehicle: str | None
    from_position: int | None
    to_vehicle: str | None
    """None: the stop is on no list any more"""
    to_position: int | None


def moves(
    before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]], subject: str | None = None
) -> tuple[Move, ...]:
    """What moved between two sets of the same vehicles' routes. Of two ways to tell it, the one in which `subject`
    moved is told."""
    was = {s: (v, i) for v, stop_ids in before.items() for i, s in enumerate(stop_ids)}
    now = {s: (v, i) for v, stop_ids in after.items() for i, s in enumerate(stop_ids)}
    moved = {s for s in was.keys() | now.keys() if was.get(s, ("", 0))[0] != now.get(s, ("", 0))[0]}
    for vehicle_id in before:
        stayed = [s for s in after.get(vehicle_id, ()) if s in was and was[s][0] == vehicle_id]
        moved |= _out_of_order(stayed, {s: was[s][1] for s in stayed}, subject)
    return tuple(
        Move(
            stop_id=s,
            from_vehicle=was[s][0] if s in was else None,
            from_position=was[s][1] if s in was else None,
            to_vehicle=now[s][0] if s in now else None,
            to_position=now[s][1] if s in now else None,
        )
        for s in sorted(moved)
    )


def _out_of_order(stop_ids: Sequence[str], rank: Mapping[str, int], subject: str | None) -> set[str]:
    ranks = [rank[s] for s in stop_ids]
    if ranks == sorted(ranks):
        return set()
    others = [rank[s] for s in stop_ids if s != subject]
    if subject is not None and others == sorted(others):
        return {subject}
    kept = _longest_rising(ranks)
    return {s for s in stop_ids if rank[s] not in kept}


def _longest_rising(values: Sequence[int]) -> set[int]:
    """The members of one longest increasing subsequence (patience sorting; distinct values)."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for value in values:
        at = bisect_left(tails, value)
        before[value] = tails[at - 1] if at else None
        tails[at : at + 1] = [value]
    kept: set[int] = set()
    value_or_none = tails[-1] if tails else None
    while value_or_none is not None:
        kept.add(value_or_none)
        value_or_none = before[value_or_none]
    return kept
