"""The answer of `GET /api/report/{day}`: docs/report.md says what its figures mean."""

from __future__ import annotations

from datetime import datetime

from api.answers import Answer, PlanFigures


class BrokenPromise(Answer):
    promise: str
    order: str
    hi: datetime
    arrived: datetime | None
    knowable: datetime | None
    told: datetime | None
    reason: str


class CustodyLine(Answer):
    order: str
    what: str
    case: str | None


class Custody(Answer):
    parcels: dict[str, int]
    planned: int
    loaded: int
    left_behind: tuple[str, ...]
    mismatches: tuple[tuple[str, str], ...]
    lines: tuple[CustodyLine, ...]
    agrees: bool


class Spend(Answer):
    decisions: int
    cost_cents: int
    saved_cents: int


class LogHead(Answer):
    seq: int
    head: str
    verified: bool
    problems: tuple[str, ...]


class DayReport(Answer):
    """A day in figures, over all depots."""

    currency: str
    """of all amounts here, which are in its minor units"""
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
