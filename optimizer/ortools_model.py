"""The routing model that OR-Tools searches: a problem as its nodes, dimensions and constraints, and the way back.

The locked head of a route is driven first, so a van's model starts behind it. The clock of a van starts when it is
ready; driving and metres are arc costs, waiting is a slack cost, lateness a soft bound. A stop with several windows is
several nodes of which one is visited: a hole in a time range is invisible to the search's filters and cost 30 times the
time. Breaks and the law's hours are approximate here, what may be aboard during a break is left out, and a set-up that
doors share narrows their windows; `schedule` has the last word.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from optimizer.insertion import without_breaches
from optimizer.problem import Stop, Vehicle, may_carry
from optimizer.schedule import Schedule, figure, most_aboard
from optimizer.travel import Matrix

SCALE = 36_000
"""engine units a cent: makes cents an hour and cents a km whole numbers a second and a metre"""


class Head(NamedTuple):
    """The part of a van's route that is settled, and where and when the van is free after it."""

    stop_ids: tuple[str, ...]
    row: int
    free_s: int
    load: tuple[int, ...]


class Task(NamedTuple):
    """One way to serve a stop: inside one of its windows."""

    stop: Stop
    window: tuple[int, int] | None


class Order(NamedTuple):
    vehicles: tuple[Vehicle, ...]
    tasks: list[Task]
    push: float


class Model:
    """The OR-Tools model, and the way back from its nodes to stops."""

    def __init__(self, schedule: Schedule, matrix: Matrix, heads: dict[str, Head], order: Order) -> None:
        from ortools.constraint_solver import pywrapcp

        self.schedule, self.problem, self.heads = schedule, schedule.problem, heads
        self.vehicles, self.tasks = order.vehicles, order.tasks
        self.base_s = min(head.free_s for head in heads.values())
        # nodes: one a task, then one a place where routes start or end. Shared places make vans alike to the search
        starts, ends = [heads[v.id].row for v in self.vehicles], [v.end for v in self.vehicles]
        first = len(self.tasks)
        places: dict[int | None, int] = {row: first + i for i, row in enumerate(dict.fromkeys((*starts, *ends)))}
        self.rows: list[int | None] = [*(task.stop.location for task in self.tasks), *places]
        self.starts, self.ends = [places[row] for row in starts], [places[row] for row in ends]
        self.manager = pywrapcp.RoutingIndexManager(len(self.rows), len(starts), self.starts, self.ends)
        self.routing = pywrapcp.RoutingModel(self.manager)
        profiles = {v.profile: matrix.of(v.profile) for v in self.vehicles}
        self.seconds = {name: self._between(each.durations_s) for name, each in profiles.items()}
        self.metres = {name: self._between(each.distances_m) for name, each in profiles.items()}
        self.tolls = {n: self._between(each.tolls) for n, each in profiles.items() if each.tolls is not None}
        self.kinds = {v.kind: self._handling(v.kind) for v in self.vehicles}
        self._add_costs()
        self._add_time()
        self._add_breaks()
        self._add_capacity()
        self._add_choices()
        self._add_pairs()

    def _between(self, table: Any) -> Any:
        """Figures between all nodes; a route without an end ends nowhere, which is near to everything."""
        rows = np.array([-1 if row is None else row for row in self.rows])
        found = table[np.ix_(rows, rows)].astype(np.int64)
        found[rows < 0, :] = 0
        found[:, rows < 0] = 0
        return found

    def _handling(self, kind: str) -> Any:
        """Seconds between arriving at one node and at the next that are no driving: a column where every door has the
        same time whatever the node before, else a table."""
        empty = [0] * (len(self.rows) - len(self.tasks))
        service = np.array([t.stop.takes_s(kind, settled=True) for t in self.tasks] + empty, dtype=np.int64)
        whole = np.array([t.stop.takes_s(kind, settled=False) for t in self.tasks] + empty, dtype=np.int64)
        if not self._doors_share_setup:
            return whole[:, None]
        rows = np.array([-1 if row is None else row for row in self.rows])
        return service[:, None] + np.where(rows[:, None] != rows, whole - service, 0)

    @cached_property
    def _doors_share_setup(self) -> bool:
        """Does a set-up depend on where the van was before? Where no door has two nodes it is a part of the service."""
        of_setup = [t.stop for t in self.tasks if t.stop.setup_s or t.stop.by_kind]
        return len({stop.location for stop in of_setup}) < len({stop.id for stop in of_setup}) or any(
            stop.location in self.rows[len(self.tasks) :] for stop in of_setup
        )

    def _add_costs(self) -> None:
        rates: dict[tuple[int | str, ...], int] = {}
        # where hours cost the same on every van, service time is the same everywhere: keep it out of the arcs
        alike = len({(v.cost_per_hour, v.cost_per_task_hour, v.kind) for v in self.vehicles}) == 1
        alike = alike and not self._doors_share_setup
        for i, vehicle in enumerate(self.vehicles):
            rate = (
                vehicle.cost_per_hour, vehicle.cost_per_km, vehicle.speed_percent, vehicle.profile, vehicle.kind,
                vehicle.cost_per_driving_hour, vehicle.cost_per_task_hour,
            )  # fmt: skip
            if rate not in rates:
                rates[rate] = self.routing.RegisterTransitMatrix(self._arc_costs(vehicle, alike).tolist())
            self.routing.SetArcCostEvaluatorOfVehicle(rates[rate], i)
            out_already = vehicle.on_road or bool(self.heads[vehicle.id].stop_ids)
            self.routing.SetFixedCostOfVehicle(0 if out_already else vehicle.fixed_cost * SCALE, i)
            self.routing.SetVehicleUsedWhenEmpty(out_already, i)

    def _arc_costs(self, vehicle: Vehicle, alike: bool) -> Any:
        an_hour, a_km = vehicle.cost_per_hour * SCALE // 3600, vehicle.cost_per_km * SCALE // 1000
        driving = an_hour + vehicle.cost_per_driving_hour * SCALE // 3600
        arcs = self._driven(vehicle) * driving + self.metres[vehicle.profile] * a_km
        if vehicle.profile in self.tolls:
            arcs = arcs + self.tolls[vehicle.profile] * SCALE
        return (
            arcs if alike else arcs + self.kinds[vehicle.kind] * (an_hour + vehicle.cost_per_task_hour * SCALE // 3600)
        )

    def _driven(self, vehicle: Vehicle) -> Any:
        """Seconds between all nodes at the vehicle's own speed."""
        seconds, percent = self.seconds[vehicle.profile], vehicle.speed_percent
        return seconds if percent == 100 else (200 * seconds + percent) // (2 * percent)

    def _by_speed(self, handling: bool) -> list[int]:
        """A transit for each vehicle: driving at its speed and, if asked for, what it does at each door."""
        made: dict[tuple[int, str, str], int] = {}
        for vehicle in self.vehicles:
            alike = vehicle.speed_percent, vehicle.profile, vehicle.kind
            if alike not in made:
                table = self._driven(vehicle) + (self.kinds[vehicle.kind] if handling else 0)
                made[alike] = self.routing.RegisterTransitMatrix(table.tolist())
        return [made[v.speed_percent, v.profile, v.kind] for v in self.vehicles]

    def _add_time(self) -> None:
        routing, base = self.routing, self.base_s
        ends = [max(v.shift_end_s, self._home_s(i)) - base for i, v in enumerate(self.vehicles)]
        transits = self._by_speed(handling=True)
        routing.AddDimensionWithVehicleTransits(transits, max(ends), max(ends), False, "time")
        clock = routing.GetDimensionOrDie("time")
        for i, vehicle in enumerate(self.vehicles):
            free_s = self.heads[vehicle.id].free_s - base
            if vehicle.max_route_s is None or self.heads[vehicle.id].stop_ids:
                clock.CumulVar(routing.Start(i)).SetValue(free_s)
            else:  # leaving later makes it shorter
                clock.CumulVar(routing.Start(i)).SetRange(free_s, ends[i])
                clock.SetSpanUpperBoundForVehicle(vehicle.max_route_s, i)
            clock.CumulVar(routing.End(i)).SetMax(ends[i])
            clock.SetSlackCostCoefficientForVehicle(vehicle.cost_per_hour * SCALE // 3600, i)
        late_second = self.problem.weights.late_minute * SCALE // 60
        for node, task in enumerate(self.tasks):
            index = self.manager.NodeToIndex(node)
            if task.stop.due_s is not None:
                clock.SetCumulVarSoftUpperBound(index, max(0, task.stop.due_s - base), late_second)
            if task.window is None:
                continue
            opens, closes = (max(0, edge - base) for edge in task.window)
            if self._doors_share_setup:  # the node's time is when set-up is done
                opens = min(opens + task.stop.setup_s, closes)
            if task.window[1] < base or opens > max(ends):
                routing.ActiveVar(index).SetValue(0)
            else:
                clock.CumulVar(index).SetRange(opens, min(closes, max(ends)))

    def _home_s(self, i: int) -> int:
        """When a van is home if it does nothing more: a shift that is over already must not make the model void."""
        vehicle = self.vehicles[i]
        return self.heads[vehicle.id].free_s + int(self._driven(vehicle)[self.starts[i], self.ends[i]])

    def _add_breaks(self) -> None:
        """Breaks take their time out of the shift; the driving of a day has its limit. When the law asks for a break on
        a long drive, and what falls into a wait, the exact schedule knows: what does not fit then is put elsewhere."""
        clock, solver = self.routing.GetDimensionOrDie("time"), self.routing.solver()
        takes = [t.stop.takes_s(self.vehicles[0].kind, settled=False) for t in self.tasks]
        takes += [0] * (len(self.rows) - len(self.tasks))
        visits = [takes[self.manager.IndexToNode(i)] for i in range(self.routing.Size())]
        for i, vehicle in enumerate(self.vehicles):
            breaks = []
            for own in vehicle.breaks:
                opens, closes = own.windows[0][0] - self.base_s, own.windows[-1][1] - self.base_s
                if closes >= 0:
                    opens = max(0, opens)
                    name = f"{vehicle.id}:{own.id}"
                    breaks.append(solver.FixedDurationIntervalVar(opens, closes, own.duration_s, False, name))
            if breaks:
                clock.SetBreakIntervalsOfVehicle(breaks, i, visits)
        limits = [_most_driving(v) for v in self.vehicles]
        if any(limit is not None for limit in limits):
            most = max(int(each.max()) for each in self.seconds.values()) * 10 * (len(self.tasks) + 2)
            rooms = [most if limit is None else self._drive_left_s(i, limit) for i, limit in enumerate(limits)]
            transits = self._by_speed(handling=False)
            self.routing.AddDimensionWithVehicleTransitAndCapacity(transits, 0, rooms, True, "driving")
        if any(v.max_distance_m is not None for v in self.vehicles):
            most = max(int(each.max()) for each in self.metres.values()) * (len(self.tasks) + 2)
            rooms = [most if v.max_distance_m is None else v.max_distance_m for v in self.vehicles]
            made = {name: self.routing.RegisterTransitMatrix(each.tolist()) for name, each in self.metres.items()}
            transits = [made[v.profile] for v in self.vehicles]
            self.routing.AddDimensionWithVehicleTransitAndCapacity(transits, 0, rooms, True, "distance")

    def _drive_left_s(self, i: int, limit_s: int) -> int:
        """Driving that is left after the locked head; as much as going home takes, at least."""
        vehicle = self.vehicles[i]
        behind = self.schedule.timing(vehicle.model_copy(update={"end": None}), self.heads[vehicle.id].stop_ids)
        return max(limit_s - behind.driving_s, int(self._driven(vehicle)[self.starts[i], self.ends[i]]))

    def _add_capacity(self) -> None:
        empty = [0] * (len(self.rows) - len(self.tasks))
        for d in range(max(len(v.capacity) for v in self.vehicles)):
            loaded = [figure(t.stop.demand, d) if t.stop.after is None else 0 for t in self.tasks]
            fetched = [
                figure(t.stop.pickup, d) - figure(t.stop.demand, d) + n for t, n in zip(self.tasks, loaded, strict=True)
            ]
            most = sum(loaded) + sum(abs(each) for each in fetched)
            rooms = [
                max(0, v.capacity[d] - self.heads[v.id].load[d]) if d < len(v.capacity) else most for v in self.vehicles
            ]
            if any(fetched):
                self._add_load(loaded, fetched, rooms, most, f"capacity{d}")
            else:
                self._add_limit(loaded + empty, rooms, f"capacity{d}")
        if any(v.max_stops is not None for v in self.vehicles):
            rooms = [
                len(self.tasks) if v.max_stops is None else max(0, v.max_stops - len(self.heads[v.id].stop_ids))
                for v in self.vehicles
            ]
            self._add_limit([1] * len(self.tasks) + empty, rooms, "stops")

    def _add_load(self, loaded: list[int], fetched: list[int], rooms: list[int], most: int, name: str) -> None:
        """What is aboard along a route: it begins with all that is to be handed over, which `left` counts down to 0,
        and what is fetched comes on top."""
        routing, solver = self.routing, self.routing.solver()
        empty = [0] * (len(self.rows) - len(self.tasks))
        down = routing.RegisterUnaryTransitVector([-n for n in loaded] + empty)
        change = routing.RegisterUnaryTransitVector([f - n for f, n in zip(fetched, loaded, strict=True)] + empty)
        routing.AddDimension(down, 0, most, False, f"{name}:left")
        routing.AddDimensionWithVehicleCapacity(change, 0, rooms, False, name)
        left, aboard = routing.GetDimensionOrDie(f"{name}:left"), routing.GetDimensionOrDie(name)
        for i in range(len(self.vehicles)):
            left.CumulVar(routing.End(i)).SetValue(0)
            solver.Add(aboard.CumulVar(routing.Start(i)) == left.CumulVar(routing.Start(i)))

    def _add_limit(self, amounts: list[int], rooms: list[int], name: str) -> None:
        amount = self.routing.RegisterUnaryTransitVector(amounts)
        self.routing.AddDimensionWithVehicleCapacity(amount, 0, rooms, True, name)

    def _add_choices(self) -> None:
        """A stop is served by one of its nodes, or left out for its penalty."""
        number = {vehicle.id: i for i, vehicle in enumerate(self.vehicles)}
        nodes: dict[str, list[int]] = {}
        for node, task in enumerate(self.tasks):
            index = self.manager.NodeToIndex(node)
            nodes.setdefault(task.stop.id, []).append(index)
            allowed = [number[v.id] for v in self.vehicles if may_carry(v, task.stop)]
            if len(allowed) < len(number):
                # SetAllowedVehiclesForIndex takes no Python list in 9.15; -1 is on no van
                self.routing.VehicleVar(index).SetValues([-1, *allowed])
        for stop_id, indices in nodes.items():
            self.routing.AddDisjunction(indices, self.schedule.stops[stop_id].drop_penalty * SCALE)

    def _add_pairs(self) -> None:
        """What is fetched on the way: one vehicle for both stops, the first one first."""
        routing, solver, clock = self.routing, self.routing.solver(), self.routing.GetDimensionOrDie("time")
        nodes: dict[str, list[int]] = {}
        for node, task in enumerate(self.tasks):
            nodes.setdefault(task.stop.id, []).append(self.manager.NodeToIndex(node))
        horizon = max(clock.CumulVar(routing.End(i)).Max() for i in range(len(self.vehicles)))
        for stop_id, indices in nodes.items():
            first = nodes.get(self.schedule.stops[stop_id].after or "")
            if first is None:
                continue
            if len(first) == len(indices) == 1:
                routing.AddPickupAndDelivery(first[0], indices[0])
            vehicles = [solver.Max([routing.VehicleVar(i) for i in each]) for each in (first, indices)]
            solver.Add(vehicles[0] == vehicles[1])
            for a in first:
                for b in indices:
                    idle = 2 - routing.ActiveVar(a) - routing.ActiveVar(b)
                    solver.Add(clock.CumulVar(a) <= clock.CumulVar(b) + horizon * idle)

    def routes(self) -> dict[str, tuple[str, ...]]:
        """The routes of the solution that the search is at."""
        found: dict[str, tuple[str, ...]] = {}
        for i, vehicle in enumerate(self.vehicles):
            stop_ids = list(self.heads[vehicle.id].stop_ids)
            index = self.routing.NextVar(self.routing.Start(i)).Value()
            while not self.routing.IsEnd(index):
                stop_ids.append(self.tasks[self.manager.IndexToNode(index)].stop.id)
                index = self.routing.NextVar(index).Value()
            found[vehicle.id] = tuple(stop_ids)
        return found

    def warm_start(self) -> Any:
        """The present routes, less what breaks them, as an assignment; None when there are none."""
        node = {(task.stop.id, task.window): i for i, task in enumerate(self.tasks)}
        lists: list[list[int]] = []
        for vehicle in self.vehicles:
            kept = without_breaches(self.schedule, vehicle, self.problem.routes.get(vehicle.id, ()))
            rows = self.schedule.timing(vehicle, kept).visits[len(self.heads[vehicle.id].stop_ids) :]
            tasks = [(s, _window_at(self.schedule.stops[s], start)) for s, _, start, _, _ in rows]
            lists.append([self.manager.NodeToIndex(node[task]) for task in tasks if task in node])
        return self.routing.ReadAssignmentFromRoutes(lists, True) if any(lists) else None


def _most_driving(vehicle: Vehicle) -> int | None:
    """Seconds that a route may drive, by the law and by the vehicle's own limit."""
    law = vehicle.hours.day_s - vehicle.drove_s if vehicle.hours else None
    given = [limit for limit in (law, vehicle.max_driving_s) if limit is not None]
    return min(given, default=None)


def head_of(schedule: Schedule, vehicle: Vehicle) -> Head:
    stop_ids = schedule.problem.routes.get(vehicle.id, ())[: vehicle.locked]
    stops = [schedule.stops[stop_id] for stop_id in stop_ids]
    visits = schedule.timing(vehicle, stop_ids).visits
    return Head(
        stop_ids=stop_ids,
        row=stops[-1].location if stops else vehicle.start,
        free_s=visits[-1][3] if visits else vehicle.ready_s,
        load=tuple(most_aboard(vehicle, stops, d) for d in range(len(vehicle.capacity))),
    )


def _window_at(stop: Stop, start_s: int) -> tuple[int, int] | None:
    return next((window for window in stop.windows if window[0] <= start_s <= window[1]), None)
