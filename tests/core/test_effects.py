"""The ledger: one action on one target with one content is one effect, asked for as often as one likes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from core import effects, orders
from core.store import db as store
from core.store.tables import effect, message, outbox
from tests.living import DAY, DEPOT, Living, a_depot, an_order, at


def write(db: Connection, order_id: str, body: str = "On its way", case_id: str = "case_1") -> str:
    person_id = orders.get(db, order_id).person_id
    return effects.queue_message(db, case_id, person_id, order_id, "promise", body, at("09:00"))


def count(db: Connection, table: Any) -> int:
    return int(db.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (("case_2", "stop.move", "stp_1", {"version": 1}), "another case"),
        (("case_1", "message.send", "stp_1", {"version": 1}), "another action"),
        (("case_1", "stop.move", "stp_2", {"version": 1}), "another target"),
        (("case_1", "stop.move", "stp_1", {"version": 2}), "other arguments"),
    ],
)
def test_an_effect_is_known_by_case_action_target_and_arguments(
    other: tuple[str, str, str, dict[str, int]], why: str
) -> None:
    assert effects.key("case_1", "stop.move", "stp_1", {"version": 1}) != effects.key(*other), why


def test_the_order_in_which_arguments_are_named_says_nothing() -> None:
    assert effects.key("c", "a", "t", {"x": 1, "y": 2}) == effects.key("c", "a", "t", {"y": 2, "x": 1})


def test_an_effect_is_entered_once(record: Connection) -> None:
    first = effects.record(record, "case_1", "stop.move", "stp_1", {"version": 2}, at("09:00"))
    again = effects.record(record, "case_1", "stop.move", "stp_1", {"version": 2}, at("09:30"))
    assert (first[1], again) == (True, (first[0], False))
    assert record.execute(select(effect.c.at)).scalar_one() == at("09:00")


def test_an_effect_of_our_own_is_done_when_it_is_entered(record: Connection) -> None:
    effects.record(record, "case_1", "stop.move", "stp_1", {}, at("09:00"), status="done")
    row = record.execute(select(effect)).one()
    assert (row.status, row.done_at) == ("done", at("09:00"))


def test_a_message_is_written_once_with_its_effect_and_its_place_in_the_outbox(living: Living) -> None:
    with store.transaction() as db:
        a_depot(db)
        order_id = an_order(db, "A1")
        assert write(db, order_id) == write(db, order_id)
        assert [count(db, table) for table in (message, effect, outbox)] == [1, 1, 1]
        row = db.execute(select(effect)).one()
    assert (row.status, row.attempts, row.target) == ("pending", 0, order_id)
    assert living.jobs() == [("drain_outbox", "")]


def test_another_text_to_the_same_person_is_another_message(record: Connection) -> None:
    a_depot(record)
    order_id = an_order(record, "A1")
    assert write(record, order_id) != write(record, order_id, "It will be later")
    assert count(record, outbox) == 2


def test_the_ledger_does_not_say_what_was_written(record: Connection) -> None:
    a_depot(record)
    write(record, an_order(record, "A1"), "Your parcel is with Mrs Blum")
    assert "Blum" not in str(record.execute(select(effect)).all())


def test_what_is_rolled_back_is_neither_entered_nor_sent(living: Living) -> None:
    with store.transaction() as db:
        a_depot(db)
        order_id = an_order(db, "A1")

    def write_and_fail() -> None:
        with store.transaction() as db:
            write(db, order_id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with store.transaction() as db:
        assert [count(db, table) for table in (message, effect, outbox)] == [0, 0, 0]
    assert living.jobs() == []


@pytest.mark.parametrize(
    ("case_id", "worked"), [("case_1", [("work_case", "case_1")]), (f"plan:{DEPOT}:{DAY}:1", [])], ids=["case", "plan"]
)
def test_an_outcome_makes_its_case_be_looked_at_again(
    living: Living, case_id: str, worked: list[tuple[str, str]]
) -> None:
    with store.transaction() as db:
        a_depot(db)
        write(db, an_order(db, "A1"), case_id=case_id)
    before = living.jobs()
    with store.transaction() as db:
        key = db.execute(select(effect.c.key)).scalar_one()
        effects.settle(db, key, "failed", at("09:01"), error="bad_address")
    assert living.jobs() == before + worked
    with store.transaction() as db:
        row = effects.of_case(db, case_id)[0]
        assert (row.status, row.error, row.done_at) == ("failed", "bad_address", at("09:01"))
        assert db.execute(select(outbox.c.done_at)).scalar_one() == at("09:01"), "it is not tried again"
