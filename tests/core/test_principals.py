"""Principals: tokens are kept as hashes, a link signs in once, and an escalation always finds the next on duty."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update

from core import principals
from core.errors import BadInput, NotSignedIn
from core.principals import ROLES, STAFF, SYSTEM, Principal
from core.store import db as store
from core.store.tables import principal, token
from tests.living import Living, at, who

NOW = at("09:00")


@pytest.mark.parametrize("role", [role for role in ROLES if role != "system"])
def test_the_same_role_and_subject_is_one_principal(record: Connection, role: str) -> None:
    assert principals.ensure(record, role, "x") == principals.ensure(record, role, "x")
    assert principals.ensure(record, role, "x") != principals.ensure(record, role, "y")


@pytest.mark.parametrize(
    ("role", "subject", "why"),
    [
        ("system", "doorstep", "nobody signs in as the system"),
        ("root", "x", "no such role"),
        ("", "x", "no role"),
        ("Admin", "x", "roles are written small"),
        ("admin", "", "nobody in particular"),
    ],
)
def test_what_is_no_principal_is_refused(record: Connection, role: str, subject: str, why: str) -> None:
    with pytest.raises(BadInput):
        principals.ensure(record, role, subject)
    assert record.execute(select(principal.c.id).where(principal.c.subject == "doorstep")).all() == [], why


def test_only_dispatchers_ops_leads_and_admins_are_staff() -> None:
    assert {"dispatcher", "ops_lead", "admin"} == STAFF
    assert not SYSTEM.is_staff
    assert not Principal(id="p", role="customer", subject="x").is_staff


def test_a_token_signs_its_principal_in(record: Connection) -> None:
    ana = who(record, "dispatcher")
    assert principals.of_token(record, principals.issue(record, ana), NOW) == ana


def test_a_token_is_not_kept(record: Connection) -> None:
    bearer = principals.issue(record, who(record, "dispatcher"))
    assert all(bearer not in str(row) for row in record.execute(select(token)).all())


@pytest.mark.parametrize("wrong", ["", "x", " ", "0" * 64])
def test_an_unknown_token_signs_nobody_in(record: Connection, wrong: str) -> None:
    principals.issue(record, who(record, "dispatcher"))
    with pytest.raises(NotSignedIn):
        principals.of_token(record, wrong, NOW)


def test_the_hash_of_a_token_is_no_token(record: Connection) -> None:
    principals.issue(record, who(record, "dispatcher"))
    kept = record.execute(select(token.c.hash)).scalars().first()
    assert kept is not None
    with pytest.raises(NotSignedIn):
        principals.of_token(record, kept, NOW)


def test_a_token_ends_when_its_time_is_up(record: Connection) -> None:
    bearer = principals.issue(record, who(record, "dispatcher"), expires_at=NOW)
    assert principals.of_token(record, bearer, NOW - timedelta(seconds=1)).role == "dispatcher"
    with pytest.raises(NotSignedIn):
        principals.of_token(record, bearer, NOW)


def test_a_link_signs_in_once(record: Connection) -> None:
    ana = who(record, "dispatcher")
    code = principals.issue(record, ana, kind="link")
    session = principals.redeem_link(record, code, NOW)
    assert principals.of_token(record, session, NOW) == ana
    with pytest.raises(NotSignedIn, match="used already"):
        principals.redeem_link(record, code, NOW)


def test_a_session_ends_after_its_hours(record: Connection) -> None:
    code = principals.issue(record, who(record, "dispatcher"), kind="link")
    session = principals.redeem_link(record, code, NOW, lasts=timedelta(hours=1))
    with pytest.raises(NotSignedIn):
        principals.of_token(record, session, NOW + timedelta(hours=1))


def test_a_link_is_no_bearer_token_and_a_token_no_link(record: Connection) -> None:
    ana = who(record, "dispatcher")
    with pytest.raises(NotSignedIn):
        principals.of_token(record, principals.issue(record, ana, kind="link"), NOW)
    with pytest.raises(NotSignedIn):
        principals.redeem_link(record, principals.issue(record, ana), NOW)


def test_a_link_that_has_expired_signs_nobody_in(record: Connection) -> None:
    code = principals.issue(record, who(record, "dispatcher"), kind="link", expires_at=NOW)
    with pytest.raises(NotSignedIn):
        principals.redeem_link(record, code, NOW)


def test_of_many_who_redeem_one_link_at_once_one_signs_in(living: Living) -> None:
    with store.transaction() as db:
        code = principals.issue(db, who(db, "dispatcher"), kind="link")
    gate, came = threading.Barrier(4), []

    def redeem() -> None:
        gate.wait()
        try:
            with store.transaction() as db:
                principals.redeem_link(db, code, NOW)
            came.append("in")
        except NotSignedIn:
            came.append("out")

    threads = [threading.Thread(target=redeem) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(came) == ["in", "out", "out", "out"]


# On duty


def staff(db: Connection) -> dict[str, str]:
    return {
        name: who(db, role, name).id for role, name in (("admin", "ada"), ("ops_lead", "lia"), ("dispatcher", "dan"))
    }


def test_a_dispatcher_comes_before_an_ops_lead_and_an_admin_last(record: Connection) -> None:
    by = staff(record)
    assert principals.on_duty(record) == by["dan"]
    record.execute(update(principal).where(principal.c.id == by["dan"]).values(on_duty=False))
    assert principals.on_duty(record) == by["lia"]


def test_who_does_not_answer_is_followed_by_the_next_and_the_last_by_the_first(record: Connection) -> None:
    by = staff(record)
    assert principals.next_on_duty(record, by["dan"]) == by["lia"]
    assert principals.next_on_duty(record, by["lia"]) == by["ada"]
    assert principals.next_on_duty(record, by["ada"]) == by["dan"]


@pytest.mark.parametrize("owner", [None, "pri_gone"])
def test_without_a_known_owner_the_first_on_duty_is_next(record: Connection, owner: str | None) -> None:
    by = staff(record)
    assert principals.next_on_duty(record, owner) == by["dan"]


def test_customers_and_drivers_take_no_escalations(record: Connection) -> None:
    who(record, "customer", "per_1")
    who(record, "driver", "d1")
    assert principals.on_duty(record) is None
    assert principals.next_on_duty(record, None) is None


def test_who_is_alone_on_duty_stays_it(record: Connection) -> None:
    dan = who(record, "dispatcher", "dan").id
    assert principals.next_on_duty(record, dan) == dan
