"""Kernels that look for the best place of a stop, or of a pair of which the first fetches what the second brings."""

from __future__ import annotations

from optimizer.native.chance import below
from optimizer.native.compiled import inlined, kernel
from optimizer.native.fleet import larger, unused
from optimizer.native.layout import (
    BLINK,
    BY_LENGTH,
    COUNT,
    DEP,
    DRIVE,
    DUE,
    END_S,
    FAR,
    FLEET,
    FLOOR,
    HOUR,
    KM,
    LA,
    LATE_RATE,
    LD,
    LEG_M,
    LEG_S,
    LIMITED,
    LONG,
    MIXED,
    MOST,
    NEVER,
    NEXT,
    OPEN,
    PREV,
    REST,
    ROUTE,
    ROW,
    SEARCH,
    SEEN,
    SERVICE,
    SPEED,
    TABLE,
    TASK,
    Ground,
    State,
    wide,
)
from optimizer.native.routes import (
    between,
    driven,
    fits,
    holds,
    more_late,
    opening,
    settling,
    start_of,
    takes,
    too_far,
)

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
def second(g: Ground, s: State, d: int, row: int, dep: int, q: int, v: int) -> tuple[int, int, int, int, int]:
    """The second stop of a pair between a row, left then, and q: (end of the route, seconds and metres driven there and
    on, seconds at doors more, seconds late); the end is FAR when it does not fit."""
    percent, table, b = g.vehicles[v, SPEED], g.vehicles[v, TABLE], s.nodes[q, ROW]
    there, onward = driven(wide(g.out[table + row, d, 0]), percent), driven(wide(g.out[table + d, b, 0]), percent)
    start = started(g, d, dep + there)
    if start >= FAR:
        return FAR, 0, 0, 0, 0
    stay, more = takes(g, d, row, v), settling(g, s, d, q, v)
    then = start + stay + onward
    if then > s.nodes[q, LA] or (more > 0 and max(then, wide(s.nodes[q, OPEN])) + more > s.nodes[q, LA]):
        return FAR, 0, 0, 0, 0
    late = max(wide(0), start - g.stops[d, 3]) + (more_late(g, s, q, then) if then > s.nodes[q, LD] else 0)
    end = max(wide(s.nodes[q, FLOOR]), then + s.nodes[q, REST]) + more
    return end, there + onward, wide(g.out[table + row, d, 1]) + g.out[table + d, b, 1], stay + more, late


@kernel
def pair_at(g: Ground, s: State, c: int, d: int, p: int, v: int) -> tuple[int, int]:
    """(units more, the node behind which d comes) with c behind p and d where it then costs least."""
    nodes, vehicle, stops = s.nodes, g.vehicles[v], len(g.stops)
    percent, table, rate = vehicle[SPEED], vehicle[TABLE], g.numbers[LATE_RATE]
    best, where = NEVER, -1
    drive = driven(wide(g.out[table + nodes[p, ROW], c, 0]), percent)
    start = started(g, c, nodes[p, DEP] + drive)
    if start >= FAR or not pair_fits(g, s, c, d, p, p, v, False):
        return best, where
    late, handled = max(wide(0), start - g.stops[c, 3]), takes(g, c, nodes[p, ROW], v)
    dep, x, q = start + handled, c, nodes[p, NEXT]
    drive -= nodes[p, LEG_S]
    metres = wide(g.out[table + nodes[p, ROW], c, 1]) - nodes[p, LEG_M]
    while True:
        end, way, far, stay, then_late = second(g, s, d, c if x == c else nodes[x, ROW], dep, q, v)
        at = p if x == c else x
        if end < FAR and pair_fits(g, s, c, d, p, at, v, True):
            way, far = (
                way + drive - (0 if x == c else nodes[x, LEG_S]),
                far + metres - (0 if x == c else nodes[x, LEG_M]),
            )
            cost = vehicle[KM] * far + vehicle[DRIVE] * way + vehicle[TASK] * (handled + stay)
            cost += vehicle[HOUR] * (end - s.routes[v, END_S]) + rate * (late + then_late)
            if cost < best and (g.numbers[LIMITED] == 0 or not too_far(g, s, v, far, way)):
                best, where = cost, x
        if q >= stops:
            return best, where
        more, leg = wide(0), wide(nodes[x, LEG_S])
        if x == c:
            leg, more = driven(wide(g.out[table + c, nodes[q, ROW], 0]), percent), settling(g, s, c, q, v)
            drive, metres, handled = drive + leg, metres + g.out[table + c, nodes[q, ROW], 1], handled + more
        arrival = dep + leg
        if arrival > nodes[q, LA] or arrival > g.stops[d, 1] or not pair_fits(g, s, c, d, p, q, v, False):
            return best, where
        start = started(g, q, arrival)
        was = wide(nodes[q, DEP]) - nodes[q, SERVICE]
        late += max(wide(0), start - nodes[q, DUE]) - max(wide(0), was - nodes[q, DUE])
        dep, x, q = start + nodes[q, SERVICE] + more, q, nodes[q, NEXT]


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
    own = c + g.vehicles[v, TABLE]
    return between(g, s, c, g.out[own], g.inn[own], p, s.nodes[p, NEXT], v), -1


@inlined
def blinks(s: State) -> bool:
    """Now and then a place is passed over, so that not always the best one is taken."""
    s.numbers[BLINK] -= 1
    if s.numbers[BLINK] > 0:
        return False
    s.numbers[BLINK] = 1 + below(s.rng, BLINKS)
    return True


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
def best_with_larger(g: Ground, s: State, c: int, v: int, best: int, where: int, then: int) -> tuple[int, int, int]:
    """The best of what is known and the places on a route that is full, if a larger vehicle drives it."""
    if g.role[c] != 0 or g.numbers[MIXED] != 0:
        return best, where, then
    more, u = larger(g, s, c, v)
    if u < 0 or more >= best:
        return best, where, then
    least, p, then_p = best_on(g, s, c, v, best - more, -1, -1)
    return (least + more, p, then_p) if p >= 0 else (best, where, then)


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
        elif g.numbers[FLEET] != 0:
            best, where, then = best_with_larger(g, s, c, v, best, where, then)
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
        elif s.routes[v, COUNT] > 0 and g.numbers[FLEET] != 0:
            best, where, then = best_with_larger(g, s, c, v, best, where, then)
    return best_opening(g, s, c, best, where, then)
