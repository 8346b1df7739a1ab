"""What the routes answer, as models: the OpenAPI says it, and the typed client is written from that.

`shown(Model)` goes into a route's decorator. A key that a route leaves out of its answer stays out.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from core.orders import Kind, PlaceKind


class Answer(BaseModel):
    # a key that no model names must not get lost without a word
    model_config = ConfigDict(frozen=True, extra="forbid")


def shown(model: type[BaseModel]) -> dict[str, Any]:
    return {"response_model": model, "response_model_exclude_unset": True}


class Clock(Answer):
    mode: Literal["real", "simulated"]
    now: datetime
    paused: bool
    speed: float


class Token(Answer):
    token: str
    """shown this once"""
    principal: str


class Rejection(Answer):
    """What was not taken. `row` counts from 1; in a fleet file it names the list, too."""

    row: int | str
    field: str
    reason: str
    fix: str


# Orders and fleet -----------------------------------------------------------------------------------------------------


class FleetTaken(Answer):
    clients: int
    depots: int
    areas: int
    drivers: int
    vehicles: int
    rejected: tuple[Rejection, ...]


class MatrixTaken(Answer):
    hash: str


class Promise(Answer):
    """From when until when the customer was told to expect us."""

    lo: datetime
    hi: datetime


class OrderRow(Answer):
    """An order, with the van that has it in its plan and the time that was promised."""

    id: str
    ref: str
    client: str
    person: str
    depot: str
    day: date
    status: str
    stop: str
    vehicle: str | None
    lat: float | None
    lon: float | None
    place: PlaceKind
    windows: tuple[tuple[datetime, datetime], ...]
    kind: Kind
    priority: Literal["low", "normal", "high", "urgent"]
    pieces: int
    weight_g: int
    volume_ml: int
    service_s: int
    skills: tuple[str, ...]
    crew: int
    promise: Promise | None


class Orders(Answer):
    orders: tuple[OrderRow, ...]


class OrderEvent(Answer):
    kind: str
    at: datetime
    source: str


class Message(Answer):
    id: str
    at: datetime
    direction: Literal["in", "out"]
    channel: str
    template: str | None
    body: str | None
    """None once its person is erased"""
    order: str | None
    person: str | None
    case: str | None
    thread: str | None


class DepotReach(Answer):
    depot: str
    seconds: int
    """from it to the door"""
    why_not: str
    """what keeps all of its vans from the order; empty: nothing"""


class OrderStory(OrderRow):
    events: tuple[OrderEvent, ...]
    messages: tuple[Message, ...]
    depots: tuple[DepotReach, ...] = ()
    """those that were weighed when its sender named none, the chosen one first"""


class Messages(Answer):
    messages: tuple[Message, ...]
    next: str | None
    """send it as `after` to get the next page; None: this is the last one"""


# Plans ----------------------------------------------------------------------------------------------------------------


class PlanStarted(Answer):
    run: str


class PlanRun(Answer):
    id: str
    depot: str
    day: date
    status: Literal["queued", "running", "done", "failed"]
    progress: tuple[dict[str, Any], ...]
    version: int | None
    """of the draft, once it is done"""
    error: str | None


class Published(Answer):
    version: int
    digest: str
    promises: int


class PlannedStop(Answer):
    stop: str
    orders: tuple[str, ...]
    lat: float | None
    """None: the customers there were erased"""
    lon: float | None
    arrival: datetime
    departure: datetime


class Cents(Answer):
    use: int
    hours: int
    km: int
    overtime: int
    late: int


class Figures(Answer):
    """Of one route, or added up over many."""

    vans: int
    stops: int
    distance_m: int
    paid_s: int
    driving_s: int
    service_s: int
    waiting_s: int
    resting_s: int
    shift_s: int
    co2_g: int
    cents: Cents
    load_percent: tuple[int, ...]


class PlanFigures(Figures):
    worked_percent: int


class PlannedBreak(Answer):
    after: int
    at: datetime
    minutes: int
    own: bool


class PlannedRoute(Answer):
    vehicle: str
    digest: str
    distance_m: int
    driving_s: int
    cost: int
    start: datetime
    end: datetime
    figures: Figures | None
    breaks: tuple[PlannedBreak, ...]
    stops: tuple[PlannedStop, ...]


class UnassignedStop(Answer):
    stop: str
    orders: tuple[str, ...]
    reason: str
    detail: str


class Plan(Answer):
    version: int
    digest: str
    published: bool
    cost: int
    made_by: dict[str, Any]
    figures: PlanFigures
    routes: tuple[PlannedRoute, ...]
    unassigned: tuple[UnassignedStop, ...]


# On the road ----------------------------------------------------------------------------------------------------------


class EventResult(Answer):
    key: str
    result: Literal["accepted", "duplicate", "rejected"]
    field: str | None = None
    reason: str | None = None
    fix: str | None = None


class EventResults(Answer):
    results: tuple[EventResult, ...]


class PositionsTaken(Answer):
    accepted: int
    rejected: tuple[Rejection, ...]


class RouteOrder(Answer):
    id: str
    ref: str
    pieces: int
    kind: str = "delivery"
    """pickup and return are to be fetched there"""


class RouteStop(Answer):
    stop: str
    arrival: datetime
    done: bool
    orders: tuple[RouteOrder, ...]
    lat: float | None
    lon: float | None
    address: str | None
    notes: str | None
    service_s: int
    giver: str | None = None
    """a meeting: the van whose goods are taken over there; `stop` is the transfer"""


class DriverHours(Answer):
    worked_s: int
    rested_s: int
    since_rest_s: int
    drove_s: int = 0
    """driving on the day"""
    driven_s: int = 0
    """driving since the last break that counts"""


class Break(Answer):
    after: int
    at: datetime
    minutes: int


class DriverRoute(Answer):
    vehicle: str
    day: date
    version: int | None
    next: str | None
    departed: bool
    broken: bool
    handovers: tuple[str, ...]
    """transfers for which somebody comes to this van"""
    hours: DriverHours
    breaks: tuple[Break, ...]
    stops: tuple[RouteStop, ...]


# Cases and decisions --------------------------------------------------------------------------------------------------


class Proposal(Answer):
    """An exact action; its digest is what is approved."""

    digest: str
    option: str
    action: str
    cost_lo: int
    cost_hi: int


class DecisionRow(Answer):
    id: str
    case: str
    seq: int
    verdict: str
    rule: str | None
    action: str
    approver: str | None
    cost: int
    undone_by: str | None
    at: datetime


class Case(Answer):
    id: str
    kind: str
    subject: str
    depot: str
    day: date
    status: str
    version: int
    opened_at: datetime
    closed_at: datetime | None
    facts: dict[str, Any]
    options: tuple[dict[str, Any], ...]
    verdict: dict[str, Any] | None
    reason_code: str | None
    owner: str | None
    owner_name: str | None = None
    due_by: datetime | None
    proposal: Proposal | None


class Cases(Answer):
    cases: tuple[Case, ...]


class CaseStory(Case):
    decisions: tuple[DecisionRow, ...]


class CaseOpened(Answer):
    case: str


class CaseStatus(Answer):
    case: str
    status: str


class DecisionMade(Answer):
    decision: str


class ProposalMade(Answer):
    proposal: str


class Decisions(Answer):
    decisions: tuple[DecisionRow, ...]
    next: str | None
    """send it as `after` to get the next page; None: this is the last one"""


class IncidentDeclared(Answer):
    incident: str
