"""`python -m evals.travel_fit`: how the constants of `optimizer.travel` were found, and how far they are off.

Driving time as a fixed part and a pace by the part of the leg: the first kilometre through side streets, up to the
eighth on main roads, the rest faster. Two sources, neither of them the routes that `evals.austin` judges by:

- the legs that real drivers drove on ten routes of five cities, with the travel times of their own matrices (Amazon
  Last Mile 2021): working hours in large cities, traffic included. Only driven legs count: over all pairs of a matrix
  a leg of 300 m takes half as long again, since drivers go on to the doors that are near by road, and so do plans;
- tours from door to nearest door over an OpenStreetMap extract of a smaller place (`evals.osm`): free roads, without
  traffic.

Each is fitted so that its sum is met exactly (least squares with weights 1 / expected, repeated until they settle); the
estimator is the geometric mean of both, between a large city at work and an empty small one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import BadFile, DoorstepError
from evals import austin, osm
from optimizer.travel import DETOUR, FIXED_S, PARTS, leg_s

SHARED = Path(os.environ.get("DOORSTEP_SHARED_DATA", "../shared/data"))
TOURS, DOORS, AROUND_M, SEED = 25, 100, 2000, 1
AT_KM = (0.03, 0.07, 0.15, 0.3, 0.6, 1.2, 2.4, 5, 8, 12, 20, 35)
"""legs for which the two are averaged"""

Floats = NDArray[np.float64]
Legs = tuple[Floats, Floats]
"""road kilometres, seconds"""


def driven(folder: Path) -> Legs:
    """The legs of the ten routes in the order they were driven, station to station."""
    try:
        routes, times, orders = (
            json.loads(gzip.decompress((folder / f"{name}.json.gz").read_bytes()))
            for name in ("route_data", "travel_times", "actual_sequences")
        )
    except (OSError, ValueError) as error:
        raise BadFile(f"{folder} can't be read: {error}", "Name the shared data with --data.", field="data") from error
    km, seconds = [], []
    for name, route in routes.items():
        order = orders[name]["actual"]
        stops = sorted(route["stops"], key=lambda stop: int(order[stop]))
        places = {stop: (route["stops"][stop]["lat"], route["stops"][stop]["lng"]) for stop in stops}
        for a, b in pairwise([*stops, stops[0]]):
            km.append(osm.straight_m(places[a], places[b]) * DETOUR / 1000)
            seconds.append(times[name][a][b])
    return np.array(km), np.array(seconds)


def toured(roads: osm.Roads, seed: int = SEED) -> Legs:
    """Tours from a random station: always on to the door that is nearest by road, and back."""
    draw, nodes = random.Random(seed), sorted(roads.places)
    km, seconds = [], []
    for _ in range(TOURS):
        station, middle = draw.choice(nodes), roads.places[draw.choice(nodes)]
        near = [node for node in nodes if osm.straight_m(middle, roads.places[node]) < AROUND_M]
        left, here = set(draw.sample(near, min(DOORS, len(near)))), station
        while here != station or left:
            goals = left or {station}
            here, took_s, metres = next(row for row in roads.reach(here) if row[0] in goals)
            left.discard(here)
            km.append(metres / 1000)
            seconds.append(took_s)
    return np.array(km), np.array(seconds)


def fit(legs: Legs, edges: Sequence[float]) -> Floats:
    """Seconds of the fixed part, then a kilometre of each part."""
    km, seconds = legs
    table, expected = _parts(km, edges), np.maximum(seconds, 10.0)
    found: Floats = np.zeros(len(edges) + 1)
    for _ in range(30):
        weight = 1 / np.sqrt(expected)
        found[:] = np.linalg.lstsq(table * weight[:, None], seconds * weight, rcond=None)[0]
        expected = np.maximum(table @ found, 5.0)
    return found


def _parts(km: Floats, edges: Sequence[float]) -> Floats:
    until = [*edges[1:], np.inf]
    return np.stack([np.ones_like(km), *(np.clip(km - a, 0, b - a) for a, b in zip(edges, until, strict=True))], axis=1)


def between(one: Floats, other: Floats, edges: Sequence[float]) -> Floats:
    """The geometric mean of two fits."""
    at = np.array(AT_KM)
    table = _parts(at, edges)
    return fit((at, np.sqrt(table @ one * (table @ other))), edges)


def main(argv: Sequence[str] | None = None) -> int:
    made = argparse.ArgumentParser(prog="python -m evals.travel_fit", description=(__doc__ or "").split("\n\n")[0])
    made.add_argument("--data", type=Path, default=SHARED)
    asked = made.parse_args(argv)
    try:
        show(asked.data)
    except DoorstepError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def show(data: Path) -> None:
    """Print both fits, their mean, and the error of what `optimizer.travel` holds."""
    edges = [edge for edge, _ in PARTS]
    sources = {
        "driven legs of ten routes": driven(data / "routes" / "amazon_last_mile"),
        "tours on free roads": toured(osm.read(data / "osm" / "harrisburg.osm.pbf")),
    }
    fits = {name: fit(legs, edges) for name, legs in sources.items()}
    one, other = fits.values()
    for name, found in [*fits.items(), ("between them", between(one, other, edges))]:
        _say(name, found[0], [3600 / pace for pace in found[1:]], edges)
    _say("optimizer.travel", FIXED_S, [kmh for _, kmh in PARTS], edges)
    for name, (km, seconds) in sources.items():
        estimated = sum(leg_s(round(each * 1000)) for each in km)
        print(f"{name:<26} {len(km)} legs: bias {estimated / seconds.sum() - 1:+.1%}")
    for what, error in zip(("km", "minutes"), austin.errors(austin.read(austin.FOLDER, 10**6)), strict=True):
        print(f"{'held out: all of Austin':<26} {error.legs} legs: {what}, bias {error.bias:+.1%}")


def _say(name: str, fixed_s: float, speeds: Sequence[float], edges: Sequence[float]) -> None:
    parts = ", ".join(f"{kmh:.1f} km/h from km {edge:g}" for kmh, edge in zip(speeds, edges, strict=True))
    print(f"{name:<26} {fixed_s:5.1f} s a leg, {parts}")


if __name__ == "__main__":
    sys.exit(main())
