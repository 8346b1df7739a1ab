"""Time in hand for services whose length varies: a plan that takes each at its mean runs late half of the days.

Services are log-normal around what was ordered; how wide is learned by kind of job from what the depot's doors took,
and held near the usual width while little is known. A depot that plans at a quantile above the middle
(`service_quantile`) gives each kind so much of its mean that the share of its services fits; kinds that vary more get
more. Live arrival ranges have their own spread, so a buffer is in the first plan only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from math import exp, log
from statistics import NormalDist
from typing import Any

from sqlalchemy import Connection, func, select

from core.store.tables import event, order
from optimizer.problem import Stop

USUAL_SIGMA = 0.35
"""of the logarithm of service times, while nothing is known"""
COUNTS_AS = 50
"""services that this counts as"""
LOOK_BACK = timedelta(days=60)
SHORTEST_S = 30
"""what took less was tapped afterwards"""


def sigmas(db: Connection, depot_id: str, day: date) -> dict[str, float]:
    """Kind -> spread of its services, from the doors of one order that were served before this day."""
    seen = (
        select(event.c.subject, func.max(event.c.at).label("at"))
        .where(event.c.kind.in_(["driver.delivered", "driver.failed"]))
        .group_by(event.c.subject)
        .subquery()
    )
    came = (
        select(event.c.subject, func.min(event.c.at).label("at"))
        .where(event.c.kind == "driver.arrived")
        .group_by(event.c.subject)
        .subquery()
    )
    alone = select(order.c.stop_id).group_by(order.c.stop_id).having(func.count() == 1)
    query = (
        select(order.c.kind, order.c.service_s, order.c.windows, came.c.at.label("came"), seen.c.at.label("left"))
        .join(seen, seen.c.subject == order.c.id)
        .join(came, came.c.subject == order.c.stop_id)
        .where(order.c.depot_id == depot_id, order.c.day < day, order.c.day >= day - LOOK_BACK)
        .where(order.c.stop_id.in_(alone), order.c.service_s > 0)
        .order_by(order.c.id)
    )
    return spread_of((row.kind, row.service_s, _took_s(row)) for row in db.execute(query) if not row.windows)


def _took_s(row: Any) -> float:
    return float((row.left - row.came).total_seconds())


def spread_of(services: Iterable[tuple[str, int, float]]) -> dict[str, float]:
    """Kind -> sigma of (kind, ordered seconds, seconds that it took), each held to the usual one."""
    logs: dict[str, list[float]] = {}
    for kind, ordered_s, took_s in services:
        if took_s >= SHORTEST_S:
            logs.setdefault(kind, []).append(log(took_s / ordered_s))
    found = {}
    for kind, values in logs.items():
        mean = sum(values) / len(values)
        squares = sum((value - mean) ** 2 for value in values)
        found[kind] = ((squares + COUNTS_AS * USUAL_SIGMA**2) / (len(values) + COUNTS_AS)) ** 0.5
    return found


def percent(sigma: float, quantile: float) -> int:
    """The quantile of a log-normal service in percent of its mean; never less than the mean."""
    return max(100, round(100 * exp(NormalDist().inv_cdf(quantile) * sigma - sigma**2 / 2)))


def with_buffers(
    stops: Iterable[Stop], kinds: Mapping[str, set[str]], known: Mapping[str, float], quantile: float
) -> tuple[Stop, ...]:
    """The stops with the service time that a careful plan gives them; at a door of several kinds the widest counts."""
    found = []
    for stop in stops:
        sigma = max((known.get(kind, USUAL_SIGMA) for kind in kinds.get(stop.id, ())), default=USUAL_SIGMA)
        service_s = stop.service_s * percent(sigma, quantile) // 100
        found.append(stop.model_copy(update={"service_s": service_s}))
    return tuple(found)
