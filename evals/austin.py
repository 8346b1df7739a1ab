"""`python -m evals.austin`: our plans against the sequences that real drivers drove (Amazon Last Mile, Austin, 2021).

The same stops on both sides, and one estimator for both: our calibrated great-circle travel times. How far that is off
is measured on the driven legs, whose minutes and kilometres are in the file, and printed with the result. Two
questions: each route by itself (the same van, the same stops, in which order), and all of them as one problem (the same
number of vans, each from its own station, with no more stops than the longest driven route and no longer day). Driving
only: the file tells of no service times and of no windows.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import BadFile, DoorstepError
from optimizer import plan as planning
from optimizer.problem import Problem, Stop, Vehicle
from optimizer.schedule import Schedule
from optimizer.travel import Matrix, Point, great_circle

STOPS, LEGS = "austin_stops.csv.gz", "austin_legs_in_driven_order.csv.gz"
FOLDER = Path(os.environ.get("DOORSTEP_SHARED_DATA", "../shared/data")) / "routes" / "amazon_last_mile"
USE, AN_HOUR, A_KM = 4000, 2600, 35
"""cents, as the world's vans cost"""
ALL_DAY_S = 24 * 3600
ITERATIONS = 10_000_000
"""more than any time allows: the search ends by its time"""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Driven:
    """A route as it was driven: the station first, then the stops in their order, and back."""

    route: str
    points: tuple[Point, ...]
    km: tuple[float, ...]
    """of the leg that leaves each point"""
    minutes: tuple[float, ...]
    """whole ones in the file"""


@dataclass(frozen=True)
class Side:
    """One way to serve the stops, timed and priced by the estimator."""

    km: float
    hours: float
    cents: int

    def __add__(self, other: Side) -> Side:
        return Side(self.km + other.km, self.hours + other.hours, self.cents + other.cents)


NOTHING = Side(0.0, 0.0, 0)


@dataclass(frozen=True)
class Error:
    """How far the estimator is off on legs whose truth is known."""

    legs: int
    bias: float
    """sum of estimates / sum of truths - 1"""
    median: float
    p90: float
    """of the absolute errors, as shares of the truth"""


def read(folder: Path, most: int) -> list[Driven]:
    """The first routes of the file. Both files must tell of the same stops."""
    legs = _by_route(folder / LEGS, "route", most)
    known = {name: {row["stop"] for row in rows} for name, rows in _by_route(folder / STOPS, "Route_ID", most).items()}
    found = []
    for name, rows in legs.items():
        if known.get(name) != {row["stop"] for row in rows}:
            raise BadFile(f"{STOPS} and {LEGS} have other stops for {name}.", "Take both from one release.")
        found.append(_driven(name, rows))
    return found


def _by_route(path: Path, column: str, most: int) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row[column] not in found and len(found) == most:
                    break
                found.setdefault(row[column], []).append(row)
    except (OSError, KeyError) as error:
        fix = "Name the folder of the routes with --data."
        raise BadFile(f"{path} can't be read: {error}", fix, field="data") from error
    return found


def _driven(name: str, rows: Sequence[dict[str, str]]) -> Driven:
    try:
        return Driven(
            name,
            tuple((float(row["lat"]), float(row["lon"])) for row in rows),
            tuple(float(row["distance_to_next_stop(km)"]) for row in rows),
            tuple(float(row["duration(min)"]) for row in rows),
        )
    except (KeyError, ValueError) as error:
        raise BadFile(f"{LEGS}: a row of {name} is not whole: {error}", "Take it from the release again.") from error


# -- the two sides


def alone(driven: Driven, seconds: float, iterations: int = ITERATIONS) -> tuple[Side, Side, tuple[int, ...]]:
    """(as driven, ours, our order) for one van and its stops. The search does not know what was driven."""
    matrix = great_circle(driven.points)
    vehicle = _van("van", 0)
    problem = Problem(matrix=matrix.hash, stops=_stops(range(1, len(driven.points))), vehicles=(vehicle,))
    found = planning.solve(problem, matrix, iterations=iterations, time_limit_s=seconds)
    order = tuple(int(stop) for stop in found.routes[0].stop_ids)
    as_driven = _side(problem, matrix, vehicle, range(1, len(driven.points)))
    return as_driven, _side(problem, matrix, vehicle, order), order


def together(
    routes: Sequence[Driven], orders: Sequence[Sequence[int]], seconds: float, iterations: int = ITERATIONS
) -> tuple[Side, int]:
    """Ours for all routes as one problem, and how many vans it uses. It starts from our orders of the single routes."""
    points = [point for driven in routes for point in driven.points]
    starts = [sum(len(driven.points) for driven in routes[:n]) for n in range(len(routes))]
    matrix = great_circle(points)
    longest_s = max(round(3600 * _as_driven(driven).hours) for driven in routes)
    most = max(len(driven.points) - 1 for driven in routes)
    vehicles = tuple(_van(f"van{n}", start, longest_s, most) for n, start in enumerate(starts))
    stations = set(starts)
    problem = Problem(
        matrix=matrix.hash,
        stops=_stops(row for row in range(len(points)) if row not in stations),
        vehicles=vehicles,
        routes={
            vehicle.id: tuple(str(start + row) for row in order)
            for vehicle, start, order in zip(vehicles, starts, orders, strict=True)
        },
    )
    found = planning.solve(problem, matrix, iterations=iterations, time_limit_s=seconds)
    if found.unassigned:
        raise BadFile(f"{len(found.unassigned)} stops are on no route.", "Give it more time with -t.")
    sides = [
        _side(problem, matrix, vehicle, [int(stop) for stop in route.stop_ids])
        for vehicle, route in zip(vehicles, found.routes, strict=True)
    ]
    return sum(sides, NOTHING), sum(side.cents > 0 for side in sides)


def _as_driven(driven: Driven) -> Side:
    matrix, vehicle = great_circle(driven.points), _van("van", 0)
    rows = range(1, len(driven.points))
    return _side(Problem(matrix=matrix.hash, stops=_stops(rows), vehicles=(vehicle,)), matrix, vehicle, rows)


def _side(problem: Problem, matrix: Matrix, vehicle: Vehicle, rows: Iterable[int]) -> Side:
    route = Schedule(problem, matrix).route(vehicle, [str(row) for row in rows])
    return Side(route.distance_m / 1000, route.driving_s / 3600, route.cost)


def _stops(rows: Iterable[int]) -> tuple[Stop, ...]:
    return tuple(Stop(id=str(row), location=row, service_s=0) for row in rows)


def _van(name: str, start: int, longest_s: int = ALL_DAY_S, most: int | None = None) -> Vehicle:
    return Vehicle(
        id=name, start=start, end=start, ready_s=0, shift_end_s=longest_s, max_stops=most, fixed_cost=USE,
        cost_per_hour=AN_HOUR, cost_per_km=A_KM,
    )  # fmt: skip


# -- how far the estimator is off


def errors(routes: Sequence[Driven]) -> tuple[Error, Error]:
    """Of kilometres and of minutes, over the driven legs. Minutes are whole in the file: a leg of 0 counts in the bias
    only."""
    km, seconds = [], []
    for driven in routes:
        matrix, order = great_circle(driven.points), [*range(len(driven.points)), 0]
        km += [matrix.distances_m[a, b] / 1000 for a, b in pairwise(order)]
        seconds += [int(matrix.durations_s[a, b]) for a, b in pairwise(order)]
    true_km = np.array([each for driven in routes for each in driven.km])
    true_min = np.array([each for driven in routes for each in driven.minutes])
    return _error(np.array(km), true_km), _error(np.array(seconds) / 60, true_min)


def _error(estimated: Floats, true: Floats) -> Error:
    known = true > 0
    off = np.abs(estimated[known] / true[known] - 1)
    median, p90 = np.quantile(off, [0.5, 0.9])
    return Error(len(true), float(estimated.sum() / true.sum() - 1), float(median), float(p90))


# -- the command


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    try:
        routes = read(asked.data, asked.routes)
        compare(routes, asked.t, asked.iterations)
    except DoorstepError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m evals.austin", description=(__doc__ or "").split("\n\n")[0])
    made.add_argument("--routes", type=int, default=12, help="the first so many of the file")
    made.add_argument(
        "-t", type=float, default=5.0, metavar="SECONDS", help="to search a route; all together get it each"
    )
    made.add_argument("--iterations", type=int, default=ITERATIONS, help="end the search earlier, for the same result")
    made.add_argument("--data", type=Path, default=FOLDER)
    return made


def compare(routes: Sequence[Driven], seconds: float, iterations: int) -> None:
    """Print the comparison."""
    print(f"{'':<20}{'km':>11}{'':>8}{'hours':>10}{'':>7}{'cost':>13}")
    print(f"{'route':<14}{'stops':>6}" + f"{'driven':>11}{'ours':>8}{'driven':>10}{'ours':>7}{'driven':>13}{'ours':>9}")
    all_driven, all_ours, orders, better = NOTHING, NOTHING, [], []
    for driven in routes:
        as_driven, ours, order = alone(driven, seconds, iterations)
        all_driven, all_ours = all_driven + as_driven, all_ours + ours
        orders.append(order)
        better += [driven.route] if as_driven.cents < ours.cents else []
        print(_line(driven.route[-12:], len(driven.points) - 1, as_driven, ours))
    stops = sum(len(driven.points) - 1 for driven in routes)
    print(_line("each alone", stops, all_driven, all_ours) + f"  {all_ours.cents / all_driven.cents - 1:+.1%}")
    one, used = together(routes, orders, seconds * len(routes), iterations)
    print(_line("as one", stops, all_driven, one) + f"  {one.cents / all_driven.cents - 1:+.1%}, {used} vans")
    for what, error in zip(("km", "minutes"), errors(routes), strict=True):
        print(
            f"estimator, {what}, {error.legs} driven legs: bias {error.bias:+.1%}, "
            f"absolute error median {error.median:.0%}, p90 {error.p90:.0%}"
        )
    real = sum(sum(driven.km) for driven in routes), sum(sum(driven.minutes) for driven in routes) / 60
    print(f"in truth the driven sequences took {real[0]:.0f} km and {real[1]:.1f} h (minutes are whole in the file)")
    print(
        f"the driven sequence is better on {len(better)}: {', '.join(name[-12:] for name in islice(better, 20)) or '-'}"
    )


def _line(name: str, stops: int, driven: Side, ours: Side) -> str:
    return (
        f"{name:<14}{stops:>6}{driven.km:>11.1f}{ours.km:>8.1f}{driven.hours:>10.2f}{ours.hours:>7.2f}"
        f"{driven.cents / 100:>13.2f}{ours.cents / 100:>9.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
