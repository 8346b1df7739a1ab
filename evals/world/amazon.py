"""Ten real routes of the 2021 Amazon Last Mile challenge: each a depot with one van, its stops, its own travel times.

The world keeps what the server must not see: which packages really failed, and the order the real driver drove in.
Distances aren't in the data: straight line times 1.36, for our sequence and for the driver's alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from core.errors import BadFile
from evals.world import chance, names
from evals.world.files import parsed, read_text
from evals.world.scenario import DAY, Depot, Driven, Driver, Matrix, Order, Point, Scenario, Vehicle, rounded
from evals.world.streets import DETOUR, metres

FILES = ("route_data", "package_data", "travel_times", "actual_sequences")
ZONES = {
    "DLA": "America/Los_Angeles",
    "DSE": "America/Los_Angeles",
    "DCH": "America/Chicago",
    "DBO": "America/New_York",
}
"""by station code; the routes are of summer and the simulated day has summer time too, so local times stay true"""
ZONES |= {"DAU": "America/Chicago"}
SHIFT = timedelta(hours=10, minutes=30)
BEFORE = timedelta(minutes=30)
FAILED = "DELIVERY_ATTEMPTED"
SAY = "Give the folder that holds " + ", ".join(f"{name}.json.gz" for name in FILES) + "."

Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Package:
    id: str
    service_s: float
    window: Window | None
    failed: bool


@dataclass(frozen=True)
class Door:
    """All stops of a route at one place (a few doors were two stops of the real route)."""

    row: int
    point: Point
    packages: tuple[Package, ...]


@dataclass(frozen=True)
class Route:
    id: str
    depot: Depot
    departs: datetime
    """on the simulated day"""
    doors: tuple[Door, ...]
    matrix: Matrix
    driven: tuple[int, ...]


def scenario(folder: Path, *, seed: int) -> Scenario:
    """All routes of the folder as one simulated day."""
    routes = [_route(id_, raw) for id_, raw in sorted(_read(folder).items())]
    rng = chance.stream(seed, "amazon")
    orders: list[Order] = []
    failures: list[str] = []
    known: set[str] = set()
    for route in routes:
        for door in route.doors:
            for packages in _by_outcome(door):
                orders.append(_order(rng, len(orders), route, door, packages, known))
                failures += [orders[-1].ref] if packages[0].failed else []
    vans = [_vehicle(n, route, orders) for n, route in enumerate(routes)]
    drivers = (
        Driver(id=van.driver, name=names.person(rng), phone=names.phone(len(orders) + n)) for n, van in enumerate(vans)
    )
    return Scenario(
        name=f"amazon-{len(routes)}",
        seed=seed,
        day=DAY,
        tz="UTC",
        depots=tuple(route.depot for route in routes),
        vehicles=tuple(vans),
        drivers=tuple(drivers),
        orders=tuple(orders),
        matrices={route.depot.id: route.matrix for route in routes},
        start=(min(route.departs for route in routes) - BEFORE).replace(second=0),
        end=(max(route.departs for route in routes) + SHIFT).replace(second=0),
        failures=tuple(failures),
        driven=tuple(Driven(route=route.id, depot=route.depot.id, rows=route.driven) for route in routes),
    )


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    """Route id -> its part of each of the four files."""
    found: dict[str, dict[str, Any]] = {}
    for name in FILES:
        path = next((p for p in (folder / f"{name}.json.gz", folder / f"{name}.json") if p.exists()), None)
        if path is None:
            raise BadFile(f"{folder} has no {name}.json.gz.", SAY, field=name)
        raw = parsed(read_text(path), path)
        if not isinstance(raw, dict) or not raw:
            raise BadFile(f"{path.name} holds no routes.", SAY, field=name)
        for route, part in raw.items():
            found.setdefault(route, {})[name] = part
    for route, parts in found.items():
        missing = [name for name in FILES if name not in parts]
        if missing:
            raise BadFile(
                f"{route} is not in {missing[0]}.", "The four files must be of one download.", field=missing[0]
            )
    return found


def _route(id_: str, raw: Mapping[str, Any]) -> Route:
    try:
        return _parsed_route(id_, raw)
    except (KeyError, TypeError, ValueError, IndexError, StopIteration) as error:
        said = f"{type(error).__name__} {error}".strip()
        raise BadFile(f"{id_} can't be understood: {said}.", "The four files must be of one download.") from None


def _parsed_route(id_: str, raw: Mapping[str, Any]) -> Route:
    head, stops = raw["route_data"], raw["route_data"]["stops"]
    station = next(code for code, stop in stops.items() if stop["type"] == "Station")
    station_code = str(head["station_code"])
    lat, lon = rounded(stops[station]["lat"], stops[station]["lng"])
    depot = Depot(
        id=f"{station_code.lower()}-{id_.removeprefix('RouteID_')[:8]}",
        name=f"Station {station_code}",
        lat=lat,
        lon=lon,
        tz=ZONES.get(station_code[:3], "UTC"),
    )
    shift = DAY - date.fromisoformat(head["date_YYYY_MM_DD"])
    row_of, codes = _rows(stops, station)
    doors: dict[int, list[Package]] = {}
    for code in sorted(stops, key=lambda code: (row_of[code], code)):
        doors.setdefault(row_of[code], []).extend(_packages(raw["package_data"].get(code) or {}, shift))
    points = [rounded(stops[code]["lat"], stops[code]["lng"]) for code in codes]
    return Route(
        id=id_,
        depot=depot,
        departs=datetime.combine(DAY, time.fromisoformat(head["departure_time_utc"]), UTC),
        doors=tuple(Door(row, points[row], tuple(packages)) for row, packages in doors.items() if packages),
        matrix=_matrix(points, codes, raw["travel_times"]),
        driven=_driven(raw["actual_sequences"]["actual"], row_of),
    )


def _rows(stops: Mapping[str, Any], station: str) -> tuple[dict[str, int], list[str]]:
    """Matrix row of each stop code, and the code whose times each row has. One place is one row; row 0: the station."""
    row_at: dict[Point, int] = {}
    row_of: dict[str, int] = {}
    codes: list[str] = []
    for code in [station, *sorted(set(stops) - {station})]:
        point = rounded(stops[code]["lat"], stops[code]["lng"])
        if point not in row_at:
            row_at[point] = len(codes)
            codes.append(code)
        row_of[code] = row_at[point]
    return row_of, codes


def _packages(raw: Mapping[str, Any], shift: timedelta) -> list[Package]:
    return [
        Package(
            id=id_,
            service_s=float(package["planned_service_time_seconds"]),
            window=_window(package["time_window"], shift),
            failed=package["scan_status"] == FAILED,
        )
        for id_, package in sorted(raw.items())
    ]


def _window(raw: Mapping[str, Any], shift: timedelta) -> Window | None:
    """UTC, moved to the simulated day. The data writes a missing time as null or NaN."""
    opens, closes = raw["start_time_utc"], raw["end_time_utc"]
    if not isinstance(opens, str) or not isinstance(closes, str):
        return None
    return (datetime.fromisoformat(f"{opens}+00:00") + shift, datetime.fromisoformat(f"{closes}+00:00") + shift)


def _matrix(points: Sequence[Point], codes: Sequence[str], times: Mapping[str, Mapping[str, float]]) -> Matrix:
    return Matrix(
        locations=tuple(points),
        durations_s=tuple(tuple(0 if a == b else round(times[a][b]) for b in codes) for a in codes),
        distances_m=tuple(tuple(round(metres(a, b) * DETOUR) for b in points) for a in points),
    )


def _driven(sequence: Mapping[str, int], row_of: Mapping[str, int]) -> tuple[int, ...]:
    rows = [row_of[code] for code in sorted(sequence, key=lambda code: sequence[code])]
    return tuple(dict.fromkeys(row for row in rows if row != 0))


def _by_outcome(door: Door) -> list[tuple[Package, ...]]:
    """What failed at a door where something else was delivered is an order of its own."""
    split = [tuple(p for p in door.packages if p.failed is failed) for failed in (False, True)]
    return [packages for packages in split if packages]


def _order(rng: Random, nth: int, route: Route, door: Door, packages: Sequence[Package], known: set[str]) -> Order:
    opens, closes = _local_window(packages, ZoneInfo(route.depot.tz))
    return Order(
        ref=f"AMZ-{1001 + nth}",
        name=names.person(rng),
        phone=names.phone(nth),
        address=f"{door.point[0]:.5f}, {door.point[1]:.5f}",  # the data has points only
        lat=door.point[0],
        lon=door.point[1],
        depot=route.depot.id,
        window_start=opens,
        window_end=closes,
        service_s=max(round(sum(package.service_s for package in door.packages)), 1),
        pieces=len(packages),
        client="amazon",
        parcels=tuple(_parcel(package.id, known) for package in packages),
    )


def _parcel(package: str, known: set[str]) -> str:
    """A package that was scanned at two stops of its route is two parcels here: a parcel is in one place."""
    parcel = f"{package}#2" if package in known else package
    known.add(parcel)
    return parcel


def _local_window(packages: Sequence[Package], tz: ZoneInfo) -> tuple[str | None, str | None]:
    """What all windows of these packages share, cut to the local day. One as long as the day says nothing."""
    windows = [package.window for package in packages if package.window]
    if not windows:
        return None, None
    opens = max(window[0] for window in windows).astimezone(tz)
    closes = min(window[1] for window in windows).astimezone(tz)
    if opens >= closes:
        opens, closes = (at.astimezone(tz) for at in min(windows, key=lambda window: window[1]))
    first = "00:00" if opens.date() < DAY else f"{opens:%H:%M}"
    last = "23:59" if closes.date() > DAY else f"{closes:%H:%M}"
    return (None, None) if (first, last) == ("00:00", "23:59") else (first, last)


def _vehicle(nth: int, route: Route, orders: Sequence[Order]) -> Vehicle:
    """The van that drove it: whatever went in, fitted (capacity in the data is volume; ours is pieces)."""
    zone = ZoneInfo(route.depot.tz)
    return Vehicle(
        id=f"van-{nth + 1:02d}",
        depot=route.depot.id,
        driver=f"drv-{nth + 1:02d}",
        name=f"Van {nth + 1}",
        pieces=sum(order.pieces for order in orders if order.depot == route.depot.id),
        weight_kg=3500,
        shift_start=f"{route.departs.astimezone(zone):%H:%M}",
        shift_end=f"{(route.departs + SHIFT).astimezone(zone):%H:%M}",
    )
