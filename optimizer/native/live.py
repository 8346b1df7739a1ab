"""Kernels of the live plan: what one more stop would cost on every route, many such questions in one call, and stops
that come, go, or lose their van."""

from __future__ import annotations

import numpy as np

from optimizer.native.compiled import entry, kernel
from optimizer.native.fleet import unused
from optimizer.native.layout import (
    ABSENT,
    BLINK,
    COUNT,
    DEP,
    DUE,
    END_S,
    FAR,
    GROUND,
    I32,
    I64,
    LATE_S,
    METRES,
    MOST,
    NEVER,
    NEXT,
    OPEN,
    PLANNED,
    REMOVED,
    ROUTE,
    SAVED_NODES,
    SAVED_ROUTES,
    SERVICE,
    STAMP,
    STATE,
    TOTAL,
    Ground,
    State,
    wide,
)
from optimizer.native.near import READ_ONLY
from optimizer.native.places import at, best_on, may
from optimizer.native.routes import opening, put, take
from optimizer.native.search import keep_best, recreate, save, settle, tear, undo

# columns of an answer
UNITS, BEHIND, VEHICLE = 0, 1, 2
END_WAS, METRES_WAS, LATE_WAS, END_IS, METRES_IS, LATE_IS = 3, 4, 5, 6, 7, 8
DELAYED, NEWLY_LATE = 9, 10
ANSWER_COLUMNS = 11
"""what the search for a place thinks it costs, the node before it, the vehicle; the route as it is and as it would be;
seconds that others are later, and stops that are late and were not, the new one among them"""

# columns of a question
ASKED_ROW, ASKED_OPEN, ASKED_LOADS = 0, 1, 5
"""row of the matrix; opens, closes, service, due; then for each dimension what is loaded and the change at the stop"""


@kernel
def rank(found: I64, units: int, p: int, v: int) -> None:
    """Put a place among the best so far, cheapest first; of two alike the one that was found first."""
    i = len(found) - 1
    if units >= found[i, UNITS]:
        return
    while i > 0 and found[i - 1, UNITS] > units:
        for k in range(3):
            found[i, k] = found[i - 1, k]
        i -= 1
    found[i, UNITS], found[i, BEHIND], found[i, VEHICLE] = units, p, v


@kernel
def ranked(g: Ground, s: State, c: int, found: I64) -> None:
    """The best place on each route, the cheapest routes of all; unused vehicles once a sort."""
    for i in range(len(found)):
        found[i, UNITS] = NEVER
    s.numbers[BLINK] = NEVER
    for v in range(len(g.vehicles)):
        if s.routes[v, COUNT] > 0 and may(g, s, c, v):
            units, p, _ = best_on(g, s, c, v, NEVER, -1, -1)
            if p >= 0:
                rank(found, units, p, v)
    for sort in range(len(g.sorts)):
        v = unused(g, s, sort)
        if v >= 0 and may(g, s, c, v):
            units, _ = at(g, s, c, len(g.stops) + v)
            if units < NEVER:
                rank(found, units + opening(g, s, v), len(g.stops) + v, v)


@kernel
def route_figures(s: State, v: int, answer: I64, first: int) -> None:
    answer[first], answer[first + 1], answer[first + 2] = s.routes[v, END_S], s.routes[v, METRES], s.routes[v, LATE_S]


@kernel
def detail(g: Ground, s: State, c: int, answer: I64) -> None:
    """Exact figures of one place: the stop is put there, the route is timed, and all is as before again."""
    v, numbers = answer[VEHICLE], s.numbers
    numbers[STAMP] += 1
    numbers[SAVED_NODES] = numbers[SAVED_ROUTES] = 0
    total, absent = numbers[TOTAL], numbers[ABSENT]
    for i in range(absent):
        s.saved_absent[i] = s.absent[i]
    route_figures(s, v, answer, END_WAS)
    save(g, s, v)
    put(g, s, c, answer[BEHIND])
    settle(g, s, v)
    route_figures(s, v, answer, END_IS)
    late_from = wide(s.nodes[c, DUE]) + s.nodes[c, SERVICE]
    answer[DELAYED], answer[NEWLY_LATE] = 0, s.nodes[c, DEP] > late_from
    for i in range(numbers[SAVED_NODES]):
        x = s.saved_ids[i]
        if x < len(g.stops):
            late_from = wide(s.nodes[x, DUE]) + s.nodes[x, SERVICE]
            answer[DELAYED] += max(wide(0), wide(s.nodes[x, DEP]) - s.saved_nodes[i, DEP])
            answer[NEWLY_LATE] += s.nodes[x, DEP] > late_from and s.saved_nodes[i, DEP] <= late_from
    s.removed[0], numbers[REMOVED] = c, 1
    undo(g, s, total, absent)


@entry(GROUND, STATE, 0, np.zeros((1, 1), np.int64))
def places_of(g: Ground, s: State, c: int, found: I64) -> None:
    """The best places of one stop, cheapest first, with their exact figures; NEVER fills up."""
    ranked(g, s, c, found)
    for i in range(len(found)):
        if found[i, UNITS] < NEVER:
            detail(g, s, c, found[i])


@kernel
def legs_of(g: Ground, c: int, place: int, rows: I64, seconds: I32, metres: I32, alike: bool) -> None:
    """Fill the node's rows of the tables for a place of the matrix."""
    for x in range(len(rows)):
        row = rows[x]
        g.out[c, x, 0] = 0 if row < 0 else seconds[place, row]
        g.out[c, x, 1] = 0 if row < 0 else metres[place, row]
        if not alike:
            g.inn[c, x, 0] = 0 if row < 0 else seconds[row, place]
            g.inn[c, x, 1] = 0 if row < 0 else metres[row, place]


@entry(GROUND, 0, 0, np.zeros(1, np.int64), READ_ONLY, READ_ONLY, True)
def legs(g: Ground, c: int, place: int, rows: I64, seconds: I32, metres: I32, alike: bool) -> None:
    legs_of(g, c, place, rows, seconds, metres, alike)


@entry(
    GROUND, STATE, 0, np.zeros((1, 1), np.int64), np.zeros((1, 1, 1), np.int64), np.zeros(1, np.int64), READ_ONLY,
    READ_ONLY, True,
)  # fmt: skip
def what_ifs(
    g: Ground, s: State, c: int, asked: I64, found: I64, rows: I64, seconds: I32, metres: I32, alike: bool
) -> None:
    """The same for many stops that nobody has ordered yet, each by itself, with at most one window. The node c, which
    is on no route, stands for each of them in turn. `rows`: the matrix's row of each row of the tables."""
    for i in range(len(asked)):
        legs_of(g, c, asked[i, ASKED_ROW], rows, seconds, metres, alike)
        for k in range(4):
            g.stops[c, k] = asked[i, ASKED_OPEN + k]
            s.nodes[c, OPEN + k] = asked[i, ASKED_OPEN + k]
        for d in range(g.room.shape[1]):
            g.loads[c, d, 0], g.loads[c, d, 1] = asked[i, ASKED_LOADS + 2 * d], asked[i, ASKED_LOADS + 2 * d + 1]
        ranked(g, s, c, found[i])
        for n in range(found.shape[1]):
            if found[i, n, UNITS] < NEVER:
                detail(g, s, c, found[i, n])


@entry(GROUND, STATE, 0, 0)
def insert_behind(g: Ground, s: State, c: int, p: int) -> None:
    put(g, s, c, p)
    settle(g, s, s.nodes[p, ROUTE])
    s.numbers[PLANNED] += 1
    keep_best(s)


@entry(GROUND, STATE, 0)
def take_out(g: Ground, s: State, c: int) -> None:
    v = s.nodes[c, ROUTE]
    take(g, s, c)
    settle(g, s, v)
    s.numbers[PLANNED] -= 1
    keep_best(s)


@kernel
def hurried(g: Ground, s: State) -> None:
    """Order what was taken out: who has to be served soonest comes first."""
    for i in range(s.numbers[REMOVED]):
        c = s.removed[i]
        key = min(wide(FAR), min(wide(g.stops[c, 1]), wide(g.stops[c, 3])))
        j = i - 1
        while j >= 0 and s.order[j] > key:
            s.order[j + 1], s.removed[j + 1] = s.order[j], s.removed[j]
            j -= 1
        s.order[j + 1], s.removed[j + 1] = key, c


@entry(GROUND, STATE, 0)
def break_down(g: Ground, s: State, v: int) -> int:
    """The van serves none of its stops any more: each goes where it costs least on another one. How many go nowhere."""
    s.numbers[STAMP] += 1
    s.numbers[SAVED_NODES] = s.numbers[SAVED_ROUTES] = s.numbers[REMOVED] = 0
    s.numbers[BLINK] = NEVER
    g.vehicles[v, MOST] = 0
    first = len(g.stops) + v
    while s.nodes[first, NEXT] < len(g.stops):
        tear(g, s, s.nodes[first, NEXT])
    settle(g, s, v)
    hurried(g, s)
    for i in range(s.numbers[ABSENT]):
        s.removed[s.numbers[REMOVED]] = s.absent[i]
        s.numbers[REMOVED] += 1
    recreate(g, s, False)
    s.numbers[PLANNED] = len(g.stops) - s.numbers[ABSENT]
    keep_best(s)
    return s.numbers[ABSENT]
