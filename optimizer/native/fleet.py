"""Kernels that choose which vehicle drives a route, where vehicles differ in room or price: another one when a route
has grown or shrunk, and a larger one for a stop that finds no room."""

from __future__ import annotations

from optimizer.native.compiled import inlined, kernel
from optimizer.native.layout import (
    COUNT,
    DRIVE,
    DRIVEN,
    END_S,
    FIXED,
    FREE_S,
    GROUND_NUMBERS,
    HOUR,
    KIND,
    KM,
    MAX_DRIVE,
    MAX_METRES,
    MAX_ROUTE,
    METRES,
    MIXED,
    MOST,
    NEVER,
    NEXT,
    OUT_ALREADY,
    PREV,
    ROUTE,
    SHIFT_END,
    SORT,
    SPEED,
    TABLE,
    TASK,
    Ground,
    State,
    wide,
)
from optimizer.native.routes import link


@inlined
def exchangeable(g: Ground, v: int, u: int) -> bool:
    """Does a route take as long and lead as far with either? What it may carry and costs may differ."""
    a, b, vans, rows = g.vehicles[v], g.vehicles[u], len(g.vehicles), g.numbers
    if a[OUT_ALREADY] != 0 or b[OUT_ALREADY] != 0 or a[FREE_S] != b[FREE_S] or a[SHIFT_END] != b[SHIFT_END]:
        return False
    if a[SPEED] != b[SPEED] or a[TABLE] != b[TABLE] or a[KIND] != b[KIND] or a[TASK] != b[TASK]:
        return False
    if a[MAX_DRIVE] != b[MAX_DRIVE] or a[MAX_METRES] != b[MAX_METRES] or a[MAX_ROUTE] != b[MAX_ROUTE]:
        return False
    first, last = GROUND_NUMBERS, GROUND_NUMBERS + vans
    return rows[first + v] == rows[first + u] and rows[last + v] == rows[last + u]


@inlined
def dearer(g: Ground, s: State, v: int, u: int) -> int:
    """Units more that the route of v costs with u."""
    a, b, route = g.vehicles[v], g.vehicles[u], s.routes[v]
    if route[COUNT] == 0:
        return wide(0)
    out = (b[HOUR] - a[HOUR]) * (route[END_S] - a[FREE_S]) + (b[DRIVE] - a[DRIVE]) * route[DRIVEN]
    return b[FIXED] - a[FIXED] + (b[KM] - a[KM]) * route[METRES] + out


@kernel
def suits(g: Ground, s: State, v: int, u: int) -> bool:
    """May u take all that v carries?"""
    if s.routes[v, COUNT] > g.vehicles[u, MOST]:
        return False
    first = len(g.stops) + v
    for d in range(g.room.shape[1]):
        most = s.loads[v, d] if g.numbers[MIXED] == 0 else s.levels[first, d, 2]
        if most > g.room[u, d]:
            return False
    a, b, x = g.vehicles[v, SORT], g.vehicles[u, SORT], s.nodes[first, NEXT]
    while a != b and x < len(g.stops):
        if g.allowed[b, x] == 0:
            return False
        x = s.nodes[x, NEXT]
    return True


@kernel
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
def larger(g: Ground, s: State, c: int, v: int) -> tuple[int, int]:
    """(units more, the vehicle) of the cheapest one without stops that could take the route of v and the stop."""
    best, found = NEVER, wide(-1)
    if g.allowed[g.vehicles[v, SORT], c] == 0:
        return best, found
    for sort in range(len(g.sorts)):
        u = wide(unused(g, s, sort))
        if u < 0 or g.allowed[sort, c] == 0 or g.vehicles[u, MOST] <= s.routes[v, COUNT]:
            continue
        more, fits = dearer(g, s, v, u), True
        for d in range(g.room.shape[1]):
            fits &= s.loads[v, d] + g.loads[c, d, 0] <= g.room[u, d]
        if fits and more < best and exchangeable(g, v, u) and suits(g, s, v, u):
            best, found = more, u
    return best, found


@kernel
def attach(g: Ground, s: State, v: int, x: int, z: int) -> None:
    """Put the stops from x to z on a route that has none; its ends when there are no stops."""
    first, last = len(g.stops) + v, len(g.stops) + len(g.vehicles) + v
    if x >= len(g.stops):
        link(g, s, first, last)
        return
    link(g, s, first, x)
    while True:
        s.nodes[x, ROUTE] = v
        follower = last if x == z else s.nodes[x, NEXT]
        link(g, s, x, follower)
        if follower == last:
            return
        x = follower


@kernel
def exchange(g: Ground, s: State, v: int, u: int) -> None:
    """Each drives the other's route; both are timed by the caller."""
    stops, vans = len(g.stops), len(g.vehicles)
    a, z = s.nodes[stops + v, NEXT], s.nodes[stops + vans + v, PREV]
    b, y = s.nodes[stops + u, NEXT], s.nodes[stops + vans + u, PREV]
    for d in range(g.room.shape[1]):
        s.loads[v, d], s.loads[u, d] = s.loads[u, d], s.loads[v, d]
    attach(g, s, u, a, z)
    attach(g, s, v, b, y)


@kernel
def better_driver(g: Ground, s: State, v: int, other: int) -> int:
    """The vehicle that drives the route of v for less: one without stops, or the other one if both then cost less
    together; -1 when there is none."""
    best, found = wide(0), wide(-1)
    for sort in range(len(g.sorts)):
        u = wide(unused(g, s, sort))
        if u >= 0 and dearer(g, s, v, u) < best and exchangeable(g, v, u) and suits(g, s, v, u):
            best, found = dearer(g, s, v, u), u
    if other != v and s.routes[other, COUNT] > 0 and exchangeable(g, v, other):
        both = dearer(g, s, v, other) + dearer(g, s, other, v)
        if both < best and suits(g, s, v, other) and suits(g, s, other, v):
            found = wide(other)
    return found
