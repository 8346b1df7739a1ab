"""Ground to try things on: small planned days in this process, on a database that is thrown away.

Each laid day is a depot of its own in one database, so that hundreds of them cost one start. The clock is simulated and
moved by whoever lays the day; nothing is sent, since the provider is the fake one.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection, text, update

from core import blobs, clock, fleet, orders, plans, principals, taps
from core.events import Event
from core.orders import NewOrder
from core.postgres import EmbeddedPostgres, ensure_database
from core.settings import override
from core.store import db as store
from core.store.tables import instance, promise
from optimizer import checker
from optimizer.problem import Plan, Unassigned
from optimizer.schedule import time_route
from tools import problems, publishing, tracker
from tools.engine import planned_routes
from tools.notify import outbox
from tools.notify.fake import FakeProvider
from tools.optimizer import Local
from tools.publishing import plan_outcome

if TYPE_CHECKING:
    from agent.planner import Planner

ZONE = "America/Chicago"
DAY = date(2026, 6, 2)
HOME = (30.2, -97.7)
STEP = 0.02
"""degrees of latitude from one door to the next: about 3 km of road and 7 minutes"""
SEED = 7


def at(clock_time: str, day: date = DAY) -> datetime:
    """Wall-clock time at the depots: `at("08:30")`."""
    hour, minute = map(int, clock_time.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


@contextmanager
def started(now: datetime | None = None) -> Iterator[Path]:
    """An installation of this process's own, simulated, gone at the end. Gives its data folder."""
    folder = Path(tempfile.mkdtemp(prefix="doorstep-evals-"))
    folder.chmod(0o755)  # as root the server runs as another user, who has to get through
    server = EmbeddedPostgres(folder / "postgres")
    try:
        ensure_database(server.start(), "doorstep")
        url = server.url("doorstep")
        store.migrate(url)
        override(DATABASE_URL=url, DOORSTEP_DATA=str(folder), DOORSTEP_POLICY="", OPENAI_API_KEY="")
        store.engine.cache_clear()
        with store.transaction() as db:
            store.prepare(db, mode="simulated", seed=SEED)
            db.execute(update(instance).values(sim_now=now or at("07:00")))
        yield folder
    finally:
        if store.engine.cache_info().currsize:
            store.engine().dispose()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def quiet() -> None:
    """Log errors only: what was sent and refused is in the record, which is what is judged."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def to(now: datetime) -> datetime:
    """Set the clock, back as well as on: each laid day has the whole day before it."""
    with store.transaction() as db:
        db.execute(update(instance).values(sim_now=now))
    return now


# Laying a day ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Laid:
    """A planned and published day of one depot; orders and stops by the letters they were asked for with."""

    depot: str
    vans: Mapping[str, str]
    orders: Mapping[str, str]
    stops: Mapping[str, str]
    refs: Mapping[str, str]


@dataclass(frozen=True)
class Wanted:
    """One order of a day to lay: at so many steps up the road, on this van (none: nobody has planned it)."""

    van: str | None
    place: float
    given: Mapping[str, Any] = field(default_factory=dict)


def lay(name: str, wanted: Mapping[str, Wanted], drivers: Mapping[str, str] | None = None) -> Laid:
    """Depot `name` with the vans that are asked for, its orders planned in the order given, published and promised."""
    names = sorted({each.van for each in wanted.values() if each.van} | set(drivers or {}))
    vans = {van: f"{name}-{van}" for van in names}
    with store.transaction() as db:
        fleet.put_depot(db, fleet.Depot(id=name, name=name, lat=HOME[0], lon=HOME[1], tz=ZONE))
        for van, van_id in vans.items():
            called = (drivers or {}).get(van, f"Driver of {van}")
            fleet.put_driver(db, fleet.Driver(id=f"{van_id}-driver", name=called))
            fleet.put_vehicle(db, fleet.Vehicle(id=van_id, depot=name, driver=f"{van_id}-driver"))
        made = {letter: an_order(db, name, letter, each) for letter, each in wanted.items()}
        routes = {vans[v]: [made[x] for x, each in wanted.items() if each.van == v] for v in names}
        version = draft(db, name, DAY, routes)
        publishing.publish(db, principals.ensure(db, "ops_lead", "planner"), name, DAY, version, clock.now(db))
        stops = {letter: str(orders.get(db, order_id).stop_id) for letter, order_id in made.items()}
    return Laid(name, vans, made, stops, {letter: f"{name}-{letter}" for letter in made})


def an_order(db: Connection, depot: str, letter: str, wanted: Wanted) -> str:
    number = zlib.crc32(f"{depot}-{letter}".encode()) % 10_000_000
    fields: dict[str, Any] = {
        "ref": f"{depot}-{letter}", "name": f"Customer {depot} {letter}", "phone": f"+1555{number:07d}",
        "address": f"{number} Long Road", "lat": HOME[0] + STEP * wanted.place, "lon": HOME[1], "service_s": 300,
    }  # fmt: skip
    made, _ = orders.add(db, NewOrder.model_validate(fields | dict(wanted.given)), depot, DAY, clock.now(db))
    return made


def draft(db: Connection, depot: str, day: date, routes: Mapping[str, Sequence[str]], *, violations: int = 0) -> int:
    """A plan made by hand: these orders on these vans, in this order, timed as the engine would; the rest is left out.
    Returns its version."""
    here = problems.ground(db, depot, day)
    problem = problems.first(db, here)
    stops = {
        v.id: tuple(dict.fromkeys(str(orders.get(db, o).stop_id) for o in routes.get(v.id, ())))
        for v in problem.vehicles
    }
    timed = tuple(time_route(problem, here.matrix, v, stops[v.id]) for v in problem.vehicles)
    routed = {stop for on in stops.values() for stop in on}
    left = [stop for stop in problem.stops if stop.id not in routed]
    plan = Plan(
        routes=timed, cost=sum(r.cost for r in timed) + sum(s.drop_penalty for s in left), engine="hand", iterations=1,
        stopped_by="iterations",
        unassigned=tuple(Unassigned(stop_id=s.id, reason="no_vehicle", detail="left out by hand") for s in left),
    )  # fmt: skip
    made_by = {
        "engine": "hand", "iterations": 1, "seed": 1, "stopped_by": "iterations", "problem": blobs.put(db, problem),
        "matrix": problem.matrix, "outcome": plan_outcome(plan),
        "violations": violations or len(checker.check(problem, here.matrix, plan)),
    }  # fmt: skip
    rows = [
        {"stop": s.id, "orders": list(here.orders[s.id]), "reason": "no_vehicle", "detail": "by hand"} for s in left
    ]
    return plans.add(
        db, depot, day, planned_routes(here, problem, plan), parent=plans.current_version(db, depot, day),
        status="draft", unassigned=rows, made_by=made_by, at=clock.now(db),
    )  # fmt: skip


# Living through it ----------------------------------------------------------------------------------------------------


def tap(db: Connection, kind: str, van: str, when: datetime, subject: str = "", **data: Any) -> str:
    """A driver's tap, as the API hands it to the record."""
    fact = Event(
        key=f"{kind}:{van}:{subject}:{when.isoformat()}", kind=f"driver.{kind}", source=f"{van}-driver",
        subject=subject or van, at=when, vehicle_id=van, data=data,
    )  # fmt: skip
    return taps.take(db, fact, max(when, clock.now(db)))


def leave(db: Connection, van: str, order_ids: Sequence[str], when: datetime) -> None:
    tap(db, "loaded", van, when, orders=list(order_ids))
    tap(db, "departed", van, when + timedelta(minutes=1))


def deliver(db: Connection, van: str, stop: str, order_id: str, when: datetime) -> None:
    tap(db, "arrived", van, when, stop)
    proof = {"kind": "photo", "sha256": "ab" * 32}
    tap(db, "delivered", van, when + timedelta(minutes=3), order_id, proof=proof)


def look(depot: str, now: datetime) -> list[str]:
    """What the engine does at each pulse: judge every arrival anew. Returns the cases that it opened."""
    with store.transaction() as db:
        current = plans.current(db, depot, DAY)
        if current is None:
            return []
        here = problems.ground(db, depot, DAY)
        return tracker.refresh(db, here, current.version, problems.live(db, here, current, now), now)


def make_late(laid: Laid, letter: str, now: datetime, minutes: int = 10) -> str | None:
    """Its customer was promised a time that ends so many minutes before the van can be there. Returns the case that
    the tracker opens for it, if it does."""
    look(laid.depot, now)
    with store.transaction() as db:
        row = orders.get(db, laid.orders[letter])
        route = plans.current(db, laid.depot, DAY)
        van = route.vehicle_of(row.stop_id) if route else None
        expected = tracker.expected(db, row.stop_id, van) if van else None
        if expected is None:
            return None
        hi = clock.parse(expected["p50"]) - timedelta(minutes=minutes)
        mine = (promise.c.order_id == row.id) & (promise.c.status == "open")
        db.execute(update(promise).where(mine).values(lo=hi - timedelta(hours=1), hi=hi))
    return next(iter(look(laid.depot, now)), None)


def work(planner: Planner | None = None, phone: FakeProvider | None = None) -> list[tuple[str, str]]:
    """Work the queue until it is empty, as a worker would: cases and messages. What else waits is taken off it, since
    it belongs to other days. Returns what was there, as (task, subject)."""
    from agent import casework  # heavy, and laying a day needs none

    worked, by = [], phone or FakeProvider()
    while (job := take_job()) is not None:
        worked.append(job)
        if job[0] == "work_case":
            casework.work(job[1], Local(), planner)
        elif job[0] == "drain_outbox":
            outbox.drain(by)
    return worked


def take_job() -> tuple[str, str] | None:
    """The oldest job of the queue, taken off it: (task, subject)."""
    query = """
        DELETE FROM procrastinate_jobs WHERE id = (SELECT min(id) FROM procrastinate_jobs WHERE status = 'todo')
        RETURNING task_name, args->>'subject'
    """
    with store.transaction() as db:
        row = db.execute(text(query)).one_or_none()
    return None if row is None else (str(row[0]), str(row[1]))
