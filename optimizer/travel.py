"""Travel times between places: the `Matrix` every problem points at by content hash, and where its numbers come from.

Two sources here: great-circle distances calibrated on driven routes, and a matrix that the caller brings. Road graphs
and routing servers are sources of their own; none replaces another inside one plan.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import BadInput, NotFound

Int32 = NDArray[np.int32]
Floats = NDArray[np.float64]
Point = tuple[float, float]
"""(latitude, longitude) in degrees"""

DETOUR = 1.36
"""road metres for one straight-line metre: median of 17,108 driven legs (Amazon Last Mile 2021, Austin)"""
FIXED_S = 3.4
"""seconds of a leg whatever its length: pulling out and finding the door"""
PARTS = ((0.0, 23.7), (1.0, 45.2), (8.0, 69.1))
"""(from this kilometre of a leg on, km/h): side streets, then main roads, then motorways, so that a short leg is slow
and a long one is not. With `FIXED_S` fitted by `python -m evals.travel_fit`, between driven legs of five large cities
at work (Amazon Last Mile 2021) and free roads of a smaller place (OpenStreetMap). On driven legs that the fit has not
seen (Austin) its minutes are 9 % too many; a speed that grew with a power of the length was 70 % off there."""
EARTH_M = 6_371_008.8
INT32_MAX = 2**31 - 1
BLOCK = 256
"""rows of a matrix that are computed at a time"""
NO_ROAD_S = 10**8
"""seconds (and metres) of a leg that no road leads: three years, so that no shift has room for one, while twenty of
them still fit into 32 bits"""


@dataclass(frozen=True, eq=False)
class Matrix:
    """Seconds and metres from row to column. Read-only; equal when the hashes are."""

    durations_s: Int32
    distances_m: Int32
    provider: str
    tolls: Int32 | None = None
    """cents that a leg costs besides hours and kilometres"""
    profiles: Mapping[str, Matrix] = field(default_factory=dict)
    """the same places as vehicles of other profiles travel between them"""
    hash: str = field(init=False)

    def __post_init__(self) -> None:
        for name in ("durations_s", "distances_m", *(("tolls",) if self.tolls is not None else ())):
            given = np.asarray(getattr(self, name))
            if given.shape != (len(given), len(given)) or given.shape != np.shape(self.durations_s):
                raise BadInput(f"{name} is {given.shape}, not a row and column a place", "Make it square.", field=name)
            if given.size and (given.min() < 0 or given.max() > INT32_MAX):
                raise BadInput(f"{name} has figures below 0 or over {INT32_MAX}", "Use seconds and metres.", field=name)
            array = np.ascontiguousarray(given, dtype="<i4").view()
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        odd = next((name for name, other in self.profiles.items() if other.size != self.size or other.profiles), None)
        if odd is not None:
            what = f"profile {odd} has {self.profiles[odd].size} places, the matrix {self.size}"
            raise BadInput(what, "Give every profile the same places.", field="profiles")
        object.__setattr__(self, "hash", _content_hash(self))

    def of(self, profile: str) -> Matrix:
        """The travel times of one profile; of the empty one, this matrix."""
        if not profile:
            return self
        if profile not in self.profiles:
            raise BadInput(f"there are no travel times for {profile!r}", "Add its matrix.", field="profile")
        return self.profiles[profile]

    @property
    def size(self) -> int:
        return int(self.durations_s.shape[0])


def _content_hash(matrix: Matrix) -> str:
    digest = hashlib.sha256(f"{matrix.provider}|{matrix.size}|".encode())
    for table in (matrix.durations_s, matrix.distances_m, matrix.tolls):
        if table is not None:
            digest.update(table.data)
    for name, other in sorted(matrix.profiles.items()):
        digest.update(f"|{name}|{other.hash}".encode())
    return digest.hexdigest()


def great_circle(points: Sequence[Point], detour: float = DETOUR) -> Matrix:
    """Straight lines stretched by `detour`, driven faster the farther they lead."""
    durations, distances = np.empty((2, len(points), len(points)), np.int32)
    for row in range(0, len(points), BLOCK):  # all at once would take ten times the memory of the result
        metres = _straight_m(points[row : row + BLOCK], points) * detour
        durations[row : row + BLOCK], distances[row : row + BLOCK] = _whole(_seconds(metres)), _whole(metres)
    parts = ",".join(f"{edge:g}-{kmh:g}" for edge, kmh in PARTS)
    return Matrix(durations, distances, f"great_circle:detour={detour}:fixed={FIXED_S}:kmh={parts}")


def widened(matrix: Matrix, points: Sequence[Point], more: Sequence[Point]) -> Matrix:
    """The matrix with places added that it does not know: its own legs stay, those to and from the new ones are
    estimated. `points` are its places, row by row."""
    if not more:
        return matrix
    known, added = matrix.size, great_circle((*points, *more))
    durations, distances = added.durations_s.copy(), added.distances_m.copy()
    durations[:known, :known], distances[:known, :known] = matrix.durations_s, matrix.distances_m
    return Matrix(durations, distances, f"{matrix.provider}+{len(more)}:{added.provider}")


def legs_from(place: Point, points: Sequence[Point], detour: float = DETOUR) -> tuple[Int32, Int32]:
    """Estimated (seconds, metres) between one place and each of the others, as `great_circle` has them."""
    metres = _straight_m([place], points) * detour
    return _whole(_seconds(metres)), _whole(metres)


def leg_m(a: Point, b: Point, detour: float = DETOUR) -> int:
    """Road metres from a to b, estimated."""
    return round(float(_straight_m([a], [b])[0, 0]) * detour)


def leg_s(metres: int) -> int:
    """Driving seconds for one leg of so many road metres, by the same speeds as `great_circle`."""
    return round(float(_seconds(np.array([float(metres)]))[0]))


def _straight_m(starts: Sequence[Point], ends: Sequence[Point]) -> Floats:
    """Haversine metres, a row a start and a column an end."""
    (lat, lon), (to_lat, to_lon) = _radians(starts).T, _radians(ends).T
    north, east = to_lat - lat[:, None], to_lon - lon[:, None]
    half = np.sin(north / 2) ** 2 + np.cos(lat)[:, None] * np.cos(to_lat) * np.sin(east / 2) ** 2
    metres: Floats = 2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    return metres


def _radians(points: Sequence[Point]) -> Floats:
    degrees = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    outside = ~np.isfinite(degrees) | (np.abs(degrees) > np.array([90.0, 180.0]))
    if outside.any():
        row = int(np.argwhere(outside)[0][0])
        raise BadInput(f"place {row} is not on earth: {tuple(degrees[row])}", "Give (lat, lon).", field="points")
    radians: Floats = np.radians(degrees)
    return radians


def _seconds(metres: Floats) -> Floats:
    km = metres / 1000
    edges = [edge for edge, _ in PARTS]
    seconds: Floats = np.where(km > 0, FIXED_S, 0.0)
    for (edge, kmh), until in zip(PARTS, [*edges[1:], np.inf], strict=True):
        seconds = seconds + np.clip(km - edge, 0.0, until - edge) / kmh * 3600
    return seconds


def _whole(values: Floats) -> Int32:
    return np.rint(values).astype(np.int32)


def table(durations_s: ArrayLike, points: Sequence[Point], distances_m: ArrayLike | None = None) -> Matrix:
    """A matrix that the caller brings. Without distances they are estimated from the points."""
    durations = _checked(durations_s, len(points), "durations_s")
    if distances_m is None:
        return Matrix(durations, great_circle(points).distances_m, "table:distances=great_circle")
    return Matrix(durations, _checked(distances_m, len(points), "distances_m"), "table")


def _checked(values: ArrayLike, n: int, name: str) -> Int32:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"the matrix is not a table of numbers: {error}", "Give equal rows.", field=name) from error
    if array.shape != (n, n):
        raise BadInput(f"the matrix is {array.shape}, the {n} places need ({n}, {n})", "One row a place.", field=name)
    _refuse(~np.isfinite(array), array, name, "is not a finite number", "Give a large number where there is no road.")
    _refuse(array < 0, array, name, "is negative", "Give 0 or more.")
    _refuse(array > INT32_MAX, array, name, f"is over {INT32_MAX}", "Use seconds and metres.")
    _refuse((array != 0) & np.eye(n, dtype=bool), array, name, "is not 0", "A place is 0 from itself.")
    return _whole(array)


def _refuse(fault: NDArray[np.bool_], array: Floats, name: str, what: str, fix: str) -> None:
    if fault.any():
        row, column = (int(i) for i in np.argwhere(fault)[0])
        raise BadInput(f"row {row}, column {column} {what}: {array[row, column]}", fix, field=name)


class MatrixStore:
    """Matrices by content hash in a folder, memory-mapped: processes that read one share its pages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, matrix: Matrix) -> str:
        """Write one once, which has seconds and metres alone. The numbers come last, so that a reader never finds them
        without their provider."""
        if not self._numbers(matrix.hash).exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write(self._provider(matrix.hash), matrix.provider.encode())
            self._write(self._numbers(matrix.hash), np.stack((matrix.durations_s, matrix.distances_m)))
        return matrix.hash

    def get(self, key: str) -> Matrix:
        path = self._numbers(key)
        if not path.is_file():
            raise NotFound(f"no travel times {key[:12]} in {self.folder}", "Make the matrix again, then re-plan.")
        numbers = np.load(path, mmap_mode="r", allow_pickle=False)
        matrix = Matrix(numbers[0], numbers[1], self._provider(key).read_text())
        if matrix.hash != key:
            raise NotFound(f"{path.name} holds other numbers than its name says", "Delete it, make the matrix again.")
        return matrix

    def _numbers(self, key: str) -> Path:
        return self.folder / f"{key}.npy"

    def _provider(self, key: str) -> Path:
        return self.folder / f"{key}.provider"

    def _write(self, path: Path, content: bytes | NDArray[Any]) -> None:
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    np.save(file, content, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
