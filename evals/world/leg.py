"""Where a van is between two places, when."""

from __future__ import annotations

from dataclasses import dataclass

from evals.wire import RouteStop
from evals.world.scenario import Point, rounded
from evals.world.streets import DETOUR, metres


@dataclass
class Leg:
    """A drive; before it begins the van is at `a`, after it ends at `b`."""

    a: Point
    b: Point
    begins: int
    ends: int

    def at(self, when: int) -> Point:
        if when >= self.ends:
            return self.b
        if when <= self.begins:
            return self.a
        share = (when - self.begins) / max(self.ends - self.begins, 1)
        return rounded(self.a[0] + share * (self.b[0] - self.a[0]), self.a[1] + share * (self.b[1] - self.a[1]))

    @property
    def kmh(self) -> int:
        return round(metres(self.a, self.b) * DETOUR * 3.6 / max(self.ends - self.begins, 1))

    def moves(self, when: int) -> bool:
        return self.begins <= when < self.ends


def door_of(stop: RouteStop | None) -> Point | None:
    return rounded(stop.lat, stop.lon) if stop and stop.lat is not None and stop.lon is not None else None
