"""Transactions: all or nothing, a view that stands still, and a lost database that is said to be lost."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import IntegrityError, InternalError

from core import fleet, stream
from core.errors import Unavailable
from core.store import db as store
from core.store.tables import depot, instance
from tests.living import Living, a_depot


def lose(db: Connection) -> None:
    """The database ends this connection, as a restart of it does."""
    with store.engine().connect() as other:
        pid = db.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    db.execute(text("SELECT 1"))


def depots() -> list[str]:
    with store.snapshot() as db:
        return sorted(db.execute(select(depot.c.id)).scalars())


def test_what_a_transaction_wrote_is_there_after_it(living: Living) -> None:
    with store.transaction() as db:
        a_depot(db)
        assert depots() == [], "and not before"
    assert depots() == ["dep"]


def test_an_exception_takes_everything_back_and_passes_on(living: Living) -> None:
    def write_and_fail() -> None:
        with store.transaction() as db:
            a_depot(db)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert depots() == []


def test_a_snapshot_stands_still_while_others_write(living: Living) -> None:
    with store.snapshot() as db:
        before = db.execute(select(instance.c.speed)).scalar_one()
        with store.transaction() as other:
            other.execute(update(instance).values(speed=99))
        assert db.execute(select(instance.c.speed)).scalar_one() == before
    with store.snapshot() as db:
        assert db.execute(select(instance.c.speed)).scalar_one() == 99


def test_a_snapshot_only_reads(living: Living) -> None:
    def write() -> None:
        with store.snapshot() as db:
            a_depot(db)

    with pytest.raises(InternalError, match="read-only"):
        write()
    with store.transaction() as db:
        a_depot(db)
    assert depots() == ["dep"], "the next one on that connection writes again"


def in_a_transaction() -> None:
    with store.transaction() as db:
        a_depot(db)
        lose(db)


def in_a_transaction_that_told_something() -> None:
    with store.transaction() as db:
        stream.tell(db, "case", {"id": "x"})
        lose(db)


def in_a_savepoint() -> None:
    with store.transaction() as db, db.begin_nested():
        lose(db)


def in_a_snapshot() -> None:
    with store.snapshot() as db:
        lose(db)


@pytest.mark.parametrize(
    "work", [in_a_transaction, in_a_transaction_that_told_something, in_a_savepoint, in_a_snapshot]
)
def test_a_lost_database_is_said_to_be_lost_and_the_next_transaction_works(living: Living, work: object) -> None:
    assert callable(work)
    with pytest.raises(Unavailable) as lost:
        work()
    assert lost.value.status == 503, "what is unavailable is tried again; anything else would go to a person"
    assert depots() == []
    with store.transaction() as db:
        a_depot(db)
    assert depots() == ["dep"]


def test_what_the_database_refuses_is_no_outage(living: Living) -> None:
    def write_twice() -> None:
        with store.transaction() as db:
            a_depot(db)
            home = fleet.get_depot(db, "dep")
            db.execute(depot.insert().values(home._asdict()))

    with pytest.raises(IntegrityError):
        write_twice()
    assert depots() == []


def test_a_connection_that_the_server_ended_while_it_lay_idle_is_not_handed_out(living: Living) -> None:
    with store.transaction() as db:
        ours = db.execute(text("SELECT pg_backend_pid()")).scalar_one()
    admin = store.connect(living.url)
    with admin.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": ours})
    admin.dispose()
    with store.transaction() as db:
        assert db.execute(text("SELECT pg_backend_pid()")).scalar_one() != ours


def test_a_glance_sees_what_is_committed_and_a_lost_database_is_said_to_be_lost_there_too(living: Living) -> None:
    with store.transaction() as db:
        a_depot(db)
        with store.glance() as other:
            assert other.execute(select(depot.c.id)).all() == []
    with store.glance() as db:
        assert db.execute(select(depot.c.id)).scalars().all() == ["dep"]
    with pytest.raises(Unavailable), store.glance() as db:
        lose(db)
