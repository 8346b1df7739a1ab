"""The pulse of a simulated day: move the clock, let the engine look, fire timers, and wait until all of it is worked.

One step is one timer or the target itself, so that nothing is worked at a time later than it was due.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

from core import clock, queue, stream, timers
from core.errors import Unavailable
from core.store import db as store
from tools import tracker
from tools.optimizer import resident

LOOK_EVERY = timedelta(seconds=30)
"""The engine looks once in so much simulated time, however small the steps: a look costs the same after a second."""
POLL_S, LONGEST_POLL_S = 0.002, 0.02
PATIENCE_S = 90.0

_one_at_a_time = threading.Lock()


def advance(to: datetime, speed: float | None = None) -> None:
    """Bring the simulated clock to `to`. Asking for a time that has passed only waits for the work to be done."""
    with _one_at_a_time:
        wait_until_idle()  # what was asked for before now is worked before the clock moves on
        while True:
            with store.transaction() as db:
                due = timers.next_due(db, to)
                now = clock.now(db)
                step = max(min(due or to, to), now)
                clock.set_simulated(db, step, speed)
                fired = timers.fire(db, step)
                looked = tracker.looked_at(db)
                if step > now:
                    stream.tell(db, "clock", clock.as_json(clock.read(db)))
            if fired:
                wait_until_idle()  # or its work would find the arrivals of before the look, or of after it, by chance
            if looked is None or step - looked >= LOOK_EVERY:
                resident().tick(step)
                wait_until_idle()
            if step >= to and not fired:
                return


def wait_until_idle() -> None:
    until, pause_s = time.monotonic() + PATIENCE_S, POLL_S
    while True:
        with store.glance() as db:
            if queue.busy(db) == 0:
                return
        if time.monotonic() > until:
            raise Unavailable("Work of the simulated day is still not done.", "See that a worker runs, then ask again.")
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, LONGEST_POLL_S)  # who works long needs the core
