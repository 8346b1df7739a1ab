"""The load: vans that send positions, customers who ask, a health check. Each runs in a process of its own, so that
what it measures is not its own waiting for an interpreter. Bounded in time and number, loopback only.

Times are `time.monotonic()`, which all processes of a machine share.
"""

from __future__ import annotations

import http.client
import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from evals.bench_day import Point, Van

BATCH = 100
STRAYED = 1.2
"""a van that strays is this many legs away from its first stop: late there, and in time for the doors behind it, whose
promises are wider"""
CATCH_UP_S = 1.0
"""a sender that fell behind catches up on this much and lets go of the rest"""
ASKED = ("Where is my order?", "where's my package", "When will it arrive?", "where is my order now")


class Request(NamedTuple):
    method: str
    path: str
    body: bytes | None
    token: str = ""


class Answered(NamedTuple):
    """One request: when it was due, how long after that it was answered, and whether well."""

    due: float
    latency_s: float
    ok: bool


class Line:
    """One kept connection, opened again after an error."""

    def __init__(self, host: str, port: int) -> None:
        self._address, self._link = (host, port), http.client.HTTPConnection(host, port, timeout=30)

    def send(self, request: Request) -> bytes | None:
        """The answer's body; None when it is no success."""
        headers = {"content-type": "application/json"}
        if request.token:
            headers["authorization"] = f"Bearer {request.token}"
        try:
            self._link.request(request.method, request.path, body=request.body, headers=headers)
            answer = self._link.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self._link.close()
            return None
        return body if answer.status < 300 else None

    def close(self) -> None:
        self._link.close()


@dataclass
class Pace:
    """Hands out turns: the nth is due at `starts + n / rate`, until `ends`. Rate 0: at once."""

    starts: float
    ends: float
    rate: float
    most: int = 1_000_000
    lock: threading.Lock = field(default_factory=threading.Lock)
    given: int = 0
    late_by: float = 0.0

    def turn(self, now: float, catch_up_s: float = math.inf) -> tuple[int, float] | None:
        """(number, due time) of the next turn; None when it is over. Who is further behind than `catch_up_s` drops the
        turns that were missed instead of sending them in a burst."""
        with self.lock:
            if self.given >= self.most:
                return None
            if not self.rate:
                due = max(now, self.starts)
            else:
                due = self.starts + self.given / self.rate + self.late_by
                if now - due > catch_up_s:
                    self.late_by += now - due - catch_up_s
                    due = now - catch_up_s
            if due >= self.ends or now >= self.ends + 30:
                return None
            self.given += 1
            return self.given - 1, due


def open_loop(
    host: str, port: int, make: Callable[[int], Request], pace: Pace, threads: int
) -> list[Answered]:  # fmt: skip
    """Send every request at its time, whether or not earlier ones are answered; latency counts from that time, so that
    a server that stalls can't hide the requests that it kept waiting."""
    found: list[Answered] = []

    def work() -> None:
        with closing(Line(host, port)) as line:
            while (turn := pace.turn(time.monotonic())) is not None:
                number, due = turn
                time.sleep(max(0.0, due - time.monotonic()))
                body = line.send(make(number))
                found.append(Answered(due, time.monotonic() - due, body is not None))

    _together(work, threads)
    return found


@dataclass(frozen=True)
class Questions:
    """Customers who ask where their order is, so many a second."""

    host: str
    port: int
    tokens: Sequence[str]
    rate: float
    starts: float
    ends: float
    threads: int = 24

    def run(self) -> list[Answered]:
        def make(number: int) -> Request:
            body = json.dumps({"text": ASKED[number % len(ASKED)]}).encode()
            return Request("POST", "/api/chat", body, self.tokens[number % len(self.tokens)])

        return open_loop(self.host, self.port, make, Pace(self.starts, self.ends, self.rate), self.threads)


@dataclass(frozen=True)
class Health:
    """The plainest request there is: what the web process and the machine cost any request."""

    host: str
    port: int
    rate: float
    starts: float
    ends: float

    def run(self) -> list[Answered]:
        pace = Pace(self.starts, self.ends, self.rate)
        return open_loop(self.host, self.port, lambda _: Request("GET", "/healthz", None), pace, 4)


class Sent(NamedTuple):
    """What the positions came to. `strayed` is when the first position that showed it was taken in, by stop."""

    accepted: int
    failed: int
    seconds: float
    latencies_s: list[float]
    strayed: dict[str, float]


@dataclass(frozen=True)
class Positions:
    """All vans' positions in batches. `rate` is positions a second, 0 for as many as are taken in."""

    host: str
    port: int
    token: str
    vans: Sequence[Van]
    departed: float
    rate: float
    starts: float
    ends: float
    strays: Mapping[str, float] = field(default_factory=dict)
    """vehicle -> when it begins to be where it should not be"""
    threads: int = 3

    def run(self) -> Sent:
        pace = Pace(self.starts, self.ends, self.rate / BATCH)
        accepted: list[int] = []
        latencies: list[float] = []
        strayed: dict[str, float] = {}

        def work() -> None:
            with closing(Line(self.host, self.port)) as line:
                while (turn := pace.turn(time.monotonic(), CATCH_UP_S)) is not None:
                    number, due = turn
                    time.sleep(max(0.0, due - time.monotonic()))
                    body, astray = self.batch(number)
                    began = time.monotonic()
                    answer = line.send(Request("POST", "/api/positions", body, self.token))
                    ended = time.monotonic()
                    latencies.append(ended - began)
                    accepted.append(0 if answer is None else int(json.loads(answer)["accepted"]))
                    for stop in astray if answer is not None else ():
                        strayed[stop] = min(ended, strayed.get(stop, ended))

        _together(work, self.threads)
        seconds = max(time.monotonic() - self.starts, 1e-9)
        return Sent(sum(accepted), accepted.count(0), seconds, latencies, strayed)

    def batch(self, number: int) -> tuple[bytes, list[str]]:
        """A batch's body and the first stops of the vans that it shows astray."""
        now, at = time.monotonic(), datetime.now(UTC).isoformat()
        rows, astray = [], []
        for nth in range(number * BATCH, number * BATCH + BATCH):
            van = self.vans[nth % len(self.vans)]
            share = 1 - STRAYED if now >= self.strays.get(van.id, math.inf) else self._share(van, now)
            if share < 0:
                astray.append(van.first_stop)
            lat, lon = between(van.depot, van.first, share)
            rows.append({"vehicle": van.id, "at": at, "lat": lat, "lon": lon, "speed_kmh": 50})
        return json.dumps({"positions": rows}).encode(), astray

    def _share(self, van: Van, now: float) -> float:
        """How much of its first leg a van has behind it that drives as planned."""
        return min(max((now - self.departed) / van.leg_s, 0.0), 0.95)


def between(a: Point, b: Point, share: float) -> Point:
    """The point at that share of the way; below 0 it lies behind a."""
    return round(a[0] + share * (b[0] - a[0]), 6), round(a[1] + share * (b[1] - a[1]), 6)


def _together(work: Callable[[], None], threads: int) -> None:
    started = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
