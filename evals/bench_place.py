"""How fast an order is on the running plan through the API, applied and durable: a city of 3,000 orders and 120 vans.

`python -m evals.bench_place`. An installation of its own on the real clock, with its engine, worker and database, all
of which go on working meanwhile: arrival ranges are refreshed, and each late order's own case is looked at too.
"""

from __future__ import annotations

import argparse
import time
from random import Random
from typing import Any

import httpx
from rich.console import Console

from core import canonical
from evals.bench_day import HUB, Day, moved, order_row, place, solve, today
from evals.bench_figures import Figure, milliseconds, percentile, show
from evals.bench_house import HOST, House
from evals.client import DoorstepClient
from evals.world import names

STOPS, VANS, LATE = 3000, 120, 150
ITERATIONS = 60_000
PAUSE_S = 0.05
"""between two late orders"""


def city(day: Day, stops: int, vans: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(the fleet, its orders): doors all around the hub, vans that can carry a third more than their share."""
    home, rng = place(HUB), Random("city")
    vehicles = [
        {"id": f"city-{n}", "depot": HUB, "pieces": stops * 4 // vans, "shift_start": f"{day.start:%H:%M}",
         "shift_end": "23:59", "driver": f"driver {n}"} for n in range(vans)
    ]  # fmt: skip
    drivers = [{"id": f"driver {n}", "name": names.person(rng), "phone": names.phone(n)} for n in range(vans)]
    fleet = {"depots": [{"id": HUB, "name": HUB, "lat": home[0], "lon": home[1], "tz": day.tz}]}
    return fleet | {"drivers": drivers, "vehicles": vehicles}, [an_order(rng, n) for n in range(stops)]


def an_order(rng: Random, number: int) -> dict[str, Any]:
    point = moved(place(HUB), abs(rng.gauss(0, 9)), rng.uniform(0, 6.28318))
    return order_row(rng, f"CITY-{number}", number, point, pieces=rng.choice((1, 1, 2, 3)))


def run(stops: int, vans: int, late: int) -> list[Figure]:
    day = today()
    fleet, rows = city(day, stops, vans)
    with House() as house, house.client() as client:
        client.put_fleet(fleet)
        client.import_orders(HUB, day.day, canonical.dumps(rows))
        client.publish(HUB, day.day, solve(client, day, HUB, ITERATIONS))
        at = f"http://{HOST}:{house.port}/api/v1/plans/{HUB}/{day.day.isoformat()}/insertions"
        head = {"Authorization": f"Bearer {house.token}"}
        with httpx.Client(headers=head, timeout=60, trust_env=False) as http:
            _one(client, http, at, day, stops)  # the day is read and held
            took = [_one(client, http, at, day, stops + 1 + n) for n in range(late)]
    done, others = [ms for status, ms in took if status == 200], [s for s, _ in took if s != 200]
    note = f"{len(done)} of {late} put on a van by it" + (f", others answered {sorted(set(others))}" if others else "")
    return [
        Figure(name="insertion through the API, p50", value=milliseconds(percentile(done, 50)), unit="ms", note=note),
        Figure(name="insertion through the API, p95", value=milliseconds(percentile(done, 95)), unit="ms", aim=10),
        Figure(name="insertion through the API, p99", value=milliseconds(percentile(done, 99)), unit="ms"),
    ]


def _one(client: DoorstepClient, http: httpx.Client, at: str, day: Day, number: int) -> tuple[int, float]:
    """Status and seconds of putting one late order on the plan, once it is in."""
    row = an_order(Random(f"late {number}"), number)
    client.import_orders(HUB, day.day, canonical.dumps([row]))
    began = time.perf_counter()
    answer = http.post(at, json={"order": row["ref"]})
    took = time.perf_counter() - began
    time.sleep(PAUSE_S)
    return answer.status_code, took


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.bench_place", description=__doc__)
    parser.add_argument("--stops", type=int, default=STOPS)
    parser.add_argument("--vans", type=int, default=VANS)
    parser.add_argument("--late", type=int, default=LATE)
    asked = parser.parse_args()
    title = f"{asked.stops:,} orders, {asked.vans} vans"
    show(run(asked.stops, asked.vans, asked.late), Console(highlight=False), title)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
