"""Drivers write and are written to: a line each, a case until somebody answers, and no words outside the line."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Row, select

from core import cases, log
from core.clock import parse
from core.errors import BadInput, NotFound
from core.principals import Principal
from core.store.tables import case, decision, event
from tests.living import a_depot, a_van, at, who
from tools import driver_talk

WORDS = "The gate code at 5 Elm does not work, 4711 neither"


@pytest.fixture
def driver(record: Connection) -> Principal:
    a_depot(record)
    a_van(record)
    who(record, "dispatcher")
    return who(record, "driver", "van1-driver")


def write(
    db: Connection, driver: Principal, text: str = WORDS, key: str | None = None, danger: bool = False
) -> dict[str, str]:
    return driver_talk.said(db, driver, text, key, at("09:00"), danger=danger)


def the_cases(db: Connection) -> list[Row[tuple[object, ...]]]:
    return list(db.execute(select(case).where(case.c.kind == driver_talk.KIND).order_by(case.c.id)))


def test_a_message_is_a_case_of_whoever_is_on_duty(record: Connection, driver: Principal) -> None:
    said = write(record, driver)
    row = cases.get(record, said["case"])
    assert (row.status, row.reason_code, row.owner is not None) == ("escalated", "driver_message", True)
    assert parse(said["answer_by"]) == row.due_by


def test_more_messages_join_it(record: Connection, driver: Principal) -> None:
    first, second = write(record, driver), write(record, driver, "Hello?")
    assert first["case"] == second["case"]
    assert [line["text"] for line in driver_talk.lines(record, driver)] == [WORDS, "Hello?"]


def test_the_same_key_is_the_same_message(record: Connection, driver: Principal) -> None:
    assert write(record, driver, key="k1") == write(record, driver, key="k1")
    assert len(driver_talk.lines(record, driver)) == 1
    with pytest.raises(BadInput):
        write(record, driver, "other words", key="k1")


def test_an_answer_closes_it_and_is_in_the_drivers_thread(record: Connection, driver: Principal) -> None:
    said = write(record, driver)
    assert driver_talk.answer(record, "van1-driver", "Ring 12", at("09:05"))["closed"] == [said["case"]]
    row = cases.get(record, said["case"])
    assert (row.status, row.reason_code) == ("closed", "answered")
    assert [(line["direction"], line["text"]) for line in driver_talk.lines(record, driver)] == [
        ("in", WORDS),
        ("out", "Ring 12"),
    ]


def test_danger_is_a_case_of_its_own_even_when_one_is_open(record: Connection, driver: Principal) -> None:
    write(record, driver)
    write(record, driver, "I am hurt, there was an accident", danger=True)
    assert sorted(str(row.reason_code) for row in the_cases(record)) == ["driver_message", "safety"]


def test_words_stand_in_no_event_no_case_and_no_decision(record: Connection, driver: Principal) -> None:
    write(record, driver)
    kept = [
        str(row)
        for row in [*record.execute(select(event)), *record.execute(select(case)), *record.execute(select(decision))]
    ]
    kept += [str(entry) for entry in log.entries(record)]
    assert not any("4711" in text for text in kept)


def test_nobody_writes_to_a_driver_who_is_not_there(record: Connection, driver: Principal) -> None:
    with pytest.raises(NotFound):
        driver_talk.answer(record, "nobody", "hi", at("09:00"))
