"""Twilio by its own SDK against a server that speaks its specification: each failure is the right value."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from core.errors import Misconfigured
from tests.loopback import serving
from tests.tools.notify.twilio_server import ACCOUNT, FROM, NOW, TOKEN, TwilioServer
from tools.notify.port import Failed, OutMessage, Sent, Unknown
from tools.notify.twilio_sms import ERRORS, TwilioSender

TO = "+15555550123"
HELLO = OutMessage(key="k1", to=TO, text="Hello, 14:00 – 15:00")


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    with serving(TwilioServer()) as server:
        yield server
        assert server.violations == []


def sender(twilio: TwilioServer, *, token: str = TOKEN, timeout_s: float = 5.0) -> TwilioSender:
    return TwilioSender(ACCOUNT, token, FROM, api_url=twilio.url, timeout_s=timeout_s)


def test_a_message_is_created_as_the_specification_says(twilio: TwilioServer) -> None:
    outcome = sender(twilio).send(HELLO)
    [record] = twilio.records
    assert outcome == Sent(key="k1", provider_id=record["sid"])
    assert (record["to"], record["body"]) == (TO, HELLO.text)


def test_whatsapp_goes_to_its_own_kind_of_address(twilio: TwilioServer) -> None:
    whatsapp, hello = TwilioSender(ACCOUNT, TOKEN, FROM, FROM, api_url=twilio.url), on_whatsapp(HELLO)
    assert isinstance(whatsapp.send(hello), Sent)
    assert twilio.records[0]["to"] == f"whatsapp:{TO}"
    assert isinstance(whatsapp.find(hello, NOW), Sent)
    assert whatsapp.find(HELLO, NOW) is None, "a text to the same number is another message"


def test_without_a_number_of_its_own_there_is_no_whatsapp(twilio: TwilioServer) -> None:
    outcome = sender(twilio).send(on_whatsapp(HELLO))
    assert isinstance(outcome, Failed)
    assert (outcome.reason, twilio.requests) == ("misconfigured", [])


def on_whatsapp(message: OutMessage) -> OutMessage:
    return message.model_copy(update={"channel": "whatsapp"})


def test_it_asks_to_be_told_what_became_of_it(twilio: TwilioServer) -> None:
    reports = "https://dispatch.example/webhooks/twilio/status"
    asking = TwilioSender(ACCOUNT, TOKEN, FROM, reports=reports, api_url=twilio.url)
    assert isinstance(asking.send(HELLO.model_copy(update={"key": "case_1:message.send:ord 1:ab"})), Sent)
    assert twilio.callbacks == [f"{reports}?effect=case_1%3Amessage.send%3Aord%201%3Aab"]


def test_a_messaging_service_may_be_the_sender(twilio: TwilioServer) -> None:
    service = TwilioSender(ACCOUNT, TOKEN, "MG" + "b" * 32, api_url=twilio.url)
    assert isinstance(service.send(HELLO), Sent)


@pytest.mark.parametrize(
    ("status", "code", "reason", "retry"),
    [
        (400, 21610, "opted_out", False),
        (400, 21211, "bad_address", False),
        (400, 21614, "bad_address", False),
        (400, 21606, "misconfigured", False),
        (400, 99999, "refused", False),
        (403, 0, "misconfigured", False),
        (429, 20429, "rate_limited", True),
    ],
)
def test_what_twilio_refuses_was_not_sent(
    twilio: TwilioServer, status: int, code: int, reason: str, retry: bool
) -> None:
    twilio.will("refuse", status, code)
    outcome = sender(twilio).send(HELLO)
    assert isinstance(outcome, Failed)
    assert (outcome.reason, outcome.retry) == (reason, retry)
    assert "555" not in outcome.detail
    assert twilio.records == []


@pytest.mark.parametrize(
    ("how", "status", "reason"),
    [
        ("accept_then_hang", 0, "timeout"),
        ("drop", 0, "connection"),
        ("accept_then", 500, "provider_error"),
        ("accept_then", 503, "provider_error"),
        ("garbage", 0, "provider_error"),
    ],
)
def test_an_answer_lost_after_accepting_is_unknown_and_then_found(
    twilio: TwilioServer, how: str, status: int, reason: str
) -> None:
    twilio.will(how, status)
    ours = sender(twilio, timeout_s=0.3)
    outcome = ours.send(HELLO)
    assert isinstance(outcome, Unknown), outcome
    assert outcome.reason == reason
    assert ours.find(HELLO, NOW) == Sent(key="k1", provider_id=twilio.records[0]["sid"])
    assert len(twilio.records) == 1


def test_a_timeout_before_accepting_is_unknown_and_not_found(twilio: TwilioServer) -> None:
    twilio.will("hang")
    ours = sender(twilio, timeout_s=0.3)
    assert isinstance(ours.send(HELLO), Unknown)
    assert ours.find(HELLO, NOW) is None


def test_a_server_that_is_not_there_was_not_sent_to() -> None:
    with serving(TwilioServer()) as gone:
        pass
    outcome = sender(gone).send(HELLO)
    assert isinstance(outcome, Failed)
    assert (outcome.reason, outcome.retry) == ("unreachable", True)
    assert isinstance(sender(gone).find(HELLO, NOW), Unknown)


def test_a_wrong_token_is_misconfigured(twilio: TwilioServer) -> None:
    outcome = sender(twilio, token="wrong").send(HELLO)
    assert isinstance(outcome, Failed)
    assert outcome.reason == "misconfigured"


@pytest.mark.parametrize(
    ("body", "to", "age", "direction", "found"),
    [
        (HELLO.text, TO, timedelta(0), "outbound-api", True),
        (f"Sent from your Twilio trial account - {HELLO.text}", TO, timedelta(0), "outbound-api", True),
        ("another text", TO, timedelta(0), "outbound-api", False),
        (HELLO.text, "+15555550124", timedelta(0), "outbound-api", False),
        (HELLO.text, TO, timedelta(hours=1), "outbound-api", False),  # before we first tried
        (HELLO.text, TO, timedelta(seconds=30), "outbound-api", True),  # their clock is a little behind
        (HELLO.text, TO, timedelta(0), "inbound", False),
    ],
)
@pytest.mark.parametrize("status", ["queued", "delivered"])
def test_find_goes_by_address_time_and_text(
    twilio: TwilioServer, body: str, to: str, age: timedelta, direction: str, found: bool, status: str
) -> None:
    twilio.add(to, body, at=NOW - age, direction=direction, status=status)
    assert isinstance(sender(twilio).find(HELLO, NOW), Sent) is found


def test_find_reads_further_pages(twilio: TwilioServer) -> None:
    sid = twilio.add(TO, HELLO.text)
    for n in range(5):
        twilio.add(TO, f"later {n}")
    assert sender(twilio).find(HELLO, NOW) == Sent(key="k1", provider_id=sid)
    assert len(twilio.requests) == 3


def test_find_does_not_answer_with_a_message_that_another_key_has(twilio: TwilioServer) -> None:
    first = twilio.add(TO, HELLO.text)
    ours = sender(twilio)
    assert ours.find(HELLO, NOW, frozenset({first})) is None
    second = twilio.add(TO, HELLO.text)
    assert ours.find(HELLO, NOW, frozenset({first})) == Sent(key="k1", provider_id=second)


@pytest.mark.parametrize("status", [429, 500])
def test_a_lookup_without_an_answer_is_not_a_no(twilio: TwilioServer, status: int) -> None:
    twilio.add(TO, HELLO.text)
    twilio.will("refuse", status)
    assert isinstance(sender(twilio).find(HELLO, NOW), Unknown)


def test_too_many_messages_to_read_is_not_a_no(twilio: TwilioServer) -> None:
    twilio.page_size = 500
    twilio.add(TO, "newer")
    twilio.records *= 500
    assert isinstance(sender(twilio).find(HELLO, NOW), Unknown)
    assert sender(twilio).find(HELLO, NOW + timedelta(days=1)) is None  # all of them are older than our first try


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("", TOKEN, FROM), "TWILIO_ACCOUNT_SID"),
        ((ACCOUNT, "", FROM), "TWILIO_AUTH_TOKEN"),
        ((ACCOUNT, TOKEN, ""), "TWILIO_FROM"),
    ],
)
def test_a_missing_setting_is_named(arguments: tuple[str, str, str], field: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        TwilioSender(*arguments)
    assert caught.value.field == field


def test_no_number_and_no_token_reaches_the_log(twilio: TwilioServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ours = sender(twilio)
    ours.send(HELLO)
    ours.find(HELLO, NOW)
    assert TO[1:] not in caplog.text
    assert TOKEN not in caplog.text


def test_every_error_code_is_one_of_the_port() -> None:
    for reason in ERRORS.values():
        Failed(key="k", reason=reason)
