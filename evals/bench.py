"""`make bench`: how fast and how large, measured on this machine with everything going on at once.

An installation of its own on the real clock; 150 vans on the road send positions, customers ask, some vans stray and
their stops are going to be late, and all the while 300 stops are planned over and over. Every figure stands beside its
aim and beside the same job done by the plainest means in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console

from core.store import db as store
from core.store.tables import live_route, outbox
from evals import bench_peers as peers
from evals.bench_day import HUB, Day, Van, bring, customers, send_out, solve, today
from evals.bench_figures import Figure, milliseconds, percentile, show
from evals.bench_house import HOST, House
from evals.bench_load import Answered, Health, Positions, Questions, Sent
from evals.bench_watch import Watch
from evals.client import DoorstepClient
from evals.meter import Meter

out = Console(highlight=False)

POSITIONS_A_SECOND = 2000.0
QUESTIONS_A_SECOND = 50.0
STRAYS_A_SECOND = 1.0
CUSTOMERS = 300
SEED = 1
WARM_UP_S = 3.0
FLAT_OUT_S = 5.0
SETTLE_S = 8.0
MEGABYTE = 1_000_000
BUSY = 0.25


@dataclass
class Measured:
    """Everything that one run found."""

    sent: Sent
    flat_out: Sent
    asked: list[Answered]
    health: list[Answered]
    ages_s: list[float]
    decided_s: list[float]
    undecided: int
    asked_a_person: int
    replans_s: list[float]
    alone_s: float
    copied_a_second: float
    commits_s: list[float]
    memory: dict[str, int] = field(default_factory=dict)
    cores: dict[str, float] = field(default_factory=dict)


def run(seconds: float, iterations: int) -> Measured:
    with House() as house, house.client() as client:
        day = today()
        out.print(f"[dim]serving on {HOST}:{house.port}; 1,800 orders, 164 vans ...[/dim]")
        bring(client, day)
        departed = time.monotonic()
        vans = send_out(client, day)
        tokens = customers(client, day, vans, CUSTOMERS)
        version = solve(client, day, HUB, iterations, SEED)
        alone_s = peers.solved_alone_s(HUB, day.day, version, SEED, iterations)
        _wait_told()
        peers.analyze()
        watch = Watch(HOST, house.port, house.token)
        watch.start()
        with Replans(house.client(), day, iterations) as replans:
            return _measure(house, vans, tokens, departed, seconds, watch, replans, alone_s)


def _measure(
    house: House, vans: list[Van], tokens: list[str], departed: float, seconds: float, watch: Watch, replans: Replans,
    alone_s: float,
) -> Measured:  # fmt: skip
    starts = time.monotonic() + WARM_UP_S
    ends = starts + seconds
    then = ends + SETTLE_S
    out.print(f"[dim]everything at once for {seconds:.0f} s ...[/dim]")
    load = Positions(
        HOST, house.port, house.token, vans, departed, POSITIONS_A_SECOND, starts, ends, strays(vans, starts, seconds)
    )
    flat_out = replace(load, rate=0, starts=then, ends=then + FLAT_OUT_S)
    meter = Meter(house.processes)
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        sent_later = pool.submit(load.run)
        asked_later = pool.submit(Questions(HOST, house.port, tokens, QUESTIONS_A_SECOND, starts, ends).run)
        health_later = pool.submit(Health(HOST, house.port, 10, starts, ends).run)
        flat_later = pool.submit(flat_out.run)
        meter.start()
        ages = _ages(starts + 2, ends)
        commits = peers.commits_s(200, 4)
        sent, asked, health = sent_later.result(), asked_later.result(), health_later.result()
        taken = flat_later.result()
        copied = peers.copied_a_second(FLAT_OUT_S)
    meter.stop()
    due = {stop: at for stop, at in sent.strayed.items() if at < ends - 1}
    decided = {stop: watch.decided[stop] - at for stop, at in due.items() if stop in watch.decided}
    waiting = [stop for stop in due if stop not in watch.decided and stop in watch.waiting]
    return Measured(
        sent=sent, flat_out=taken, asked=asked, health=health, ages_s=ages, decided_s=list(decided.values()),
        undecided=len(due) - len(decided), asked_a_person=len(waiting), replans_s=replans.took_s, alone_s=alone_s,
        copied_a_second=copied, commits_s=commits, memory=dict(meter.peak), cores=meter.cores(),
    )  # fmt: skip


def strays(vans: Sequence[Van], starts: float, seconds: float) -> dict[str, float]:
    """Vehicle -> when it begins to stray: one after the other, from each yard in turn, and not all of them."""
    order = [van for n in range(3) for van in vans[n::3]]
    count = min(len(order) - 1, int(STRAYS_A_SECOND * seconds))
    return {van.id: starts + 2 + n / STRAYS_A_SECOND for n, van in enumerate(order[:count])}


class Replans:
    """Plans the hub again and again while it is entered. Drafts: nothing is published."""

    def __init__(self, client: DoorstepClient, day: Day, iterations: int) -> None:
        self.took_s: list[float] = []
        self._client, self._day, self._iterations = client, day, iterations
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            run = self._client.start_plan(HUB, self._day.day, self._iterations, SEED)
            while self._client.plan_run(run).status in ("queued", "running"):
                if self._over.wait(0.2):
                    return
            self.took_s.append(time.monotonic() - began)

    def __enter__(self) -> Replans:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)
        self._client.close()


def _wait_told(patience_s: float = 120.0) -> None:
    """Wait until the promises of the morning are all sent, so that what follows is the day and not its start."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        with store.snapshot() as db:
            if db.execute(outbox.select().where(outbox.c.done_at.is_(None)).limit(1)).one_or_none() is None:
                return
        time.sleep(0.3)


def _ages(starts: float, ends: float) -> list[float]:
    """How old each van's arrival ranges are, looked at four times a second."""
    found: list[float] = []
    time.sleep(max(0.0, starts - time.monotonic()))
    while time.monotonic() < ends:
        with store.snapshot() as db:
            rows = db.execute(live_route.select().with_only_columns(live_route.c.at)).scalars().all()
        now = datetime.now(UTC)
        found += [(now - at).total_seconds() for at in rows]
        time.sleep(0.25)
    return found


def figures(found: Measured) -> list[Figure]:
    answered = [each.latency_s for each in found.asked if each.ok]
    healthy = [each.latency_s for each in found.health if each.ok]
    failed = len(found.asked) - len(answered)
    commit = milliseconds(percentile(found.commits_s, 50))
    replan = percentile(found.replans_s, 50)
    whole = sum(found.memory.values()) / MEGABYTE
    flat = found.flat_out.accepted / found.flat_out.seconds
    parts = ", ".join(f"{name} {size / MEGABYTE:.0f}" for name, size in sorted(found.memory.items()))
    return [
        Figure(name="positions taken in", value=found.sent.accepted / found.sent.seconds, unit="a second",
               aim=0.98 * POSITIONS_A_SECOND, better="higher", note=_sent(found.sent)),
        Figure(name="positions, flat out", value=flat, unit="a second", better="higher",
               peer="COPY into a plain table", peer_value=found.copied_a_second, note=_sent(found.flat_out)),
        Figure(name="age of ETAs p50", value=percentile(found.ages_s, 50), unit="s"),
        Figure(name="age of ETAs p95", value=percentile(found.ages_s, 95), unit="s", aim=2),
        Figure(name="where is my order p50", value=milliseconds(percentile(answered, 50)), unit="ms", aim=20,
               peer="GET /healthz p50", peer_value=milliseconds(percentile(healthy, 50))),
        Figure(name="where is my order p99", value=milliseconds(percentile(answered, 99)), unit="ms", aim=100,
               peer="GET /healthz p99", peer_value=milliseconds(percentile(healthy, 99)),
               note=f"{len(answered)} answered, {failed} failed"),
        Figure(name="event to decision p50", value=milliseconds(percentile(found.decided_s, 50)), unit="ms",
               peer="one durable commit", peer_value=commit),
        Figure(name="event to decision p95", value=milliseconds(percentile(found.decided_s, 95)), unit="ms", aim=1000,
               peer="one durable commit", peer_value=commit,
               note=f"{len(found.decided_s)} decided, {found.undecided} not, "
                    f"of which {found.asked_a_person} wait for a person"),
        Figure(name="300-stop re-plan p50", value=replan, unit="s", peer="the same solve alone",
               peer_value=found.alone_s, note=f"{len(found.replans_s)} re-plans"),
        Figure(name="memory of all processes", value=whole, unit="MB", aim=1200, note=parts),
    ]  # fmt: skip


def _sent(sent: Sent) -> str:
    p95 = milliseconds(percentile(sent.latencies_s, 95)) or 0
    return f"{sent.accepted:,} taken in {sent.seconds:.1f} s, {sent.failed} batches failed, batch p95 {p95:.0f} ms"


def machine() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0], "system": platform.platform(), "python": platform.python_version(),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "--vrp" in words:
        from evals.vrp import run as vrp

        return vrp.main([word for word in words if word != "--vrp"])
    made = argparse.ArgumentParser(prog="python -m evals.bench", description=__doc__)
    made.add_argument("--seconds", type=float, default=60, help="how long everything runs at once (5 to 600)")
    made.add_argument("--iterations", type=int, default=500_000, help="budget of each re-plan")
    made.add_argument("--json", type=Path, help="also write the figures there")
    made.add_argument("--vrp", action="store_true", help="instead: routing engines on public instances (own --help)")
    asked = made.parse_args(words)
    if not 5 <= asked.seconds <= 600:
        made.error("--seconds is between 5 and 600")
    on = machine()
    if on["load_before"] > BUSY * on["cores"]:
        out.print(f"[yellow]The machine is busy with other work (load {on['load_before']:.1f}): so are the figures.[/]")
    found = run(asked.seconds, asked.iterations)
    told = figures(found)
    show(told, out, f"{on['cores']} cores, Python {on['python']}, load {on['load_before']:.1f} before")
    out.print("  cores busy: " + ", ".join(f"{name} {cores:.2f}" for name, cores in found.cores.items()))
    if asked.json is not None:
        rows = [each.model_dump() | {"met": each.met, "ratio": each.ratio} for each in told]
        document = {"machine": on, "seconds": asked.seconds, "cores_busy": found.cores, "figures": rows}
        asked.json.write_text(json.dumps(document, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
