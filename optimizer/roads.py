"""Travel times from a road server: asked in blocks, kept, put together into one matrix. No vendor's words in here.

A server that fails fails the whole matrix: no plan ever mixes two sources. Where no road leads, a leg takes
`travel.NO_ROAD_S`. Legs that are known are not asked for again, so that a day's matrix grows by its new doors alone and
its old legs never change under a running plan.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import Unavailable
from optimizer.travel import INT32_MAX, NO_ROAD_S, Floats, Int32, Matrix, Point

DIGITS = 6
"""of a coordinate, as servers are asked: 0.1 m"""
SIDE = 50
"""places on each side of a block: OSRM's own limit is 100 in a request, Valhalla's 2,500 pairs"""


class Legs(NamedTuple):
    """Seconds and metres from each source to each target; NaN where no road leads."""

    seconds: Floats
    metres: Floats


class RoadServer(Protocol):
    name: str
    """which server and profile: it goes into the provider of the matrix, and so into every decision"""

    def legs(self, sources: Sequence[Point], targets: Sequence[Point]) -> Legs:
        """Raises Unavailable when the server does not answer, or not with what was asked for."""


class KnownLegs:
    """What was asked before, a file a server and scope: its places, and the legs between all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, server: str, scope: str) -> tuple[list[Point], NDArray[np.int32]]:
        """Places, and seconds and metres as one array. Nothing when there is no such file, or it can't be read."""
        file = self._file(server, scope)
        try:
            with np.load(file, allow_pickle=False) as found:
                places, legs = found["places"], found["legs"]
        except (OSError, ValueError, KeyError):
            return [], np.zeros((2, 0, 0), dtype=np.int32)
        return [(float(lat), float(lon)) for lat, lon in places], legs

    def put(self, server: str, scope: str, places: Sequence[Point], legs: NDArray[np.int32]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".writing-", suffix=".npz")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, places=np.array(places).reshape(-1, 2), legs=legs)
            Path(temporary).replace(self._file(server, scope))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _file(self, server: str, scope: str) -> Path:
        return self.folder / f"{hashlib.sha256(f'{server}|{scope}'.encode()).hexdigest()[:32]}.npz"


def matrix(server: RoadServer, points: Sequence[Point], known: KnownLegs | None = None, scope: str = "") -> Matrix:
    """Between all points, asking for what is not known. Raises Unavailable."""
    asked = [(round(lat, DIGITS), round(lon, DIGITS)) for lat, lon in points]
    places = list(dict.fromkeys(asked))
    old_places, old = known.get(server.name, scope) if known else ([], np.zeros((2, 0, 0), dtype=np.int32))
    legs = _grown(server, places, old_places, old)
    if known and len(set(places) - set(old_places)):
        known.put(server.name, scope, places, legs)
    at = {place: row for row, place in enumerate(places)}
    rows = np.array([at[place] for place in asked], dtype=np.intp)
    seconds, metres = (np.ascontiguousarray(table[np.ix_(rows, rows)]) for table in legs)
    return Matrix(seconds, metres, server.name)


def _grown(
    server: RoadServer, places: Sequence[Point], old_places: Sequence[Point], old: NDArray[np.int32]
) -> NDArray[np.int32]:
    """The legs between `places`: those that are known, and the others from the server."""
    row_of = {place: row for row, place in enumerate(old_places)}
    kept = [at for at, place in enumerate(places) if place in row_of]
    new = [at for at, place in enumerate(places) if place not in row_of]
    found = np.zeros((2, len(places), len(places)), dtype=np.int32)
    if kept:
        rows = np.array([row_of[places[at]] for at in kept], dtype=np.intp)
        found[np.ix_([0, 1], kept, kept)] = old[np.ix_([0, 1], rows.tolist(), rows.tolist())]
    for sources, targets in ((new, [*kept, *new]), (kept, new)):
        for rows_at in _blocks(sources):
            for columns_at in _blocks(targets):
                block = server.legs([places[at] for at in rows_at], [places[at] for at in columns_at])
                found[0][np.ix_(rows_at, columns_at)] = _whole(block.seconds)
                found[1][np.ix_(rows_at, columns_at)] = _whole(block.metres)
    for table in found:
        np.fill_diagonal(table, 0)
    return found


def _blocks(rows: Sequence[int]) -> list[Sequence[int]]:
    return [rows[at : at + SIDE] for at in range(0, len(rows), SIDE)]


def _whole(values: Floats) -> Int32:
    return np.where(np.isnan(values), NO_ROAD_S, np.rint(np.minimum(np.nan_to_num(values), NO_ROAD_S))).astype(np.int32)


def table_of(rows: object, shape: tuple[int, int], who: str, what: str) -> Floats:
    """A server's table as numbers, null as NaN. Raises Unavailable when it is not what was asked for."""
    try:
        found = np.array(rows, dtype=np.float64)  # None becomes NaN
    except (TypeError, ValueError):
        found = np.zeros(0)
    if found.shape != shape:
        raise Unavailable(f"{who} sent {what} of shape {found.shape}, {shape} was asked for.", TRY_AGAIN)
    if (found < 0).any() or (found > INT32_MAX).any():
        raise Unavailable(f"{who} sent {what} that are negative or endless.", TRY_AGAIN)
    return found


TRY_AGAIN = "Look at the server and plan again, or set DOORSTEP_TRAVEL_FALLBACK."
