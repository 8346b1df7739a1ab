"""The plan of a simulated day without a server: as it would make it in the morning, and as drivers' phones show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from core import clock, fleet, orders
from evals.wire import (
    DriverHours,
    DriverRoute,
    OrderRow,
    Plan,
    PlanFigures,
    PlannedRoute,
    PlannedStop,
    Promise,
    RouteOrder,
    RouteStop,
)
from evals.world.scenario import Depot, Order, Scenario
from optimizer import plan as planning
from optimizer.figures import Figures
from optimizer.problem import Plan as Solved
from optimizer.problem import Problem, Vehicle
from optimizer.travel import great_circle
from tools import buffers, problems, room
from tools.problems import Ground
from tools.telling import promised_range

NONE = PlanFigures.model_validate(Figures().model_dump() | {"worked_percent": 0})
"""a drive is judged by what was driven"""


@dataclass(frozen=True)
class Yard:
    """A depot's day: its ground and its plan."""

    here: Ground
    vehicles: tuple[Vehicle, ...]
    planned: Mapping[str, tuple[str, ...]]


def made(scenario: Scenario, depot: Depot, known: Collection[str], iterations: int) -> tuple[Yard, Plan]:
    """A depot's plan for the orders that are known in the morning, with the time in hand that the depot plans with."""
    doors: dict[str, list[Order]] = defaultdict(list)
    for order in scenario.orders:
        if order.depot == depot.id and order.ref in known:
            doors[orders.stop_id(depot.id, scenario.day, order.lat, order.lon)].append(order)
    ids = sorted(doors)
    points = (depot.point, *(doors[i][0].point for i in ids))
    t0, matrix = clock.midnight(scenario.day, depot.tz), great_circle(points)
    stops = {i: problems.stop_of(i, row, [_row(scenario, o) for o in doors[i]], t0) for row, i in enumerate(ids, 1)}
    here = Ground(
        depot.id, scenario.day, depot.tz, t0, matrix, depot.point, dict(zip(ids, points[1:], strict=True)), stops,
        {i: tuple(order.ref for order in doors[i]) for i in ids},
    )  # fmt: skip
    vehicles = tuple(_vehicle(row, here) for row in scenario.fleet()["vehicles"] if row["depot"] == depot.id)
    careful = buffers.with_buffers(stops.values(), {}, {}, depot.service_quantile)
    with_room = room.kept(vehicles, careful, room.USUAL_PERCENT)
    problem = Problem(matrix=matrix.hash, stops=careful, vehicles=with_room)
    solved = planning.solve(problem, matrix, seed=scenario.seed, iterations=iterations)
    planned = {route.vehicle_id: route.stop_ids for route in solved.routes}
    return Yard(here, vehicles, planned), _as_told(here, solved)


def _vehicle(row: Mapping[str, Any], here: Ground) -> Vehicle:
    known = fleet.Vehicle.model_validate(row)
    start, end = known.shift_s
    kept = known.model_dump() | {
        "shift_start_s": start, "shift_end_s": end, "weight_g": int(known.weight_kg * 1000),
        "volume_ml": int(known.volume_l * 1000), "co2_g_km": known.co2_g_km, "loading_s": 60 * known.loading_min,
        "breaks": known.breaks_s,
    }  # fmt: skip
    like_stored: Any = SimpleNamespace(**kept)
    return problems.vehicle_of(like_stored, here)


def _row(scenario: Scenario, order: Order) -> Any:
    lo, hi = order.window_start, order.window_end
    windows = [[clock.iso(scenario.at(order.depot, each)) for each in (lo, hi)]] if lo and hi else []
    weight_g = round(1000 * (order.weight_kg or 0))
    return SimpleNamespace(
        windows=windows,
        service_s=order.service_s,
        pieces=order.pieces,
        weight_g=weight_g,
        volume_ml=0,
        priority=1,
        kind="delivery",
        skills=(),
        crew=1,
    )


def _as_told(here: Ground, solved: Solved) -> Plan:
    routes = tuple(
        PlannedRoute(
            vehicle=route.vehicle_id, digest="", distance_m=route.distance_m, driving_s=route.driving_s,
            cost=route.cost, start=here.at(route.start_s), end=here.at(route.end_s), figures=None, breaks=(),
            stops=tuple(
                PlannedStop(
                    stop=v.stop_id, orders=here.orders[v.stop_id], lat=here.points[v.stop_id][0],
                    lon=here.points[v.stop_id][1], arrival=here.at(v.start_s), departure=here.at(v.departure_s),
                )
                for v in route.visits
            ),
        )
        for route in solved.routes
    )  # fmt: skip
    return Plan(
        version=1, digest="", published=True, cost=solved.cost, made_by={}, routes=routes, unassigned=(), figures=NONE
    )  # fmt: skip


def order_rows(scenario: Scenario, plan: Plan) -> Iterator[OrderRow]:
    """The planned orders as the server lists them."""
    arrival = {order: stop.arrival for route in plan.routes for stop in route.stops for order in stop.orders}
    for order in scenario.orders:
        if order.ref in arrival:
            lo, hi = promised_range(_row(scenario, order).windows, arrival[order.ref])
            yield OrderRow(
                id=order.ref, ref=order.ref, client=order.client, person="", depot=order.depot, day=scenario.day,
                status="planned", stop="", place="given", windows=(), kind="delivery", priority="normal",
                pieces=order.pieces, weight_g=0, volume_ml=0, service_s=order.service_s, skills=(), crew=1,
                promise=Promise(lo=lo, hi=hi),
            )  # fmt: skip


def phones(yard: Yard) -> dict[str, DriverRoute]:
    """Van -> its route as its driver's phone shows it in the morning."""
    here = yard.here
    return {
        vehicle.id: DriverRoute(
            vehicle=vehicle.id, day=here.day, departed=False, breaks=(), broken=False, handovers=(),
            hours=DriverHours(worked_s=0, rested_s=0, since_rest_s=0),
            stops=tuple(
                RouteStop(
                    stop=stop, arrival=here.t0, done=False,
                    orders=tuple(RouteOrder(id=order, ref=order, pieces=1) for order in here.orders[stop]),
                    lat=here.points[stop][0], lon=here.points[stop][1], service_s=here.stops[stop].service_s,
                )
                for stop in yard.planned.get(vehicle.id, ())
            ),
        )
        for vehicle in yard.vehicles
    }  # fmt: skip
