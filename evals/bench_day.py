"""The day that the bench measures: 300 orders for 14 vans that are planned over and over, and 150 vans on the road.

Each van on the road has ten stops in a line that leads away from its depot, an hour's drive off, so that a plan is sure
to visit them in that order. The first stop of each has a window that leaves some minutes: when the van turns up
far from where it should be, that stop, and no other one, is going to be late.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from core import canonical
from core.errors import BadInput, Unavailable
from evals.client import DoorstepClient
from evals.wire import Plan
from evals.world import names
from optimizer import travel

Point = tuple[float, float]

YARDS = ("yard-1", "yard-2", "yard-3")
VANS_A_YARD = 50
STOPS_A_VAN = 10
HUB = "hub"
HUB_ORDERS, HUB_VANS = 300, 14
FIRST_KM, STEP_KM = 40.0, 0.8
KM_A_DEGREE = 111.2
SLACK = timedelta(minutes=8)
"""how much later than expected the first stop of a van may be reached"""
NOON_ISH = 11
"""local hour at which the bench runs wherever it is: nobody is told anything at night"""
ROAD_ITERATIONS = 20_000
PATIENCE_S = 240.0


@dataclass(frozen=True)
class Van:
    """A van on the road, as who sends its positions knows it."""

    id: str
    depot: Point
    first: Point
    first_stop: str
    leg_s: int
    """to the first stop"""


@dataclass(frozen=True)
class Day:
    tz: str
    day: date
    start: datetime
    """when the shifts begin, a whole minute"""


def today(now: datetime | None = None) -> Day:
    """Today in a zone where it is late morning."""
    utc = (now or datetime.now(UTC)).astimezone(UTC)
    ahead = NOON_ISH - utc.hour
    tz = f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"  # its signs are those of POSIX: west counts up
    local = utc.astimezone(ZoneInfo(tz))
    return Day(tz=tz, day=local.date(), start=local.replace(second=0, microsecond=0) + timedelta(minutes=2))


def moved(point: Point, km: float, bearing: float) -> Point:
    lat = point[0] + km * math.cos(bearing) / KM_A_DEGREE
    lon = point[1] + km * math.sin(bearing) / (KM_A_DEGREE * math.cos(math.radians(point[0])))
    return round(lat, 5), round(lon, 5)


def place(depot: str) -> Point:
    return (41.0, -93.0 + 4.0 * [HUB, *YARDS].index(depot))


def bearing(nth: int) -> float:
    return 2 * math.pi * nth / VANS_A_YARD


def fleet(day: Day) -> dict[str, Any]:
    """Depots, drivers and vehicles as PUT /api/fleet wants them."""
    depots = [
        {"id": d, "name": d, "lat": place(d)[0], "lon": place(d)[1], "tz": day.tz} for d in (HUB, *YARDS)
    ]  # fmt: skip
    shift = {"shift_start": f"{day.start:%H:%M}", "shift_end": "23:59"}
    vehicles: list[dict[str, Any]] = [
        {"id": f"{HUB}-van-{n + 1}", "depot": HUB, "pieces": 60, "shift_start": "07:30", "shift_end": "17:30"}
        for n in range(HUB_VANS)
    ]
    vehicles += [
        {"id": f"{yard}-van-{n + 1}", "depot": yard, "pieces": STOPS_A_VAN, "ends_at_depot": False, **shift}
        for yard in YARDS
        for n in range(VANS_A_YARD)
    ]
    vehicles = [each | {"driver": f"driver of {each['id']}"} for each in vehicles]
    rng = Random("drivers")
    drivers = [
        {"id": each["driver"], "name": names.person(rng), "phone": names.phone(10_000 + n)}
        for n, each in enumerate(vehicles)
    ]
    return {"depots": depots, "drivers": drivers, "vehicles": vehicles}


def hub_orders(seed: int = 7) -> list[dict[str, Any]]:
    """300 doors around the hub, a fifth of them with a window of two hours."""
    rng = Random(f"hub {seed}")
    rows = []
    for n in range(HUB_ORDERS):
        opens = rng.choice((9, 10, 11, 12, 13, 14)) if rng.random() < 0.2 else None
        point = moved(place(HUB), abs(rng.gauss(0, 5)), rng.uniform(0, 2 * math.pi))
        window = {} if opens is None else {"window_start": f"{opens:02d}:00", "window_end": f"{opens + 2:02d}:00"}
        rows.append(order_row(rng, f"HUB-{n + 1}", n, point, pieces=rng.choice((1, 1, 2, 3)), **window))
    return rows


def yard_orders(yard: str, day: Day) -> list[dict[str, Any]]:
    """Ten orders a van, in a line that leads away from the yard."""
    rng, rows = Random(yard), []
    home, base = place(yard), HUB_ORDERS + 1000 * (1 + YARDS.index(yard))
    for van in range(VANS_A_YARD):
        for nth in range(STOPS_A_VAN):
            point = moved(home, FIRST_KM + STEP_KM * nth, bearing(van))
            window: dict[str, str] = {}
            if nth == 0:
                last = day.start + timedelta(seconds=leg_s(home, point)) + SLACK
                window = {"window_start": f"{day.start:%H:%M}", "window_end": f"{last:%H:%M}"}
            ref, phone = f"{yard}-{van + 1}-{nth + 1}".upper(), base + van * STOPS_A_VAN + nth
            rows.append(order_row(rng, ref, phone, point, pieces=1, **window))
    return rows


def order_row(rng: Random, ref: str, phone: int, point: Point, pieces: int, **window: str) -> dict[str, Any]:
    return {
        "ref": ref, "client": "bench", "name": names.person(rng), "phone": names.phone(phone),
        "address": f"{1 + phone % 180} {names.street(rng)}", "lat": point[0], "lon": point[1],
        "service_min": 3, "pieces": pieces, "weight_kg": 5, **window,
    }  # fmt: skip


def leg_s(a: Point, b: Point) -> int:
    return travel.leg_s(travel.leg_m(a, b))


# Putting it on the road -----------------------------------------------------------------------------------------------


def bring(client: DoorstepClient, day: Day) -> None:
    taken = client.put_fleet(fleet(day))
    loads = {HUB: hub_orders(), **{yard: yard_orders(yard, day) for yard in YARDS}}
    bad = [row.reason for row in taken.rejected]
    for depot, rows in loads.items():
        bad += [row.reason for row in client.import_orders(depot, day.day, canonical.dumps(rows)).rejected]
    if bad:
        raise BadInput(f"{len(bad)} rows of the bench's own day were refused: {bad[0]}", "Correct the bench.")


def solve(client: DoorstepClient, day: Day, depot: str, iterations: int, seed: int = 1) -> int:
    """Plan a depot; returns the draft's version."""
    run = client.start_plan(depot, day.day, iterations, seed)
    until = time.monotonic() + PATIENCE_S
    while (state := client.plan_run(run)).status in ("queued", "running"):
        if time.monotonic() > until:
            raise Unavailable(f"The plan of {depot} took longer than {PATIENCE_S:g} s.", "See the bench's log.")
        time.sleep(0.2)
    if state.version is None:
        raise Unavailable(f"The plan of {depot} failed: {state.error}", "See the bench's log.")
    return state.version


def send_out(client: DoorstepClient, day: Day) -> list[Van]:
    """Plan and publish each yard, load its vans and let them leave. Returns the vans whose first stop has the window
    that makes it late when they stray."""
    found: list[Van] = []
    for yard in YARDS:
        version = solve(client, day, yard, ROAD_ITERATIONS)
        client.publish(yard, day.day, version)
        plan = client.plan(yard, day.day)
        refused = [r for r in client.send_events(list(_taps(plan, yard))) if r.result != "accepted"]
        if refused:
            raise BadInput(f"{len(refused)} taps were refused: {refused[0].reason}", "Correct the bench.")
        found += _vans(plan, yard)
    return found


def _taps(plan: Plan, yard: str) -> Iterator[dict[str, Any]]:
    at = datetime.now(UTC).isoformat()
    for route in plan.routes:
        tap = {"at": at, "vehicle": route.vehicle}
        orders = [order for stop in route.stops for order in stop.orders]
        yield tap | {"key": f"{route.vehicle}:loaded", "kind": "driver.loaded", "data": {"orders": orders}}
        yield tap | {"key": f"{route.vehicle}:departed", "kind": "driver.departed"}


def _vans(plan: Plan, yard: str) -> Iterator[Van]:
    home = place(yard)
    tight = {moved(home, FIRST_KM, bearing(van)) for van in range(VANS_A_YARD)}
    for route in plan.routes:
        first = route.stops[0] if route.stops else None
        if first is not None and first.lat is not None and first.lon is not None and (first.lat, first.lon) in tight:
            point = (first.lat, first.lon)
            yield Van(route.vehicle, home, point, first.stop, leg_s(home, point))


def customers(client: DoorstepClient, day: Day, vans: Sequence[Van], count: int) -> list[str]:
    """Tokens of customers who wait for something that is on a van, and not at the first stop of one."""
    firsts = {van.first_stop for van in vans}
    rows = [row for yard in YARDS for row in client.orders(yard, day.day) if row.stop not in firsts]
    some = Random("customers").sample(rows, min(count, len(rows)))
    return [client.token("customer", row.person) for row in some]
