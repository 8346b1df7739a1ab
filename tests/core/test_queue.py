"""The queue: asking twice is asking once, what is rolled back was never asked, and a killed worker's job is worked."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import procrastinate
import pytest
from procrastinate.jobs import DeleteJobCondition
from sqlalchemy import text, update

from api import worker
from core import queue
from core.store import db as store
from core.store.tables import instance
from tests.living import Living

ROOT = Path(__file__).parents[2]


def defer(*asked: tuple[str, str]) -> None:
    with store.transaction() as db:
        for task, subject in asked:
            queue.defer(db, task, subject)


def run_sql(statement: str, **values: object) -> None:
    with store.transaction() as db:
        db.execute(text(statement), values)


def test_asking_twice_before_it_runs_is_asking_once(living: Living) -> None:
    defer(("work_case", "c1"), ("work_case", "c1"), ("work_case", "c2"))
    defer(("work_case", "c1"))
    assert living.jobs() == [("work_case", "c1"), ("work_case", "c2")]


def test_the_transaction_that_asked_twice_goes_on(living: Living) -> None:
    with store.transaction() as db:
        queue.defer(db, "work_case", "c1")
        queue.defer(db, "work_case", "c1")
        db.execute(update(instance).values(speed=9))
    with store.transaction() as db:
        assert db.execute(text("SELECT speed FROM instance")).scalar_one() == 9


def test_what_is_asked_while_it_runs_is_done_after_it(living: Living) -> None:
    defer(("work_case", "c1"))
    run_sql("UPDATE procrastinate_jobs SET status = 'doing'")
    defer(("work_case", "c1"))
    assert living.jobs() == [("work_case", "c1")], "the row may have changed since the running job read it"


def test_what_is_rolled_back_was_never_asked(living: Living) -> None:
    def ask_and_fail() -> None:
        with store.transaction() as db:
            queue.defer(db, "work_case", "c1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_and_fail()
    assert living.jobs() == []


def test_what_waits_or_runs_counts_as_busy(living: Living) -> None:
    defer(("work_case", "c1"), ("work_case", "c2"))
    run_sql("UPDATE procrastinate_jobs SET status = 'doing' WHERE args->>'subject' = 'c1'")
    with store.transaction() as db:
        assert queue.busy(db) == 2
    run_sql("UPDATE procrastinate_jobs SET status = 'succeeded'")
    with store.transaction() as db:
        assert queue.busy(db) == 0


@pytest.mark.parametrize(
    ("mode", "locks", "why"),
    [
        ("simulated", {"day"}, "one after the other, so that one seed gives one log"),
        ("real", {"work_case:c1", "drain_outbox:"}, "one at a time for each subject"),
    ],
)
def test_what_may_run_at_the_same_time(living: Living, mode: str, locks: set[str], why: str) -> None:
    with store.transaction() as db:
        db.execute(update(instance).values(mode=mode))
    defer(("work_case", "c1"), ("drain_outbox", ""))
    with store.transaction() as db:
        assert set(db.execute(text("SELECT lock FROM procrastinate_jobs")).scalars()) == locks, why


def test_the_address_is_written_as_the_queues_library_wants_it() -> None:
    assert queue.conninfo("postgresql+psycopg://u@h/db") == "postgresql://u@h/db"


# A worker that is killed

KILLED_AT_WORK = """
import os, signal, sys
from core import queue
app = queue.worker_app(sys.argv[1])
app.task(name="work_case", retry=queue.RETRY)(lambda subject: os.kill(os.getpid(), signal.SIGKILL))
with app.open():
    app.run_worker(wait=False)
"""


def killed_at_work(url: str) -> None:
    """A worker takes the waiting job and is killed in the middle of it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED_AT_WORK, url], env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


def dead_for(seconds: float) -> None:
    query = "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - make_interval(secs => :seconds)"
    run_sql(query, seconds=seconds)


def next_worker(url: str) -> list[str]:
    """What another worker does when it starts: sweep, then work what waits."""
    worked: list[str] = []
    app = queue.worker_app(url)
    app.task(name="work_case", retry=queue.RETRY)(lambda subject: worked.append(subject))
    asyncio.run(_start(app))
    return worked


async def _start(app: procrastinate.App) -> None:
    async with app.open_async():
        await worker._sweep(app)
        await app.run_worker_async(
            wait=False, install_signal_handlers=False, delete_jobs=DeleteJobCondition.SUCCESSFUL, concurrency=1
        )


def test_the_job_of_a_killed_worker_is_worked_again(living: Living) -> None:
    defer(("work_case", "c1"))
    killed_at_work(living.url)
    dead_for(queue.DEAD_AFTER_S + 1)
    assert next_worker(living.url) == ["c1"]
    with store.transaction() as db:
        assert queue.busy(db) == 0


def test_the_job_of_a_worker_that_still_beats_is_left_to_it(living: Living) -> None:
    defer(("work_case", "c1"))
    killed_at_work(living.url)
    assert next_worker(living.url) == []
    with store.transaction() as db:
        assert queue.busy(db) == 1


def test_a_killed_job_that_was_asked_for_again_is_worked_once(living: Living) -> None:
    defer(("work_case", "c1"))
    killed_at_work(living.url)
    defer(("work_case", "c1"))
    dead_for(queue.DEAD_AFTER_S + 1)
    assert next_worker(living.url) == ["c1"]
    with store.transaction() as db:
        assert queue.busy(db) == 0


def test_a_killed_job_does_not_hold_up_the_day(living: Living) -> None:
    defer(("work_case", "c1"))
    killed_at_work(living.url)
    defer(("work_case", "c2"))
    dead_for(queue.DEAD_AFTER_S + 1)
    assert sorted(next_worker(living.url)) == ["c1", "c2"]
