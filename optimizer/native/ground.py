"""A problem and its matrix as the arrays of `layout.Ground`, and routes into and out of a `State`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from core.errors import BadInput
from optimizer.native import layout as at
from optimizer.native.layout import ENDLESS, FAR, SCALE, Ground, State
from optimizer.native.near import neighbours
from optimizer.native.roads import Tables, tables_of
from optimizer.problem import Problem, Stop, Vehicle, may_carry
from optimizer.schedule import Schedule, figure, most_aboard
from optimizer.travel import Matrix

NEAR = 100
"""neighbours of a stop: where a ruin looks for strings, and whose routes are looked at to put it back"""
LARGEST_CENTS = 10**9
"""a price above this could overflow 64 bits once scaled and summed over thousands of stops"""
LARGEST_S = 2**28
"""seconds since t0: sums of a few of them still fit into 32 bits"""


class Layout(NamedTuple):
    """A compiled problem, and which stop and vehicle is which."""

    ground: Ground
    stops: tuple[Stop, ...]
    """those that can be moved, in the order of their nodes"""
    vehicles: tuple[Vehicle, ...]
    heads: tuple[tuple[str, ...], ...]
    """locked stops of each vehicle: they stay, and its route in the state begins behind them"""
    rows: at.I64
    """the matrix's row of each row of the tables; -1: nowhere, near to all"""


EMPTY = "no stop or no vehicle"


def unsupported(problem: Problem) -> tuple[str, ...]:
    """What keeps this engine from planning the problem well, in words; empty when nothing does.

    Zones and legal hours are left out while searching: `schedule` times what was found, and what then breaks something
    is put elsewhere."""
    first = [s.after for s in problem.stops if s.after is not None]
    odd = {
        "a break with a time of its own": any(v.breaks for v in problem.vehicles),
        "goods fetched from another van": any(s.met_at is not None for s in problem.stops),
        "one pickup for several deliveries": len(set(first)) < len(first),
        EMPTY: not problem.stops or not problem.vehicles,
    }
    return tuple(words for words, is_so in odd.items() if is_so)


def refuse_overflow(problem: Problem) -> None:
    """Prices and times that the kernels' integers can't hold."""
    prices = [s.drop_penalty for s in problem.stops] + [problem.weights.late_minute]
    for v in problem.vehicles:
        prices += [v.fixed_cost, v.cost_per_hour, v.cost_per_km, v.cost_per_driving_hour, v.cost_per_task_hour]
    if max(prices, default=0) > LARGEST_CENTS:
        what = f"a price of {max(prices)} cents is too large to plan with"
        raise BadInput(what, f"Use at most {LARGEST_CENTS}.", field="cost")
    times = [abs(v.ready_s) for v in problem.vehicles] + [s.setup_s + s.service_s for s in problem.stops]
    times += [sum(both) for s in problem.stops for both in s.by_kind.values()]
    if max(times, default=0) > LARGEST_S:
        what = f"a time of {max(times)} s is too far from t0 to plan with"
        raise BadInput(what, f"Use at most {LARGEST_S} s; set t0 to the day.", field="time")


def lay_out(schedule: Schedule, matrix: Matrix) -> Layout:
    """The problem compiled."""
    problem = schedule.problem
    refuse_overflow(problem)
    on_duty = {v.id for v in problem.vehicles}
    heads = tuple(problem.routes.get(v.id, ())[: v.locked] for v in problem.vehicles)
    settled = {stop_id for head in heads for stop_id in head}
    stops = tuple(s for s in problem.stops if s.id not in settled and (s.aboard is None or s.aboard in on_duty))
    free = [_free(schedule, v, head) for v, head in zip(problem.vehicles, heads, strict=True)]
    rows, places = _rows(stops, free)
    ground = _ground(schedule, tables_of(matrix, problem.vehicles, rows), rows, places, stops, heads, free)
    return Layout(ground, stops, problem.vehicles, heads, rows)


def _ground(
    schedule: Schedule, tables: Tables, rows: at.I64, places: list[int], stops: tuple[Stop, ...],
    heads: tuple[tuple[str, ...], ...], free: list[Free],
) -> Ground:  # fmt: skip
    problem, out = schedule.problem, tables.out
    dimensions = max((len(v.capacity) for v in problem.vehicles), default=0) or 1
    loads = _loads(stops, dimensions)
    head_of = {stop_id: i for i, head in enumerate(heads) for stop_id in head}
    allowed, sorts, by_sort, sort_of = _sorts(problem, stops, heads, head_of)
    partner, role = _pairs(stops, head_of)
    kinds = list(dict.fromkeys(v.kind for v in problem.vehicles))
    handling = _handling(stops, kinds)
    vehicles = _vehicles(schedule, heads, free, sort_of, tables, places)
    vehicles[:, at.KIND] = [kinds.index(v.kind) for v in problem.vehicles]
    table, windows, spans = _windows(stops, handling)
    rooms = [
        [_room(schedule, v, head, d) for d in range(dimensions)]
        for v, head in zip(problem.vehicles, heads, strict=True)
    ]
    room, numbers = np.array(rooms, np.int64).reshape(len(rooms), dimensions), np.zeros(at.GROUND_NUMBERS, np.int64)
    numbers[at.LATE_RATE] = problem.weights.late_minute * SCALE // 60
    numbers[at.MIXED] = bool((loads[:, :, 0] != -loads[:, :, 1]).any())
    numbers[at.SEVERAL] = bool((spans[:, 1] > 1).any())
    numbers[at.HURRIED] = bool(len(windows))
    numbers[at.VARIED] = bool(handling[:, :, 0].any() or (handling != handling[:1]).any())
    numbers[at.LIMITED] = bool((vehicles[:, at.MAX_DRIVE : at.MAX_METRES + 1] < ENDLESS).any())
    numbers[at.LASTING] = bool((vehicles[:, at.MAX_ROUTE] < ENDLESS).any())
    differ = vehicles[:, [at.FIXED, at.HOUR, at.KM, at.DRIVE]]
    numbers[at.FLEET] = bool((differ != differ[:1]).any() or (room != room[:1]).any())
    numbers[at.LONG] = int((vehicles[:, at.SHIFT_END] - vehicles[:, at.FREE_S]).max()) // 2
    ground = Ground(
        out=out, inn=tables.inn, stops=table, handling=handling, places=rows, windows=windows, spans=spans,
        loads=loads, vehicles=vehicles,
        room=room, allowed=allowed, sorts=sorts, by_sort=by_sort,
        partner=partner, role=role, penalty=_penalties(stops, partner, role), keys=_keys(out, table, loads, len(stops)),
        near=np.full((len(stops), max(1, min(NEAR, len(stops) - 1))), -1, np.int32),
        logs=_logs(), numbers=numbers,
    )  # fmt: skip
    return ground._replace(numbers=np.append(numbers, places).astype(np.int64))


def fill_neighbours(ground: Ground, stops: int | None = None) -> None:
    """Look for every stop's neighbours among the first ones, or all: that takes longer than a first plan."""
    prices = ground.vehicles[:, [at.HOUR, at.DRIVE, at.KM]].mean(axis=0).astype(np.int64)
    second, metre = int(prices[0] + prices[1]), int(prices[2])
    if not second and not metre:
        metre = 1
    scores, count = np.empty(NEAR, np.int64), len(ground.near) if stops is None else stops
    neighbours(ground.out, ground.inn, second, metre, count, ground.near, scores[: ground.near.shape[1]])


class Free(NamedTuple):
    """Where and when a vehicle is free behind its locked stops, and what it drove until then."""

    row: int
    second: int
    end: int | None
    driven_s: int = 0
    driven_m: int = 0


def _free(schedule: Schedule, vehicle: Vehicle, head: tuple[str, ...]) -> Free:
    if not head:
        return Free(vehicle.start, vehicle.ready_s, vehicle.end)
    timing = schedule.timing(vehicle.model_copy(update={"end": None}), head)
    there = schedule.stops[head[-1]].location
    return Free(there, timing.visits[-1][3], vehicle.end, timing.driving_s, timing.distance_m)


def _rows(stops: tuple[Stop, ...], free: list[Free]) -> tuple[Any, list[int]]:
    """The matrix's row of each row of ours (-1: nowhere, near to all), and ours of each route's start and end."""
    places: dict[int | None, int] = {}
    for each in [*(f.row for f in free), *(f.end for f in free)]:
        places.setdefault(each, len(stops) + len(places))
    rows = [s.location for s in stops] + [-1 if row is None else row for row in places]
    return np.array(rows, np.int64), [places[f.row] for f in free] + [places[f.end] for f in free]


def _loads(stops: tuple[Stop, ...], dimensions: int) -> at.I64:
    loads = np.zeros((len(stops), dimensions, 2), np.int64)
    for i, stop in enumerate(stops):
        for d in range(dimensions):
            brought = figure(stop.demand, d)
            loads[i, d] = (0 if stop.after is not None else brought), figure(stop.pickup, d) - brought
    return loads


def _room(schedule: Schedule, vehicle: Vehicle, head: tuple[str, ...], dimension: int) -> int:
    if dimension >= len(vehicle.capacity):
        return ENDLESS
    held = most_aboard(vehicle, [schedule.stops[stop_id] for stop_id in head], dimension)
    return max(0, vehicle.capacity[dimension] - held)


def _sorts(
    problem: Problem, stops: tuple[Stop, ...], heads: tuple[tuple[str, ...], ...], head_of: Mapping[str, int]
) -> tuple[at.U8, at.I32, at.I32, list[int]]:  # fmt: skip
    """Vehicles that are alike in everything are one sort: only one of those without stops is looked at."""
    names = {s.aboard for s in stops}
    sort_of: dict[Any, list[int]] = {}
    for i, vehicle in enumerate(problem.vehicles):
        alone = vehicle.id if heads[i] or vehicle.id in names or vehicle.locked else ""
        alike = vehicle.model_copy(update={"id": alone})
        sort_of.setdefault(repr(alike), []).append(i)
    allowed = np.ones((len(sort_of), len(stops)), np.uint8)
    plain = {i for i, s in enumerate(stops) if s.aboard is None and not s.skills and s.crew == 1 and s.after is None}
    for row, members in enumerate(sort_of.values()):
        vehicle, own = problem.vehicles[members[0]], set(members)
        choosy = vehicle.on_road or vehicle.areas is not None
        for i, stop in enumerate(stops):
            if i in plain and not choosy:
                continue
            fetched = head_of.get(stop.after or "")
            allowed[row, i] = may_carry(vehicle, stop) and (fetched is None or fetched in own)
    by_sort = np.array([i for members in sort_of.values() for i in members], np.int32)
    counts = [len(members) for members in sort_of.values()]
    sorts = np.array([(sum(counts[:n]), count) for n, count in enumerate(counts)], np.int32)
    found = {i: n for n, members in enumerate(sort_of.values()) for i in members}
    return allowed, sorts, by_sort, [found[i] for i in range(len(problem.vehicles))]


def _pairs(stops: tuple[Stop, ...], head_of: Mapping[str, int]) -> tuple[at.I32, at.I32]:
    number = {s.id: i for i, s in enumerate(stops)}
    partner, role = np.full(len(stops), -1, np.int32), np.zeros(len(stops), np.int32)
    for i, stop in enumerate(stops):
        first = number.get(stop.after or "")
        if first is not None:
            partner[i], partner[first], role[i], role[first] = first, i, at.SECOND, at.FIRST
    return partner, role


def _vehicles(
    schedule: Schedule, heads: tuple[tuple[str, ...], ...], free: list[Free], sort_of: list[int], tables: Tables,
    places: list[int],
) -> at.I64:  # fmt: skip
    found = np.zeros((len(free), at.VEHICLE_COLUMNS), np.int64)
    for i, vehicle in enumerate(schedule.problem.vehicles):
        row, (table, km), began = found[i], tables.of[i], free[i]
        home = vehicle.drive_s(int(tables.out[table + places[i], places[len(free) + i], 0]))
        row[at.HOUR], row[at.KM], row[at.TABLE] = vehicle.cost_per_hour * SCALE // 3600, km, table
        row[at.DRIVE] = vehicle.cost_per_driving_hour * SCALE // 3600
        row[at.TASK] = vehicle.cost_per_task_hour * SCALE // 3600
        row[at.FIXED], row[at.FREE_S], row[at.SPEED] = vehicle.fixed_cost * SCALE, began.second, vehicle.speed_percent
        # a shift that is over already must not make the locked stops impossible
        over = began.second + home if heads[i] else vehicle.shift_end_s
        row[at.SHIFT_END] = min(max(vehicle.shift_end_s, over), FAR)
        most = ENDLESS if vehicle.max_stops is None else max(0, vehicle.max_stops - len(heads[i]))
        row[at.MOST], row[at.OUT_ALREADY], row[at.SORT] = most, bool(heads[i]), sort_of[i]
        row[at.MAX_DRIVE] = _left(vehicle.max_driving_s, began.driven_s)
        row[at.MAX_METRES] = _left(vehicle.max_distance_m, began.driven_m)
        row[at.MAX_ROUTE] = _left(vehicle.max_route_s, began.second - vehicle.ready_s)
    return found


def _left(limit: int | None, spent: int) -> int:
    return ENDLESS if limit is None else max(0, limit - spent)


def _handling(stops: tuple[Stop, ...], kinds: list[str]) -> at.I32:
    """(kind, stop, 2): seconds of set-up and of service."""
    both = [[s.by_kind.get(kind, (s.setup_s, s.service_s)) for s in stops] for kind in kinds]
    return np.array(both, np.int32).reshape(len(kinds), len(stops), 2)


def _windows(stops: tuple[Stop, ...], handling: at.I32) -> tuple[at.I32, at.I32, at.I32]:
    """A stop's service is the shortest of all kinds of vehicles, without set-up."""
    table, spans = np.zeros((len(stops), 4), np.int32), np.zeros((len(stops), 2), np.int32)
    windows: list[tuple[int, int]] = []
    shortest = handling[:, :, 1].min(axis=0)
    for i, stop in enumerate(stops):
        spans[i] = len(windows), len(stop.windows)
        windows += stop.windows
        opens, closes = (stop.windows[0][0], stop.windows[-1][1]) if stop.windows else (-FAR, FAR)
        table[i] = _held(opens), _held(closes), shortest[i], _held(FAR if stop.due_s is None else stop.due_s)
    return table, np.array([[_held(e) for e in w] for w in windows], np.int32).reshape(len(windows), 2), spans


def _held(second: int) -> int:
    return max(-FAR, min(FAR, second))


def _penalties(stops: tuple[Stop, ...], partner: at.I32, role: at.I32) -> at.I64:
    own = np.array([s.drop_penalty * SCALE for s in stops], np.int64)
    return np.where(role == at.FIRST, own + own[partner], own) if len(own) else own


def _keys(out: at.I32, table: at.I32, loads: at.I64, stops: int) -> at.I64:
    keys = np.zeros((stops, at.KEYS), np.int64)
    keys[:, at.BY_DEMAND] = np.abs(loads).max(axis=2).sum(axis=1)
    keys[:, at.BY_FAR] = out[stops : out.shape[1], :stops].astype(np.int64).sum(axis=2).min(axis=0) if stops else 0
    keys[:, at.BY_LENGTH] = table[:, 1].astype(np.int64) - table[:, 0]
    keys[:, at.BY_START], keys[:, at.BY_END] = table[:, 0], table[:, 1]
    return keys


def _logs() -> at.I64:
    steps = ((i + 0.5) / at.LOGS for i in range(at.LOGS))
    return np.array([round(-math.log(x) * at.LOG_ONE) for x in steps], np.int64)


# Routes in and out ----------------------------------------------------------------------------------------------------


def start(layout: Layout, routes: Mapping[str, tuple[str, ...]]) -> State:
    """A state with these routes linked, not timed yet. Locked stops are in the ground already."""
    ground = layout.ground
    stops, vehicles = len(layout.stops), len(layout.vehicles)
    mixed, lasting = (bool(ground.numbers[flag]) for flag in (at.MIXED, at.LASTING))
    state = at.new_state(stops, vehicles, ground.room.shape[1], len(ground.sorts), mixed, lasting)
    nodes, number = state.nodes, {s.id: i for i, s in enumerate(layout.stops)}
    nodes[:stops, at.ROUTE], nodes[:stops, at.ROW] = -1, np.arange(stops)
    nodes[:stops, at.OPEN : at.DUE + 1] = ground.stops
    nodes[stops:, at.ROW] = ground.numbers[at.GROUND_NUMBERS :]
    for v, vehicle in enumerate(layout.vehicles):
        first, last = stops + v, stops + vehicles + v
        nodes[first, at.ROUTE] = nodes[last, at.ROUTE] = v
        nodes[first, at.DEP] = ground.vehicles[v, at.FREE_S]
        behind = [number[s] for s in routes.get(vehicle.id, ())[len(layout.heads[v]) :] if s in number]
        for a, b in zip([first, *behind], [*behind, last], strict=True):
            nodes[a, at.NEXT] = b
    return state


def routes_of(layout: Layout, following: at.I32) -> dict[str, tuple[str, ...]]:
    """The routes that these links make, locked stops first."""
    found, stops = {}, len(layout.stops)
    links = following.tolist()
    for v, vehicle in enumerate(layout.vehicles):
        behind, x = [], links[stops + v]
        while x < stops:
            behind.append(layout.stops[x].id)
            x = links[x]
        found[vehicle.id] = (*layout.heads[v], *behind)
    return found
