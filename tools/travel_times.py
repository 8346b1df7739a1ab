"""Where a depot's travel times come from, by the settings: a road server, or great-circle distances. One source a
matrix, always; a fallback replaces the whole of it, and the provider in the matrix says so."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import structlog

from core.errors import Misconfigured, Unavailable
from core.settings import settings
from optimizer import roads
from optimizer.roads import KnownLegs, RoadServer
from optimizer.travel import Matrix, Point, great_circle

log = structlog.get_logger("travel")


def between(points: Sequence[Point], scope: str) -> Matrix:
    """The matrix of these places. `scope`, a depot's day, says which legs are kept together. Raises Unavailable when
    the road server fails and no fallback is set."""
    server = of_settings()
    if server is None:
        return great_circle(points)
    try:
        return roads.matrix(server, points, KnownLegs(settings().folder / "roads"), scope)
    except Unavailable as error:
        if not settings().travel_fallback:
            raise
        log.warning("travel.fallback", server=server.name, error=str(error))
        return great_circle(points)


def of_settings() -> RoadServer | None:
    """The road server that is set; None: there is none. Raises Misconfigured."""
    given = settings()
    if given.osrm_url and given.valhalla_url:
        what = "DOORSTEP_OSRM_URL and DOORSTEP_VALHALLA_URL are both set."
        raise Misconfigured(what, "Keep one of them.", field="DOORSTEP_OSRM_URL")
    if given.travel_fallback not in ("", "great_circle"):
        what = f"There is no fallback {given.travel_fallback!r}."
        raise Misconfigured(what, "Use great_circle, or unset it.", field="DOORSTEP_TRAVEL_FALLBACK")
    return _server(given.osrm_url, given.valhalla_url, given.travel_profile)


@cache
def _server(osrm_url: str, valhalla_url: str, profile: str) -> RoadServer | None:
    if osrm_url:
        from optimizer.osrm import Osrm

        return Osrm(osrm_url, profile or "driving")
    if valhalla_url:
        from optimizer.valhalla import Valhalla

        return Valhalla(valhalla_url, profile or "auto")
    return None
