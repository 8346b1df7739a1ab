"""The report of a day, drawn on a terminal. Wall-clock figures come last and apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from core.money import amount
from evals.report import DayReport, PlanLine, SequenceLine
from evals.report_judge import judge
from evals.world.rates import Rates
from evals.world.result import Timings

Terminal = Console
"""where a day is printed"""


def show(report: DayReport, console: Console, timings: Timings | None = None) -> None:
    console.print(_summary(report))
    console.print(_judged(report))
    console.print(_plans(report.plans))
    console.print(_plan_figures(report.plans, report.currency))
    if report.sequences:
        console.print(_sequences(report.sequences))
    if timings:
        console.print(
            f"wall clock: set-up {timings.setup_s:.1f} s, day {timings.day_s:.1f} s, {timings.calls} calls;"
            f" p95: a minute of the day {timings.pulse_p95_ms} ms, where is my order {timings.where_p95_ms} ms;"
            f" peak memory: {sum(timings.peak_mb.values())} MB ({_counted(timings.peak_mb)})",
            style="dim",
        )


def _summary(report: DayReport) -> Table:
    table = Table(title=f"{report.scenario}, {report.day}, seed {report.seed}", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_row("rates", _rates(report.rates))
    table.add_row("orders", f"{_counted(report.orders)} (of {report.total})")
    table.add_row("ended", f"{_counted(report.endings)}; {report.agreed} of {report.total} as the customer agreed")
    table.add_row("promises", _counted(report.promises))
    breaks = report.breaks
    table.add_row("broken promises", _counted(breaks.reasons))
    table.add_row("knowable 30 min before", f"{breaks.knowable}, of which {breaks.knowable_told} told by then")
    custody = report.custody
    table.add_row("parcels", _counted(custody.parcels))
    table.add_row(
        "scans", f"{custody.loaded} loaded, {custody.planned} planned, {len(custody.left_behind)} left behind"
    )
    for kind, outcome in sorted(report.cases.items()):
        table.add_row(f"case {kind}", _counted(outcome))
    table.add_row("amounts in", report.currency)
    for kind, verdicts in sorted(report.spend.items()):
        for verdict, sums in sorted(verdicts.items()):
            cost, saved = (amount(each, report.currency) for each in (sums.cost_cents, sums.saved_cents))
            said = f"{sums.decisions} decisions cost {cost}, saved {saved}"
            table.add_row(f"{verdict} {kind}", said)
    table.add_row("unfinished cases", _counted(report.unfinished_cases))
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
    table.add_row("live orders", f"{_counted(world.live)}; {world.urgent} of them urgent")
    table.add_row("claims after delivery", _counted(world.claims))
    table.add_row("wishes after a failed attempt", _counted(world.wishes))
    table.add_row("road reports", _counted(world.roads))
    table.add_row("broken down (min)", _counted(world.breakdowns_min))
    table.add_row("breaks (min)", _counted(world.breaks_min))
    table.add_row("vans whose customers all stood ready", ", ".join(world.quick) or "-")
    table.add_row("orders rescued by", _counted(world.rescued))
    verified = "verified" if report.log.verified else "[red]does not verify[/red]"
    table.add_row("log", f"{report.log.seq} rows, head {report.log.head}, {verified}")
    table.add_row("report digest", report.digest())
    return table


def _judged(report: DayReport) -> Table:
    table = Table(title="judged")
    for column in ("", "what", "figure", "counts"):
        table.add_column(column)
    for line in judge(report):
        mark = "[green]pass[/green]" if line.passed else "[red]FAIL[/red]"
        table.add_row(mark, line.what, line.figure, "with --strict" if line.strict else "always")
    return table


def _rates(rates: Rates) -> str:
    shares = {
        "first attempts fail": rates.failed_attempts,
        "cancel": rates.cancelled,
        "come live": rates.live,
        "of all are urgent": rates.urgent,
        "claim something": rates.claims,
        "text": rates.texting,
        "late at the dock": rates.late_docks,
        "long services": rates.long_services,
        "of drivers rest": rates.breaks,
    }
    (lo, hi), (short, long) = rates.breakdown_min, rates.break_min
    counts = f"{rates.breakdowns} breakdowns of {lo} to {hi} min, breaks of {short} to {long} min"
    counts += f", {rates.quick_vans} quick vans, {rates.incidents} incidents"
    service = f"log-normal service times (sigma {rates.service_sigma:g})"
    return ", ".join([*(f"{share:.0%} {what}" for what, share in shares.items()), counts, service])


def _plans(lines: Sequence[PlanLine]) -> Table:
    table = _by_depot("plans as the day began", "routes", "stops", "unassigned", "km", "driving h", "hours")
    for line in lines:
        counted = (line.routes, line.stops, line.unassigned)
        km, driving, hours = f"{line.distance_m / 1000:.1f}", _hours(line.driving_s), _hours(line.hours_s)
        table.add_row(line.depot, *map(str, counted), km, driving, hours)
    return table


def _plan_figures(lines: Sequence[PlanLine], currency: str) -> Table:
    table = _by_depot("what they come to", f"cost {currency}", "kg CO2", "worked", "load", "version", "last")
    for line in lines:
        shares = (f"{line.worked_percent} %", f"{line.load_percent} %")
        versions = (str(line.version), str(line.last_version))
        table.add_row(line.depot, amount(line.cost, currency), f"{line.co2_g / 1000:.1f}", *shares, *versions)
    return table


def _by_depot(title: str, *columns: str) -> Table:
    """Narrow enough for 80 columns."""
    table = Table(title=title)
    table.add_column("depot")
    for column in columns:
        table.add_column(column, justify="right")
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


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items()) if n) or "-"


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:.2f}"
