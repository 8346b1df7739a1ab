"""A better plan taken apart into changes that don't need one another, and put together again as far as it pays and as
few stops move.

Two vans whose lists exchange stops change together; what exchanges nothing can be left out. So a polished plan is a set
of independent changes, each with what it saves and how many stops a driver finds in another place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from optimizer.churn import moves

Routes = dict[str, tuple[str, ...]]


class Offer(NamedTuple):
    """A better plan than the present one."""

    routes: Routes
    """those that change, whole"""
    before: Routes
    """the same routes as they were when it was made"""
    gain_cents: int
    """what it saves, penalties of stops left out among it, without what moving stops costs"""
    moved: int
    """stops that a driver finds in another place"""


def apart(
    before: Routes, after: Routes, saved: Mapping[str, int], penalty: Mapping[str, int], scale: int
) -> list[Offer]:
    """The changes between two plans that don't need one another. `saved`: units that each van's list costs less;
    `penalty`: units for leaving a stop out; `scale`: units a cent."""
    changed = [v for v in after if after[v] != before[v]]
    was = {s: v for v in changed for s in before[v]}
    now = {s: v for v in changed for s in after[v]}
    found = []
    for vans in _together(changed, ((was[s], now[s]) for s in was.keys() & now.keys() if was[s] != now[s])):
        old, new = {v: before[v] for v in vans}, {v: after[v] for v in vans}
        here, there = ({s for stops in each.values() for s in stops} for each in (old, new))
        units = sum(saved[v] for v in vans)
        units += sum(penalty[s] for s in there - here) - sum(penalty[s] for s in here - there)
        found.append(Offer(new, old, units // scale, len(moves(old, new))))
    return found


def _together(vans: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Vans in groups, linked by the pairs; each group and all of them in the order of the names."""
    group = {v: v for v in vans}

    def head(v: str) -> str:
        while group[v] != v:
            v = group[v]
        return v

    for a, b in pairs:
        first, second = sorted((head(a), head(b)))
        group[second] = first
    return [sorted(v for v in group if head(v) == each) for each in sorted(v for v in group if head(v) == v)]


def within(parts: Iterable[Offer], move_cents: int, most_moved: int | None) -> Offer | None:
    """The changes that save more than moving their stops costs, dearest first, as long as no more stops move than may;
    None when there is none."""
    worth = [part for part in parts if part.gain_cents > move_cents * part.moved]
    taken: list[Offer] = []
    for part in sorted(worth, key=lambda p: (move_cents * p.moved - p.gain_cents, min(p.routes))):
        if most_moved is None or sum(each.moved for each in taken) + part.moved <= most_moved:
            taken.append(part)
    if not taken:
        return None
    return Offer(
        routes={v: stops for part in taken for v, stops in part.routes.items()},
        before={v: stops for part in taken for v, stops in part.before.items()},
        gain_cents=sum(part.gain_cents for part in taken), moved=sum(part.moved for part in taken),
    )  # fmt: skip
