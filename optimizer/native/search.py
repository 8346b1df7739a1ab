"""Kernels of the search: tear out strings of neighbouring stops, put them back one by one, keep that or undo it."""

from __future__ import annotations

from optimizer.native.chance import below, draw
from optimizer.native.compiled import entry, inlined, kernel
from optimizer.native.fleet import better_driver, exchange, larger
from optimizer.native.layout import (
    ABSENT,
    BEST,
    BLINK,
    BY_DEMAND,
    BY_END,
    BY_FAR,
    BY_LENGTH,
    BY_START,
    COST,
    COUNT,
    FLEET,
    GROUND,
    HURRIED,
    I64,
    LASTING,
    LOGS,
    MIXED,
    NEVER,
    NEXT,
    PLANNED,
    PREV,
    REMOVED,
    ROUTE,
    SAVED,
    SAVED_NODES,
    SAVED_ROUTES,
    SECOND,
    SORT,
    STAMP,
    STATE,
    TOTAL,
    Ground,
    State,
    wide,
)
from optimizer.native.places import BLINKS, best_anywhere, best_nearby
from optimizer.native.routes import advance, fits, link, put, retime, take

TORN = 10
"""stops that a ruin takes out, on average"""
STRING = 10
"""stops of one string, at most"""
SPLIT = 2
"""one ruin in so many keeps a part of each string"""
KEEPS = 100
"""and one in so many lengthens the part that is kept"""
REDRAWS = 16
"""draws of a stop that is on a route, at most"""


# One change and the way back ------------------------------------------------------------------------------------------


@kernel
def settle(g: Ground, s: State, v: int) -> None:
    before = s.routes[v, COST]
    retime(g, s, v)
    s.numbers[TOTAL] += s.routes[v, COST] - before
    if s.routes[v, COUNT] == 0:
        s.hints[g.vehicles[v, SORT]] = 0


@inlined
def copy_row(source: I64, i: int, target: I64, j: int) -> None:
    for k in range(source.shape[1]):
        target[j, k] = source[i, k]


@kernel
def copy_levels(source: I64, i: int, target: I64, j: int) -> None:
    for d in range(source.shape[1]):
        for k in range(3):
            target[j, d, k] = source[i, d, k]


@kernel
def save_node(g: Ground, s: State, x: int) -> None:
    n = s.numbers[SAVED_NODES]
    s.saved_ids[n] = x
    for i in range(s.nodes.shape[1]):
        s.saved_nodes[n, i] = s.nodes[x, i]
    if g.numbers[MIXED] != 0:
        copy_levels(s.levels, x, s.saved_levels, n)
    s.numbers[SAVED_NODES] = n + 1


@kernel
def save(g: Ground, s: State, v: int) -> None:
    """Remember a route as it is before this iteration changes it."""
    if s.routes[v, SAVED] == s.numbers[STAMP]:
        return
    s.routes[v, SAVED] = s.numbers[STAMP]
    n = s.numbers[SAVED_ROUTES]
    s.saved_route_ids[n], s.numbers[SAVED_ROUTES] = v, n + 1
    copy_row(s.routes, v, s.saved_routes, n)
    copy_row(s.loads, v, s.saved_loads, n)
    x, last = len(g.stops) + v, len(g.stops) + len(g.vehicles) + v
    while x != last:
        save_node(g, s, x)
        x = s.nodes[x, NEXT]
    save_node(g, s, last)


@kernel
def undo(g: Ground, s: State, total: int, absent: int) -> None:
    """Everything as it was before this iteration."""
    for i in range(s.numbers[REMOVED]):
        c = s.removed[i]
        s.nodes[c, ROUTE] = -1
        if g.role[c] != 0:
            s.nodes[g.partner[c], ROUTE] = -1
    for n in range(s.numbers[SAVED_NODES]):
        x = s.saved_ids[n]
        for i in range(s.nodes.shape[1]):
            s.nodes[x, i] = s.saved_nodes[n, i]
        if g.numbers[MIXED] != 0:
            copy_levels(s.saved_levels, n, s.levels, x)
    for n in range(s.numbers[SAVED_ROUTES]):
        v = s.saved_route_ids[n]
        copy_row(s.saved_routes, n, s.routes, v)
        copy_row(s.saved_loads, n, s.loads, v)
        if g.numbers[LASTING] != 0 and s.routes[v, COUNT] > 0:
            advance(g, s, v)
        if s.routes[v, COUNT] == 0:
            s.hints[g.vehicles[v, SORT]] = 0
    for i in range(absent):
        s.absent[i] = s.saved_absent[i]
    s.numbers[ABSENT], s.numbers[TOTAL] = absent, total


@kernel
def keep_best(s: State) -> None:
    s.numbers[BEST] = s.numbers[TOTAL]
    for x in range(len(s.best_next)):
        s.best_next[x] = s.nodes[x, NEXT]


# Ruin -----------------------------------------------------------------------------------------------------------------


@kernel
def tear(g: Ground, s: State, c: int) -> None:
    """Take a stop, and what belongs to it, off its route."""
    save(g, s, s.nodes[c, ROUTE])
    if g.role[c] == SECOND:
        c = g.partner[c]
    s.removed[s.numbers[REMOVED]] = c
    s.numbers[REMOVED] += 1
    take(g, s, c)
    s.numbers[TOTAL] += g.penalty[c]
    if g.role[c] != 0:
        take(g, s, g.partner[c])


@kernel
def tear_string(g: Ground, s: State, c: int, length: int) -> None:
    """Take out so many neighbours along the route, c among them; now and then some in their middle stay."""
    v = s.nodes[c, ROUTE]
    kept, count = 0, s.routes[v, COUNT]
    if below(s.rng, SPLIT) == 0 and 1 < length < count:
        kept = 1
        while length + kept < count and below(s.rng, KEEPS) != 0:
            kept += 1
    x = c
    for _ in range(below(s.rng, length + kept)):
        if s.nodes[x, PREV] >= len(g.stops):
            break
        x = s.nodes[x, PREV]
    before = 1 + below(s.rng, length - 1) if kept else length
    done = wide(0)
    while x < len(g.stops) and done < length + kept:
        after = s.nodes[x, NEXT]
        if done < before or done >= before + kept:
            while after < len(g.stops) and g.role[x] != 0 and after == g.partner[x]:
                after = s.nodes[after, NEXT]
            tear(g, s, x)
        x, done = after, done + 1
    settle(g, s, v)


@kernel
def ruin(g: Ground, s: State) -> None:
    """Strings of stops that lie near one another, each from another route."""
    used = wide(0)
    for v in range(len(g.vehicles)):
        used += s.routes[v, COUNT] > 0
    mean = s.numbers[PLANNED] // max(wide(1), used)
    longest = max(wide(1), min(wide(STRING), mean))
    strings = 1 + below(s.rng, max(wide(1), 400 * TORN // (1 + longest) - 100)) // 100
    seed = below(s.rng, len(g.stops))
    for _ in range(REDRAWS):
        if s.nodes[seed, ROUTE] >= 0:
            break
        seed = below(s.rng, len(g.stops))
    if s.numbers[ABSENT] > 0 and below(s.rng, 2) == 0:
        seed = wide(s.absent[below(s.rng, s.numbers[ABSENT])])
    for i in range(-1, g.near.shape[1]):
        c = seed if i < 0 else wide(g.near[seed, i])
        if c < 0 or strings == 0:
            break
        v = s.nodes[c, ROUTE]
        if v < 0 or s.routes[v, SAVED] == s.numbers[STAMP]:
            continue
        length = 1 + below(s.rng, min(longest, s.routes[v, COUNT]))
        tear_string(g, s, c, length)
        strings -= 1


# Recreate -------------------------------------------------------------------------------------------------------------


@kernel
def sort_removed(g: Ground, s: State) -> None:
    """Random, largest first, far or near first; with windows also shortest, earliest or latest first."""
    roll = below(s.rng, 17 if g.numbers[HURRIED] != 0 else 11)
    column, sign = -1, 1
    if 4 <= roll < 8:
        column, sign = BY_DEMAND, -1
    elif 8 <= roll < 11:
        column, sign = BY_FAR, -1 if roll < 10 else 1
    elif 11 <= roll < 13:
        column = BY_LENGTH
    elif 13 <= roll < 15:
        column = BY_START
    elif roll >= 15:
        column, sign = BY_END, -1
    for i in range(s.numbers[REMOVED]):
        c = s.removed[i]
        key = draw(s.rng) if column < 0 else sign * g.keys[c, column]
        j = i - 1
        while j >= 0 and s.order[j] > key:
            s.order[j + 1], s.removed[j + 1] = s.order[j], s.removed[j]
            j -= 1
        s.order[j + 1], s.removed[j + 1] = key, c


@kernel
def insert(g: Ground, s: State, c: int, p: int, then: int) -> None:
    """Put a stop, or a pair, behind the nodes that were found; on a route that is full, with a larger vehicle."""
    v = wide(s.nodes[p, ROUTE])
    save(g, s, v)
    if g.numbers[FLEET] != 0 and not fits(g, s, c, v):
        _, u = larger(g, s, c, v)
        p = change(g, s, v, u, p)
    put(g, s, c, p)
    if g.role[c] != 0:
        put(g, s, g.partner[c], then)
    settle(g, s, s.nodes[p, ROUTE])
    s.numbers[TOTAL] -= g.penalty[c]


@kernel
def change(g: Ground, s: State, v: int, u: int, p: int) -> int:
    """Two vehicles exchange their routes; where the node p then is."""
    save(g, s, v)
    save(g, s, u)
    exchange(g, s, v, u)
    settle(g, s, v)
    settle(g, s, u)
    return len(g.stops) + u if p == len(g.stops) + v else p


@kernel
def change_drivers(g: Ground, s: State) -> None:
    """Routes that have changed go to the vehicles that drive them for less."""
    for n in range(s.numbers[SAVED_ROUTES]):
        v = wide(s.saved_route_ids[n])
        if s.routes[v, COUNT] > 0:
            u = better_driver(g, s, v, below(s.rng, len(g.vehicles)))
            if u >= 0:
                change(g, s, v, u, v)


@kernel
def recreate(g: Ground, s: State, thorough: bool) -> None:
    """Put back what was taken out, each where it costs least then; who costs more than being left out is absent."""
    s.numbers[ABSENT] = 0
    for i in range(s.numbers[REMOVED]):
        c = wide(s.removed[i])
        best, p, then = NEVER, wide(-1), wide(-1)
        if not thorough:
            best, p, then = best_nearby(g, s, c)
        if p < 0:
            best, p, then = best_anywhere(g, s, c)
        if p >= 0 and best < g.penalty[c]:
            insert(g, s, c, p, then)
        else:
            s.absent[s.numbers[ABSENT]] = c
            s.numbers[ABSENT] += 1


# What Python calls ----------------------------------------------------------------------------------------------------


@entry(GROUND, STATE)
def lay_out(g: Ground, s: State) -> None:
    """Time the routes that Python has linked; what is on none is absent. It is the best so far."""
    stops = len(g.stops)
    s.numbers[TOTAL] = 0
    for v in range(len(g.vehicles)):
        x, last = stops + v, stops + len(g.vehicles) + v
        while x != last:
            follower = s.nodes[x, NEXT]
            if follower != last:
                s.nodes[follower, ROUTE] = v
                for d in range(g.room.shape[1]):
                    s.loads[v, d] += g.loads[follower, d, 0]
            link(g, s, x, follower)
            x = follower
        s.routes[v, COST] = 0
        settle(g, s, v)
    s.numbers[ABSENT], s.numbers[PLANNED] = 0, 0
    for c in range(stops):
        if s.nodes[c, ROUTE] >= 0:
            s.numbers[PLANNED] += 1
        elif g.role[c] != SECOND:
            s.absent[s.numbers[ABSENT]] = c
            s.numbers[ABSENT] += 1
            s.numbers[TOTAL] += g.penalty[c]
    keep_best(s)


@entry(GROUND, STATE)
def fill(g: Ground, s: State) -> None:
    """Put in all that is absent and fits, in its order, each at the best of all places."""
    s.numbers[STAMP] += 1
    s.numbers[SAVED_NODES] = s.numbers[SAVED_ROUTES] = 0
    s.numbers[REMOVED] = s.numbers[ABSENT]
    for i in range(s.numbers[ABSENT]):
        s.removed[i] = s.absent[i]
    s.numbers[BLINK] = NEVER
    recreate(g, s, True)
    s.numbers[PLANNED] = len(g.stops) - s.numbers[ABSENT]
    keep_best(s)


@entry(GROUND, STATE, 0, 0)
def anneal(g: Ground, s: State, count: int, temperature: int) -> int:
    """So many iterations at one temperature, in units; how many were accepted. Stands at where the search is; the best
    is in `best_next`."""
    numbers, accepted = s.numbers, 0
    numbers[BLINK] = 1 + below(s.rng, BLINKS)
    for _ in range(count):
        numbers[STAMP] += 1
        numbers[SAVED_NODES] = numbers[SAVED_ROUTES] = numbers[REMOVED] = 0
        total, absent = numbers[TOTAL], numbers[ABSENT]
        for i in range(absent):
            s.saved_absent[i] = s.absent[i]
        ruin(g, s)
        for i in range(absent):
            s.removed[numbers[REMOVED] + i] = s.absent[i]
        numbers[REMOVED] += absent
        sort_removed(g, s)
        recreate(g, s, False)
        if g.numbers[FLEET] != 0:
            change_drivers(g, s)
        limit = total + ((temperature * g.logs[below(s.rng, LOGS)]) >> 20)
        if numbers[TOTAL] < limit:
            accepted += 1
            if numbers[TOTAL] < numbers[BEST]:
                keep_best(s)
        else:
            undo(g, s, total, absent)
    return accepted
