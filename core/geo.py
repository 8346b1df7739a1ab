"""Distances on the globe. Travel times are the optimizer's business, not this module's."""

from __future__ import annotations

import math
from collections.abc import Sequence

EARTH_M = 6_371_008.8
"""Mean Earth radius (IUGG)."""


def metres(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance by the haversine formula."""
    p1, p2 = math.radians(lat1), math.radians(lat2)
    a = math.sin((p2 - p1) / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(a)))


def offset_m(lat: float, lon: float, to_lat: float, to_lon: float) -> tuple[int, int]:
    """Whole metres east and north from one point to another, on a plane: good to a percent within 100 km."""
    degree = math.radians(1) * EARTH_M
    return round((to_lon - lon) * math.cos(math.radians(lat)) * degree), round((to_lat - lat) * degree)


def inside(lat: float, lon: float, ring: Sequence[tuple[float, float]]) -> bool:
    """Is a point inside a ring of (lat, lon)? By how often a line to the north crosses it; not for rings around a pole
    or across the date line."""
    crossings = 0
    for (lat_a, lon_a), (lat_b, lon_b) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (lon_a > lon) != (lon_b > lon):
            crossings += lat < lat_a + (lon - lon_a) * (lat_b - lat_a) / (lon_b - lon_a)
    return crossings % 2 == 1
