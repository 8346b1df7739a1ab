"""The two older text formats: Solomon's and Homberger's for time windows, Li's and Lim's for pickup and delivery.

Both are read in the 12th DIMACS challenge's convention: lengths, windows and services ten times, lengths cut off.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.errors import BadFile
from evals.instances.instance import UNSERVED, Instance, dimacs, matrix_of, problem_of, van
from optimizer.problem import Stop

SCALE = 10


def solomon(path: Path) -> Instance:
    """Number, capacity; then customer, x, y, demand, ready, due, service: the first one is the depot."""
    rows = _rows(path)
    fleet = next((row for row in rows if len(row) == 2), None)
    places = [row for row in rows if len(row) == 7]
    if fleet is None or len(places) < 2:
        raise BadFile(f"{path.name} is no instance of Solomon's format.", "Give the file as published.", field="file")
    matrix = matrix_of(np.array([row[1:3] for row in places], dtype=np.float64), dimacs)
    stops = [
        Stop(
            id=str(row[0]), location=at, service_s=SCALE * row[6], windows=((SCALE * row[4], SCALE * row[5]),),
            demand=(row[3],), drop_penalty=UNSERVED,
        )
        for at, row in enumerate(places) if at
    ]  # fmt: skip
    opens, closes = SCALE * places[0][4], SCALE * places[0][5]
    vans = [van(f"v{n}", fleet[1], opens, closes) for n in range(1, fleet[0] + 1)]
    return Instance(path.stem, "vrptw", problem_of(matrix, stops, vans), matrix, SCALE)


def lilim(path: Path) -> Instance:
    """Number, capacity, speed; then task, x, y, demand, ready, due, service, its pickup, its delivery (0: none)."""
    rows = _rows(path)
    places = [row for row in rows if len(row) == 9]
    if len(rows[0]) != 3 or len(places) < 2:
        raise BadFile(f"{path.name} is no instance of Li's and Lim's.", "Give the file as published.", field="file")
    matrix = matrix_of(np.array([row[1:3] for row in places], dtype=np.float64), dimacs)
    stops = []
    for at, row in enumerate(places[1:], 1):
        amount = (abs(row[3]),)
        fetched = {"pickup": amount} if row[8] else {"demand": amount, "after": str(row[7])}
        stops.append(
            Stop(
                id=str(row[0]), location=at, service_s=SCALE * row[6], windows=((SCALE * row[4], SCALE * row[5]),),
                drop_penalty=UNSERVED, **fetched,
            )
        )  # fmt: skip
    opens, closes = SCALE * places[0][4], SCALE * places[0][5]
    vans = [van(f"v{n}", rows[0][1], opens, closes) for n in range(1, rows[0][0] + 1)]
    return Instance(path.stem, "pdptw", problem_of(matrix, stops, vans), matrix, SCALE)


def _rows(path: Path) -> list[list[int]]:
    """Lines of whole numbers; titles and headings are not."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        words = line.split()
        try:
            found.append([int(word) for word in words])
        except ValueError:
            continue
    return [row for row in found if row]
