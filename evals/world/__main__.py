"""`python -m evals.world`: run a day against a server and print its report. Exit 1 when the day fails a check."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import DoorstepError
from evals import report, report_judge, report_print
from evals.client import ApiError, DoorstepClient
from evals.meter import Meter, tree
from evals.world import operation
from evals.world.loading import load
from evals.world.run import Progress, Speed, run
from evals.world.scenario import CLOCK, Scenario, local
from evals.world.synthetic import city


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    console = report_print.Terminal()
    try:
        scenario = chosen(asked)
        with DoorstepClient(asked.url, asked.token, patience_s=asked.patience) as client:
            return day(client, scenario, asked, console)
    except (DoorstepError, ApiError) as error:
        console.print(f"{error}", style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m evals.world", description="Run a simulated day against a server.")
    made.add_argument("--url", default=os.environ.get("DOORSTEP_URL", "http://127.0.0.1:8000"))
    made.add_argument("--token", default=os.environ.get("DOORSTEP_ADMIN_TOKEN", ""), help="an admin's token")
    made.add_argument("--operation", help=f"{', '.join(operation.names())}, or a YAML file; else the default city")
    made.add_argument("--seed", type=int, help="else the operation's own")
    made.add_argument("--orders", type=int, help="else as many as the operation has")
    made.add_argument("--vans", type=int, help="else as many for these orders as the operation has")
    made.add_argument("--intensity", type=int, default=1, choices=(1, 2, 3), help="how often things go wrong, times")
    made.add_argument("--speed", type=speed, default="max", help="simulated per real seconds, such as 60; or max")
    made.add_argument("--iterations", type=int, help="budget of the first plan; else the server's own")
    made.add_argument("--data", type=Path, help="a loggibud day, the folder of the Amazon routes, or a file of orders")
    made.add_argument("--no-dispatcher", action="store_true", help="leave proposals to the page for 15 minutes each")
    made.add_argument("--json", type=Path, help="also write the report there as canonical JSON")
    made.add_argument("--until", type=clock_time, help="stop at this local time and report so far")
    made.add_argument("--strict", action="store_true", help="every line of the report counts for the exit code")
    made.add_argument("--watch", type=int, nargs="*", default=[], help="processes whose memory the report gives")
    made.add_argument("--patience", type=float, default=60.0, help="seconds to wait for a server that restarts")
    return made


def speed(text: str) -> Speed:
    if text == "max":
        return "max"
    value = float(text.removeprefix("x"))
    if value <= 0:
        raise ValueError(text)
    return value


def clock_time(text: str) -> str:
    if not CLOCK.fullmatch(text):
        raise ValueError(text)
    return text


def chosen(asked: argparse.Namespace) -> Scenario:
    kind = operation.read(asked.operation) if asked.operation else operation.Operation()
    seed = kind.seed if asked.seed is None else asked.seed
    scenario = load(asked.data, seed=seed) if asked.data is not None else city(kind, seed, asked.orders, asked.vans)
    scenario = scenario.model_copy(update={"rates": scenario.rates.times(asked.intensity)})
    return scenario if asked.iterations is None else scenario.model_copy(update={"iterations": asked.iterations})


def day(client: DoorstepClient, scenario: Scenario, asked: argparse.Namespace, console: report_print.Terminal) -> int:
    def say(progress: Progress) -> None:
        console.print(line(progress, scenario), markup=False, highlight=False)

    meter = Meter(lambda: tree(asked.watch))
    meter.start()
    until = local(scenario.day, asked.until, scenario.depots[0].tz) if asked.until else None
    result = run(client, scenario, speed=asked.speed, until=until, dispatcher=not asked.no_dispatcher, on_progress=say)
    meter.stop()
    told = report.collect(client, scenario, result)
    peak = {name: size // 1_000_000 for name, size in sorted(meter.peak.items())}
    report_print.show(told, console, replace(result.timings, peak_mb=peak))
    if asked.json is not None:
        asked.json.write_bytes(told.to_json() + b"\n")
    failed = report_judge.checks(told, strict=asked.strict)
    for check in failed:
        console.print(f"FAILED {check}", style="red", markup=False)
    return 1 if failed else 0


def line(progress: Progress, scenario: Scenario) -> str:
    """One line of progress, with the simulated time at the first depot."""
    if progress.now is None:
        return progress.words
    at = scenario.clock_text(progress.now)
    return f"{at}  {progress.delivered}/{progress.orders} delivered, {progress.words}"


if __name__ == "__main__":
    sys.exit(main())
