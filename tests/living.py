"""A database of its own for each test that commits, as a running instance sees it, and small builders to fill it.

The day is a simulated one at a depot in Chicago; `at("10:30")` is wall-clock time there. Orders stand along a road that
leads north from the depot: place 1 is the nearest.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, NullPool, Row, create_engine, select, text, update
from sqlalchemy.engine import make_url

from core import clock, fleet, orders, plans, principals, taps, timers
from core.events import Event
from core.orders import NewOrder
from core.postgres import ensure_database
from core.principals import Principal
from core.settings import override, settings
from core.store import db as store
from core.store.tables import case, effect, instance, message, proposal
from evals import ground
from tools import problems, publishing, tracker
from tools.carriers import bookings
from tools.carriers.fake import FakeCarrier
from tools.notify import outbox
from tools.notify.fake import FakeProvider
from tools.notify.port import Sender
from tools.optimizer import Local, Optimizer, resident

if TYPE_CHECKING:
    from agent.planner import Planner

ZONE = "America/Chicago"
DAY = date(2026, 6, 2)
DEPOT = "dep"
HOME = (30.2, -97.7)
STEP = 0.02
"""degrees of latitude from one place to the next: about 3 km of road and 7 minutes"""
SEED = 7
SET = (
    "DATABASE_URL", "DOORSTEP_DATA", "DOORSTEP_POLICY", "DOORSTEP_FAULT_POINT", "DOORSTEP_STAGES", "DOORSTEP_GAZETTEER",
    "DOORSTEP_SENDER", "DOORSTEP_CURRENCY", "DOORSTEP_SENDER_FALLBACK", "DOORSTEP_GEOCODER", "DOORSTEP_GEOCODER_URL",
)  # fmt: skip


def at(clock_time: str, day: date = DAY) -> datetime:
    """Wall-clock time at the depot: `at("08:30")`."""
    hour, minute = map(int, clock_time.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


# An instance of its own -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Living:
    """A prepared instance whose clock the test moves and whose queue the test works."""

    url: str
    folder: Path
    phone: FakeProvider = field(default_factory=FakeProvider)
    """what messages go out by, unless a test brings another sender"""
    carrier: FakeCarrier = field(default_factory=FakeCarrier)

    def to(self, now: datetime) -> datetime:
        """Move the clock on."""
        with store.transaction() as db:
            clock.set_simulated(db, now)
        return now

    def jobs(self) -> list[tuple[str, str]]:
        """What waits in the queue, as (task, subject)."""
        query = "SELECT task_name, args->>'subject' FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"
        with store.transaction() as db:
            return [(row[0], row[1]) for row in db.execute(text(query))]

    def work(
        self, by: Sender | None = None, optimizer: Optimizer | None = None, planner: Planner | None = None
    ) -> list[tuple[str, str]]:
        """Work the queue until it is empty, as a worker would, here and now. Returns what was worked."""
        from agent import casework  # heavy, and most tests work no queue
        from api import worker

        run: dict[str, Callable[[str], object]] = {
            **worker.TASKS,
            "work_case": lambda subject: casework.work(subject, optimizer or Local(), planner),
            "drain_outbox": lambda subject: outbox.drain(by or self.phone),
            "book_carriers": lambda subject: bookings.drain(self.carrier),
        }
        worked: list[tuple[str, str]] = []
        while (job := ground.take_job()) is not None:
            worked.append(job)
            run[job[0]](job[1])
        return worked

    def pulse(self, now: datetime, by: Sender | None = None) -> list[tuple[str, str]]:
        """The clock comes to `now`: timers that are due by then fire, and all of it is worked."""
        self.to(now)
        with store.transaction() as db:
            timers.fire(db, now)
        return self.work(by)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """These settings and no others of the machine's, until the end."""
    before = {name: os.environ.pop(name, None) for name in SET}
    override(**values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        settings.cache_clear()


@contextmanager
def instance_on(url: str, folder: Path, now: datetime, seed: int | None = SEED) -> Iterator[Living]:
    """Point this process at a migrated database, as a simulated instance at `now`, and back again at the end."""
    with environment(DATABASE_URL=url, DOORSTEP_DATA=str(folder)):
        _forget()
        try:
            with store.transaction() as db:
                store.prepare(db, mode="simulated", seed=seed)
                db.execute(update(instance).values(sim_now=now))
            yield Living(url, folder)
        finally:
            _forget()


def _forget() -> None:
    """What the process keeps about the instance that it served before, which may be that of a whole file of tests."""
    if store.engine.cache_info().currsize:
        store.engine().dispose()
    for kept in (store.engine, store.embedded, outbox.sender, outbox.fallback, bookings.booker, resident):
        kept.cache_clear()


@contextmanager
def copy_of(template_url: str, name: str) -> Iterator[str]:
    """A database copied from a template that nobody is connected to; dropped at the end."""
    original = make_url(template_url)
    admin = create_engine(original.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as db:
        db.execute(text(f"CREATE DATABASE {name} TEMPLATE {original.database}"))
    try:
        yield original.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as db:
            db.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def template_url(database_url: str) -> str:
    """A migrated database to copy; nothing connects to it again."""
    url = make_url(database_url)
    ensure_database(url.set(database="postgres").render_as_string(hide_password=False), "doorstep_template")
    made = url.set(database="doorstep_template").render_as_string(hide_password=False)
    store.migrate(made)
    return made


EMPTY = """
DO $$ DECLARE each regclass; filled boolean; BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
  FOR each IN SELECT inhrelid::regclass FROM pg_inherits
    WHERE inhparent = 'position'::regclass AND inhrelid <> 'position_default'::regclass
  LOOP EXECUTE format('DROP TABLE %s', each); END LOOP;
  FOR each IN SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname = 'public' AND c.relname <> 'alembic_version'
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', each) INTO filled;
    IF filled THEN EXECUTE format('TRUNCATE %s RESTART IDENTITY CASCADE', each); END IF;
  END LOOP;
END $$
"""
"""A tenth of the time of another copy. Who is connected still has forgotten to hang up."""


@pytest.fixture(scope="session")
def living_url(template_url: str) -> Iterator[str]:
    with copy_of(template_url, "doorstep_living") as url:
        yield url


@pytest.fixture
def living(living_url: str, tmp_path: Path) -> Iterator[Living]:
    """An instance with an empty database; it is 07:00 at the depot."""
    try:
        with instance_on(living_url, tmp_path / "data", at("07:00")) as made:
            yield made
    finally:
        admin = create_engine(living_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with admin.connect() as db:
            db.execute(text(EMPTY))


@pytest.fixture
def record(db: Connection, tmp_path: Path) -> Iterator[Connection]:
    """A simulated instance at 07:00 on a connection that is rolled back: for tests that need no commit."""
    with environment(DOORSTEP_DATA=str(tmp_path / "data")):
        store.prepare(db, mode="simulated", seed=SEED)
        db.execute(update(instance).values(mode="simulated", seed=SEED, sim_now=at("07:00"), paused=False, speed=1))
        yield db


# Who is asking --------------------------------------------------------------------------------------------------------


def who(db: Connection, role: str, subject: str = "") -> Principal:
    """A principal of a role: `who(db, "dispatcher")`, `who(db, "customer", person_id)`."""
    return principals.ensure(db, role, subject or f"a-{role}")


def customer_of(db: Connection, order_id: str) -> Principal:
    return who(db, "customer", orders.get(db, order_id).person_id)


# Fleet and orders -----------------------------------------------------------------------------------------------------


def a_depot(db: Connection, depot_id: str = DEPOT, tz: str = ZONE) -> str:
    fleet.put_depot(db, fleet.Depot(id=depot_id, name=depot_id, lat=HOME[0], lon=HOME[1], tz=tz))
    return depot_id


def a_van(db: Connection, van: str = "van1", depot_id: str = DEPOT, **given: Any) -> str:
    fleet.put_driver(db, fleet.Driver(id=f"{van}-driver", name=f"Driver of {van}"))
    fleet.put_vehicle(db, fleet.Vehicle(id=van, depot=depot_id, driver=f"{van}-driver", **given))
    return van


def an_order(
    db: Connection, ref: str, place: float = 1, *, day: date = DAY, depot_id: str = DEPOT, **given: Any
) -> str:
    """An order at so many steps up the road, for a customer of its own; returns its id."""
    number = zlib.crc32(ref.encode()) % 10_000_000
    fields: dict[str, Any] = {"name": f"Customer {ref}", "phone": f"+1555{number:07d}", "address": f"{place} Long Road"}
    fields |= {"lat": HOME[0] + STEP * place, "lon": HOME[1], "service_s": 300}
    made, _ = orders.add(db, NewOrder.model_validate({**fields, "ref": ref, **given}), depot_id, day, clock.now(db))
    return made


def stop_of(db: Connection, order_id: str) -> str:
    return str(orders.get(db, order_id).stop_id)


# A plan ---------------------------------------------------------------------------------------------------------------


def a_draft(
    db: Connection, routes: Mapping[str, Sequence[str]], *, day: date = DAY, depot_id: str = DEPOT, violations: int = 0
) -> int:
    """A draft with these orders on these vans, in this order, timed as the engine would; the rest is left out."""
    return ground.draft(db, depot_id, day, routes, violations=violations)


def a_plan(db: Connection, routes: Mapping[str, Sequence[str]], *, day: date = DAY, depot_id: str = DEPOT) -> int:
    """The same, published: orders planned, customers promised their times. Returns the version."""
    version = a_draft(db, routes, day=day, depot_id=depot_id)
    publishing.publish(db, who(db, "ops_lead"), depot_id, day, version, clock.now(db))
    return version


@dataclass(frozen=True)
class Day:
    """A planned day: order ids by reference."""

    orders: dict[str, str]
    stops: dict[str, str]


def a_day(living: Living, routes: Mapping[str, Sequence[str]], places: Mapping[str, float] | None = None) -> Day:
    """Depot, vans and orders by reference ("A1", "A2" ... one step of road each unless told), planned and published;
    the customers have their promises."""
    with store.transaction() as db:
        a_depot(db)
        for van in sorted(routes):
            a_van(db, van)
        made: dict[str, str] = {}
        for _, refs in sorted(routes.items()):
            for number, ref in enumerate(refs, 1):
                made[ref] = an_order(db, ref, (places or {}).get(ref, number))
        a_plan(db, {van: [made[ref] for ref in refs] for van, refs in routes.items()})
        day = Day(made, {ref: stop_of(db, order_id) for ref, order_id in made.items()})
    living.work()
    return day


def look(now: datetime) -> list[str]:
    """What the engine does at each pulse: judge every arrival anew. Returns the cases that it opened."""
    with store.transaction() as db:
        clock.set_simulated(db, now)
        current = plans.current(db, DEPOT, DAY)
        assert current is not None
        here = problems.ground(db, DEPOT, DAY)
        return tracker.refresh(db, here, current.version, problems.live(db, here, current, now), now)


# What happens on the road ---------------------------------------------------------------------------------------------


def tap(
    db: Connection,
    kind: str,
    van: str,
    when: datetime,
    subject: str = "",
    *,
    key: str = "",
    now: datetime | None = None,
    **data: Any,
) -> str:
    """A driver's tap, as the API hands it to the record: `tap(db, "arrived", "van1", at("9:00"), stop)`."""
    fact = Event(
        key=key or f"{kind}:{van}:{subject}:{when.isoformat()}", kind=f"driver.{kind}", source=f"{van}-driver",
        subject=subject or van, at=when, vehicle_id=van, data=data,
    )  # fmt: skip
    return taps.take(db, fact, now or max(when, clock.now(db)))


def load_and_leave(db: Connection, van: str, order_ids: Sequence[str], when: datetime) -> None:
    tap(db, "loaded", van, when, orders=list(order_ids))
    tap(db, "departed", van, when + timedelta(minutes=1))


def deliver(db: Connection, van: str, order_id: str, when: datetime) -> None:
    tap(db, "arrived", van, when, stop_of(db, order_id))
    tap(db, "delivered", van, when + timedelta(minutes=3), order_id, proof={"kind": "photo", "sha256": "ab" * 32})


# Reading what came of it ----------------------------------------------------------------------------------------------


def the_case(db: Connection, kind: str) -> Row[Any]:
    """The one case of this kind."""
    return db.execute(select(case).where(case.c.kind == kind)).one()


def proposals(db: Connection, case_id: str) -> list[Row[Any]]:
    return list(db.execute(select(proposal).where(proposal.c.case_id == case_id).order_by(proposal.c.at)))


def effects_by_status(db: Connection) -> dict[str, int]:
    found: dict[str, int] = {}
    for status in db.execute(select(effect.c.status)).scalars():
        found[status] = found.get(status, 0) + 1
    return found


def texts_to(db: Connection, order_id: str) -> list[str]:
    """Templates of the messages about an order, oldest first."""
    query = select(message.c.template).where(message.c.order_id == order_id, message.c.direction == "out")
    return list(db.execute(query.order_by(message.c.at, message.c.id)).scalars())
