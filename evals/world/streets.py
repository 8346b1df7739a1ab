"""How long a drive truly takes. The server doesn't know these numbers; it only sees vans arrive.

Pure: a leg's time depends on the seed, the van, the two doors, when it leaves and the slow zones, and on nothing that
was asked before. Times are seconds since the epoch; distances are metres.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from evals.world import chance
from evals.world.scenario import Matrix, Point, Scenario

EARTH_M = 6_371_008.8
DETOUR = 1.36
"""road / straight line, median of 17,000 real legs"""
SIGMA = 0.15
SLOWNESS = (
    *(0.72,) * 6,  # 0-5: empty streets
    *(0.83, 0.99, 1.17, 1.05),  # 6-9: the morning peak
    *(0.96,) * 6,  # 10-15
    *(1.07, 1.23, 1.12),  # 16-18: the evening peak
    *(0.92,) * 3,  # 19-21
    *(0.76,) * 2,
)
"""times the usual drive, by local hour"""
FIXED_S = 3.5
PARTS_KMH = ((0.0, 23.7), (1.0, 45.0), (8.0, 70.0))
"""(from this kilometre of a leg on, km/h): short legs are slower, as on driven legs (`python -m evals.travel_fit`)"""
SHORTEST_S = 15


@dataclass(frozen=True)
class SlowZone:
    """Roadworks, a match, water on the road: everything that touches the circle between the two times is slower."""

    middle: Point
    radius_m: int
    begins: int
    ends: int
    factor: float

    def touches(self, a: Point, b: Point, at: int) -> bool:
        if not self.begins <= at < self.ends:
            return False
        midway = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
        return any(metres(self.middle, point) <= self.radius_m for point in (a, midway, b))


@dataclass(frozen=True)
class Streets:
    seed: int
    zones: Sequence[SlowZone] = ()
    matrices: Mapping[str, Table] | None = None

    @classmethod
    def of(cls, scenario: Scenario, zones: Sequence[SlowZone] = ()) -> Streets:
        return cls(scenario.seed, zones, {depot: Table.of(matrix) for depot, matrix in scenario.matrices.items()})

    def leg_s(self, van: str, depot: str, tz: str, a: Point, b: Point, at: int) -> int:
        """Seconds from a to b for this van, leaving at `at`."""
        if a == b:
            return 0
        table = (self.matrices or {}).get(depot)
        plain = table.seconds(a, b) if table else None
        if plain is None:
            plain = drive_s(metres(a, b), datetime.fromtimestamp(at, ZoneInfo(tz)).hour)
        luck = chance.noise(SIGMA, self.seed, "leg", van, a, b)
        return max(round(plain * luck * self.slowness(a, b, at)), SHORTEST_S)

    def slowness(self, a: Point, b: Point, at: int) -> float:
        return max((zone.factor for zone in self.zones if zone.touches(a, b, at)), default=1.0)


@dataclass(frozen=True)
class Table:
    """A depot's own matrix, looked up by place."""

    matrix: Matrix
    row_of: Mapping[Point, int]

    @classmethod
    def of(cls, matrix: Matrix) -> Table:
        return cls(matrix, {point: row for row, point in enumerate(matrix.locations)})

    def seconds(self, a: Point, b: Point) -> float | None:
        row, column = self.row_of.get(a), self.row_of.get(b)
        if row is None or column is None:
            return None
        return float(self.matrix.durations_s[row][column])


def drive_s(straight_m: float, hour: int) -> float:
    """Seconds for a leg of so many straight-line metres on a plain day."""
    km, usual_s = straight_m * DETOUR / 1000, FIXED_S
    for at, (edge, kmh) in enumerate(PARTS_KMH):
        until = PARTS_KMH[at + 1][0] if at + 1 < len(PARTS_KMH) else math.inf
        usual_s += min(max(km - edge, 0.0), until - edge) / kmh * 3600
    return usual_s * SLOWNESS[hour]


def metres(a: Point, b: Point) -> float:
    """Great-circle distance."""
    lat_a, lat_b = math.radians(a[0]), math.radians(b[0])
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b[1] - a[1]) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def heading(a: Point, b: Point) -> int:
    """Degrees clockwise from north."""
    east = (b[1] - a[1]) * math.cos(math.radians(a[0]))
    return round(math.degrees(math.atan2(east, b[0] - a[0]))) % 360
