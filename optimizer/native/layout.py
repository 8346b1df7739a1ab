"""The arrays that the kernels work on: what a problem says (`Ground`), where a search stands (`State`), and their
columns. One row of `State.nodes` is one cache line: all that an insertion must know about a place of a route.

Nodes are numbered: stops first, then the start of each vehicle's route, then its end. Money is in units of which a cent
has 36,000, so that cents an hour and cents a kilometre are whole numbers a second and a metre.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

I32: TypeAlias = NDArray[Any]
I64: TypeAlias = NDArray[Any]
U8: TypeAlias = NDArray[Any]
U64: TypeAlias = NDArray[Any]
"""arrays of these words; what is taken out of them is a plain number to the type checker"""
wide = cast(Callable[[Any], int], np.int64)
"""a kernel's number in 64 bits: sums of 32 bits would overflow silently"""

SCALE = 36_000
"""units a cent"""
FAR = 2**30
"""seconds or metres beyond everything; two of them still fit into 32 bits"""
NEVER = 2**62
"""units beyond every cost"""
BROKEN = 2**48
"""units for a route that breaks something: such a change is undone"""
ENDLESS = 2**50
"""room where a capacity has no limit; also what a stop costs that must be put somewhere"""
LOGS = 4096
"""steps of the table of logarithms"""
LOG_ONE = 1 << 20
"""1.0 in that table"""

# columns of State.nodes, in seconds and metres
NEXT, PREV, ROUTE, POS = 0, 1, 2, 3
DEP = 4
"""when the van leaves it"""
LA = 5
"""the latest arrival that breaks nothing from here to the end"""
LD = 6
"""the latest arrival with which nothing is late from here on"""
REST = 7
"""seconds from the arrival here to the end of the route if nothing is waited for"""
FLOOR = 8
"""the end of the route however early the arrival, for what is waited for"""
LEG_S, LEG_M = 9, 10
"""to the next node"""
ROW = 11
"""of the tables `out` and `inn`"""
OPEN, CLOSE, SERVICE, DUE = 12, 13, 14, 15
NODE_COLUMNS = 16

# columns of Ground.vehicles; the first eight are read at every place that is priced
HOUR, KM, DRIVE, TASK, SPEED, TABLE, MOST, SORT = 0, 1, 2, 3, 4, 5, 6, 7
"""units a second out, a metre, a second of driving and one at a door; percent; first row of its profile's table ..."""
FIXED, FREE_S, SHIFT_END, OUT_ALREADY, KIND, MAX_DRIVE, MAX_METRES, MAX_ROUTE = 8, 9, 10, 11, 12, 13, 14, 15
VEHICLE_COLUMNS = 16

# columns of State.routes
COUNT, METRES, END_S, LATE_S, COST, SAVED, SEEN, DRIVEN = 0, 1, 2, 3, 4, 5, 6, 7
ROUTE_COLUMNS = 8

# columns of State.ahead: of the way from the start until a node is left
WAY = 0
"""seconds of driving, set-up and service"""
NOT_BEFORE = 1
"""when it is left at the earliest for what is waited for on the way, however early the start"""
START_BY = 2
"""the latest start with which every window on the way is met"""

# Ground.numbers; behind them a row of the tables for the start and the end of each route
LATE_RATE, MIXED, SEVERAL, LONG, HURRIED, VARIED, LIMITED, LASTING, FLEET = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""... VARIED: times at a door differ by vehicle or stop before; LIMITED: driving, distance; LASTING: hours out;
FLEET: vehicles differ in room or prices"""
GROUND_NUMBERS = 9

# State.numbers
TOTAL, BEST, ABSENT, REMOVED, SAVED_NODES, SAVED_ROUTES, STAMP, BLINK, SEARCH, PLANNED = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
STATE_NUMBERS = 10

# columns of Ground.keys: what recreating sorts by
BY_DEMAND, BY_FAR, BY_LENGTH, BY_START, BY_END = 0, 1, 2, 3, 4
KEYS = 5

# Ground.role
ALONE, FIRST, SECOND = 0, 1, 2


class Ground(NamedTuple):
    """A problem as numbers; no kernel writes to it."""

    out: I32
    """(row, row, 2): seconds and metres from the first to the second, a table of rows below the other for each
    profile"""
    inn: I32
    """(row, row, 2): seconds and metres to the first from the second; the same array when both ways are alike"""
    stops: I32
    """(stop, 4): OPEN, CLOSE, SERVICE, DUE as in a node"""
    handling: I32
    """(kind, stop, 2): seconds of set-up and of service"""
    places: I64
    """the matrix's row of each row of a table: where no set-up is needed again; -1: nowhere"""
    windows: I32
    """(window, 2): opens, closes"""
    spans: I32
    """(stop, 2): first window and how many"""
    loads: I64
    """(stop, dimension, 2): loaded before the van leaves, change at the stop"""
    vehicles: I64
    room: I64
    """(vehicle, dimension)"""
    allowed: U8
    """(sort of vehicle, stop)"""
    sorts: I32
    """(sort, 2): first place in `by_sort` and how many"""
    by_sort: I32
    """vehicles, sort by sort"""
    partner: I32
    """the other stop of a pair, -1 without"""
    role: I32
    penalty: I64
    keys: I64
    near: I32
    """(stop, n): nearest stops, for ruins and for routes to put it on; -1 fills up"""
    logs: I64
    """-ln of the middles of equal steps from 0 to 1"""
    numbers: I64


class State(NamedTuple):
    """Where a search stands, what it has to be able to take back, and the best it has seen."""

    nodes: I32
    routes: I64
    loads: I64
    """(vehicle, dimension): loaded before it leaves"""
    levels: I64
    """(node, dimension, 3): aboard when leaving it, the most up to it, the most from it on"""
    ahead: I32
    """(node, 3): the way from the start to each node, where routes may last only so long"""
    hints: I32
    """a sort's first vehicle that may be without stops"""
    absent: I32
    removed: I32
    order: I64
    """sort keys of `removed`"""
    saved_ids: I32
    saved_nodes: I32
    saved_levels: I64
    saved_routes: I64
    saved_loads: I64
    saved_route_ids: I32
    saved_absent: I32
    best_next: I32
    numbers: I64
    rng: U64


def _zeros(kind: Any, *shape: int) -> Any:
    return np.zeros(shape, dtype=kind)


def new_state(stops: int, vehicles: int, dimensions: int, sorts: int, mixed: bool, lasting: bool = False) -> State:
    nodes, levels = stops + 2 * vehicles, (stops + 2 * vehicles if mixed else 1)
    return State(
        nodes=_zeros(np.int32, nodes, NODE_COLUMNS),
        routes=_zeros(np.int64, vehicles, ROUTE_COLUMNS),
        loads=_zeros(np.int64, vehicles, dimensions),
        levels=_zeros(np.int64, levels, dimensions, 3),
        ahead=_zeros(np.int32, nodes if lasting else 1, 3),
        hints=_zeros(np.int32, sorts),
        absent=_zeros(np.int32, stops + 1),
        removed=_zeros(np.int32, stops + 1),
        order=_zeros(np.int64, stops + 1),
        saved_ids=_zeros(np.int32, nodes),
        saved_nodes=_zeros(np.int32, nodes, NODE_COLUMNS),
        saved_levels=_zeros(np.int64, levels, dimensions, 3),
        saved_routes=_zeros(np.int64, vehicles, ROUTE_COLUMNS),
        saved_loads=_zeros(np.int64, vehicles, dimensions),
        saved_route_ids=_zeros(np.int32, vehicles),
        saved_absent=_zeros(np.int32, stops + 1),
        best_next=_zeros(np.int32, nodes),
        numbers=_zeros(np.int64, STATE_NUMBERS),
        rng=_zeros(np.uint64, 1),
    )


def _example_ground() -> Ground:
    two = _zeros(np.int32, 1, 1)
    return Ground(
        out=_zeros(np.int32, 1, 1, 2), inn=_zeros(np.int32, 1, 1, 2), stops=two,
        handling=_zeros(np.int32, 1, 1, 2), places=_zeros(np.int64, 1), windows=two, spans=two,
        loads=_zeros(np.int64, 1, 1, 2), vehicles=_zeros(np.int64, 1, 1), room=_zeros(np.int64, 1, 1),
        allowed=_zeros(np.uint8, 1, 1), sorts=two, by_sort=_zeros(np.int32, 1), partner=_zeros(np.int32, 1),
        role=_zeros(np.int32, 1), penalty=_zeros(np.int64, 1), keys=_zeros(np.int64, 1, 1), near=two,
        logs=_zeros(np.int64, 1), numbers=_zeros(np.int64, 1),
    )  # fmt: skip


GROUND = _example_ground()
"""for the compiler: entries take arguments like these"""
STATE = new_state(1, 1, 1, 1, True)
