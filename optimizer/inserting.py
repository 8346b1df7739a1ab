"""One more stop on a plan that is held in memory: where it may go, as a question small enough to keep with a decision.

A resident plan looks at every position of every van and names the cheapest vans. The question that is then decided, and
that a replay repeats, is cut out of the day around them: those vans with their whole lists, the stop, and the travel
times between these places. What one more stop costs on a van depends on nothing else, so the same kernel finds the same
places, at the same prices, in what was cut out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from core.errors import BadInput
from optimizer.native.resident import Place, Resident
from optimizer.options import Candidate, Kind, Scope
from optimizer.problem import Problem, Stop, Vehicle
from optimizer.travel import Matrix, Point, legs_from

PLAIN: tuple[Kind, Kind] = ("wait", "postpone")


class Roomy:
    """Travel times with room for places that come while the day runs. A new place's legs are estimated by the great
    circle, both ways alike, as `travel.widened` does; what was known stays as it is."""

    def __init__(self, matrix: Matrix, points: Sequence[Point], room: int) -> None:
        self.points, self._most = list(points), len(points) + room
        durations, distances = np.zeros((2, self._most, self._most), np.int32)
        known = slice(0, len(points))
        durations[known, known], distances[known, known] = matrix.durations_s, matrix.distances_m
        self._tables = durations, distances
        self._row = {point: row for row, point in reversed(list(enumerate(self.points)))}
        self.matrix = Matrix(durations, distances, f"{matrix.provider}+room")
        """read-only views of the same numbers: they see a new place at once"""

    def row_of(self, place: Point) -> int:
        """The row of a place, a new one for one that is not known. Raises BadInput when there is no room left."""
        if place in self._row:
            return self._row[place]
        row = len(self.points)
        if row == self._most:
            raise BadInput("There is no room for another place.", "Read the day anew.", field="place")
        for table, legs in zip(self._tables, legs_from(place, self.points), strict=True):
            table[row, :row], table[:row, row] = legs[0], legs[0]
        self.points.append(place)
        self._row[place] = row
        return row


def cut_out(
    problem: Problem, matrix: Matrix, vehicles: Sequence[Vehicle], routes: Mapping[str, tuple[str, ...]],
    stops: Mapping[str, Stop], *asked: Stop,
) -> tuple[Problem, Matrix]:  # fmt: skip
    """The day around some of its vans and the stops that are asked about, and the travel times between their places."""
    held = [stops[stop_id] for vehicle in vehicles for stop_id in routes.get(vehicle.id, ())]
    rows = sorted({each.location for each in (*held, *asked)}
                  | {row for v in vehicles for row in (v.start, v.end) if row is not None})  # fmt: skip
    number, square = {row: n for n, row in enumerate(rows)}, np.ix_(rows, rows)
    small = Matrix(matrix.durations_s[square], matrix.distances_m[square], matrix.provider)
    moved = tuple(
        v.model_copy(update={"start": number[v.start], "end": None if v.end is None else number[v.end]})
        for v in vehicles
    )
    there = tuple(s.model_copy(update={"location": number[s.location]}) for s in (*held, *asked))
    return Problem(
        matrix=small.hash, stops=there, vehicles=moved, routes={v.id: routes.get(v.id, ()) for v in vehicles},
        now_s=problem.now_s, weights=problem.weights,
    ), small  # fmt: skip


def of_places(stop_id: str, places: Sequence[Place], kinds: Collection[str], scope: Scope) -> tuple[Candidate, ...]:
    """What can be tried with a stop that no van has: nothing, one of the places, another day."""
    put = [
        Candidate(kind="reassign", stop_id=stop_id, scope=scope, vehicle_id=place.vehicle_id, position=place.position)
        for place in places
    ]
    wait, postpone = (Candidate(kind=kind, stop_id=stop_id, scope=scope) for kind in PLAIN)
    return tuple(each for each in (wait, *put, postpone) if each.kind in kinds)


def candidates(
    problem: Problem, matrix: Matrix, stop_id: str, kinds: Collection[str], scope: Scope
) -> tuple[Candidate, ...]:
    """The same, found anew in what was cut out."""
    return of_places(stop_id, Resident(problem, matrix).places(problem.stop(stop_id)), kinds, scope)
