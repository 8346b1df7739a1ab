"""Kernels of one route: its clock forward, its slack backward, its loads, and what one more stop between nodes costs.

Forward and backward data make the feasibility of an insertion exact without driving the route again: windows and shift
by the latest arrival, loads by the largest load before and behind (Savelsbergh, "The vehicle routing problem with time
windows: minimizing route duration", 1992). With one window a stop the cost is exact too: the end of the route is
max(FLOOR, arrival + REST), and lateness is added up along the way only where some comes. With several windows the end
may be later than this says; what is put in is timed exactly.
"""

from __future__ import annotations

from optimizer.native.compiled import inlined, kernel
from optimizer.native.layout import (
    BROKEN,
    CLOSE,
    COST,
    COUNT,
    DEP,
    DRIVE,
    DRIVEN,
    DUE,
    END_S,
    FAR,
    FIXED,
    FLOOR,
    FREE_S,
    HOUR,
    I32,
    KIND,
    KM,
    LA,
    LASTING,
    LATE_RATE,
    LATE_S,
    LD,
    LEG_M,
    LEG_S,
    LIMITED,
    MAX_DRIVE,
    MAX_METRES,
    MAX_ROUTE,
    METRES,
    MIXED,
    MOST,
    NEVER,
    NEXT,
    NOT_BEFORE,
    OPEN,
    OUT_ALREADY,
    POS,
    PREV,
    REST,
    ROUTE,
    ROW,
    SERVICE,
    SEVERAL,
    SHIFT_END,
    SORT,
    SPEED,
    START_BY,
    TABLE,
    TASK,
    VARIED,
    WAY,
    Ground,
    State,
    wide,
)


@inlined
def driven(seconds: int, percent: int) -> int:
    """Seconds of the matrix as a vehicle takes them, halves up."""
    return seconds if percent == 100 else (200 * seconds + percent) // (2 * percent)


@inlined
def start_of(g: Ground, stop: int, arrival: int) -> int:
    """When service starts; FAR when no window is open any more. For stops with several windows."""
    first, count = g.spans[stop, 0], g.spans[stop, 1]
    if count == 0:
        return arrival
    for i in range(first, first + count):
        if arrival <= g.windows[i, 1]:
            return max(arrival, wide(g.windows[i, 0]))
    return FAR


@inlined
def latest_of(g: Ground, stop: int, limit: int) -> int:
    """The latest arrival with a start no later than `limit`; -FAR when there is none."""
    first, count = g.spans[stop, 0], g.spans[stop, 1]
    if count == 0:
        return limit
    for i in range(first + count - 1, first - 1, -1):
        if g.windows[i, 0] <= limit:
            return min(limit, wide(g.windows[i, 1]))
    return -FAR


@inlined
def takes(g: Ground, c: int, row: int, v: int) -> int:
    """Seconds at a stop behind that row: set-up, unless the vehicle stands there already, and service."""
    if g.numbers[VARIED] == 0:
        return wide(g.stops[c, 2])
    kind = g.vehicles[v, KIND]
    settled = g.places[c] >= 0 and g.places[c] == g.places[row]
    return wide(g.handling[kind, c, 1]) + (0 if settled else g.handling[kind, c, 0])


@inlined
def settling(g: Ground, s: State, c: int, q: int, v: int) -> int:
    """Seconds more that a route needs at q when c comes before it."""
    if g.numbers[VARIED] == 0 or q >= len(g.stops):
        return wide(0)
    return takes(g, q, c, v) - s.nodes[q, SERVICE]


@inlined
def follow(g: Ground, s: State, p: int, q: int, seconds: int, metres: int) -> None:
    """Make q follow p on p's route, with this leg between them."""
    nodes = s.nodes
    nodes[p, NEXT], nodes[q, PREV] = q, p
    nodes[p, LEG_S] = driven(wide(seconds), g.vehicles[nodes[p, ROUTE], SPEED])
    nodes[p, LEG_M] = metres
    if g.numbers[VARIED] != 0 and q < len(g.stops):
        nodes[q, SERVICE] = takes(g, q, nodes[p, ROW], nodes[p, ROUTE])


@inlined
def link(g: Ground, s: State, p: int, q: int) -> None:
    """Make q follow p on p's route."""
    a, b = s.nodes[p, ROW] + g.vehicles[s.nodes[p, ROUTE], TABLE], s.nodes[q, ROW]
    follow(g, s, p, q, g.out[a, b, 0], g.out[a, b, 1])


@kernel
def retime(g: Ground, s: State, v: int) -> None:
    """Everything that is derived on a route, from its links: times, slack, loads, cost."""
    nodes, several = s.nodes, g.numbers[SEVERAL] != 0
    stops, vehicles = len(g.stops), len(g.vehicles)
    first, last = stops + v, stops + vehicles + v
    now, leg, metres = g.vehicles[v, FREE_S], wide(nodes[first, LEG_S]), wide(nodes[first, LEG_M])
    late, count, x = wide(0), 0, nodes[first, NEXT]
    drive, handled, missed = leg, wide(0), False
    while x != last:
        arrival = now + leg
        start = max(arrival, wide(nodes[x, OPEN]))
        if several and g.spans[x, 1] > 1:
            start = start_of(g, x, arrival)
            start = arrival if start >= FAR else start  # a plan that breaks it already
        late += max(wide(0), start - nodes[x, DUE])
        missed |= arrival > nodes[x, CLOSE]
        now = start + nodes[x, SERVICE]
        nodes[x, DEP], nodes[x, POS] = now, count
        leg, metres, count = wide(nodes[x, LEG_S]), metres + nodes[x, LEG_M], count + 1
        drive, handled = drive + leg, handled + nodes[x, SERVICE]
        x = nodes[x, NEXT]
    vehicle = g.vehicles[v]
    used = count > 0 or vehicle[OUT_ALREADY] != 0
    route = s.routes[v]
    route[COUNT], route[METRES], route[LATE_S] = count, metres if used else 0, late
    route[DRIVEN] = drive if used else 0
    route[END_S] = now + leg if used else vehicle[FREE_S]
    fixed = vehicle[FIXED] if count > 0 and vehicle[OUT_ALREADY] == 0 else 0
    route[COST] = fixed + vehicle[HOUR] * (route[END_S] - vehicle[FREE_S]) + vehicle[KM] * route[METRES]
    route[COST] += g.numbers[LATE_RATE] * late + vehicle[DRIVE] * route[DRIVEN] + vehicle[TASK] * handled
    if g.numbers[VARIED] != 0 and (missed or route[END_S] > vehicle[SHIFT_END]):
        route[COST] += BROKEN  # set-up that is needed since another stop has gone
    if count > 0 and (g.numbers[LIMITED] != 0 or g.numbers[LASTING] != 0):
        lasts = advance(g, s, v) if g.numbers[LASTING] != 0 else wide(0)
        over = route[DRIVEN] > vehicle[MAX_DRIVE] or route[METRES] > vehicle[MAX_METRES] or lasts > vehicle[MAX_ROUTE]
        route[COST] += BROKEN if over else 0
    slack(g, s, v)
    if g.numbers[MIXED] != 0:
        reload(g, s, v)


@kernel
def slack(g: Ground, s: State, v: int) -> None:
    """The backward pass of `retime`."""
    nodes, several = s.nodes, g.numbers[SEVERAL] != 0
    stops, vehicles = len(g.stops), len(g.vehicles)
    first, last = stops + v, stops + vehicles + v
    latest, unlate, rest, floor = g.vehicles[v, SHIFT_END], wide(FAR), wide(0), wide(-FAR)
    nodes[last, LA], nodes[last, LD], nodes[last, REST], nodes[last, FLOOR] = latest, unlate, rest, floor
    x = nodes[last, PREV]
    while x != first:
        service = wide(nodes[x, SERVICE])
        opens, closes = wide(nodes[x, OPEN]), wide(nodes[x, CLOSE])
        on = service + nodes[x, LEG_S]
        latest, unlate = latest - on, min(unlate - on, wide(nodes[x, DUE]))
        rest += on
        if several and g.spans[x, 1] > 1:
            latest, unlate = latest_of(g, x, latest), latest_of(g, x, unlate)
            opens = nodes[x, DEP] - service
            before = nodes[x, PREV]
            floor = max(floor, opens + rest if opens > nodes[before, DEP] + nodes[before, LEG_S] else -FAR)
        else:
            latest = min(latest, closes)
            unlate = unlate if opens <= unlate else wide(-FAR)
            floor = max(floor, opens + rest)
        nodes[x, LA], nodes[x, LD], nodes[x, REST], nodes[x, FLOOR] = latest, unlate, rest, floor
        x = nodes[x, PREV]


@kernel
def advance(g: Ground, s: State, v: int) -> int:
    """Fill `ahead` along a timed route; seconds that it lasts when it begins as late as it can without ending later.

    A route that starts at t ends at max(floor, t + way): starting later than floor - way ends later, starting later
    than its windows allow misses one."""
    nodes, ahead = s.nodes, s.ahead
    stops, vehicles = len(g.stops), len(g.vehicles)
    first, last = stops + v, stops + vehicles + v
    way, floor, latest, x = wide(0), wide(-FAR), wide(FAR), first
    now = g.vehicles[v, FREE_S]
    while True:
        ahead[x, WAY], ahead[x, NOT_BEFORE], ahead[x, START_BY] = way, floor, latest
        leg, x = wide(nodes[x, LEG_S]), nodes[x, NEXT]
        way, floor = way + leg, max(floor + leg, wide(-FAR))
        if x == last:
            return max(way, floor - latest)
        latest = min(latest, nodes[x, CLOSE] - way)
        start = wide(nodes[x, DEP]) - nodes[x, SERVICE]
        floor = max(floor, start if start > now + leg else -FAR)
        way, floor, now = way + nodes[x, SERVICE], floor + nodes[x, SERVICE], wide(nodes[x, DEP])


@inlined
def too_far(g: Ground, s: State, v: int, metres: int, drive: int) -> bool:
    """Does so much more go beyond what the vehicle may drive?"""
    route, vehicle, first = s.routes[v], g.vehicles[v], len(g.stops) + v
    if route[COUNT] == 0 and vehicle[OUT_ALREADY] == 0:
        metres, drive = metres + s.nodes[first, LEG_M], drive + s.nodes[first, LEG_S]
    return route[METRES] + metres > vehicle[MAX_METRES] or route[DRIVEN] + drive > vehicle[MAX_DRIVE]


@inlined
def too_long(g: Ground, s: State, c: int, p: int, q: int, v: int, arrival: int, start: int, then: int) -> bool:
    """Is the route with c between p and q, reached, begun and q reached then, longer than it may last?"""
    leg, onward = arrival - s.nodes[p, DEP], then - start
    way, floor = s.ahead[p, WAY] + leg, wide(s.ahead[p, NOT_BEFORE]) + leg
    latest = min(wide(s.ahead[p, START_BY]), g.stops[c, 1] - way)
    floor = max(floor, start if start > arrival else -FAR)
    way, floor = way + onward, floor + onward
    latest = min(latest, s.nodes[q, LA] - way)
    return (
        max(way + s.nodes[q, REST], max(floor + s.nodes[q, REST], s.nodes[q, FLOOR]) - latest)
        > g.vehicles[v, MAX_ROUTE]
    )


@kernel
def reload(g: Ground, s: State, v: int) -> None:
    """Loads along a route on which goods are fetched."""
    nodes, levels = s.nodes, s.levels
    stops, vehicles = len(g.stops), len(g.vehicles)
    first, last = stops + v, stops + vehicles + v
    for d in range(g.room.shape[1]):
        level = s.loads[v, d]
        most, x = level, first
        while True:
            levels[x, d, 0], levels[x, d, 1] = level, most
            x = nodes[x, NEXT]
            if x == last:
                break
            level += g.loads[x, d, 1]
            most = max(most, level)
        most = level
        x = nodes[last, PREV]
        while True:
            most = max(most, levels[x, d, 0])
            levels[x, d, 2] = most
            if x == first:
                break
            x = nodes[x, PREV]


@inlined
def fits(g: Ground, s: State, c: int, v: int) -> bool:
    """May the vehicle take the stop at all: skills and the like, number of stops, what is loaded at the depot."""
    if g.allowed[g.vehicles[v, SORT], c] == 0 or s.routes[v, COUNT] >= g.vehicles[v, MOST]:
        return False
    for d in range(g.room.shape[1]):  # noqa: SIM110 (kernels know no generators)
        if s.loads[v, d] + g.loads[c, d, 0] > g.room[v, d]:
            return False
    return True


@inlined
def holds(g: Ground, s: State, c: int, p: int, v: int) -> bool:
    """Is there room for the stop behind p, where goods are fetched on the way?"""
    for d in range(g.room.shape[1]):
        loaded, room = g.loads[c, d, 0], g.room[v, d]
        if s.levels[p, d, 1] + loaded > room or s.levels[p, d, 2] + loaded + g.loads[c, d, 1] > room:
            return False
    return True


@inlined
def more_late(g: Ground, s: State, x: int, arrival: int) -> int:
    """Seconds late from x on, more than now, when x is reached then."""
    nodes, stops = s.nodes, len(g.stops)
    more = wide(0)
    while x < stops:
        start = max(arrival, wide(nodes[x, OPEN]))
        if g.spans[x, 1] > 1:
            start = start_of(g, x, arrival)
        was = wide(nodes[x, DEP]) - nodes[x, SERVICE]
        if start == was:
            break
        more += max(wide(0), start - nodes[x, DUE]) - max(wide(0), was - nodes[x, DUE])
        arrival = start + nodes[x, SERVICE] + nodes[x, LEG_S]
        x = nodes[x, NEXT]
    return more


@inlined
def between(g: Ground, s: State, c: int, out: I32, inn: I32, p: int, q: int, v: int) -> int:
    """Units more when the stop, with its rows of the tables, comes between p and q of a route; NEVER: it breaks a
    window or the shift."""
    nodes, vehicle = s.nodes, g.vehicles[v]
    a, b, percent = nodes[p, ROW], nodes[q, ROW], vehicle[SPEED]
    there, onward = driven(wide(inn[a, 0]), percent), driven(wide(out[b, 0]), percent)
    arrival = nodes[p, DEP] + there
    if arrival > g.stops[c, 1]:
        return NEVER
    start = max(arrival, wide(g.stops[c, 0]))
    if g.spans[c, 1] > 1:
        start = start_of(g, c, arrival)
    stay = takes(g, c, a, v)
    then = start + stay + onward
    more = settling(g, s, c, q, v)
    if then > nodes[q, LA] or (more > 0 and max(then, wide(nodes[q, OPEN])) + more > nodes[q, LA]):
        return NEVER
    metres, drive = wide(inn[a, 1]) + out[b, 1] - nodes[p, LEG_M], there + onward - nodes[p, LEG_S]
    if g.numbers[LIMITED] != 0 and too_far(g, s, v, metres, drive):
        return NEVER
    if g.numbers[LASTING] != 0 and too_long(g, s, c, p, q, v, arrival, start, then + max(wide(0), more)):
        return NEVER
    cost = vehicle[KM] * metres + vehicle[DRIVE] * drive + vehicle[TASK] * (stay + more)
    cost += vehicle[HOUR] * (max(wide(nodes[q, FLOOR]), then + nodes[q, REST]) + more - s.routes[v, END_S])
    late = max(wide(0), start - g.stops[c, 3])
    if then > nodes[q, LD]:
        late += more_late(g, s, q, then)
    return cost + g.numbers[LATE_RATE] * late


@inlined
def opening(g: Ground, s: State, v: int) -> int:
    """Units that the first stop of a vehicle costs beside what `between` says: its use, and no leg is saved."""
    if s.routes[v, COUNT] > 0 or g.vehicles[v, OUT_ALREADY] != 0:
        return 0
    first, vehicle = len(g.stops) + v, g.vehicles[v]
    return vehicle[FIXED] + vehicle[KM] * s.nodes[first, LEG_M] + vehicle[DRIVE] * s.nodes[first, LEG_S]


@inlined
def put(g: Ground, s: State, c: int, p: int) -> None:
    """Insert the stop behind p; the route is timed by the caller."""
    v, q = s.nodes[p, ROUTE], s.nodes[p, NEXT]
    s.nodes[c, ROUTE] = v
    for d in range(g.room.shape[1]):
        s.loads[v, d] += g.loads[c, d, 0]
    # by the stop's own rows: those of others do not know one that has just come
    a, own = s.nodes[p, ROW], c + g.vehicles[v, TABLE]
    follow(g, s, p, c, g.inn[own, a, 0], g.inn[own, a, 1])
    link(g, s, c, q)


@inlined
def take(g: Ground, s: State, c: int) -> None:
    """Take the stop off its route; the route is timed by the caller."""
    v = s.nodes[c, ROUTE]
    for d in range(g.room.shape[1]):
        s.loads[v, d] -= g.loads[c, d, 0]
    link(g, s, s.nodes[c, PREV], s.nodes[c, NEXT])
    s.nodes[c, ROUTE] = -1
