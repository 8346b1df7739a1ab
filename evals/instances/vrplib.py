"""VRPLIB files: CVRPLIB's own, and the dialect in which PyVRP's collection writes mixed fleets, several depots, time
windows and optional stops. Solutions (`.sol`) too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import numpy as np

from core.errors import BadFile
from evals.instances.instance import (
    BY_LENGTH,
    FOREVER,
    UNSERVED,
    Instance,
    Rounding,
    dimacs,
    matrix_of,
    problem_of,
    rounded,
    thousandth,
    van,
)
from optimizer.problem import Stop, Vehicle

CONVENTIONS: Mapping[str, tuple[Rounding, int]] = {
    "CVRP": (rounded, 1),
    "VRPTW": (dimacs, 10),
    "PCVRPTW": (dimacs, 10),
    "HFVRP": (thousandth, 1000),
    "MDVRPTW": (thousandth, 1000),
}
"""type -> how its lengths become whole numbers, and times what"""


@dataclass
class Sections:
    """A file, taken apart: `NAME : value` lines, and sections of numbers."""

    said: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, list[list[float]]] = field(default_factory=dict)

    def by_row(self, name: str, rows: int) -> list[list[float]] | None:
        """A section with a row a place or vehicle, without the row's number."""
        found = self.numbers.get(name)
        if found is not None and len(found) != rows:
            raise BadFile(
                f"{name} has {len(found)} rows, {rows} are needed.", "Give the file as published.", field=name
            )
        return None if found is None else [row[1:] for row in found]


def sections(text: str) -> Sections:
    found, at = Sections(), ""
    for line in text.splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if not line.strip() or line.strip() == "EOF":
            continue
        if name.endswith("_SECTION"):
            at = name
            found.numbers[at] = []
        elif value:
            found.said[name] = value.strip('" \t')
        elif at:
            found.numbers[at].append([float(word) for word in line.split()])
    return found


def read(path: Path) -> Instance:
    given = sections(path.read_text("utf-8"))
    kind = given.said.get("TYPE", "")
    if kind not in CONVENTIONS:
        raise BadFile(f"{path.name} is of type {kind!r}.", f"Read are {', '.join(CONVENTIONS)}.", field="TYPE")
    rounding, scale = CONVENTIONS[kind]
    size = int(given.said["DIMENSION"])
    points = given.by_row("NODE_COORD_SECTION", size)
    depots = [int(row[0]) - 1 for row in given.numbers["DEPOT_SECTION"] if row[0] > 0]
    if points is None or depots != list(range(len(depots))):
        raise BadFile(f"{path.name} has no places, or its depots are not first.", "Check it.", field="DEPOT_SECTION")
    matrix = matrix_of(np.array(points), rounding)
    stops = _stops(given, size, len(depots), scale)
    return Instance(path.stem, kind.lower(), problem_of(matrix, stops, _vans(given, size, scale)), matrix, scale)


def _stops(given: Sections, size: int, depots: int, scale: int) -> list[Stop]:
    demands = given.by_row("DEMAND_SECTION", size) or [[0.0]] * size
    windows = given.by_row("TIME_WINDOW_SECTION", size)
    prizes = given.by_row("PRIZE_SECTION", size)
    services = given.by_row("SERVICE_TIME_SECTION", size) or [[float(given.said.get("SERVICE_TIME", 0))]] * size
    return [
        Stop(
            id=str(at), location=at, service_s=round(scale * services[at][0]), demand=(int(demands[at][0]),),
            windows=((round(scale * windows[at][0]), round(scale * windows[at][1])),) if windows else (),
            drop_penalty=round(scale * prizes[at][0]) if prizes else UNSERVED,
        )
        for at in range(depots, size)
    ]  # fmt: skip


def _vans(given: Sections, size: int, scale: int) -> list[Vehicle]:
    """As many as the file says; of a file that does not say, half as many again as the demand fills, and ten."""
    count = int(given.said.get("VEHICLES", 0)) or _enough(given)
    windows = given.by_row("TIME_WINDOW_SECTION", size)
    rooms = given.by_row("CAPACITY_SECTION", count) or [[float(given.said["CAPACITY"])]] * count
    rates = given.by_row("VEHICLES_UNIT_DISTANCE_COST_SECTION", count) or [[1.0]] * count
    fixed = given.by_row("VEHICLES_FIXED_COST_SECTION", count) or [[0.0]] * count
    per_cent = 100 if given.said["TYPE"] == "HFVRP" else 1  # its costs are written in hundredths
    starts = given.by_row("VEHICLES_DEPOT_SECTION", count) or [[1.0]] * count
    longest = given.said.get("VEHICLES_MAX_DURATION")
    made = []
    for n in range(count):
        start = int(starts[n][0]) - 1
        opens, closes = (round(scale * edge) for edge in windows[start]) if windows else (0, FOREVER)
        more = {"max_route_s": round(scale * float(longest))} if longest else {}
        rate, use = (share * figure[n][0] for share, figure in ((BY_LENGTH, rates), (scale, fixed)))
        whole = {"cost_per_km": round(rate / per_cent), "fixed_cost": round(use / per_cent)}
        made.append(van(f"v{n + 1}", int(rooms[n][0]), opens, closes, start=start, **whole, **more))
    return made


def _enough(given: Sections) -> int:
    needed = sum(row[1] for row in given.numbers["DEMAND_SECTION"]) / float(given.said["CAPACITY"])
    return ceil(1.5 * needed) + 10


def solution(text: str) -> tuple[list[list[int]], float]:
    """Routes by the rows of their stops, each vehicle's in its place, and the cost that the file says."""
    routes: list[list[int]] = []
    cost = 0.0
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.startswith("Route"):
            routes.append([int(word) for word in value.split()])
        elif line.lower().startswith("cost"):
            cost = float(line.lower().removeprefix("cost").strip(": \t"))
    return routes, cost


def routed(instance: Instance, routes: Sequence[Sequence[int]]) -> dict[str, tuple[str, ...]]:
    """A solution's routes by our vehicles."""
    vans = [vehicle.id for vehicle in instance.problem.vehicles]
    return {van: tuple(str(row) for row in rows) for van, rows in zip(vans, routes, strict=False) if rows}
