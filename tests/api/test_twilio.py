"""What Twilio tells us: taken when it has signed it for our address and account; texts are answered through the outbox,
once, and reports settle what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update
from twilio.request_validator import RequestValidator

from agent import conversation, texting
from core import clock, effects, orders, preferences, proofs
from core.settings import override
from core.store import db as store
from core.store.tables import case, effect, inbound, message, outbox
from tests.api.visitors import Answer, Visitors, refused
from tests.living import Living, an_order, at
from tools.notify import outbox as sending
from tools.notify.fake import FakeProvider
from tools.pictures import Picture

TOKEN, URL = "not-a-secret", "https://dispatch.example"
PATH, STATUS = "/webhooks/twilio/message", "/webhooks/twilio/status"
ACCOUNT = "AC" + "a" * 32


@dataclass
class Twilio:
    """Twilio, calling; a worker answers what it hands over."""

    client: TestClient
    living: Living
    pictures: dict[str, Picture] = field(default_factory=dict)

    def work(self) -> None:
        for task, subject in self.living.jobs():
            if task == "answer_texts":
                texting.work(subject, self.pictures.get)


@pytest.fixture
def line(visitors: Visitors) -> Iterator[Twilio]:
    override(TWILIO_AUTH_TOKEN=TOKEN, TWILIO_ACCOUNT_SID=ACCOUNT, DOORSTEP_PUBLIC_URL=URL)
    yield Twilio(visitors.nobody(), visitors.living)
    override(TWILIO_AUTH_TOKEN="", TWILIO_ACCOUNT_SID="", DOORSTEP_PUBLIC_URL="")


def ordered(ref: str) -> tuple[str, str]:
    """An order's person and number."""
    with store.transaction() as db:
        row = orders.get(db, an_order(db, ref))
        number = f"+1555{int(row.id[-6:], 16) % 10_000_000:07d}"
        db.execute(text("UPDATE person SET phone = :phone WHERE id = :id"), {"phone": number, "id": row.person_id})
        return str(row.person_id), number


def texted(line: Twilio, number: str, words: str, sid: str, *, worked: bool = True, **how: Any) -> Answer:
    """One text, answered when it was taken. `how` is as in `called`, or fields of the form."""
    form = {"MessageSid": sid, "From": number, "To": "+15555550100", "Body": words, "NumMedia": "0"}
    answer = called(line.client, form, **how)
    if worked:
        line.work()
    return answer


def called(
    client: TestClient, form: dict[str, str], path: str = PATH, signed_for: str = "", token: str = TOKEN, **more: str
) -> Answer:
    form = {"AccountSid": ACCOUNT, **form, **more}
    signature = RequestValidator(token).compute_signature(signed_for or URL + path, form)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return client.post(path, content=urlencode(form), headers=headers)


def said(person_id: str) -> list[tuple[str, str, str | None]]:
    with store.transaction() as db:
        rows = db.execute(select(message).where(message.c.person_id == person_id).order_by(message.c.at)).all()
        return [(row.direction, row.channel, row.body) for row in rows]


def drained() -> list[tuple[str, str]]:
    """What has gone out by now, as (to, text), of all that waits."""
    provider = FakeProvider()
    sending.drain(provider)
    return [(each.to, each.text) for each in provider.delivered]


def test_a_text_is_answered_by_a_message_of_its_own(line: Twilio) -> None:
    person_id, number = ordered("S1")
    answer = texted(line, number, "Where is my order S1?", "SM01")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert answer.text.endswith("<Response/>"), "the reply is not in the answer"
    heard, reply = said(person_id)
    assert heard == ("in", "sms", "Where is my order S1?")
    assert reply[:2] == ("out", "sms")
    assert "S1" in (reply[2] or "")
    assert (number, reply[2]) in drained()


def test_a_text_that_is_handed_over_twice_is_one(line: Twilio) -> None:
    person_id, number = ordered("S2")
    for _ in range(2):
        assert texted(line, number, "Please deliver S2 on 2026-06-05 instead", "SM02").status_code == 200
    assert len(said(person_id)) == 2
    with store.transaction() as db:
        waiting = select(outbox.c.id).join(message, message.c.id == outbox.c.message_id)
        assert len(db.execute(waiting.where(message.c.person_id == person_id)).all()) == 1
        assert len(db.execute(select(case.c.id).where(case.c.facts["by"].astext.is_not(None))).all()) <= 1


def test_a_text_and_the_chat_are_one_conversation(line: Twilio, visitors: Visitors) -> None:
    person_id, number = ordered("S3")
    visitors.a("customer", person_id).post("/api/chat", json={"text": "Where is my order S3?"})
    texted(line, number, "thank you", "SM03")
    assert [channel for _, channel, _ in said(person_id)] == ["chat", "chat", "sms", "sms"]


def test_stop_is_a_fact_and_gets_no_word_of_ours(line: Twilio) -> None:
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


def test_replies_wait_for_no_morning_and_take_nothing_from_the_caps(line: Twilio, visitors: Visitors) -> None:
    person_id, number = ordered("S5")
    with store.transaction() as db:
        clock.set_simulated(db, at("22:45"))
    for turn in range(9):
        texted(line, number, "Where is my order S5?", f"SM5{turn}")
    assert len([to for to, _ in drained() if to == number]) == 9
    with store.transaction() as db:
        rules = set(db.execute(select(effect.c.rule).where(effect.c.case_id == f"talk:{person_id}")).scalars())
    assert rules == {"message.answers"}


def test_a_machine_that_answers_every_answer_is_not_answered_for_ever(line: Twilio) -> None:
    person_id, number = ordered("S6")
    for turn in range(33):
        texted(line, number, "Where is my order S6?", f"SM6{turn}")
    assert len([to for to, _ in drained() if to == number]) == 30
    assert person_id


def test_a_drivers_text_goes_to_the_dispatchers(line: Twilio, visitors: Visitors) -> None:
    number = "+15555550177"
    with store.transaction() as db:
        driver = text("UPDATE person SET phone = :n WHERE id = (SELECT person_id FROM driver WHERE id = 'van2-driver')")
        db.execute(driver, {"n": number})
    texted(line, number, "The gate at stop 3 is locked", "SM07")
    with store.transaction() as db:
        row = db.execute(select(case).where(case.c.kind == "driver_message")).one()
    assert (row.subject, row.status) == ("van2", "escalated")


@pytest.mark.parametrize("number", ["+15555559999", "12345", "DOORSTEP", ""])
def test_strangers_get_no_answer(line: Twilio, number: str) -> None:
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
def test_what_twilio_has_not_signed_for_us_is_refused(line: Twilio, how: dict[str, Any], why: str) -> None:
    person_id, number = ordered("S7")
    heard = len(said(person_id))
    refused(texted(line, number, "STOP", "SM09", **how), 401, fix="TWILIO_AUTH_TOKEN")
    assert len(said(person_id)) == heard, why


def test_another_text_under_the_same_signature_is_refused(line: Twilio) -> None:
    form = {"MessageSid": "SM10", "From": "+15555550101", "Body": "hello"}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    headers["X-Twilio-Signature"] = RequestValidator(TOKEN).compute_signature(URL + PATH, form)
    refused(line.client.post(PATH, content=urlencode(form | {"Body": "STOP"}), headers=headers), 401)


def test_without_its_settings_none_is_taken(visitors: Visitors) -> None:
    refused(called(visitors.nobody(), {"MessageSid": "SM11"}), 503, fix="DOORSTEP_PUBLIC_URL")


def test_more_than_a_text_is_refused(line: Twilio) -> None:
    refused(texted(line, "+15555550101", "x" * 70_000, "SM12"), 413)


def test_a_form_without_an_id_names_it(line: Twilio) -> None:
    refused(texted(line, "+15555550101", "hello", ""), 422, field="MessageSid")


def test_it_is_taken_at_once_and_answered_after(line: Twilio) -> None:
    person_id, number = ordered("S13")
    for _ in range(100):
        assert texted(line, number, "Where is my order S13?", "SM13", worked=False).status_code == 200
    assert said(person_id) == []
    line.work()
    assert [direction for direction, _, _ in said(person_id)] == ["in", "out"], "one text, however often it comes"
    with store.transaction() as db:
        kept = db.execute(select(inbound.c.body).where(inbound.c.id == "SM13")).scalar_one()
    assert kept is None, "its words are in the conversation now"


def test_texts_of_one_person_are_answered_in_turn(line: Twilio) -> None:
    person_id, number = ordered("S14")
    texted(line, number, "Where is my order S14?", "SM14Z", worked=False)
    texted(line, number, "thank you", "SM14A")
    assert [body for direction, _, body in said(person_id) if direction == "in"] == [
        "Where is my order S14?",
        "thank you",
    ]


def test_whatsapp_is_answered_on_whatsapp(line: Twilio) -> None:
    person_id, number = ordered("S15")
    texted(line, f"whatsapp:{number}", "Where is my order S15?", "SM15")
    assert [channel for _, channel, _ in said(person_id)] == ["whatsapp", "whatsapp"]


def test_another_account_is_refused(line: Twilio) -> None:
    _, number = ordered("S16")
    refused(texted(line, number, "STOP", "SM16", AccountSid="AC" + "b" * 32), 401, fix="TWILIO_ACCOUNT_SID")


def test_a_text_that_breaks_us_goes_to_a_person(line: Twilio, monkeypatch: pytest.MonkeyPatch) -> None:
    person_id, number = ordered("S17")

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(conversation, "turn", broken)
    texted(line, number, "hello", "SM17")
    with store.transaction() as db:
        row = db.execute(select(case).where(case.c.kind == "human", case.c.facts["person"].astext == person_id)).one()
    assert (row.status, row.facts["reason"]) == ("escalated", "internal_error")


JPEG = Picture(b"\xff\xd8\xff" + bytes(100), "image/jpeg")


def test_a_picture_of_damage_is_kept_with_the_claim(line: Twilio) -> None:
    person_id, number = ordered("S18")
    with store.transaction() as db:
        row = orders.of_person(db, person_id)[0]
        orders.set_status(db, [row.id], "delivered")
    media = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"
    line.pictures[media] = JPEG
    texted(line, number, "S18 arrived damaged, the box is crushed", "SM18", NumMedia="1", MediaUrl0=media)
    with store.transaction() as db:
        claim = db.execute(select(case).where(case.c.kind == "damage", case.c.subject == row.id)).one()
        [kept] = proofs.files_of(db, row.id)
    assert (claim.facts["photo"], kept.content) == (kept.sha256, JPEG.content)


# What became of ours --------------------------------------------------------------------------------------------------


def a_message(status: str = "done", ref: str | None = "SM1") -> tuple[str, str]:
    """An effect that was sent, and its person."""
    person_id, _ = ordered(f"R{len(SENT)}")
    SENT.append(person_id)
    with store.transaction() as db:
        row = orders.of_person(db, person_id)[0]
        effects.queue_message(db, f"test:{row.id}", person_id, row.id, "confirm", "Hello", clock.now(db))
        mine = effect.c.case_id == f"test:{row.id}"
        db.execute(update(effect).where(mine).values(status=status, provider_ref=ref))
        return str(db.execute(select(effect.c.key).where(mine)).scalar_one()), person_id


SENT: list[str] = []


def report(line: Twilio, key: str, step: str, sid: str = "SM1", **more: str) -> Answer:
    return called(line.client, {"MessageSid": sid, "MessageStatus": step}, f"{STATUS}?effect={quote(key)}", **more)


def standing(key: str) -> tuple[str, str | None, str | None]:
    with store.transaction() as db:
        row = db.execute(select(effect).where(effect.c.key == key)).one()
        return row.status, row.delivery, row.error


@pytest.mark.parametrize(
    ("steps", "end"),
    [
        (["sent", "delivered"], ("done", "delivered", None)),
        (["delivered", "sent", "queued", "delivered"], ("done", "delivered", None)),
        (["sent", "undelivered", "delivered"], ("failed", "undelivered", "refused")),
        (["sent", "half sent"], ("done", "sent", None)),
    ],
)
def test_reports_come_in_any_order(line: Twilio, steps: list[str], end: tuple[str, str, str | None]) -> None:
    key, _ = a_message()
    for step in steps:
        assert report(line, key, step).status_code == 204
    assert standing(key) == end


def test_a_report_settles_what_never_got_an_answer(line: Twilio) -> None:
    key, _ = a_message("unknown", None)
    report(line, key, "sent", "SM77")
    with store.transaction() as db:
        row = db.execute(select(effect).where(effect.c.key == key)).one()
    assert (row.status, row.provider_ref) == ("done", "SM77")


def test_a_report_of_another_message_changes_nothing(line: Twilio) -> None:
    key, _ = a_message()
    report(line, key, "failed", "SM99")
    assert report(line, "nobody's", "failed").status_code == 204
    assert standing(key) == ("done", None, None)


def test_who_has_opted_out_at_the_carrier_has_opted_out(line: Twilio) -> None:
    key, person_id = a_message()
    report(line, key, "failed", ErrorCode="21610")
    assert standing(key) == ("failed", "failed", "opted_out")
    with store.transaction() as db:
        assert preferences.of(db, person_id)["opted_out"]


def test_reports_are_signed_too(line: Twilio) -> None:
    key, _ = a_message()
    refused(report(line, key, "failed", token="another"), 401)
    assert standing(key)[0] == "done"
