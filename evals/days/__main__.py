"""Lives days in several arms and compares them: `python -m evals.days [--seeds 301,302] [--orders 120] [--seconds 60]`.

`agent` is the policy that ships; `rule_book` puts new orders in by plain insertion, tells who is late and moves who
was missed to the next day, all else is a person's; `nobody` decides nothing. Hindsight plans each depot's day anew with
what `evals.days.lived` knows of it, by the best of our engines. `--intensity 2` doubles what goes wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from core.errors import Unavailable
from core.postgres import EmbeddedPostgres, default_folder
from core.settings import override, settings
from core.store import db as store
from evals.days import lived
from evals.days.lived import Exceptions, Ground
from optimizer import plan as planning
from tools import policy

IN_THE_BOOK = frozenset({"wait", "keep", "decline", "join", "reassign", "retell", "retry_day", "reschedule", "cancel"})
ALWAYS = frozenset({"plan.publish", "message.send", "escalate", "undo"})
ARMS = ("agent", "rule_book", "nobody")


@dataclass(frozen=True)
class Day:
    """One arm's day."""

    arm: str
    seed: int
    intensity: int
    alone: float
    """share of exceptions settled with no person, the mean over kinds"""
    reversed: int
    cases: int
    late: int
    cost: int
    hindsight: int | None
    kinds: tuple[Exceptions, ...]


def main(given: Sequence[str] | None = None) -> int:
    asked = _asked(given)
    out = Console(width=120)
    found = []
    for seed in map(int, asked.seeds.split(",")):
        for arm in asked.arm or ARMS:
            found.append(live(arm, seed, asked))
            if asked.report:
                asked.report.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n", "utf-8")
    out.print(table(found))
    return 0


def _asked(given: Sequence[str] | None) -> argparse.Namespace:
    words = argparse.ArgumentParser(prog="python -m evals.days", description=__doc__)
    words.add_argument("--seeds", default="301", help="which days, with commas; those below 100 we developed on")
    words.add_argument("--orders", type=int, default=120)
    words.add_argument("--intensity", type=int, default=1)
    words.add_argument("--seconds", type=float, default=60, help="that each engine has for a depot in hindsight")
    words.add_argument("--arm", action="append", choices=ARMS, help="only this one; may be given again")
    words.add_argument("--report", type=Path, help="also write the figures there, as JSON")
    return words.parse_args(given)


def live(arm: str, seed: int, asked: argparse.Namespace) -> Day:
    """Live one day through in a folder of its own, and read it off."""
    with tempfile.TemporaryDirectory(prefix="doorstep-days-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        report = folder / "report.json"
        rules = folder / "policy.json"
        rules.write_text(json.dumps(rules_of(arm)), "utf-8")
        words = ["demo", "--headless", "--speed", "max", "--fresh", "--seed", str(seed), "--orders", str(asked.orders)]
        words += ["--intensity", str(asked.intensity), "--report", str(report)]
        own = {"DOORSTEP_DATA": str(folder), "DOORSTEP_POLICY": str(rules), "DATABASE_URL": ""}
        done = subprocess.run(
            [sys.executable, "-m", "api.cli", *words], env={**os.environ, **own}, capture_output=True, check=False
        )
        if not report.exists():
            raise Unavailable(f"The day of {arm} was not lived.", done.stderr.decode()[-2000:])
        day = date.fromisoformat(json.loads(report.read_text("utf-8"))["day"])
        with _record(folder):
            return _read(arm, seed, asked, day)


def rules_of(arm: str) -> Mapping[str, object]:
    """The policy of an arm, as a file would hold it."""
    own = policy.default().model_dump(mode="json", by_alias=True, exclude_unset=True)
    if arm != "agent":
        kept = ALWAYS | (IN_THE_BOOK if arm == "rule_book" else frozenset())
        own["levels"] = {name: level if name in kept else 0 for name, level in own["levels"].items()}
    return {**own, "name": arm}


@contextmanager
def _record(folder: Path) -> Iterator[None]:
    """The database that the day left behind."""
    server = EmbeddedPostgres(default_folder(folder))
    server.start()
    try:
        override(DATABASE_URL=server.url("doorstep_demo"), DOORSTEP_DATA=str(folder / "demo"))
        store.engine.cache_clear()
        yield
    finally:
        store.engine().dispose()
        server.stop()
        settings.cache_clear()


def _read(arm: str, seed: int, asked: argparse.Namespace, day: date) -> Day:
    with store.transaction() as db:
        kinds = lived.exceptions(db, day)
        late = lived.late_promises(db, day)
        grounds = [lived.ground(db, depot, day) for depot in lived.depots(db)]
    best = sum(hindsight(each, asked.seconds) for each in grounds) if arm == "agent" else None
    return Day(
        arm=arm, seed=seed, intensity=asked.intensity, alone=lived.macro(kinds), late=late, kinds=tuple(kinds),
        reversed=sum(k.reversed for k in kinds), cases=sum(k.cases for k in kinds),
        cost=sum(each.cost() for each in grounds), hindsight=best,
    )  # fmt: skip


def hindsight(ground: Ground, seconds: float) -> int:
    """What the day would have cost whoever knew it: the best plan of our engines, or what was driven if it is less."""
    plans = [
        planning.solve(ground.problem, ground.matrix, engine=engine, seed=1, iterations=10**9, time_limit_s=seconds)
        for engine in ("auto", "ortools")
    ]
    return min(ground.cost(), *(each.cost for each in plans))


def table(found: Sequence[Day]) -> Table:
    shown = Table("day", "arm", "with no person", "reversed", "late promises", "cost", "beside hindsight")
    best = {each.seed: each.hindsight for each in found if each.hindsight is not None}
    for each in found:
        over = f"{each.cost / best[each.seed] - 1:+.1%}" if best.get(each.seed) else "-"
        shown.add_row(
            f"{each.seed} x{each.intensity}", each.arm, f"{each.alone:.1%} of {each.cases}", str(each.reversed),
            str(each.late), f"{each.cost / 100:.2f}", over,
        )  # fmt: skip
    return shown


if __name__ == "__main__":
    sys.exit(main())
