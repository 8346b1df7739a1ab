"""The neutral routing problem and plan: numbers only, no database ids beyond opaque strings, no personal data.

Times are whole seconds since the problem's `t0`; money is integer cents; distances are metres. A `Problem` with the
matrix its `matrix` names is all that any engine, checker or what-if needs, and all that a replay needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.errors import BadInput
from optimizer.weights import Weights as Weights


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hours(Frozen):
    """How long a driver may drive. The defaults are the European Union's: Regulation (EC) 561/2006, articles 6, 7."""

    drive_s: int = Field(16_200, gt=0)
    """driving after which a break is due"""
    break_s: int = Field(2_700, gt=0)
    """how long that break is at least; a shorter one counts as a part of one, or not"""
    parts_s: tuple[int, int] | None = (900, 1800)
    """the least of two parts in which it may be taken, in this order; None: at once only"""
    day_s: int = Field(32_400, gt=0)
    """driving in a day"""


class Break(Frozen):
    """A break that a driver takes on the day, if the route is not over by the end of its last window."""

    id: str
    duration_s: int = Field(ge=0)
    windows: tuple[tuple[int, int], ...] = Field(min_length=1)
    """when it may begin, sorted, in seconds since t0"""
    max_load: tuple[int, ...] = ()
    """what may be aboard at most while it is taken; a dimension left out has no limit"""

    def begins(self, at_s: int) -> int | None:
        """The earliest it may begin at or after this second; None when the last window has closed."""
        return next((max(at_s, opens) for opens, closes in self.windows if at_s <= closes), None)


class Stop(Frozen):
    """One door on one day. All orders there share one service time."""

    id: str
    location: int = Field(ge=0)
    """row of the matrix"""
    service_s: int = Field(ge=0)
    setup_s: int = Field(0, ge=0)
    """getting started, before the service: not when the van stands at this place already"""
    by_kind: dict[str, tuple[int, int]] = {}
    """(set-up, service) in seconds with vehicles of a kind that takes other times"""
    windows: tuple[tuple[int, int], ...] = ()
    """when service may start, sorted, in seconds since t0; empty: at any time"""
    due_s: int | None = None
    """latest start of service that the customer was promised; later is late and priced"""
    demand: tuple[int, ...] = ()
    """what is handed over, one figure a capacity dimension: pieces, grams; a figure left out is 0. It is loaded before
    the van leaves, or at the stop `after`"""
    pickup: tuple[int, ...] = ()
    """what is taken aboard here, in the same dimensions"""
    after: str | None = None
    """stop where its goods are taken aboard: the same van goes there first"""
    skills: tuple[str, ...] = ()
    """what its vehicle must have, all of it"""
    crew: int = Field(1, ge=1)
    """persons that the job takes"""
    areas: tuple[str, ...] = ()
    """in which it lies"""
    free: bool = False
    """nothing is loaded for it (a pickup, a service): any van can go there, also one that has left"""
    drop_penalty: int = Field(100_000, ge=0)
    """cents for leaving the stop out of the plan"""
    aboard: str | None = None
    """vehicle that carries the goods already: the stop can't go to another one"""
    met_at: str | None = None
    """stop at which that vehicle first fetches the goods, from another one"""

    def takes_s(self, kind: str, settled: bool) -> int:
        """How long a vehicle of this kind is here: set-up and service, or service alone when it stood here before."""
        setup_s, service_s = self.by_kind.get(kind, (self.setup_s, self.service_s))
        return service_s if settled else setup_s + service_s

    @property
    def deadline_s(self) -> int | None:
        """From when on a start is late: what was promised, or without a promise the end of the last window."""
        if self.due_s is not None:
            return self.due_s
        return self.windows[-1][1] if self.windows else None

    @model_validator(mode="after")
    def _windows_are_sorted(self) -> Stop:
        edges = list(chain.from_iterable(self.windows))
        if edges != sorted(edges):
            raise BadInput(
                f"the windows of {self.id} overlap or are not in order: {self.windows}",
                "Give (open, close) pairs in seconds, earliest first.",
                field="windows",
            )
        for name in ("demand", "pickup"):
            if any(figure < 0 for figure in getattr(self, name)):
                raise BadInput(f"{self.id} has a negative {name}", "Give 0 or more.", field=name)
        return self


class Vehicle(Frozen):
    """A van with its shift. Live, its route begins with `locked` stops that are not taken from the driver any more."""

    id: str
    start: int = Field(ge=0)
    """row of the matrix from which its route is timed and priced"""
    end: int | None = None
    """row where it ends; None: it ends at its last stop"""
    ready_s: int
    """when it can leave `start`; a van that is used is paid from here on"""
    shift_end_s: int
    capacity: tuple[int, ...] = ()
    """one figure a dimension of `Stop.demand`; a dimension left out has no limit"""
    fixed_cost: int = Field(0, ge=0)
    """cents for using it at all (live: 0 once it is out)"""
    cost_per_hour: int = Field(0, ge=0)
    cost_per_km: int = Field(0, ge=0)
    cost_per_driving_hour: int = Field(0, ge=0)
    """cents for an hour on the road, besides `cost_per_hour`"""
    cost_per_task_hour: int = Field(0, ge=0)
    """cents for an hour of set-up and service, besides `cost_per_hour`"""
    max_driving_s: int | None = Field(None, ge=0)
    max_distance_m: int | None = Field(None, ge=0)
    max_route_s: int | None = Field(None, ge=0)
    """from leaving, as late as it can without ending later, until the end"""
    max_stops: int | None = None
    skills: tuple[str, ...] = ()
    """what van and driver have"""
    crew: int = Field(1, ge=1)
    """persons aboard"""
    areas: tuple[str, ...] | None = None
    """where it may deliver; None: anywhere"""
    kind: str = ""
    """which of `Stop.by_kind` holds for it"""
    profile: str = ""
    """whose travel times it takes (`Matrix.profiles`); empty: the matrix itself"""
    speed_percent: int = Field(100, gt=0, le=1000)
    """how fast it is against the matrix: 50 takes twice as long"""
    co2_g_km: int = Field(0, ge=0)
    """grams of carbon dioxide a kilometre"""
    loading_s: int = Field(0, ge=0)
    """how long it stands at a dock before `ready_s`"""
    held: tuple[int, ...] = ()
    """goods aboard that no stop of the problem takes: fetched, or refused at the door (live)"""
    hours: Hours | None = None
    """None: no limits"""
    driven_s: int = Field(0, ge=0)
    """driving since the last break when the route begins (live)"""
    part_rested: bool = False
    """the first part of a break was taken since that break (live)"""
    drove_s: int = Field(0, ge=0)
    """driving on this day when the route begins (live)"""
    breaks: tuple[Break, ...] = ()
    """those still to be taken, in order"""
    on_road: bool = False
    """it has left the depot: what is not aboard by now it can't deliver"""
    locked: int = Field(0, ge=0)
    """how many first stops of its present route can't be moved (live: the stop that it is driving to)"""
    first_leg_s: int | None = Field(None, ge=0)
    """seconds left to the first stop of its present route, from where the van is now; its metres are not counted.
    It holds only while that stop is locked and first. None: the matrix says"""

    def drive_s(self, seconds: int) -> int:
        """Seconds of the matrix as this vehicle takes them, halves up."""
        if self.speed_percent == 100:
            return seconds
        return (200 * seconds + self.speed_percent) // (2 * self.speed_percent)


class Zone(Frozen):
    """A circle in which driving takes longer for a while. Whole metres from its centre, so that every machine finds the
    same legs crossing it."""

    from_s: int
    until_s: int
    percent: int = Field(ge=100, le=1000)
    """how long a leg takes that touches it: 200 is twice as long"""
    radius_m: int = Field(gt=0)
    places: tuple[tuple[int, int, int], ...]
    """(row of the matrix, metres east of the centre, metres north of it)"""

    def lasts_at(self, second: int) -> bool:
        return self.from_s <= second < self.until_s

    def is_crossed(self, a: tuple[int, int], b: tuple[int, int]) -> bool:
        """Does the straight line from a to b touch the circle?"""
        (ax, ay), (bx, by) = a, b
        dx, dy, near = bx - ax, by - ay, self.radius_m**2
        along, length = -(ax * dx + ay * dy), dx * dx + dy * dy
        if along <= 0 or length == 0:
            return ax * ax + ay * ay <= near
        if along >= length:
            return bx * bx + by * by <= near
        return (ax * by - ay * bx) ** 2 <= near * length


class Problem(Frozen):
    matrix: str
    """content hash of the travel-time matrix (`optimizer.travel`)"""
    stops: tuple[Stop, ...]
    vehicles: tuple[Vehicle, ...]
    routes: dict[str, tuple[str, ...]] = {}
    """the present plan: vehicle id -> stop ids still to serve, in order, locked ones first"""
    now_s: int = 0
    docks: int | None = Field(None, ge=1)
    """how many vans can be loaded at a time; None: all"""
    zones: tuple[Zone, ...] = ()
    """where it takes longer than the matrix says, and how long that lasts"""
    weights: Weights = Weights()

    @model_validator(mode="after")
    def _names_fit(self) -> Problem:
        stops, vehicles = {s.id for s in self.stops}, {v.id for v in self.vehicles}
        routed = list(chain.from_iterable(self.routes.values()))
        before = {s.after for s in self.stops if s.after is not None}
        strangers, ghosts = sorted(self.routes.keys() - vehicles), sorted(set(routed) - stops)
        faults = (
            ("stops", "two stops have one id", len(stops) < len(self.stops)),
            ("vehicles", "two vehicles have one id", len(vehicles) < len(self.vehicles)),
            ("routes", f"routes of unknown vehicles: {strangers}", strangers),
            ("routes", f"routes name unknown stops: {ghosts}", ghosts),
            ("routes", "a stop is on two routes, or twice on one", len(set(routed)) < len(routed)),
            ("after", f"stops come after unknown ones: {sorted(before - stops)}", before - stops),
            (
                "after",
                "a stop comes after one that comes after another",
                any(s.id in before and s.after for s in self.stops),
            ),
        )
        for field, what, fault in faults:
            if fault:
                raise BadInput(what, "Build the problem from one consistent plan.", field=field)
        return self

    def stop(self, stop_id: str) -> Stop:
        found = next((s for s in self.stops if s.id == stop_id), None)
        if found is None:
            raise BadInput(f"no stop {stop_id} in this problem", "Use an open stop of the day.", field="stop")
        return found

    def vehicle(self, vehicle_id: str) -> Vehicle:
        found = next((v for v in self.vehicles if v.id == vehicle_id), None)
        if found is None:
            raise BadInput(f"no vehicle {vehicle_id} in this problem", "Use a vehicle of the day.", field="vehicle")
        return found

    def place_of(self, stop_id: str) -> tuple[str, int] | None:
        """(vehicle id, position) in the present plan; None when no van has the stop."""
        for vehicle_id, stop_ids in self.routes.items():
            if stop_id in stop_ids:
                return vehicle_id, stop_ids.index(stop_id)
        return None


def holds(vehicle: Vehicle, stop: Stop) -> bool:
    """Custody: goods on a van stay with it, goods at the depot go with a van that has not left."""
    return stop.aboard == vehicle.id or (stop.aboard is None and (stop.free or not vehicle.on_road))


def unfit(vehicle: Vehicle, stop: Stop) -> str | None:
    """What keeps a vehicle from ever serving a stop: aboard, skills, crew or area; None when nothing does."""
    if not holds(vehicle, stop):
        return "aboard"
    if stop.skills and not set(stop.skills) <= set(vehicle.skills):
        return "skills"
    if stop.crew > vehicle.crew:
        return "crew"
    return None if vehicle.areas is None or set(vehicle.areas) & set(stop.areas) else "area"


def may_carry(vehicle: Vehicle, stop: Stop) -> bool:
    return unfit(vehicle, stop) is None


def with_routes(problem: Problem, changed: Mapping[str, tuple[str, ...]]) -> Problem:
    """The same problem with the routes of some vehicles replaced."""
    return rebuilt(problem, routes={**problem.routes, **changed})


def without_stop(problem: Problem, stop_id: str) -> Problem:
    """The problem after a stop is gone (cancelled), with the one that its goods are fetched at or for. A van that was
    driving to it is free for its next one: the live first leg pointed at the stop, so it goes too, and the leg is taken
    from the matrix again."""
    gone = {stop_id, problem.stop(stop_id).after} | {s.id for s in problem.stops if s.after == stop_id}
    return rebuilt(
        problem,
        stops=tuple(s for s in problem.stops if s.id not in gone),
        vehicles=tuple(_freed(v, problem.routes.get(v.id, ()), gone) for v in problem.vehicles),
        routes={v: tuple(s for s in stop_ids if s not in gone) for v, stop_ids in problem.routes.items()},
    )


def _freed(vehicle: Vehicle, stop_ids: tuple[str, ...], gone: set[str | None]) -> Vehicle:
    locked = stop_ids[: vehicle.locked]
    kept = sum(stop_id not in gone for stop_id in locked)
    if kept == len(locked):
        return vehicle
    first_leg_s = None if locked[0] in gone else vehicle.first_leg_s
    return vehicle.model_copy(update={"locked": kept, "first_leg_s": first_leg_s})


def rebuilt(problem: Problem, **changes: object) -> Problem:
    """A changed copy that is validated again (`model_copy` would not)."""
    return Problem.model_validate({**dict(problem), **changes})


class Visit(Frozen):
    """One stop of a timed route. arrival <= start; start - arrival is waiting; departure = start + service."""

    stop_id: str
    arrival_s: int
    start_s: int
    departure_s: int
    late_s: int


class Rest(Frozen):
    """A break on a timed route, before the visit `position` (or on the way home)."""

    position: int
    at_s: int
    duration_s: int
    driven_s: int
    """seconds of the leg to that visit that lie behind: 0 at the door before, all of them while waiting at its own"""
    break_id: str = ""
    """of `Vehicle.breaks`; empty: one that the law asks for"""


class Route(Frozen):
    """A timed, priced route of one vehicle."""

    vehicle_id: str
    visits: tuple[Visit, ...]
    start_s: int
    end_s: int
    distance_m: int
    driving_s: int
    waiting_s: int
    resting_s: int = 0
    """breaks that are not taken while waiting, and the time until they may begin"""
    overtime_s: int
    cost: int
    """cents: use, hours, km, overtime and lateness"""
    rests: tuple[Rest, ...] = ()
    broken: tuple[str, ...] = ()
    """hard constraints that this route breaks, in words a dispatcher reads; empty when it is feasible"""

    @property
    def stop_ids(self) -> tuple[str, ...]:
        return tuple(visit.stop_id for visit in self.visits)


class Unassigned(Frozen):
    stop_id: str
    reason: str
    """one of optimizer.reasons.REASONS"""
    detail: str


class Plan(Frozen):
    routes: tuple[Route, ...]
    """one for each vehicle of the problem, in its order; a van that stays at home has no visits and costs 0"""
    unassigned: tuple[Unassigned, ...]
    cost: int
    """what the engine minimised: the cost of the routes and the drop penalty of every unassigned stop"""
    engine: str
    iterations: int
    stopped_by: str
    """`iterations`, `optimal`, `time` or `cancelled`: only the first two can be replayed to the byte"""

    @property
    def routes_cost(self) -> int:
        """Cents that the routes cost, without penalties for what is left out."""
        return sum(route.cost for route in self.routes)
