"""When a van will be at its next stops: the expected start of service and a range that holds four times in five.

sigma^2 = 90^2 + sum of (0.25 leg)^2 + sum of (0.45 service)^2 over what lies before the stop, in seconds: each leg and
each service is off by its share, independently, and nothing is known better than to 90 s. Waiting for a window swallows
what is early and hands on only what can still be late. Integers, so that a promise made from a range can be replayed.
"""

from __future__ import annotations

from math import isqrt

from optimizer.problem import Frozen, Problem
from optimizer.schedule import Schedule, start_of_service
from optimizer.travel import Matrix

LEG_SPREAD_PERCENT = 25
SERVICE_SPREAD_PERCENT = 45
FLOOR_S = 90
Z_80 = 12_816
"""ten-thousandths: half of an 80 % range is 1.2816 standard deviations"""


class Eta(Frozen):
    """Start of service, seconds since t0. lo <= p50 <= hi."""

    stop_id: str
    p50_s: int
    lo_s: int
    hi_s: int


def predict(problem: Problem, matrix: Matrix, vehicle_id: str, schedule: Schedule | None = None) -> tuple[Eta, ...]:
    """For every stop of the vehicle's present route, from `ready_s` on; nothing starts before `now_s`. Who asks for
    many vehicles of one problem brings its schedule."""
    schedule, vehicle = schedule or Schedule(problem, matrix), problem.vehicle(vehicle_id)
    found: list[Eta] = []
    free_s, variance = vehicle.ready_s, (100 * FLOOR_S) ** 2
    for stop_id, planned, start, departure, _ in schedule.timing(vehicle, problem.routes.get(vehicle_id, ())).visits:
        stop = schedule.stops[stop_id]
        variance += _squared(LEG_SPREAD_PERCENT, planned - free_s)
        half = isqrt(variance) * Z_80 // 1_000_000
        p50 = max(start, problem.now_s)
        lo = min(p50, start_of_service(stop, max(problem.now_s, planned - half)))
        hi = max(p50, start_of_service(stop, planned + half))
        found.append(Eta(stop_id=stop_id, p50_s=p50, lo_s=lo, hi_s=hi))
        if start > planned:
            variance = min(variance, ((hi - p50) * 1_000_000 // Z_80) ** 2)
        variance += _squared(SERVICE_SPREAD_PERCENT, stop.service_s)
        free_s = departure
    return tuple(found)


def _squared(percent: int, seconds: int) -> int:
    """Variance of a time that is off by so many percent, in hundredths of a second, squared."""
    return (percent * seconds) ** 2
