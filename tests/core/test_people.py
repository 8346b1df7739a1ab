"""Persons: one number is one person, and who is erased leaves nothing personal behind while the log still verifies."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, update

from core import effects, log, orders, people, threads
from core.errors import BadInput, NotFound, WrongState
from core.signing import load_or_create
from core.store.tables import event, import_batch, import_row, instance, message, metadata, order, person, proof
from tests.core.a_log import SEED as KEY
from tests.living import (
    DAY,
    DEPOT,
    a_depot,
    a_plan,
    a_van,
    an_order,
    at,
    customer_of,
    load_and_leave,
    tap,
)


def test_one_number_is_one_person_however_it_and_the_name_are_written(record: Connection) -> None:
    ana = people.ensure(record, "Ana Gil", "512-555-0100")
    assert people.ensure(record, "A. Gil", "+1 (512) 555 0100") == ana
    assert people.ensure(record, "Ana Gil", "512-555-0101") != ana


def test_without_a_number_name_and_mail_tell_persons_apart(record: Connection) -> None:
    ana = people.ensure(record, "Ana Gil", "", "ana@example.org")
    assert people.ensure(record, "Ana Gil", "", "ana@example.org") == ana
    assert people.ensure(record, "Ana Gil", "", "other@example.org") != ana
    assert people.ensure(record, "Ana Gil", "512-555-0100", "ana@example.org") != ana


def test_without_any_contact_two_people_of_one_name_are_two_people(record: Connection) -> None:
    """Otherwise one Ana Gil could read where the other one lives, and erasing one would erase both."""
    first, second = people.ensure(record, "Ana Gil", ""), people.ensure(record, "Ana Gil", "")
    assert first != second


def test_what_can_not_be_a_number_makes_no_person(record: Connection) -> None:
    with pytest.raises(BadInput) as refused:
        people.ensure(record, "Ana Gil", "12345")
    assert refused.value.field == "phone"


def test_an_id_says_nothing_about_the_number(record: Connection) -> None:
    ana = people.ensure(record, "Ana Gil", "512-555-0100")
    with_other_seed = people.ensure(record, "Ben", "512-555-0101")
    assert ana != with_other_seed
    assert people.draws(record).random() == people.draws(record).random(), "one seed, one draw, for the same count"
    record.execute(update(instance).values(seed=None))
    assert people.draws(record).random() != people.draws(record).random(), "without a seed it is the machine's chance"


def test_one_text_to_two_persons_has_two_digests(record: Connection) -> None:
    ana, ben = people.ensure(record, "Ana", "512-555-0100"), people.ensure(record, "Ben", "512-555-0101")
    assert people.salted(record, ana, "hello") == people.salted(record, ana, "hello")
    assert people.salted(record, ana, "hello") != people.salted(record, ben, "hello")


SECRETS = ("Customer A1", "+1555", "Long Road", "dog in the yard", "with Mrs Blum", "my knee", "raw row")


def a_life_lived(db: Connection) -> str:
    """An order delivered, with everything personal that we ever keep of a customer. Returns the person."""
    a_depot(db)
    a_van(db)
    order_id = an_order(db, "A1", notes="dog in the yard")
    a_plan(db, {"van1": [order_id]})
    load_and_leave(db, "van1", [order_id], at("08:00"))
    tap(db, "arrived", "van1", at("08:10"), orders.get(db, order_id).stop_id)
    given = {"kind": "note", "note": "with Mrs Blum", "lat": 30.22, "lon": -97.7}
    tap(db, "delivered", "van1", at("08:12"), order_id, proof=given)
    threads.open_of(db, customer_of(db, order_id), at("09:00")).say("in", "my knee hurts", at("09:00"))
    db.execute(insert(import_batch).values(id="imp", at=at("07:00"), accepted=0, unchanged=0))
    raw = {"ref": "A1", "name": "raw row"}
    row = {"batch_id": "imp", "field": "lat", "reason": "'raw row' is no number.", "fix": "-", "raw": raw}
    db.execute(insert(import_row).values(**row, row=1, ref="A1"))
    db.execute(insert(import_row).values(**row, row=2, ref="Z9", order_id=order_id))
    return str(orders.get(db, order_id).person_id)


def everything(db: Connection) -> str:
    """Every row of every table, as text."""
    rows = [dict(row._mapping) for table in metadata.sorted_tables for row in db.execute(select(table))]
    return json.dumps(rows, default=str)


def test_who_is_erased_leaves_nothing_personal_behind(record: Connection) -> None:
    person_id = a_life_lived(record)
    before = everything(record)
    assert [secret for secret in SECRETS if secret not in before] == [], "the test is about what was there"
    people.erase(record, person_id, at("20:00"))
    after = everything(record)
    assert [secret for secret in SECRETS if secret in after] == []
    assert people.is_erased(record, person_id)


def test_the_log_verifies_after_somebody_was_erased(record: Connection, tmp_path: Path) -> None:
    person_id = a_life_lived(record)
    signer = load_or_create(tmp_path, KEY)
    log.sign_head(record, signer, at("19:00"))
    people.erase(record, person_id, at("20:00"))
    verdict = log.verify(record, signer.public)
    assert verdict.problems == ()
    assert verdict.entries > 0


def test_digests_of_an_erased_person_say_nothing_any_more(record: Connection) -> None:
    person_id = a_life_lived(record)
    before = people.salted(record, person_id, "hello")
    people.erase(record, person_id, at("20:00"))
    assert people.salted(record, person_id, "hello") == "erased" != before


@pytest.mark.parametrize("status", sorted(orders.OPEN | {"failed"}))
def test_nobody_is_erased_while_an_order_of_theirs_is_under_way(record: Connection, status: str) -> None:
    a_depot(record)
    order_id = an_order(record, "A1")
    orders.set_status(record, [order_id], status)
    person_id = orders.get(record, order_id).person_id
    with pytest.raises(WrongState, match="A1"):
        people.erase(record, person_id, at("20:00"))
    assert not people.is_erased(record, person_id)


def test_erasing_one_person_leaves_the_others_alone(record: Connection) -> None:
    person_id = a_life_lived(record)
    other = an_order(record, "B1", notes="gate code 7")
    effects.queue_message(record, "plan:x", orders.get(record, other).person_id, other, "promise", "hi B", at("07:00"))
    people.erase(record, person_id, at("20:00"))
    row = orders.get(record, other)
    assert (row.notes, row.lat is not None) == ("gate code 7", True)
    assert record.execute(select(message.c.body).where(message.c.order_id == other)).scalar_one() == "hi B"
    assert record.execute(select(person.c.name).where(person.c.id == row.person_id)).scalar_one() == "Customer B1"


def test_an_erased_number_that_comes_again_is_a_new_person(record: Connection) -> None:
    person_id = a_life_lived(record)
    phone = record.execute(select(person.c.phone).where(person.c.id == person_id)).scalar_one()
    people.erase(record, person_id, at("20:00"))
    assert people.ensure(record, "Customer A1", phone) != person_id


def test_an_unknown_person_can_not_be_erased(record: Connection) -> None:
    with pytest.raises(NotFound):
        people.erase(record, "per_x", at("20:00"))


def test_a_person_is_at_home_where_their_newest_order_is(record: Connection) -> None:
    a_depot(record)
    a_depot(record, "dep2")
    first = an_order(record, "A1")
    person_id = orders.get(record, first).person_id
    assert people.home_of(record, person_id) == (DEPOT, DAY)
    later = an_order(record, "A2", day=DAY + timedelta(days=1), depot_id="dep2")
    record.execute(update(order).where(order.c.id == later).values(person_id=person_id))
    assert people.home_of(record, person_id) == ("dep2", DAY + timedelta(days=1))


def test_who_has_no_order_has_no_home(record: Connection) -> None:
    with pytest.raises(NotFound):
        people.home_of(record, people.ensure(record, "Ana", "512-555-0100"))


def test_what_happened_is_still_known_of_an_erased_person(record: Connection) -> None:
    person_id = a_life_lived(record)
    people.erase(record, person_id, at("20:00"))
    kinds = set(record.execute(select(event.c.kind)).scalars())
    assert {"driver.loaded", "driver.arrived", "driver.delivered"} <= kinds
    assert record.execute(select(proof.c.kind)).scalar_one() == "note"
