"""What the API answers, as frozen models. Fields that the client does not know are ignored, so the API can grow.

The server's own models are not imported on purpose: the world sees what any integrator sees.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Json = Any
"""a value of a JSON document that is passed on unread"""


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Clock(Answer):
    mode: Literal["real", "simulated"]
    now: datetime
    paused: bool = False
    speed: float | None = None


class Advanced(Answer):
    now: datetime


class Token(Answer):
    token: str


class Rejection(Answer):
    """One row or line that the server did not take. `row` may be a position or a name, so it is kept as it came."""

    row: int | str | None = None
    field: str | None = None
    reason: str = ""
    fix: str | None = None


class FleetTaken(Answer):
    depots: int
    drivers: int
    vehicles: int
    rejected: tuple[Rejection, ...] = ()


class ImportTaken(Answer):
    id: str
    accepted: int
    unchanged: int = 0
    rejected: tuple[Rejection, ...] = ()


class PlanRun(Answer):
    status: Literal["queued", "running", "done", "failed"]
    progress: tuple[dict[str, Json], ...] = ()
    version: int | None = None
    error: Json = None


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


class PlannedRoute(Answer):
    vehicle: str
    distance_m: int
    driving_s: int
    start: datetime
    end: datetime
    stops: tuple[PlannedStop, ...]


class UnassignedStop(Answer):
    stop: str
    orders: tuple[str, ...] = ()
    reason: str = ""


class Plan(Answer):
    version: int
    digest: str
    published: bool | datetime | None = None
    cost: int
    routes: tuple[PlannedRoute, ...]
    unassigned: tuple[UnassignedStop, ...] = ()


class Promise(Answer):
    lo: datetime
    hi: datetime


class OrderRow(Answer):
    id: str
    ref: str
    person: str
    depot: str
    status: str
    stop: str | None = None
    vehicle: str | None = None
    promise: Promise | None = None


class RouteOrder(Answer):
    id: str
    pieces: int = 1


class RouteStop(Answer):
    stop: str
    orders: tuple[RouteOrder, ...]
    lat: float | None
    lon: float | None
    service_s: int
    arrival: datetime | None = None
    done: bool = False
    giver: str | None = None
    """a meeting: the van whose goods are taken over there; `stop` is the transfer"""


class DriverRoute(Answer):
    vehicle: str
    version: int | None = None
    next: str | None = None
    departed: bool = False
    broken: bool = False
    handovers: tuple[str, ...] = ()
    """transfers for which somebody comes to this van"""
    stops: tuple[RouteStop, ...] = ()


class EventResult(Answer):
    key: str
    result: Literal["accepted", "duplicate", "rejected"]
    reason: str | None = None
    fix: str | None = None


class PositionsTaken(Answer):
    accepted: int
    rejected: tuple[Rejection, ...] = ()


class ChatReply(Answer):
    reply: str
    intent: str | None = None
    case: Json = None


class Proposal(Answer):
    digest: str
    option: Json = None


class Case(Answer):
    id: str
    kind: str
    subject: Json = None
    status: str
    opened_at: datetime | None = None
    proposal: Proposal | None = None
    reason_code: str | None = None


class LogHead(Answer):
    seq: int
    head: str
    verified: bool
    problems: tuple[str, ...] = ()


class BrokenPromise(Answer):
    promise: str
    order: str
    hi: datetime
    arrived: datetime | None = None
    knowable: datetime | None = None
    told: datetime | None = None
    reason: str


class CustodyLine(Answer):
    order: str
    what: str
    case: str | None = None


class Custody(Answer):
    parcels: dict[str, int] = {}
    planned: int = 0
    loaded: int = 0
    left_behind: tuple[str, ...] = ()
    mismatches: tuple[tuple[str, str], ...] = ()
    lines: tuple[CustodyLine, ...] = ()
    agrees: bool = True


class Spend(Answer):
    decisions: int
    cost_cents: int
    saved_cents: int


class DayCounts(Answer):
    """GET /api/report/{day}: a day in figures, see docs/report.md."""

    orders: dict[str, int]
    endings: dict[str, int] = {}
    chosen_by_customers: tuple[str, ...] = ()
    effects: dict[str, int] = {}
    promises: dict[str, int] = {}
    broken_promises: tuple[BrokenPromise, ...] = ()
    messages: dict[str, int] = {}
    cases: dict[str, dict[str, int]] = {}
    unfinished_cases: dict[str, int] = {}
    custody: Custody = Custody()
    spend: dict[str, dict[str, Spend]] = {}
    decisions: dict[str, int] = {}
    outside_policy: int
    log: LogHead
