"""The API of Doorstep as typed calls. Written by `doorstep client` from the OpenAPI: do not edit.

`Calls` takes a function that sends a request and returns the body of its answer, and raises what it makes of a refusal.
Fields that this client does not know are ignored, so that the API can grow.
"""

# fmt: off
from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, TypeAdapter

Json = Any
"""a value of a JSON document"""
A = TypeVar("A")


def at(path: str, *parts: object) -> str:
    """A path with its parts filled in, whatever they hold."""
    return path.format(*(quote(str(part), safe="") for part in parts))


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Send(Protocol):
    """Sends one request. Raises whatever the caller wants raised when the answer is no success."""

    def __call__(self, method: str, path: str, query: Mapping[str, str], body: bytes, kind: str) -> bytes: ...


class Answer(Model):
    text: str


class Ask(Model):
    depot: str
    day: date
    iterations: int | None = None
    seed: int = 1
    time_limit_s: float = 300.0
    start: str | None = None
    key: str | None = None


class Batch(Model):
    positions: tuple[Position, ...]


class BodySkipStanding(Model):
    day: date


class Break(Model):
    after: int
    at: datetime
    minutes: int


class BrokenPromise(Model):
    promise: str
    order: str
    hi: datetime
    arrived: datetime | None = None
    knowable: datetime | None = None
    told: datetime | None = None
    reason: str


class Case(Model):
    id: str
    kind: str
    subject: str
    depot: str
    day: date
    status: str
    version: int
    opened_at: datetime
    closed_at: datetime | None = None
    facts: dict[str, Json]
    options: tuple[dict[str, Json], ...]
    verdict: dict[str, Json] | None = None
    reason_code: str | None = None
    owner: str | None = None
    owner_name: str | None = None
    due_by: datetime | None = None
    proposal: Proposal | None = None


class CaseOpened(Model):
    case: str


class CaseStatus(Model):
    case: str
    status: str


class CaseStory(Model):
    id: str
    kind: str
    subject: str
    depot: str
    day: date
    status: str
    version: int
    opened_at: datetime
    closed_at: datetime | None = None
    facts: dict[str, Json]
    options: tuple[dict[str, Json], ...]
    verdict: dict[str, Json] | None = None
    reason_code: str | None = None
    owner: str | None = None
    owner_name: str | None = None
    due_by: datetime | None = None
    proposal: Proposal | None = None
    decisions: tuple[DecisionRow, ...]


class Cases(Model):
    cases: tuple[Case, ...]


class Cents(Model):
    use: int
    hours: int
    km: int
    overtime: int
    late: int


class Change(Model):
    """One thing that gives."""

    kind: Literal["window", "shift", "capacity", "skills", "stops"]
    subject: str
    amount: int
    dimension: int = 0
    skills: tuple[str, ...] = ()
    words: str


class Clock(Model):
    mode: Literal["real", "simulated"]
    now: datetime
    paused: bool
    speed: float


class Comparison(Model):
    """What the second plan is against the first; positive is more."""

    cents: int
    penalty_cents: int
    driving_s: int
    distance_m: int
    late_s: int
    vans: int
    moved: tuple[str, ...]
    dropped: tuple[str, ...]
    gained: tuple[str, ...]
    broken: tuple[str, ...]
    kept: tuple[str, ...]
    payers: tuple[Payer, ...]
    by_van: tuple[VanDelta, ...]


class Confirm(Model):
    depot: str
    day: date
    at_least: int = 20
    orders: tuple[str, ...] | None = None


class Contact(Model):
    """What is not given stays as it is."""

    opted_out: bool | None = None
    lang: str | None = None
    tz: str | None = None


class Custody(Model):
    parcels: dict[str, int]
    planned: int
    loaded: int
    left_behind: tuple[str, ...]
    mismatches: tuple[tuple[str, str], ...]
    lines: tuple[CustodyLine, ...]
    agrees: bool


class CustodyLine(Model):
    order: str
    what: str
    case: str | None = None


class DayReport(Model):
    """A day in figures, over all depots."""

    currency: str
    orders: dict[str, int]
    effects: dict[str, int]
    promises: dict[str, int]
    messages: dict[str, int]
    held_back: dict[str, int]
    feedback: dict[str, int]
    cases: dict[str, dict[str, int]]
    unfinished_cases: dict[str, int]
    endings: dict[str, int]
    chosen_by_customers: tuple[str, ...]
    broken_promises: tuple[BrokenPromise, ...]
    custody: Custody
    spend: dict[str, dict[str, Spend]]
    decisions: dict[str, int]
    plans: dict[str, PlanFigures]
    outside_policy: int
    log: LogHead


class DecisionMade(Model):
    decision: str


class DecisionRow(Model):
    id: str
    case: str
    seq: int
    verdict: str
    rule: str | None = None
    action: str
    approver: str | None = None
    cost: int
    undone_by: str | None = None
    at: datetime


class Decisions(Model):
    decisions: tuple[DecisionRow, ...]
    next: str | None = None


class DepotReach(Model):
    depot: str
    seconds: int
    why_not: str


class Door(Model):
    """What is known; what is left out stays as it was."""

    address: str
    lat: float | None = None
    lon: float | None = None
    notes: str | None = None
    service_s: int | None = None


class DriverHours(Model):
    worked_s: int
    rested_s: int
    since_rest_s: int
    drove_s: int = 0
    driven_s: int = 0


class DriverRoute(Model):
    vehicle: str
    day: date
    version: int | None = None
    next: str | None = None
    departed: bool
    broken: bool
    handovers: tuple[str, ...]
    hours: DriverHours
    breaks: tuple[Break, ...]
    stops: tuple[RouteStop, ...]


class Duplicate(Model):
    """A rejected row that repeats an order: its reference with other contents, or its contents under another one."""

    row: int
    ref: str
    same: Literal["reference", "contents"]
    as_ref: str
    as_row: int | None = None
    order: str


class EventResult(Model):
    key: str
    result: Literal["accepted", "duplicate", "rejected"]
    field: str | None = None
    reason: str | None = None
    fix: str | None = None


class EventResults(Model):
    results: tuple[EventResult, ...]


class Fact(Model):
    """One thing a tool returned, fit to be said: times as local "HH:MM", days as ISO dates, money in `_cents`."""

    name: str
    value: str | int | bool
    source: str
    at: str


class Figures(Model):
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


class FleetTaken(Model):
    clients: int
    depots: int
    areas: int
    drivers: int
    vehicles: int
    rejected: tuple[Rejection, ...]


class FreeSlot(Model):
    """Service begins between `lo` and `hi`. Customers see no more than that; only staff see the vehicle."""

    day: date
    lo: datetime
    hi: datetime
    cost_cents: int | None = None
    minutes_late: int | None = None
    promises: int | None = None
    vehicle: str | None = None


class Imported(Model):
    id: str
    accepted: int
    unchanged: int
    rejected: tuple[Rejected, ...]
    duplicates: tuple[Duplicate, ...] = ()
    warnings: tuple[Rejected, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    risky: tuple[Risky, ...] = ()
    places: dict[str, int] = {}
    ignored: tuple[str, ...] = ()


class IncidentDeclared(Model):
    incident: str


class Insert(Model):
    order: str
    vehicle: str | None = None


class LogHead(Model):
    seq: int
    head: str
    verified: bool
    problems: tuple[str, ...]


class Made(Model):
    depot: str
    day: date


class MatrixTaken(Model):
    hash: str


class Message(Model):
    id: str
    at: datetime
    direction: Literal["in", "out"]
    channel: str
    template: str | None = None
    body: str | None = None
    order: str | None = None
    person: str | None = None
    case: str | None = None
    thread: str | None = None


class Messages(Model):
    messages: tuple[Message, ...]
    next: str | None = None


class NewIncident(Model):
    """What is known of it. A circle in which driving takes longer, or a depot that sends its vans out late."""

    kind: Literal["road_closed", "slow_zone", "storm", "depot_late"]
    depot: str
    until: datetime
    lat: float | None = None
    lon: float | None = None
    radius_m: int | None = None
    percent: int | None = None
    minutes: int | None = None


class NewToken(Model):
    role: str
    subject: str
    days: int | None = None


class No(Model):
    proposal: str
    reason: str


class Note(Model):
    note: str = ""
    called: bool = False


class OrderEvent(Model):
    kind: str
    at: datetime
    source: str


class OrderRow(Model):
    """An order, with the van that has it in its plan and the time that was promised."""

    id: str
    ref: str
    client: str
    person: str
    depot: str
    day: date
    status: str
    stop: str
    vehicle: str | None = None
    lat: float | None = None
    lon: float | None = None
    place: Literal["given", "exact", "interpolated", "postal_code", "person", "none"]
    windows: tuple[tuple[datetime, datetime], ...]
    kind: Literal["delivery", "pickup", "return", "exchange", "service"]
    priority: Literal["low", "normal", "high", "urgent"]
    pieces: int
    weight_g: int
    volume_ml: int
    service_s: int
    skills: tuple[str, ...]
    crew: int
    promise: Promise | None = None


class OrderStory(Model):
    id: str
    ref: str
    client: str
    person: str
    depot: str
    day: date
    status: str
    stop: str
    vehicle: str | None = None
    lat: float | None = None
    lon: float | None = None
    place: Literal["given", "exact", "interpolated", "postal_code", "person", "none"]
    windows: tuple[tuple[datetime, datetime], ...]
    kind: Literal["delivery", "pickup", "return", "exchange", "service"]
    priority: Literal["low", "normal", "high", "urgent"]
    pieces: int
    weight_g: int
    volume_ml: int
    service_s: int
    skills: tuple[str, ...]
    crew: int
    promise: Promise | None = None
    events: tuple[OrderEvent, ...]
    messages: tuple[Message, ...]
    depots: tuple[DepotReach, ...] = ()


class Orders(Model):
    orders: tuple[OrderRow, ...]


class Other(Model):
    proposal: str
    option: str


class OwnMatrix(Model):
    """Travel times of your own; row 0 is the depot."""

    locations: tuple[Place, ...]
    durations_s: tuple[tuple[int, ...], ...]
    distances_m: tuple[tuple[int, ...], ...] | None = None


class Pause(Model):
    paused: bool


class Payer(Model):
    """A stop that a change makes earlier or later."""

    stop_id: str
    vehicle_id: str
    later_s: int
    late_s: int


class Pinned(Model):
    """Why a stop was moved: the plan as it is against the best one that leaves the stop on its van."""

    stop_id: str
    vehicle_id: str
    comparison: Comparison
    feasible: bool


class Place(Model):
    lat: float
    lon: float


class Placed(Model):
    decision: str
    case: str
    version: int
    vehicle: str
    arrival: datetime
    options: tuple[PlacedOption, ...]


class PlacedOption(Model):
    """One thing that could be done, against doing nothing. Money in minor units."""

    id: str
    kind: str
    vehicle_id: str | None = None
    cost_cents: int
    minutes_late: int
    promises_broken: int
    promises_retold: int
    stops_moved: int
    others_delayed_min: int
    feasible: bool
    broken: tuple[str, ...]


class Plan(Model):
    version: int
    digest: str
    published: bool
    cost: int
    made_by: dict[str, Json]
    figures: PlanFigures
    routes: tuple[PlannedRoute, ...]
    unassigned: tuple[UnassignedStop, ...]


class PlanFigures(Model):
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
    worked_percent: int


class PlanRun(Model):
    id: str
    depot: str
    day: date
    status: Literal["queued", "running", "done", "failed"]
    progress: tuple[dict[str, Json], ...]
    version: int | None = None
    error: str | None = None


class PlanStarted(Model):
    run: str


class PlannedBreak(Model):
    after: int
    at: datetime
    minutes: int
    own: bool


class PlannedRoute(Model):
    vehicle: str
    digest: str
    distance_m: int
    driving_s: int
    cost: int
    start: datetime
    end: datetime
    figures: Figures | None = None
    breaks: tuple[PlannedBreak, ...]
    stops: tuple[PlannedStop, ...]


class PlannedStop(Model):
    stop: str
    orders: tuple[str, ...]
    lat: float | None = None
    lon: float | None = None
    arrival: datetime
    departure: datetime


class Position(Model):
    vehicle: str
    at: datetime
    lat: float
    lon: float
    speed_kmh: float | None = None
    heading: float | None = None


class PositionsTaken(Model):
    accepted: int
    rejected: tuple[Rejection, ...]


class Preview(Model):
    name: str
    client: str = "default"
    lang: str = "en"
    text: str | None = None
    facts: dict[str, str] = {}


class Promise(Model):
    """From when until when the customer was told to expect us."""

    lo: datetime
    hi: datetime


class Proposal(Model):
    """An exact action; its digest is what is approved."""

    digest: str
    option: str
    action: str
    cost_lo: int
    cost_hi: int


class ProposalMade(Model):
    proposal: str


class Published(Model):
    version: int
    digest: str
    promises: int


class Refusal(Model):
    """What keeps one vehicle from the stop, at the place where it breaks least."""

    vehicle_id: str
    kinds: tuple[str, ...]
    words: tuple[str, ...]


class Rejected(Model):
    """A row that was not taken, or in `warnings` one that was. `row` counts from 1, the header not included."""

    row: int
    field: str
    reason: str
    fix: str


class Rejection(Model):
    """What was not taken. `row` counts from 1; in a fleet file it names the list, too."""

    row: int | str
    field: str
    reason: str
    fix: str


class Relaxation(Model):
    """What has to give for the stop to fit at one place. With the changes made, the route breaks nothing new."""

    vehicle_id: str
    position: int
    changes: tuple[Change, ...]
    cost_cents: int


class Risky(Model):
    """An order that is in, and whose first attempt is likely to fail."""

    row: int
    order: str
    percent: int
    reasons: tuple[str, ...]


class RouteOrder(Model):
    id: str
    ref: str
    pieces: int
    kind: str = "delivery"


class RouteStop(Model):
    stop: str
    arrival: datetime
    done: bool
    orders: tuple[RouteOrder, ...]
    lat: float | None = None
    lon: float | None = None
    address: str | None = None
    notes: str | None = None
    service_s: int
    giver: str | None = None


class Said(Model):
    text: str
    key: str | None = None


class Slots(Model):
    slots: tuple[FreeSlot, ...]


class Spend(Model):
    decisions: int
    cost_cents: int
    saved_cents: int


class Tap(Model):
    """One thing that happened on the road. `key` makes it count once."""

    key: str
    kind: str
    at: datetime
    vehicle: str | None = None
    stop: str | None = None
    order: str | None = None
    data: dict[str, Json] = {}


class Taps(Model):
    events: tuple[Tap | dict[str, Json], ...]


class To(Model):
    to: datetime
    speed: float | None = None


class Token(Model):
    token: str
    principal: str


class Turn(Model):
    """What came back: the reply, what was understood, the case it opened, and the facts that the reply rests on."""

    reply: str
    intent: str
    case: str | None = None
    choices: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    proposal: str | None = None


class UnassignedStop(Model):
    stop: str
    orders: tuple[str, ...]
    reason: str
    detail: str


class Unplaced(Model):
    """An order that is in but can't be planned until somebody says where it goes."""

    row: int
    order: str
    case: str
    reason: str


class Usual(Model):
    """Routes as they stand, or those of a published plan."""

    routes: dict[str, tuple[str, ...]] | None = None
    day: date | None = None


class VanDelta(Model):
    vehicle_id: str
    cents: int
    driving_s: int
    distance_m: int
    stops: int


class Why(Model):
    stop_id: str
    reason: str
    detail: str
    refusals: tuple[Refusal, ...]
    relaxations: tuple[Relaxation, ...]


class Wish(Model):
    """What is wanted of an order: `cancel`, `reschedule` with the `day`; of a delivered one: `missing_delivery`,
    `damage`.
    """

    action: str
    order: str
    day: date | None = None
    photo: str | None = None


class Yes(Model):
    proposal: str


class ApiRoutesDriverWords(Model):
    text: str
    key: str | None = None


class ApiRoutesMessagesWords(Model):
    text: str


class Calls:
    """One method an operation. Nothing is kept but how to send."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def _call(
        self, kind: Any, method: str, path: str, query: Mapping[str, Any], body: BaseModel | bytes = b"",
        media: str = "application/json",
    ) -> Any:
        said = {name: str(value) for name, value in query.items() if value is not None}
        content = body if isinstance(body, bytes) else body.model_dump_json(exclude_unset=True).encode()
        answer = self._send(method, path, said, content, media)
        if kind is None:
            return None
        return answer.decode() if kind is str else TypeAdapter(kind).validate_json(answer)

    def healthz(self) -> dict[str, str]:
        """The process answers."""
        answer: dict[str, str] = self._call(dict[str, str], "GET", "/healthz", {})
        return answer

    def readyz(self) -> Json:
        """All that a day needs answers: database, engine, a worker."""
        answer: Json = self._call(Json, "GET", "/readyz", {})
        return answer

    def get_metrics(self) -> str:
        """Prometheus text. Counts only, nothing about anybody."""
        answer: str = self._call(str, "GET", "/metrics", {})
        return answer

    def chat(self, body: Said) -> Turn:
        """Say something to the assistant. Customers see their own orders only."""
        answer: Turn = self._call(Turn, "POST", "/api/v1/chat", {}, body)
        return answer

    def use_tool(self, name: str, *, order: str | None = None, about: str | None = None) -> dict[str, Json]:
        """Read with one of the tools in your box, as the assistant would."""
        answer: dict[str, Json] = self._call(
            dict[str, Json], "GET", at("/api/v1/tools/{}", name), {"order": order, "about": about},
        )
        return answer

    def make_token(self, body: NewToken) -> Token:
        """Make a token for somebody; it is shown this once."""
        answer: Token = self._call(Token, "POST", "/api/v1/admin/tokens", {}, body)
        return answer

    def put_fleet(self, body: bytes) -> FleetTaken:
        """Clients, depots, areas, drivers, vehicles, as YAML or JSON. Good entries are taken, bad ones come with
        why.
        """
        answer: FleetTaken = self._call(FleetTaken, "PUT", "/api/v1/fleet", {}, body, media="application/yaml")
        return answer

    def get_fleet(self) -> dict[str, Json]:
        """Get Fleet"""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", "/api/v1/fleet", {})
        return answer

    def import_orders(
        self, day: date, body: bytes, *, depot: str | None = None, format_: str | None = None,
        mapping: str | None = None,
    ) -> Imported:
        """Take a file of orders in. The same file twice changes nothing."""
        answer: Imported = self._call(
            Imported, "POST", "/api/v1/imports", {"day": day, "depot": depot, "format": format_, "mapping": mapping},
            body, media="text/csv",
        )
        return answer

    def import_rejected(self, batch: str) -> dict[str, Json]:
        """Rows that were not taken, with their reason and what they held."""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", at("/api/v1/imports/{}", batch), {})
        return answer

    def put_matrix(self, depot_id: str, body: OwnMatrix) -> MatrixTaken:
        """Use these travel times for a depot's plans from now on."""
        answer: MatrixTaken = self._call(MatrixTaken, "PUT", at("/api/v1/depots/{}/matrix", depot_id), {}, body)
        return answer

    def list_orders(self, depot: str, day: date) -> Orders:
        """The orders of a depot's day, with the van that has each in its plan and the time that was promised."""
        answer: Orders = self._call(Orders, "GET", "/api/v1/orders", {"depot": depot, "day": day})
        return answer

    def order_story(self, order_id: str) -> OrderStory:
        """Everything about one order. Customers see their own; to them others' orders do not exist."""
        answer: OrderStory = self._call(OrderStory, "GET", at("/api/v1/orders/{}", order_id), {})
        return answer

    def put_place(self, order_id: str, body: Place) -> dict[str, Json]:
        """Say where an order goes that no plan has yet; its open question about the address is settled."""
        answer: dict[str, Json] = self._call(dict[str, Json], "PUT", at("/api/v1/orders/{}/place", order_id), {}, body)
        return answer

    def put_collected(self, order_id: str) -> dict[str, Json]:
        """Its customer has fetched it at the depot, as agreed after a failed attempt. Again changes nothing."""
        answer: dict[str, Json] = self._call(dict[str, Json], "POST", at("/api/v1/orders/{}/collected", order_id), {})
        return answer

    def order_lineage(self, order_id: str) -> dict[str, Json]:
        """What led to what around one order: events, cases, decisions, plans, promises, messages."""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", at("/api/v1/orders/{}/lineage", order_id), {})
        return answer

    def list_messages(
        self, *, order: str | None = None, person: str | None = None, after: str | None = None,
        limit: int | None = None,
    ) -> Messages:
        """What was said to and by customers, newest first, a page at a time."""
        answer: Messages = self._call(
            Messages, "GET", "/api/v1/messages", {"order": order, "person": person, "after": after, "limit": limit},
        )
        return answer

    def erase_person(self, person_id: str) -> None:
        """Forget a customer. The log keeps verifying: it never held anything personal."""
        self._call(None, "POST", at("/api/v1/people/{}/erase", person_id), {})

    def list_standing(self, depot: str) -> dict[str, Json]:
        """The standing orders of a depot. They come in with POST /api/imports, in rows that name weekdays."""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", "/api/v1/standing", {"depot": depot})
        return answer

    def end_standing(self, standing_id: str) -> None:
        """No more orders from it; those that were made stay."""
        self._call(None, "DELETE", at("/api/v1/standing/{}", standing_id), {})

    def skip_standing(self, standing_id: str, body: BodySkipStanding) -> dict[str, Json]:
        """No order from it on one day."""
        answer: dict[str, Json] = self._call(
            dict[str, Json], "POST", at("/api/v1/standing/{}/skip", standing_id), {}, body,
        )
        return answer

    def make_standing(self, body: Made) -> dict[str, Json]:
        """Make the day's orders now. It is done anyway at noon of the day before and when a plan is asked for."""
        answer: dict[str, Json] = self._call(dict[str, Json], "POST", "/api/v1/standing/orders", {}, body)
        return answer

    def list_doors(self, person_id: str) -> dict[str, Json]:
        """What the address book knows of a customer's doors."""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", at("/api/v1/people/{}/doors", person_id), {})
        return answer

    def put_door(self, person_id: str, body: Door) -> None:
        """Where a customer's door is, how to get in, how long it takes: the next order to that address has it."""
        self._call(None, "PUT", at("/api/v1/people/{}/doors", person_id), {}, body)

    def list_usual(self, depot_id: str) -> dict[str, Json]:
        """The usual routes of a depot, by name: vehicle -> persons in order."""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", at("/api/v1/depots/{}/routes", depot_id), {})
        return answer

    def put_usual(self, depot_id: str, name: str, body: Usual) -> dict[str, Json]:
        """Name routes that plans may start from, as they are given or as a day's plan has them."""
        answer: dict[str, Json] = self._call(
            dict[str, Json], "PUT", at("/api/v1/depots/{}/routes/{}", depot_id, name), {}, body,
        )
        return answer

    def delete_usual(self, depot_id: str, name: str) -> None:
        """Forget them."""
        self._call(None, "DELETE", at("/api/v1/depots/{}/routes/{}", depot_id, name), {})

    def list_risks(self, depot: str, day: date, *, at_least: int | None = None) -> dict[str, Json]:
        """A day's orders whose first attempt is likely to fail, the riskiest first, with what makes them so."""
        answer: dict[str, Json] = self._call(
            dict[str, Json], "GET", "/api/v1/risks", {"depot": depot, "day": day, "at_least": at_least},
        )
        return answer

    def confirm(self, body: Confirm) -> dict[str, Json]:
        """Ask the customers of a day's risky orders whether somebody will be there; answers keep, move or drop them."""
        answer: dict[str, Json] = self._call(dict[str, Json], "POST", "/api/v1/confirmations", {}, body)
        return answer

    def list_slots(
        self, *, order: str | None = None, depot: str | None = None, lat: float | None = None, lon: float | None = None,
        kind: Literal["delivery", "pickup", "return", "exchange", "service"] | None = None,
        service_s: int | None = None, pieces: int | None = None, weight_g: int | None = None,
        volume_ml: int | None = None, from_: date | None = None, days: int | None = None, hours: int | None = None,
    ) -> Slots:
        """When an order (`order`), or one that is not in yet (`depot`, `lat`, `lon` and its goods), could be
        brought: the windows that fit from `from`, else today, on, with what each costs on the plans as they are.
        Nothing is booked.
        """
        answer: Slots = self._call(
            Slots, "GET", "/api/v1/slots", {"order": order, "depot": depot, "lat": lat, "lon": lon, "kind": kind,
            "service_s": service_s, "pieces": pieces, "weight_g": weight_g, "volume_ml": volume_ml, "from": from_,
            "days": days, "hours": hours},
        )
        return answer

    def ask_plan(self, body: Ask) -> PlanStarted:
        """Start planning a depot's day. The draft comes when the run is done; nothing changes until it is published."""
        answer: PlanStarted = self._call(PlanStarted, "POST", "/api/v1/plans", {}, body)
        return answer

    def get_run(self, run: str) -> PlanRun:
        """How far a plan run is: cost over time, and the draft's version at its end."""
        answer: PlanRun = self._call(PlanRun, "GET", at("/api/v1/plans/runs/{}", run), {})
        return answer

    def get_compliance(self, depot: str, day: date) -> dict[str, Json]:
        """How each van's stops were served against the published plan: how many in order, which elsewhere."""
        answer: dict[str, Json] = self._call(
            dict[str, Json], "GET", at("/api/v1/plans/{}/{}/compliance", depot, day), {},
        )
        return answer

    def get_plan(self, depot: str, day: date, *, version: int | None = None) -> Plan:
        """A version of a depot's plan; without `version` the published one."""
        answer: Plan = self._call(Plan, "GET", at("/api/v1/plans/{}/{}", depot, day), {"version": version})
        return answer

    def insert_order(self, depot: str, day: date, body: Insert) -> Placed:
        """Put an order that no van has on the running plan, where nobody else's order changes: decided, written and
        done when it answers, with the other places that were looked at.
        """
        answer: Placed = self._call(Placed, "POST", at("/api/v1/plans/{}/{}/insertions", depot, day), {}, body)
        return answer

    def publish(self, depot: str, day: date, version: int) -> Published:
        """Publish a draft: drivers see it, customers are promised its times."""
        answer: Published = self._call(Published, "POST", at("/api/v1/plans/{}/{}/{}/publish", depot, day, version), {})
        return answer

    def compare_plans(self, depot: str, day: date, first: int, second: int) -> Comparison:
        """The second version against the first: money, minutes, promises, stops moved, and who pays."""
        answer: Comparison = self._call(
            Comparison, "GET", at("/api/v1/plans/{}/{}/compare", depot, day), {"first": first, "second": second},
        )
        return answer

    def why_unassigned(self, depot: str, day: date, version: int, stop: str) -> Why:
        """What keeps each van from a stop that the version leaves out, and the least that has to give for it to fit."""
        answer: Why = self._call(Why, "GET", at("/api/v1/plans/{}/{}/{}/unassigned/{}", depot, day, version, stop), {})
        return answer

    def why_moved(self, depot: str, day: date, version: int, stop: str, before: int) -> Pinned:
        """Why a stop was moved since version `before`: what leaving it on its van would cost, and who would pay. It
        solves the day once more, which takes seconds.
        """
        answer: Pinned = self._call(
            Pinned, "GET", at("/api/v1/plans/{}/{}/{}/moved/{}", depot, day, version, stop), {"before": before},
        )
        return answer

    def optimize(
        self, body: bytes, *, t: float | None = None, seed: int | None = None, c: bool | None = None,
    ) -> dict[str, Json]:
        """Plan routes: VROOM's problem format in, its solution format out. `t`: seconds to search, from when the
        problem is read. `c`: choose times for the routes in `steps`. Hang up to cancel.
        """
        answer: dict[str, Json] = self._call(
            dict[str, Json], "POST", "/api/v1/optimize", {"t": t, "seed": seed, "c": c}, body,
        )
        return answer

    def take_events(self, body: Taps) -> EventResults:
        """Take taps in, each by itself: a bad one is rejected with its reason and the others count."""
        answer: EventResults = self._call(EventResults, "POST", "/api/v1/events", {}, body)
        return answer

    def take_positions(self, body: Batch) -> PositionsTaken:
        """Take positions in; those of unknown or foreign vehicles are rejected by row."""
        answer: PositionsTaken = self._call(PositionsTaken, "POST", "/api/v1/positions", {}, body)
        return answer

    def driver_route(self) -> DriverRoute:
        """What this driver still has to do today, and what is done."""
        answer: DriverRoute = self._call(DriverRoute, "GET", "/api/v1/driver/route", {})
        return answer

    def fleet_now(self) -> dict[str, Json]:
        """Where every van is and what it does."""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", "/api/v1/fleet/now", {})
        return answer

    def van_trail(
        self, van_id: str, *, from_: datetime | None = None, to: datetime | None = None, points: int | None = None,
    ) -> dict[str, Json]:
        """Where a van was between two times (else: today so far), at which doors how long, and its stops ahead."""
        answer: dict[str, Json] = self._call(
            dict[str, Json], "GET", at("/api/v1/vans/{}/trail", van_id), {"from": from_, "to": to, "points": points},
        )
        return answer

    def get_clock(self) -> Clock:
        """Get Clock"""
        answer: Clock = self._call(Clock, "GET", "/api/v1/clock", {})
        return answer

    def set_clock(self, body: To) -> Clock:
        """Move a simulated day's clock; returns when all work due by then is done. Refused on a real day."""
        answer: Clock = self._call(Clock, "POST", "/api/v1/admin/clock", {}, body)
        return answer

    def pause(self, body: Pause) -> Clock:
        """Hold a simulated day, or let it go on."""
        answer: Clock = self._call(Clock, "POST", "/api/v1/admin/clock/pause", {}, body)
        return answer

    def loading(self) -> dict[str, Json]:
        """What to load on this driver's van, the last stop first, and how many parcels of each are aboard."""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", "/api/v1/driver/loading", {})
        return answer

    def take_file(self, order: str) -> dict[str, str]:
        """Keep a picture that proves a delivery: JPEG, PNG or WebP as the body. Answers with its SHA-256, which the
        tap names. Drivers send pictures of what is, or was, on their van.
        """
        answer: dict[str, str] = self._call(dict[str, str], "POST", "/api/v1/driver/files", {"order": order})
        return answer

    def get_evidence(self, order_id: str) -> str:
        """The evidence pack of an order: one zip with what happened, the pictures, a list of hashes and our
        signature. Customers get their own orders'.
        """
        answer: str = self._call(str, "GET", at("/api/v1/orders/{}/evidence", order_id), {})
        return answer

    def my_messages(self) -> dict[str, Json]:
        """What was said to and by this driver, oldest first."""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", "/api/v1/driver/messages", {})
        return answer

    def write(self, body: ApiRoutesDriverWords) -> dict[str, Json]:
        """Write to the dispatcher on duty. Danger to people is known by its words and goes first."""
        answer: dict[str, Json] = self._call(dict[str, Json], "POST", "/api/v1/driver/messages", {}, body)
        return answer

    def messages_of(self, driver_id: str) -> dict[str, Json]:
        """What was said to and by a driver, oldest first."""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", at("/api/v1/drivers/{}/messages", driver_id), {})
        return answer

    def write_to(self, driver_id: str, body: Answer) -> dict[str, Json]:
        """Write to a driver; what the driver had asked is settled by it."""
        answer: dict[str, Json] = self._call(
            dict[str, Json], "POST", at("/api/v1/drivers/{}/messages", driver_id), {}, body,
        )
        return answer

    def list_cases(
        self, *, status: Literal["open", "folded", "waiting", "escalated", "closed"] | None = None,
        depot: str | None = None, day: date | None = None, limit: int | None = None,
    ) -> Cases:
        """Cases, those with the earliest by-when first."""
        answer: Cases = self._call(
            Cases, "GET", "/api/v1/cases", {"status": status, "depot": depot, "day": day, "limit": limit},
        )
        return answer

    def ask_for(self, body: Wish) -> CaseOpened:
        """Ask for something about an order: opens the case that works it, or joins the open one. Nothing is done
        yet.
        """
        answer: CaseOpened = self._call(CaseOpened, "POST", "/api/v1/cases", {}, body)
        return answer

    def get_case(self, case_id: str) -> CaseStory:
        """Get Case"""
        answer: CaseStory = self._call(CaseStory, "GET", at("/api/v1/cases/{}", case_id), {})
        return answer

    def hand_over_note(self, *, format_: Literal["json", "text"] | None = None) -> Json:
        """The note of one shift to the next: open cases and whose they are, promises at risk, what was decided in
        the last eight hours. As JSON, or with `format=text` to read aloud.
        """
        answer: Json = self._call(Json, "GET", "/api/v1/handover", {"format": format_})
        return answer

    def approve(self, case_id: str, body: Yes) -> CaseStatus:
        """Say yes to exactly what was shown. Who comes second is told who decided; what has changed is shown anew."""
        answer: CaseStatus = self._call(CaseStatus, "POST", at("/api/v1/cases/{}/approve", case_id), {}, body)
        return answer

    def reject(self, case_id: str, body: No) -> DecisionMade:
        """Say no, with the reason. The case is then yours."""
        answer: DecisionMade = self._call(DecisionMade, "POST", at("/api/v1/cases/{}/reject", case_id), {}, body)
        return answer

    def edit(self, case_id: str, body: Other) -> ProposalMade:
        """Choose another option: a new proposal, to be approved by its own digest."""
        answer: ProposalMade = self._call(ProposalMade, "POST", at("/api/v1/cases/{}/edit", case_id), {}, body)
        return answer

    def close(self, case_id: str, body: Note) -> CaseStatus:
        """An escalated case is settled."""
        answer: CaseStatus = self._call(CaseStatus, "POST", at("/api/v1/cases/{}/close", case_id), {}, body)
        return answer

    def list_decisions(
        self, *, case: str | None = None, after: str | None = None, limit: int | None = None,
    ) -> Decisions:
        """Decisions, newest first, a page at a time."""
        answer: Decisions = self._call(
            Decisions, "GET", "/api/v1/decisions", {"case": case, "after": after, "limit": limit},
        )
        return answer

    def get_decision(self, decision_id: str) -> dict[str, Json]:
        """One decision as the log holds it."""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", at("/api/v1/decisions/{}", decision_id), {})
        return answer

    def undo(self, decision_id: str) -> dict[str, Json]:
        """Take a decision back where the world allows, else compensate; the answer says which."""
        answer: dict[str, Json] = self._call(dict[str, Json], "POST", at("/api/v1/decisions/{}/undo", decision_id), {})
        return answer

    def get_templates(self, *, client: str | None = None, lang: str | None = None) -> dict[str, Json]:
        """The texts that a client's customers are sent unasked, the client's own or ours."""
        answer: dict[str, Json] = self._call(
            dict[str, Json], "GET", "/api/v1/templates", {"client": client, "lang": lang},
        )
        return answer

    def preview(self, body: Preview) -> dict[str, Json]:
        """How a text reads with facts filled in, how many SMS segments it takes, and what is wrong with it."""
        answer: dict[str, Json] = self._call(dict[str, Json], "POST", "/api/v1/templates/preview", {}, body)
        return answer

    def put_template(self, client: str, lang: str, template: str, body: ApiRoutesMessagesWords) -> dict[str, Json]:
        """Say it in the client's words from now on; refused with what is wrong with them."""
        answer: dict[str, Json] = self._call(
            dict[str, Json], "PUT", at("/api/v1/templates/{}/{}/{}", client, lang, template), {}, body,
        )
        return answer

    def delete_template(self, client: str, lang: str, template: str) -> dict[str, Json]:
        """Back to our own words."""
        answer: dict[str, Json] = self._call(
            dict[str, Json], "DELETE", at("/api/v1/templates/{}/{}/{}", client, lang, template), {},
        )
        return answer

    def set_contact(self, person_id: str, body: Contact) -> dict[str, Json]:
        """How a person wants to be written to: opted out or in, language, time zone. Empty takes a choice back."""
        answer: dict[str, Json] = self._call(
            dict[str, Json], "PUT", at("/api/v1/people/{}/contact", person_id), {}, body,
        )
        return answer

    def declare(self, body: NewIncident) -> IncidentDeclared:
        """Say that a road is closed or slow, a storm comes, or the depot is late. Travel times of the running day
        follow from now on; whoever it makes late is one case with one proposal. The same incident again changes
        nothing.
        """
        answer: IncidentDeclared = self._call(IncidentDeclared, "POST", "/api/v1/incidents", {}, body)
        return answer

    def list_incidents(self, depot: str, day: date) -> dict[str, Json]:
        """What was declared for a depot's day, oldest first, and whether it lasts."""
        answer: dict[str, Json] = self._call(dict[str, Json], "GET", "/api/v1/incidents", {"depot": depot, "day": day})
        return answer

    def end(self, incident: str) -> dict[str, Json]:
        """Say that it is over before its time: driving takes what it takes again, and who was told a later time
        because of it is told once more where the van now comes sooner. Ending it again changes nothing.
        """
        answer: dict[str, Json] = self._call(dict[str, Json], "POST", at("/api/v1/incidents/{}/end", incident), {})
        return answer

    def report(self, day: date) -> DayReport:
        """A day over all depots: orders, promises, goods, money, open cases, with the log checked."""
        answer: DayReport = self._call(DayReport, "GET", at("/api/v1/report/{}", day), {})
        return answer

    def stream(self) -> None:
        """Deltas: clock, van, case, order, plan, message, run, person."""
        self._call(None, "GET", "/api/v1/stream", {})
