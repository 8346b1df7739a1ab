"""The same jobs by the plainest means, in the same run on the same server: what the figures are compared with."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import Any

from core import blobs, plans
from core.settings import settings
from core.store import db as store
from evals.bench_load import BATCH
from optimizer import plan as planning
from optimizer.problem import Problem
from optimizer.travel import MatrixStore


def copied_a_second(seconds: float) -> float:
    """Positions a second that COPY puts into a plain table without an index, a batch a commit."""
    _plain_table()
    row = ("van-1", datetime.now(UTC), 41.0, -93.0, 50.0, None)
    began = time.monotonic()
    count = 0
    while time.monotonic() < began + seconds:
        with store.transaction() as db, _cursor(db) as cursor, cursor.copy("COPY bench_peer FROM STDIN") as copy:
            for _ in range(BATCH):
                copy.write_row(row)
        count += BATCH
    return count / (time.monotonic() - began)


def commits_s(most: int, seconds: float) -> list[float]:
    """How long each of many inserts of one row with its commit took."""
    _plain_table()
    row = ("van-1", datetime.now(UTC), 41.0, -93.0, 50.0, None)
    found: list[float] = []
    until = time.monotonic() + seconds
    while len(found) < most and time.monotonic() < until:
        began = time.monotonic()
        with store.transaction() as db, _cursor(db) as cursor:
            cursor.execute("INSERT INTO bench_peer VALUES (%s, %s, %s, %s, %s, %s)", row)
        found.append(time.monotonic() - began)
        time.sleep(0.01)
    return found


def analyze() -> None:
    """What the database does by itself within a minute of a load."""
    with store.transaction() as db:
        db.exec_driver_sql("ANALYZE")


def _plain_table() -> None:
    with store.transaction() as db:
        db.exec_driver_sql(
            "CREATE TABLE IF NOT EXISTS bench_peer (vehicle_id text, at timestamptz, lat double precision, "
            "lon double precision, speed_kmh double precision, heading double precision)"
        )


def _cursor(db: Any) -> Any:
    return db.connection.driver_connection.cursor()


def solved_alone_s(depot: str, day: date, version: int, seed: int, iterations: int) -> float:
    """The same problem, solved in this process with nothing else to do."""
    with store.snapshot() as db:
        problem = Problem.model_validate(blobs.get(db, plans.get(db, depot, day, version).made_by["problem"]))
    matrix = MatrixStore(settings().folder / "matrices").get(problem.matrix)
    began = time.monotonic()
    planning.solve(problem, matrix, seed=seed, iterations=iterations)
    return time.monotonic() - began
