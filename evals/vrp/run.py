"""The run: every engine on every instance, as many runs at a time as there are cores, the best seed kept, all judged.

An engine that finds nothing, breaks a constraint or has no word for the instance says so in its cell. Runs are
processes of their own, so that no engine inherits another's memory.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console

from evals import instances
from evals.instances.instance import Instance
from evals.vrp import tables
from evals.vrp.engines import ENGINES, EVERY_CORE, SEEDLESS
from evals.vrp.found import Judged, Unsupported, judged

out = Console(highlight=False)

QUICK = ("vrptw_solomon100/RC103", "vrptw_homberger200/r1_2_1", "cvrp_x/X-n200-k36", "pdptw_lilim100/lrc106",
         "hfvrp_x/X110-HD")  # fmt: skip
USUAL = (*QUICK, "vrptw_homberger400/c1_4_4", "vrptw_gh1000/R1_10_1", "vrptw_gh1000/RC1_10_6", "vrptw_gh1000/C1_10_3",
         "vrptw_gh1000/R2_10_2", "vrptw_gh1000/RC2_10_7", "vrptw_gh1000/C2_10_4", "pdptw_lilim200/LR1_2_4",
         "mdvrptw/PR17A", "pcvrptw_gh1000/R1_10_5", "cvrp_xxl/Leuven1")  # fmt: skip
AT_MOST: dict[str, int] = {"pyvrp": 1100}
"""stops up to which an engine is asked"""


@dataclass(frozen=True)
class Cell:
    """One engine on one instance."""

    instance: str
    engine: str
    runs: tuple[Judged, ...] = ()
    why_not: str = ""

    @property
    def sound(self) -> list[Judged]:
        return sorted((run for run in self.runs if run.holds), key=lambda run: run.cost)

    def spread(self, instance: Instance) -> tuple[float, float, float] | None:
        """Least, median and largest gap of the seeds, in per cent."""
        gaps = [gap for run in self.sound if (gap := instance.gap_percent(run.cost)) is not None]
        return (min(gaps), statistics.median(gaps), max(gaps)) if gaps else None


def one(path: str, engine: str, seconds: float, seed: int) -> Judged | str:
    """One run, in this process: judged, or why there is none."""
    instance = instances.read(Path(path))
    began = time.monotonic()
    try:
        found = ENGINES[engine](instance.problem, instance.matrix, seconds, seed)
    except Unsupported as error:
        return f"no {error}"
    except MemoryError:
        return "out of memory"
    return judged(instance, found, time.monotonic() - began, seed)


def column(given: Sequence[tuple[Path, Instance]], engine: str, seconds: float, seeds: Sequence[int]) -> Iterator[Cell]:
    """The engine's cells: as many runs at a time as there are cores, whichever instances they are of; one at a time of
    an engine that takes all cores."""
    asked = seeds[:1] if engine in SEEDLESS else seeds
    workers = 1 if engine in EVERY_CORE else os.cpu_count() or 1
    most = AT_MOST.get(engine, sys.maxsize)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        runs = [
            [pool.submit(one, str(path), engine, seconds, seed) for seed in asked]
            if len(instance.problem.stops) <= most else []
            for path, instance in given
        ]  # fmt: skip
        for (path, _), of_it in zip(given, runs, strict=True):
            name, found = f"{path.parent.name}/{path.stem}", [_outcome(run) for run in of_it]
            refused = [each for each in found if isinstance(each, str)] or ([] if of_it else [f"over {most} stops"])
            sound = tuple(each for each in found if isinstance(each, Judged))
            yield Cell(name, engine, why_not=refused[0]) if refused else Cell(name, engine, sound)


def _outcome(run: Future[Judged | str]) -> Judged | str:
    """What a run came to; one that ends in an error, or whose process is killed, must not end the others."""
    try:
        return run.result()
    except Exception as error:
        return f"failed: {type(error).__name__}"


def run(paths: Sequence[Path], engines: Sequence[str], seconds: float, seeds: Sequence[int]) -> tables.Results:
    given = [(path, instances.read(path)) for path in paths]
    columns: list[list[Cell]] = []
    for engine in engines:
        columns.append([])
        for (_, instance), found in zip(given, column(given, engine, seconds, seeds), strict=True):
            columns[-1].append(found)
            out.print(f"[dim]{found.instance} {engine}: {tables.words(instance, found)}[/dim]")
    return [(instance, [cells[n] for cells in columns]) for n, (_, instance) in enumerate(given)]


def chosen(folder: Path, patterns: Sequence[str]) -> list[Path]:
    return list(dict.fromkeys(path for pattern in patterns for path in instances.find(folder, pattern)))


def main(arguments: Sequence[str] | None = None) -> int:
    made = argparse.ArgumentParser(prog="python -m evals.bench --vrp", description=__doc__)
    made.add_argument("--quick", action="store_true", help="five small instances")
    made.add_argument("--instances", action="append", metavar="GLOB", help="as 'vrptw_gh1000/*'; may be said again")
    made.add_argument("--seconds", type=float, default=60, help="of search an instance (default 60; --quick 5)")
    made.add_argument("--engines", default=",".join(ENGINES), help=f"of {', '.join(ENGINES)}")
    made.add_argument("--seeds", type=int, default=os.cpu_count() or 1, help="runs of an engine that takes a seed")
    made.add_argument("--data", type=Path, default=_data(), help="folder of the instances")
    made.add_argument("--out", type=Path, default=Path("bench-vrp"), help="folder for tables, figures and the plot")
    asked = made.parse_args(arguments)
    engines = asked.engines.split(",")
    if strange := sorted(set(engines) - set(ENGINES)):
        made.error(f"there is no engine {strange[0]!r}: choose from {', '.join(ENGINES)}")
    seconds = 5.0 if asked.quick and asked.seconds == made.get_default("seconds") else asked.seconds
    paths = chosen(asked.data, asked.instances or (QUICK if asked.quick else USUAL))
    found = run(paths, engines, seconds, range(1, asked.seeds + 1))
    told = tables.markdown(found, engines, seconds, asked.seeds)
    print(told)
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "vrp.md").write_text(told)
    (asked.out / "vrp.json").write_text(json.dumps(_document(found, seconds), indent=1) + "\n")
    tables.plot(found, asked.out / "vrp.png")
    return 0


def _data() -> Path:
    beside = Path(__file__).parent.parent.parent.parent / "shared" / "data"
    return Path(os.environ.get("DOORSTEP_SHARED_DATA", beside)) / "vrp"


def _document(found: tables.Results, seconds: float) -> dict[str, Any]:
    rows = [
        {"instance": each.instance, "kind": instance.kind, "stops": len(instance.problem.stops), "best": instance.best,
         "engine": each.engine, "why_not": each.why_not, "runs": [asdict(run) for run in each.runs]}
        for instance, cells in found for each in cells
    ]  # fmt: skip
    return {"seconds": seconds, "cores": os.cpu_count(), "rows": rows}
