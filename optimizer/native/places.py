"""Kernels that look for the best place of a stop, or of a pair of which the first fetches what the second brings."""

from __future__ import annotations

from optimizer.native.chance import below
from optimizer.native.compiled import inlined, kernel
from optimizer.native.layout import (
    BLINK,
    BY_LENGTH,
    COUNT,
    DEP,
    DUE,
    END_S,
    FAR,
    FLOOR,
    HOUR,
    KM,
    LA,
    LATE_RATE,
    LD,
    LEG_M,
    LEG_S,
    LONG,
    MIXED,
    MOST,
    NEVER,
    NEXT,
    PREV,
    REST,
    ROUTE,
    ROW,
    SEARCH,
    SEEN,
    SERVICE,
    SPEED,
    Ground,
    State,
    wide,
)
from optimizer.native.routes import between, driven, fits, holds, more_late, opening, start_of

OPENS = 2
"""for one stop in so many another vehicle is a place like others; for the rest, when nothing else fits"""
BESIDE = 40
"""nearest stops beside which a stop without a short window is put"""
BLINKS = 199
"""one place in (this + 1) / 2 is passed over"""


@inlined
def started(g: Ground, c: int, arrival: int) -> int:
    """When service starts at a stop; FAR when it can't."""
    if g.spans[c, 1] > 1:
        return start_of(g, c, arrival)
    return FAR if arrival > g.stops[c, 1] else max(arrival, wide(g.stops[c, 0]))


@kernel
def pair_fits(g: Ground, s: State, c: int, d: int, p: int, x: int, v: int, behind: bool) -> bool:
    """Is there room for a pair, c behind p, as far as x? `behind`: d comes behind x too."""
    for k in range(g.room.shape[1]):
        loaded, room = g.loads[c, k, 0] + g.loads[d, k, 0], g.room[v, k]
        fetched = loaded + g.loads[c, k, 1]
        if s.levels[p, k, 1] + loaded > room or s.levels[x, k, 0] + fetched > room:
            return False
        if behind and s.levels[x, k, 2] + fetched + g.loads[d, k, 1] > room:
            return False
    return True


@kernel
def second(g: Ground, s: State, d: int, x: int, row: int, dep: int, q: int, v: int) -> tuple[int, int, int]:
    """The second stop of a pair between x, left then, and q: (end of the route, metres more but for the leg from x,
    seconds late); the end is FAR when it does not fit."""
    percent = g.vehicles[v, SPEED]
    start = started(g, d, dep + driven(wide(g.out[row, d, 0]), percent))
    if start >= FAR:
        return FAR, 0, 0
    b = s.nodes[q, ROW]
    then = start + g.stops[d, 2] + driven(wide(g.out[d, b, 0]), percent)
    if then > s.nodes[q, LA]:
        return FAR, 0, 0
    late = max(wide(0), start - g.stops[d, 3]) + (more_late(g, s, q, then) if then > s.nodes[q, LD] else 0)
    end = max(wide(s.nodes[q, FLOOR]), then + s.nodes[q, REST])
    return end, wide(g.out[row, d, 1]) + g.out[d, b, 1], late


@kernel
def pair_at(g: Ground, s: State, c: int, d: int, p: int, v: int) -> tuple[int, int]:
    """(units more, the node behind which d comes) with c behind p and d where it then costs least."""
    nodes, vehicle, stops = s.nodes, g.vehicles[v], len(g.stops)
    percent, hour, km, rate = vehicle[SPEED], vehicle[HOUR], vehicle[KM], g.numbers[LATE_RATE]
    best, where = NEVER, -1
    start = started(g, c, nodes[p, DEP] + driven(wide(g.out[nodes[p, ROW], c, 0]), percent))
    if start >= FAR or not pair_fits(g, s, c, d, p, p, v, False):
        return best, where
    late = max(wide(0), start - g.stops[c, 3])
    dep, x, q = start + g.stops[c, 2], c, nodes[p, NEXT]
    metres = wide(g.out[nodes[p, ROW], c, 1]) - nodes[p, LEG_M]
    while True:
        end, more, then_late = second(g, s, d, x, c if x == c else nodes[x, ROW], dep, q, v)
        at = p if x == c else x
        if end < FAR and pair_fits(g, s, c, d, p, at, v, True):
            without = 0 if x == c else wide(nodes[x, LEG_M])
            cost = km * (metres + more - without) + hour * (end - s.routes[v, END_S]) + rate * (late + then_late)
            if cost < best:
                best, where = cost, x
        if q >= stops:
            return best, where
        if x == c:
            metres += g.out[c, nodes[q, ROW], 1]
            arrival = dep + driven(wide(g.out[c, nodes[q, ROW], 0]), percent)
        else:
            arrival = dep + nodes[x, LEG_S]
        if arrival > nodes[q, LA] or arrival > g.stops[d, 1] or not pair_fits(g, s, c, d, p, q, v, False):
            return best, where
        start = started(g, q, arrival)
        was = wide(nodes[q, DEP]) - nodes[q, SERVICE]
        late += max(wide(0), start - nodes[q, DUE]) - max(wide(0), was - nodes[q, DUE])
        dep, x, q = start + nodes[q, SERVICE], q, nodes[q, NEXT]


@inlined
def may(g: Ground, s: State, c: int, v: int) -> bool:
    """`fits` for a stop, or for both of a pair."""
    if not fits(g, s, c, v):
        return False
    return g.role[c] == 0 or (g.vehicles[v, MOST] - s.routes[v, COUNT] >= 2 and fits(g, s, g.partner[c], v))


@inlined
def at(g: Ground, s: State, c: int, p: int) -> tuple[int, int]:
    """(units more, where the second of a pair comes) with the stop, or the pair, behind p."""
    v = s.nodes[p, ROUTE]
    if g.role[c] != 0:
        return pair_at(g, s, c, g.partner[c], p, v)
    if g.numbers[MIXED] != 0 and not holds(g, s, c, p, v):
        return NEVER, -1
    return between(g, s, c, g.out[c], g.inn[c], p, s.nodes[p, NEXT], v), -1


@inlined
def blinks(s: State) -> bool:
    """Now and then a place is passed over, so that not always the best one is taken."""
    s.numbers[BLINK] -= 1
    if s.numbers[BLINK] > 0:
        return False
    s.numbers[BLINK] = 1 + below(s.rng, BLINKS)
    return True


@inlined
def unused(g: Ground, s: State, sort: int) -> int:
    """A vehicle of this sort without stops; -1 when all have some."""
    first, count = g.sorts[sort, 0], g.sorts[sort, 1]
    while s.hints[sort] < count:
        v = g.by_sort[first + s.hints[sort]]
        if s.routes[v, COUNT] == 0 and g.vehicles[v, MOST] > 0:
            return v
        s.hints[sort] += 1
    return -1


@kernel
def best_opening(g: Ground, s: State, c: int, best: int, where: int, then: int) -> tuple[int, int, int]:
    """The best of what is known and an unused vehicle of each sort."""
    for sort in range(len(g.sorts)):
        if g.allowed[sort, c] == 0:
            continue
        v = unused(g, s, sort)
        if v >= 0 and may(g, s, c, v):
            cost, mate = at(g, s, c, len(g.stops) + v)
            cost += opening(g, s, v)
            if cost < best:
                best, where, then = cost, len(g.stops) + v, mate
    return best, where, then


@inlined
def best_on(g: Ground, s: State, c: int, v: int, best: int, where: int, then: int) -> tuple[int, int, int]:
    """The best of what is known and the places on one route. Most are ruled out by the clock alone."""
    p, last = len(g.stops) + v, len(g.stops) + len(g.vehicles) + v
    done, closes = wide(g.stops[c, 0]) + g.stops[c, 2], g.stops[c, 1]
    while p != last:
        if s.nodes[p, DEP] > closes:
            break
        q = s.nodes[p, NEXT]
        if done <= s.nodes[q, LA] and not blinks(s):
            cost, mate = at(g, s, c, p)
            if cost < best:
                best, where, then = cost, p, mate
        p = q
    return best, where, then


@kernel
def best_beside(g: Ground, s: State, c: int) -> tuple[int, int, int]:
    """(units more, node before, node before the second) of the best place next to one of the nearest stops."""
    best, where, then = NEVER, -1, -1
    for i in range(min(BESIDE, g.near.shape[1])):
        x = g.near[c, i]
        if x < 0:
            break
        v = s.nodes[x, ROUTE]
        if v < 0 or blinks(s) or not may(g, s, c, v):
            continue
        for p in (x, s.nodes[x, PREV]):
            cost, mate = at(g, s, c, p)
            if cost < best:
                best, where, then = cost, p, mate
    return best, where, then


@kernel
def best_nearby(g: Ground, s: State, c: int) -> tuple[int, int, int]:
    """The same on all of the routes that come near the stop. One that may be served at most times is best served beside
    its neighbours; where one with a short window fits, the clock says."""
    best, where, then = NEVER, -1, -1
    if g.keys[c, BY_LENGTH] >= g.numbers[LONG]:
        best, where, then = best_beside(g, s, c)
        if where >= 0 and below(s.rng, OPENS) != 0:
            return best, where, then
        if where >= 0:
            return best_opening(g, s, c, best, where, then)
    s.numbers[SEARCH] += 1
    for i in range(g.near.shape[1]):
        x = g.near[c, i]
        if x < 0:
            break
        v = s.nodes[x, ROUTE]
        if v < 0 or s.routes[v, SEEN] == s.numbers[SEARCH]:
            continue
        s.routes[v, SEEN] = s.numbers[SEARCH]
        if may(g, s, c, v):
            best, where, then = best_on(g, s, c, v, best, where, then)
    if where >= 0 and below(s.rng, OPENS) != 0:
        return best, where, then
    return best_opening(g, s, c, best, where, then)


@kernel
def best_anywhere(g: Ground, s: State, c: int) -> tuple[int, int, int]:
    """The same over all routes."""
    best, where, then = NEVER, -1, -1
    for v in range(len(g.vehicles)):
        if s.routes[v, COUNT] > 0 and may(g, s, c, v):
            best, where, then = best_on(g, s, c, v, best, where, then)
    return best_opening(g, s, c, best, where, then)
