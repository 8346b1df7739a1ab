"""Texts from outside: taken when Twilio has signed them for our address, answered through the outbox, once."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from twilio.request_validator import RequestValidator

from core import clock, orders, preferences
from core.settings import override
from core.store import db as store
from core.store.tables import case, effect, message, outbox
from tests.api.visitors import Answer, Visitors, refused
from tests.living import an_order, at
from tools.notify import outbox as sending
from tools.notify.fake import FakeProvider

TOKEN, URL = "not-a-secret", "https://dispatch.example"
PATH = "/api/v1/inbound/sms"


@pytest.fixture
def line(visitors: Visitors) -> Iterator[TestClient]:
    """Twilio, calling."""
    override(TWILIO_AUTH_TOKEN=TOKEN, DOORSTEP_PUBLIC_URL=URL)
    yield visitors.nobody()
    override(TWILIO_AUTH_TOKEN="", DOORSTEP_PUBLIC_URL="")


def ordered(ref: str) -> tuple[str, str]:
    """An order's person and number."""
    with store.transaction() as db:
        row = orders.get(db, an_order(db, ref))
        number = f"+1555{int(row.id[-6:], 16) % 10_000_000:07d}"
        db.execute(text("UPDATE person SET phone = :phone WHERE id = :id"), {"phone": number, "id": row.person_id})
        return str(row.person_id), number


def texted(
    line: TestClient, number: str, words: str, sid: str, *, path: str = PATH, signed_for: str = "", token: str = TOKEN
) -> Answer:
    form = {"MessageSid": sid, "From": number, "To": "+15555550100", "Body": words, "NumMedia": "0"}
    signature = RequestValidator(token).compute_signature(signed_for or URL + path, form)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return line.post(path, content=urlencode(form), headers=headers)


def said(person_id: str) -> list[tuple[str, str, str | None]]:
    with store.transaction() as db:
        rows = db.execute(select(message).where(message.c.person_id == person_id).order_by(message.c.at)).all()
        return [(row.direction, row.channel, row.body) for row in rows]


def drained() -> list[tuple[str, str]]:
    """What has gone out by now, as (to, text), of all that waits."""
    provider = FakeProvider()
    sending.drain(provider)
    return [(each.to, each.text) for each in provider.delivered]


def test_a_text_is_answered_by_a_message_of_its_own(line: TestClient) -> None:
    person_id, number = ordered("S1")
    answer = texted(line, number, "Where is my order S1?", "SM01")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert answer.text.endswith("<Response/>"), "the reply is not in the answer"
    heard, reply = said(person_id)
    assert heard == ("in", "sms", "Where is my order S1?")
    assert reply[:2] == ("out", "sms")
    assert "S1" in (reply[2] or "")
    assert (number, reply[2]) in drained()


def test_a_text_that_is_handed_over_twice_is_one(line: TestClient) -> None:
    person_id, number = ordered("S2")
    for _ in range(2):
        assert texted(line, number, "Please deliver S2 on 2026-06-05 instead", "SM02").status_code == 200
    assert len(said(person_id)) == 2
    with store.transaction() as db:
        waiting = select(outbox.c.id).join(message, message.c.id == outbox.c.message_id)
        assert len(db.execute(waiting.where(message.c.person_id == person_id)).all()) == 1
        assert len(db.execute(select(case.c.id).where(case.c.facts["by"].astext.is_not(None))).all()) <= 1


def test_a_text_and_the_chat_are_one_conversation(line: TestClient, visitors: Visitors) -> None:
    person_id, number = ordered("S3")
    visitors.a("customer", person_id).post("/api/chat", json={"text": "Where is my order S3?"})
    texted(line, number, "thank you", "SM03")
    assert [channel for _, channel, _ in said(person_id)] == ["chat", "chat", "sms", "sms"]


def test_stop_is_a_fact_and_gets_no_word_of_ours(line: TestClient) -> None:
    person_id, number = ordered("S4")
    texted(line, number, "STOP", "SM04")
    with store.transaction() as db:
        assert preferences.of(db, person_id)["opted_out"]
    assert [direction for direction, _, _ in said(person_id)] == ["in"], "the carrier confirms it"
    texted(line, number, "Where is my order S4?", "SM05")
    drained()
    with store.transaction() as db:
        kept = db.execute(select(effect.c.status, effect.c.error).where(effect.c.case_id == f"talk:{person_id}")).one()
    assert tuple(kept) == ("failed", "opted_out")
    texted(line, number, "START", "SM06")
    assert any(to == number for to, _ in drained())


def test_replies_wait_for_no_morning_and_take_nothing_from_the_caps(line: TestClient, visitors: Visitors) -> None:
    person_id, number = ordered("S5")
    with store.transaction() as db:
        clock.set_simulated(db, at("22:45"))
    for turn in range(9):
        texted(line, number, "Where is my order S5?", f"SM5{turn}")
    assert len([to for to, _ in drained() if to == number]) == 9
    with store.transaction() as db:
        rules = set(db.execute(select(effect.c.rule).where(effect.c.case_id == f"talk:{person_id}")).scalars())
    assert rules == {"message.answers"}


def test_a_machine_that_answers_every_answer_is_not_answered_for_ever(line: TestClient) -> None:
    person_id, number = ordered("S6")
    for turn in range(33):
        texted(line, number, "Where is my order S6?", f"SM6{turn}")
    assert len([to for to, _ in drained() if to == number]) == 30
    assert person_id


def test_a_drivers_text_goes_to_the_dispatchers(line: TestClient, visitors: Visitors) -> None:
    number = "+15555550177"
    with store.transaction() as db:
        driver = text("UPDATE person SET phone = :n WHERE id = (SELECT person_id FROM driver WHERE id = 'van2-driver')")
        db.execute(driver, {"n": number})
    texted(line, number, "The gate at stop 3 is locked", "SM07")
    with store.transaction() as db:
        row = db.execute(select(case).where(case.c.kind == "driver_message")).one()
    assert (row.subject, row.status) == ("van2", "escalated")


@pytest.mark.parametrize("number", ["+15555559999", "12345", "DOORSTEP", ""])
def test_strangers_get_no_answer(line: TestClient, number: str) -> None:
    drained()
    assert texted(line, number, "Where is my order?", f"SM08{number}").status_code == 200
    assert drained() == []


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"token": "another"}, "signed by somebody else"),
        ({"signed_for": "https://elsewhere.example" + PATH}, "for another address"),
        ({"signed_for": f"{URL}{PATH}?a=b"}, "for another query"),
    ],
)
def test_what_twilio_has_not_signed_for_us_is_refused(line: TestClient, how: dict[str, str], why: str) -> None:
    person_id, number = ordered("S7")
    heard = len(said(person_id))
    refused(texted(line, number, "STOP", "SM09", **how), 401, fix="TWILIO_AUTH_TOKEN")
    assert len(said(person_id)) == heard, why


def test_another_text_under_the_same_signature_is_refused(line: TestClient) -> None:
    form = {"MessageSid": "SM10", "From": "+15555550101", "Body": "hello"}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    headers["X-Twilio-Signature"] = RequestValidator(TOKEN).compute_signature(URL + PATH, form)
    refused(line.post(PATH, content=urlencode(form | {"Body": "STOP"}), headers=headers), 401)


def test_without_its_settings_none_is_taken(visitors: Visitors) -> None:
    refused(texted(visitors.nobody(), "+15555550101", "hello", "SM11"), 503, fix="DOORSTEP_PUBLIC_URL")


def test_more_than_a_text_is_refused(line: TestClient) -> None:
    refused(texted(line, "+15555550101", "x" * 70_000, "SM12"), 413)


def test_a_form_without_an_id_names_it(line: TestClient) -> None:
    refused(texted(line, "+15555550101", "hello", ""), 422, field="MessageSid")
