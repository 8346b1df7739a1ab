from __future__ import annotations

import copy
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadFile
from evals.world import amazon
from evals.world.loading import load
from evals.world.streets import Streets

ROUTE = "RouteID_12345678-aaaa"


def package(status: str = "DELIVERED", opens: str | None = None, closes: str | None = None) -> dict[str, Any]:
    return {
        "scan_status": status,
        "time_window": {"start_time_utc": opens, "end_time_utc": closes},
        "planned_service_time_seconds": 30.0,
        "dimensions": {"depth_cm": 1, "height_cm": 1, "width_cm": 1},
    }


def stop(lat: float, kind: str = "Dropoff") -> dict[str, Any]:
    return {"lat": lat, "lng": -118.1, "type": kind, "zone_id": None}


CODES = ("AA", "BB", "CC", "ST")
FILES: dict[str, Any] = {
    "route_data": {
        ROUTE: {
            "station_code": "DLA3",
            "date_YYYY_MM_DD": "2018-07-27",
            "departure_time_utc": "16:02:10",
            "stops": {"AA": stop(34.1), "BB": stop(34.2), "CC": stop(34.2), "ST": stop(34.0, "Station")},
        }
    },
    "package_data": {
        ROUTE: {
            "AA": {"p1": package(), "p2": package("DELIVERY_ATTEMPTED")},
            "BB": {"p3": package(opens="2018-07-27 16:00:00", closes="2018-07-27 20:00:00")},
            "CC": {"p4": package(opens="2018-07-27 17:00:00", closes="2018-07-28 01:00:00")},
            "ST": {},
        }
    },
    "travel_times": {ROUTE: {a: {b: 100.0 * i + j for j, b in enumerate(CODES)} for i, a in enumerate(CODES)}},
    "actual_sequences": {ROUTE: {"actual": {"ST": 0, "CC": 1, "BB": 2, "AA": 3}}},
}


def write(folder: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        (folder / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(content).encode()))
    return folder


def test_a_route_becomes_a_depot_with_a_van_and_its_own_travel_times(tmp_path: Path) -> None:
    day = amazon.scenario(write(tmp_path, FILES), seed=1)
    depot = day.depots[0]
    assert (depot.id, depot.tz) == ("dla3-12345678", "America/Los_Angeles")
    assert day.matrices[depot.id].locations == ((34.0, -118.1), (34.1, -118.1), (34.2, -118.1))
    assert day.matrices[depot.id].durations_s == ((0, 300, 301), (3, 0, 1), (103, 100, 0))
    assert (day.vehicles[0].shift_start, day.vehicles[0].shift_end) == ("09:02", "19:32")
    assert day.start == datetime(2026, 3, 10, 15, 32, tzinfo=UTC)
    assert day.driven[0].rows == (2, 1), "the driver's order, with two stops at one place as one"


def test_packages_of_a_door_are_one_order_but_for_those_that_failed(tmp_path: Path) -> None:
    day = amazon.scenario(write(tmp_path, FILES), seed=1)
    assert [order.parcels for order in day.orders] == [("p1",), ("p2",), ("p3", "p4")]
    assert day.failures == (day.orders[1].ref,)
    assert [order.service_s for order in day.orders] == [60, 60, 60]


def test_windows_are_what_all_packages_share_in_local_time(tmp_path: Path) -> None:
    orders = amazon.scenario(write(tmp_path, FILES), seed=1).orders
    assert [(order.window_start, order.window_end) for order in orders][1:] == [(None, None), ("10:00", "13:00")]


@pytest.mark.parametrize(
    ("windows", "shared"),
    [
        pytest.param(
            [("2018-07-27 07:00:00", "2018-07-28 06:59:00")], (None, None), id="the whole local day says nothing"
        ),
        pytest.param(
            [("2018-07-27 05:00:00", "2018-07-27 20:00:00")], ("00:00", "13:00"), id="opened the evening before"
        ),
        pytest.param([("2018-07-27 18:00:00", "2018-07-28 09:00:00")], ("11:00", "23:59"), id="closes after midnight"),
        pytest.param(
            [("2018-07-27 16:00:00", "2018-07-27 18:00:00"), ("2018-07-27 20:00:00", "2018-07-27 22:00:00")],
            ("09:00", "11:00"),
            id="windows that don't meet: the one that ends first",
        ),
    ],
)
def test_odd_windows(tmp_path: Path, windows: list[tuple[str, str]], shared: tuple[str | None, str | None]) -> None:
    files = copy.deepcopy(FILES)
    files["package_data"][ROUTE]["BB"] = {f"w{n}": package(opens=a, closes=b) for n, (a, b) in enumerate(windows)}
    files["package_data"][ROUTE]["CC"] = {}
    order = amazon.scenario(write(tmp_path, files), seed=1).orders[-1]
    assert (order.window_start, order.window_end) == shared


def test_a_window_written_as_nan_is_none(tmp_path: Path) -> None:
    files = copy.deepcopy(FILES)
    files["package_data"][ROUTE]["BB"]["p3"]["time_window"] = {"start_time_utc": float("nan"), "end_time_utc": None}
    order = amazon.scenario(write(tmp_path, files), seed=1).orders[-1]
    assert (order.window_start, order.window_end) == ("10:00", "18:00")


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        pytest.param("travel_times", lambda part: part.pop("AA"), "KeyError", id="a stop without travel times"),
        pytest.param("route_data", lambda part: part["stops"].pop("ST"), "StopIteration", id="no station"),
        pytest.param("route_data", lambda part: part.update(departure_time_utc="late"), "late", id="no time"),
        pytest.param("actual_sequences", lambda part: part["actual"].update(ZZ=9), "ZZ", id="a stop nobody knows"),
    ],
)
def test_a_route_that_contradicts_itself_is_named(tmp_path: Path, file: str, change: Any, said: str) -> None:
    files = copy.deepcopy(FILES)
    change(files[file][ROUTE])
    with pytest.raises(BadFile, match=f"{ROUTE} can't be understood: .*{said}"):
        amazon.scenario(write(tmp_path, files), seed=1)


def test_files_of_different_downloads_are_refused(tmp_path: Path) -> None:
    files = copy.deepcopy(FILES) | {"travel_times": {"RouteID_other": {}}}
    with pytest.raises(BadFile, match=f"{ROUTE} is not in travel_times"):
        amazon.scenario(write(tmp_path, files), seed=1)


def test_the_ten_real_routes_are_taken_whole(shared_data: Path) -> None:
    folder = shared_data / "routes/amazon_last_mile"
    day = load(folder, seed=7)
    assert day.digest() == load(folder / "route_data.json.gz", seed=7).digest()
    packages = json.loads(gzip.decompress((folder / "package_data.json.gz").read_bytes()))
    scanned = [(id_, p["scan_status"]) for route in packages.values() for at in route.values() for id_, p in at.items()]
    parcels = [parcel for order in day.orders for parcel in order.parcels]
    assert len(set(parcels)) == len(parcels) == len(scanned)
    assert sorted(parcel.removesuffix("#2") for parcel in parcels) == sorted(id_ for id_, _ in scanned)
    failed = [parcel for order in day.orders if order.ref in (day.failures or ()) for parcel in order.parcels]
    attempted = sorted(id_ for id_, status in scanned if status == "DELIVERY_ATTEMPTED")
    assert sorted(parcel.removesuffix("#2") for parcel in failed) == attempted
    assert len(failed) == 15


def test_a_package_scanned_at_two_stops_is_two_parcels(tmp_path: Path) -> None:
    files = copy.deepcopy(FILES)
    files["package_data"][ROUTE]["BB"]["p2"] = package()
    day = amazon.scenario(write(tmp_path, files), seed=1)
    assert sorted(parcel for order in day.orders for parcel in order.parcels) == ["p1", "p2", "p2#2", "p3", "p4"]


def test_each_real_driver_visited_every_door_of_the_route(shared_data: Path) -> None:
    day = load(shared_data / "routes/amazon_last_mile")
    for driven in day.driven:
        places = day.matrices[driven.depot].locations
        doors = {order.point for order in day.orders if order.depot == driven.depot}
        assert {places[row] for row in driven.rows} == doors
        assert len(driven.rows) == len(doors)


def test_the_world_drives_on_the_real_travel_times(shared_data: Path) -> None:
    day = load(shared_data / "routes/amazon_last_mile")
    depot, matrix = next(iter(sorted(day.matrices.items())))
    a, b = matrix.locations[0], matrix.locations[5]
    took = Streets.of(day).leg_s("van-01", depot, "UTC", a, b, 0)
    assert 0.5 * matrix.durations_s[0][5] < took < 2 * matrix.durations_s[0][5]
