"""A problem in VROOM's format, read and checked. Keys of VROOM's that are not served yet are refused by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, ValidationError

from core.errors import BadFile, BadInput

HOUR = 3600
FAR = 2**31 - 1

LATER: Mapping[str, Mapping[str, str]] = {
    "": {
        "matrix": "write it as matrices.car.durations",
    },
    "jobs": {
        "setup": "set-up times come later",
        "setup_per_type": "set-up times come later",
        "service_per_type": "service times by vehicle type come later",
        "amount": "write it as delivery",
    },
    "vehicles": {
        "steps": "given routes come later",
        "max_travel_time": "limits on travel time come later",
        "max_distance": "limits on distance come later",
    },
    "vehicles.costs": {
        "per_km": "prices for kilometres come later",
        "per_task_hour": "prices for service time come later",
    },
    "shipments.pickup": {
        "setup": "set-up times come later",
        "setup_per_type": "set-up times come later",
        "service_per_type": "service times by vehicle type come later",
    },
    "breaks": {"max_load": "breaks that only a light van may take come later"},
    "matrices": {"costs": "matrices of costs come later"},
}
"""Keys of VROOM's that are not served, by where they stand."""
MEANS_NOTHING: tuple[Any, ...] = (None, 0, [], {})


def _forward(window: tuple[int, int]) -> tuple[int, int]:
    if window[1] < window[0]:
        raise ValueError(f"the window {list(window)} ends before it starts")
    return window


Whole = Annotated[StrictInt, Field(ge=0, le=FAR)]
Id = Annotated[StrictInt, Field(ge=0, le=2**64 - 1)]
Amounts = tuple[Whole, ...]
Window = Annotated[tuple[Whole, Whole], AfterValidator(_forward)]
Coordinates = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
"""longitude, latitude"""


class Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Job(Given):
    id: Id
    description: str | None = None
    location: Coordinates | None = None
    location_index: Whole | None = None
    service: Whole = 0
    delivery: Amounts = ()
    pickup: Amounts = ()
    skills: frozenset[Whole] = frozenset()
    priority: Annotated[StrictInt, Field(ge=0, le=100)] = 0
    time_windows: tuple[Window, ...] = ()


class End(Given):
    """One of a shipment's two stops."""

    id: Id
    description: str | None = None
    location: Coordinates | None = None
    location_index: Whole | None = None
    service: Whole = 0
    time_windows: tuple[Window, ...] = ()


class Shipment(Given):
    """What is fetched at one place and brought to another by the same vehicle."""

    amount: Amounts = ()
    skills: frozenset[Whole] = frozenset()
    priority: Annotated[StrictInt, Field(ge=0, le=100)] = 0
    pickup: End
    delivery: End


class Break(Given):
    id: Id
    description: str | None = None
    time_windows: tuple[Window, ...] = ()
    service: Whole = 0


class Costs(Given):
    fixed: Whole = 0
    per_hour: Annotated[StrictInt, Field(ge=0, le=10**6)] = HOUR


class Vehicle(Given):
    id: Id
    description: str | None = None
    profile: str = "car"
    type: str = ""
    start: Coordinates | None = None
    start_index: Whole | None = None
    end: Coordinates | None = None
    end_index: Whole | None = None
    capacity: Amounts = ()
    skills: frozenset[Whole] = frozenset()
    time_window: Window | None = None
    max_tasks: Whole | None = None
    speed_factor: Annotated[float, Field(ge=0.1, le=5)] = 1.0
    breaks: tuple[Break, ...] = ()
    costs: Costs = Costs()


class Tables(Given):
    durations: list[list[Whole]] = Field(min_length=1)
    distances: list[list[Whole]] | None = None


class Input(Given):
    vehicles: tuple[Vehicle, ...] = Field(min_length=1)
    jobs: tuple[Job, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    matrices: dict[str, Tables] = {}


def read(content: bytes) -> Input:
    """Raises BadInput naming the field, as `vehicles[0].breaks`."""
    try:
        data = json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"This is no JSON: {error}.", "Send a problem of VROOM's format.", field="problem") from error
    if not isinstance(data, dict):
        raise BadFile("This is no object.", 'Send {"vehicles": [...], "jobs": [...]}.', field="problem")
    try:
        given = Input.model_validate(_served(data))
    except ValidationError as error:
        first = error.errors()[0]
        fix = "Correct it and send the problem again."
        raise BadInput(str(first["msg"]), fix, field=_path(first["loc"])) from None
    _once("vehicles", [vehicle.id for vehicle in given.vehicles])
    _once("jobs", [job.id for job in given.jobs])
    _once("shipments", [shipment.pickup.id for shipment in given.shipments], ".pickup")
    _once("shipments", [shipment.delivery.id for shipment in given.shipments], ".delivery")
    _same_length(given)
    return given


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _path(loc: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def _served(data: Mapping[str, Any]) -> dict[str, Any]:
    """The input without keys that are not served; one that means something is refused."""
    cleaned: dict[str, Any] = _level(data, "", "")
    for kind in ("jobs", "vehicles"):
        if isinstance(cleaned.get(kind), list):
            cleaned[kind] = [_level(each, kind, f"{kind}[{at}]") for at, each in enumerate(cleaned[kind])]
    for at, vehicle in enumerate(cleaned["vehicles"] if isinstance(cleaned.get("vehicles"), list) else []):
        if isinstance(vehicle, dict) and "costs" in vehicle:
            vehicle["costs"] = _level(vehicle["costs"], "vehicles.costs", f"vehicles[{at}].costs")
        if isinstance(vehicle, dict) and isinstance(vehicle.get("breaks"), list):
            each = enumerate(vehicle["breaks"])
            vehicle["breaks"] = [_level(b, "breaks", f"vehicles[{at}].breaks[{n}]") for n, b in each]
    for at, shipment in enumerate(cleaned["shipments"] if isinstance(cleaned.get("shipments"), list) else []):
        for end in ("pickup", "delivery") if isinstance(shipment, dict) else ():
            shipment[end] = _level(shipment.get(end), "shipments.pickup", f"shipments[{at}].{end}")
    if isinstance(cleaned.get("matrices"), dict):
        named = cleaned["matrices"].items()
        cleaned["matrices"] = {name: _level(tables, "matrices", f"matrices.{name}") for name, tables in named}
    return cleaned


def _level(given: Any, kind: str, path: str) -> Any:
    if not isinstance(given, dict):
        return given
    for key, what in LATER[kind].items():
        if key in given and given[key] not in MEANS_NOTHING:
            raise BadInput("This is not served.", f"{what[0].upper()}{what[1:]}.", field=f"{path}.{key}".lstrip("."))
    return {key: value for key, value in given.items() if key not in LATER[kind]}


def _once(kind: str, ids: Sequence[int], of: str = "") -> None:
    for at, each in enumerate(ids):
        if each in ids[:at]:
            raise BadInput(f"The id {each} stands twice.", "Give each an id of its own.", field=f"{kind}[{at}]{of}.id")


def _same_length(given: Input) -> None:
    """All amounts count the same things."""
    size = len(given.vehicles[0].capacity)
    amounts = [(f"vehicles[{at}].capacity", vehicle.capacity) for at, vehicle in enumerate(given.vehicles)]
    for at, job in enumerate(given.jobs):
        amounts += [(f"jobs[{at}].{name}", a) for name, a in (("delivery", job.delivery), ("pickup", job.pickup)) if a]
    amounts += [(f"shipments[{at}].amount", each.amount) for at, each in enumerate(given.shipments) if each.amount]
    for field, amount in amounts:
        if len(amount) != size:
            what = f"It has {len(amount)} figures, vehicles[0].capacity has {size}."
            raise BadInput(what, "Give each amount one figure a dimension.", field=field)
