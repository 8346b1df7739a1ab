"""The report of a day: what the server counts, what the plans cost, what the world saw.

`DayReport` has no wall-clock time in it: two runs of one seed give the same bytes. What must be true of a day is in
`report_judge`; `report_print` draws it, with timings beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from core import canonical
from evals.client import DoorstepClient
from evals.wire import BrokenPromise, Custody, LogHead, OrderRow, Plan, Spend
from evals.world.rates import Rates
from evals.world.result import DayResult, WorldLine
from evals.world.scenario import Driven, Matrix, Scenario, rounded

FINAL = frozenset({"delivered", "fetched", "returned", "cancelled", "rescheduled", "picked_up", "with_carrier"})
AS_AGREED = ("delivered", "fetched", "picked_up")
"""endings that the customer got; those that end with `_by_customer` they chose"""
TOLD_AHEAD = timedelta(minutes=30)


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlanLine(Frozen):
    """The plan that a depot's day began with."""

    depot: str
    version: int
    last_version: int
    digest: str
    routes: int
    stops: int
    unassigned: int
    distance_m: int
    driving_s: int
    hours_s: int
    """from leaving to coming back, over all vans"""
    cost: int
    co2_g: int = 0
    worked_percent: int = 0
    """driving and service, of the shifts of the vans that are used"""
    load_percent: int = 0
    """of the fullest of pieces, weight and volume, the mean over those vans"""


class SequenceLine(Frozen):
    """One real route: our order of its stops beside the driver's, there and back, on the same travel times."""

    route: str
    depot: str
    stops_ours: int
    stops_driver: int
    driving_s_ours: int
    driving_s_driver: int
    distance_m_ours: int
    distance_m_driver: int


class BreaksLine(Frozen):
    """The promises that were not kept, by what became of telling them."""

    reasons: dict[str, int]
    """why not told 15 minutes before; `told` and `untold` among them"""
    knowable: int
    """could be known 30 minutes before"""
    knowable_told: int
    """of those, told by then"""

    @classmethod
    def of(cls, rows: Sequence[BrokenPromise]) -> BreaksLine:
        ahead = [row for row in rows if row.knowable is not None and row.knowable <= row.hi - TOLD_AHEAD]
        return cls(
            reasons=dict(sorted(Counter(row.reason for row in rows).items())),
            knowable=len(ahead),
            knowable_told=sum(row.told is not None and row.told <= row.hi - TOLD_AHEAD for row in ahead),
        )


class DayReport(Frozen):
    scenario: str
    scenario_digest: str
    seed: int
    day: str
    rates: Rates
    currency: str
    depots: int
    vans: int
    total: int
    orders: dict[str, int]
    """by final state"""
    endings: dict[str, int]
    """the same, by whose wish"""
    unfinished: tuple[str, ...]
    """refs of orders that are in no final state, or that the server no longer lists on the day"""
    promises: dict[str, int]
    breaks: BreaksLine
    custody: Custody
    spend: dict[str, dict[str, Spend]]
    cases: dict[str, dict[str, int]]
    unfinished_cases: dict[str, int]
    decisions: dict[str, int]
    messages: dict[str, int]
    effects: dict[str, int]
    outside_policy: int
    log: LogHead
    plans: tuple[PlanLine, ...]
    sequences: tuple[SequenceLine, ...]
    world: WorldLine

    @property
    def delivered_share(self) -> float:
        """Of all orders, whatever their customers wanted. What was to be fetched, and was, is done as well."""
        return (self.orders.get("delivered", 0) + self.orders.get("fetched", 0)) / max(self.total, 1)

    @property
    def agreed(self) -> int:
        """Orders delivered or settled as their customers agreed."""
        return sum(n for name, n in self.endings.items() if name in AS_AGREED or name.endswith("_by_customer"))

    def to_json(self) -> bytes:
        """Canonical bytes: what two runs are compared by."""
        return canonical.dumps(self)

    def digest(self) -> str:
        return canonical.digest(self)


def collect(client: DoorstepClient, scenario: Scenario, result: DayResult) -> DayReport:
    """Ask the server for all there is to say about the day."""
    counts = client.report(scenario.day)
    rows = [row for depot in scenario.depots for row in client.orders(depot.id, scenario.day)]
    mine = {order.ref for order in scenario.orders}
    begun = {depot: client.plan(depot, scenario.day, version) for depot, version in result.versions.items()}
    last = {depot: client.plan(depot, scenario.day).version for depot in result.versions}
    return DayReport(
        scenario=scenario.name,
        scenario_digest=scenario.digest(),
        seed=scenario.seed,
        day=scenario.day.isoformat(),
        rates=scenario.rates,
        currency=counts.currency,
        depots=len(scenario.depots),
        vans=len(scenario.vehicles),
        total=len(scenario.orders),
        orders=counts.orders,
        endings=counts.endings,
        unfinished=_unfinished(mine, rows),
        promises=counts.promises,
        breaks=BreaksLine.of(counts.broken_promises),
        custody=counts.custody,
        spend=counts.spend,
        cases=counts.cases,
        unfinished_cases=counts.unfinished_cases,
        decisions=counts.decisions,
        messages=counts.messages,
        effects=counts.effects,
        outside_policy=counts.outside_policy,
        log=counts.log,
        plans=tuple(_plan_line(depot, begun[depot], last[depot]) for depot in sorted(begun)),
        sequences=tuple(_sequence_line(one, scenario.matrices[one.depot], begun[one.depot]) for one in scenario.driven),
        world=result.seen,
    )


def _unfinished(mine: set[str], rows: Sequence[OrderRow]) -> tuple[str, ...]:
    """Orders in no final state, or that the server holds no longer: a lost order must not look like a done one."""
    return tuple(sorted(mine - {row.ref for row in rows if row.status in FINAL}))


def _plan_line(depot: str, plan: Plan, last_version: int) -> PlanLine:
    used, figures = [route for route in plan.routes if route.stops], plan.figures
    return PlanLine(
        depot=depot,
        version=plan.version,
        last_version=last_version,
        digest=plan.digest,
        routes=len(used),
        stops=sum(len(route.stops) for route in used),
        unassigned=len(plan.unassigned),
        distance_m=sum(route.distance_m for route in used),
        driving_s=sum(route.driving_s for route in used),
        hours_s=sum(int((route.end - route.start).total_seconds()) for route in used),
        cost=plan.cost,
        co2_g=figures.co2_g,
        worked_percent=figures.worked_percent,
        load_percent=max(figures.load_percent, default=0),
    )


def _sequence_line(driven: Driven, matrix: Matrix, plan: Plan) -> SequenceLine:
    row_of = {point: row for row, point in enumerate(matrix.locations)}
    stops = [stop for route in plan.routes for stop in route.stops]
    ours = [row_of[rounded(s.lat, s.lon)] for s in stops if s.lat is not None and s.lon is not None]
    return SequenceLine(
        route=driven.route,
        depot=driven.depot,
        stops_ours=len(ours),
        stops_driver=len(driven.rows),
        driving_s_ours=_length(matrix.durations_s, ours),
        driving_s_driver=_length(matrix.durations_s, driven.rows),
        distance_m_ours=_length(matrix.distances_m, ours),
        distance_m_driver=_length(matrix.distances_m, driven.rows),
    )


def _length(table: tuple[tuple[int, ...], ...] | None, rows: Sequence[int]) -> int:
    """From the depot through these rows and back."""
    tour = [0, *rows, 0]
    return 0 if table is None else sum(table[a][b] for a, b in pairwise(tour))
