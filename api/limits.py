"""How much one principal may ask: a token bucket each (rate and burst by role), in this process.

A bucket that is empty answers 429 with the seconds until it holds enough again. Nothing is queued and nothing is lost:
what was refused was not begun. The system's own admin (set-up, the simulated world) has none.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.errors import TooMany
from core.principals import Principal

MOST_BUCKETS = 10_000
"""How many are kept; the one that was used longest ago goes first, and would be full again by then."""


@dataclass(frozen=True)
class Rate:
    """Requests a second in the long run, and how many at once."""

    a_second: float
    burst: int


RATES: dict[str, Rate] = {
    "customer": Rate(1, 20),
    "driver": Rate(10, 200),
    "integrator": Rate(50, 500),
    "dispatcher": Rate(50, 500),
    "ops_lead": Rate(50, 500),
}


class Limits:
    """Buckets by principal. `clock` is monotonic seconds."""

    def __init__(
        self, rates: Mapping[str, Rate] = RATES, clock: Callable[[], float] = time.monotonic, most: int = MOST_BUCKETS
    ) -> None:
        self._rates, self._clock, self._most = rates, clock, most
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, who: Principal) -> None:
        """Count one request. Raises TooMany."""
        rate = self._rates.get(who.role)
        if rate is None:
            return
        with self._lock:
            now = self._clock()
            level, since = self._levels.pop(who.id, (float(rate.burst), now))
            level = min(rate.burst, level + (now - since) * rate.a_second)
            left = level - 1 if level >= 1 else level
            self._levels[who.id] = (left, now)
            if len(self._levels) > self._most:
                self._levels.popitem(last=False)
        if level < 1:
            wait_s = math.ceil((1 - level) / rate.a_second)
            raise TooMany(
                f"A {who.role} may ask {rate.a_second:g} times a second, {rate.burst} at once.",
                f"Try again in {wait_s} s.",
                wait_s=wait_s,
            )
