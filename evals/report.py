"""The report of a day: what the server counts, what the plans cost, what the world saw; and what must be true of it.

`DayReport` has no wall-clock time in it: two runs of one seed give the same bytes. Timings are printed beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

from core import canonical
from evals.client import DoorstepClient
from evals.wire import LogHead, OrderRow, Plan
from evals.world.run import DayResult, Timings
from evals.world.scenario import Driven, Matrix, Scenario, rounded

Terminal = Console
"""where a day is printed; this file is the one of evals that draws"""
FINAL = frozenset({"delivered", "returned", "cancelled", "rescheduled"})
DELIVERED_AT_LEAST = 0.90


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


class WorldLine(Frozen):
    """What the world did and how it was received."""

    events: dict[str, int]
    rejected: dict[str, int]
    positions_sent: int
    positions_taken: int
    vans_out: int
    vans_home: int
    texts: dict[str, int]
    texts_refused: dict[str, int]
    verdicts: dict[str, int]
    dock_delays_min: dict[str, int]
    ended: datetime


class DayReport(Frozen):
    scenario: str
    scenario_digest: str
    seed: int
    day: str
    depots: int
    vans: int
    total: int
    orders: dict[str, int]
    """by final state"""
    unfinished: tuple[str, ...]
    """refs of orders that are in no final state, or that the server no longer lists on the day"""
    promises: dict[str, int]
    cases: dict[str, dict[str, int]]
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
        return self.orders.get("delivered", 0) / max(self.total, 1)

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
        depots=len(scenario.depots),
        vans=len(scenario.vehicles),
        total=len(scenario.orders),
        orders=counts.orders,
        unfinished=_unfinished(mine, rows),
        promises=counts.promises,
        cases=counts.cases,
        decisions=counts.decisions,
        messages=counts.messages,
        effects=counts.effects,
        outside_policy=counts.outside_policy,
        log=counts.log,
        plans=tuple(_plan_line(depot, begun[depot], last[depot]) for depot in sorted(begun)),
        sequences=tuple(_sequence_line(one, scenario.matrices[one.depot], begun[one.depot]) for one in scenario.driven),
        world=_world_line(result),
    )


def checks(report: DayReport) -> list[str]:
    """What is wrong with the day; empty when it passes."""
    wrong: list[str] = []
    if report.unfinished:
        some = ", ".join(report.unfinished[:5])
        wrong.append(f"{len(report.unfinished)} orders ended in no final state: {some}")
    not_final = {status: n for status, n in report.orders.items() if status not in FINAL and n}
    if not_final:
        wrong.append(f"the server counts orders in no final state: {not_final}")
    if sum(report.orders.values()) < report.total:
        wrong.append(f"the server counts {sum(report.orders.values())} orders of {report.total}")
    if report.delivered_share < DELIVERED_AT_LEAST:
        wrong.append(f"{report.delivered_share:.1%} delivered, less than {DELIVERED_AT_LEAST:.0%}")
    if not report.log.verified:
        wrong.append(": ".join(["the decision log does not verify", *report.log.problems[:1]]))
    if report.effects.get("unknown", 0):
        wrong.append(f"{report.effects['unknown']} effects are unknown")
    if report.outside_policy:
        wrong.append(f"{report.outside_policy} decisions were outside policy")
    if report.world.vans_home < report.world.vans_out:
        wrong.append(f"{report.world.vans_out - report.world.vans_home} vans did not come home")
    return wrong


def _unfinished(mine: set[str], rows: Sequence[OrderRow]) -> tuple[str, ...]:
    """Orders in no final state, or that the server holds no longer: a lost order must not look like a done one."""
    return tuple(sorted(mine - {row.ref for row in rows if row.status in FINAL}))


def _plan_line(depot: str, plan: Plan, last_version: int) -> PlanLine:
    used = [route for route in plan.routes if route.stops]
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


def _world_line(result: DayResult) -> WorldLine:
    return WorldLine(
        events=result.events,
        rejected=result.rejected,
        positions_sent=result.positions_sent,
        positions_taken=result.positions_taken,
        vans_out=result.vans_out,
        vans_home=result.vans_home,
        texts=result.texts,
        texts_refused=result.texts_refused,
        verdicts=result.verdicts,
        dock_delays_min=result.dock_delays_min,
        ended=result.ended.astimezone(UTC),
    )


# -- printed


def show(report: DayReport, console: Console, timings: Timings | None = None) -> None:
    """The report as tables; wall-clock figures last and apart."""
    console.print(_summary(report))
    console.print(_plans(report.plans))
    if report.sequences:
        console.print(_sequences(report.sequences))
    if timings:
        console.print(
            f"wall clock: set-up {timings.setup_s:.1f} s, day {timings.day_s:.1f} s, {timings.calls} calls;"
            f" p95: a minute of the day {timings.pulse_p95_ms} ms, where is my order {timings.where_p95_ms} ms;"
            f" peak memory: {sum(timings.peak_mb.values())} MB ({_counted(dict(timings.peak_mb))})",
            style="dim",
        )


def _summary(report: DayReport) -> Table:
    table = Table(title=f"{report.scenario}, {report.day}, seed {report.seed}", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_row("orders", f"{_counted(report.orders)} ({report.delivered_share:.1%} of {report.total} delivered)")
    table.add_row("promises", _counted(report.promises))
    for kind, outcome in sorted(report.cases.items()):
        table.add_row(f"case {kind}", _counted(outcome))
    table.add_row("decisions", _counted(report.decisions))
    table.add_row("messages", _counted(report.messages))
    table.add_row("effects", _counted(report.effects))
    table.add_row("outside policy", str(report.outside_policy))
    world = report.world
    table.add_row(
        "vans",
        f"{world.vans_out} out, {world.vans_home} home; late at the dock (min): {_counted(world.dock_delays_min)}",
    )
    table.add_row("events", _counted(world.events))
    table.add_row("events refused", _counted(world.rejected))
    table.add_row("positions", f"{world.positions_taken} taken of {world.positions_sent}")
    table.add_row("texts", _counted(world.texts | {f"refused ({k})": n for k, n in world.texts_refused.items()}))
    table.add_row("dispatcher", _counted(world.verdicts))
    verified = "verified" if report.log.verified else "[red]does not verify[/red]"
    table.add_row("log", f"{report.log.seq} rows, head {report.log.head}, {verified}")
    table.add_row("report digest", report.digest())
    return table


def _plans(lines: Iterable[PlanLine]) -> Table:
    table = Table(title="plans as the day began")
    for column in (
        "depot",
        "version",
        "routes",
        "stops",
        "unassigned",
        "km",
        "driving h",
        "hours",
        "cost",
        "last version",
    ):
        table.add_column(column, justify="left" if column == "depot" else "right")
    for line in lines:
        table.add_row(
            line.depot,
            str(line.version),
            str(line.routes),
            str(line.stops),
            str(line.unassigned),
            f"{line.distance_m / 1000:.1f}",
            _hours(line.driving_s),
            _hours(line.hours_s),
            f"{line.cost / 100:.2f}",
            str(line.last_version),
        )
    return table


def _sequences(lines: Sequence[SequenceLine]) -> Table:
    table = Table(title="our sequence beside the driver's, on the same travel times")
    for column in ("route", "stops", "h ours", "h driver", "h saved", "km ours", "km driver"):
        table.add_column(column, justify="left" if column == "route" else "right")
    for line in lines:
        table.add_row(line.depot, _stops(line), *_figures([line]))
    table.add_row("all", "", *_figures(lines), style="bold")
    return table


def _stops(line: SequenceLine) -> str:
    """Both counts where they differ: a shorter tour that leaves stops out is not better."""
    same = line.stops_ours == line.stops_driver
    return str(line.stops_ours) if same else f"{line.stops_ours} of {line.stops_driver}"


def _figures(lines: Sequence[SequenceLine]) -> tuple[str, str, str, str, str]:
    ours, driver = sum(x.driving_s_ours for x in lines), sum(x.driving_s_driver for x in lines)
    return (
        _hours(ours),
        _hours(driver),
        f"{1 - ours / max(driver, 1):.1%}",
        f"{sum(x.distance_m_ours for x in lines) / 1000:.1f}",
        f"{sum(x.distance_m_driver for x in lines) / 1000:.1f}",
    )


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items()) if n) or "-"


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:.2f}"
