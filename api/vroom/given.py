"""A problem in VROOM's format, read and checked. What is wrong is named by the field where its writer finds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, ValidationError

from api.vroom import tables
from api.vroom.tables import Tables
from core.errors import BadFile, BadInput

HOUR = 3600
FAR = 2**31 - 1


def _forward(window: tuple[int, int]) -> tuple[int, int]:
    if window[1] < window[0]:
        raise ValueError(f"the window {list(window)} ends before it starts")
    return window


Whole = Annotated[StrictInt, Field(ge=0, le=FAR)]
Rate = Annotated[StrictInt, Field(ge=0, le=10**6)]
Id = Annotated[StrictInt, Field(ge=0, le=2**64 - 1)]
Priority = Annotated[StrictInt, Field(ge=0, le=100)]
Amounts = tuple[Whole, ...]
Window = Annotated[tuple[Whole, Whole], AfterValidator(_forward)]
Coordinates = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
"""longitude, latitude"""


class Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Door(Given):
    """A task: a job, or one end of a shipment."""

    id: Id
    description: str | None = None
    location: Coordinates | None = None
    location_index: Whole | None = None
    setup: Whole = 0
    service: Whole = 0
    setup_per_type: dict[str, Whole] = {}
    service_per_type: dict[str, Whole] = {}
    time_windows: tuple[Window, ...] = ()

    def takes_s(self, kind: str) -> tuple[int, int]:
        """(set-up, service) with a vehicle of this type."""
        return self.setup_per_type.get(kind, self.setup), self.service_per_type.get(kind, self.service)


class Job(Door):
    amount: Amounts = ()
    """VROOM's older word for delivery"""
    delivery: Amounts = ()
    pickup: Amounts = ()
    skills: frozenset[Whole] = frozenset()
    priority: Priority = 0


class Shipment(Given):
    """What is fetched at one place and brought to another by the same vehicle."""

    amount: Amounts = ()
    skills: frozenset[Whole] = frozenset()
    priority: Priority = 0
    pickup: Door
    delivery: Door


class Break(Given):
    id: Id
    description: str | None = None
    time_windows: tuple[Window, ...] = ()
    service: Whole = 0
    max_load: Amounts | None = None


class Costs(Given):
    fixed: Whole = 0
    per_hour: Rate = HOUR
    per_task_hour: Rate = 0
    per_km: Rate = 0


class Step(Given):
    """One step of a route that is given."""

    type: Literal["start", "job", "pickup", "delivery", "break", "end"]
    id: Id | None = None
    service_at: Whole | None = None
    service_after: Whole | None = None
    service_before: Whole | None = None


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
    max_travel_time: Whole | None = None
    max_distance: Whole | None = None
    speed_factor: Annotated[float, Field(ge=0.01, le=5)] = 1.0
    breaks: tuple[Break, ...] = ()
    costs: Costs = Costs()
    steps: tuple[Step, ...] = ()


class Input(Given):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    vehicles: tuple[Vehicle, ...] = Field(min_length=1)
    jobs: tuple[Job, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    matrices: dict[str, Tables] = Field({}, exclude=True)


def read(content: bytes) -> Input:
    """Raises BadInput naming the field, as `vehicles[0].breaks`."""
    try:
        level = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=dict[str, msgspec.Raw])
        texts = {key: raw for key, raw in level.items() if key not in ("matrices", "matrix")}
        data: dict[str, Any] = {key: msgspec.json.decode(raw) for key, raw in texts.items()}
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        what = f"This is no JSON object: {error}."
        raise BadFile(what, 'Send {"vehicles": [...], "jobs": [...]}.', field="problem") from error
    try:
        given = Input.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        fix = "Correct it and send the problem again."
        raise BadInput(str(first["msg"]), fix, field=_path(first["loc"])) from None
    return _checked(given.model_copy(update={"matrices": _matrices(level)}))


def _matrices(level: dict[str, msgspec.Raw]) -> dict[str, Tables]:
    """`matrix` is VROOM's older way to say `matrices.car.durations`."""
    if "matrices" in level:
        return tables.read(level["matrices"])
    if "matrix" in level:
        return tables.read(msgspec.Raw(b'{"car":{"durations":' + bytes(level["matrix"]) + b"}}"))
    return {}


def _checked(given: Input) -> Input:
    _once("vehicles", (vehicle.id for vehicle in given.vehicles))
    _once("jobs", (job.id for job in given.jobs))
    _once("shipments", (shipment.pickup.id for shipment in given.shipments), ".pickup")
    _once("shipments", (shipment.delivery.id for shipment in given.shipments), ".delivery")
    for at, vehicle in enumerate(given.vehicles):
        _once(f"vehicles[{at}].breaks", (each.id for each in vehicle.breaks))
        _priced(given, at, vehicle)
    _same_length(given)
    return given


def _path(loc: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def _once(kind: str, ids: Iterable[int], of: str = "") -> None:
    seen: set[int] = set()
    for at, each in enumerate(ids):
        if each in seen:
            raise BadInput(f"The id {each} stands twice.", "Give each an id of its own.", field=f"{kind}[{at}]{of}.id")
        seen.add(each)


def _priced(given: Input, at: int, vehicle: Vehicle) -> None:
    """Does the matrix have what the vehicle is priced and limited by?"""
    found, field = given.matrices.get(vehicle.profile), f"vehicles[{at}]"
    if found is None:
        return
    if found.costs is not None and (vehicle.costs.per_hour != HOUR or vehicle.costs.per_km):
        what = f"The costs of profile {vehicle.profile} have a matrix already."
        raise BadInput(what, "Leave per_hour and per_km out, or the matrix.", field=f"{field}.costs")
    wished = (("costs.per_km", vehicle.costs.per_km or None), ("max_distance", vehicle.max_distance))
    asks = [name for name, asked in wished if asked is not None]
    if asks and found.distances is None:
        what = f"{field}.{asks[0]} asks for distances."
        raise BadInput(what, "Add them.", field=f"matrices.{vehicle.profile}.distances")


def _same_length(given: Input) -> None:
    """All amounts count the same things."""
    size = len(given.vehicles[0].capacity)
    amounts = [(f"vehicles[{at}].capacity", vehicle.capacity) for at, vehicle in enumerate(given.vehicles)]
    for at, vehicle in enumerate(given.vehicles):
        amounts += [(f"vehicles[{at}].breaks[{n}].max_load", own.max_load)
                    for n, own in enumerate(vehicle.breaks) if own.max_load is not None]  # fmt: skip
    for at, job in enumerate(given.jobs):
        said = (("amount", job.amount), ("delivery", job.delivery), ("pickup", job.pickup))
        amounts += [(f"jobs[{at}].{name}", a) for name, a in said if a]
    amounts += [(f"shipments[{at}].amount", each.amount) for at, each in enumerate(given.shipments) if each.amount]
    for field, amount in amounts:
        if len(amount) != size:
            what = f"It has {len(amount)} figures, vehicles[0].capacity has {size}."
            raise BadInput(what, "Give each amount one figure a dimension.", field=field)
