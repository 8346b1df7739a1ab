"""What a set of processes costs while it runs: memory and cores of whole trees, by part."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil


def tree(roots: Iterable[int]) -> list[psutil.Process]:
    """These processes, those that live of them, and all that they started."""
    found: dict[int, psutil.Process] = {}
    for pid in roots:
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            found |= {each.pid: each for each in [root, *root.children(recursive=True)]}
    return list(found.values())


def part(command: list[str]) -> str:
    """Which part of the installation a command line belongs to."""
    line = " ".join(command)
    for words, name in ((" run web", "web"), (" run worker", "worker"), (" run engine", "engine"),
                        ("multiprocessing", "solver"), ("evals.world", "world"), (" serve", "supervisor"),
                        (" demo", "supervisor")):  # fmt: skip
        if words in line:
            return name
    return "database"


def memory_bytes(process: psutil.Process) -> int:
    """Its share of the memory (PSS: what several processes map counts once in all); where the kernel doesn't tell, all
    that it maps (RSS)."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return int(process.memory_info().rss)


class Meter(threading.Thread):
    """Looks at the processes every so often until it is told to stop."""

    def __init__(self, processes: Callable[[], list[psutil.Process]], every_s: float = 2.0) -> None:
        super().__init__(daemon=True)
        self._processes, self._every_s, self._stop_it = processes, every_s, threading.Event()
        self.peak: Counter[str] = Counter()
        """bytes by part, at the moment that the whole was largest"""
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._parts: dict[int, str] = {}
        self._began = time.monotonic()

    def run(self) -> None:
        while True:
            self.look()
            if self._stop_it.wait(self._every_s):
                return

    def look(self) -> None:
        now: Counter[str] = Counter()
        for process in self._processes():
            with suppress(psutil.Error):
                name = self._parts.setdefault(process.pid, part(process.cmdline()))
                now[name] += memory_bytes(process)
                used = process.cpu_times()
                self._last[process.pid] = used.user + used.system
                self._first.setdefault(process.pid, 0.0 if name == "solver" else self._last[process.pid])
        if now.total() > self.peak.total():
            self.peak = now

    def stop(self) -> None:
        self._stop_it.set()
        self.join()

    def cores(self) -> dict[str, float]:
        """Cores that each part kept busy, on average, since the meter started."""
        seconds = max(time.monotonic() - self._began, 1e-9)
        used: Counter[str] = Counter()
        for pid, last in self._last.items():
            used[self._parts[pid]] += last - self._first[pid]  # type: ignore[assignment]
        return {name: round(value / seconds, 2) for name, value in sorted(used.items())}
